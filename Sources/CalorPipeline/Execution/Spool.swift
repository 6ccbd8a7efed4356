import CalorBase
import CalorImage
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Rows between two passes over an image, in a temporary file that has no name: it is gone with the process.
final class Spool {
    private let descriptor: Int32
    /// Everything but the samples.
    private var strips: [Image] = []
    private var heights: [Int] = []
    private var end = 0

    /// *Throws*: when there is no room for temporary files in `folder`.
    init(in folder: String) throws(PipelineFault) {
        var template = Array(FileSystem.join(folder, ".calor-spool-XXXXXX").utf8CString)
        let opened = mkstemp(&template)
        guard opened >= 0 else { throw .outputFolder(path: folder, reason: FileSystem.errorText(errno)) }
        unlink(template)
        _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
        descriptor = opened
    }

    deinit { close(descriptor) }

    func append(_ strip: Image) throws(PipelineFault) {
        for plane in strip.planes {
            let problem = plane.samples.withUnsafeBytes { bytes -> Int32? in
                var done = 0
                while done < bytes.count {
                    let wrote = pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(end + done))
                    if wrote < 0, errno == EINTR { continue }
                    guard wrote > 0 else { return errno }
                    done += wrote
                }
                end += done
                return nil
            }
            if let problem { throw .inputOutput(path: "a temporary file", reason: FileSystem.errorText(problem)) }
        }
        strips.append(strip.withoutSamples)
        heights.append(strip.height)
    }

    /// All rows from the first one on.
    func rows() -> any RowSource { Reader(self) }

    private final class Reader: RowSource {
        private let spool: Spool
        private var index = 0
        private var offset = 0

        init(_ spool: Spool) { self.spool = spool }

        func next() throws(PipelineFault) -> Image? {
            guard index < spool.strips.count else { return nil }
            let form = spool.strips[index]
            let size = Size(width: form.width, height: spool.heights[index])
            index += 1
            var planes: [Plane] = []
            for plane in form.planes {
                let count = size.pixels
                let samples: Samples? =
                    switch plane.format {
                    case .u8: read(count).map { .u8($0) }
                    case .u16: read(count).map { .u16($0) }
                    case .f32: read(count).map { .f32($0) }
                    }
                guard let samples else { throw .inputOutput(path: "a temporary file", reason: "it cannot be read again") }
                planes.append(Plane(size: size, samples: samples))
            }
            return form.replacing(planes: planes)
        }

        private func read<T: BitwiseCopyable>(_ count: Int) -> [T]? {
            let bytes = count * MemoryLayout<T>.stride
            let values = [T](unsafeUninitializedCapacity: count) { buffer, filled in
                let raw = UnsafeMutableRawBufferPointer(buffer)
                var done = 0
                while done < bytes {
                    let got = pread(spool.descriptor, raw.baseAddress?.advanced(by: done), bytes - done, off_t(offset + done))
                    if got < 0, errno == EINTR { continue }
                    guard got > 0 else { break }
                    done += got
                }
                filled = done / MemoryLayout<T>.stride
            }
            offset += bytes
            return values.count == count ? values : nil
        }
    }
}

extension Image {
    /// The same picture with no rows: colour, format and metadata.
    var withoutSamples: Image {
        replacing(planes: planes.map { Plane(size: Size(width: $0.width, height: 0), format: $0.format) })
    }
}

extension Samples {
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch self {
        case .u8(let s): try s.withUnsafeBytes(body)
        case .u16(let s): try s.withUnsafeBytes(body)
        case .f32(let s): try s.withUnsafeBytes(body)
        }
    }
}
