import CLibFuzzer
import Foundation

// calor-fuzz --list
// calor-fuzz --seeds TARGET FOLDER
// calor-fuzz TARGET [arguments of libFuzzer]

/// The target that the callback runs; set once, before the driver starts.
nonisolated(unsafe) var chosen: (any FuzzTarget.Type)?

func target(_ name: String) -> any FuzzTarget.Type {
    guard let found = targets.first(where: { $0.name == name }) else {
        FileHandle.standardError.write(Data("there is no target \(name); try --list\n".utf8))
        exit(64)
    }
    return found
}

let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "--list", nil:
    for target in targets { print("\(target.name)\t\(target.summary)") }
case "--seeds" where arguments.count == 4:
    let folder = URL(fileURLWithPath: arguments[3])
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (index, seed) in try target(arguments[2]).seeds().enumerated() {
        try Data(seed).write(to: folder.appendingPathComponent("seed-\(index)"))
    }
case let name?:
    chosen = target(name)
    var count = CommandLine.argc - 1
    // libFuzzer takes the name of the program first; it starts it again to minimise a finding.
    var list = CommandLine.unsafeArgv + 1
    let status = withUnsafeMutablePointer(to: &count) { count in
        withUnsafeMutablePointer(to: &list) { list in
            list.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1) { list in
                LLVMFuzzerRunDriver(count, list) { data, size in
                    chosen?.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
                    return 0
                }
            }
        }
    }
    exit(status)
}
