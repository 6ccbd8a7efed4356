import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// The bundled models on pictures made on the spot.
@Suite struct RestorerTests {
    static let models: String = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appendingPathComponent("models").path
    }()

    static let catalogue = ModelCatalogue(searchPaths: [models])

    static func plane(_ width: Int, _ height: Int, format: SampleFormat = .u8, low: Float = 0, high: Float = 255, seed: UInt64 = 1)
        -> Plane
    {
        let noise = CounterNoise(seed: seed, imageKey: 7)
        let values = (0..<width * height).map { i -> Float in
            let (x, y) = (i % width, i / width)
            let shape = 0.5 + 0.3 * sin(Float(x) / 9) * cos(Float(y) / 13) + (x > width / 2 ? 0.15 : -0.05)
            return low + (high - low) * min(max(shape + 0.02 * Float(noise.normal(x: x, y: y, channel: 0)), 0), 1)
        }
        return Plane(size: Size(width: width, height: height), floats: values, format: format)
    }

    @Test(arguments: ["ir-x4", "ir-x4-best", "ir-x2", "enhance-ir", "enhance-rgb"])
    func stripsAndThreadsDoNotChangeASingleBit(name: String) throws {
        let restorer = try Restorer(model: try Self.catalogue.find(name))
        let channels = restorer.model.channels
        let planes = (0..<channels).map { Self.plane(37, 901, seed: UInt64($0 + 1)) }
        let image = Image(planes: planes, colour: channels == 1 ? .grey : .rgb)
        let whole = try restorer.restore(image)
        var options = RestoreOptions()
        options.stripPixels = 37 * 250
        // Also where the engine cuts for itself.
        options.tensorBytes = 0
        let cut = try restorer.restore(image, options: options)
        #expect(cut.values["strips"]! > 1)
        #expect(cut.image == whole.image, "\(name): strips")
        let shared = try restorer.restore(image, pool: WorkerPool(threads: 3))
        #expect(shared.image == whole.image, "\(name): threads")
    }

    /// -9999 in a picture of kelvin would be spread over its neighbours; black in one of 8 bits is black.
    @Test func whatTheFileCallsNoDataIsRefused() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("ir-x2"))
        for (format, value) in [(SampleFormat.f32, Float(-9999)), (.u16, 0), (.u8, 0)] {
            var samples = Self.plane(24, 20, format: format, low: 20, high: 200).floats()
            let size = Size(width: 24, height: 20)
            var image = Image(planes: [Plane(size: size, floats: samples, format: format)], colour: .grey)
            image.metadata.georeference = Georeference()
            image.metadata.georeference?.gdalNoData = Array("\(Int(value))\0".utf8)
            _ = try restorer.restore(image)
            samples[7] = value
            image = image.replacing(planes: [Plane(size: size, floats: samples, format: format)])
            if format == .u8 {
                _ = try restorer.restore(image)
            } else {
                let fault = #expect(throws: RestorationFault.self) { try restorer.restore(image) }
                #expect(fault?.identifier == "input.no-data" && fault?.message.contains("1 sample has") == true)
            }
        }
    }

    /// A network that the engine runs in strips of its own is not cut for its activations, only for its input and output.
    @Test func whatTheEngineCutsIsNotCutBefore() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("enhance-ir"))
        let image = Image(planes: [Self.plane(120, 1700)], colour: .grey)
        var options = RestoreOptions()
        options.stripPixels = 120 * 800
        let whole = try restorer.restore(image, options: options)
        #expect(whole.values["strips"] == 1)
        options.tensorBytes = 120 * 800 * 8
        let cut = try restorer.restore(image, options: options, pool: WorkerPool(threads: 2))
        #expect(cut.values["strips"]! > 1)
        #expect(cut.image == whole.image)
    }

    @Test(arguments: [(1, 1), (2, 3), (1, 40), (41, 1), (17, 5)])
    func everySizeIsPossible(width: Int, height: Int) throws {
        for name in ["ir-x4", "enhance-rgb"] {
            let restorer = try Restorer(model: try Self.catalogue.find(name))
            let channels = restorer.model.channels
            let image = Image(planes: (0..<channels).map { _ in Self.plane(width, height) }, colour: channels == 1 ? .grey : .rgb)
            #expect(
                try restorer.restore(image).image.size == image.size.scaled(by: restorer.model.scale), "\(name), \(width)×\(height)"
            )
        }
    }

    /// The same scene in counts with any offset and gain comes out as the same scene: the affine map is undone.
    @Test func countsAreEquivariantUnderOffsetAndGain() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("ir-x4"))
        let base = Self.plane(60, 44, format: .f32, low: 0, high: 1000)
        func restored(gain: Float, offset: Float) throws -> [Float] {
            let plane = Plane(size: base.size, samples: .f32(base.floats().map { $0 * gain + offset }))
            let result = try restorer.restore(Image(planes: [plane], colour: .grey, meaning: .counts))
            return result.image.planes[0].floats().map { ($0 - offset) / gain }
        }
        let plain = try restored(gain: 1, offset: 0)
        let moved = try restored(gain: 0.25, offset: 20_000)
        let worst = zip(plain, moved).map { abs($0 - $1) }.max() ?? .infinity
        // A float at 20,000 has steps of 0.002, which is 0.008 in units of the plain image.
        #expect(worst < 0.2, "\(worst) of 1000 counts")
    }

    @Test func alphaIsUntouchedByAnEnhancerAndGreyStaysGreyInAnRGBModel() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("enhance-rgb"))
        let alpha = Self.plane(20, 14, seed: 9)
        let image = Image(planes: [Self.plane(20, 14), alpha], colour: .greyAlpha)
        let result = try restorer.restore(image).image
        #expect(result.colour == .greyAlpha && result.alpha == alpha)
    }

    @Test func strengthZeroIsTheInput() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("enhance-ir"))
        let image = Image(planes: [Self.plane(30, 22)], colour: .grey)
        var options = RestoreOptions()
        options.strength = 0
        #expect(try restorer.restore(image, options: options).image == image)
    }

    @Test func aModelThatIsNotTheOneOfItsSidecarIsRefused() throws {
        var model = try Self.catalogue.find("ir-x4")
        model.sha256 = String(repeating: "0", count: 64)
        #expect { try Restorer(model: model) } throws: { ($0 as? any Fault)?.identifier == "model.digest" }
        #expect { try Self.catalogue.find("ir-x9") } throws: { error in
            guard let fault = error as? any Fault else { return false }
            return fault.kind == .missing && (fault.advice ?? "").contains("ir-x4")
        }
    }

    /// With exact consistency the enlarged picture, reduced again, is the input, in every format and unit, however it was cut.
    @Test(arguments: [
        (SampleFormat.u8, SampleMeaning.display, Float(0), Float(255)), (.u16, .counts, 21_000, 23_500), (.f32, .kelvin, 270, 320),
    ])
    func exactConsistencyGivesTheInputBack(format: SampleFormat, meaning: SampleMeaning, low: Float, high: Float) throws {
        for name in ["ir-x4", "ir-x2"] {
            let restorer = try Restorer(model: try Self.catalogue.find(name))
            let truth = Self.plane(37 * restorer.model.scale, 90 * restorer.model.scale, format: format, low: low, high: high)
            let input = truth.resampled(to: Size(width: 37, height: 90), using: .bicubic)
            let image = Image(planes: [input], colour: .grey, meaning: meaning)
            var options = RestoreOptions()
            let plain = try restorer.restore(image, options: options)
            options.consistency = .exact
            let result = try restorer.restore(image, options: options)
            // Whole numbers carry the rounding of the output, whatever was before it.
            let bound = format == .f32 ? result.values["consistencyRMSBefore"]! / 100 : 0.3
            #expect(result.values["consistencyRMSAfter"]! <= bound, "\(name) \(format): \(result.values)")
            let tolerance = format == .f32 ? 1e-4 : 0.5
            #expect(result.values["consistencyMaximum"]! <= tolerance, "\(name) \(format): \(result.values)")
            #expect(result.image != plain.image && result.image.format == format && result.image.meaning == meaning)
            options.stripPixels = 37 * 40
            let cut = try restorer.restore(image, options: options, pool: WorkerPool(threads: 2))
            #expect(cut.image == result.image && cut.values["strips"]! >= 1)
        }
    }

    /// For evaluation only: the published rule takes the true picture, one step after a network of one pass.
    @Test func aReferenceIsComparedByThePublishedRule() throws {
        let restorer = try Restorer(model: try Self.catalogue.find("ir-x2"))
        let truth = Image(planes: [Self.plane(48, 40)], colour: .grey)
        let low = truth.resampled(to: Size(width: 24, height: 20), using: .bicubic)
        let plain = try restorer.restore(low)
        let guided = try restorer.restore(low, reference: truth)
        #expect(guided.steps.count == 1 && guided.steps[0].spectrumBefore > 0 && guided.image != plain.image)
        #expect { try restorer.restore(low, reference: low) } throws: { error in
            (error as? any Fault)?.identifier == "model.guidance" && (error as? any Fault)?.message.contains("24×20") == true
        }
    }

    /// Without a sidecar, channels and scale come from the network, and the result is the same.
    @Test func aNetworkByItsPathNeedsNoSidecar() throws {
        let bundled = try Self.catalogue.find("ir-x4")
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("calor-model-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("mine.onnx").path
        try FileManager.default.copyItem(atPath: bundled.path, toPath: path)
        let own = try Self.catalogue.find(path)
        #expect(own.isInferred && own.scale == 4 && own.channels == 1 && own.purpose == .superResolution)
        let image = Image(planes: [Self.plane(24, 18)], colour: .grey)
        #expect(try Restorer(model: own).restore(image).image == Restorer(model: bundled).restore(image).image)
    }
}
