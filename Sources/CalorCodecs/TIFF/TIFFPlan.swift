import CCalorTIFF
import CalorBase
import CalorImage

/// How the samples of one TIFF page become planes: decided once, from the header alone.
struct TIFFPlan {
    enum Storage: Equatable {
        case unsigned(bits: Int)
        case signed(bits: Int)
        case float(bits: Int)
    }

    enum Meaning: Equatable {
        case grey(isWhiteZero: Bool)
        case rgb
        case palette
        case cmyk
        /// libtiff's own conversion to 8-bit RGBA.
        case converted
    }

    var storage: Storage
    var meaning: Meaning
    /// Samples of a pixel as stored.
    var channels: Int
    /// Which stored sample is alpha, and whether the colours are multiplied by it.
    var alpha: (index: Int, isAssociated: Bool)?
    /// Whether libtiff changed the byte order of the samples.
    var isSwapped: Bool
    /// Horizontal differences in a file without compression, which libtiff does not undo.
    var hasOpenDifferences: Bool
    var warnings: [String] = []

    var colour: ColourModel {
        switch meaning {
        case .grey: alpha == nil ? .grey : .greyAlpha
        case .rgb, .palette, .cmyk: alpha == nil ? .rgb : .rgbAlpha
        case .converted: .rgb
        }
    }

    /// Stored samples that carry colour.
    var colourChannels: Int {
        switch meaning {
        case .grey, .palette: 1
        case .rgb, .converted: 3
        case .cmyk: 4
        }
    }

    /// Of the decoded planes. Unsigned up to 8 bits become u8, up to 16 u16; everything else becomes f32, rounded where it must be.
    var sampleFormat: SampleFormat {
        switch storage {
        case .unsigned(let bits) where bits <= 8 || meaning == .palette: .u8
        case .unsigned(let bits) where bits <= 16: .u16
        default: .f32
        }
    }

    /// Whether the f32 planes hold integers.
    var holdsIntegers: Bool {
        switch storage {
        case .unsigned, .signed: sampleFormat == .f32
        default: false
        }
    }

    // MARK: - From a header

    /// - Parameters:
    ///   - predictor: the value of that tag, 1 when there is none.
    ///   - hasExtraTag: whether the file itself says what its extra samples are; libtiff makes some up where it does not.
    init(_ header: CalorTIFFHeader, predictor: Int, hasExtraTag: Bool) throws(CodecFault) {
        isSwapped = (header.isBigEndian != 0) == (UInt16(1).littleEndian == 1)
        hasOpenDifferences = header.compression == 1 && predictor > 1
        channels = Int(header.samples)
        storage = try Self.storage(header)
        meaning = try Self.meaning(header, storage: storage, hasExtraTag: hasExtraTag)
        if meaning == .converted {
            storage = .unsigned(bits: 8)
            warnings.append("the colours were converted to 8-bit RGB by libtiff")
            return
        }
        if hasOpenDifferences {
            guard case .unsigned(1...16) = storage, predictor == 2 else {
                throw Self.unsupported("predictor \(predictor) without compression in \(header.bits)-bit samples")
            }
        }
        if header.photometric == 1, meaning == .rgb {
            warnings.append("three samples a pixel are said to be grey, none of them an extra one: they are taken as RGB")
        }
        guard channels >= colourChannels else {
            throw Self.unsupported("\(channels) samples a pixel where its colours need \(colourChannels)")
        }
        takeExtras(header)
        noteScale(bits: Int(header.bits))
        if meaning == .cmyk { warnings.append("CMYK became RGB by the plain formula, without a colour profile") }
    }

    private static func unsupported(_ what: String) -> CodecFault {
        .unsupported(.tiff, what, advice: "Convert it to 8-bit, 16-bit or float grey or RGB with another program.")
    }

    private static func storage(_ header: CalorTIFFHeader) throws(CodecFault) -> Storage {
        let bits = Int(header.bits)
        switch header.sampleFormat {
        case 1, 4:
            guard (1...32).contains(bits) || bits == 64 else { throw unsupported("\(bits)-bit samples") }
            return .unsigned(bits: bits)
        case 2:
            guard [8, 16, 32, 64].contains(bits) else { throw unsupported("signed \(bits)-bit samples") }
            return .signed(bits: bits)
        case 3:
            guard [16, 32, 64].contains(bits) else { throw unsupported("\(bits)-bit floating point") }
            return .float(bits: bits)
        default:
            throw unsupported("complex samples")
        }
    }

    private static func meaning(
        _ header: CalorTIFFHeader, storage: Storage, hasExtraTag: Bool
    ) throws(CodecFault) -> Meaning {
        switch header.photometric {
        case 0:
            guard case .unsigned(1...24) = storage else {
                throw unsupported("white-is-zero samples that are not unsigned integers of up to 24 bits")
            }
            return .grey(isWhiteZero: true)
        case 1 where header.samples == 3 && !hasExtraTag: return .rgb
        case 1, 4: return .grey(isWhiteZero: false)
        case 2: return .rgb
        case 3:
            guard case .unsigned(let bits) = storage, bits <= 16, header.hasPalette != 0 else { throw unsupported("this palette") }
            return .palette
        case 5:
            guard header.inkSet != 2 else { throw unsupported("separations with inks other than CMYK") }
            guard case .signed = storage else { return .cmyk }
            throw unsupported("signed inks")
        case 6:
            // JPEG-compressed YCbCr is turned into RGB by the codec itself.
            return header.compression == 7 ? .rgb : .converted
        default:
            throw unsupported(photometricName(Int(header.photometric)))
        }
    }

    private static func photometricName(_ value: Int) -> String {
        switch value {
        case 8, 9, 10: "Lab colours"
        case 32_803: "the raw mosaic of a camera"
        case 32_844, 32_845: "LogLuv colours"
        case 34_892: "linear raw data of a camera"
        default: "photometric interpretation \(value)"
        }
    }

    // MARK: - Details

    private mutating func takeExtras(_ header: CalorTIFFHeader) {
        let extras = channels - colourChannels
        guard extras > 0 else { return }
        let kinds = withUnsafeBytes(of: header.extras) { Array($0.bindMemory(to: UInt16.self).prefix(Int(header.extraCount))) }
        if let index = kinds.prefix(extras).firstIndex(where: { $0 == 1 || $0 == 2 }), meaning != .palette {
            alpha = (colourChannels + index, kinds[index] == 1)
        }
        let dropped = extras - (alpha == nil ? 0 : 1)
        if dropped > 0 { warnings.append("\(dropped) extra sample\(dropped == 1 ? "" : "s") a pixel of no stated meaning dropped") }
        if alpha?.isAssociated == true { warnings.append("colours were divided by the alpha they had been multiplied with") }
    }

    private mutating func noteScale(bits: Int) {
        switch (storage, meaning) {
        case (_, .palette): break
        case (.unsigned(9...15), .grey): warnings.append("the \(bits)-bit values are kept as they are in 16 bits, not stretched")
        case (.unsigned(9...15), _): warnings.append("the \(bits)-bit values were stretched to 16 bits")
        case (.unsigned(17...24), _), (.signed(8...16), _): warnings.append("the \(bits)-bit integers are kept exactly, as f32")
        case (.float(64), _): warnings.append("f64 samples were rounded to f32")
        default: break
        }
    }
}
