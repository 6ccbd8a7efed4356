import ArgumentParser
import CalorBase
import CalorPipeline
import Foundation

/// The root of the command line.
@main
struct Calor: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "calor",
        abstract: "Restore folders of infrared and RGB pictures: enhance, super-resolve, colour and measure them.",
        discussion: """
            Every image goes through the stages of a pipeline and is written with metrics for each stage. All networks run on \
            Calor's own engine, on the CPU.

            EXAMPLES
              calor run ir-x4 flight-12/ -o out/           four times the size, whole folder, resumable
              calor run enhance-rgb - -o - < in.png > out.png
              calor plan ir-inspect flight-12/             what would be done, and what it costs
              calor compare truth/ out/ --crop 4           PSNR and SSIM of two folders
              calor inspect shot.tiff                      size, depth, metadata, statistics
              calor report m.jsonl -o report.html          a page about a run
              calor regress fixtures/                      a suite against its baseline

            EXIT STATUS
              0 all done, 1 beyond a threshold, 2 some inputs failed, 64 usage, 65 damaged input, 66 missing, 70 a defect of calor, \
            73/74 cannot write, 78 a limit, 130/143 stopped.
            """,
        version: version,
        subcommands: [
            RunCommand.self, PlanCommand.self, CompareCommand.self, RegressCommand.self, InspectCommand.self, ReportCommand.self,
            ModelCommand.self, BenchCommand.self,
            DoctorCommand.self,
        ])

    static func main() {
        // A reader that goes away (`calor inspect … | head`) and a file above `ulimit -f` are errors of write(2), not signals.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        keepStandardDescriptors()
        do {
            try checkNames()
            var command = try parseAsRoot()
            try command.run()
            try flushOutput()
        } catch let fault as any Fault {
            standardError("calor: \(fault.message)" + (fault.advice.map { "\n    \($0)" } ?? ""))
            Foundation.exit(ExitStatus.of(fault))
        } catch {
            exit(withError: error)
        }
    }

    /// `-heat.png` would be taken for the option -h and others.
    private static func checkNames() throws {
        for name in CommandLine.arguments.dropFirst().prefix(while: { $0 != "--" })
        where name.hasPrefix("-") && name.contains(".") && FileManager.default.fileExists(atPath: name) {
            throw PipelineFault.usage(
                problem: "\(name) begins with a hyphen, as options do", advice: "write ./\(name), or -- before the names")
        }
    }

    /// Of standard input, output and error, what a shell has closed stays closed: the first file opened would take its number, and with it
    /// the messages. Reading or writing there is an error of read(2) and write(2), as it should be.
    private static func keepStandardDescriptors() {
        for (number, flags) in [(Int32(0), O_WRONLY), (1, O_RDONLY), (2, O_RDONLY)] where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", flags)
        }
    }

    /// What `print` could not write (a full disk) is an error; a reader that has read enough is none.
    private static func flushOutput() throws {
        guard fflush(nil) != 0 else { return }
        let reason = errno
        if reason != EPIPE { throw PipelineFault.inputOutput(path: "standard output", reason: String(cString: strerror(reason))) }
    }
}

/// Writes one line to standard error.
func standardError(_ line: String) { standardErrorText(line + "\n") }

/// Writes to standard error. What cannot be written there has no better place: the status still says what happened.
func standardErrorText(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
    }
}

/// One line without control characters, which a hostile file could use to write over a terminal.
func printable(_ text: String) -> String {
    let clean = String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
    return clean.count > 160 ? clean.prefix(160) + "…" : clean
}
