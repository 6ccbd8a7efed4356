import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// Large pictures are cut into strips of rows: nobody can see where.
@Suite struct TileSizeTests {
    /// Strips of 64 rows and none: the same bits, wherever the receptive field is finite.
    @Test(arguments: ["ir-x4", "ir-x4-best", "ir-x2", "enhance-ir", "enhance-rgb"])
    func everyStripHeightGivesTheSameBits(name: String) throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find(name))
        let channels = restorer.model.channels
        let planes = (0..<channels).map { RestorerTests.plane(36, 700, seed: UInt64($0 + 1)) }
        let image = Image(planes: planes, colour: channels == 1 ? .grey : .rgb)
        var options = RestoreOptions()
        let whole = try restorer.restore(image, options: options)
        #expect(whole.values["strips"] == 1)
        for rows in [64, 96, 128, 256] {
            options.stripRows = rows
            let cut = try restorer.restore(image, options: options, pool: WorkerPool(threads: 2))
            #expect(cut.values["strips"]! > 1, "\(name), \(rows) rows")
            #expect(cut.image == whole.image, "\(name), \(rows) rows")
        }
    }

    /// A network without a finite receptive field: strips differ from the whole picture, but make no step between two rows.
    @Test(arguments: [64, 96, 128, 256])
    func blendedStripsLeaveNoSeam(rows: Int) throws {
        let model = try ModelCatalogue(searchPaths: [ProcessTests.folder]).find("global")
        let restorer = try Restorer(model: model)
        // Brighter from top to bottom, so that every strip has a mean of its own.
        let size = Size(width: 40, height: 600)
        let scene = RestorerTests.plane(size.width, size.height, format: .f32, low: 0, high: 0.5).floats()
        let values = scene.enumerated().map { $1 + 0.5 * Float($0 / size.width) / Float(size.height) }
        let image = Image(planes: [Plane(size: size, samples: .f32(values))], colour: .grey)
        var options = RestoreOptions()
        let whole = try restorer.restore(image, options: options)
        options.stripRows = rows
        let cut = try restorer.restore(image, options: options)
        #expect(cut.values["strips"]! > 1 && whole.values["strips"] == 1)
        #expect(cut.image != whole.image)
        let difference = zip(cut.image.planes[0].floats(), whole.image.planes[0].floats()).map { 255 * ($0 - $1) }
        let width = 2 * size.width
        var steepest: Float = 0
        for i in width..<difference.count { steepest = max(steepest, abs(difference[i] - difference[i - width])) }
        #expect(steepest <= 1, "a step of \(steepest) levels between two rows, strips of \(rows)")
        // Strips that are put side by side show.
        let height = size.height / 2
        let halves = try [0, height].map { top in
            let rows = Array(values[top * size.width..<(top + height) * size.width])
            let half = Plane(size: Size(width: size.width, height: height), samples: .f32(rows))
            return try restorer.restore(Image(planes: [half], colour: .grey)).image.planes[0].floats()
        }
        let (above, below) = (halves[0].suffix(width), halves[1].prefix(width))
        let plain = whole.image.planes[0].floats()
        let start = plain.count / 2
        let step = (0..<width).map { i in
            let joined = below[below.startIndex + i] - above[above.startIndex + i]
            return 255 * abs(joined - (plain[start + i] - plain[start + i - width]))
        }
        #expect((step.max() ?? 0) > 1)
    }
}
