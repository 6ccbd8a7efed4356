import CalorBase

extension PipelineFault {
    public var identifier: String {
        switch self {
        case .pipelineNotFound: "pipeline.not-found"
        case .pipelineUnreadable: "pipeline.unreadable"
        case .syntax: "pipeline.syntax"
        case .shape: "pipeline.shape"
        case .version: "pipeline.version"
        case .missingKey: "pipeline.missing-key"
        case .unknownKey: "pipeline.unknown-key"
        case .unknownStage: "pipeline.unknown-stage"
        case .unknownSource: "pipeline.unknown-source"
        case .duplicateID: "pipeline.duplicate-id"
        case .cycle: "pipeline.cycle"
        case .inputCount: "pipeline.input-count"
        case .match: "pipeline.match"
        case .template: "pipeline.template"
        case .parameterValue: "pipeline.parameter"
        case .parameterConflict: "pipeline.parameter-conflict"
        case .unknownTarget: "pipeline.set"
        case .type: "pipeline.type"
        case .format: "pipeline.format"
        case .usage: "run.usage"
        case .inputNotFound: "input.not-found"
        case .inputIsFolder: "input.is-folder"
        case .inputUnreadable: "input.unreadable"
        case .nothingToDo: "run.nothing-to-do"
        case .noPairs: "run.no-pairs"
        case .unpaired: "pair.unpaired"
        case .ambiguousPair: "pair.ambiguous"
        case .collision: "run.collision"
        case .replacesInput: "run.replaces-input"
        case .outputExists: "output.exists"
        case .outputFolder: "output.folder"
        case .metricsFile: "metrics.file"
        case .journal: "output.journal"
        case .inputOutput: "run.input-output"
        case .readerGone: "output.reader-gone"
        case .memory: "run.memory"
        case .coloured: "input.coloured"
        case .noTemperatureInPreview: "input.preview"
        case .notFinite: "stage.not-finite"
        case .cancelled: "cancelled"
        case .wrapped(let fault): fault.identifier
        }
    }

    public var kind: FaultKind {
        switch self {
        case .pipelineNotFound, .inputNotFound, .inputUnreadable, .pipelineUnreadable, .nothingToDo, .noPairs, .unpaired:
            .missing
        case .syntax, .shape, .version, .missingKey, .unknownKey, .unknownStage, .unknownSource, .duplicateID, .cycle,
            .inputCount, .match, .ambiguousPair,
            .template, .parameterValue, .parameterConflict, .unknownTarget, .type, .format, .usage, .collision, .replacesInput:
            .usage
        case .inputIsFolder, .coloured, .noTemperatureInPreview: .damagedInput
        case .outputExists, .outputFolder, .metricsFile, .journal: .cannotCreate
        case .inputOutput, .readerGone: .inputOutput
        case .memory: .limit
        case .notFinite: .defect
        case .cancelled: .cancelled
        case .wrapped(let fault): fault.kind
        }
    }

    public var message: String {
        switch self {
        case .pipelineNotFound(let name, _): "there is no pipeline \(name)"
        case .pipelineUnreadable(let path, let reason): "\(path): \(reason)"
        case .syntax(let place, let problem): "\(place): not valid YAML: \(problem)"
        case .shape(let place, let what, _): "\(place): \(what)"
        case .version(let place, let found): "\(place): the format is version \(found), this program reads version 1"
        case .missingKey(let place, let key, let owner): "\(place): \(owner) lacks the key \"\(key)\""
        case .unknownKey(let place, let key, let owner, _): "\(place): unknown key \"\(key)\" in \(owner)"
        case .unknownStage(let place, let name, _): "\(place): there is no stage called \"\(name)\""
        case .unknownSource(let place, let stage, let source, _): "\(place): \(stage) takes \"\(source)\", which does not exist"
        case .duplicateID(let place, let id, let reason): "\(place): the name \"\(id)\" \(reason)"
        case .cycle(let place, let ids): "\(place): stages wait for each other in a circle: \(ids.joined(separator: " → "))"
        case .inputCount(let place, let count): "\(place): a pipeline has one input or two, not \(count)"
        case .match(let place, let input, let text, let problem): "\(place): match of input \"\(input)\", \"\(text)\", \(problem)"
        case .template(let place, let text, let problem, _): "\(place): the output name \"\(text)\" \(problem)"
        case .parameterValue(let place, let stage, let parameter, let found, _):
            "\(place): \(parameter) of stage \"\(stage)\" cannot be \(found)"
        case .parameterConflict(let place, let stage, let problem, _): "\(place): stage \"\(stage)\": \(problem)"
        case .unknownTarget(let text, let problem, _): "--set \(text): \(problem)"
        case .type(let place, let stage, let found, _): "\(place): \(stage) is given \(found)"
        case .format(let output, let problem, _): "\(output): \(problem)"
        case .usage(let problem, _): problem
        case .inputNotFound(let path): "\(path): does not exist"
        case .inputIsFolder(let path): "\(path): is a folder, not an image"
        case .inputUnreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .nothingToDo(let place): "no images found in \(place)"
        case .noPairs(let place, let patterns): "no image in \(place) is like \(patterns.joined(separator: " or "))"
        case .unpaired(_, let missing, _): "has no partner: there is no \(missing)"
        case .ambiguousPair(let input, let files):
            "\(files.joined(separator: " and ")) would both be \"\(input)\" of the same pair"
        case .collision(let output, let inputs): "\(inputs.joined(separator: " and ")) would both be written to \(output)"
        case .replacesInput(let output): "the output \(output) is one of the inputs"
        case .outputExists(let path): "\(path) exists and the journal does not know it as finished"
        case .outputFolder(let path, let reason): "\(path): cannot be written: \(reason)"
        case .metricsFile(let path, let reason): "\(path): \(reason)"
        case .journal(let path, let reason): "\(path): the journal cannot be used: \(reason)"
        case .inputOutput(let path, let reason): path.isEmpty ? reason : "\(path): \(reason)"
        case .readerGone: "standard output: the program that reads it stopped before the whole image was written"
        case .memory(let needed, let budget): "needs \(bytesText(needed)) of memory, the budget is \(bytesText(budget))"
        case .coloured(let difference):
            "the file is coloured (channels differ by up to \(difference)), the pipeline takes infrared images"
        case .noTemperatureInPreview: "the 8-bit picture was asked for, which has no temperatures"
        case .notFinite(let stage, let count): "stage \(stage) gave \(count) values that are not finite"
        case .cancelled: "stopped"
        case .wrapped(let fault): fault.message
        }
    }

