import CalorTensor

/// Dropout passes its input on, except in training mode, where the dropped places follow from the seed.
enum DropoutOperators {
    static let all: [Operator] = [
        Operator(
            "Dropout", 1...3, outputs: 2, "its input, or part of it in training",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [type, ValueType(call.opset < 10 ? type.dtype : .bool, type.shape)]
            }, evaluate: { call throws(GraphFault) in try run(call) })
    ]

    private static func run(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        let attribute = try call.float("ratio")
        let ratio = try call.number(at: 1) ?? attribute ?? 0.5
        let training = try call.number(at: 2) ?? 0
        let maskType = call.opset < 10 ? source.dtype : .bool
        guard training != 0, ratio != 0 else {
            let ones = Tensor(.bool, source.shape, copying: [UInt8](repeating: 1, count: source.count))
            return [source, try CastOperators.cast(call, ones, to: maskType)]
        }
        try call.requireFloating(source.dtype)
        try call.require(ratio > 0 && ratio < 1, "a ratio of \(ratio) is not allowed")
        var generator = MersenneTwister(seed: UInt32(truncatingIfNeeded: try call.int("seed") ?? 0))
        let mask = (0..<source.count).map { _ in generator.uniform() >= ratio ? 1 : 0 as UInt8 }
        let scale = 1 / (1 - ratio)
        let values = zip(source.doubles, mask).map { $1 == 0 ? 0 : $0 * scale }
        let result = try CastOperators.cast(call, Tensor(.f64, source.shape, copying: values), to: source.dtype)
        return [result, try CastOperators.cast(call, Tensor(.bool, source.shape, copying: mask), to: maskType)]
    }
}

/// The generator whose numbers the ONNX reference drops by.
///
/// *Source*: M. Matsumoto and T. Nishimura, Mersenne Twister, 1998 (MT19937, 32 bits).
struct MersenneTwister {
    private static let size = 624
    private var state: [UInt32]
    private var index = size

    init(seed: UInt32) {
        state = [seed]
        for i in 1..<Self.size { state.append(1_812_433_253 &* (state[i - 1] ^ state[i - 1] >> 30) &+ UInt32(i)) }
    }

    private mutating func next() -> UInt32 {
        if index == Self.size {
            for i in 0..<Self.size {
                let y = state[i] & 0x8000_0000 | state[(i + 1) % Self.size] & 0x7FFF_FFFF
                state[i] = state[(i + 397) % Self.size] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
            }
            index = 0
        }
        var y = state[index]
        index += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C_5680
        y ^= y << 15 & 0xEFC6_0000
        return y ^ y >> 18
    }

    /// 53 random bits in [0, 1).
    mutating func uniform() -> Double {
        let (high, low) = (Double(next() >> 5), Double(next() >> 6))
        return (high * 67_108_864 + low) / 9_007_199_254_740_992
    }
}
