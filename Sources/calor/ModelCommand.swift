import ArgumentParser

/// `calor model`: look at, validate, execute and time ONNX models.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Look at, check, run and time an ONNX model.",
        discussion: """
            Any ONNX file of operator sets up to 27 whose operators the engine has. Weights may lie in files beside it, in its own folder or \
            below, not behind links.

            EXAMPLES
              calor model check model.onnx                                   can it run, and if not, which nodes are in the way
              calor model info model.onnx --input input=1x3x256x256          shapes, parameters, cost and halo at that size
              calor model run model.onnx --input input=x.npy --output-dir out/
              calor model bench model.onnx --input input=1x3x128x128 --threads 1 --runs 5

            STATUS
              0 done, 65 damaged or not supported, 66 missing, 78 above a limit.
            """,
        subcommands: [Info.self, Check.self, Run.self, Bench.self])
}
