import CalorBase
import CalorImage

/// How far a picture may be off, and how sure the answer has to be.
public struct RegistrationOptions: Sendable, Equatable {
    public var model = RegistrationModel.affine
    /// Share of a side of the fixed picture.
    public var maximumShift = 0.15
    /// The scale lies between 1 / this and this, beside the scale that the sizes imply.
    public var maximumScale = 1.15
    public var maximumDegrees = 3.0
    /// Found on 100 road scenes: pairs of one scene reach 0.24 and more, pairs of two scenes rarely 0.2.
    public var leastConfidence = 0.2

    public init() {}
}

/// Finds where one picture of a scene lies in another, which may show another kind of light.
///
/// From coarse to fine: correlation of edge directions over scales and rotations on copies of about 160 pixels, then Gauss–Newton on
/// the same edges, with as much freedom as the model allows, on copies of growing size up to the pictures themselves.
///
/// *Complexity*: some seconds for the search, whatever the size; about 100 operations a pixel for each step of the refinement.
public struct Registration: Sendable {
    let options: RegistrationOptions

    public init(_ options: RegistrationOptions = RegistrationOptions()) { self.options = options }

    public struct Result: Sendable, Equatable {
        /// From a pixel of the fixed picture to the same place in the moving one.
        public var map: AffineMap
        /// Correlation of the edges, from −1 to 1; 0.3 to 0.7 is usual between infrared and visible light.
        public var similarity: Double
        /// The correlation on copies of at most `trustedSide` pixels, less where it is nearly the same a few pixels away; from 0 to 1.
        public var confidence: Double
        /// Share of the fixed picture that the moving one covers.
        public var overlap: Double
    }

    /// The longer side of the copies that are searched, and the pixels of the largest that are refined.
    static let searchSide = 160
    public static let finestPixels = 1_500_000
    static let leastSide = 32
    static let shapeRatio = 2.5
    /// Copies on which the confidence is taken: noise of large pictures must not lower it.
    static let trustedSide = 700
    /// The share of the correlation that an alignment which is one at all loses over four pixels.
    static let distinct = 0.05

    /// *Throws*: when a picture is smaller than 32 pixels or holds values that are not finite; a low confidence is the caller's to judge.
    public func align(
        fixed: Plane, moving: Plane, pool: WorkerPool? = nil, cancelled: () -> Bool = { false }
    ) throws(FusionFault) -> Result {
        for plane in [fixed, moving] {
            guard min(plane.width, plane.height) >= Self.leastSide else { throw .tooSmall(plane.size, least: Self.leastSide) }
            let statistics = PlaneStatistics(of: plane)
            guard statistics.isFinite else { throw .nonFinite(samples: statistics.nonFinite) }
        }
        // The copies of the moving picture grow with this ratio.
        let ratio = Double(fixed.width) * Double(moving.height) / (Double(fixed.height) * Double(moving.width))
        guard ratio < Self.shapeRatio, ratio > 1 / Self.shapeRatio else { throw .shapes(fixed: fixed.size, moving: moving.size) }
        let levels = levels(of: fixed.size)
        var maps: [AffineMap] = []
        var result = Result(map: .identity, similarity: -1, confidence: 0, overlap: 0)
        // What is found is kept as a map between the pictures themselves.
        for (index, size) in levels.enumerated() {
            guard !cancelled() else { throw .cancelled }
            let level = Level(fixed: fixed, moving: moving, size: size, nominal: nominal(fixed.size, moving.size))
            if index == 0 { maps = search(level, pool).map(level.toPictures) }
            let isLast = index == levels.count - 1
            let refinement = level.refinement(pool)
            let first: RegistrationModel = options.model == .shift || options.model == .scale ? options.model : .similarity
            var best: AffineRefinement.Outcome?
            for map in maps {
                var outcome = refinement.refined(level.fromPictures(map), model: first, iterations: index == 0 ? 12 : 8)
                if isLast, first != options.model {
                    outcome = refinement.refined(outcome.map, model: options.model, iterations: 8)
                }
                if outcome.similarity > best?.similarity ?? -2 { best = outcome }
            }
            guard let best else { break }
            maps = [level.toPictures(best.map)]
            if index == 0 || max(size.width, size.height) <= Self.trustedSide {
                result.confidence = confidence(refinement, best)
            }
            (result.map, result.similarity, result.overlap) = (maps[0], best.similarity, best.overlap)
        }
        return result
    }

