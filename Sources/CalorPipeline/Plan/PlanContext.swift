import CalorRestoration
import Synchronization

/// What stages may look up while a plan is made.
public final class PlanContext: Sendable {
    public let catalogue: ModelCatalogue
    /// `--seed`; nil leaves the seeds of the pipeline file.
    public let seed: Int?
    private let restorers = Mutex<[String: Restorer]>([:])
    private let featureNetworks = Mutex<[String: FeatureNetwork]>([:])

    public init(catalogue: ModelCatalogue, seed: Int? = nil) {
        self.catalogue = catalogue
        self.seed = seed
    }

    public func model(_ name: String) throws(PipelineFault) -> ModelDescription {
        do { return try catalogue.find(name) } catch { throw PipelineFault(error) }
    }

    /// The loaded network; stages that use the same model share one.
    public func restorer(for model: ModelDescription) throws(PipelineFault) -> Restorer {
        if let known = restorers.withLock({ $0[model.path] }) { return known }
        do {
            let restorer = try Restorer(model: model)
            restorers.withLock { $0[model.path] = restorer }
            return restorer
        } catch { throw PipelineFault(error) }
    }

    /// The loaded network of features; stages that name the same file share one.
    func featureNetwork(_ path: String) throws(PipelineFault) -> FeatureNetwork {
        if let known = featureNetworks.withLock({ $0[path] }) { return known }
        do {
            let network = try FeatureNetwork(path: path)
            featureNetworks.withLock { $0[path] = network }
            return network
        } catch { throw PipelineFault(error) }
    }
}
