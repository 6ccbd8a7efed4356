import CalorBase
import CalorCodecs
import CalorImage
import Foundation

/// The sample formula of `Golden/make_goldens.py`.
enum Ramp {
    static func value(_ x: Int, _ y: Int, _ c: Int) -> Int { 7 * x + 13 * y + 29 * c + 3 * x * y }

    static func plane(_ size: Size, channel: Int, _ format: SampleFormat, bits: Int? = nil) -> Plane {
        let values = (0..<size.pixels).map { value($0 % size.width, $0 / size.width, channel) }
        switch format {
        case .u8:
            // Fewer bits are stretched to the whole range.
            let top = (1 << (bits ?? 8)) - 1
            return Plane(size: size, samples: .u8(values.map { UInt8((($0 & top) * 255 + top / 2) / top) }))
        case .u16: return Plane(size: size, samples: .u16(values.map { UInt16(truncatingIfNeeded: $0 * 257) }))
        case .f32: return Plane(size: size, samples: .f32(values.map { Float($0 & 255) / 16 - 4 }))
        }
    }

    static func image(_ size: Size, _ colour: ColourModel, _ format: SampleFormat, bits: Int? = nil) -> Image {
        Image(planes: (0..<colour.planes).map { plane(size, channel: $0, format, bits: bits) }, colour: colour)
    }
}

enum Golden {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    static func bytes(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: folder.appendingPathComponent(name))) }
}

enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../shared/corpus").standardizedFileURL

    static var isThere: Bool { FileManager.default.fileExists(atPath: folder.appendingPathComponent("MANIFEST.tsv").path) }

    /// Path and expectation of every file below `prefix`.
    static func files(_ prefix: String) throws -> [(path: String, expect: String)] {
        try String(contentsOf: folder.appendingPathComponent("MANIFEST.tsv"), encoding: .utf8).split(separator: "\n").dropFirst()
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
            .filter { $0.count >= 2 && $0[0].hasPrefix(prefix) }.map { ($0[0], $0[1]) }
    }

    static func bytes(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: folder.appendingPathComponent(path))) }
}

/// Small, seeded, the same everywhere.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// The identifier of the fault, or nil when the file was read.
func fault(_ bytes: [UInt8], _ options: DecodeOptions = DecodeOptions()) -> CodecFault? {
    do throws(CodecFault) {
        _ = try ImageDecoder.decode(bytes, options: options)
        return nil
    } catch {
        return error
    }
}
