import ArgumentParser
import CalorBase
import CalorReport
import Foundation

/// `calor report`: a page from metrics.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make one self-contained HTML page from the metrics of a run.",
        discussion: """
            The page shows what failed and why, some inputs before and after, the time of every stage and the distribution of every \
            figure. It needs no other file and runs no script. METRICS is what `calor run --metrics FILE` wrote, or the journal \
            OUTPUT/.calor/journal.jsonl; several files (the shards of one job) make one page, and of each input the last line counts.

            Pictures are looked for where the metrics say, from the folder you are in, then from the folder of the metrics.

            EXAMPLES
              calor run ir-x4 flight-12/ -o out/ --metrics m.jsonl
              calor report m.jsonl -o report.html
              calor report part-*.jsonl -o report.html --pictures 0
            """)

    @Argument(help: ArgumentHelp("Metrics of one or several runs; - is standard input.", valueName: "metrics"), completion: .file())
    var metrics: [String]

    @Option(name: .shortAndLong, help: "The page to write, or - for standard output.")
    var output: String

    @Option(help: "What the page is called.")
    var title: String?

    @Option(help: ArgumentHelp("How many inputs are shown before and after, spread over the run.", valueName: "count"))
    var pictures = 12

    func validate() throws {
        if !(0...200).contains(pictures) { throw ValidationError("--pictures takes 0 to 200") }
    }

    func run() throws {
        var file = MetricsFile()
        for path in metrics { file.add(try InputFile(path: path, content: .other).bytes()) }
        guard !file.records.isEmpty else { throw ReportFault.noMetrics(path: metrics.joined(separator: ", ")) }
        var folders = [""]
        for path in metrics where path != "-" {
            let folder = (path as NSString).deletingLastPathComponent
            if !folder.isEmpty, !folders.contains(folder) { folders.append(folder) }
        }
        let page = ReportPage(title: title ?? "Calor: \(metrics[0])", metrics: file, folders: folders, pictures: pictures)
        try writeText(try page.html(), to: output)
    }
}

/// Writes a whole text file, or to standard output for `-`.
func writeText(_ text: String, to path: String) throws {
    if path == "-" { print(text, terminator: "") } else { try AtomicFile.write(Array(text.utf8), to: path) }
}
