import CalorBase
import CalorTensor
import Foundation
import Testing

@testable import CalorGraph

/// Networks whose steps work row by row, or break off where one does not.
enum StripNets {
    struct Net: Sendable, CustomTestStringConvertible {
        var name: String
        var graph: Graph
        var channels: Int
        /// Rows and columns must be multiples of it.
        var multiple = 1
        var testDescription: String { name }
    }

    static let all: [Net] =
        TestNets.all.filter { $0.name != "swinish" }.map {
            Net(name: $0.name, graph: $0.graph, channels: $0.channels, multiple: $0.name == "unet" ? 4 : 1)
        } + [
            Net(name: "every operator", graph: everyOperator(), channels: 5, multiple: 4),
            Net(name: "hourglass", graph: hourglass(), channels: 3, multiple: 4),
            Net(name: "squeeze", graph: squeeze(), channels: 3), Net(name: "planar", graph: planar(), channels: 3),
        ]

    /// Every kind of step that works row by row, some of them several times.
    static func everyOperator() -> Graph {
        var b = NetBuilder(channels: 5, seed: 11)
        func spread(_ b: inout NetBuilder, _ c: Int) -> ValueID { b.constant(b.random.tensor([1, c, 1, 1])) }
        var x = b.conv(b.input, 5, 24)
        x = b.op("Sigmoid", b.op("PRelu", x, b.constant(b.random.tensor([24, 1, 1]))))
        x = b.op("Add", b.op("Mul", x, spread(&b, 24)), spread(&b, 24))
        let half = b.op(
            "MaxPool", x,
            attributes: ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])])
        let down = b.conv(x, 24, 24, groups: 24, stride: 2)
        // An odd number of channels: the copies of a concatenation that is not placed, and lanes that must stay zero.
        x = b.concat([half, b.op("Sigmoid", b.conv(down, 24, 13)), down])
        let parts = b.many("Split", [x, b.ints(17, 44)], outputs: 2, ["axis": .int(1)])
        x = b.conv(b.op("Abs", parts[1]), 44, 16, k: 5)
        x = b.op("Mul", x, b.op("Tanh", b.conv(parts[0], 17, 16, k: 1)))
        let small = b.op("SpaceToDepth", x, attributes: ["blocksize": .int(2)])
        x = b.op("Add", x, b.op("DepthToSpace", b.conv(small, 64, 64, k: 1), attributes: ["blocksize": .int(2)]))
        x = b.op("Mul", b.op("Exp", b.op("Mul", x, b.number(-0.25))), b.number(0.5))
        x = b.conv(b.up(x, 2), 16, 20)
        x = b.op(
            "AveragePool", x,
            attributes: ["kernel_shape": .ints([3, 3]), "strides": .ints([1, 1]), "pads": .ints([1, 1, 1, 1])])
        return b.finished(b.op("Clip", b.conv(x, 20, 5), b.number(-0.5), b.number(0.75)), b.op("Neg", half))
    }

    /// Strides down, doubled rows up, long skips.
    static func hourglass() -> Graph {
        var b = NetBuilder(channels: 3, seed: 12)
        let top = b.leaky(b.conv(b.input, 3, 16), 0.1)
        let middle = b.leaky(b.conv(top, 16, 24, stride: 2), 0.1)
        var x = b.leaky(b.conv(middle, 24, 32, stride: 2), 0.1)
        x = b.op("Add", x, b.conv(b.leaky(b.conv(x, 32, 32), 0.1), 32, 32))
        x = b.conv(b.concat([b.conv(b.up(x, 2), 32, 24), middle]), 48, 24)
        x = b.conv(b.concat([b.conv(b.up(x, 2), 24, 16), top]), 32, 16)
        return b.finished(b.op("Add", b.conv(x, 16, 3), b.input))
    }

    /// Global means between local chains, whose vectors are read by every row.
    static func squeeze() -> Graph {
        var b = NetBuilder(channels: 3, seed: 13)
        var x = b.conv(b.input, 3, 20)
        for _ in 0..<2 {
            let y = b.conv(b.leaky(b.conv(x, 20, 20), 0.1), 20, 20)
            let gate = b.op("Sigmoid", b.conv(b.op("GlobalAveragePool", y), 20, 20, k: 1))
            x = b.op("Add", x, b.op("Mul", y, gate))
        }
        return b.finished(b.conv(x, 20, 3))
    }

    /// Steps on NCHW, before and after the network.
    static func planar() -> Graph {
        var b = NetBuilder(channels: 3, seed: 14)
        let scaled = b.op("Mul", b.op("Add", b.input, b.number(-0.25)), b.number(2))
        var x = b.op("Relu", b.op("Add", scaled, b.input))
        x = b.conv(b.leaky(b.conv(x, 3, 16), 0.2), 16, 12)
        x = b.op("DepthToSpace", x, attributes: ["blocksize": .int(2), "mode": .string("CRD")])
        return b.finished(b.op("Sigmoid", b.op("Add", x, b.up(b.op("Abs", scaled), 2))))
    }
}

