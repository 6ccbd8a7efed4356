import ArgumentParser
import CalorCodecs
import CalorPipeline

/// `calor plan`: what `run` would do.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what run would do: stages, types, regions, memory, cost. Nothing is written.",
        discussion: """
            Takes the arguments of `calor run` and checks the same things. Without an INPUT the types are those that the kind of the \
            pipeline's input can have; with inputs they are those of the files.

            EXAMPLES
              calor plan ir-inspect                         stages and types
              calor plan ir-x4 flight-12/ -o out/           types, memory of the largest image, cost of all
              calor plan my.yaml --format json | jq .stages
              calor plan ir-inspect --format dot | dot -Tsvg > graph.svg
            """)

    @OptionGroup var options: RunOptions

    @Option(name: .shortAndLong, help: "The folder or file that run would write.")
    var output = "out"

    @Option(help: "How to say it: text, json or dot. Also the png, jpeg or tiff of run; may be given for both.")
    var format: [String] = []

    func run() throws {
        let shapes = format.compactMap(PlanText.Shape.init(rawValue:))
        let images = format.filter { PlanText.Shape(rawValue: $0) == nil }
        guard shapes.count <= 1, images.count <= 1 else {
            throw PipelineFault.usage(problem: "--format is given twice", advice: "give one of text, json and dot")
        }
        if let image = images.first, FileFormat(rawValue: image.lowercased()) ?? FileFormat(fileExtension: image) == nil {
            throw PipelineFault.usage(problem: "--format \(image) is unknown", advice: "use text, json or dot")
        }
        let (request, pipeline) = try options.request(output: output, format: images.first)
        var text = PlanText(pipeline: pipeline)
        if !options.inputs.isEmpty || options.filesFrom != nil {
            text.run = try RunPlanner(request: request, pipeline: pipeline).plan()
        }
        for line in try text.lines(shapes.first ?? .text) { print(line) }
    }
}
