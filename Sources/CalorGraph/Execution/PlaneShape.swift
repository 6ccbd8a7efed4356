import CalorTensor

/// One picture of several channels, as rows of pixels.
struct PlaneShape: Sendable, Hashable {
    var channels: Int
    var height: Int
    var width: Int
    var layout: ActivationLayout

    func rows(at place: Place) -> RowPlanes {
        RowPlanes(place: place, channels: channels, height: height, width: width, layout: layout)
    }
}
