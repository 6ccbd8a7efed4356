/// The Cholesky factor of a symmetric positive definite band matrix, for solving many right-hand sides.
///
/// *Precision*: double; every sum runs from the lower index to the higher one.
/// *Complexity*: O(n · band²) to factor, O(n · band) for each right-hand side.
struct BandedCholesky: Sendable {
    let count: Int
    let halfBand: Int
    /// Row `i` holds L[i, i − halfBand ... i]; places before column 0 are zero.
    private let lower: [Double]
    private let inverseDiagonal: [Double]

    /// - Parameter entry: the element of the matrix at (row, column), asked only for `row - halfBand ... row`.
    init(count: Int, halfBand: Int, entry: (Int, Int) -> Double) {
        let width = halfBand + 1
        var lower = [Double](repeating: 0, count: count * width)
        var inverse = [Double](repeating: 1, count: count)
        for i in 0..<count {
            for j in max(0, i - halfBand)...i {
                var sum = entry(i, j)
                for k in max(0, i - halfBand)..<max(j, max(0, i - halfBand)) where j - k <= halfBand {
                    sum -= lower[i * width + k - i + halfBand] * lower[j * width + k - j + halfBand]
                }
                if i == j {
                    // The rows of a reduction are independent: the smallest pivot of a bicubic one is above 0.05.
                    precondition(sum > 0, "row \(i) of the matrix depends on the rows before it")
                    lower[i * width + halfBand] = sum.squareRoot()
                    inverse[i] = 1 / sum.squareRoot()
                } else {
                    lower[i * width + j - i + halfBand] = sum * inverse[j]
                }
            }
        }
        self.count = count
        self.halfBand = halfBand
        self.lower = lower
        inverseDiagonal = inverse
    }

    /// Solves along an axis, in place, for `lanes` systems at once: element `i` of system `l` is at `i · step + l · laneStep`.
    func solve(_ values: UnsafeMutablePointer<Double>, step: Int, lanes: Int, laneStep: Int) {
        let width = halfBand + 1
        for i in 0..<count {
            for k in max(0, i - halfBand)..<i {
                let factor = lower[i * width + k - i + halfBand]
                for l in 0..<lanes { values[i * step + l * laneStep] -= factor * values[k * step + l * laneStep] }
            }
            for l in 0..<lanes { values[i * step + l * laneStep] *= inverseDiagonal[i] }
        }
        for i in (0..<count).reversed() {
            for k in (i + 1)..<max(i + 1, min(count, i + halfBand + 1)) {
                let factor = lower[k * width + i - k + halfBand]
                for l in 0..<lanes { values[i * step + l * laneStep] -= factor * values[k * step + l * laneStep] }
            }
            for l in 0..<lanes { values[i * step + l * laneStep] *= inverseDiagonal[i] }
        }
    }
}
