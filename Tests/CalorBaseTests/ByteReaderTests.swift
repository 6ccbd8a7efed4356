import CalorBase
import Testing

@Suite struct ByteReaderTests {
    let bytes: [UInt8] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xFF]

    @Test func bothOrders() {
        var big = ByteReader(bytes)
        var little = ByteReader(bytes, order: .little)
        #expect(big.u8() == 1 && little.u8() == 1)
        #expect(big.u16() == 0x0203)
        #expect(little.u16() == 0x0302)
        #expect(big.u32() == 0x0405_0607)
        #expect(little.u32() == 0x0706_0504)
        #expect(big.u32() == nil)
        #expect(big.position == 7, "a failed read does not move")
        #expect(big.u16() == 0x08FF)
        #expect(big.isAtEnd)
        #expect(big.u8() == nil)
    }

    @Test(arguments: [Int.min, -1, 0, 1, 8, 9, 10, Int.max - 1, Int.max]) func nothingOutsideIsReached(_ offset: Int) {
        var reader = ByteReader(bytes[2...])
        let isInside = offset >= 0 && offset < 7
        #expect((reader.integer(at: offset, as: UInt8.self) != nil) == isInside, "offset \(offset)")
        #expect(reader.integer(at: offset, as: UInt64.self) == nil, "offset \(offset)")
        #expect(reader.slice(at: offset, count: Int.max) == nil, "offset \(offset)")
        #expect((reader.slice(at: 0, count: offset) != nil) == (offset >= 0 && offset <= 7), "count \(offset)")
        #expect(reader.seek(to: offset) == (offset >= 0 && offset <= 7), "seek \(offset)")
        #expect(!reader.skip(offset) || offset <= 7, "skip \(offset)")
    }

    @Test func slicesKeepTheirOwnIndices() {
        var reader = ByteReader(bytes[3..<6])
        #expect(reader.take(2).map(Array.init) == [4, 5])
        #expect(reader.remaining == 1)
        #expect(ByteReader(Array("II*\0".utf8)).holds("II*\0"))
        #expect(!ByteReader(Array("II*".utf8)).holds("II*\0"))
    }
}
