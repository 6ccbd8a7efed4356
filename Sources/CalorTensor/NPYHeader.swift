/// The Python dictionary at the head of an `.npy` file.
///
/// *Source*: NEP 1 and `numpy.lib.format`, versions 1.0 to 3.0.
struct NPYHeader: Equatable {
    var dtype: DType
    var fortranOrder: Bool
    var shape: [Int]

    /// Longest header that is read; NumPy's own limit is 10,000.
    static let byteLimit = 65_536
    /// NumPy's own limit on axes.
    static let rankLimit = 64

    init(parsing text: ArraySlice<UInt8>) throws(NPYFault) {
        var parser = Parser(rest: text)
        var dtype: DType?
        var order: Bool?
        var shape: [Int]?
        try parser.expect("{")
        while !parser.accept("}") {
            let key = try parser.string()
            try parser.expect(":")
            switch key {
            case "descr":
                let descr = try parser.string()
                guard let found = DType(npyDescr: descr) else { throw .type(descr: descr) }
                dtype = found
            case "fortran_order": order = try parser.bool()
            case "shape": shape = try parser.tuple()
            default: throw .header(reason: "unknown key \(key)")
            }
            if !parser.accept(",") {
                try parser.expect("}")
                break
            }
        }
        guard let dtype, let order, let shape else { throw .header(reason: "descr, fortran_order or shape is missing") }
        self.dtype = dtype
        fortranOrder = order
        self.shape = shape
    }

    private struct Parser {
        var rest: ArraySlice<UInt8>

        mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 } }

        mutating func accept(_ mark: Character) -> Bool {
            skipBlanks()
            guard let first = rest.first, first == mark.asciiValue else { return false }
            rest.removeFirst()
            return true
        }

        mutating func expect(_ mark: Character) throws(NPYFault) {
            guard accept(mark) else { throw .header(reason: "\(mark) is missing") }
        }

        mutating func string() throws(NPYFault) -> String {
            skipBlanks()
            guard let quote = rest.first, quote == 0x27 || quote == 0x22 else { throw .header(reason: "text in quotes is missing") }
            rest.removeFirst()
            guard let end = rest.firstIndex(of: quote) else { throw .header(reason: "a quote is missing") }
            let text = rest[rest.startIndex..<end]
            guard text.count <= 64, text.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw .header(reason: "a text is not plain")
            }
            rest = rest[(end + 1)...]
            return String(decoding: text, as: UTF8.self)
        }

        mutating func bool() throws(NPYFault) -> Bool {
            skipBlanks()
            for (word, value) in [("True", true), ("False", false)] where rest.starts(with: word.utf8) {
                rest = rest.dropFirst(word.utf8.count)
                return value
            }
            throw .header(reason: "fortran_order is neither True nor False")
        }

        mutating func tuple() throws(NPYFault) -> [Int] {
            try expect("(")
            var values: [Int] = []
            while !accept(")") {
                skipBlanks()
                let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
                guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
                    throw .shape(reason: "an extent is not a number")
                }
                guard values.count < NPYHeader.rankLimit else { throw .shape(reason: "more than \(NPYHeader.rankLimit) axes") }
                rest = rest.dropFirst(digits.count)
                // Python 2 wrote a letter behind long integers.
                if rest.first == 0x4C { rest.removeFirst() }
                values.append(value)
                if !accept(",") {
                    try expect(")")
                    break
                }
            }
            return values
        }
    }
}

extension DType {
    /// The type as NumPy writes it, little-endian.
    var npyDescr: String {
        switch self {
        case .f32: "<f4"
        case .f64: "<f8"
        case .f16: "<f2"
        case .i8: "|i1"
        case .i16: "<i2"
        case .i32: "<i4"
        case .i64: "<i8"
        case .u8: "|u1"
        case .u16: "<u2"
        case .u32: "<u4"
        case .u64: "<u8"
        case .bool: "|b1"
        }
    }

    /// One-byte types may carry any mark of byte order.
    init?(npyDescr descr: String) {
        for dtype in DType.allCases {
            if descr == dtype.npyDescr
                || (dtype.bytes == 1 && ["<", ">", "="].contains(descr.prefix(1))
                    && descr.dropFirst() == dtype.npyDescr.dropFirst())
            {
                self = dtype
                return
            }
        }
        return nil
    }
}
