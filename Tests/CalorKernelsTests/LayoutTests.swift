import CalorKernels
import CalorTensor
import Testing

@Suite("Layouts")
struct LayoutTests {
    @Test("go to blocks and back, in parts too", arguments: [1, 3, 5, 8, 13, 24], [1, 7, 16, 33])
    func roundTrip(_ channels: Int, _ pixels: Int) {
        let planes = Floats(channels * pixels) { Float($0 + 1) }
        let blocked = Floats(BlockedLayout.count(channels: channels, pixels: pixels)) { _ in .nan }
        let back = Floats(channels * pixels)
        for range in [0..<pixels / 2, pixels / 2..<pixels] {
            BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: channels, pixels: pixels, range: range)
            BlockedLayout.toPlanes(blocked.read, back.pointer, channels: channels, pixels: pixels, range: range)
        }
        #expect(back.array == planes.array && back.guardsIntact && blocked.guardsIntact, "\(channels) channels, \(pixels) pixels")
        for channel in 0..<(channels + 7) / 8 * 8 {
            for pixel in 0..<pixels {
                let value = blocked.pointer[(channel / 8 * pixels + pixel) * 8 + channel % 8]
                #expect(
                    value == (channel < channels ? Float(channel * pixels + pixel + 1) : 0), "channel \(channel) pixel \(pixel)")
            }
        }
    }

    @Test(
        "copy channels anywhere",
        arguments: [(0, 8, 0, 8), (0, 16, 8, 24), (3, 7, 1, 13), (8, 5, 8, 13), (5, 11, 0, 11), (0, 3, 8, 11)])
    func copy(_ first: Int, _ count: Int, _ at: Int, _ total: Int) {
        let pixels = 7
        let source = Floats(24 * pixels) { Float($0 + 1) }
        let target = Floats(BlockedLayout.count(channels: total, pixels: pixels)) { _ in -1 }
        for range in [3..<7, 0..<3] {
            BlockedLayout.copyChannels(
                source.read, first: first, count: count, target.pointer, at: at, destinationChannels: total, pixels: pixels,
                range: range)
        }
        #expect(target.guardsIntact)
        for channel in 0..<target.count / pixels {
            for pixel in 0..<pixels {
                let from = first + channel - at
                let wanted: Float =
                    channel >= at && channel < at + count
                    ? source.pointer[(from / 8 * pixels + pixel) * 8 + from % 8] : channel >= total && at + count == total ? 0 : -1
                let value = target.pointer[(channel / 8 * pixels + pixel) * 8 + channel % 8]
                #expect(value == wanted, "\(first)+\(count) → \(at) of \(total), channel \(channel), pixel \(pixel)")
            }
        }
    }

    /// The definitions of PyTorch's `PixelShuffle` and TensorFlow's `depth_to_space`.
    @Test("shuffle pixels and back", arguments: [(1, 2), (1, 4), (3, 2), (3, 3), (3, 4), (4, 2), (9, 3)], ShuffleOrder.allCases)
    func shuffle(_ sizes: (Int, Int), _ order: ShuffleOrder) {
        let (channels, factor) = sizes
        let (height, width) = (3, 5)
        let small = channels * factor * factor
        let planes = Floats(small * height * width) { Float($0 + 1) }
        let blocked = Floats(BlockedLayout.count(channels: small, pixels: height * width))
        BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: small, pixels: height * width)
        let largePixels = height * width * factor * factor
        let (large, largeBlocked) = (
            Floats(channels * largePixels), Floats(BlockedLayout.count(channels: channels, pixels: largePixels))
        )
        let back = Floats(blocked.count) { _ in -1 }
        for rows in [2..<3, 0..<2] {
            PixelShuffle.toPlanes(
                blocked.read, large.pointer, channels: channels, height: height, width: width, factor: factor, order: order,
                rows: rows)
            PixelShuffle.toBlocked(
                blocked.read, largeBlocked.pointer, channels: channels, height: height, width: width, factor: factor, order: order,
                rows: rows)
            PixelShuffle.unshuffle(
                largeBlocked.read, back.pointer, channels: channels, height: height, width: width, factor: factor, order: order,
                rows: rows)
        }
        for c in 0..<channels {
            for y in 0..<height * factor {
                for x in 0..<width * factor {
                    let (dy, dx) = (y % factor, x % factor)
                    let from = order == .crd ? c * factor * factor + dy * factor + dx : (dy * factor + dx) * channels + c
                    let wanted = planes.pointer[(from * height + y / factor) * width + x / factor]
                    let value = large.pointer[(c * height * factor + y) * width * factor + x]
                    #expect(value == wanted, "\(order) ×\(factor) c \(c) y \(y) x \(x)")
                }
            }
        }
        let again = Floats(channels * largePixels)
        BlockedLayout.toPlanes(largeBlocked.read, again.pointer, channels: channels, pixels: largePixels)
        #expect(again.array == large.array && back.array == blocked.array, "\(order) ×\(factor), \(channels) channels")
        #expect(large.guardsIntact && largeBlocked.guardsIntact && back.guardsIntact)
    }
}

