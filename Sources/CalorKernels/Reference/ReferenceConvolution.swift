import CalorTensor

/// The oracle of every convolution kernel: plain loops, sums in the order channel, kernel row, kernel column, in f64.
enum ReferenceConvolution {
    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let outWidth = job.outputWidth
        for o in 0..<(job.isGated ? g.outChannels / 2 : g.outBlocks * 8) {
            for y in job.firstRow..<job.endRow {
                for x in 0..<outWidth {
                    let at = (o / 8) * job.outputWindow.plane + (y % job.outputWindow.rows * outWidth + x) * 8 + o % 8
                    guard o < g.outChannels else {
                        job.output[at] = 0
                        continue
                    }
                    var value = sum(job, o, y, x)
                    if job.isGated { value *= sum(job, o + g.outChannels / 2, y, x) }
                    job.output[at] = job.epilogue.residual.map { value + $0[at] } ?? value
                }
            }
        }
    }

    /// Scale · activation(sum + bias) of one output.
    private static func sum(_ job: ConvolutionJob, _ o: Int, _ y: Int, _ x: Int) -> Float {
        let g = job.geometry
        let inWidth = job.inputWidth
        let inPerGroup = g.inChannels / g.groups
        var sum = Double(job.epilogue.bias?[o] ?? 0)
        let firstChannel = o / (g.outChannels / g.groups) * inPerGroup
        for i in 0..<inPerGroup {
            let channel = firstChannel + i
            let plane = job.input + channel / 8 * job.inputWindow.plane + channel % 8
            let weights = job.weights + (o * inPerGroup + i) * g.kernelHeight * g.kernelWidth
            for ky in 0..<g.kernelHeight {
                let iy = y * g.strideHeight + ky * g.dilationHeight - g.padTop
                if iy < 0 || iy >= job.inputHeight { continue }
                for kx in 0..<g.kernelWidth {
                    let ix = x * g.strideWidth + kx * g.dilationWidth - g.padLeft
                    if ix < 0 || ix >= inWidth { continue }
                    sum += Double(plane[(iy % job.inputWindow.rows * inWidth + ix) * 8]) * Double(weights[ky * g.kernelWidth + kx])
                }
            }
        }
        let slope = job.epilogue.slopes?[o] ?? 0
        return job.epilogue.scale * ReferenceElementwise.value(job.epilogue.activation, Float(sum), slope: slope)
    }
}
