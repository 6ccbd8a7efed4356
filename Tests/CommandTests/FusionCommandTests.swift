import CalorImage
import Foundation
import Testing

/// `register` and `fuse` as users meet them, on the pairs of the fixtures, whose truth is known.
@Suite struct FusionCommandTests {
    static let pairs = CalorProcess.fixtures.appendingPathComponent("pairs").path

    /// Infrared pixel (x, y) → place in the visible picture: see fixtures/README.md.
    static let truth: [String: @Sendable (Double, Double) -> (Double, Double)] = [
        "market": { ($0, $1) },
        "station": { (1.05 * ($0 - 119.5) + 119.5 + 9.5, 1.05 * ($1 - 95.5) + 95.5 - 6.25) },
        "bridge": { (1.44 * ($0 - 119.5) + 179.5 - 12, 1.44 * ($1 - 95.5) + 143.5 + 10.5) },
    ]

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func pipeline(_ stages: String, output: String, name: String = "p.yaml", ext: String = "{ext}") throws {
        let text = """
            calor: 1
            inputs:
              ir: { kind: infrared, match: "ir/{stem}.*" }
              rgb: { kind: rgb, match: "rgb/{stem}.*" }
            stages:
            \(stages)
            outputs:
              - { from: \(output), to: "{stem}.\(ext)" }
            """
        try folder.write(text.utf8, to: name)
    }

    private func records(_ name: String = "m.jsonl") throws -> [String: [String: Any]] {
        var found: [String: [String: Any]] = [:]
        for line in String(decoding: try folder.contents(name), as: UTF8.self).split(separator: "\n") {
            let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let input = record["input"] as? String else { continue }
            found[((input as NSString).lastPathComponent as NSString).deletingPathExtension] = record
        }
        return found
    }

    private func values(_ record: [String: Any]?, _ stage: String) throws -> [String: Any] {
        let stages = try #require(record?["stages"] as? [[String: Any]])
        return try #require(stages.first { $0["id"] as? String == stage }?["values"] as? [String: Any])
    }

    /// Mean distance from the truth over the infrared picture.
    private func error(_ transform: [Double], _ truth: (Double, Double) -> (Double, Double)) -> Double {
        var sum = 0.0
        var count = 0.0
        for y in stride(from: 0.0, to: 192, by: 12) {
            for x in stride(from: 0.0, to: 240, by: 12) {
                let (tx, ty) = truth(x, y)
                let (ex, ey) = (
                    transform[0] * x + transform[1] * y + transform[2], transform[3] * x + transform[4] * y + transform[5]
                )
                sum += ((ex - tx) * (ex - tx) + (ey - ty) * (ey - ty)).squareRoot()
                count += 1
            }
        }
        return sum / count
    }

