import ArgumentParser
import CalorBase
import CalorCodecs
import CalorImage
import CalorKernels
import CalorRestoration
import Foundation

/// `calor doctor`: what this machine and this installation are, and whether they work.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at the processor, the codecs and the models, and run a self test.",
        discussion: """
            Prints what the engine runs on and which models it finds, then checks the fast kernels against the slow ones and every model \
            on a small picture. Put its output into a report of a fault.

            EXIT STATUS
              0 all is well, 65 a model is damaged, 66 no models were found, 70 the self test failed.
            """)

    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let findings = Findings.gather()
        if json { try findings.printJSON() } else { findings.printText() }
        if let problem = findings.problem { throw problem }
    }
}

/// What the doctor found.
struct Findings: Encodable {
    struct Model: Encodable {
        var name: String
        var path: String
        var sha256: String?
        var milliseconds: Double?
        var problem: String?
    }

    struct Library: Encodable {
        var name: String
        var version: String
    }

    var version = Calor.version
    var processor = CPUFeatures.current.name
    var cores = ProcessInfo.processInfo.activeProcessorCount
    var avx2 = CPUFeatures.current.avx2
    var fma = CPUFeatures.current.fma
    var avx512 = CPUFeatures.current.avx512
    var kernels = KernelTable.current.instructionSet.rawValue
    var codecs = CodecVersions.all.map { Library(name: $0.name, version: $0.version) }
    var pipelines = Installation.folders(named: "pipelines")
    var modelFolders = Installation.folders(named: "models")
    var models: [Model] = []
    /// The greatest difference between a fast convolution and its slow twin, relative to the greatest value.
    var kernelDifference = 0.0
    static let allowedDifference = 1e-4

    static func gather() -> Findings {
        var findings = Findings()
        findings.kernelDifference = KernelSelfTest.convolutionDifference()
        let catalogue = ModelCatalogue(searchPaths: findings.modelFolders)
        for name in catalogue.names() { findings.models.append(check(name, in: catalogue)) }
        return findings
    }

    /// Loads the model, digest and all, and runs it on a small picture.
    private static func check(_ name: String, in catalogue: ModelCatalogue) -> Model {
        var model = Model(name: name, path: "")
        do {
            let description = try catalogue.find(name)
            model.path = description.path
            model.sha256 = description.sha256
            let size = Size(width: 48, height: 48)
            let plane = Plane(size: size, floats: (0..<size.pixels).map { Float($0 * 37 % 256) }, format: .u8)
            let image = Image(
                planes: [Plane](repeating: plane, count: description.channels), colour: description.channels == 1 ? .grey : .rgb)
            let restorer = try Restorer(model: description)
            let clock = ContinuousClock()
            let time = try clock.measure { _ = try restorer.restore(image) }
            model.milliseconds = Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15
        } catch { model.problem = (error as? any Fault)?.message ?? "\(error)" }
        return model
    }

    var problem: DoctorFault? {
        if kernelDifference.isNaN || kernelDifference > Self.allowedDifference { return .kernels(kernelDifference) }
        if let broken = models.first(where: { $0.problem != nil }) { return .model(broken.name, broken.problem ?? "") }
        return models.isEmpty ? .noModels : nil
    }

    func printJSON() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }

    func printText() {
        func yes(_ flag: Bool) -> String { flag ? "yes" : "no" }
        print("calor \(version)")
        print("processor    \(processor.isEmpty ? "unknown" : processor), \(cores) cores")
        print("instructions AVX2 \(yes(avx2)), FMA \(yes(fma)), AVX-512 \(yes(avx512))")
        print(
            "kernels      \(kernels)\(kernels == "reference" ? ": this processor lacks AVX2 or FMA, or CALOR_INSTRUCTION_SET says so; all works, slowly" : "")"
        )
        for codec in codecs { print("codec        \(codec.name) \(codec.version)") }
        for folder in pipelines { print("pipelines    \(folder)") }
        for folder in modelFolders { print("models       \(folder)") }
        for model in models {
            let state = model.problem.map { "PROBLEM: \($0)" } ?? String(format: "works, 48×48 in %.1f ms", model.milliseconds ?? 0)
            print("model        \(model.name)  \(model.sha256?.prefix(12) ?? "")  \(state)")
        }
        print(
            String(
                format: "self test    fast kernels differ from slow ones by %.1e (allowed: %.0e)", kernelDifference,
                Self.allowedDifference))
    }
}

/// Why the doctor is not content.
enum DoctorFault: Fault {
    case kernels(Double)
    case model(String, String)
    case noModels

    var identifier: String {
        switch self {
        case .kernels: "doctor.kernels"
        case .model: "doctor.model"
        case .noModels: "doctor.no-models"
        }
    }

    var kind: FaultKind {
        switch self {
        case .kernels: .defect
        case .model: .damagedInput
        case .noModels: .missing
        }
    }

    var message: String {
        switch self {
        case .kernels(let difference): "the fast kernels are wrong on this machine: they differ from the slow ones by \(difference)"
        case .model(let name, let problem): "model \(name): \(problem)"
        case .noModels: "no models were found"
        }
    }

    var advice: String? {
        switch self {
        case .kernels: "set CALOR_INSTRUCTION_SET=reference to work with the slow ones, and report this"
        case .model: "fetch the model again"
        case .noModels: "set CALOR_HOME to the folder that holds models/ and pipelines/"
        }
    }
}
