import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// A model folder that is a sampler, end to end, against PyTorch (Golden/make_process.py).
@Suite struct ProcessTests {
    struct Golden: Decodable {
        var width: Int
        var height: Int
        var seed: UInt64
        var image: [Float]
        var fidelity: [Float]
        var texture: [Float]
        var stochastic: [Float]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

    static func model() throws -> ModelDescription { try ModelCatalogue(searchPaths: [folder]).find("process") }

    static func plane(_ image: Image) -> [Float] { image.planes[0].floats() }

    @Test func agreesWithPyTorch() throws {
        let golden: Golden = try golden("process.json")
        let size = Size(width: golden.width, height: golden.height)
        let image = Image(planes: [Plane(size: size, samples: .f32(golden.image))], colour: .grey)
        var options = RestoreOptions()
        options.seed = golden.seed
        var stochastic = try Self.model()
        stochastic.sampler?.isDeterministic = false
        for (name, model, mode, expected) in [
            ("fidelity", try Self.model(), RestoreOptions.Mode.fidelity, golden.fidelity),
            ("texture", try Self.model(), .texture, golden.texture), ("stochastic", stochastic, .texture, golden.stochastic),
        ] {
            options.mode = mode
            let result = try Restorer(model: model).restore(image, options: options)
            let worst = zip(Self.plane(result.image), expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(result.image.size == size.scaled(by: 4) && worst <= 1e-4, "\(name): \(worst)")
            #expect(result.values["steps"] == 4)
        }
    }

    @Test func stripsThreadsAndNamesDoNotChangeASingleBit() throws {
        let restorer = try Restorer(model: try Self.model())
        let image = Image(planes: [RestorerTests.plane(30, 400)], colour: .grey)
        var options = RestoreOptions()
        options.mode = .texture
        options.seed = 3
        options.consistency = .exact
        let whole = try restorer.restore(image, options: options)
        options.stripPixels = 30 * 100
        let cut = try restorer.restore(image, options: options, pool: WorkerPool(threads: 3))
        #expect(cut.image == whole.image)
        options.seed = 4
        #expect(try restorer.restore(image, options: options).image != whole.image, "another seed is another picture")
    }

    /// No noise is fidelity, all of it is texture, and a share lies between them.
    @Test func aShareOfTheNoiseIsAShareOfTheTexture() throws {
        let restorer = try Restorer(model: try Self.model())
        let image = Image(planes: [RestorerTests.plane(30, 26, format: .f32, low: 0, high: 1)], colour: .grey)
        var options = RestoreOptions()
        let fidelity = Self.plane(try restorer.restore(image, options: options).image)
        options.mode = .texture
        let distances = try [0, 0.5, 1].map { share in
            options.noise = share
            return zip(Self.plane(try restorer.restore(image, options: options).image), fidelity).reduce(0.0) {
                $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
            }
        }
        #expect(distances[0] == 0 && 0 < distances[1] && distances[1] < 0.5 * distances[2], "\(distances)")
    }

    @Test func consistencyHoldsForASamplerInCounts() throws {
        let restorer = try Restorer(model: try Self.model())
        let plane = RestorerTests.plane(40, 30, format: .u16, low: 8_000, high: 8_600)
        var options = RestoreOptions()
        options.mode = .texture
        options.consistency = .exact
        let result = try restorer.restore(Image(planes: [plane], colour: .grey, meaning: .counts), options: options)
        #expect(result.values["consistencyMaximum"]! <= 0.5, "\(result.values)")
    }

    @Test func aSearchIsDeterministicAndPlanned() throws {
        let restorer = try Restorer(model: try Self.model())
        let image = Image(planes: [RestorerTests.plane(24, 20)], colour: .grey)
        var options = RestoreOptions()
        options.mode = .texture
        let plain = try restorer.estimate(for: image.size, options: options).flops
        options.search = NoiseSearch(width: 2, depth: 2)
        let found = try restorer.restore(image, options: options)
        #expect(found.values["searchLeaves"] == 4 && found.values["searchScore"]! >= found.values["searchScoreFirst"]!)
        #expect(try restorer.restore(image, options: options, pool: WorkerPool(threads: 2)).image == found.image)
        #expect(try restorer.estimate(for: image.size, options: options).flops == plain / 4 * 14)
        options.mode = .fidelity
        #expect { try restorer.restore(image, options: options) } throws: { ($0 as? any Fault)?.identifier == "model.guidance" }
    }

    @Test func stepsThatTheModelDoesNotHaveAreRefused() throws {
        let restorer = try Restorer(model: try Self.model())
        let image = Image(planes: [RestorerTests.plane(8, 8)], colour: .grey)
        var options = RestoreOptions()
        for steps in 1...4 {
            options.steps = steps
            #expect(try restorer.restore(image, options: options).values["steps"] == Double(steps))
        }
        options.steps = nil
        #expect(try restorer.restore(image, options: options).values["steps"] == 4)
        var student = try Self.model()
        student.sampler?.usualSteps = 1
        #expect(try Restorer(model: student).restore(image, options: options).values["steps"] == 1)
        #expect(try Restorer(model: student).digest != restorer.digest)
        options.steps = 5
        #expect { try restorer.restore(image, options: options) } throws: { error in
            (error as? any Fault)?.identifier == "model.steps" && (error as? any Fault)?.advice?.contains("1 to 4") == true
        }
    }

    /// Each row: what is replaced in the valid sidecar, by what, and a word of the message.
    @Test(arguments: [
        ("prediction: start", "prediction: end", "end"), ("input-scaling: preconditioned", "input-scaling: wide", "wide"),
        ("residual-deviation: 0.0157", "residual-deviation: -1", "residual-deviation"),
        ("roots: [", "roots: [0.9, ", "rise"), ("kappa: 0.05", "kappa: none", "kappa"),
        ("  low: low", "  low: low\n  wow: 1", "wow"), ("  step: step", "  step: step\n  latent: 3", "latent"),
        ("  step: step", "  step: step\n  steps: 5", "1…4"),
        ("  step: step", "  step: step\n  tiles: { side: 64, stride: 48 }", "latents"),
        ("  step: step", "  step: step\nspectrum: ../x.json", "beside"),
    ])
    func faultsOfASidecarNameTheKey(original: String, replacement: String, word: String) throws {
        let text = try String(contentsOfFile: Self.folder + "/process/model.yaml", encoding: .utf8)
        #expect(text.contains(original))
        #expect {
            try Sidecar.parse(text.replacing(original, with: replacement), path: "m/model.yaml", folder: "m")
        } throws: { error in
            (error as? RestorationFault)?.message.contains(word) == true
        }
    }
}

@Suite struct EnlargementTests {
    struct Golden: Decodable {
        var width: Int
        var height: Int
        var scale: Int
        var image: [Float]
        var torch: [Float]
        var keysEdge: [Float]
    }

    /// PyTorch's bicubic, and the kernel of a = −1/2 over repeated edges (Golden/make_enlargement.py).
    @Test func agreesWithPyTorch() throws {
        let golden: Golden = try golden("enlargement.json")
        let size = Size(width: golden.width, height: golden.height)
        for (kind, expected) in [(SamplerDescription.Enlargement.torch, golden.torch), (.keysEdge, golden.keysEdge)] {
            let found = kind.enlarged(golden.image, from: size, to: size.scaled(by: golden.scale))
            let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(found.count == expected.count && worst < 2e-6, "\(kind): \(worst)")
        }
    }
}
