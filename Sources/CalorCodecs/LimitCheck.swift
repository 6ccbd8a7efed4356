import CalorBase
import CalorImage

/// The checks that come before every allocation.
enum LimitCheck {
    /// Refuses a file that is too large before it is looked at.
    static func fileBytes(_ count: Int, _ limits: Limits) throws(CodecFault) {
        if count > limits.fileBytes { throw .limit(name: "fileBytes", "\(count) bytes, \(limits.fileBytes) allowed") }
    }

    /// Refuses sizes that no picture has, or that this policy does not allow.
    ///
    /// *Units*: `storedBytes` is what the samples take as stored, which may be more than in memory (f64).
    static func size(
        _ size: Size, planes: Int, bytesPerSample: Int, of format: FileFormat, fileBytes: Int, limits: Limits
    ) throws(CodecFault) {
        guard size.width > 0, size.height > 0 else { throw .damaged(format, .zeroSize, "\(size) pixels") }
        guard max(size.width, size.height) <= limits.sidePixels else {
            throw .limit(name: "sidePixels", "\(size) pixels, \(limits.sidePixels) allowed per side")
        }
        let (pixels, overflow) = size.width.multipliedReportingOverflow(by: size.height)
        guard !overflow, pixels <= limits.pixels else {
            throw .limit(name: "pixels", "\(size) pixels, \(limits.pixels) allowed in all")
        }
        let (bytes, tooMany) = pixels.multipliedReportingOverflow(by: planes * bytesPerSample)
        guard !tooMany, bytes <= limits.decodedBytes else {
            throw .limit(name: "decodedBytes", "\(size) pixels take \(bytes) bytes, \(limits.decodedBytes) allowed")
        }
        try expansion(bytes, of: fileBytes, limits: limits)
    }

    /// Refuses a decompression bomb: far more bytes out than any real picture gives for the bytes in.
    static func expansion(_ decoded: Int, of fileBytes: Int, limits: Limits) throws(CodecFault) {
        guard decoded > limits.bombFloorBytes else { return }
        let (allowed, overflow) = max(fileBytes, 1).multipliedReportingOverflow(by: limits.expansion)
        guard overflow || decoded <= allowed else {
            throw .limit(name: "expansion", "\(fileBytes) bytes would become \(decoded), \(limits.expansion) times as many allowed")
        }
    }

    /// As `expansion`, before a picture is allocated as a whole.
    static func held(_ header: ImageHeader, of fileBytes: Int, limits: Limits) throws(CodecFault) {
        let decoded = header.decodedBytes
        guard decoded > limits.bombFloorBytes else { return }
        let (allowed, overflow) = max(fileBytes, 1).multipliedReportingOverflow(by: limits.heldExpansion)
        guard overflow || decoded <= allowed else {
            throw .limit(
                name: "heldExpansion",
                "\(fileBytes) bytes would take \(decoded) bytes of memory, \(limits.heldExpansion) times as many allowed")
        }
    }

    /// The fault of a decoder that was refused memory.
    static func memory(of format: FileFormat) -> CodecFault {
        .limit(name: "decoderBytes", "the \(format.name) decoder needs more memory beside the pixels")
    }

    /// What is said of metadata that are left out because of their size.
    static func metadataWarning(_ name: String, bytes: Int) -> String {
        "the \(name) of \(bytes) bytes is beyond the limit \"metadataBytes\" and was dropped"
    }

    /// Refuses scratch memory beside the pixels.
    static func decoderBytes(_ bytes: UInt64, for what: String, limits: Limits) throws(CodecFault) {
        if bytes > UInt64(limits.decoderBytes) {
            throw .limit(name: "decoderBytes", "\(what) takes \(bytes) bytes, \(limits.decoderBytes) allowed")
        }
    }
}
