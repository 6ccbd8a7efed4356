import CalorBase
import CalorGraph
import CalorImage
import CalorTensor
import Synchronization

/// A network that the user names, whose outputs are the features that guidance compares: VGG, an encoder, anything with one picture as
/// its input. Its gradient is a graph of its own, on the same kernels.
///
/// *Units*: the network is given the picture in 0...1 of full scale, one channel, or three equal ones.
public final class FeatureNetwork: Sendable {
    public let path: String
    public let sha256: String
    private let name: String
    private let graph: Graph
    private let forward: Session
    private let channels: Int
    /// Reverse graphs for the sizes that were asked for last.
    private let reversed = Mutex<[(size: Size, session: Session)]>([])
    private static let kept = 4

    /// *Throws*: when the file is missing, not a network, or has more than one input.
    public init(path: String) throws(RestorationFault) {
        self.path = path
        name = path.split(separator: "/").last.map(String.init) ?? path
        (forward, sha256) = try NetworkFile.unvouched(path: path, name: name)
        graph = forward.graph
        guard graph.inputs.count == 1, let input = graph.inputs.first, input.dtype == .f32, let dims = input.dims, dims.count == 4
        else {
            throw .notAnImageNetwork(model: name, reason: "a feature network has one f32 input: batch, channels, height, width")
        }
        switch dims[1] {
        case .fixed(let n) where n == 1 || n == 3: channels = n
        case .symbol: channels = 1
        case .fixed(let n): throw .notAnImageNetwork(model: name, reason: "its input has \(n) channels, not 1 or 3")
        }
    }

    private func input(_ x: [Double], _ size: Size) -> [String: Tensor] {
        let plane = x.map { Float($0) }
        let all = channels == 1 ? plane : plane + plane + plane
        return [graph.inputs[0].name: Tensor([1, channels, size.height, size.width], all)]
    }

    private func outputs(_ result: [String: Tensor]) throws(RestorationFault) -> [[Float]] {
        var all: [[Float]] = []
        for output in graph.outputs {
            guard let tensor = result[output.name], tensor.dtype == .f32 else {
                throw .notAnImageNetwork(model: name, reason: "output \(output.name) is not f32")
            }
            let values = tensor.floats
            guard values.allSatisfy(\.isFinite) else {
                throw .notFinite(model: name, count: values.reduce(0) { $1.isFinite ? $0 : $0 + 1 })
            }
            all.append(values)
        }
        return all
    }

    /// The features of a picture, one list for each output.
    public func features(_ x: [Double], size: Size, pool: WorkerPool? = nil) throws(RestorationFault) -> [[Float]] {
        let result: [String: Tensor]
        do { result = try forward.run(input(x, size), pool: pool) } catch { throw RestorationFault(error, model: name) }
        return try outputs(result)
    }

    /// Σ over outputs of mean((φ(x) − target)²).
    public func value(
        _ x: [Double], size: Size, target: [[Float]], pool: WorkerPool? = nil
    ) throws(RestorationFault) -> Double {
        loss(try features(x, size: size, pool: pool), target)
    }

    /// The loss and its gradient by the picture.
    ///
    /// *Complexity*: two forward passes and the reverse one, which costs about as much as two more.
    public func gradient(
        _ x: [Double], size: Size, target: [[Float]], pool: WorkerPool? = nil
    ) throws(RestorationFault) -> (value: Double, gradient: [Double]) {
        let session = try reverseSession(size)
        let found = try features(x, size: size, pool: pool)
        var feeds = input(x, size)
        for (k, output) in graph.outputs.enumerated() {
            let seed = Graph.seedName(of: output.name)
            guard let info = session.graph.inputs.first(where: { $0.name == seed }), let shape = info.fixedShape else { continue }
            let factor = 2 / Float(max(found[k].count, 1))
            feeds[seed] = Tensor(shape, zip(found[k], target[k]).map { factor * ($0 - $1) })
        }
        let result: [String: Tensor]
        do { result = try session.run(feeds, pool: pool) } catch { throw RestorationFault(error, model: name) }
        guard let gradient = result[Graph.gradientName(of: graph.inputs[0].name)]?.floats else {
            throw .notAnImageNetwork(model: name, reason: "its gradient was not computed")
        }
        let pixels = size.pixels
        return (
            loss(found, target),
            (0..<pixels).map { i in (0..<channels).reduce(0.0) { $0 + Double(gradient[$1 * pixels + i]) } }
        )
    }

    private func loss(_ found: [[Float]], _ target: [[Float]]) -> Double {
        zip(found, target).reduce(0) { sum, pair in
            let squares = zip(pair.0, pair.1).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
            return sum + squares / Double(max(pair.0.count, 1))
        }
    }

    /// Bytes and arithmetic of one gradient.
    public func estimate(_ size: Size) throws(RestorationFault) -> (peakBytes: Int, flops: Double) {
        let session = try reverseSession(size)
        do {
            var shapes: [String: Shape] = [:]
            for input in session.graph.inputs { shapes[input.name] = input.fixedShape }
            let plan = try session.plan(for: shapes)
            return (plan.peakBytes(threads: 1), plan.flops)
        } catch { throw RestorationFault(error, model: name) }
    }

    private func reverseSession(_ size: Size) throws(RestorationFault) -> Session {
        if let known = reversed.withLock({ $0.first { $0.size == size }?.session }) { return known }
        let made: Session
        do {
            let graph = try graph.reversed(
                for: [graph.inputs[0].name: [1, channels, size.height, size.width]], outputs: graph.outputs.map(\.name),
                inputs: [graph.inputs[0].name])
            made = try Session(graph: graph)
        } catch { throw RestorationFault(error, model: name) }
        reversed.withLock {
            $0.append((size, made))
            if $0.count > Self.kept { $0.removeFirst() }
        }
        return made
    }
}

extension FeatureNetwork: Equatable {
    public static func == (a: FeatureNetwork, b: FeatureNetwork) -> Bool { a.sha256 == b.sha256 }
}
