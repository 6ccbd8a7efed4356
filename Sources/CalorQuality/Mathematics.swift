#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// The few functions of the C library that metrics need, under one import for every platform.

func square(_ x: Double) -> Double { x * x }
func exponential(_ x: Double) -> Double { exp(x) }
func decibels(ofPower ratio: Double) -> Double { 10 * log10(ratio) }
func bits(_ share: Double) -> Double { -log2(share) }
/// cos and sin of `turns` full turns.
func unitCircle(_ turns: Double) -> (cos: Double, sin: Double) { (cos(2 * .pi * turns), sin(2 * .pi * turns)) }
