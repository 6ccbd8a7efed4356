import CalorTensor

/// The oracle of the matrix product: plain loops, sums in the order of k, in f64.
enum ReferenceMatrix {
    static func run(_ job: MatrixJob) {
        for row in job.firstRow..<job.endRow {
            for column in 0..<job.n {
                var sum = 0.0
                let b = job.packed + (column / 16) * job.k * 16 + column % 16
                for i in 0..<job.k { sum += Double(job.a[row * job.lda + i]) * Double(b[i * 16]) }
                sum += Double(job.bias?[column] ?? 0)
                let y = ReferenceElementwise.value(job.activation, Float(sum), slope: 0)
                job.c[row * job.ldc + column] = y + (job.residual?[row * job.ldc + column] ?? 0)
            }
        }
    }
}
