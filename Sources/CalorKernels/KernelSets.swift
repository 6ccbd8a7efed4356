import CalorKernelsPortable

// The kernels of all sets have the same names, and mostly the same sources.

#if arch(x86_64)
    import CalorKernelsAVX2
    import CalorKernelsAVX512

    typealias AVX2 = CalorKernelsAVX2.Kernels
    typealias AVX512 = CalorKernelsAVX512.Kernels
#endif

typealias Portable = CalorKernelsPortable.Kernels