@Suite("Resampling")
struct ResamplingTests {
    private static let vertical = AxisTable(
        taps: 3, indices: [0, 0, 1, 0, 1, 2, 2, 3, 4, 4, 4, 4],
        weights: [0.2, 0.3, 0.5, -0.1, 1.2, -0.1, 0.3, 0.3, 0.4, 0.5, 0.25, 0.25])
    private static let horizontal = AxisTable(
        taps: 2, indices: [0, 1, 2, 2, 6, 5, 3, 4, 1, 0], weights: [0.5, 0.5, 1, 0, 0.3, 0.7, 0.1, 0.9, 2, -1])

    /// Against the double sum in f64; tolerance 1e-6 of the largest output.
    @Test("with tables equals the double sum", arguments: InstructionSet.allCases.filter(\.isAvailable))
    func tables(_ set: InstructionSet) {
        let table = KernelTable.table(for: set)
        let channels = 11
        let planes = Floats(channels * 35) { noise($0) }
        let blocked = Floats(16 * 35)
        BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: channels, pixels: 35)
        let (output, blockedOutput, back) = (Floats(channels * 20), Floats(16 * 20), Floats(channels * 20))
        let scratch = Floats(Resampling.scratchCount(inputWidth: 7))
        for rows in [2..<4, 0..<2] {
            Resampling.planes(
                planes.read, output.pointer, channels: channels, inputHeight: 5, inputWidth: 7, vertical: Self.vertical,
                horizontal: Self.horizontal, rows: rows, scratch: scratch.pointer, table: table)
            Resampling.blocked(
                blocked.read, blockedOutput.pointer, blocks: 2, inputHeight: 5, inputWidth: 7, vertical: Self.vertical,
                horizontal: Self.horizontal, rows: rows, scratch: scratch.pointer, table: table)
        }
        BlockedLayout.toPlanes(blockedOutput.read, back.pointer, channels: channels, pixels: 20)
        var wanted: [Float] = []
        for c in 0..<channels {
            for y in 0..<4 {
                for x in 0..<5 {
                    var sum = 0.0
                    for v in 0..<3 {
                        for h in 0..<2 {
                            let at = (c * 5 + Int(Self.vertical.indices[y * 3 + v])) * 7 + Int(Self.horizontal.indices[x * 2 + h])
                            let weight = Double(Self.vertical.weights[y * 3 + v]) * Double(Self.horizontal.weights[x * 2 + h])
                            sum += weight * Double(planes.pointer[at])
                        }
                    }
                    wanted.append(Float(sum))
                }
            }
        }
        let (plain, blocks) = (relativeError(output.array, wanted), relativeError(back.array, wanted))
        #expect(plain < 1e-6 && blocks < 1e-6, "\(set)")
        #expect(output.guardsIntact && blockedOutput.guardsIntact && scratch.guardsIntact)
    }

    @Test("repeats pixels", arguments: [1, 2, 3, 4])
    func nearest(_ factor: Int) {
        let planes = Floats(24) { Float($0) }
        let output = Floats(24 * factor * factor)
        let blockedOutput = Floats(24 * factor * factor)
        for rows in [1..<2, 0..<1] {
            Resampling.nearestPlanes(planes.read, output.pointer, channels: 4, height: 2, width: 3, factor: factor, rows: rows)
        }
        for rows in [1..<3, 0..<1] {
            Resampling.nearestBlocked(
                planes.read, blockedOutput.pointer, blocks: 1, height: 3, width: 1, factor: factor, rows: rows)
        }
        for i in 0..<output.count {
            let (x, y, c) = (i % (3 * factor), i / (3 * factor) % (2 * factor), i / (6 * factor * factor))
            #expect(output.pointer[i] == Float((c * 2 + y / factor) * 3 + x / factor), "×\(factor) at \(i)")
            let row = i / 8 / factor / factor
            #expect(blockedOutput.pointer[i] == Float(row * 8 + i % 8), "blocked ×\(factor) at \(i)")
        }
    }
}
