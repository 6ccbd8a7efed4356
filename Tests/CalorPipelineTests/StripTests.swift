import CalorBase
import CalorImage
import Testing

@testable import CalorPipeline

/// A region's result never depends on how the image was cut, nor on the number of threads.
struct StripTests {
    static let chains: [[String]] = [
        ["a: { use: resize, scale: 2 }"], ["a: { use: resize, scale: 0.37, filter: lanczos3 }"],
        ["a: { use: resize, width: 31, height: 90, filter: nearest }"],
        ["a: { use: resize, scale: 1.7 }", "b: { use: resize, scale: 2.3, filter: bilinear }", "c: { use: palette, range: full }"],
        ["a: { use: gain }", "b: { use: palette, map: ironbow }"],
        ["a: { use: gain, method: clahe, tiles: 1 }", "b: { use: resize, scale: 3 }"],
        ["a: { use: destripe, direction: columns }", "b: { use: resize, scale: 0.5 }"], ["a: { use: palette }"],
    ]

    @Test(arguments: chains, [(1, 1), (53, 41), (3, 200)])
    func cutsDoNotShow(_ stages: [String], _ sides: (Int, Int)) throws {
        let plan = try makePlan(pipelineText(stages: stages))
        for format in SampleFormat.allCases {
            let image = scene(width: sides.0, height: sides.1, format: format)
            var operations: [any RegionOperation] = []
            var whole = image
            for node in plan.nodes {
                let stage = try #require(node.stage as? any RegionStage)
                let type = ImageType(of: whole)
                let operation = try stage.operation(for: type, surveying: stage.surveys(type) ? whole : nil)
                operations.append(operation)
                whole = try operation.apply(
                    to: whole, covering: 0..<whole.height, producing: 0..<operation.outputSize.height)
                #expect(ImageType(of: whole) == (try stage.outputType(for: type)), "\(stages)")
            }
            for rows in [1, 2, 7, 1000] {
                for threads in [1, 2] {
                    let environment = StageEnvironment(pool: threads == 1 ? nil : WorkerPool(threads: threads))
                    let cut = try StripRunner(operations: operations, rowsPerStrip: rows).run(image, in: environment).image
                    #expect(cut == whole, "\(stages), \(sides), \(format), \(rows) rows, \(threads) threads")
                }
            }
        }
    }
}
