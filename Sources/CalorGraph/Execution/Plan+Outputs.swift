import CalorTensor

extension Plan {
    /// Shapes of the outputs by name; an output whose shape depends on the data is left out.
    public var outputShapes: [String: Shape] {
        var shapes: [String: Shape] = [:]
        for output in outputs { if let type = output.type { shapes[output.name] = type.shape } }
        return shapes
    }
}
