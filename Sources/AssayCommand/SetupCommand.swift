import ArgumentParser
import Assay
import Foundation

struct SetupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Quantises a model, commits to its weights and proves their ranges, once per model.",
        discussion: "Writes KEYS/verifying.key for verifiers and KEYS/proving.key/ for provers.")

    @Argument(help: "A model folder.")
    var model: String

    @Option(help: ArgumentHelp(backendHelp, valueName: "name"))
    var backend = defaultBackend

    @Option(help: ArgumentHelp("The folder to write the keys to.", valueName: "folder"))
    var out: String

    @OptionGroup var reference: ReferenceOption
    @OptionGroup var security: SecurityOption
    @OptionGroup var common: CommonOptions

    struct Report: Encodable {
        let model: String
        let backend: String
        let modelDigest: String
        let weights: Int
        let securityBits: Int
        let assumptions: [String]
        let readSeconds: Double
        let quantiseSeconds: Double
        let setupSeconds: Double
        let provingKeyBytes: Int
        let verifyingKeyBytes: Int
        let peakMemoryBytes: Int?
        let keys: String
    }

    func run() throws {
        reference.apply()
        try common.execute { progress in
            let backend = try Backends.named(backend)
            return try Files.withFolder(out) {
                let session = try Session(folder: model, progress: progress.callback())
                let key = try Measured {
                    try backend.setup(session.quantised, securityBits: security.level, progress: progress.callback())
                }
                progress.begin("write the keys")
                try key.value.write(to: out)
                let report = Report(
                    model: session.name, backend: backend.name, modelDigest: key.value.verifyingKey.digestText,
                    weights: session.weightCount, securityBits: security.level,
                    assumptions: try backend.assumptions(key.value.verifyingKey), readSeconds: session.readSeconds,
                    quantiseSeconds: session.quantiseSeconds, setupSeconds: key.seconds,
                    provingKeyBytes: key.value.byteCount,
                    verifyingKeyBytes: key.value.verifyingKey.encoded.count,
                    peakMemoryBytes: Machine.peakMemoryBytes, keys: out)
                return CommandResult(json: report, text: text(report))
            }
        }
    }

    private func text(_ report: Report) -> String {
        """
        model          \(report.model), \(Output.count(report.weights)) weights
        backend        \(report.backend), \(report.securityBits) bits
        model digest   \(report.modelDigest)
        read           \(Output.seconds(report.readSeconds)) s
        quantise       \(Output.seconds(report.quantiseSeconds)) s
        setup          \(Output.seconds(report.setupSeconds)) s
        proving key    \(Output.bytes(report.provingKeyBytes))
        verifying key  \(Output.bytes(report.verifyingKeyBytes))
        peak memory    \(Output.bytes(report.peakMemoryBytes))
        written        \(report.keys)

        """ + report.assumptions.map { "assumed        \($0)\n" }.joined()
    }
}
