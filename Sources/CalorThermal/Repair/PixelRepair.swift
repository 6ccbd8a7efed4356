import CalorImage

// Goals, in order: a healthy image stays as it is; what is replaced looks like its surroundings; the same result however the image is
// cut (everything is decided while looking at the whole image).

/// Finds dead and hot pixels, or takes them from a map, and fills them from their neighbours.
///
/// A pixel is defective when it lies outside the range of its eight neighbours by more than what noise and the fine structure around
/// it explain. The two most extreme neighbours on either side are left out of that range, so that pairs of defective pixels are
/// found too. A real source of heat that lights up a single pixel cannot be told from a hot pixel in one frame: use a map there.
///
/// *Complexity*: O(pixels), and O(defects · neighbours) for filling.
/// *Source*: our own, after the switching median filter of T. Sun and Y. Neuvo, 1994.
public struct PixelRepair: Sendable, Equatable {
    /// How many times the usual noise a pixel must stand out.
    public let threshold: Double
    /// More defects than this share are no defects but a picture that this method does not suit.
    public static let greatestShare = 0.05

    /// Holes wider than this are not filled: nothing around them says what was there.
    public static let greatestRadius = 16

    /// - Parameter threshold: 8 leaves all of a normal distribution alone and finds what a viewer sees.
    public init(threshold: Double = 8) throws(ThermalFault) {
        try validate("the threshold", threshold, in: 3...1000)
        self.threshold = threshold
    }

    /// The defects of a whole plane, in reading order.
    ///
    /// *Throws*: `thermal.too-small` under 5×5; `thermal.too-many-defects`.
    public func detect(in plane: Plane) throws(ThermalFault) -> [Int] {
        guard plane.width >= 5, plane.height >= 5 else {
            throw .tooSmall(what: "finding defective pixels", size: "\(plane.size)", minimum: "5×5 pixels")
        }
        let values = plane.floats()
        let noise = max(Self.noise(of: values, width: plane.width), plane.format == .f32 ? 0 : 0.5)
        var defects: [Int] = []
        var ring = [Float](repeating: 0, count: 8)
        for y in 0..<plane.height {
            for x in 0..<plane.width {
                let i = y * plane.width + x
                guard values[i].isFinite else {
                    defects.append(i)
                    continue
                }
                let count = Self.ring(around: x, y, of: values, plane.size, into: &ring)
                guard count >= 3 else { continue }
                let sorted = ring[..<count].sorted()
                // With few neighbours (corners) only the most extreme is left out.
                let trim = count >= 5 ? 2 : 1
                let (low, high) = (sorted[trim], sorted[count - 1 - trim])
                let middle = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
                let allowed = Float(threshold * noise) + 2 * (high - low)
                if abs(values[i] - middle) > allowed, values[i] > sorted[count - trim] || values[i] < sorted[trim - 1] {
                    defects.append(i)
                }
            }
        }
        guard defects.count <= max(4, Int(Double(values.count) * Self.greatestShare)) else {
            throw .tooManyDefects(found: defects.count, pixels: values.count)
        }
        return defects
    }

    /// What the defects are replaced by: the median of the healthy pixels in the smallest window around that has at least three;
    /// nil where a defect has no three healthy pixels within `greatestRadius`.
    public static func replacements(for defects: [Int], in plane: Plane) -> PixelCorrection? {
        let values = plane.floats()
        var isDefective = [Bool](repeating: false, count: values.count)
        for at in defects where values.indices.contains(at) { isDefective[at] = true }
        var filled: [Float] = []
        for at in defects {
            let (x, y) = (at % plane.width, at / plane.width)
            var near: [Float] = []
            var radius = 0
            while near.count < 3 {
                radius += 1
                guard radius <= greatestRadius else { return nil }
                near.removeAll(keepingCapacity: true)
                for row in max(0, y - radius)...min(plane.height - 1, y + radius) {
                    for column in max(0, x - radius)...min(plane.width - 1, x + radius) {
                        let i = row * plane.width + column
                        if !isDefective[i], values[i].isFinite { near.append(values[i]) }
                    }
                }
            }
            near.sort()
            filled.append((near[(near.count - 1) / 2] + near[near.count / 2]) / 2)
        }
        return PixelCorrection(places: defects, values: filled, width: plane.width)
    }

    /// Detects and fills.
    public func applied(to plane: Plane) throws(ThermalFault) -> Plane {
        let defects = try detect(in: plane)
        guard let correction = Self.replacements(for: defects, in: plane) else {
            throw .tooManyDefects(found: defects.count, pixels: plane.size.pixels)
        }
        return correction.apply(to: plane)
    }

    // MARK: - Measuring

    /// The finite neighbours of a pixel, fewer at the border.
    private static func ring(around x: Int, _ y: Int, of values: [Float], _ size: Size, into ring: inout [Float]) -> Int {
        var count = 0
        for row in max(0, y - 1)...min(size.height - 1, y + 1) {
            for column in max(0, x - 1)...min(size.width - 1, x + 1) where row != y || column != x {
                let value = values[row * size.width + column]
                guard value.isFinite else { continue }
                ring[count] = value
                count += 1
            }
        }
        return count
    }

    /// The deviation of what a straight line through two neighbours does not explain, robustly: noise and finest structure.
    private static func noise(of values: [Float], width: Int) -> Double {
        var rest: [Double] = []
        // Every pixel counts in small images; in large ones a regular choice is enough.
        let step = max(1, values.count / 65_536)
        for i in stride(from: 1, to: values.count - 1, by: step) where i % width != 0 && i % width != width - 1 {
            let value = Double(values[i]) - (Double(values[i - 1]) + Double(values[i + 1])) / 2
            if value.isFinite { rest.append(value) }
        }
        // The variance of a − (b + c) / 2 is 1.5 times that of a.
        return robustDeviation(rest) / 1.5.squareRoot()
    }
}

/// New values for some pixels of an image.
public struct PixelCorrection: Sendable, Equatable {
    /// In reading order of the whole image.
    public let places: [Int]
    public let values: [Float]
    let width: Int

    /// Replaces the pixels of a plane, or of the full rows of one that begin at `y`.
    public func apply(to part: Plane, y: Int = 0) -> Plane {
        let range = y * width..<(y + part.height) * width
        var samples = part.floats()
        var at = places.partitioningIndex { $0 >= range.lowerBound }
        while at < places.count, places[at] < range.upperBound {
            samples[places[at] - range.lowerBound] = values[at]
            at += 1
        }
        return Plane(size: part.size, floats: samples, format: part.format)
    }
}

extension [Int] {
    /// The first index whose element passes, in an array whose elements pass from some index on.
    fileprivate func partitioningIndex(where passes: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if passes(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
