import ArgumentParser
import CalorBase
import CalorPipeline
import Foundation

/// `calor run`: images through a pipeline.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Send images through a pipeline and write the results.",
        discussion: """
            Every input (or pair of inputs, for a pipeline that takes two) goes through the stages of PIPELINE and is written below OUTPUT under the same relative path. What was \
            finished by an earlier run is skipped: a journal in OUTPUT/.calor proves it by the digests of input, pipeline and output. \
            A file that the journal does not know is never replaced without --overwrite. One bad image does not stop the others.

            EXAMPLES
              calor run ir-x4 flight-12/ -o out/                  a folder; run it again after Ctrl-C and it goes on
              calor run enhance-rgb scan.jpg -o clean.png         one file
              calor run ir-x4 - -o - < a.png > b.png              a pipe; nothing but the image on standard output
              calor run my.yaml shots/ -o out/ --set sharp.strength=0.8 --name '{stem}_x4.{ext}'
              find . -name '*.tiff' -print0 | calor run enhance-ir --files-from - -0 -o out/
              calor run ir-x4 all/ -o out/ --shard 2/8 --metrics part-2.jsonl
              calor run ir-x4 in/ -o out/ --metrics - --quiet | jq -r 'select(.status=="failed").input'

            STAGES OF A PIPELINE FILE
            \(StageLibrary.help)

            EXIT STATUS
              0 all done, 2 some inputs failed, 64 wrong usage or pipeline, 65 damaged input, 66 missing, 73/74 cannot write, \
            78 a limit, 130/143 stopped.
            """)

    @OptionGroup var options: RunOptions

    @Option(name: .shortAndLong, help: "A folder, a file (for one input), or - for standard output.")
    var output: String

    @Option(help: "Write png, jpeg or tiff; by default the format of the input, or TIFF where that cannot hold the result.")
    var format: String?

    @Option(help: "Write metrics as JSON lines to FILE, or to standard output with -.")
    var metrics: String?

    @Flag(
        name: .customLong("dry-run"),
        help: "Read the heads of all inputs, say what would be written or fail, and write nothing; the status is that of run.")
    var isDryRun = false

    @Flag(help: "No progress and no closing line; failures are still listed.")
    var quiet = false

    @Option(name: .customLong("log-format"), help: "Messages on standard error as text or as JSON lines.")
    var logFormat: LogFormat = .text

    enum LogFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

    func run() throws {
        guard !options.inputs.isEmpty || options.filesFrom != nil else {
            throw PipelineFault.usage(
                problem: "no INPUT is given", advice: "give files, folders, - for standard input, or --files-from")
        }
        let (request, pipeline) = try options.request(output: output, format: format)
        let log = RunLog(format: logFormat, isQuiet: quiet)
        for warning in pipeline.warnings { log.warning(warning) }
        let plan = try RunPlanner(request: request, pipeline: pipeline).plan()
        for warning in plan.warnings { log.warning(warning) }
        if isDryRun {
            for line in PlanText(pipeline: pipeline, run: plan).dryRun() { print(line) }
            let faults = plan.jobs.compactMap(\.failure?.fault)
            if !faults.isEmpty { throw ExitCode(RunStatus.of(faults, succeeded: plan.jobs.count - faults.count)) }
            return
        }
        let stop = StopSignals.watch()
        let progress = RunProgress(plan: plan, log: log)
        let runner = try BatchRunner(plan, metrics: metrics, cancelled: { stop.isRequested }, onEvent: { progress.handle($0) })
        let outcome = try runner.perform()
        progress.clear()
        log.finish(outcome)
        let status = stop.status ?? RunStatus.of(outcome)
        if status != 0 { throw ExitCode(status) }
    }
}

/// The exit status of a finished run. *Source*: the table in `docs/interfaces.md`.
enum RunStatus {
    static func of(_ outcome: RunOutcome) -> Int32 {
        of(outcome.failures.map(\.fault), succeeded: outcome.summary.done + outcome.summary.skipped)
    }

    static func of(_ faults: [PipelineFault], succeeded: Int) -> Int32 {
        guard let first = faults.first else { return 0 }
        if succeeded > 0 { return ExitStatus.someFailed }
        let status = ExitStatus.of(first)
        // Nothing was written: the reason, where all have the same one.
        return faults.allSatisfy { ExitStatus.of($0) == status } ? status : 65
    }
}
