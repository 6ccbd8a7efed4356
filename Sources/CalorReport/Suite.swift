import CalorYAML
import Yams

/// A suite of fixtures: which pipelines run on which inputs, and what is asked of the results.
///
/// ```yaml
/// calor-suite: 1
/// name: fixtures
/// cases:
///   - { name: cleaned, pipeline: enhance-ir, inputs: [infrared/damaged], against: infrared/clean }
/// ```
public struct Suite: Sendable, Equatable {
    public struct Case: Sendable, Equatable {
        public var name: String
        /// A bundled pipeline, or a file beside the suite.
        public var pipeline: String
        /// Files and folders, relative to the suite.
        public var inputs: [String]
        /// `stage.parameter=value`, as for `calor run --set`.
        public var set: [String] = []
        /// The truth: a file or a folder whose names pair with those of the outputs.
        public var against: String?
        /// Pixels of the border that are left out of the comparison with the truth.
        public var crop = 0
        /// The bytes of the outputs must be those of the baseline.
        public var isExact = false
        /// How much worse a figure may be, by its name, beside the standard ones.
        public var tolerance: [String: Double] = [:]
    }

    public var name: String
    public var cases: [Case]

    static let maximumBytes = 1 << 20
    static let maximumCases = 1000

    // MARK: - Reading

    private static let keys = ["name", "pipeline", "inputs", "set", "against", "crop", "exact", "tolerance"]

    public init(reading text: String, file: String) throws(ReportFault) {
        func fault(_ node: Node?, _ problem: String, _ advice: String) -> ReportFault {
            .suite(path: file, line: node?.mark?.line, problem: problem, advice: advice)
        }
        guard text.utf8.count <= Self.maximumBytes else {
            throw fault(nil, "is larger than 1 MB", "give a suite file")
        }
        let root: Node?
        do throws(YAMLText.Problem) {
            root = try YAMLText.compose(text)
        } catch { throw .suite(path: file, line: error.line, problem: "not valid YAML: \(error)", advice: "check the indentation") }
        let example = "write for example: - { name: cleaned, pipeline: enhance-ir, inputs: [infrared/damaged] }"
        guard let root, let top = root.mapping else { throw fault(root, "is no suite", "a suite begins with \"calor-suite: 1\"") }
        for (key, _) in top where !["calor-suite", "name", "cases"].contains(key.string ?? "") {
            throw fault(key, "unknown key \"\(key.string ?? "")\"", "valid keys: calor-suite, name, cases")
        }
        guard top["calor-suite"]?.int == 1 else {
            throw fault(root, "does not say \"calor-suite: 1\"", "this program reads version 1")
        }
        guard let list = top["cases"]?.sequence, !list.isEmpty, list.count <= Self.maximumCases else {
            throw fault(top["cases"] ?? root, "needs 1 to \(Self.maximumCases) cases", example)
        }
        name = top["name"]?.string ?? file
        cases = []
        for node in list { cases.append(try Self.one(node, fault, example)) }
        for (i, one) in cases.enumerated() where cases[..<i].contains(where: { $0.name == one.name }) {
            throw fault(list[i], "two cases are called \"\(one.name)\"", "give each a name of its own")
        }
    }

    private static func one(
        _ node: Node, _ fault: (Node?, String, String) -> ReportFault, _ example: String
    ) throws(ReportFault) -> Case {
        guard let entries = node.mapping else { throw fault(node, "a case is keys with values", example) }
        for (key, _) in entries where !keys.contains(key.string ?? "") {
            throw fault(key, "unknown key \"\(key.string ?? "")\" in a case", "valid keys: \(keys.joined(separator: ", "))")
        }
        guard let name = entries["name"]?.string, !name.isEmpty else { throw fault(node, "a case lacks its name", example) }
        guard let pipeline = entries["pipeline"]?.string else { throw fault(node, "case \"\(name)\" lacks its pipeline", example) }
        func texts(_ key: String) throws(ReportFault) -> [String] {
            guard let value = entries[key] else { return [] }
            if let text = value.string { return [text] }
            guard let list = value.sequence else { throw fault(value, "\(key) of case \"\(name)\" is no list of texts", example) }
            let found = list.compactMap(\.string)
            guard found.count == list.count else { throw fault(value, "\(key) of case \"\(name)\" is no list of texts", example) }
            return found
        }
        var one = Case(name: name, pipeline: pipeline, inputs: try texts("inputs"), set: try texts("set"))
        guard !one.inputs.isEmpty else { throw fault(node, "case \"\(name)\" lacks its inputs", example) }
        one.against = entries["against"]?.string
        if let crop = entries["crop"] {
            guard let pixels = crop.int, (0...10_000).contains(pixels) else {
                throw fault(crop, "crop is no number of pixels", "give 4")
            }
            one.crop = pixels
        }
        if let exact = entries["exact"] {
            guard let flag = exact.bool else { throw fault(exact, "exact is neither true nor false", "give true or false") }
            one.isExact = flag
        }
        if let tolerance = entries["tolerance"] {
            guard let pairs = tolerance.mapping else {
                throw fault(tolerance, "tolerance is names with numbers", "write tolerance: { psnrGrey: 0.1 }")
            }
            for (key, value) in pairs {
                guard let name = key.string, let number = value.float, number >= 0, number.isFinite else {
                    throw fault(value, "a tolerance is a number above zero", "write tolerance: { psnrGrey: 0.1 }")
                }
                one.tolerance[name] = number
            }
        }
        return one
    }
}
