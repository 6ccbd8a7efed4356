extension FourierTransform {
    /// The transform of a whole plane in place: all rows, then all columns.
    public static func transform(_ real: inout [Double], _ imaginary: inout [Double], size: Size) {
        precondition(
            real.count == size.pixels && imaginary.count == size.pixels, "a plane of \(size) cannot have \(real.count) values")
        let (width, height) = (size.width, size.height)
        let rows = FourierTransform(length: width)
        for y in 0..<height {
            var re = Array(real[y * width..<(y + 1) * width])
            var im = Array(imaginary[y * width..<(y + 1) * width])
            rows.transform(&re, &im)
            real.replaceSubrange(y * width..<(y + 1) * width, with: re)
            imaginary.replaceSubrange(y * width..<(y + 1) * width, with: im)
        }
        let columns = FourierTransform(length: height)
        for x in 0..<width {
            var re = (0..<height).map { real[$0 * width + x] }
            var im = (0..<height).map { imaginary[$0 * width + x] }
            columns.transform(&re, &im)
            for y in 0..<height {
                real[y * width + x] = re[y]
                imaginary[y * width + x] = im[y]
            }
        }
    }
}
