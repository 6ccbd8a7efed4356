import ArgumentParser
import CalorBase
import CalorGraph
import CalorTensor
import Foundation

extension ModelCommand {
    /// `calor model run`: arrays in, arrays out.
    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a model on .npy arrays.",
            discussion: """
                Writes DIR/<output name>.npy for every output, with the element type of the model. In file names, characters that are \
                not letters, digits, “.”, “-” or “_” become “_”. Outputs of 64 MiB and more are computed in their files and need not fit \
                in memory.

                EXAMPLES
                  calor model run model.onnx --input input=x.npy --output-dir out/
                  calor model run model.onnx --input x.npy --output-dir out/ --reference     slow loops, to compare with
                """)

        @Argument(help: "The ONNX file.", completion: .file(extensions: ["onnx"]))
        var model: String
        @Option(help: ArgumentHelp("An input and the array for it; once for each input.", valueName: "name=file.npy"))
        var input: [String] = []
        @Option(help: ArgumentHelp("The folder that the outputs are written to.", valueName: "dir"), completion: .directory)
        var outputDir: String
        @Option(help: "Threads to use (default: one per core). The result does not depend on it.")
        var threads: Int?
        @Flag(help: "Run the reference interpreter instead of the kernels.")
        var reference = false

        func run() throws {
            let threads = try ModelThreads.checked(threads)
            let file = try ModelFile(path: model)
            let graph = try file.graph()
            var feeds: [String: Tensor] = [:]
            for text in input {
                let (name, path) = try ModelInput.split(text, of: graph)
                guard feeds[name] == nil else { throw ModelFault.twice(input: name) }
                let array = InputFile(path: path, content: .other)
                let bytes = try array.bytes()
                do { feeds[name] = try Tensor(npy: bytes) } catch { throw array.named(error) }
            }
            do {
                if reference {
                    try write(Interpreter.run(graph, inputs: feeds))
                } else {
                    try compute(Session(graph: graph), feeds, threads)
                }
            } catch let fault as GraphFault {
                throw file.named(fault)
            }
        }

        /// From this size on an output is computed in its file and need not fit in memory.
        private static let mappedBytes = 64 << 20

        private func compute(_ session: Session, _ feeds: [String: Tensor], _ threads: Int) throws {
            let pool = ModelThreads.pool(threads)
            let large = try session.plan(for: feeds.mapValues(\.shape), threads: pool?.threads ?? 1).placedOutputs
                .filter { $0.value.byteCount >= Self.mappedBytes }.sorted { $0.key < $1.key }
            try compute(session, feeds, pool, large[...], into: [:])
        }

        /// Opens the files of the outputs in `rest` and runs the network into them, then writes the other outputs. A file is abandoned by
        /// leaving its scope, so the scopes are nested.
        private func compute(
            _ session: Session, _ feeds: [String: Tensor], _ pool: WorkerPool?, _ rest: ArraySlice<(key: String, value: ValueType)>,
            into storage: [String: AlignedBytes]
        ) throws {
            guard let (name, type) = rest.first else {
                let outputs = try session.run(feeds, pool: pool, into: storage)
                return try write(outputs.filter { storage[$0.key] == nil })
            }
            var file = try created(name)
            try file.write(Tensor.npyHeader(type.dtype, type.shape))
            let memory = try file.mapRest(count: type.byteCount)
            var storage = storage
            storage[name] = memory.map { AlignedBytes($0) }
            try compute(session, feeds, pool, rest.dropFirst(), into: storage)
            if memory != nil { try file.commit() }
        }

        private func write(_ outputs: [String: Tensor]) throws {
            for (name, tensor) in outputs.sorted(by: { $0.key < $1.key }) {
                var file = try created(name)
                try file.write(Tensor.npyHeader(tensor.dtype, tensor.shape))
                try tensor.withUnsafeBytes { (elements) throws(FileFault) in try file.write(elements) }
                try file.commit()
            }
        }

        private func created(_ name: String) throws -> AtomicFile {
            do {
                try FileManager.default.createDirectory(atPath: outputDir, withIntermediateDirectories: true)
            } catch {
                throw FileFault.cannotCreate(outputDir, systemReason(error))
            }
            return try AtomicFile(replacing: "\(outputDir)/\(Self.fileName(name)).npy")
        }

        /// A file name from a name in the model, which may hold anything, separators and parent folders too.
        static func fileName(_ name: String) -> String {
            let plain = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" as Character }
            let text = String(plain.prefix(200))
            return text.hasPrefix(".") ? "_" + text.dropFirst() : text.isEmpty ? "_" : text
        }
    }
}

/// The number of threads of a model command.
enum ModelThreads {
    static func checked(_ threads: Int?) throws(ModelFault) -> Int {
        guard let threads else { return ProcessInfo.processInfo.activeProcessorCount }
        guard (1...256).contains(threads) else { throw .number(option: "--threads", value: threads, allowed: "1 to 256") }
        return threads
    }

    static func pool(_ threads: Int) -> WorkerPool? { threads > 1 ? WorkerPool(threads: threads) : nil }
}
