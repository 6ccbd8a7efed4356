/// Whole-plane figures in the plane's own units.
///
/// *Precision*: sums are double, row by row from the top. For f32 planes NaN and infinities are counted and left out of every figure.
public struct PlaneStatistics: Sendable, Equatable {
    public var minimum: Double
    public var maximum: Double
    public var mean: Double
    /// Of the whole population (divided by the number of samples).
    public var standardDeviation: Double
    /// Samples that are NaN or infinite.
    public var nonFinite: Int
    public var samples: Int

    public var isFinite: Bool { nonFinite == 0 }

    /// All figures are zero when no sample is finite.
    public init(of plane: Plane) {
        switch plane.samples {
        case .u8(let s): self.init(s, value: { Double($0) })
        case .u16(let s): self.init(s, value: { Double($0) })
        case .f32(let s): self.init(s, value: { Double($0) })
        }
    }

    private init<T>(_ values: [T], value: (T) -> Double) {
        var low = Double.infinity
        var high = -Double.infinity
        var sum = 0.0
        var finite = 0
        for sample in values {
            let v = value(sample)
            guard v.isFinite else { continue }
            low = min(low, v)
            high = max(high, v)
            sum += v
            finite += 1
        }
        let mean = finite > 0 ? sum / Double(finite) : 0
        var squares = 0.0
        for sample in values {
            let v = value(sample)
            guard v.isFinite else { continue }
            squares += (v - mean) * (v - mean)
        }
        minimum = finite > 0 ? low : 0
        maximum = finite > 0 ? high : 0
        self.mean = mean
        standardDeviation = finite > 0 ? (squares / Double(finite)).squareRoot() : 0
        nonFinite = values.count - finite
        samples = values.count
    }
}

extension Plane {
    /// The least and the greatest finite sample; nil when there is none.
    public var finiteRange: ClosedRange<Double>? {
        func integers<T: FixedWidthInteger>(_ samples: [T]) -> ClosedRange<Double>? {
            var low = T.max
            var high = T.min
            for sample in samples {
                low = min(low, sample)
                high = max(high, sample)
            }
            return samples.isEmpty ? nil : Double(low)...Double(high)
        }
        switch samples {
        case .u8(let s): return integers(s)
        case .u16(let s): return integers(s)
        case .f32(let s):
            var low = Float.infinity
            var high = -Float.infinity
            for sample in s where sample.isFinite {
                low = min(low, sample)
                high = max(high, sample)
            }
            return low <= high ? Double(low)...Double(high) : nil
        }
    }
}

/// Exact order statistics of a plane, from histograms instead of a sort.
///
/// *Complexity*: O(samples) and 64 Ki counters; f32 planes take a second pass over the samples for each statistic.
public struct OrderStatistics: Sendable {
    /// Finite samples.
    public let count: Int
    private let plane: Plane
    /// Samples up to and with each key; for f32 the key is the upper half of the sample's place in the order of all floats.
    private let cumulative: [Int]

    public init(of plane: Plane) {
        var histogram = [Int](repeating: 0, count: 65_536)
        switch plane.samples {
        case .u8(let s): for v in s { histogram[Int(v)] += 1 }
        case .u16(let s): for v in s { histogram[Int(v)] += 1 }
        case .f32(let s): for v in s where v.isFinite { histogram[Int(orderedBits(v) >> 16)] += 1 }
        }
        var sum = 0
        for i in histogram.indices {
            sum += histogram[i]
            histogram[i] = sum
        }
        cumulative = histogram
        count = sum
        self.plane = plane
    }

    /// Of samples that were counted: `counts[v]` is how often the whole number `v` occurs, below 65536.
    public init(counts: [Int]) {
        precondition(counts.count == 65_536, "a counter for each value of 16 bits is needed")
        var histogram = counts
        var sum = 0
        for i in histogram.indices {
            sum += histogram[i]
            histogram[i] = sum
        }
        cumulative = histogram
        count = sum
        plane = Plane(size: Size(width: 0, height: 0), format: .u16)
    }

    /// The sample at `index` in ascending order; `index` is below `count`.
    public func sample(at index: Int) -> Double {
        precondition(index >= 0 && index < count, "there is no sample \(index) among \(count)")
        let key = firstKey(in: cumulative, above: index)
        guard case .f32(let samples) = plane.samples else { return Double(key) }
        var histogram = [Int](repeating: 0, count: 65_536)
        for v in samples where v.isFinite {
            let bits = orderedBits(v)
            if Int(bits >> 16) == key { histogram[Int(bits & 0xFFFF)] += 1 }
        }
        var sum = key > 0 ? cumulative[key - 1] : 0
        for i in histogram.indices {
            sum += histogram[i]
            histogram[i] = sum
        }
        return Double(floatFromOrderedBits(UInt32(key) << 16 | UInt32(firstKey(in: histogram, above: index))))
    }

    /// The value below which `percent` of the finite samples lie, interpolated between the two nearest ranks.
    ///
    /// *Source*: the `linear` method of NumPy's `percentile`.
    public func percentile(_ percent: Double) -> Double {
        precondition(percent >= 0 && percent <= 100, "\(percent) is not a percentage")
        guard count > 0 else { return 0 }
        let rank = percent / 100 * Double(count - 1)
        let below = min(Int(rank), count - 1)
        let value = sample(at: below)
        let share = rank - Double(below)
        return share > 0 && below + 1 < count ? value + share * (sample(at: below + 1) - value) : value
    }
}

/// Maps floats to whole numbers of the same order.
private func orderedBits(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    return bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
}

private func floatFromOrderedBits(_ bits: UInt32) -> Float {
    Float(bitPattern: bits & 0x8000_0000 != 0 ? bits & 0x7FFF_FFFF : ~bits)
}

/// The first index whose value is above `rank`, in an ascending array that ends above it.
private func firstKey(in cumulative: [Int], above rank: Int) -> Int {
    var low = 0
    var high = cumulative.count - 1
    while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] > rank { high = middle } else { low = middle + 1 }
    }
    return low
}
