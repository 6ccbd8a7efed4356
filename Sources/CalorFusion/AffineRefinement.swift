import CalorBase
import CalorImage

// Goals, in order: the same bits for any number of threads (rows are summed one by one, in their order); a fraction of a pixel;
// speed.

/// What may differ between two pictures of one scene.
public enum RegistrationModel: String, Sendable, CaseIterable {
    case shift
    /// Shift and one scale.
    case scale
    /// Shift, one scale and a rotation.
    case similarity
    case affine

    /// Combinations of the six numbers of `AffineRefinement` that may change.
    var basis: [[Double]] {
        let shift: [[Double]] = [[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]
        return switch self {
        case .shift: shift
        case .scale: [[1, 0, 0, 1, 0, 0]] + shift
        case .similarity: [[1, 0, 0, 1, 0, 0], [0, -1, 1, 0, 0, 0]] + shift
        case .affine: [[1, 0, 0, 1, 0, 0], [0, -1, 1, 0, 0, 0], [1, 0, 0, -1, 0, 0], [0, 1, 1, 0, 0, 0]] + shift
        }
    }
}

/// Moves a map until the edges of the moving picture lie on those of the fixed one: Gauss–Newton on all channels of two edge fields.
///
/// The fields are compared up to an offset for each channel and one gain, which makes the sum of squares the same as the correlation.
/// *Source*: S. Baker, I. Matthews, "Lucas–Kanade 20 years on", 2004, the forward compositional algorithm; the gain as in
/// G. Evangelidis, E. Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization", 2008.
struct AffineRefinement {
    let fixed: EdgeField
    let moving: EdgeField
    let pool: WorkerPool?

    struct Outcome {
        var map: AffineMap
        /// Correlation of the fields where both are, from −1 to 1.
        var similarity: Double
        /// Share of the fixed picture that the moving one covers.
        var overlap: Double
    }

    func refined(_ start: AffineMap, model: RegistrationModel, iterations: Int) -> Outcome {
        var map = start
        var best = Outcome(map: start, similarity: -1, overlap: 0)
        for _ in 0...iterations {
            let warped = Warped(moving, by: map, onto: fixed, pool: pool)
            let sums = warped.sums(fixed)
            if sums.similarity > best.similarity {
                best = Outcome(map: map, similarity: sums.similarity, overlap: sums.overlap)
            }
            guard sums.gain > 0, let step = step(warped, sums, model) else { break }
            map = map.after(step.map)
            if step.pixels < 0.005 { break }
        }
        return best
    }

    func similarity(of map: AffineMap) -> Double { Warped(moving, by: map, onto: fixed, pool: pool).sums(fixed).similarity }

    // MARK: - One step

    private func step(_ warped: Warped, _ sums: Sums, _ model: RegistrationModel) -> (map: AffineMap, pixels: Double)? {
        let size = fixed.size
        let centre = (x: Double(size.width - 1) / 2, y: Double(size.height - 1) / 2)
        let unit = max(1, (centre.x * centre.x + centre.y * centre.y).squareRoot())
        let normal = warped.normalEquations(fixed, sums, centre: (Float(centre.x), Float(centre.y)), unit: Float(unit))
        let basis = model.basis
        var matrix = basis.map { a in
            basis.map { b in (0..<6).reduce(0.0) { s, i in s + (0..<6).reduce(0.0) { $0 + a[i] * normal.matrix[i][$1] * b[$1] } } }
        }
        let right = basis.map { a in (0..<6).reduce(0.0) { $0 + a[$1] * normal.right[$1] } }
        let mean = basis.indices.reduce(0.0) { $0 + matrix[$1][$1] } / Double(basis.count)
        guard mean > 0, mean.isFinite else { return nil }
        // Directions that no edge speaks for stay where they are.
        for i in basis.indices { matrix[i][i] += 1e-6 * mean }
        guard let solution = solve(matrix, right) else { return nil }
        var p = [Double](repeating: 0, count: 6)
        for (value, direction) in zip(solution, basis) { for i in 0..<6 { p[i] += value * direction[i] } }
        // The linear part is in pixels at the corners; a step of more than 8 pixels leaves the region where gradients mean anything.
        let length = p.map(abs).max() ?? 0
        let damp = length > 8 ? 8 / length : 1
        let (a, b, c, d) = (p[0] * damp / unit, p[1] * damp / unit, p[2] * damp / unit, p[3] * damp / unit)
        let map = AffineMap(
            xx: 1 + a, xy: b, x0: p[4] * damp - a * centre.x - b * centre.y, yx: c, yy: 1 + d,
            y0: p[5] * damp - c * centre.x - d * centre.y)
        return (map, length * damp)
    }

    /// Gaussian elimination with the largest pivot.
    private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
        var m = zip(matrix, right).map { $0 + [$1] }
        let n = right.count
        for column in 0..<n {
            guard let pivot = (column..<n).max(by: { abs(m[$0][column]) < abs(m[$1][column]) }), abs(m[pivot][column]) > 1e-12
            else {
                return nil
            }
            m.swapAt(column, pivot)
            for row in 0..<n where row != column {
                let factor = m[row][column] / m[column][column]
                for k in column...n { m[row][k] -= factor * m[column][k] }
            }
        }
        let solution = (0..<n).map { m[$0][n] / m[$0][$0] }
        return solution.allSatisfy(\.isFinite) ? solution : nil
    }
}

/// Sums over the pixels where both fields are.
struct Sums {
    var count = 0
    var pixels = 0
    var fixed = [Double](repeating: 0, count: EdgeField.directions)
    var moving = [Double](repeating: 0, count: EdgeField.directions)
    var fixedSquare = 0.0
    var movingSquare = 0.0
    var product = 0.0

    private func centred(_ square: Double, _ a: [Double], _ b: [Double]) -> Double {
        square - zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / Double(max(count, 1))
    }

    var covariance: Double { centred(product, fixed, moving) }
    /// Of the moving field, so that it fits the fixed one best.
    var gain: Double {
        let variance = centred(movingSquare, moving, moving)
        return variance > 0 ? max(covariance / variance, 0.05) : 0
    }
    /// −1 where too little of the pictures meets.
    var similarity: Double {
        let energy = centred(movingSquare, moving, moving) * centred(fixedSquare, fixed, fixed)
        guard overlap >= 0.25, energy > 0 else { return -1 }
        return covariance / energy.squareRoot()
    }
    var overlap: Double { Double(count) / Double(max(pixels, 1)) }
}