    /// The moving picture is as large as the fixed one says, on the side where it is relatively smaller.
    private func nominal(_ fixed: Size, _ moving: Size) -> Double {
        min(Double(moving.width) / Double(fixed.width), Double(moving.height) / Double(fixed.height))
    }

    /// Sizes of the fixed picture's copies, from small to large.
    private func levels(of size: Size) -> [Size] {
        let pixels = Double(size.pixels)
        var scale = min(1, (Double(Self.finestPixels) / pixels).squareRoot())
        let smallest = min(scale, Double(Self.searchSide) / Double(max(size.width, size.height)))
        var scales = [scale]
        while scale / 2 > smallest * 1.2 {
            scale /= 2
            scales.append(scale)
        }
        if scales.last != smallest { scales.append(smallest) }
        return scales.reversed().map {
            Size(
                width: max(16, Int((Double(size.width) * $0).rounded())), height: max(16, Int((Double(size.height) * $0).rounded()))
            )
        }
    }

    private func search(_ level: Level, _ pool: WorkerPool?) -> [AffineMap] {
        let size = level.fixedSize
        let step = 1.02
        var scales = [1.0]
        var scale = step
        while scale <= options.maximumScale * 1.001, options.model != .shift {
            scales += [scale, 1 / scale]
            scale *= step
        }
        let turns = options.maximumDegrees > 0.5 && (options.model == .similarity || options.model == .affine)
        var degrees = [0.0]
        var angle = 2.0
        while turns, angle <= max(options.maximumDegrees, 2) {
            degrees += [angle, -angle]
            angle += 2
        }
        let shift = (
            x: max(1, Int(Double(size.width) * options.maximumShift)), y: max(1, Int(Double(size.height) * options.maximumShift))
        )
        let search = CoarseSearch(scales: scales, degrees: degrees, maximumShift: shift, pool: pool)
        let found = search.candidates(fixed: level.fixed, size, moving: level.moving, level.movingSize)
        return found.prefix(4).map(\.map)
    }

    /// The similarity, less where a move of four pixels in one of eight directions changes next to nothing: along a lone straight edge.
    private func confidence(_ refinement: AffineRefinement, _ outcome: AffineRefinement.Outcome) -> Double {
        guard outcome.similarity > 0 else { return 0 }
        var most = -1.0
        for (dx, dy) in [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)] as [(Double, Double)] {
            let away = outcome.map.after(AffineMap(xx: 1, xy: 0, x0: 4 * dx, yx: 0, yy: 1, y0: 4 * dy))
            most = max(most, refinement.similarity(of: away))
        }
        let lost = max(1 - most / outcome.similarity, 0)
        return outcome.similarity * min(lost / Self.distinct, 1)
    }
}

/// Copies of both pictures at one scale.
private struct Level {
    let fixedSize: Size
    let movingSize: Size
    let fixed: [Float]
    let moving: [Float]
    private let fixedUp: AffineMap
    private let fixedDown: AffineMap
    private let movingUp: AffineMap
    private let movingDown: AffineMap

    init(fixed: Plane, moving: Plane, size: Size, nominal: Double) {
        fixedSize = size
        let scale = Double(size.width) / Double(fixed.width) / nominal
        movingSize = Size(
            width: max(16, Int((Double(moving.width) * scale).rounded())),
            height: max(16, Int((Double(moving.height) * scale).rounded())))
        self.fixed = Self.copy(fixed, size)
        self.moving = Self.copy(moving, movingSize)
        fixedUp = AffineMap(resizing: size, to: fixed.size)
        fixedDown = AffineMap(resizing: fixed.size, to: size)
        movingUp = AffineMap(resizing: movingSize, to: moving.size)
        movingDown = AffineMap(resizing: moving.size, to: movingSize)
    }

    private static func copy(_ plane: Plane, _ size: Size) -> [Float] {
        let values = plane.floats()
        guard size != plane.size else { return values }
        return Resampler(from: plane.size, to: size, using: .bicubic).resample(
            values, covering: Region(plane.size), to: Region(size))
    }

    func refinement(_ pool: WorkerPool?) -> AffineRefinement {
        AffineRefinement(fixed: EdgeField(fixed, fixedSize), moving: EdgeField(moving, movingSize), pool: pool)
    }

    func toPictures(_ map: AffineMap) -> AffineMap { movingUp.after(map).after(fixedDown) }
    func fromPictures(_ map: AffineMap) -> AffineMap { movingDown.after(map).after(fixedUp) }
}
