import CalorBase
import CalorCodecs
import Foundation

/// Writes the pictures of `fixtures/`: `calor-fixtures OUTPUT`. The same program writes the same pictures every time.
@main
enum FixturesCommand {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let folder = arguments.first, arguments.count == 1, !folder.hasPrefix("-") else {
            fail("usage: calor-fixtures OUTPUT\n    writes small infrared and RGB scenes with known truth below OUTPUT", status: 64)
        }
        do {
            var bytes = 0
            for file in try Catalogue().files {
                let path = folder + "/" + file.path
                try FileManager.default.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try AtomicFile.write(file.bytes, to: path)
                bytes += file.bytes.count
                print("\(file.path)  \(file.bytes.count) bytes")
            }
            print("total  \(bytes) bytes")
        } catch let fault as any Fault {
            fail("calor-fixtures: \(fault)", status: 73)
        } catch {
            fail("calor-fixtures: \(error.localizedDescription)", status: 73)
        }
    }

    private static func fail(_ message: String, status: Int32) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(status)
    }
}
