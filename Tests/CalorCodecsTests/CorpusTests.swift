import CalorCodecs
import CalorImage
import Foundation
import Testing

/// The shared corpus, where it is there ("skipped: ../shared is absent" where not). What its files decode to is compared with
/// independent readers by `scripts/verify-corpus`.
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
}
