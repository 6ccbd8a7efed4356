import CalorBase
import CalorImage
import Foundation

/// What the radial power spectrum of an enlarged picture should be, predicted from the spectrum of its input.
///
/// A ridge regression, fitted offline on pairs (`training/fit_spectrum.py`): log power in 7 bands of the input → log power in 32 bands of
/// the target, with the deviation of what the regression leaves over. A few kilobytes beside the model.
public struct SpectrumPrior: Sendable, Equatable {
    public static let bands = 32
    /// Bands of the input up to its own Nyquist frequency; the lowest is left out.
    public static let lowBands = 8
    /// Side of a tile of the target.
    public static let side = 256
    /// Power of rounding to 8 bits, in units of full scale: added to every band, so that nothing below it counts.
    public static let floor = 1 / (255.0 * 255 * 12)

    public let scale: Int
    /// For each band of the target: a constant, then factors of the 7 log powers.
    public let coefficients: [[Double]]
    public let deviations: [Double]
    /// Of the file, where it came from one.
    public private(set) var sha256 = ""

    private struct File: Decodable {
        var scale: Int
        var bands: Int
        var smallBands: Int
        var coefficients: [[Double]]
        var deviations: [Double]
    }

    /// *Throws*: `sidecar` when the file is not what it should be.
    public init(bytes: [UInt8], path: String) throws(RestorationFault) {
        guard bytes.count <= 1 << 20 else { throw .sidecar(path: path, reason: "is larger than 1 MB") }
        let file: File
        do { file = try JSONDecoder().decode(File.self, from: Data(bytes)) } catch {
            throw .sidecar(path: path, reason: "is not a table of spectrum coefficients as training/fit_spectrum.py writes it")
        }
        guard (2...16).contains(file.scale), file.bands == Self.bands, file.smallBands == Self.lowBands,
            file.coefficients.count == Self.bands, file.coefficients.allSatisfy({ $0.count == Self.lowBands }),
            file.deviations.count == Self.bands, file.deviations.allSatisfy({ $0 > 0 && $0.isFinite }),
            file.coefficients.allSatisfy({ $0.allSatisfy(\.isFinite) })
        else {
            throw .sidecar(
                path: path,
                reason:
                    "must hold a scale, \(Self.bands) rows of \(Self.lowBands) coefficients and \(Self.bands) deviations above 0")
        }
        self.init(scale: file.scale, coefficients: file.coefficients, deviations: file.deviations)
        sha256 = SHA256.hex(of: bytes)
    }

    /// *Throws*: when there is no such file, or `sidecar` when it is not what it should be.
    public init(path: String) throws(RestorationFault) { try self.init(bytes: NetworkFile.read(path), path: path) }

    init(scale: Int, coefficients: [[Double]], deviations: [Double]) {
        self.scale = scale
        self.coefficients = coefficients
        self.deviations = deviations
    }

    /// A tile of the input covers the same scene as one of the target, to the next power of two.
    static func lowSide(scale: Int) -> Int {
        var side = 16
        while side * 2 <= Self.side / scale { side *= 2 }
        return side
    }

    /// The log power that each band of the enlarged picture should have. *Units*: `low` is in 0...1 for full scale.
    public func target(low: [Double], size: Size, pool: WorkerPool? = nil) -> [Double] {
        let tiles = WelchTiles(size: size, side: Self.lowSide(scale: scale))
        let power = BandPower(tiles: tiles, bands: Self.lowBands).power(low, pool: pool)
        // The table is in levels of 255: powers are larger by 255², their logarithms by a constant.
        let units = 2 * log(255.0)
        let features = power.dropFirst().map { log($0 + Self.floor) + units }
        return coefficients.map { row in
            var sum = row[0]
            for (a, b) in zip(row.dropFirst(), features) { sum += a * b }
            return sum - units
        }
    }
}

/// Mean power of a picture in rings of radial frequency.
struct BandPower: Sendable {
    let tiles: WelchTiles
    let bands: Int
    let map: [Int]
    let counts: [Int]

    init(tiles: WelchTiles, bands: Int) {
        self.tiles = tiles
        self.bands = bands
        map = tiles.bandMap(bands: bands)
        var counts = [Int](repeating: 0, count: bands)
        for band in map where band < bands { counts[band] += 1 }
        self.counts = counts
    }

    func power(_ x: [Double], pool: WorkerPool?) -> [Double] {
        let sums = tiles.map(0..<(tiles.count + 1) / 2, pool: pool) { pair in
            let (real, imaginary) = x.withUnsafeBufferPointer {
                tiles.spectrum(of: 2 * pair, and: 2 * pair + 1 < tiles.count ? 2 * pair + 1 : nil, in: $0)
            }
            // The map is the same for k and −k.
            var sums = [Double](repeating: 0, count: bands + 1)
            for (i, band) in map.enumerated() { sums[band] += real[i] * real[i] + imaginary[i] * imaginary[i] }
            return sums
        }
        return combine(sums)
    }

    private func combine(_ sums: [[Double]]) -> [Double] {
        (0..<bands).map { band in
            let sum = sums.reduce(0) { $0 + $1[band] }
            return counts[band] == 0 ? 0 : sum / (Double(counts[band] * tiles.count) * tiles.energy)
        }
    }
}

extension WelchTiles {
    /// One result for each tile of a range, in order, whatever thread made it.
    func map<T: Sendable>(_ range: Range<Int>, pool: WorkerPool?, _ body: @Sendable (Int) -> T) -> [T] {
        guard let pool, range.count > 1 else { return range.map(body) }
        var results = [T?](repeating: nil, count: range.count)
        results.withUnsafeMutableBufferPointer { slots in
            // SAFETY: each part writes one slot of its own.
            nonisolated(unsafe) let base = slots.baseAddress!
            pool.parallel(slots.count) { base[$0] = body(range.lowerBound + $0) }
        }
        return results.compactMap { $0 }
    }
}
