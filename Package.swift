// swift-tools-version: 6.1
import PackageDescription

// The house has five floors and imports only go down: see docs/architecture.md.
// `scripts/check-imports` holds this manifest and every import statement to that rule.

/// Flags of a kernel target: its instruction set, no overflow or bounds checks, optimised in debug builds as well.
func kernelFlags(_ features: [String]) -> [SwiftSetting] {
    [.unsafeFlags(["-Ounchecked", "-wmo", "-num-threads", "2"] + features.flatMap { ["-Xcc", $0] })]
}

// Kernel targets for instruction sets of x86-64; every other processor has CalorKernelsPortable.
#if arch(x86_64)
    let x86Kernels: [Target] = [
        .target(
            name: "CalorKernelsAVX2", dependencies: ["CalorTensor", "CCalorCPU"],
            swiftSettings: kernelFlags(["-mavx2", "-mfma"])),
        .target(
            name: "CalorKernelsAVX512", dependencies: ["CalorTensor", "CCalorCPU"],
            swiftSettings: kernelFlags(["-mavx2", "-mfma", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq"])),
    ]
#else
    let x86Kernels: [Target] = []
#endif
let x86KernelNames = x86Kernels.map { Target.Dependency(stringLiteral: $0.name) }

let package = Package(
    name: "calor",
    products: [
        .executable(name: "calor", targets: ["calor"]),
        .library(name: "CalorPipeline", targets: ["CalorPipeline"]),
        .library(name: "CalorONNX", targets: ["CalorONNX"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        // MARK: - Floor 0: C shims
        .target(name: "CCalorCPU"),
        .target(name: "CCalorDigest"),
        .target(name: "CCalorPNG", linkerSettings: [.linkedLibrary("png")]),
        .target(name: "CCalorJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
        .target(name: "CCalorTIFF", linkerSettings: [.linkedLibrary("tiff")]),

        // MARK: - Floor 1: values
        .target(name: "CalorBase", dependencies: ["CCalorCPU", "CCalorDigest"]),
        .target(name: "CalorTensor", dependencies: ["CalorBase"]),
        .target(name: "CalorImage", dependencies: ["CalorBase"]),
        .target(name: "CalorYAML", dependencies: [.product(name: "Yams", package: "Yams")]),

        // MARK: - Floor 2: the engine
        // The kernel targets share sources by symbolic links: those that do not care how wide a vector is.
        .target(
            name: "CalorKernelsPortable", dependencies: ["CalorTensor", "CCalorCPU"], swiftSettings: kernelFlags([])),
        .target(
            name: "CalorKernels",
            dependencies: ["CalorBase", "CalorTensor", "CCalorCPU", "CalorKernelsPortable"] + x86KernelNames),
        .target(name: "CalorGraph", dependencies: ["CalorBase", "CalorTensor", "CalorKernels"]),
        .target(
            name: "CalorONNX",
            dependencies: [
                "CalorBase", "CalorTensor", "CalorGraph", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),

        // MARK: - Floor 3: what the engine is for
        .target(
            name: "CalorRestoration",
            dependencies: [
                "CalorBase", "CalorTensor", "CalorImage", "CalorYAML", "CalorGraph", "CalorONNX",
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(name: "CalorCodecs", dependencies: ["CalorBase", "CalorImage", "CCalorPNG", "CCalorJPEG", "CCalorTIFF"]),
        .target(name: "CalorThermal", dependencies: ["CalorBase", "CalorImage"]),
        .target(name: "CalorQuality", dependencies: ["CalorBase", "CalorTensor", "CalorImage"]),
        .target(name: "CalorFusion", dependencies: ["CalorBase", "CalorImage"]),

        // MARK: - Floor 4: the pipeline
        .target(
            name: "CalorPipeline",
            dependencies: [
                "CalorBase", "CalorImage", "CalorYAML", "CalorKernels", "CalorRestoration", "CalorCodecs", "CalorThermal",
                "CalorQuality", "CalorFusion", .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "CalorReport",
            dependencies: [
                "CalorBase", "CalorImage", "CalorYAML", "CalorCodecs", .product(name: "Yams", package: "Yams"),
                .product(name: "Mustache", package: "swift-mustache"),
            ]),

        // MARK: - Floor 5: the commands
        .executableTarget(
            name: "calor",
            dependencies: [
                "CalorBase", "CalorTensor", "CalorImage", "CalorKernels", "CalorGraph", "CalorONNX", "CalorRestoration",
                "CalorCodecs", "CalorThermal", "CalorQuality", "CalorPipeline", "CalorReport", "CCalorCPU",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(name: "calor-fixtures", dependencies: ["CalorBase", "CalorImage", "CalorCodecs", "CalorThermal"]),

        // MARK: - Tests
        .testTarget(name: "CalorBaseTests", dependencies: ["CalorBase"]),
        .testTarget(name: "CalorTensorTests", dependencies: ["CalorTensor", "CalorBase"], exclude: ["Golden"]),
        .testTarget(name: "CalorImageTests", dependencies: ["CalorImage", "CalorBase"], exclude: ["Golden"]),
        .testTarget(
            name: "CalorKernelsTests", dependencies: ["CalorKernels", "CalorTensor"] + x86KernelNames),
        .target(name: "GraphGenerator", dependencies: ["CalorGraph", "CalorTensor", "CalorBase"], path: "Tests/GraphGenerator"),
        .testTarget(
            name: "CalorGraphTests", dependencies: ["CalorGraph", "CalorKernels", "CalorTensor", "GraphGenerator"],
            exclude: ["Golden"]),
        .testTarget(
            name: "CalorONNXTests",
            dependencies: [
                "CalorONNX", "CalorGraph", "CalorTensor", "CalorBase", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ], exclude: ["Golden"]),
        .testTarget(
            name: "CalorRestorationTests",
            dependencies: [
                "CalorRestoration", "CalorBase", "CalorImage", "CalorGraph", "CalorTensor", "CalorONNX", "CalorCodecs",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ], exclude: ["Golden"]),
        .testTarget(name: "CalorCodecsTests", dependencies: ["CalorCodecs", "CalorImage", "CalorBase"], exclude: ["Golden"]),
        .testTarget(name: "CalorThermalTests", dependencies: ["CalorThermal", "CalorImage", "CalorBase"], exclude: ["Golden"]),
        .testTarget(name: "CalorReportTests", dependencies: ["CalorReport", "CalorCodecs", "CalorImage", "CalorBase"]),
        .testTarget(name: "CalorFusionTests", dependencies: ["CalorFusion", "CalorImage", "CalorBase"]),
        .testTarget(name: "CalorQualityTests", dependencies: ["CalorQuality", "CalorImage", "CalorBase"], exclude: ["Golden"]),
        .testTarget(
            name: "CalorFixturesTests",
            dependencies: ["calor-fixtures", "CalorBase", "CalorImage", "CalorCodecs", "CalorThermal", "CalorQuality"]),
        .target(
            name: "PipelineChecks",
            dependencies: ["CalorPipeline", "CalorBase", "CalorImage", "CalorRestoration", "GraphGenerator"],
            path: "Tests/PipelineChecks"),
        .testTarget(
            name: "CalorPipelineTests",
            dependencies: [
                "CalorPipeline", "CalorBase", "CalorImage", "CalorYAML", "CalorCodecs", "CalorRestoration", "CalorThermal",
                "PipelineChecks", "GraphGenerator",
            ],
            exclude: ["Golden"]),
        .testTarget(
            name: "CommandTests",
            dependencies: ["CalorCodecs", "CalorImage", "CalorBase", "CalorGraph", "CalorTensor", "GraphGenerator"]),
    ],
    swiftLanguageModes: [.v6]
)

// Fuzz targets are built by scripts/fuzz alone: they need the sanitizers (docs/fuzzing.md).
if Context.environment["CALOR_FUZZ"] != nil {
    package.targets += [
        .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        .executableTarget(
            name: "calor-fuzz",
            dependencies: [
                "CLibFuzzer", "GraphGenerator", "CalorBase", "CalorTensor", "CalorGraph", "CalorONNX", "CalorImage", "CalorCodecs",
                "CalorThermal", "CalorPipeline", "PipelineChecks",
            ],
            path: "Tests/Fuzz/calor-fuzz"),
    ]
}
package.targets += x86Kernels
