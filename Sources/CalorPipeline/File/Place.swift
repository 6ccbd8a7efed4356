/// A line of a pipeline file, or of the command line.
public struct Place: Sendable, Hashable, CustomStringConvertible {
    public let file: String
    public let line: Int?

    public init(file: String, line: Int? = nil) {
        self.file = file
        self.line = line
    }

    public static let commandLine = Place(file: "command line")

    public var description: String { line.map { "\(file):\($0)" } ?? file }
}
