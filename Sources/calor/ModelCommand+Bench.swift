import ArgumentParser
import CalorBase
import CalorGraph
import CalorTensor
import Foundation

extension ModelCommand {
    /// `calor model bench`: how long a model takes.
    struct Bench: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time a model on random input.",
            discussion: """
                The input is random but the same in every call. One run warms up and is not counted; after the counted runs, one more \
                is measured kernel by kernel.

                EXAMPLES
                  calor model bench model.onnx --input input=1x3x128x128 --threads 1
                  calor model bench model.onnx --runs 20 --json | jq .minMs
                """)

        @Argument(help: "The ONNX file.", completion: .file(extensions: ["onnx"]))
        var model: String
        @Option(
            help: ArgumentHelp(
                "The shape of an input (default: what the model fixes, else 128 rows and columns, or what fits the other inputs).",
                valueName: "name=1x3x128x128"))
        var input: [String] = []
        @Option(help: "Threads to use (default: one per core).")
        var threads: Int?
        @Option(help: "Runs that are counted.")
        var runs = 10
        @Flag(help: "Print one JSON object.")
        var json = false

        func run() throws {
            let threads = try ModelThreads.checked(threads)
            guard (1...100_000).contains(runs) else {
                throw ModelFault.number(option: "--runs", value: runs, allowed: "1 to 100000")
            }
            let file = try ModelFile(path: model)
            let graph = try file.graph()
            let shapes = try file.shapes(input)
            do {
                let feeds = try ModelNoise.feeds(graph, shapes)
                let session = try Session(graph: graph)
                let pool = ModelThreads.pool(threads)
                let plan = try session.plan(for: shapes, threads: threads)
                _ = try session.run(feeds, pool: pool)
                var times: [Double] = []
                let clock = ContinuousClock()
                for _ in 0..<runs {
                    let start = clock.now
                    _ = try session.run(feeds, pool: pool)
                    times.append((clock.now - start) / .milliseconds(1))
                }
                let profile = try session.profiled(feeds, pool: pool).profile
                let report = BenchReport(times: times.sorted(), threads: threads, plan: plan, profile: profile)
                print(json ? try jsonText(report.json) : report.text)
            } catch let fault as GraphFault {
                throw file.named(fault)
            }
        }
    }
}

/// What `bench` prints.
private struct BenchReport {
    /// Milliseconds of every run, ascending.
    let times: [Double]
    let threads: Int
    let plan: Plan
    let profile: Profile

    private var median: Double { (times[(times.count - 1) / 2] + times[times.count / 2]) / 2 }
    private var steps: [String: Int] { Dictionary(plan.kernels.map { ($0.name, $0.steps) }, uniquingKeysWith: +) }

    private func flops(of kernel: String) -> Double { plan.reports.reduce(0) { $1.kernel == kernel ? $0 + $1.flops : $0 } }

    var json: [String: Any] {
        [
            "minMs": times[0], "medianMs": median, "runs": times.count, "threads": threads, "flops": plan.flops,
            "peakBytes": plan.peakBytes(threads: threads), "plainArenaBytes": plan.plainArenaBytes, "strips": plan.stripsJSON,
            "kernels": profile.byKernel.map {
                ["name": $0.kernel, "ms": $0.milliseconds, "steps": steps[$0.kernel] ?? 0, "flops": flops(of: $0.kernel)]
                    as [String: Any]
            },
        ]
    }

    var text: String {
        let total = max(profile.byKernel.reduce(0) { $0 + $1.milliseconds }, .leastNormalMagnitude)
        var lines = [
            String(
                format: "fastest %.2f ms, median %.2f ms of %d runs, %d thread%@", times[0], median, times.count, threads,
                threads == 1 ? "" : "s"),
            String(
                format: "%.2f GFLOP a run, %.1f GFLOP/s, %.1f MiB for intermediate values", plan.flops / 1e9,
                plan.flops / times[0] / 1e6,
                Double(plan.peakBytes(threads: threads)) / 1_048_576),
        ]
        lines += plan.stripLines
        lines += [
            "", "      ms  share   steps  GFLOP/s  kernel",
        ]
        for row in profile.byKernel {
            let speed = row.milliseconds > 0 ? flops(of: row.kernel) / row.milliseconds / 1e6 : 0
            lines.append(
                String(
                    format: "%8.3f  %4.1f%%  %6d  %7.1f  ", row.milliseconds, 100 * row.milliseconds / total,
                    steps[row.kernel] ?? 0, speed)
                    + row.kernel)
        }
        return lines.joined(separator: "\n")
    }
}

/// Random inputs that are the same in every call.
enum ModelNoise {
    static func feeds(_ graph: Graph, _ shapes: [String: Shape]) throws(GraphFault) -> [String: Tensor] {
        var feeds: [String: Tensor] = [:]
        for (index, input) in graph.inputs.enumerated() {
            guard let shape = shapes[input.name] else { continue }
            feeds[input.name] = try tensor(input, shape, seed: UInt64(index))
        }
        return feeds
    }

    /// Values in 0..<1; integers and bools are 0, which is a valid index everywhere.
    private static func tensor(_ input: ValueInfo, _ shape: Shape, seed: UInt64) throws(GraphFault) -> Tensor {
        var bytes = input.dtype.bytes
        for extent in shape.dims {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow, product <= 1 << 33 else {
                throw .inputMismatch(name: input.name, expected: "at most 8 GiB", found: shape.description)
            }
            bytes = product
        }
        let noise = CounterNoise(seed: seed)
        func value(_ place: Int) -> Float { noise.uniform(x: place & 0xFFFF, y: place >> 16) }
        switch input.dtype {
        case .f32:
            var tensor = Tensor(.f32, shape)
            tensor.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
                let floats = bytes.bindMemory(to: Float.self)
                for place in floats.indices { floats[place] = value(place) }
            }
            return tensor
        case .f64: return Tensor(.f64, shape, copying: (0..<shape.count).map { Double(value($0)) })
        case .f16: return Tensor(.f16, shape, copying: (0..<shape.count).map { Float16(value($0)).bitPattern })
        default: return Tensor(input.dtype, shape)
        }
    }
}
