// The products inside Winograd: tiles by 32 or 16 output channels, one pass over all input channels.

/// - Parameters:
///   - v: `[group of 16 channels][tile][16]`, with `stride` floats from group to group.
///   - u: `[8 · blocks][32]`.
///   - m: twelve results of 32, `tileSums` floats apart.
@inline(never)
func product12x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var sums = Sums12x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(12) { tile, low, high in
        store(low, m, tile &* tileSums)
        store(high, m, tile &* tileSums &+ 16)
    }
}

@inline(never)
func product8x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var sums = Sums8x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(8) { tile, low, high in
        store(low, m, tile &* tileSums)
        store(high, m, tile &* tileSums &+ 16)
    }
}

@inline(never)
func product4x32(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var sums = Sums4x32(V(), V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 32) }
        v += stride
        u += 512
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 32) } }
    sums.forEach(4) { tile, low, high in
        store(low, m, tile &* tileSums)
        store(high, m, tile &* tileSums &+ 16)
    }
}

/// The same for the last one or two blocks: u is `[8 · blocks][16]`.
@inline(never)
func product12x16(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var sums = Sums12x16(V())
    var (v, u) = (v, u)
    for _ in 0..<blocks / 2 {
        for k in 0..<16 { sums.add(v + k, 16, u + k &* 16) }
        v += stride
        u += 256
    }
    if blocks % 2 != 0 { for k in 0..<8 { sums.add(v + k, 16, u + k &* 16) } }
    sums.forEach(12) { tile, sum in store(sum, m, tile &* tileSums) }
}

/// The next tiles from `v` on, of which `count` are left; returns how many were taken. `wide` stands for 32 output channels, else 16.
@inline(__always)
func winogradProduct(
    _ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ wide: Bool, _ m: Target, _ tileSums: Int, _ count: Int
) -> Int {
    if !wide {
        product12x16(v, stride, u, blocks, m, tileSums)
        return 12
    }
    if count > 8 {
        product12x32(v, stride, u, blocks, m, tileSums)
        return 12
    }
    if count > 4 {
        product8x32(v, stride, u, blocks, m, tileSums)
        return 8
    }
    product4x32(v, stride, u, blocks, m, tileSums)
    return 4
}
