extension Image {
    /// Whether all colour planes hold the same samples: a grey picture stored as RGB.
    public var hasEqualColourPlanes: Bool { colourPlanes.dropFirst().allSatisfy { $0.samples == planes[0].samples } }

    /// The picture as one grey plane of the same format: the grey plane itself, or full-range luma of RGB.
    ///
    /// *Precision*: RGB with three equal planes gives that plane exactly; otherwise integers are rounded once.
    /// *Source*: ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
    public func greyPlane() -> Plane {
        colour.isGrey || hasEqualColourPlanes ? planes[0] : Plane(size: size, floats: fullRangeLuma(), format: format)
    }

    /// Full-range luma in the format's own units, not rounded.
    public func fullRangeLuma() -> [Float] {
        if colour.isGrey || hasEqualColourPlanes { return planes[0].floats() }
        return combined(0.299, 0.587, 0.114, offset: 0)
    }

    /// Studio-range luma in the format's own units, as the super-resolution literature computes it.
    ///
    /// *Source*: Y = (65.481 R + 128.553 G + 24.966 B + 16) / 255 for inputs between 0 and 1 (MATLAB `rgb2ycbcr`).
    public func studioLuma() -> [Float] {
        let offset = 16 / 255 * format.fullScale
        if colour.isGrey { return planes[0].floats().map { 219 / 255 * $0 + offset } }
        return combined(65.481 / 255, 128.553 / 255, 24.966 / 255, offset: offset)
    }

    private func combined(_ r: Float, _ g: Float, _ b: Float, offset: Float) -> [Float] {
        let red = planes[0].floats()
        let green = planes[1].floats()
        let blue = planes[2].floats()
        return [Float](unsafeUninitializedCapacity: red.count) { out, count in
            for i in 0..<red.count { out.initializeElement(at: i, to: r * red[i] + g * green[i] + b * blue[i] + offset) }
            count = red.count
        }
    }
}
