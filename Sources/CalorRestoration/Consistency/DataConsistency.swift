import CalorBase
import CalorImage

/// Makes an enlarged picture agree with the picture that it was made from: the nearest one whose reduction is the input.
///
/// *Units*: those of the picture itself: levels, counts, kelvin.
/// *Precision*: the same bits for every number of threads. After `apply` and rounding, |LR − A(x)| is at most half a count for
/// integer formats and `slack` 0, wherever a picture within the format's range can do that.
/// *Source*: the range–null-space decomposition x + A⁺(LR − A x), with a soft threshold for what is noise.
public struct DataConsistency: Sendable {
    public let reduction: Reduction
    public let format: SampleFormat
    /// Differences up to this are left alone, larger ones are pulled to it.
    public let slack: Double

    /// What happened, for the metrics; in the picture's units.
    public struct Report: Sendable, Equatable {
        public var rmsBefore: Double
        public var rmsAfter: Double
        public var maximumAfter: Double
        public var rounds: Int
    }

    public init(low: Size, scale: Int, format: SampleFormat, slack: Double = 0) {
        self.init(reduction: Reduction(low: low, scale: scale), format: format, slack: slack)
    }

    init(reduction: Reduction, format: SampleFormat, slack: Double) {
        self.reduction = reduction
        self.format = format
        self.slack = slack
    }

    /// Bytes that `apply` takes beside its arguments, for the planner.
    static func scratchBytes(low: Size, scale: Int) -> Int {
        let high = low.scaled(by: scale)
        // In doubles: rows reduced one way, and the residual with its copies; in floats: pictures ahead, next and best, and the
        // picture before it was rounded.
        return 8 * (low.width * high.height + 8 * low.pixels) + 4 * 4 * high.pixels
    }

    /// *Shapes*: `values` is the enlarged picture, `low` the input.
    public func apply(to values: inout [Float], low: [Float], pool: WorkerPool? = nil) -> Report {
        let isInteger = format != .f32
        if isInteger { clamp(&values) }
        var residual = self.residual(of: values, low: low, pool: pool)
        let before = Self.rms(residual)
        reduction.lift(residual.map(shrunk), onto: &values, pool: pool)
        var rounds = 1
        if isInteger, clamp(&values) { rounds += correct(&values, low: low, pool: pool) }
        if isInteger { round(&values, low: low, pool: pool) }
        residual = self.residual(of: values, low: low, pool: pool)
        return Report(
            rmsBefore: before, rmsAfter: Self.rms(residual), maximumAfter: residual.map(abs).max() ?? 0, rounds: rounds)
    }

    /// LR − A(x). Where the input is at the end of its range, the scene may lie beyond it: a difference in that direction is none.
    func residual(of values: [Float], low: [Float], pool: WorkerPool?) -> [Double] {
        let reduced = reduction.reduced(values, pool: pool)
        let top = format.fullScale
        return zip(low, reduced).map { given, found in
            let difference = Double(given) - found
            guard format != .f32 else { return difference }
            if given >= top { return max(difference, 0) }
            return given <= 0 ? min(difference, 0) : difference
        }
    }

    func shrunk(_ v: Double) -> Double {
        slack == 0 ? v : (v < 0 ? -1 : 1) * max(abs(v) - slack, 0)
    }

    /// True when a value was out of range.
    @discardableResult func clamp(_ values: inout [Float]) -> Bool {
        var changed = false
        for i in values.indices where values[i] < 0 || values[i] > format.fullScale {
            values[i] = min(max(values[i], 0), format.fullScale)
            changed = true
        }
        return changed
    }

    static func rms(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
}
