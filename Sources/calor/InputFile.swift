import CalorBase
import CalorCodecs
import CalorPipeline
import Foundation

/// A file that a command names, or `-` for standard input.
struct InputFile {
    let path: String
    /// What it should hold, for advice.
    var content = Content.picture

    enum Content: Sendable {
        case picture, model, other
    }

    var isStandardInput: Bool { path == "-" }
    var name: String { isStandardInput ? "standard input" : path }

    /// All bytes, at most as many as the limits allow.
    func bytes(limits: Limits = Limits()) throws(NamedFault) -> [UInt8] {
        let handle: FileHandle
        if isStandardInput {
            handle = .standardInput
        } else {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw named(ReadFault.missing(path)) }
            if isFolder.boolValue { throw named(ReadFault.folder(content)) }
            guard let opened = FileHandle(forReadingAtPath: path) else { throw named(ReadFault.unreadable) }
            handle = opened
        }
        var bytes: [UInt8] = []
        while true {
            let part: Data?
            do { part = try handle.read(upToCount: 4 << 20) } catch { throw named(ReadFault.broken(systemReason(error))) }
            guard let part, !part.isEmpty else { return bytes }
            guard bytes.count + part.count <= limits.fileBytes else {
                throw named(ReadFault.tooLarge(content, limit: limits.fileBytes))
            }
            bytes.append(contentsOf: part)
        }
    }

    /// The picture in the file.
    func decoded(options: DecodeOptions = DecodeOptions()) throws(NamedFault) -> DecodedImage {
        let bytes = try bytes(limits: options.limits)
        do { return try ImageDecoder.decode(bytes, options: options) } catch { throw named(error) }
    }

    func named(_ fault: any Fault) -> NamedFault { NamedFault(name: name, fault: fault) }
}

/// What the system says, without Foundation's wrapping.
func systemReason(_ error: any Error) -> String {
    let known = error as NSError
    let below = known.userInfo[NSUnderlyingErrorKey] as? NSError ?? known
    return below.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32(below.code))) : known.localizedDescription
}

/// A fault with the name of the file that it is about in front.
struct NamedFault: Fault {
    let name: String
    let fault: any Fault

    var identifier: String { fault.identifier }
    var kind: FaultKind { fault.kind }
    var message: String { "\(name): \(fault.message)" }
    var advice: String? { fault.advice }
}

/// Why the bytes of a file could not be had.
enum ReadFault: Fault {
    case missing(String)
    case folder(InputFile.Content)
    case unreadable
    case closedFolder
    case broken(String)
    case tooLarge(InputFile.Content, limit: Int)

    var identifier: String {
        switch self {
        case .missing: "file.missing"
        case .folder: "file.folder"
        case .unreadable, .closedFolder: "file.unreadable"
        case .broken: "file.read"
        case .tooLarge: "limit.file-bytes"
        }
    }

    var kind: FaultKind {
        switch self {
        case .missing, .folder, .unreadable, .closedFolder: .missing
        case .broken: .inputOutput
        case .tooLarge: .limit
        }
    }

    var message: String {
        switch self {
        case .missing: "there is no such file or folder"
        case .folder: "this is a folder, where a file was expected"
        case .unreadable: "the file cannot be opened for reading"
        case .closedFolder: "the folder cannot be read"
        case .broken(let reason): "reading failed: \(reason)"
        case .tooLarge(_, let limit): "the file holds more than \(limit) bytes"
        }
    }

    var advice: String? {
        switch self {
        case .missing(let path): pathAdvice(path)
        case .folder(.picture): "name the files in it, for example with FOLDER/*.png"
        case .folder(.model): "name the file in it, for example FOLDER/model.onnx"
        case .folder(.other): "name the file in it"
        case .unreadable, .closedFolder: "check its permissions"
        case .broken: "check the disk or the network share"
        case .tooLarge(.picture, _): "split the picture"
        case .tooLarge(.other, _): nil
        case .tooLarge(.model, _): "export it with its weights as external data, in a file of their own"
        }
    }
}
