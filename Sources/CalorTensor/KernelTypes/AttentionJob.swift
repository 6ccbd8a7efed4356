/// Floats from one batch, head, token and channel of an operand of attention to the next.
public struct AttentionStrides: Sendable, Hashable {
    public var batch: Int
    public var head: Int
    public var token: Int
    public var channel: Int

    public init(batch: Int, head: Int, token: Int, channel: Int) {
        self.batch = batch
        self.head = head
        self.token = token
        self.channel = channel
    }
}

/// Sizes of softmax(scale · Q · Kᵀ + terms) · V for every batch and head.
public struct AttentionGeometry: Sendable, Hashable {
    public var batches: Int
    public var heads: Int
    public var queries: Int
    public var keys: Int
    /// Channels of a query and of a key.
    public var depth: Int
    /// Channels of a value and of the result.
    public var valueDepth: Int
    public var scale: Float

    public init(batches: Int, heads: Int, queries: Int, keys: Int, depth: Int, valueDepth: Int, scale: Float = 1) {
        self.batches = batches
        self.heads = heads
        self.queries = queries
        self.keys = keys
        self.depth = depth
        self.valueDepth = valueDepth
        self.scale = scale
    }
}

/// Numbers that are added to the scores, in the order of the kernel: `[count][blocks of queries][keys][queries of a block]`.
///
/// SAFETY: `@unchecked Sendable` because it only carries a read pointer, whose owner outlives every call that gets it.
public struct AttentionTerm: @unchecked Sendable {
    public var numbers: UnsafePointer<Float>
    /// Tables; head h of batch b takes table `(b · heads + h) / each % count`.
    public var count: Int
    public var each: Int

    public init(numbers: UnsafePointer<Float>, count: Int, each: Int) {
        self.numbers = numbers
        self.count = count
        self.each = each
    }
}

/// One call of the attention kernel for some of its items: item `(batch · heads + head) · blocks + block` is a block of queries.
///
/// SAFETY: `@unchecked Sendable` because the entry points check the sizes and give each worker its own items and scratch.
public struct AttentionJob: @unchecked Sendable {
    public var geometry: AttentionGeometry
    public var query: UnsafePointer<Float>
    public var queryStrides: AttentionStrides
    public var key: UnsafePointer<Float>
    public var keyStrides: AttentionStrides
    public var value: UnsafePointer<Float>
    public var valueStrides: AttentionStrides
    public var output: UnsafeMutablePointer<Float>
    public var outputStrides: AttentionStrides
    public var first: AttentionTerm?
    public var second: AttentionTerm?
    public var firstItem: Int
    public var endItem: Int
    public var scratch: UnsafeMutablePointer<Float>

    public init(
        geometry: AttentionGeometry, query: UnsafePointer<Float>, queryStrides: AttentionStrides, key: UnsafePointer<Float>,
        keyStrides: AttentionStrides, value: UnsafePointer<Float>, valueStrides: AttentionStrides,
        output: UnsafeMutablePointer<Float>, outputStrides: AttentionStrides, first: AttentionTerm? = nil,
        second: AttentionTerm? = nil, firstItem: Int, endItem: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        self.geometry = geometry
        self.query = query
        self.queryStrides = queryStrides
        self.key = key
        self.keyStrides = keyStrides
        self.value = value
        self.valueStrides = valueStrides
        self.output = output
        self.outputStrides = outputStrides
        self.first = first
        self.second = second
        self.firstItem = firstItem
        self.endItem = endItem
        self.scratch = scratch
    }
}
