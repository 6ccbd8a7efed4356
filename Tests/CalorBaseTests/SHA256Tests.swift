import CalorBase
import Testing

/// *Source*: the examples of FIPS 180-2, appendix B, and of NIST's Cryptographic Standards and Guidelines page.
@Suite struct SHA256Tests {
    static let vectors: [(message: [UInt8], digest: String)] = [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            Array(
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
                    .utf8),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        ([UInt8](repeating: 0x61, count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ]

    @Test(arguments: vectors.indices) func knownDigests(_ index: Int) {
        let vector = Self.vectors[index]
        #expect(SHA256.hex(of: vector.message) == vector.digest, "vector \(index)")
    }

    @Test(arguments: [1, 3, 55, 56, 63, 64, 65, 127, 1000]) func piecesGiveTheSameDigest(_ size: Int) {
        let message = (0..<3001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        var hash = SHA256()
        for start in stride(from: 0, to: message.count, by: size) {
            hash.update(Array(message[start..<min(start + size, message.count)]))
        }
        #expect(hash.hexDigest() == SHA256.hex(of: message), "pieces of \(size)")
        #expect(hash.hexDigest() == SHA256.hex(of: message), "asking twice changes nothing")
    }
}
