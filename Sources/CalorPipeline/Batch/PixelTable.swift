import CalorImage

/// The samples of a plane as text: one line for each row of the picture from the top, one value for each column from the left.
///
/// Values are separated by commas, lines end with a line feed, there is no head line. The decimal sign is a point whatever the
/// machine's language; a float is the shortest decimal that reads back as the same float, NaN is `nan`.
enum PixelTable {
    static func bytes(of plane: Plane) -> [UInt8] {
        switch plane.samples {
        case .u8(let s): table(s, width: plane.width) { String($0) }
        case .u16(let s): table(s, width: plane.width) { String($0) }
        case .f32(let s):
            table(s, width: plane.width) { $0.isNaN ? "nan" : $0 == .infinity ? "inf" : $0 == -.infinity ? "-inf" : "\($0)" }
        }
    }

    private static func table<T>(_ samples: [T], width: Int, text: (T) -> String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(samples.count * 8)
        for (i, sample) in samples.enumerated() {
            bytes.append(contentsOf: text(sample).utf8)
            bytes.append(UInt8(ascii: (i + 1) % width == 0 ? "\n" : ","))
        }
        return bytes
    }
}
