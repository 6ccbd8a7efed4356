// The products inside Winograd: tiles by 32 or 16 output channels, one pass over all input channels.

/// Floats from the sums of a tile to those of the next: 36 times 32.
let winogradTileSums: Int = 1152

/// - Parameters:
///   - v: `[group of 16 channels][tile][16]`, with `stride` floats from group to group.
///   - u: `[8 · blocks][32]`.
///   - m: twelve results of 32, `winogradTileSums` floats apart.
@inline(never)
func product12x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target) {
    var sums = Sums12x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(12) { tile, low, high in
        store(low, m, tile &* winogradTileSums)
        store(high, m, tile &* winogradTileSums &+ 16)
    }
}

@inline(never)
func product8x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target) {
    var sums = Sums8x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(8) { tile, low, high in
        store(low, m, tile &* winogradTileSums)
        store(high, m, tile &* winogradTileSums &+ 16)
    }
}

@inline(never)
func product4x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target) {
    var sums = Sums4x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(4) { tile, low, high in
        store(low, m, tile &* winogradTileSums)
        store(high, m, tile &* winogradTileSums &+ 16)
    }
}

/// The same for the last one or two blocks: u is `[8 · blocks][16]`.
@inline(never)
func product12x16(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target) {
    var sums = Sums12x16(V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 16) }
        v += stride
        u += 256
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 16) } }
    sums.forEach(12) { tile, sum in store(sum, m, tile &* winogradTileSums) }
}
