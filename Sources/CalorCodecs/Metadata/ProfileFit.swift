import CalorBase
import CalorImage

extension Metadata {
    /// The ICC profile, if it describes pictures of this colour model: a profile for RGB on a grey picture is wrong, and every
    /// format forbids it.
    func profile(for colour: ColourModel) -> [UInt8]? {
        guard let icc, icc.count >= 132 else { return nil }
        let reader = ByteReader(icc)
        return reader.holds(colour.isGrey ? "GRAY" : "RGB ", at: 16) && reader.holds("acsp", at: 36) ? icc : nil
    }
}
