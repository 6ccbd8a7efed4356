import CalorKernelsAVX2
import CalorTensor

extension KernelTable {
    public static let reference = KernelTable(
        instructionSet: .reference,
        convolution: { _, job in ReferenceConvolution.run(job) },
        convolutionScratch: { _, _, _, _ in 0 },
        matrix: ReferenceMatrix.run,
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
        weightedRows: ReferenceResampling.weightedRows,
        gatherLanes: ReferenceResampling.gatherLanes)

    static let avx2 = KernelTable(
        instructionSet: .avx2,
        convolution: { algorithm, job in
            if algorithm == .reference { ReferenceConvolution.run(job) } else { AVX2.convolution(algorithm, job) }
        },
        convolutionScratch: AVX2.convolutionScratch,
        matrix: AVX2.matrix,
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
        weightedRows: AVX2.weightedRows,
        gatherLanes: AVX2.gatherLanes)
}
