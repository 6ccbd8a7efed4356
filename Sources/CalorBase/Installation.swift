import Foundation

/// Where the files that come with Calor are: bundled pipelines and models.
public enum Installation {
    /// Folders called `name` (`pipelines`, `models`), best first: `$CALOR_HOME/name`, then beside the program (`share/calor/name` of
    /// its prefix), then the nearest folder above the program that holds both `pipelines` and `models`, which is a checkout.
    public static func folders(named name: String, environment: [String: String] = ProcessInfo.processInfo.environment) -> [String]
    {
        var found: [String] = []
        func add(_ path: String) {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue, !found.contains(path) {
                found.append(path)
            }
        }
        if let home = environment["CALOR_HOME"], !home.isEmpty { add(home + "/" + name) }
        guard let program = programPath() else { return found }
        var folder = (program as NSString).deletingLastPathComponent
        add((folder as NSString).deletingLastPathComponent + "/share/calor/" + name)
        while folder != "/" && !folder.isEmpty {
            let manager = FileManager.default
            if manager.fileExists(atPath: folder + "/pipelines"), manager.fileExists(atPath: folder + "/models") {
                add(folder + "/" + name)
                break
            }
            folder = (folder as NSString).deletingLastPathComponent
        }
        return found
    }

    /// The program's own path with symbolic links resolved.
    private static func programPath() -> String? {
        #if os(Linux)
            return try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        #else
            return Bundle.main.executableURL?.resolvingSymlinksInPath().path
        #endif
    }
}