@Suite struct StripTests {
    private static func session(_ graph: Graph, _ choice: StripChoice) throws -> Session {
        var options = SessionOptions()
        options.strips = choice
        return try Session(graph: graph, options: options)
    }

    private static func bits(_ outputs: [String: Tensor]) -> [String: [UInt32]] { outputs.mapValues { $0.array(of: UInt32.self) } }

    /// The plain order is the reference: every height of strip and every number of threads gives its bits.
    @Test(arguments: StripNets.all)
    func stripsHaveTheBitsOfThePlainOrder(net: StripNets.Net) throws {
        let plain = try Self.session(net.graph, .never)
        let pools = [nil, WorkerPool(threads: 2), WorkerPool(threads: 3)]
        let sessions = try [1, 4, 8, 20].map { ($0, try Self.session(net.graph, .always(rows: $0))) }
        var used = 0
        for (height, width) in [(1, 4), (3, 9), (4, 5), (5, 1), (17, 8), (33, 30), (76, 13), (161, 6)] {
            let shape = Shape([1, net.channels, height, width].enumerated().map { $0 < 2 ? $1 : $1.raised(to: net.multiple) })
            var random = TestRandom(UInt64(height))
            let x = ["input": random.tensor(shape)]
            let want = Self.bits(try plain.run(x))
            for (rows, session) in sessions {
                for pool in pools {
                    let got = Self.bits(try session.run(x, pool: pool))
                    #expect(got == want, "\(net.name) \(shape), strips of \(rows) rows, \(pool?.threads ?? 1) threads")
                }
                used += try session.plan(for: ["input": shape]).strips.count
            }
        }
        #expect(used > 0, "\(net.name) never ran in strips")
    }

    @Test(arguments: 0..<40)
    func randomGraphsHaveTheBitsOfThePlainOrder(seed: Int) throws {
        let graph = RandomNet.make(seed: UInt64(seed) + 500)
        var random = TestRandom(UInt64(seed))
        let x = ["input": random.tensor([1, 5, 40 + seed, 3 + seed % 9])]
        let want = Self.bits(try Self.session(graph, .never).run(x))
        for rows in [1 + seed % 5, 8] {
            let got = try Self.session(graph, .always(rows: rows)).run(x, pool: seed % 2 == 0 ? nil : WorkerPool(threads: 2))
            #expect(Self.bits(got) == want, "seed \(seed), strips of \(rows) rows: \(graph.nodes.map(\.op))")
        }
    }

    /// Networks without a step that needs the whole image keep all values between input and output in windows.
    @Test(arguments: ["srvgg", "rrdb", "nafish", "ir", "hourglass", "planar", "every operator"])
    func memoryDoesNotGrowWithTheHeight(name: String) throws {
        let net = try #require(StripNets.all.first { $0.name == name })
        let session = try Self.session(net.graph, .always(rows: 8))
        let plans = try [512, 1024, 4096].map { try session.plan(for: ["input": [1, net.channels, $0, 32]]) }
        #expect(plans.allSatisfy { $0.strips.count == 1 && $0.strips[0].steps == $0.reports.indices }, "\(plans.map(\.strips))")
        #expect(Set(plans.map(\.arenaBytes)).count == 1, "\(plans.map(\.arenaBytes))")
        #expect(plans[0].arenaBytes < plans[0].plainArenaBytes && plans[2].plainArenaBytes > plans[0].plainArenaBytes * 7)
    }

    @Test func largeImagesRunInStripsAndSmallOnesDoNot() throws {
        let net = try #require(StripNets.all.first { $0.name == "srvgg" })
        let session = try Session(graph: net.graph)
        let small = try session.plan(for: ["input": [1, 3, 64, 64]], threads: 2)
        #expect(small.strips.isEmpty && small.arenaBytes == small.plainArenaBytes)
        let shape = Shape([1, 3, 1000, 120])
        for threads in [1, 2] {
            let plan = try session.plan(for: ["input": shape], threads: threads)
            #expect(plan.strips.count == 1 && plan.threads == threads)
            #expect(plan.strips[0].rows % (4 * threads) == 0, "every thread has whole tiles: \(plan.strips)")
            #expect(plan.arenaBytes * 4 < plan.plainArenaBytes, "\(plan.arenaBytes) of \(plan.plainArenaBytes)")
        }
        var random = TestRandom(1)
        let x = ["input": random.tensor(shape)]
        let want = Self.bits(try Self.session(net.graph, .never).run(x, pool: WorkerPool(threads: 2)))
        #expect(Self.bits(try session.run(x, pool: WorkerPool(threads: 2))) == want)
        #expect(Self.bits(try session.run(x)) == want)
    }

