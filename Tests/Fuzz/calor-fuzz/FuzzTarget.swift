/// Something that takes any bytes and must neither crash, nor hang, nor be wrong.
protocol FuzzTarget {
    static var name: String { get }
    /// One line for `scripts/fuzz --list`.
    static var summary: String { get }
    /// Inputs to start from, made by our own generators.
    static func seeds() throws -> [[UInt8]]
    /// Ends the process with `fatalError` when something is wrong; an error that the input deserves is no finding.
    static func run(_ bytes: [UInt8])
}

/// All targets. A new one is a file with a type, and a line here.
var targets: [any FuzzTarget.Type] {
    [
        GraphTarget.self, OperatorTarget.self, ONNXTarget.self, FLIRTarget.self, RadiometricJPEGTarget.self, PNGTarget.self,
        JPEGTarget.self, TIFFTarget.self, PipelineTarget.self, JournalTarget.self,
    ]
}
