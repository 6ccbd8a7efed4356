/// What one stage did to one image.
public struct StageMetrics: Sendable, Equatable {
    public var id: String
    public var use: String
    public var nanoseconds: UInt64
    /// Of the stage's output.
    public var pixels: Int
    public var flops: Double?
    /// Planned bytes of live images and scratch memory while the stage ran.
    public var peakBytes: Int
    public var values: [String: JSON]

    public var milliseconds: Double { millisecondsRounded(nanoseconds) }

    var json: JSON {
        .object(skippingNil: [
            ("id", .text(id)), ("use", .text(use)), ("ms", .number(milliseconds)),
            ("megapixels", .number(megapixelsRounded(pixels))), ("flops", flops.map(JSON.number)),
            ("peakBytes", .integer(peakBytes)),
            ("values", values.isEmpty ? nil : .object(values.sorted { $0.key < $1.key }.map { JSON.Member($0.key, $0.value) })),
        ])
    }
}

/// Milliseconds with three digits.
func millisecondsRounded(_ nanoseconds: UInt64) -> Double { (Double(nanoseconds) / 1000).rounded() / 1000 }

/// Megapixels with six digits, which is every pixel.
func megapixelsRounded(_ pixels: Int) -> Double { Double(pixels) / 1e6 }