    /// Outputs in the memory of a file, whose finished rows leave it during the run.
    @Test(arguments: StripNets.all)
    func outputsInAFileHaveTheSameBits(net: StripNets.Net) throws {
        let shape = Shape([1, net.channels, 96, 130].enumerated().map { $0 < 2 ? $1 : $1.raised(to: net.multiple) })
        var random = TestRandom(9)
        let x = ["input": random.tensor(shape)]
        let want = Self.bits(try Self.session(net.graph, .never).run(x))
        let session = try Self.session(net.graph, .always(rows: 4))
        for (name, type) in try session.plan(for: ["input": shape], threads: 2).placedOutputs {
            let path = NSTemporaryDirectory() + "calor-strips-\(UUID().uuidString)"
            var file = try AtomicFile(replacing: path)
            try file.write([UInt8](repeating: 0, count: 64))
            let memory = AlignedBytes(try #require(try file.mapRest(count: type.byteCount)))
            let got = try session.run(x, pool: WorkerPool(threads: 2), into: [name: memory])
            #expect(Self.bits(got) == want)
            try file.commit()
            let bytes = try #require(FileManager.default.contents(atPath: path)).dropFirst(64)
            #expect(Array(bytes) == got[name]?.withUnsafeBytes { Array($0) })
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func theProfileOfStripsNamesEveryStep() throws {
        let net = try #require(StripNets.all.first { $0.name == "squeeze" })
        let session = try Self.session(net.graph, .always(rows: 4))
        let x = ["input": Tensor(.f32, [1, 3, 64, 8])]
        let plan = try session.plan(for: x.mapValues(\.shape))
        #expect(plan.strips.count > 1)
        #expect(try session.profiled(x).profile.rows.map(\.step) == plan.reports)
    }
}

@Suite struct StripScheduleTests {
    /// A chain of convolutions 3×3 in tiles of four rows, with a skip from its beginning to its end.
    private static func chain(_ layers: Int, height: Int) -> [RowContract] {
        func planes(_ base: Int) -> RowPlanes {
            RowPlanes(place: Place(base: base), channels: 8, height: height, width: 4, layout: .nchw8c)
        }
        return (0..<layers).map { layer in
            var reads = [RowContract.Read(planes: planes(layer), reach: .window(stride: 1, pad: 1, span: 3))]
            if layer == layers - 1 { reads.append(.init(planes: planes(1), reach: .same)) }
            return RowContract(reads: reads, write: planes(layer + 1), alignment: 4)
        }
    }

    @Test(arguments: [1, 3, 4, 5, 64, 301], [1, 4, 8, 12])
    func everyRowIsComputedOnceInOrder(height: Int, rows: Int) throws {
        let contracts = Self.chain(6, height: height)
        let schedule = try #require(
            StripSchedule(contracts, locals: Set(1...5), height: height, rowsPerTurn: min(rows, height)))
        var done = [Int](repeating: 0, count: contracts.count)
        for turn in 0..<schedule.turns {
            for step in contracts.indices {
                let range = schedule.rows(step, in: turn)
                #expect(range.lowerBound == done[step], "turn \(turn), step \(step)")
                done[step] = range.upperBound
                guard step > 0, !range.isEmpty else { continue }
                #expect(done[step - 1] >= min(height, range.upperBound + 1), "turn \(turn), step \(step) reads what is not there")
            }
        }
        #expect(done == [Int](repeating: height, count: contracts.count))
    }

    @Test func windowsHoldTheStripAndTheHaloAlone() throws {
        let schedule = try #require(StripSchedule(Self.chain(6, height: 400), locals: Set(1...5), height: 400, rowsPerTurn: 8))
        // Eight new rows, one row above them and the four that the next layer's tiles are ahead: thirteen, in tiles of four.
        #expect(schedule.windows[2] == 16 && schedule.windows[5] == 16, "\(schedule.windows)")
        // The skip waits for four layers of tiles.
        #expect(schedule.windows[1] == 28, "\(schedule.windows)")
        #expect(schedule.turns == 400 / 8 + 3)
    }

    /// A step may write over what it reads row by row, when the steps before it are through with those rows, and not otherwise.
    @Test func overwritingWaitsForTheLastReader() {
        var contracts = Self.chain(3, height: 64)
        // The last convolution writes where the first one's input was: safe, because it is behind.
        contracts[2].reads = [contracts[2].reads[0]]
        contracts[2].write.place.base = 0
        #expect(StripSchedule(contracts, locals: [1, 2], height: 64, rowsPerTurn: 4) != nil)
        // The first one over its own input: its next rows need what it has overwritten.
        contracts[0].write.place.base = 0
        #expect(StripSchedule(contracts, locals: [1, 2], height: 64, rowsPerTurn: 4) == nil)
    }

    @Test func reachesAreFloored() {
        #expect(RowReach.enlarged(4).first(-1) == -1 && RowReach.enlarged(4).end(-3) == 0 && RowReach.enlarged(4).end(5) == 2)
        #expect(RowReach.window(stride: 2, pad: 1, span: 3).end(3) == 6)
        #expect((-5).raised(to: 4) == -4 && 5.raised(to: 4) == 8 && 8.raised(to: 4) == 8 && 0.raised(to: 4) == 0)
    }
}
