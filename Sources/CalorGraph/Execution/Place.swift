import CalorTensor

/// An address that is known before the run: a base, whose pointer the run brings, and an offset in bytes.
struct Place: Sendable, Hashable {
    var base: Int
    var offset = 0
}

/// What a base of a plan stands for.
enum PlaceBase: Sendable {
    /// Bytes in the arena.
    case arena(ArenaPlan.Buffer)
    /// An input of the graph, by its position.
    case input(Int)
    /// A tensor that the run returns.
    case output(ValueType)
    /// A constant that is read as it is.
    case constant(Tensor)
    /// A tensor that the interpreter makes during the run; it is dropped after step `last`.
    case slot(last: Int)
}
