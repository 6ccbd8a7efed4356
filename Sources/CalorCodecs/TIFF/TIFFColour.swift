import CalorImage

/// From planes as stored to planes as shown: white-is-zero, palettes, inks, small depths, multiplied alpha.
enum TIFFColour {
    /// Integer planes of up to 16 bits. The planes are those of the plan's colours, then alpha.
    static func finish<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ store: inout PlaneStore<Sample>, plan: TIFFPlan, bits: Int
    ) {
        let maximum = Sample(truncatingIfNeeded: (UInt32(1) << UInt32(bits)) - 1)
        let full = Sample.max
        if case .grey(isWhiteZero: true) = plan.meaning {
            store.update(plane: 0) { samples in for i in samples.indices { samples[i] = maximum - min(samples[i], maximum) } }
        }
        // Grey of 9–15 bits may be counts: it is kept. Everything else is a picture, whose white is full scale.
        let isKept = plan.colour.isGrey && bits > 8
        if maximum != full, !isKept {
            for plane in store.planes.indices {
                store.update(plane: plane) { samples in
                    let (top, half) = (UInt32(maximum), UInt32(maximum) / 2)
                    for i in samples.indices {
                        samples[i] = Sample(truncatingIfNeeded: (UInt32(samples[i]) * UInt32(full) + half) / top)
                    }
                }
            }
        }
        if plan.meaning == .cmyk { flattenInks(&store, full: full) }
        if plan.alpha?.isAssociated == true { divideByAlpha(&store, colours: plan.colour.colourPlanes) }
    }

    /// Float planes.
    static func finish(_ store: inout PlaneStore<Float>, plan: TIFFPlan) {
        if case .grey(isWhiteZero: true) = plan.meaning, case .unsigned(let bits) = plan.storage {
            // The plan lets up to 24 bits come here, which f32 keeps exactly.
            let maximum = Float((UInt32(1) << UInt32(bits)) - 1)
            store.update(plane: 0) { samples in for i in samples.indices { samples[i] = maximum - samples[i] } }
        }
        if plan.meaning == .cmyk {
            let key = store.planes[3]
            for plane in 0..<3 {
                store.update(plane: plane) { samples in for i in samples.indices { samples[i] = (1 - samples[i]) * (1 - key[i]) } }
            }
            store.drop(plane: 3)
        }
        if plan.alpha?.isAssociated == true {
            let colours = plan.colour.colourPlanes
            let alpha = store.planes[colours]
            for plane in 0..<colours {
                store.update(plane: plane) { samples in
                    for i in samples.indices where alpha[i] > 0 { samples[i] /= alpha[i] }
                }
            }
        }
    }

    /// R = (1 − C)(1 − K), rounded to nearest.
    private static func flattenInks<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ store: inout PlaneStore<Sample>, full: Sample
    ) {
        let top = UInt64(full)
        let key = store.planes[3]
        for plane in 0..<3 {
            store.update(plane: plane) { samples in
                for i in samples.indices {
                    samples[i] = Sample(truncatingIfNeeded: (UInt64(full - samples[i]) * UInt64(full - key[i]) + top / 2) / top)
                }
            }
        }
        store.drop(plane: 3)
    }

    /// Colour ÷ alpha, rounded to nearest and clamped; black where nothing is visible.
    private static func divideByAlpha<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ store: inout PlaneStore<Sample>, colours: Int
    ) {
        let full = UInt64(Sample.max)
        let alpha = store.planes[colours]
        for plane in 0..<colours {
            store.update(plane: plane) { samples in
                for i in samples.indices {
                    let a = UInt64(alpha[i])
                    samples[i] = a == 0 ? 0 : Sample(truncatingIfNeeded: min((UInt64(samples[i]) * full + a / 2) / a, full))
                }
            }
        }
    }

    /// Three u8 planes from an index plane and a colour map of 16-bit entries.
    ///
    /// *Source*: TIFF 6.0, section 5. Maps whose entries all fit 8 bits were written by programs that forgot to scale them.
    static func lookUp<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ indices: [Sample], size: Size, palette: [[UInt16]]
    ) -> PlaneStore<UInt8> {
        let isNarrow = palette.allSatisfy { $0.allSatisfy { $0 < 256 } }
        var out = PlaneStore<UInt8>(size: size, count: 3)
        for plane in 0..<3 {
            let map = palette[plane].map { UInt8(truncatingIfNeeded: isNarrow ? $0 : $0 >> 8) }
            out.update(plane: plane) { samples in
                for i in samples.indices {
                    let index = Int(indices[i])
                    samples[i] = index < map.count ? map[index] : 0
                }
            }
        }
        return out
    }
}
