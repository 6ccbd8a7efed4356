import Foundation

/// The built program, run as a user runs it.
struct CalorProcess {
    struct Result {
        var status: Int32
        var output: Data
        var error: String
        var text: String { String(decoding: output, as: UTF8.self) }
    }

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `$CALOR_BINARY`, else the release build, else the debug build.
    static let binary: URL = {
        if let path = ProcessInfo.processInfo.environment["CALOR_BINARY"] { return URL(fileURLWithPath: path) }
        let release = repository.appendingPathComponent(".build/release/calor")
        return FileManager.default.isExecutableFile(atPath: release.path)
            ? release : repository.appendingPathComponent(".build/debug/calor")
    }()

    static var fixtures: URL { repository.appendingPathComponent("fixtures") }

    /// Runs `calor` with `arguments` and waits. Standard output and error go through files, so that no pipe can fill up.
    static func run(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:], in folder: URL? = nil,
        by program: URL = binary
    ) throws -> Result {
        let scratch = try TemporaryFolder()
        let process = try start(arguments, input: input, environment: environment, in: folder, by: program, scratch: scratch)
        process.waitUntilExit()
        return try result(of: process, scratch: scratch)
    }

    /// Runs a line of bash, with the program as `$calor`.
    static func shell(_ line: String, in folder: URL) throws -> Result {
        try run(["-c", line], environment: ["calor": binary.path], in: folder, by: URL(fileURLWithPath: "/bin/bash"))
    }

    static func start(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:], in folder: URL? = nil,
        by program: URL = binary, scratch: TemporaryFolder
    ) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        for name in ["stdout", "stderr"] { try Data().write(to: scratch.url(name)) }
        process.standardOutput = try FileHandle(forWritingTo: scratch.url("stdout"))
        process.standardError = try FileHandle(forWritingTo: scratch.url("stderr"))
        if let input {
            try input.write(to: scratch.url("stdin"))
            process.standardInput = try FileHandle(forReadingFrom: scratch.url("stdin"))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        return process
    }

    static func result(of process: Process, scratch: TemporaryFolder) throws -> Result {
        // A signal shows as a shell shows it, so that a crash can never look like a documented status.
        let status = process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return Result(
            status: status, output: try Data(contentsOf: scratch.url("stdout")),
            error: String(decoding: try Data(contentsOf: scratch.url("stderr")), as: UTF8.self))
    }
}

/// A folder that goes away with its last reference.
final class TemporaryFolder {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("calor-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func url(_ name: String) -> URL { root.appendingPathComponent(name) }
    func path(_ name: String) -> String { url(name).path }

    func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
        try FileManager.default.createDirectory(at: url(name).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url(name))
    }

    /// Regular files below, as relative paths; the program's own folder (`.calor`) is left out.
    func files() -> [String] {
        let all = FileManager.default.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey])
        var found: [String] = []
        while let url = all?.nextObject() as? URL {
            guard (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true else { continue }
            let relative = String(url.path.dropFirst(root.path.count + 1))
            if !relative.hasPrefix(".calor") { found.append(relative) }
        }
        return found.sorted()
    }

    func contents(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
}
