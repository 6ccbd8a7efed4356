import Foundation
import Testing

@testable import CalorTensor

@Suite struct NPYTests {
    struct Case: Decodable, Sendable {
        var file: String
        var dtype: String
        var shape: [Int]
        var values: [Double]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    static func cases() throws -> [Case] {
        try JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appendingPathComponent("npy.json")))
    }

    static func values(_ tensor: Tensor) -> [Double] {
        switch tensor.dtype {
        case .f32: tensor.array(of: Float.self).map { Double($0) }
        case .f64: tensor.array(of: Double.self)
        case .f16: tensor.array(of: UInt16.self).map { Double(Float16(bitPattern: $0)) }
        case .i8: tensor.array(of: Int8.self).map { Double($0) }
        case .i16: tensor.array(of: Int16.self).map { Double($0) }
        case .i32: tensor.array(of: Int32.self).map { Double($0) }
        case .i64: tensor.array(of: Int64.self).map { Double($0) }
        case .u8, .bool: tensor.array(of: UInt8.self).map { Double($0) }
        case .u16: tensor.array(of: UInt16.self).map { Double($0) }
        case .u32: tensor.array(of: UInt32.self).map { Double($0) }
        case .u64: tensor.array(of: UInt64.self).map { Double($0) }
        }
    }

    @Test func readsWhatNumPyWrote() throws {
        let cases = try Self.cases()
        #expect(cases.count == 28)
        for entry in cases {
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(entry.file)))
            let tensor = try Tensor(npy: bytes)
            #expect(tensor.dtype.rawValue == entry.dtype, "\(entry.file)")
            #expect(tensor.shape.dims == entry.shape, "\(entry.file)")
            #expect(Self.values(tensor) == entry.values, "\(entry.file)")
        }
    }

    @Test func writesTheBytesThatNumPyWrites() throws {
        // Version 1, C order: the very same file.
        for name in ["f32C", "i64C", "boolC", "u8C", "f16C", "scalar", "empty"] {
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("\(name).npy")))
            #expect(try Tensor(npy: bytes).npyBytes == bytes, "\(name)")
        }
    }

    static func file(_ header: String, data: Int = 0, major: UInt8 = 1) -> [UInt8] {
        [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, major, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + header.utf8
            + [UInt8](repeating: 0, count: data)
    }

    @Test(arguments: [
        ([UInt8](), "npy.magic"), ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0], "npy.truncated"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", data: 11), "npy.truncated"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", data: 13), "npy.shape"),
        (file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", data: 4), "npy.type"),
        (file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", data: 8), "npy.type"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }"), "npy.shape"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807, 9), }"), "npy.shape"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "npy.shape"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "npy.shape"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (" + String(repeating: "1,", count: 65) + "), }"), "npy.shape"),
        (file("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }"), "npy.header"),
        (file("{'descr': '<f4', 'fortran_order': False}"), "npy.header"), (file("{'descr': '<f4"), "npy.header"),
        (file("{'what': '<f4'}"), "npy.header"), (file("", major: 9), "npy.truncated"), (file("    ", major: 9), "npy.header"),
    ])
    func refuses(_ bytes: [UInt8], _ identifier: String) {
        #expect { try Tensor(npy: bytes) } throws: { ($0 as? NPYFault)?.identifier == identifier }
    }

    @Test func everyPrefixOfAFileIsAFault() throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("f32F.npy")))
        for length in 0..<bytes.count {
            #expect(throws: NPYFault.self, "\(length)") { try Tensor(npy: Array(bytes.prefix(length))) }
        }
    }
}
