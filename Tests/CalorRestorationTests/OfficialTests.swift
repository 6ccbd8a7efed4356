import CalorBase
import CalorCodecs
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// DifIISR's released inference with small random networks, against the plain PyTorch reference (Golden/make_official.py).
@Suite struct OfficialTests {
    static func image(_ name: String) throws -> Image {
        let file = URL(fileURLWithPath: ProcessTests.folder + "/official/" + name)
        return try ImageDecoder.decode([UInt8](Data(contentsOf: file)), options: DecodeOptions()).image
    }

    static func restorer() throws -> Restorer {
        try Restorer(model: try ModelCatalogue(searchPaths: [ProcessTests.folder]).find("official"))
    }

    static var options: RestoreOptions {
        var options = RestoreOptions()
        options.mode = .texture
        options.seed = 12345
        return options
    }

    @Test func isWithinOneLevelOfPyTorchWithTheSameNoise() throws {
        let small = try Self.image("small.png")
        let expected = try Self.image("large.png")
        let result = try Self.restorer().restore(small, options: Self.options)
        #expect(result.image.size == expected.size && result.values["tiles"] == 2 && result.values["steps"] == 1)
        for (found, truth) in zip(result.image.planes, expected.planes) {
            let worst = zip(found.floats(), truth.floats()).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1, "\(worst) levels")
        }
        let shared = try Self.restorer().restore(small, options: Self.options, pool: WorkerPool(threads: 2))
        #expect(shared.image == result.image)
    }

    @Test func aGreyImageGivesAGreyOneAndTheTilesArePlanned() throws {
        let restorer = try Self.restorer()
        let grey = Image(planes: [try Self.image("small.png").planes[0]], colour: .grey)
        let result = try restorer.restore(grey, options: Self.options)
        #expect(result.image.colour == .grey && result.image.size == grey.size.scaled(by: 4))
        let one = try restorer.estimate(for: Size(width: 64, height: 40), options: Self.options)
        let two = try restorer.estimate(for: grey.size, options: Self.options)
        #expect(two.flops == 2 * one.flops)
        var options = Self.options
        options.ensemble = 2
        #expect { try restorer.check(options) } throws: { ($0 as? any Fault)?.identifier == "model.ensemble" }
    }

    /// Positions as the released code has them (training/official/difiisr/inference.py).
    @Test(arguments: [
        (100, 256, 224, [0]), (300, 256, 224, [0, 44]), (480, 256, 224, [0, 224]), (64, 64, 48, [0]), (65, 64, 48, [0, 1]),
        (200, 64, 48, [0, 48, 96, 136]),
    ])
    func tilesBeginWhereTheReleasedCodeBeginsThem(length: Int, side: Int, stride: Int, starts: [Int]) {
        #expect(PictureTiles(side: side, stride: stride).starts(length) == starts)
    }

    @Test func tilesArePaddedByReflection() {
        let size = Size(width: 4, height: 3)
        let plane = (0..<12).map { Float($0) }
        let cut = PictureTiles.cut(
            Region(x: 1, y: 1, width: 3, height: 2), of: plane, size: size, paddedTo: Size(width: 5, height: 4))
        #expect(cut == [5, 6, 7, 6, 5, 9, 10, 11, 10, 9, 5, 6, 7, 6, 5, 9, 10, 11, 10, 9])
    }
}
