import CalorBase
import CalorCodecs
import CalorImage

/// One output that is written row by row into a temporary file beside its place; it appears when it is committed, or never.
final class StreamWriter {
    let place: RunPlan.File
    private let size: Size
    private let sourceSize: Size
    private let options: EncodeOptions
    private var file: AtomicFile?
    private var encoder: RowEncoder?
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - size: of the output.
    ///   - sourceSize: of the input, which its georeference describes.
    init(_ place: RunPlan.File, size: Size, from sourceSize: Size, options: EncodeOptions) throws(PipelineFault) {
        self.place = place
        self.size = size
        self.sourceSize = sourceSize
        self.options = options
        try OutputFolder.makeFolder(of: place.path)
        do { file = try AtomicFile(replacing: place.path) } catch { throw PipelineFault(error) }
    }

    func write(_ rows: Image) throws(PipelineFault) {
        do throws(CodecFault) {
            if encoder == nil {
                guard case .picture(let format) = place.format else { preconditionFailure("tables are not streamed") }
                var metadata = rows.metadata
                metadata.georeference = metadata.georeference?.scaled(from: sourceSize, to: size)
                encoder = try RowEncoder(
                    size: size, colour: rows.colour, format: rows.format, metadata: metadata, as: format, options: options,
                    descriptor: file?.openDescriptor)
            }
            try encoder?.write(rows)
        } catch { throw named(error) }
    }

    func finish() throws(PipelineFault) {
        guard let finished = encoder.take() else { return }
        let encoded: EncodedImage
        do { encoded = try finished.finish() } catch { throw named(error) }
        warnings = encoded.warnings
        guard !encoded.bytes.isEmpty else { return }
        do { try file?.write(encoded.bytes) } catch { throw PipelineFault(error) }
    }

    private func named(_ fault: CodecFault) -> PipelineFault {
        if case .cannotWrite(let reason) = fault { .inputOutput(path: place.path, reason: reason) } else { PipelineFault(fault) }
    }

    /// What the journal is told before the file appears.
    func record() -> JobRecord.Output {
        let (digest, bytes) = file?.digest() ?? ("", 0)
        return JobRecord.Output(
            path: place.path, name: place.name, sha256: digest, bytes: bytes, width: size.width, height: size.height)
    }

    func commit() throws(PipelineFault) {
        guard let finished = file.take() else { preconditionFailure("an output appears once") }
        do { try finished.commit() } catch { throw PipelineFault(error) }
    }
}
