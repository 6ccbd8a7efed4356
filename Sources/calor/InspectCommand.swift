import ArgumentParser
import CalorBase
import CalorCodecs
import Foundation

/// `calor inspect`: what a file is.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show size, depth, colour, metadata and statistics of pictures.",
        discussion: """
            Every file is decoded completely, so what is shown can also be processed. “-” reads one picture from standard input. \
            Statistics are in the file's own units: levels, counts, or kelvin. For radiometric files (FLIR, DJI) the raw frame, the \
            calibration and the temperatures that follow from them are shown too.

            EXAMPLES
              calor inspect shot.tiff
              calor inspect flight-12/*.png --json | jq -r '[.file, .width, .height, .bits] | @tsv'
              calor run ir-x4 - -o - < a.png | calor inspect -

            STATUS
              0 all shown, 2 some could not be read, 65 damaged, 66 missing.
            """)

    @Argument(help: ArgumentHelp("Pictures, or - for standard input.", valueName: "file"), completion: .file())
    var files: [String]
    @Flag(help: "Print one JSON object per file, one a line.")
    var json = false
    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        if reading.takesAllPages { throw ValidationError("--page takes one number here") }
        if files.count(where: { $0 == "-" }) > 1 { throw ValidationError("standard input (-) can be read only once") }
    }

    func run() throws {
        let options = try reading.decodeOptions()
        var failed = 0
        for (index, path) in files.enumerated() {
            let file = InputFile(path: path)
            do {
                let report = InspectReport(file: file.name, bytes: try file.bytes(limits: options.limits), options: options)
                try show(report, options, isFirst: index == 0)
            } catch let fault as NamedFault {
                if json { print(try jsonText(["file": file.name, "error": fault.identifier, "message": fault.message])) }
                if files.count == 1 { throw fault }
                standardError("calor: \(fault.message)" + (fault.advice.map { "\n    \($0)" } ?? ""))
                failed += 1
            }
        }
        if failed == files.count { throw ExitCode(65) }
        if failed > 0 { throw ExitCode(ExitStatus.someFailed) }
    }

    private func show(_ report: InspectReport, _ options: DecodeOptions, isFirst: Bool) throws {
        let decoded: DecodedImage
        do { decoded = try ImageDecoder.decode(report.bytes, options: options) } catch {
            throw NamedFault(name: report.file, fault: error)
        }
        if json {
            print(try jsonText(report.json(decoded)))
        } else {
            if !isFirst { print("") }
            print(report.text(decoded))
        }
    }
}
