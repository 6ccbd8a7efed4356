import CalorImage

/// One of the eight ways to turn and mirror a picture: transposed or not, then mirrored along either axis.
///
/// A network is run on several of them and the results, turned back, are averaged.
///
/// *Source*: geometric self-ensemble, B. Lim and others, "EDSR", arXiv 1707.02921.
struct PictureSymmetry: Sendable, Equatable {
    var isTransposed = false
    var mirrorsColumns = false
    var mirrorsRows = false

    /// In the order in which results are summed. The first 2 add the mirror image, the first 4 all mirror images, 8 all of them.
    static let all: [PictureSymmetry] = [false, true].flatMap { isTransposed in
        [(false, false), (true, false), (false, true), (true, true)].map {
            PictureSymmetry(isTransposed: isTransposed, mirrorsColumns: $0.0, mirrorsRows: $0.1)
        }
    }

    /// The size of the turned picture.
    func size(of size: Size) -> Size { isTransposed ? Size(width: size.height, height: size.width) : size }

    /// The turned picture of a plane of `size`.
    func applied(to plane: [Float], size: Size) -> [Float] {
        guard self != PictureSymmetry() else { return plane }
        let turned = self.size(of: size)
        return [Float](unsafeUninitializedCapacity: plane.count) { target, count in
            plane.withUnsafeBufferPointer { source in
                for y in 0..<turned.height {
                    let (start, step) = line(y, of: size)
                    for x in 0..<turned.width { target[y &* turned.width &+ x] = source[start &+ step &* x] }
                }
            }
            count = plane.count
        }
    }

    /// Adds a turned plane, turned back, to one of `size`.
    func add(_ turned: [Float], to plane: inout [Float], size: Size) {
        let extent = self.size(of: size)
        plane.withUnsafeMutableBufferPointer { target in
            turned.withUnsafeBufferPointer { source in
                for y in 0..<extent.height {
                    let (start, step) = line(y, of: size)
                    for x in 0..<extent.width { target[start &+ step &* x] += source[y &* extent.width &+ x] }
                }
            }
        }
    }

    /// Where row `y` of the turned picture begins in the plain one, and how far apart its samples lie there.
    private func line(_ y: Int, of size: Size) -> (start: Int, step: Int) {
        if isTransposed {
            let x = mirrorsRows ? size.width - 1 - y : y
            return mirrorsColumns ? ((size.height - 1) * size.width + x, -size.width) : (x, size.width)
        }
        let start = (mirrorsRows ? size.height - 1 - y : y) * size.width
        return mirrorsColumns ? (start + size.width - 1, -1) : (start, 1)
    }
}
