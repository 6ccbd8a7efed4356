import CalorBase
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes folders and files where results go.
enum OutputFolder {
    /// Writes a whole file or nothing.
    static func write(_ bytes: [UInt8], to path: String) throws(PipelineFault) {
        try make(folder(of: path))
        do { try AtomicFile.write(bytes, to: path) } catch { throw PipelineFault(error) }
    }

    /// Makes `folder` and finds out whether files can be made there, before any work.
    static func check(_ folder: String) throws(PipelineFault) {
        try make(folder)
        let probe = FileSystem.join(folder, ".calor-\(getpid()).part")
        let file = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .outputFolder(path: folder, reason: FileSystem.errorText(errno)) }
        close(file)
        unlink(probe)
    }

    /// Makes the folder that `path` is in.
    static func makeFolder(of path: String) throws(PipelineFault) { try make(folder(of: path)) }

    static func folder(of path: String) -> String {
        let folder = InputName(path).folder
        return folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
    }

    private static func make(_ folder: String) throws(PipelineFault) {
        guard !FileSystem.isFolder(folder) else { return }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            // Another worker may have made it in the meantime.
            guard !FileSystem.isFolder(folder) else { return }
            throw .outputFolder(path: folder, reason: FileSystem.facts(folder) == nil ? "it cannot be made" : "it is not a folder")
        }
    }

    static func writeToStandardOutput(_ bytes: [UInt8]) throws(PipelineFault) {
        guard let problem = writeAll(bytes, to: 1) else { return }
        throw problem == EPIPE ? .readerGone : .inputOutput(path: "standard output", reason: FileSystem.errorText(problem))
    }

    /// All bytes to an open file; the error number of the first write that failed, nil when all was written.
    static func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32? {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let written = writeBytes(file, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return errno }
                done += written
            }
            return nil
        }
    }
}

/// write(2), which a method of the same name would hide.
private func writeBytes(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(file, bytes, count) }
