import CalorTensor

extension KernelTable {
    public static let reference = KernelTable(
        instructionSet: .reference,
        grouping: .pairs,
        convolution: { _, job in ReferenceConvolution.run(job) },
        convolutionScratch: { _, _, _, _ in 0 },
        matrix: ReferenceMatrix.run,
        attention: ReferenceAttention.run,
        attentionWidth: 1,
        unary: ReferenceElementwise.unary,
        binary: ReferenceElementwise.binary,
        binaryScalar: ReferenceElementwise.binaryScalar,
        binaryLanes: ReferenceElementwise.binaryLanes,
        multiplyAdd: ReferenceElementwise.multiplyAdd,
        scaleShiftLanes: ReferenceElementwise.scaleShiftLanes,
        slopeLanes: ReferenceElementwise.slopeLanes,
        reduceRow: ReferenceReduction.row,
        laneSums: ReferenceReduction.laneSums,
        softmaxRow: ReferenceReduction.softmaxRow,
        normaliseRow: ReferenceReduction.normaliseRow,
        pixelNorm: ReferenceReduction.pixelNorm,
        pixelMeans: ReferenceReduction.pixelMeans,
        weightedRows: ReferenceResampling.weightedRows,
        gatherLanes: ReferenceResampling.gatherLanes)

    static let portable = KernelTable(
        instructionSet: .portable,
        grouping: .pairs,
        convolution: { algorithm, job in
            if algorithm == .reference { ReferenceConvolution.run(job) } else { Portable.convolution(algorithm, job) }
        },
        convolutionScratch: Portable.convolutionScratch,
        matrix: Portable.matrix,
        attention: Portable.attention,
        attentionWidth: Portable.attentionWidth,
        unary: Portable.unary,
        binary: Portable.binary,
        binaryScalar: Portable.binaryScalar,
        binaryLanes: Portable.binaryLanes,
        multiplyAdd: Portable.multiplyAdd,
        scaleShiftLanes: Portable.scaleShiftLanes,
        slopeLanes: Portable.slopeLanes,
        reduceRow: Portable.reduceRow,
        laneSums: Portable.laneSums,
        softmaxRow: Portable.softmaxRow,
        normaliseRow: Portable.normaliseRow,
        pixelNorm: Portable.pixelNorm,
        pixelMeans: Portable.pixelMeans,
        weightedRows: Portable.weightedRows,
        gatherLanes: Portable.gatherLanes)

}

#if arch(x86_64)
    extension KernelTable {
        static let avx2 = KernelTable(
            instructionSet: .avx2,
            grouping: .pairs,
            convolution: { algorithm, job in
                if algorithm == .reference { ReferenceConvolution.run(job) } else { AVX2.convolution(algorithm, job) }
            },
            convolutionScratch: AVX2.convolutionScratch,
            matrix: AVX2.matrix,
            attention: AVX2.attention,
            attentionWidth: AVX2.attentionWidth,
            unary: AVX2.unary,
            binary: AVX2.binary,
            binaryScalar: AVX2.binaryScalar,
            binaryLanes: AVX2.binaryLanes,
            multiplyAdd: AVX2.multiplyAdd,
            scaleShiftLanes: AVX2.scaleShiftLanes,
            slopeLanes: AVX2.slopeLanes,
            reduceRow: AVX2.reduceRow,
            laneSums: AVX2.laneSums,
            softmaxRow: AVX2.softmaxRow,
            normaliseRow: AVX2.normaliseRow,
            pixelNorm: AVX2.pixelNorm,
            pixelMeans: AVX2.pixelMeans,
            weightedRows: AVX2.weightedRows,
            gatherLanes: AVX2.gatherLanes)

        /// What wider registers do not make faster comes from AVX2.
        static let avx512 = KernelTable(
            instructionSet: .avx512,
            grouping: .quads,
            convolution: { algorithm, job in
                if algorithm == .reference { ReferenceConvolution.run(job) } else { AVX512.convolution(algorithm, job) }
            },
            convolutionScratch: AVX512.convolutionScratch,
            matrix: AVX512.matrix,
            attention: AVX512.attention,
            attentionWidth: AVX512.attentionWidth,
            unary: AVX512.unary,
            binary: AVX512.binary,
            binaryScalar: AVX2.binaryScalar,
            binaryLanes: AVX2.binaryLanes,
            multiplyAdd: AVX2.multiplyAdd,
            scaleShiftLanes: AVX512.scaleShiftLanes,
            slopeLanes: AVX2.slopeLanes,
            reduceRow: AVX512.reduceRow,
            laneSums: AVX512.laneSums,
            softmaxRow: AVX512.softmaxRow,
            normaliseRow: AVX512.normaliseRow,
            pixelNorm: AVX512.pixelNorm,
            pixelMeans: AVX512.pixelMeans,
            weightedRows: AVX2.weightedRows,
            gatherLanes: AVX2.gatherLanes)
    }
#endif
