import CalorBase
import CalorImage

/// What a radiometric file holds beside its 8-bit picture.
///
/// This module does not decode pictures: a payload that is a PNG is handed on as bytes, and whoever decodes it gives the samples to
/// `counts(decoded:)`. See docs/decisions.
public struct RadiometricRecord: Sendable {
    public enum Payload: Sendable {
        /// Counts as they lie in the file.
        case samples([UInt16])
        /// A 16-bit grey PNG. Many cameras write its samples with their bytes swapped; `order` is what the record's mark says.
        case png([UInt8], order: ByteOrder)
    }

    /// The picture of the camera's other sensor, as a JPEG or PNG.
    public struct Visible: Sendable {
        public var bytes: [UInt8]
        public var size: Size
        public var format: String
    }

    public var size: Size
    public var payload: Payload
    public var radiometry: Radiometry
    public var visible: Visible?
    /// What did not stop the reader.
    public var notes: [String] = []

    /// The counts, in the byte order that the mark says and the samples confirm, and how that was decided.
    ///
    /// - Parameter decoded: the samples of the PNG; for a raw payload they are not asked for.
    public func counts(decoded: Plane? = nil) throws(ThermalFault) -> (plane: Plane, storage: String, notes: [String]) {
        switch payload {
        case .samples(let samples):
            let verdict = SampleByteOrder(of: samples, width: size.width)
            let name = radiometry.storage
            guard verdict.swappedIsSmoother else { return (Plane(size: size, samples: .u16(samples)), name, []) }
            return (
                Plane(size: size, samples: .u16(samples.map(\.byteSwapped))), name + ", bytes swapped",
                ["the mark of the raw frame says the opposite byte order of what its samples show; they were swapped"]
            )
        case .png(_, let order):
            guard let decoded, case .u16(let stored) = decoded.samples, decoded.size == size else {
                throw .record(
                    radiometry.source.rawValue, "its raw frame is not a 16-bit grey PNG of \(size)")
            }
            let marked = order == .little
            let samples = marked ? stored.map(\.byteSwapped) : stored
            if SampleByteOrder(of: samples, width: size.width).swappedIsSmoother {
                return (
                    Plane(size: size, samples: .u16(samples.map(\.byteSwapped))),
                    marked ? "PNG 16-bit" : "PNG 16-bit, bytes swapped",
                    ["the byte-order mark of the raw frame is contradicted by its samples; their own order was used"]
                )
            }
            return (Plane(size: size, samples: .u16(samples)), marked ? "PNG 16-bit, bytes swapped" : "PNG 16-bit", [])
        }
    }
}

/// Which byte order 16-bit samples are in, from the samples: read the wrong way, the low byte becomes the high one and neighbours
/// that differ by a little jump by 256 times as much.
struct SampleByteOrder {
    /// Sums of the differences between horizontal neighbours.
    let roughness: Double
    let swappedRoughness: Double

    /// Real frames in the right order are 127 to 563 times smoother; four times is beyond what noise can do.
    static let clear = 4.0

    var swappedIsSmoother: Bool { swappedRoughness * Self.clear < roughness }

    init(of samples: [UInt16], width: Int) {
        var sum: UInt64 = 0
        var swappedSum: UInt64 = 0
        for i in samples.indices.dropFirst() where i % width != 0 {
            let (a, b) = (samples[i - 1], samples[i])
            sum &+= UInt64(a > b ? a - b : b - a)
            let (c, d) = (a.byteSwapped, b.byteSwapped)
            swappedSum &+= UInt64(c > d ? c - d : d - c)
        }
        roughness = Double(sum)
        swappedRoughness = Double(swappedSum)
    }
}
