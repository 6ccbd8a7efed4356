import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// Turned and mirrored pictures, averaged.
@Suite struct EnsembleTests {
    @Test(arguments: [(5, 3), (1, 4), (4, 4), (7, 1)])
    func everySymmetryComesBackAndNoTwoAreTheSame(width: Int, height: Int) {
        let size = Size(width: width, height: height)
        let plane = (0..<size.pixels).map { Float($0) }
        #expect(PictureSymmetry.all.count == 8 && PictureSymmetry.all[0] == PictureSymmetry())
        for symmetry in PictureSymmetry.all {
            var back = [Float](repeating: 0, count: plane.count)
            symmetry.add(symmetry.applied(to: plane, size: size), to: &back, size: size)
            #expect(back == plane, "\(symmetry), \(size)")
        }
        if width > 1, height > 1 {
            let pictures = PictureSymmetry.all.map { [Float($0.size(of: size).width)] + $0.applied(to: plane, size: size) }
            #expect(Set(pictures).count == 8)
        }
    }

    /// The mean of plain runs on pictures that were turned here, one sample at a time.
    @Test(arguments: ["ir-x4", "enhance-rgb"])
    func isTheMeanOfPlainRuns(name: String) throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find(name))
        let (channels, scale) = (restorer.model.channels, restorer.model.scale)
        let planes = (0..<channels).map { RestorerTests.plane(22, 15, format: .f32, low: 0, high: 1, seed: UInt64($0 + 1)) }
        func restored(_ planes: [Plane], ensemble: Int = 1) throws -> [Plane] {
            var options = RestoreOptions()
            options.ensemble = ensemble
            return try restorer.restore(Image(planes: planes, colour: channels == 1 ? .grey : .rgb), options: options).image.planes
        }
        for ensemble in RestoreOptions.ensembles {
            let found = try restored(planes, ensemble: ensemble)
            var sums = found.map { [Double](repeating: 0, count: $0.size.pixels) }
            for symmetry in PictureSymmetry.all[..<ensemble] {
                let turned = planes.map { turn($0, symmetry, back: false) }
                for (i, plane) in try restored(turned).enumerated() {
                    for (k, value) in turn(plane, symmetry, back: true).floats().enumerated() { sums[i][k] += Double(value) }
                }
            }
            for i in found.indices {
                #expect(found[i].size == Size(width: 22 * scale, height: 15 * scale))
                let worst = zip(found[i].floats(), sums[i]).map { abs(Double($0) - $1 / Double(ensemble)) }.max() ?? .infinity
                #expect(worst < 1e-6, "\(name), ensemble of \(ensemble): \(worst)")
            }
        }
    }

    private func turn(_ plane: Plane, _ symmetry: PictureSymmetry, back: Bool) -> Plane {
        var plane = plane
        func transposed(_ p: Plane) -> Plane {
            let values = p.floats()
            let (w, h) = (p.size.width, p.size.height)
            return Plane(
                size: Size(width: h, height: w), samples: .f32((0..<w * h).map { values[$0 % h * w + $0 / h] }))
        }
        func mirrored(_ p: Plane) -> Plane {
            let values = p.floats()
            let (w, h) = (p.size.width, p.size.height)
            return Plane(
                size: p.size,
                samples: .f32(
                    (0..<w * h).map { i in
                        let x = symmetry.mirrorsColumns ? w - 1 - i % w : i % w
                        let y = symmetry.mirrorsRows ? h - 1 - i / w : i / w
                        return values[y * w + x]
                    }))
        }
        if !back, symmetry.isTransposed { plane = transposed(plane) }
        plane = mirrored(plane)
        return back && symmetry.isTransposed ? transposed(plane) : plane
    }

    @Test(arguments: ["ir-x4", "enhance-ir"])
    func stripsAndThreadsDoNotChangeASingleBit(name: String) throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find(name))
        let image = Image(planes: [RestorerTests.plane(340, 310)], colour: .grey)
        var options = RestoreOptions()
        options.ensemble = 8
        let whole = try restorer.restore(image, options: options)
        #expect(whole.values["ensemble"] == 8 && whole.values["strips"] == 8)
        options.stripRows = 64
        let cut = try restorer.restore(image, options: options, pool: WorkerPool(threads: 3))
        #expect(cut.values["strips"]! > 8)
        #expect(cut.image == whole.image)
    }

    @Test func everyStepOfASamplerIsAveraged() throws {
        let restorer = try Restorer(model: try ProcessTests.model())
        let image = Image(planes: [RestorerTests.plane(30, 26)], colour: .grey)
        var options = RestoreOptions()
        options.mode = .texture
        let plain = try restorer.restore(image, options: options).image
        options.ensemble = 4
        let averaged = try restorer.restore(image, options: options)
        #expect(averaged.image != plain && averaged.values["steps"] == 4)
        #expect(try restorer.restore(image, options: options, pool: WorkerPool(threads: 2)).image == averaged.image)
    }

    @Test func costsAsManyPasses() throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find("ir-x4"))
        let size = Size(width: 120, height: 120)
        let plain = try restorer.estimate(for: size)
        var options = RestoreOptions()
        for ensemble in [2, 4, 8] {
            options.ensemble = ensemble
            let cost = try restorer.estimate(for: size, options: options)
            #expect(cost.flops == plain.flops * Double(ensemble) && cost.peakBytes > plain.peakBytes)
        }
        options.ensemble = 3
        #expect { try restorer.check(options) } throws: { ($0 as? any Fault)?.identifier == "model.ensemble" }
    }
}
