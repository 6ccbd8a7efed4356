import CalorCodecs
import CalorImage
import Foundation
import Testing

/// The shared corpus, where it is there ("skipped: ../shared is absent" where not). What its files decode to is compared with
/// independent readers by `Golden/compare_corpus.py`.
@Suite(.enabled(if: Corpus.isThere, "skipped: ../shared is absent")) struct CorpusTests {
    @Test(arguments: ["png/", "traps/"]) func acceptedAndRefusedAsMarked(_ folder: String) throws {
        for file in try Corpus.files(folder) {
            let fault = fault(try Corpus.bytes(file.path))
            #expect((fault == nil) == (file.expect == "accept"), "\(file.path) is to \(file.expect): \(String(describing: fault))")
        }
    }

    @Test func theTruncatedTrapIsReadWhenAsked() throws {
        var options = DecodeOptions()
        options.toleratesTruncation = true
        let bytes = try Corpus.bytes("traps/vips__truncated.jpg")
        #expect(fault(bytes)?.identifier == "jpeg.truncated")
        #expect(try !ImageDecoder.decode(bytes, options: options).warnings.isEmpty)
    }

    @Test func mostOfTheTIFFsAreRead() throws {
        let files = try Corpus.files("tiff/")
        let refused = try files.filter { fault(try Corpus.bytes($0.path)) != nil }.map(\.path)
        #expect(refused.count * 10 <= files.count, "refused: \(refused)")
    }

    @Test func badFilesAreRefusedOrReadButNeverWorse() throws {
        for file in try Corpus.files("bad/") {
            guard let fault = fault(try Corpus.bytes(file.path)) else { continue }
            #expect(fault.kind == .damagedInput || fault.kind == .limit, "\(file.path): \(fault)")
        }
    }

    /// Planes of every file that is read, for `Golden/compare_corpus.py`, when CALOR_DECODED names a folder: the first line of each
    /// file is "width height planes format", the samples follow in host byte order.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["CALOR_DECODED"] != nil)) func decodedForOthers() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["CALOR_DECODED"])
        for file in try Corpus.files("") {
            guard let image = try? ImageDecoder.decode(Corpus.bytes(file.path)).image else { continue }
            var data = Data("\(image.width) \(image.height) \(image.planes.count) \(image.format.rawValue)\n".utf8)
            for plane in image.planes {
                switch plane.samples {
                case .u8(let values): values.withUnsafeBytes { data.append(contentsOf: $0) }
                case .u16(let values): values.withUnsafeBytes { data.append(contentsOf: $0) }
                case .f32(let values): values.withUnsafeBytes { data.append(contentsOf: $0) }
                }
            }
            try data.write(
                to: URL(fileURLWithPath: folder).appendingPathComponent(file.path.replacing("/", with: "__") + ".planes"))
        }
    }
}
