// swift-tools-version: 6.1
import PackageDescription

func parent(_ name: String) -> Target.Dependency { .product(name: name, package: "Assay") }

let package = Package(
    name: "Benchmarks",
    dependencies: [.package(name: "Assay", path: "..")],
    targets: [
        // What the machine can do at most: a pass over memory, a run of multiplications.
        .target(name: "CMachine"),
        .executableTarget(
            name: "bench",
            dependencies: [
                "CMachine", parent("CSIMD"), parent("Tensors"), parent("Fields"), parent("Transcripts"),
                parent("Multilinears"), parent("Commitments"), parent("Curves"),
            ],
            path: "Sources/Bench"),
    ],
    cLanguageStandard: .c17
)
