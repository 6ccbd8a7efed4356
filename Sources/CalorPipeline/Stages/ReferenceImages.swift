import CalorBase
import CalorCodecs
import CalorImage
import CalorThermal

/// Pictures that a stage is given beside its input: a map of defects, a uniform surface, dark frames. Read once, when the plan is made;
/// paths are those of the command line (relative to the current folder).
struct ReferenceImages: Sendable {
    let planes: [Plane]
    /// Of the files, in order.
    let digest: String

    /// - Parameter path: a picture, or a folder of pictures, taken in the order of their names.
    init(_ path: String, parameter: String, site: StageSite) throws(PipelineFault) {
        var paths = [path]
        if FileSystem.isFolder(path) {
            guard let names = FileSystem.names(in: path) else {
                throw .inputUnreadable(path: path, reason: "the folder cannot be listed")
            }
            paths = names.filter { FileFormat(fileExtension: InputName($0).fileExtension) != nil }
                .map { FileSystem.join(path, $0) }
            guard !paths.isEmpty else { throw .nothingToDo(where: path) }
        }
        guard paths.count <= 1_000 else {
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: "\(parameter) holds \(paths.count) pictures, at most 1000 are averaged",
                advice: "use fewer")
        }
        var planes: [Plane] = []
        var digests = ""
        for path in paths {
            // A device or a pipe may never end.
            if let facts = FileSystem.facts(path), !facts.isRegular, !facts.isFolder {
                throw .inputUnreadable(path: path, reason: "it is no regular file")
            }
            let bytes = try FileSystem.read(path, limit: Limits().bytesToRead)
            let decoded = try RadiometricInput().decode(bytes)
            guard decoded.image.colour.isGrey || decoded.image.hasEqualColourPlanes else {
                throw .parameterConflict(
                    place: site.place, stage: site.id, problem: "\(parameter) \(path) is coloured", advice: "give a grey picture")
            }
            planes.append(decoded.image.planes[0])
            let bytesHeld = planes.reduce(0) { $0 + $1.size.pixels * $1.format.bytes }
            guard bytesHeld <= Limits().decodedBytes else {
                throw .wrapped(
                    ThermalFault.limit(
                        name: "decodedBytes", detail: "the pictures of \(parameter) take more than \(bytesText(bytesHeld))"))
            }
            digests += SHA256.hex(of: bytes)
        }
        self.planes = planes
        digest = SHA256.hex(of: Array(digests.utf8))
    }

    /// The size must be that of the images it is used on.
    static func check(_ size: Size?, for input: ImageType, parameter: String, site: StageSite) throws(PipelineFault) {
        guard input.colour.isGrey else {
            throw .type(place: site.place, stage: site.id, found: input.name, expected: "grey: this repairs infrared sensors")
        }
        guard let size, size != input.size else { return }
        throw .wrapped(ThermalFault.referenceSize(reference: parameter, size: "\(size)", image: "\(input.size)"))
    }
}
