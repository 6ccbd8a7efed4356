/// Which byte of a number comes first.
public enum ByteOrder: Sendable {
    case little, big
}

/// Reads numbers and ranges from bytes that nobody trusts: every access is checked, none traps.
///
/// A read outside the bytes returns nil and leaves the position where it was.
public struct ByteReader: Sendable {
    public let bytes: ArraySlice<UInt8>
    public var order: ByteOrder
    /// Relative to the first byte.
    public private(set) var position = 0

    public init(_ bytes: [UInt8], order: ByteOrder = .big) {
        self.init(bytes[...], order: order)
    }

    public init(_ bytes: ArraySlice<UInt8>, order: ByteOrder = .big) {
        self.bytes = bytes
        self.order = order
    }

    public var count: Int { bytes.count }
    public var remaining: Int { bytes.count - position }
    public var isAtEnd: Bool { position == bytes.count }

    /// Moves to an absolute position; false, without moving, when it is outside.
    @discardableResult
    public mutating func seek(to position: Int) -> Bool {
        guard position >= 0, position <= bytes.count else { return false }
        self.position = position
        return true
    }

    @discardableResult
    public mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, count <= remaining else { return false }
        position += count
        return true
    }

    // MARK: - In sequence

    public mutating func u8() -> UInt8? { integer() }
    public mutating func u16() -> UInt16? { integer() }
    public mutating func u32() -> UInt32? { integer() }
    public mutating func u64() -> UInt64? { integer() }
    public mutating func i16() -> Int16? { integer() }
    public mutating func i32() -> Int32? { integer() }
    public mutating func f32() -> Float? { u32().map(Float.init(bitPattern:)) }
    public mutating func f64() -> Double? { u64().map(Double.init(bitPattern:)) }

    public mutating func integer<T: FixedWidthInteger>(as type: T.Type = T.self) -> T? {
        guard let value = integer(at: position, as: type) else { return nil }
        position += MemoryLayout<T>.size
        return value
    }

    public mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard let part = slice(at: position, count: count) else { return nil }
        position += count
        return part
    }

    // MARK: - Anywhere

    public func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T? {
        let size = MemoryLayout<T>.size
        guard let part = slice(at: offset, count: size) else { return nil }
        let raw = part.withUnsafeBytes { $0.loadUnaligned(as: T.self) }
        return order == .little ? T(littleEndian: raw) : T(bigEndian: raw)
    }

    public func slice(at offset: Int, count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        let start = bytes.startIndex + offset
        return bytes[start..<(start + count)]
    }

    /// Whether the bytes at `offset` are those of `text` in ASCII.
    public func holds(_ text: StaticString, at offset: Int = 0) -> Bool {
        guard let part = slice(at: offset, count: text.utf8CodeUnitCount) else { return false }
        return text.withUTF8Buffer { part.elementsEqual($0) }
    }
}
