extension ByteReader {
    /// The next segment with a body of a JPEG's header, from a place between two segments.
    ///
    /// Nil at the first scan, at the end, and where the structure is lost. *Source*: ITU-T T.81, B.1.1. The bytes are read as big-endian.
    public mutating func nextJPEGSegment() -> (marker: UInt8, body: ArraySlice<UInt8>)? {
        while var marker = u8() {
            guard marker == 0xFF else { return nil }
            while marker == 0xFF {
                guard let byte = u8() else { return nil }
                marker = byte
            }
            switch marker {
            case 0x01, 0xD0...0xD7: continue
            case 0x00, 0xD8, 0xD9, 0xDA: return nil
            default:
                guard let length = u16(), length >= 2, let body = take(Int(length) - 2) else { return nil }
                return (marker, body)
            }
        }
        return nil
    }
}
