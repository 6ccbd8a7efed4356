import CalorImage

/// How a large image is cut into strips of rows so that a network's activations fit a budget.
///
/// *Precision*: the result is the same to the bit for every cut. A Winograd tile rounds four pixels together, so one 3×3 layer can
/// carry a difference of the last bit across four rows instead of one; the halo is therefore `tileReach` times the receptive field,
/// and strips begin on multiples of `alignment`, where the tiles of the whole image begin as well.
struct Strips: Equatable {
    static let tileReach = 4
    static let alignment = 16

    struct Strip: Equatable {
        /// Rows of the input that this strip answers for.
        var core: Range<Int>
        /// Rows of the input that the network is given.
        var padded: Range<Int>
    }

    let strips: [Strip]

    /// The fewest strips of `height` rows whose padded height stays within `maximumRows`.
    ///
    /// A network without a finite receptive field gets one strip, whatever the budget.
    init(height: Int, receptiveField: Int?, maximumRows: Int) {
        guard let receptiveField, height > maximumRows else {
            strips = [Strip(core: 0..<height, padded: 0..<height)]
            return
        }
        let halo = Self.roundUp(receptiveField * Self.tileReach)
        // A strip that is nearly all halo costs more than it saves: the core is never smaller than the halo.
        let core = max(Self.roundUp(max(maximumRows - 2 * halo, 1)), max(halo, Self.alignment))
        var list: [Strip] = []
        var start = 0
        while start < height {
            // A short rest joins the last strip.
            let end = height - start <= core + core / 4 ? height : start + core
            list.append(Strip(core: start..<end, padded: max(0, start - halo)..<min(height, end + halo)))
            start = end
        }
        strips = list
    }

    static func roundUp(_ n: Int) -> Int { (n + alignment - 1) / alignment * alignment }
}
