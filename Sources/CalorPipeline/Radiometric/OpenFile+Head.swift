import CalorBase

extension OpenFile {
    /// The first bytes of the file, at most `limit`.
    func head(_ limit: Int) -> [UInt8] {
        let wanted = min(count, limit)
        return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            filled = read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
