import CalorKernels
import CalorTensor

extension ConvolutionStep {
    var contract: RowContract? {
        let g = convolution.geometry
        let output = PlaneShape(
            channels: isGated ? g.outChannels / 2 : g.outChannels, height: g.outputHeight(height), width: g.outputWidth(width),
            layout: convolution.outputLayout)
        let source = PlaneShape(channels: g.inChannels, height: height, width: width, layout: convolution.inputLayout)
        let reach = RowReach.window(
            stride: g.strideHeight, pad: g.padTop, span: (g.kernelHeight - 1) * g.dilationHeight + 1)
        var reads = [RowContract.Read(planes: source.rows(at: input), reach: reach)]
        if let residual {
            reads.append(RowContract.Read(planes: output.rows(at: residual), reach: .same, isLaidOutLikeOutput: true))
        }
        return RowContract(reads: reads, write: output.rows(at: self.output), alignment: convolution.rowAlignment)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        guard let contract else { return }
        let from = memory.view(contract.reads[0].planes)
        let to = memory.view(contract.write)
        let epilogue = Epilogue(
            activation: activation, slopes: slopes?.pointer, scale: scale,
            residual: residual == nil ? nil : UnsafePointer(memory.view(contract.reads[1].planes).pointer))
        convolution.run(
            input: UnsafePointer(from.pointer), inputHeight: height, inputWidth: width, output: to.pointer, epilogue: epilogue,
            gated: isGated, rows: rows, inputWindow: from.window, outputWindow: to.window,
            scratch: scratchBytes > 0 ? memory.scratch(part) : nil)
    }
}