    @Test func theBundledPipelineRegistersAndFusesTheFixtures() throws {
        let done = try CalorProcess.run(
            ["run", "ir-rgb-fuse", Self.pairs, "-o", "out", "--metrics", "m.jsonl"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        let size = Size(width: 240, height: 192)
        let found = try records()
        #expect(found.count == 3)
        for (name, truth) in Self.truth {
            let ext = name == "bridge" ? "tiff" : "png"
            for kind in ["fused", "registered"] {
                let image = try TestImages.decode(folder.contents("out/\(name)_\(kind).\(ext)"))
                #expect(image.size == size && image.colour == .rgb && image.format == .u8, "\(name) \(kind)")
            }
            let registered = try values(found[name], "registered")
            let transform = try #require(registered["transform"] as? [Double])
            let distance = error(transform, truth)
            #expect(distance < 0.5, "\(name): \(distance) pixels, \(registered)")
            #expect(registered["registered"] as? Bool == true && (registered["confidence"] as? Double ?? 0) > 0.3)
            #expect((registered["overlap"] as? Double ?? 0) > 0.8)
            let fused = try values(found[name], "fused")
            #expect((fused["gradientTransfer"] as? Double ?? 0) > 0.35, "\(name): \(fused)")
            #expect((fused["mutualInformationInfrared"] as? Double ?? 0) > 0.5, "\(name): \(fused)")
            #expect((fused["mutualInformationVisible"] as? Double ?? 0) > 0.5, "\(name): \(fused)")
            #expect((fused["entropy"] as? Double ?? 0) > 5, "\(name): \(fused)")
        }
    }

    @Test func countsAreBroughtOntoThePictureWithTheirDepth() throws {
        try pipeline("  - moved: { use: register, from: ir, to: rgb, border: black }", output: "moved", ext: "tiff")
        let done = try CalorProcess.run(["run", "p.yaml", Self.pairs, "-o", "out", "--metrics", "m.jsonl"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        let counts = try TestImages.decode(folder.contents("out/bridge.tiff"))
        #expect(counts.format == .u16 && counts.colour == .grey && counts.size == Size(width: 360, height: 288))
        let samples = counts.planes[0].floats()
        // The middle holds counts of the scene; a corner that the infrared camera does not see is black.
        #expect((6800...8600).contains(samples[144 * 360 + 180]))
        #expect(samples.contains(0))
        for threads in ["1", "2"] {
            _ = try CalorProcess.run(["run", "p.yaml", Self.pairs, "-o", "t\(threads)", "--threads", threads], in: folder.root)
        }
        for name in Self.truth.keys {
            #expect(try folder.contents("t1/\(name).tiff") == folder.contents("t2/\(name).tiff"), "\(name)")
        }
    }

    @Test func anAlignmentThatIsNotSureFailsOrPassesAsAsked() throws {
        let flat = Image(planes: [Plane(size: Size(width: 120, height: 90), format: .u8, repeating: 80)], colour: .grey)
        try folder.write(TestImages.png(flat), to: "in/ir/fog.png")
        try folder.write(TestImages.png(TestImages.rgb(180, 135)), to: "in/rgb/fog.png")
        try pipeline("  - moved: { use: register, from: rgb, to: ir }", output: "moved")
        let failed = try CalorProcess.run(["run", "p.yaml", "in", "-o", "out"], in: folder.root)
        #expect(failed.status == 65 && failed.error.contains("in/ir/fog.png: moved: no alignment to rely on"), "\(failed.error)")
        #expect(failed.error.contains("on-failure: pass"))
        let passed = try CalorProcess.run(
            ["run", "p.yaml", "in", "-o", "out", "--set", "moved.on-failure=pass", "--metrics", "m.jsonl"], in: folder.root)
        #expect(passed.status == 0, "\(passed.error)")
        #expect(try values(try records()["fog"], "moved")["registered"] as? Bool == false)
        #expect(try TestImages.decode(folder.contents("out/fog.png")).size == flat.size)
    }

    @Test func picturesThatDoNotFitAreRefusedBeforeWork() throws {
        try pipeline("  - fused: { use: fuse, from: ir, with: rgb }", output: "fused")
        let sizes = try CalorProcess.run(["run", "p.yaml", Self.pairs, "-o", "out"], in: folder.root)
        #expect(sizes.status == 2 && sizes.error.contains("bridge.tiff: fused:"), "\(sizes.error)")
        #expect(sizes.error.contains("pictures of 240×192 and 360×288") && sizes.error.contains("register"), "\(sizes.error)")
        try pipeline("  - fused: { use: fuse, from: rgb, with: ir }", output: "fused", name: "wrong.yaml")
        let wrong = try CalorProcess.run(["plan", "wrong.yaml"], in: folder.root)
        #expect(wrong.status == 64 && wrong.error.contains("the infrared picture, which is grey, in from"), "\(wrong.error)")
        try pipeline("  - fused: { use: fuse, from: ir }", output: "fused", name: "alone.yaml")
        let alone = try CalorProcess.run(["plan", "alone.yaml"], in: folder.root)
        #expect(alone.status == 64 && alone.error.contains("lacks the key \"with\""), "\(alone.error)")
    }

    @Test func aGreyFusionIsGrey() throws {
        try pipeline("  - fused: { use: fuse, from: ir, with: rgb, colour: grey }", output: "fused")
        let done = try CalorProcess.run(
            ["run", "p.yaml", Self.pairs + "/ir/market.png", Self.pairs + "/rgb/market.png", "-o", "one.png"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        #expect(try TestImages.decode(folder.contents("one.png")).colour == .grey)
    }
}
