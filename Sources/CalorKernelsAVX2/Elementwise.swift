import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Applies `body` to a vector of numbers at a time; the last few go through a padded copy, so every element gets the same operations.
///
/// There is one call of `body`, or the compiler would not inline it.
@inline(__always)
private func map(_ input: Source, _ output: Target, _ count: Int, _ body: (V) -> V) {
    var i = 0
    while i < count {
        let isWhole = i &+ lanes <= count
        let y = body(isWhole ? load(input, i) : partial(input + i, count &- i))
        if isWhole { store(y, output, i) } else { storePartial(y, output + i, count &- i) }
        i &+= lanes
    }
}

/// With a constant. A body that captured it would be called and not inlined.
@inline(__always)
private func map(_ input: Source, _ output: Target, _ count: Int, _ constant: V, _ body: (V, V) -> V) {
    var i = 0
    while i < count {
        let isWhole = i &+ lanes <= count
        let y = body(isWhole ? load(input, i) : partial(input + i, count &- i), constant)
        if isWhole { store(y, output, i) } else { storePartial(y, output + i, count &- i) }
        i &+= lanes
    }
}

@inline(__always)
private func map(_ a: Source, _ b: Source, _ output: Target, _ count: Int, _ body: (V, V) -> V) {
    var i = 0
    while i < count {
        let isWhole = i &+ lanes <= count
        let x = isWhole ? load(a, i) : partial(a + i, count &- i)
        let y = body(x, isWhole ? load(b, i) : partial(b + i, count &- i))
        if isWhole { store(y, output, i) } else { storePartial(y, output + i, count &- i) }
        i &+= lanes
    }
}

@inline(never)
func storePartial(_ value: V, _ pointer: Target, _ count: Int) {
    for lane in 0..<count { pointer[lane] = value[lane] }
}

/// The first `count` lanes from memory, the others 1.
@inline(never)
func partial(_ pointer: Source, _ count: Int) -> V {
    var v = V(repeating: 1)
    for lane in 0..<count { v[lane] = pointer[lane] }
    return v
}

@inline(__always)
private func mapScalar(_ input: Source, _ output: Target, _ count: Int, _ body: (Float) -> Float) {
    for i in 0..<count { output[i] = body(input[i]) }
}

@inline(never)
func unaryFloats(_ operation: UnaryOperation, _ input: Source, _ output: Target, _ count: Int) {
    let one = V(repeating: 1)
    switch operation {
    case .activation(let activation): activate(activation, input, output, count)
    case .negate: map(input, output, count) { -$0 }
    case .absolute: map(input, output, count) { magnitude($0) }
    case .squareRoot: map(input, output, count) { squareRootLanes($0) }
    case .reciprocal: map(input, output, count) { one / $0 }
    case .reciprocalSquareRoot: map(input, output, count) { one / squareRootLanes($0) }
    case .exponential: map(input, output, count) { exponential($0) }
    case .erf: map(input, output, count) { errorFunction($0) }
    case .square: map(input, output, count) { $0 * $0 }
    case .sign:
        map(input, output, count) { $0.replacing(with: one, where: $0 .> V()).replacing(with: -one, where: $0 .< V()) }
    case .floor: map(input, output, count) { floorLanes($0) }
    case .ceiling: map(input, output, count) { ceilingLanes($0) }
    case .roundHalfToEven: map(input, output, count) { roundedToEvenLanes($0) }
    // Rare in image networks: libm, one by one.
    case .logarithm: mapScalar(input, output, count) { logf($0) }
    case .sine: mapScalar(input, output, count) { sinf($0) }
    case .cosine: mapScalar(input, output, count) { cosf($0) }
    }
}

