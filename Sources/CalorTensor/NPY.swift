// Reading and writing of NumPy's `.npy` files. Goals, in order: no file can make the reader trap or allocate more than the file
// itself holds; every type of `DType` survives a round trip bit for bit; speed.

extension Tensor {
    private static let npyMagic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    /// The array in the bytes of an `.npy` file of version 1, 2 or 3, in C or Fortran order.
    public init(npy bytes: [UInt8]) throws(NPYFault) {
        guard bytes.starts(with: Self.npyMagic) else { throw .notNPY }
        guard bytes.count >= 12 else { throw .truncated(expected: 12, found: bytes.count) }
        let major = bytes[6]
        guard (1...3).contains(major) else { throw .header(reason: "version \(major) is not known") }
        let start = major == 1 ? 10 : 12
        var length = Int(bytes[8]) | Int(bytes[9]) << 8
        if major > 1 { length |= Int(bytes[10]) << 16 | Int(bytes[11]) << 24 }
        guard length <= NPYHeader.byteLimit else {
            throw .header(reason: "\(length) bytes are above the limit of \(NPYHeader.byteLimit)")
        }
        guard bytes.count >= start + length else { throw .truncated(expected: start + length, found: bytes.count) }
        let header = try NPYHeader(parsing: bytes[start..<start + length])
        let size = try Self.byteCount(header)
        let end = start + length + size
        guard bytes.count >= end else { throw .truncated(expected: end, found: bytes.count) }
        guard bytes.count == end else { throw .shape(reason: "\(bytes.count - end) bytes follow the last element") }

        let storage = AlignedBytes(count: size)
        bytes.withUnsafeBytes { source in
            let elements = UnsafeRawBufferPointer(rebasing: source[(start + length)..<end])
            if header.fortranOrder {
                Self.copyReversed(elements, header, to: storage.pointer)
            } else if size > 0 {
                UnsafeMutableRawBufferPointer(start: storage.pointer, count: size).copyMemory(from: elements)
            }
        }
        self.init(header.dtype, Shape(header.shape), storage: storage, offset: 0)
        if header.dtype == .bool {
            withUnsafeMutableBytes { flags in for i in flags.indices { flags[i] = flags[i] == 0 ? 0 : 1 } }
        }
    }

    /// The bytes of an `.npy` file, version 1, C order.
    public var npyBytes: [UInt8] {
        var bytes = Self.npyHeader(dtype, shape)
        bytes.reserveCapacity(bytes.count + byteCount)
        withUnsafeBytes { bytes += $0 }
        return bytes
    }

    /// What comes before the elements in an `.npy` file, for whoever writes those from where they are.
    public static func npyHeader(_ dtype: DType, _ shape: Shape) -> [UInt8] {
        let extents = shape.dims.map(String.init).joined(separator: ", ") + (shape.rank == 1 ? "," : "")
        var header = "{'descr': '\(dtype.npyDescr)', 'fortran_order': False, 'shape': (\(extents)), }"
        // The elements begin at a multiple of 64 bytes.
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        return npyMagic + [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + header.utf8
    }

    /// Bytes of all elements, or a fault when no file could hold them.
    private static func byteCount(_ header: NPYHeader) throws(NPYFault) -> Int {
        var size = header.dtype.bytes
        for extent in header.shape {
            // An empty axis must not hide a product that overflows: strides are computed from it later.
            let (product, overflow) = size.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow, product <= 1 << 48 else { throw .shape(reason: "it is too large") }
            size = product
        }
        return header.shape.contains(0) ? 0 : size
    }

    /// Fortran order is C order with the axes reversed.
    private static func copyReversed(_ source: UnsafeRawBufferPointer, _ header: NPYHeader, to target: UnsafeMutableRawPointer) {
        let width = header.dtype.bytes
        var index = [Int](repeating: 0, count: header.shape.count)
        let strides = Array(Shape(header.shape.reversed()).strides.reversed())
        var place = 0
        for element in 0..<source.count / width {
            (target + element * width).copyMemory(from: source.baseAddress! + place * width, byteCount: width)
            var axis = index.count - 1
            while axis >= 0 {
                index[axis] += 1
                place += strides[axis]
                if index[axis] < header.shape[axis] { break }
                place -= strides[axis] * header.shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
    }
}
