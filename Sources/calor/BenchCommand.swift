import ArgumentParser
import CalorKernels
import Foundation

/// `calor bench`: the engine's own speed on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine on this machine.",
        subcommands: [KernelsCommand.self])

    /// `calor bench kernels`.
    struct KernelsCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kernels",
            abstract: "Time every kernel on one core.",
            discussion: """
                Prints GFLOP/s and percent of the measured peak of fused multiply-adds for the shapes that image networks consist of, \
                with every algorithm that can do them. Work is counted as the direct algorithm does it, so Winograd can exceed 100 %. \
                A star marks the algorithm or instruction set that the table picks. Functions of rows are quoted in GB/s and in percent \
                of a copy of the same bytes. Use an otherwise idle machine.

                EXIT STATUS
                  0 every pick is the best or close to it, 1 a pick is more than 10 % behind the best.
                """)

        @Flag(help: "Print one JSON object a line.") var json = false
        @Option(help: "Seconds of measuring for each row.") var seconds = 0.3

        func validate() throws {
            guard seconds > 0, seconds <= 60 else { throw ValidationError("--seconds must lie between 0 and 60") }
        }

        func run() throws {
            let peak = KernelBenchmark.peakGigaflops()
            if !json, let peak { print(String(format: "peak of one core: %.1f GFLOP/s", peak)) }
            let rows = KernelBenchmark.convolutions(seconds: seconds) + KernelBenchmark.matrices(seconds: seconds)
            for row in rows { print(json ? Self.jsonLine(row) : Self.textLine(row)) }
            let late = Self.latePicks(rows)
            for (row, best) in late {
                standardError(
                    String(
                        format: "calor: %@ at %@: %.1f GFLOP/s, %@ does %.1f", row.kernel, row.shape, row.gigaflops, best.kernel,
                        best.gigaflops))
            }
            if !late.isEmpty { throw ExitCode(ExitStatus.regression) }
        }

        /// Picks that are more than 10 % behind the best algorithm for their shape, each with that best.
        static func latePicks(_ rows: [KernelBenchmark.Row]) -> [(pick: KernelBenchmark.Row, best: KernelBenchmark.Row)] {
            Dictionary(grouping: rows) { $0.shape + $0.kernel.prefix { $0 != "_" } }.values.compactMap { group in
                guard let best = group.max(by: { $0.gigaflops < $1.gigaflops }), let pick = group.first(where: \.isPicked),
                    pick.gigaflops < 0.9 * best.gigaflops
                else { return nil }
                return (pick, best)
            }.sorted { $0.pick.kernel + $0.pick.shape < $1.pick.kernel + $1.pick.shape }
        }

        static func textLine(_ row: KernelBenchmark.Row) -> String {
            let kernel = row.kernel.padding(toLength: 40, withPad: " ", startingAt: 0)
            let shape = row.shape.padding(toLength: 20, withPad: " ", startingAt: 0)
            return String(
                format: "%@ %@ %@ %8.1f %@ %6.0f %%", row.isPicked ? "*" : " ", kernel, shape, row.gigabytes ?? row.gigaflops,
                row.gigabytes == nil ? "GFLOP/s" : "GB/s   ", row.percentOfPeak)
        }

        static func jsonLine(_ row: KernelBenchmark.Row) -> String {
            let speed =
                row.gigabytes.map { String(format: "\"gigabytes\":%.2f", $0) }
                ?? String(format: "\"gigaflops\":%.2f", row.gigaflops)
            return String(
                format: "{\"kernel\":\"%@\",\"shape\":\"%@\",%@,\"percentOfPeak\":%.1f,\"picked\":%@}", row.kernel, row.shape,
                speed,
                row.percentOfPeak, row.isPicked ? "true" : "false")
        }
    }
}
