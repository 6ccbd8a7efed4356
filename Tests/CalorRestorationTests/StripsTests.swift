import Testing

@testable import CalorRestoration

@Suite struct StripsTests {
    @Test(arguments: [1, 15, 16, 17, 64, 100, 511, 512, 513, 768, 2000, 4001], [8, 64, 100, 256, 640, 5000])
    func coresCoverTheHeightOnceAndInOrder(height: Int, rows: Int) {
        for field in [0, 1, 21, 39, 88] {
            let strips = Strips(height: height, receptiveField: field, maximumRows: rows).strips
            var next = 0
            for strip in strips {
                #expect(strip.core.lowerBound == next, "height \(height), rows \(rows), field \(field)")
                #expect(strip.padded.lowerBound <= strip.core.lowerBound && strip.padded.upperBound >= strip.core.upperBound)
                next = strip.core.upperBound
            }
            #expect(next == height, "height \(height), rows \(rows), field \(field)")
        }
    }

    @Test func paddedStripsBeginOnTilesOfTheWholeImage() {
        for strip in Strips(height: 3001, receptiveField: 23, maximumRows: 300).strips {
            #expect(strip.padded.lowerBound % Strips.alignment == 0)
        }
    }

    @Test func haloHoldsOneTileOfFourForEveryRowOfTheReceptiveField() {
        let strips = Strips(height: 4000, receptiveField: 23, maximumRows: 512).strips
        #expect(strips.count > 2)
        for strip in strips.dropFirst() { #expect(strip.core.lowerBound - strip.padded.lowerBound >= 23 * 4) }
        for strip in strips.dropLast() { #expect(strip.padded.upperBound - strip.core.upperBound >= 23 * 4) }
    }

    @Test func anInfiniteReceptiveFieldIsNeverCut() {
        #expect(Strips(height: 9000, receptiveField: nil, maximumRows: 10).strips == [.init(core: 0..<9000, padded: 0..<9000)])
    }
}

@Suite struct BlendedStripsTests {
    @Test(arguments: [1, 31, 33, 100, 257, 1000], [(8, 1), (40, 2), (64, 8), (300, 1), (300, 8)])
    func weightsOfEveryRowSumToOneAndChangeSlowly(height: Int, cut: (rows: Int, multiple: Int)) {
        let (rows, multiple) = cut
        let height = (height + multiple - 1) / multiple * multiple
        let blend = BlendedStrips(height: height, maximumRows: rows, multiple: multiple)
        var sums = [Float](repeating: 0, count: height)
        for (index, strip) in blend.strips.enumerated() {
            #expect(strip.lowerBound % multiple == 0 && strip.upperBound <= height && !strip.isEmpty)
            let weights = blend.weights(index)
            for (row, weight) in zip(strip, weights) { sums[row] += weight }
            // Two networks that differ by a constant c make no step above c · 0.4 between rows, less for longer overlaps.
            for (a, b) in zip(weights, weights.dropFirst()) { #expect(abs(a - b) < 0.4, "\(height), \(rows), \(multiple)") }
            if strip.lowerBound > 0 { #expect(weights[0] < 0.25) }
        }
        for (row, sum) in sums.enumerated() { #expect(abs(sum - 1) < 1e-5, "row \(row) of \(height), strips of \(rows)") }
    }

    @Test func whatFitsIsNotCut() {
        #expect(BlendedStrips(height: 200, maximumRows: 200, multiple: 8).strips == [0..<200])
        #expect(BlendedStrips(height: 208, maximumRows: 200, multiple: 8).strips.count == 2)
    }
}
