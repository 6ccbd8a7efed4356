import CalorBase
import Testing

@testable import CalorRestoration

@Suite struct SidecarTests {
    static let valid = """
        calor-model: 1
        name: ir-x4
        purpose: super-resolution
        kind: infrared
        file: model.onnx
        sha256: AB12
        scale: 4
        channels: 1
        input: input
        output: output
        range: [0.0, 1.0]
        multiple: 2
        receptive-field: 21
        parameters: 364000
        quality:
          - { set: ir-m3fd, metric: psnr-grey, value: 39.95 }
        """

    @Test func everyKeyArrives() throws {
        let model = try Sidecar.parse(Self.valid, path: "m/model.yaml", folder: "m")
        #expect(model.name == "ir-x4" && model.purpose == .superResolution && model.kind == .infrared)
        #expect(model.path == "m/model.onnx" && model.sha256 == "ab12")
        #expect(model.scale == 4 && model.channels == 1 && model.multiple == 2 && model.receptiveField == 21)
        #expect(model.quality.count == 1 && model.quality[0].value == 39.95)
    }

    /// Each row: what is replaced in the valid sidecar, by what, and a word of the message.
    @Test(arguments: [
        ("calor-model: 1", "calor-model: 2", "calor-model"),
        ("purpose: super-resolution", "purpose: magic", "magic"),
        ("kind: infrared", "kind: sonar", "sonar"),
        ("file: model.onnx", "file: ../secret.onnx", "beside"),
        ("file: model.onnx", "file: ..", "beside"),
        ("scale: 4", "scale: 0", "outside"),
        ("scale: 4", "scale: many", "wrong type"),
        ("scale: 4", "size: 4", "missing"),
        ("range: [0.0, 1.0]", "range: [1.0, 0.0]", "rising"),
        ("receptive-field: 21", "receptive-field: -3", "outside"),
        ("name: ir-x4", "name: [", "not YAML"),
    ])
    func faultsNameTheKey(original: String, replacement: String, word: String) {
        let text = Self.valid.replacing(original, with: replacement)
        #expect {
            try Sidecar.parse(text, path: "m/model.yaml", folder: "m")
        } throws: { error in
            guard let fault = error as? RestorationFault else { return false }
            return fault.message.contains(word) && fault.kind == .damagedInput
        }
    }
}
