extension Image {
    /// `region` of the picture in the target size of `resampler`; the same samples as in `resampled(to:using:)`, alpha weighted alike.
    ///
    /// *Shapes*: this image has the size of `covered`, which holds at least `resampler.sourceRegion(for: region)`.
    public func resampled(by resampler: Resampler, covering covered: Region, to region: Region) -> Image {
        guard let alpha, resampler.filter != .nearest, resampler.source != resampler.target else {
            return replacing(planes: planes.map { resampler.resample($0, covering: covered, to: region) })
        }
        let opacity = alpha.floats()
        let newOpacity = resampler.resample(opacity, covering: covered, to: region)
        let colours = colourPlanes.map { plane in
            var weighted = plane.floats()
            for i in weighted.indices { weighted[i] *= opacity[i] }
            var values = resampler.resample(weighted, covering: covered, to: region)
            for i in values.indices { values[i] = newOpacity[i] > 0 ? values[i] / newOpacity[i] : 0 }
            return Plane(size: region.size, floats: values, format: format)
        }
        return replacing(planes: colours + [Plane(size: region.size, floats: newOpacity, format: format)])
    }
}