private func activate(_ activation: Activation, _ input: Source, _ output: Target, _ count: Int) {
    let one = V(repeating: 1)
    let half = V(repeating: 0.5)
    switch activation {
    case .none, .prelu: map(input, output, count) { $0 }
    case .relu: map(input, output, count) { $0.replacing(with: V(), where: $0 .< V()) }
    case .leakyRelu(let slope):
        map(input, output, count, V(repeating: slope)) { $0.replacing(with: $0 * $1, where: $0 .< V()) }
    case .sigmoid: map(input, output, count) { sigmoid($0) }
    case .silu: map(input, output, count) { silu($0) }
    case .gelu: map(input, output, count) { gelu($0) }
    case .geluTanh: map(input, output, count) { geluTanh($0) }
    case .tanh: map(input, output, count) { hyperbolicTangent($0) }
    case .clip(let lower, let upper): map(input, output, count) { clipped($0, lower, upper) }
    case .hardSigmoid(let alpha, let beta):
        map(input, output, count) { clipped(fused(V(repeating: beta), $0, V(repeating: alpha)), 0, 1) }
    case .hardSwish: map(input, output, count) { $0 * clipped(fused(half, $0, V(repeating: 1 / 6)), 0, 1) }
    case .elu(let alpha):
        map(input, output, count, V(repeating: alpha)) {
            $0.replacing(with: $1 * (exponential($0) - V(repeating: 1)), where: $0 .< V())
        }
    case .softplus: map(input, output, count) { softplus($0) }
    case .mish: map(input, output, count) { $0 * hyperbolicTangent(softplus($0)) }
    case .softsign: map(input, output, count) { $0 / (one + magnitude($0)) }
    }
}

// MARK: - Two operands

@inline(never)
func binaryFloats(_ operation: BinaryOperation, _ a: Source, _ b: Source, _ output: Target, _ count: Int) {
    switch operation {
    case .add: map(a, b, output, count) { $0 + $1 }
    case .subtract: map(a, b, output, count) { $0 - $1 }
    case .multiply: map(a, b, output, count) { $0 * $1 }
    case .divide: map(a, b, output, count) { $0 / $1 }
    case .minimum: map(a, b, output, count) { lesser($0, $1) }
    case .maximum: map(a, b, output, count) { greater($0, $1) }
    case .power: for i in 0..<count { output[i] = powf(a[i], b[i]) }
    }
}

/// With the same eight numbers for every group of eight; `c` repeats them.
@inline(never)
func laneFloats(_ operation: BinaryOperation, _ a: Source, _ c: V, _ output: Target, _ count: Int, _ constantFirst: Bool) {
    switch operation {
    case .add: map(a, output, count) { $0 + c }
    case .subtract: if constantFirst { map(a, output, count) { c - $0 } } else { map(a, output, count) { $0 - c } }
    case .multiply: map(a, output, count) { $0 * c }
    case .divide: if constantFirst { map(a, output, count) { c / $0 } } else { map(a, output, count) { $0 / c } }
    case .minimum: map(a, output, count) { lesser($0, c) }
    case .maximum: map(a, output, count) { greater($0, c) }
    case .power:
        for i in 0..<count { output[i] = constantFirst ? powf(c[i & 7], a[i]) : powf(a[i], c[i & 7]) }
    }
}

@inline(never)
func multiplyAddFloats(_ a: Source, _ b: Source, _ c: Source, _ output: Target, _ count: Int) {
    var i = 0
    while i &+ lanes <= count {
        store(fused(load(c, i), load(a, i), load(b, i)), output, i)
        i &+= lanes
    }
    if i < count {
        let rest = count &- i
        let y = fused(partial(c + i, rest), partial(a + i, rest), partial(b + i, rest))
        for lane in 0..<rest { output[i &+ lane] = y[lane] }
    }
}

@inline(never)
func scaleShiftFloats(_ input: Source, _ scale: Source, _ shift: Source, _ output: Target, _ count: Int) {
    let (a, b) = (repeatedBlock(scale), repeatedBlock(shift))
    map(input, output, count &* 8) { fused(b, $0, a) }
}

@inline(never)
func slopeFloats(_ input: Source, _ slopes: Source, _ output: Target, _ count: Int) {
    let slope = repeatedBlock(slopes)
    map(input, output, count &* 8) { $0.replacing(with: $0 * slope, where: $0 .< V()) }
}
