import CalorTensor

/// Loops over one, two or three operands that broadcast together.
enum Elementwise {
    /// `combine` of every pair of elements; both tensors are stored as `A`.
    @inline(__always)
    static func map<A: BitwiseCopyable, R: BitwiseCopyable>(
        _ a: Tensor, _ b: Tensor, _ shape: Shape, _: A.Type, _ result: DType, _ combine: (A, A) -> R
    ) -> Tensor {
        let inner = shape.rank == 0 ? 1 : shape[-1]
        let (x, y) = (a.shape.broadcastStrides(to: shape), b.shape.broadcastStrides(to: shape))
        let (xStep, yStep) = (x.last ?? 0, y.last ?? 0)
        return a.withElements(A.self) { left in
            b.withElements(A.self) { right in
                Tensor.filled(result, shape, R.self) { out in
                    var walk = Odometer(shape.dims.dropLast(), [Array(x.dropLast()), Array(y.dropLast())])
                    var place = 0
                    while place < out.count {
                        let (p, q) = (walk.offsets[0], walk.offsets[1])
                        for i in 0..<inner { out[place + i] = combine(left[p + i * xStep], right[q + i * yStep]) }
                        place += inner
                        walk.advance()
                    }
                }
            }
        }
    }

    /// `transform` of every element.
    @inline(__always)
    static func map<A: BitwiseCopyable, R: BitwiseCopyable>(
        _ a: Tensor, _: A.Type, _ result: DType, _ transform: (A) -> R
    ) -> Tensor {
        a.converted(A.self, result, transform)
    }

    /// A floating tensor mapped through `Double`, which rounds once.
    static func mapDoubles(_ a: Tensor, _ transform: (Double) -> Double) -> Tensor {
        let wide = a.widened()
        if wide.dtype == .f64 { return map(wide, Double.self, .f64, transform) }
        return map(wide, Float.self, .f32) { Float(transform(Double($0))) }.narrowed(to: a.dtype)
    }
}

extension OperatorCall {
    /// Input `index` aligned as operator sets before 7 ask for.
    func aligned(_ index: Int) throws(GraphFault) -> Tensor { try tensor(index).reshaped(to: legacyShape(index)) }

    func requireFloating(_ dtype: DType) throws(GraphFault) { try require(dtype.isFloating, "needs a floating type, not \(dtype)") }
}
