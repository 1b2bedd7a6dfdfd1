// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A room of the house. `needs` lists the rooms below it that it may import (see CONTRIBUTING.md).
func room(_ name: String, needs: [String], packages: [Target.Dependency] = []) -> Target {
    .target(
        name: name,
        dependencies: needs.map { .target(name: $0) } + packages,
        swiftSettings: swiftSettings)
}

func tests(_ name: String, needs: [String], resources: [Resource] = [], packages: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: needs.map { .target(name: $0) } + packages,
        resources: resources,
        swiftSettings: swiftSettings)
}

let package = Package(
    name: "Assay",
    products: [
        .executable(name: "assay", targets: ["AssayCommand"]),
        .library(name: "Assay", targets: ["Assay"]),
    ]
        // The rooms that Benchmarks times, one product each.
        + ["CSIMD", "Tensors", "Fields", "Transcripts", "Multilinears", "Commitments", "Curves"].map {
            .library(name: $0, targets: [$0])
        },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(
            name: "CSIMD",
            path: "CSIMD",
            publicHeadersPath: "include"),
        room("Tensors", needs: ["CSIMD"]),
        room("Fields", needs: ["CSIMD", "Tensors"]),
        room("Transcripts", needs: ["CSIMD", "Tensors", "Fields"]),
        room("Multilinears", needs: ["Tensors", "Fields", "Transcripts"]),
        room("Curves", needs: ["CSIMD", "Tensors", "Fields", "Transcripts"]),
        room("Commitments", needs: ["Tensors", "Fields", "Transcripts", "Multilinears", "Curves"]),
        room("Graphs", needs: ["CSIMD", "Tensors"]),
        room("ModelFiles", needs: ["Tensors", "Graphs"]),
        room("Blocks", needs: ["Tensors", "Fields", "Transcripts", "Multilinears", "Graphs"]),
        room(
            "Assay",
            needs: [
                "CSIMD", "Tensors", "Fields", "Transcripts", "Multilinears", "Curves", "Commitments", "Graphs",
                "ModelFiles", "Blocks",
            ]),
        .executableTarget(
            name: "AssayCommand",
            dependencies: [
                "Assay", "Blocks", "Commitments", "Graphs", "ModelFiles", "Tensors", "Transcripts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        .systemLibrary(
            name: "CGMP", path: "Tests/CGMP", pkgConfig: "gmp", providers: [.apt(["libgmp-dev"])]),
        .target(
            name: "TestSupport",
            dependencies: [
                "CGMP", "CSIMD", "Tensors", "Fields", "Transcripts", "Multilinears", "Curves", "Commitments", "Graphs",
            ],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        tests("TensorsTests", needs: ["Tensors", "TestSupport"]),
        tests("FieldsTests", needs: ["CSIMD", "Tensors", "Fields", "TestSupport"]),
        tests("TranscriptsTests", needs: ["CSIMD", "Tensors", "Fields", "Transcripts", "TestSupport"]),
        tests("MultilinearsTests", needs: ["Tensors", "Fields", "Transcripts", "Multilinears", "TestSupport"]),
        tests(
            "CurvesTests", needs: ["CSIMD", "Tensors", "Fields", "Curves", "TestSupport"],
            resources: [.copy("Fixtures")]),
        tests(
            "CommitmentsTests",
            needs: ["Tensors", "Fields", "Transcripts", "Multilinears", "Curves", "Commitments", "TestSupport"]),
        tests(
            "GraphsTests", needs: ["CSIMD", "Tensors", "Graphs", "ModelFiles", "TestSupport"],
            resources: [.copy("Goldens")]),
        tests("ModelFilesTests", needs: ["Tensors", "Graphs", "ModelFiles", "TestSupport"]),
        tests(
            "BlocksTests",
            needs: ["Tensors", "Fields", "Transcripts", "Multilinears", "Graphs", "Blocks", "TestSupport"]),
        tests(
            "AssayTests",
            needs: [
                "Tensors", "Fields", "Transcripts", "Multilinears", "Commitments", "Graphs", "ModelFiles", "Blocks",
                "Assay", "TestSupport",
            ]),
    ],
    cLanguageStandard: .c17
)
