/// Where a generator takes its decisions from: the bytes of a fuzzer, or a seed.
public struct Choices {
    private var bytes: [UInt8]
    private var position = 0
    private var state: UInt64?

    /// The fuzzer's bytes, one for each decision; when they are used up, every decision is the first one.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The same decisions for the same seed on every machine (splitmix64).
    public init(seed: UInt64) {
        bytes = []
        state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
    }

    /// Whether decisions still differ from each other.
    public var isOpen: Bool { state != nil || position < bytes.count }

    public mutating func byte() -> UInt8 {
        if let state {
            self.state = state &+ 0x9e37_79b9_7f4a_7c15
            return UInt8(truncatingIfNeeded: Self.mixed(state) >> 32)
        }
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    /// A number of `range`, at most 256 different ones.
    public mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(byte()) % min(range.count, 256)
    }

    public mutating func flag(oneIn n: Int = 2) -> Bool { number(1...n) == n }

    public mutating func one<Element>(of list: [Element]) -> Element { list[number(0...list.count - 1)] }

    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// `count` numbers in -1..<1 that depend on `key` alone.
    static func noise(_ count: Int, key: UInt64) -> [Float] {
        (0..<count).map { Float(mixed(key &* 0x1_0000_01b3 &+ UInt64($0)) >> 40) / Float(1 << 23) - 1 }
    }
}
