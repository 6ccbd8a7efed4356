import CalorImage

/// What a sensor shows of itself, from frames taken with the shutter closed: the median over time of every pixel, so that the noise
/// of single frames and a particle's hit in one of them do not count.
///
/// *Complexity*: O(pixels · frames · log(frames)).
public struct DarkFrame: Sendable, Equatable {
    public let values: [Float]
    public let size: Size
    public let frames: Int

    /// *Throws*: `thermal.parameter` without frames or when their sizes differ.
    public init(frames: [Plane]) throws(ThermalFault) {
        guard let first = frames.first else {
            throw .parameter(name: "the dark frames", value: "none", allowed: "at least one picture with the shutter closed")
        }
        if let other = frames.first(where: { $0.size != first.size }) {
            throw .parameter(name: "a dark frame", value: "\(other.size)", allowed: "frames of one size, \(first.size)")
        }
        size = first.size
        self.frames = frames.count
        let stacks = frames.map { $0.floats() }
        guard stacks.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw .nothingFinite }
        var column = [Float](repeating: 0, count: stacks.count)
        values = (0..<first.size.pixels).map { i in
            for (at, stack) in stacks.enumerated() { column[at] = stack[i] }
            column.sort()
            let (below, above) = (column[(column.count - 1) / 2], column[column.count / 2])
            // Floats of 24 bits hold the halves of 16-bit counts exactly.
            return (below + above) / 2
        }
    }

    public var mean: Double { values.reduce(0) { $0 + Double($1) } / Double(max(values.count, 1)) }

    /// Subtracts the frame from a plane, or from the full rows of one that begin at `y`.
    ///
    /// - Parameter keepsLevel: only what differs from the frame's mean is taken away, so that counts keep their level and their
    ///   calibration.
    public func subtract(from part: Plane, y: Int = 0, keepsLevel: Bool = true) -> Plane {
        precondition(part.width == size.width && y >= 0 && y + part.height <= size.height, "the part is not of \(size)")
        let level = keepsLevel ? mean : 0
        var samples = part.floats()
        let first = y * size.width
        for i in samples.indices where samples[i].isFinite {
            samples[i] = Float(Double(samples[i]) - Double(values[first + i]) + level)
        }
        return Plane(size: part.size, floats: samples, format: part.format)
    }
}
