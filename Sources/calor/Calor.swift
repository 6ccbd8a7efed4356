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
        // A reader that goes away (`calor inspect … | head`) is an error of write(2), not a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
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

    /// What `print` could not write (a full disk) is an error; a reader that has read enough is none.
    private static func flushOutput() throws {
        guard fflush(nil) != 0 else { return }
        let reason = errno
        if reason != EPIPE { throw PipelineFault.inputOutput(path: "standard output", reason: String(cString: strerror(reason))) }
    }
}

/// Writes one line to standard error.
func standardError(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// One line without control characters, which a hostile file could use to write over a terminal.
func printable(_ text: String) -> String {
    let clean = String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
    return clean.count > 160 ? clean.prefix(160) + "…" : clean
}
