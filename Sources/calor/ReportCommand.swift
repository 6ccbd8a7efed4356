import ArgumentParser
import CalorBase
import CalorPipeline
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

    private func isSameFile(_ one: String, _ other: String) -> Bool {
        func place(_ path: String) -> [UInt64]? {
            var info = stat()
            return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG ? [UInt64(info.st_dev), UInt64(info.st_ino)] : nil
        }
        guard one != "-", other != "-", let first = place(one) else { return false }
        return first == place(other)
    }

    func run() throws {
        if metrics.contains(where: { isSameFile($0, output) }) { throw PipelineFault.replacesInput(output: output) }
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

/// Writes a whole text file; to standard output for `-`, and into a device or a pipe (`/dev/null`, `>(command)`).
func writeText(_ text: String, to path: String) throws {
    if path == "-" || path == "/dev/stdout" { return print(text, terminator: "") }
    guard AtomicFile.isSpecial(path) else { return try AtomicFile.write(Array(text.utf8), to: path) }
    guard let pipe = FileHandle(forWritingAtPath: path) else {
        throw FileFault.cannotCreate(path, "it cannot be opened for writing")
    }
    do { try pipe.write(contentsOf: Data(text.utf8)) } catch { throw FileFault.write(path, systemReason(error)) }
}
