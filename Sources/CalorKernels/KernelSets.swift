import CalorKernelsPortable

#if arch(x86_64)
    import CalorKernelsAVX2
    import CalorKernelsAVX512

    typealias AVX2 = CalorKernelsAVX2.Kernels
#endif

// The kernels of AVX2 and those that every processor runs have the same sources and so the same names.
typealias Portable = CalorKernelsPortable.Kernels
