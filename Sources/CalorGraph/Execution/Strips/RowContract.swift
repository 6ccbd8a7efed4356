import CalorTensor

/// Planes of rows that a step reads or writes.
struct RowPlanes: Sendable, Hashable {
    var place: Place
    /// Channels that are touched, from `firstChannel` of the place on.
    var firstChannel = 0
    var channels: Int
    var height: Int
    var width: Int
    var layout: ActivationLayout

    /// Floats of one row of one plane.
    var rowFloats: Int { width * lanes }
    var lanes: Int { layout == .nchw ? 1 : 8 }
    /// Planes of one channel or of eight.
    var planes: Int { (channels + lanes - 1) / lanes }

    /// The channels in the whole base; nil when the place does not begin with a channel.
    var channelsOfBase: Range<Int>? {
        let channelBytes = height * width * 4
        guard channelBytes > 0, place.offset % channelBytes == 0 else { return nil }
        let first = place.offset / channelBytes + firstChannel
        return first..<first + channels
    }

    /// Whether both are cut into rows alike.
    func isCutLike(_ other: RowPlanes) -> Bool { height == other.height && width == other.width && layout == other.layout }
}

/// What a step that works row by row needs and makes: enough to run it on any range of its rows.
struct RowContract: Sendable {
    struct Read: Sendable {
        var planes: RowPlanes
        var reach: RowReach
        /// Rows of the input that must follow each other in memory, from a multiple of it on.
        var alignment = 1
        /// Whether the rows lie as those of the output do.
        var isLaidOutLikeOutput = false
    }

    var reads: [Read]
    var write: RowPlanes
    /// Row ranges begin at multiples of this and end there or at the last row.
    var alignment = 1
}