    public var advice: String? {
        switch self {
        case .pipelineNotFound(let name, let known):
            known.isEmpty
                ? "no bundled pipelines were found: set CALOR_HOME to the folder that holds pipelines/, or give the path of a .yaml file"
                : nearestAdvice(name, known, what: "pipelines")
        case .pipelineUnreadable: "give a text file of at most 1 MB, or the name of a bundled pipeline"
        case .syntax: "check the indentation and the quotes of that line"
        case .shape(_, _, let expected): expected
        case .version: "write \"calor: 1\""
        case .missingKey(_, let key, _): "add \"\(key): …\""
        case .unknownKey(_, let key, _, let valid): nearestAdvice(key, valid, what: "keys")
        case .unknownStage(_, let name, let valid):
            ["decode", "encode"].contains(name)
                ? "reading and writing files is not a stage: it follows from inputs and outputs"
                : nearestAdvice(name, valid, what: "stages")
        case .unknownSource(_, _, let source, let valid): nearestAdvice(source, valid, what: "names")
        case .duplicateID: "give each input and stage a name of its own"
        case .cycle: "let one of them take an input or an earlier stage"
        case .inputCount: "declare one input, for example: inputs: { image: { kind: rgb } }"
        case .match: "write for example match: \"ir/{stem}.*\"; {stem} is what both halves of a pair share, * and {dir} may differ"
        case .template(_, _, _, let valid): "placeholders: \(valid.map { "{\($0)}" }.joined(separator: " "))"
        case .parameterValue(_, _, _, _, let expected): "give \(expected)"
        case .parameterConflict(_, _, _, let advice): advice
        case .unknownTarget(let text, _, let valid):
            valid.isEmpty
                ? "write for example --set sharp.strength=0.5"
                : nearestAdvice(String(text.prefix { $0 != "=" }), valid, what: "settings")
        case .type(_, _, _, let expected): "it needs \(expected)"
        case .format(_, _, let advice): advice
        case .usage(_, let advice): advice
        case .inputNotFound(let path): pathAdvice(path)
        case .inputIsFolder: "give the folder itself as an INPUT to work on everything in it"
        case .inputUnreadable: "check the permissions of the file"
        case .noPairs: "give the folder that holds both halves, or say where they are with --set INPUT.match=PATTERN"
        case .unpaired(_, _, let wanted): "add the file that \(wanted) is to match, or leave this one out with --exclude"
        case .ambiguousPair: "leave one out with --exclude, or make the pattern narrower"
        case .nothingToDo: "folders are searched for png, jpg, jpeg, tif and tiff files that --include and --exclude let through"
        case .collision:
            "use --name with {dir}, {stem}, {name} or {ext} so that every output has a name of its own; files that are named one by one "
                + "have no {dir}: give the folder above them, with --include"
        case .replacesInput: "write to another folder with -o, or use another --name"
        case .outputExists: "use --overwrite to replace it, or another output folder"
        case .outputFolder: "choose a folder that exists or can be made, with permission to write"
        case .metricsFile: "choose another file for --metrics"
        case .journal: "check its permissions, or choose another output folder"
        case .inputOutput: "check the disk, then run again: what is finished is not repeated"
        case .readerGone: "look for its message"
        case .memory: "give more with --memory"
        case .coloured: "use a pipeline for RGB, such as enhance-rgb"
        case .noTemperatureInPreview: "leave out radiometric=preview"
        case .notFinite: "the model may be damaged; check it with `calor model check`"
        case .cancelled: nil
        case .wrapped(let fault): fault.advice
        }
    }

    private func nearestAdvice(_ word: String, _ valid: [String], what: String) -> String {
        if let nearest = nearestWord(to: word, among: valid) { return "did you mean \"\(nearest)\"?" }
        return "valid \(what): \(valid.joined(separator: ", "))"
    }
}

/// What to do about a path at which nothing is.
///
/// A name whose bytes are not UTF-8 reaches the program with U+FFFD in their place and is found under neither name.
public func pathAdvice(_ path: String) -> String {
    path.unicodeScalars.contains("\u{FFFD}")
        ? "the name is not UTF-8 text, which calor cannot open: rename the file, for example with `convmv -f latin1 -t utf8 --notest`"
        : "check the spelling and the folder you are in"
}

/// Bytes for people: `1.5 GB`, in powers of 1000 as disks and clouds count.
public func bytesText(_ bytes: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
        value /= 1000
        unit += 1
    }
    let tenths = (value * 10).rounded() / 10
    return unit == 0 || tenths >= 100 ? "\(Int(tenths.rounded())) \(units[unit])" : "\(tenths) \(units[unit])"
}
