import CalorKernels
import CalorTensor

/// A convolution with everything that was fused into it, split by output rows.
struct ConvolutionStep: Step {
    let convolution: PreparedConvolution
    let height: Int
    let width: Int
    let input: Place
    let output: Place
    let residual: Place?
    let activation: Activation
    let slopes: FloatVector?
    let scale: Float
    let isGated: Bool

    var kernel: String { convolution.kernelName + (isGated ? "_gated" : "") }
    var scratchBytes: Int { (convolution.scratchBytes(height: height, width: width) + 63) / 64 * 64 }

    func run(_ state: RunState) {
        let rows = convolution.geometry.outputHeight(height)
        state.split(rows, alignment: convolution.rowAlignment) { part, range in
            let epilogue = Epilogue(
                activation: activation, slopes: slopes?.pointer, scale: scale, residual: residual.map { state.read($0) })
            convolution.run(
                input: state.read(input), inputHeight: height, inputWidth: width, output: state.write(output), epilogue: epilogue,
                gated: isGated, rows: range, scratch: scratchBytes > 0 ? state.scratch(part) : nil)
        }
    }
}
