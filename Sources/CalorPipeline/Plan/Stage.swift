import CalorBase
import CalorImage

/// Where a stage stands in its file.
public struct StageSite: Sendable {
    public let id: String
    public let use: String
    public let place: Place
}

/// The entry of a stage in the library.
public struct StageDescription: Sendable {
    public var name: String
    public var summary: String
    public var parameters: [ParameterDescription]

    public init(name: String, summary: String, parameters: [ParameterDescription]) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
    }
}

/// What one stage takes for one image, beside its input and output.
public struct StageCost: Sendable, Equatable {
    public var scratchBytes: Int
    public var flops: Double?

    public init(scratchBytes: Int, flops: Double? = nil) {
        self.scratchBytes = scratchBytes
        self.flops = flops
    }
}

/// A step of a pipeline: made once from its parameters, shared by all jobs.
///
/// A stage is either a `RegionStage` or a `WholeStage`.
public protocol Stage: Sendable {
    static var description: StageDescription { get }

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault)

    /// *Throws*: when the stage cannot take such images.
    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost

    /// The same where a second image decides too: `reference` is the type of the one that a parameter of kind `source` names.
    func outputType(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> ImageType
    func cost(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> StageCost

    /// What decides the result beside the parameters, such as the digest of a model.
    var digest: String { get }
}

extension Stage {
    public var digest: String { "" }

    public func outputType(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> ImageType {
        try outputType(for: input)
    }

    public func cost(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> StageCost { try cost(for: input) }
}

/// A stage whose result in a region needs only a region of its input: it runs strip by strip, together with its neighbours.
public protocol RegionStage: Stage {
    /// True when the operation depends on the whole input (its range, its stripes): the input must then be complete.
    func surveys(_ input: ImageType) -> Bool

    /// The work on images of one type. `image` is given when the stage surveys such images.
    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation

    /// How to survey an image that is never held as a whole; nil when that is not possible.
    func survey(for input: ImageType) -> (any StripSurvey)?
}

extension RegionStage {
    public func survey(for input: ImageType) -> (any StripSurvey)? { nil }
}

/// The work of a region stage on one image. The same samples come out however the rows are cut.
public protocol RegionOperation: Sendable {
    var outputSize: Size { get }
    /// The input rows that `rows` of the output are made from.
    func inputRows(for rows: Range<Int>) -> Range<Int>
    /// *Shapes*: `part` holds the full width of the rows `covered` of the input; the result the full width of `rows`.
    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image
    /// Numbers for the metrics.
    var values: [String: Double] { get }
}

extension RegionOperation {
    public func inputRows(for rows: Range<Int>) -> Range<Int> { rows }
    public var values: [String: Double] { [:] }
}

/// A stage that needs the whole image.
public protocol WholeStage: Stage {
    /// `reference` is the image of the stage that a parameter of kind `source` names.
    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult
}

public struct StageResult: Sendable {
    public var image: Image
    public var values: [String: JSON]

    public init(image: Image, values: [String: JSON] = [:]) {
        self.image = image
        self.values = values
    }
}

/// What a stage may use while it runs.
public struct StageEnvironment: Sendable {
    /// nil: this job has one thread.
    public var pool: WorkerPool?
    public var cancelled: @Sendable () -> Bool

    public init(pool: WorkerPool? = nil, cancelled: @escaping @Sendable () -> Bool = { false }) {
        self.pool = pool
        self.cancelled = cancelled
    }
}
