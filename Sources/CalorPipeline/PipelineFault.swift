import CalorBase
import CalorThermal

/// Everything that can be wrong with a pipeline file, a run request, or the work on one image.
public enum PipelineFault: Fault {
    // MARK: The pipeline file
    case pipelineNotFound(name: String, known: [String])
    case pipelineUnreadable(path: String, reason: String)
    case syntax(place: Place, problem: String)
    case shape(place: Place, what: String, expected: String)
    case version(place: Place, found: String)
    case missingKey(place: Place, key: String, owner: String)
    case unknownKey(place: Place, key: String, owner: String, valid: [String])
    case unknownStage(place: Place, name: String, valid: [String])
    case unknownSource(place: Place, stage: String, source: String, valid: [String])
    case duplicateID(place: Place, id: String, reason: String)
    case cycle(place: Place, ids: [String])
    case inputCount(place: Place, count: Int)
    case match(place: Place, input: String, text: String, problem: String)
    case template(place: Place, text: String, problem: String, valid: [String])

    // MARK: Parameters and types
    case parameterValue(place: Place, stage: String, parameter: String, found: String, expected: String)
    case parameterConflict(place: Place, stage: String, problem: String, advice: String)
    case unknownTarget(text: String, problem: String, valid: [String])
    case type(place: Place, stage: String, found: String, expected: String)
    case format(output: String, problem: String, advice: String)

    // MARK: The request
    case usage(problem: String, advice: String)
    case inputNotFound(path: String)
    case inputIsFolder(path: String)
    case inputUnreadable(path: String, reason: String)
    case nothingToDo(where: String)
    case noPairs(where: String, patterns: [String])
    case collision(output: String, inputs: [String])
    case replacesInput(output: String)
    case outputExists(path: String)
    case outputFolder(path: String, reason: String)
    case metricsFile(path: String, reason: String)
    case journal(path: String, reason: String)
    case inputOutput(path: String, reason: String)
    /// Of `-o -`: the program at the other end of the pipe is gone.
    case readerGone
    case memory(needed: Int, budget: Int)

    // MARK: Pairs
    /// A file whose partner is not there.
    case unpaired(found: String, missing: String, wanted: String)
    /// Two files would both be the same half of one pair.
    case ambiguousPair(input: String, files: [String])

    // MARK: The work on one image
    case coloured(largestDifference: Int)
    case noTemperatureInPreview
    case notFinite(stage: String, count: Int)
    case cancelled
    /// A fault of a lower floor.
    case wrapped(any Fault)
}

extension PipelineFault {
    /// Any error as a fault of this module: those of lower floors keep their identifier, kind and words.
    public init(_ error: any Error) {
        switch error {
        case let own as PipelineFault: self = own
        case let fault as any Fault: self = fault.kind == .cancelled ? .cancelled : .wrapped(fault)
        default: self = .inputOutput(path: "", reason: "\(error)")
        }
    }
}

extension PipelineFault {
    /// A fault about "this image" that names the format, once that is known.
    func naming(_ format: String) -> PipelineFault {
        switch self {
        case .wrapped(ThermalFault.notRadiometric(what: "image", let reason)):
            .wrapped(ThermalFault.notRadiometric(what: format, reason: reason))
        case .wrapped(ThermalFault.noCalibration(what: "image")): .wrapped(ThermalFault.noCalibration(what: format))
        default: self
        }
    }
}
