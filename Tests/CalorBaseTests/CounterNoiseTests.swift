import Testing

@testable import CalorBase

@Suite struct CounterNoiseTests {
    /// The known answers that come with the generator's paper (Random123, `kat_vectors`).
    @Test(
        "Philox gives its published numbers",
        arguments: [
            (
                SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0),
                SIMD4<UInt32>(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
            ),
            (
                SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
                SIMD4<UInt32>(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
            ),
            (
                SIMD4<UInt32>(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), SIMD2<UInt32>(0xA409_3822, 0x299F_31D0),
                SIMD4<UInt32>(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
            ),
        ])
    func published(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, expected: SIMD4<UInt32>) {
        #expect(CounterNoise.philox(counter: counter, key: key) == expected)
    }

    @Test("a run of pixels has the numbers of its pixels, wherever it begins", arguments: [-5, 0, 1, 2, 3, 17])
    func runs(x: Int) {
        let noise = CounterNoise(seed: 7, imageKey: CounterNoise.key(of: "a/b"))
        for count in [0, 1, 3, 4, 9] {
            var row = [Float](repeating: 0, count: count)
            row.withUnsafeMutableBufferPointer { noise.fillNormals($0, x: x, y: 5, channel: 1) }
            #expect(row == (0..<count).map { noise.normal(x: x + $0, y: 5, channel: 1) }, "\(count) pixels from \(x)")
            row.withUnsafeMutableBufferPointer { noise.fillUniform($0, x: x, y: 5, channel: 1) }
            #expect(row == (0..<count).map { noise.uniform(x: x + $0, y: 5, channel: 1) }, "\(count) pixels from \(x)")
        }
    }

    @Test("every part of the key changes the numbers")
    func key() {
        let places = [(1, 2, 0), (2, 2, 0), (1, 3, 0), (1, 2, 1)]
        let generators = [
            CounterNoise(seed: 1), CounterNoise(seed: 2), CounterNoise(seed: 1, imageKey: 1), CounterNoise(seed: 2, imageKey: 1),
        ]
        let numbers = generators.flatMap { noise in places.map { noise.bits(x: $0.0, y: $0.1, channel: $0.2) } }
        #expect(Set(numbers).count == numbers.count)
    }

    @Test("normal numbers have the moments of the normal distribution, and neighbours do not correlate")
    func moments() {
        let noise = CounterNoise(seed: 42)
        var sums = [0.0, 0.0, 0.0, 0.0]
        var neighbours = [0.0, 0.0]
        let side = 200
        for y in 0..<side {
            for x in 0..<side {
                let v = Double(noise.normal(x: x, y: y))
                sums[0] += v
                sums[1] += v * v
                sums[2] += v * v * v
                sums[3] += v * v * v * v
                neighbours[0] += v * Double(noise.normal(x: x + 1, y: y))
                neighbours[1] += v * Double(noise.normal(x: x, y: y + 1))
            }
        }
        let count = Double(side * side)
        // Four standard errors: the seed is fixed, so this cannot fail by chance.
        #expect(abs(sums[0] / count) < 0.02)
        #expect(abs(sums[1] / count - 1) < 0.03)
        #expect(abs(sums[2] / count) < 0.08)
        #expect(abs(sums[3] / count - 3) < 0.2)
        #expect(neighbours.allSatisfy { abs($0 / count) < 0.02 }, "\(neighbours)")
    }

    @Test("uniform numbers stay in 0..<1 and fill it")
    func uniform() {
        let noise = CounterNoise(seed: 3)
        let values = (0..<10_000).map { noise.uniform(x: $0, y: 0) }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        let counts = values.reduce(into: [Int](repeating: 0, count: 10)) { $0[Int($1 * 10)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 1000) < 120 }, "\(counts)")
    }
}
