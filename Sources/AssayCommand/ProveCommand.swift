import ArgumentParser
import Assay
import Foundation
import Graphs

struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Proves the next token of a prompt.",
        discussion: """
            Writes DIR/proof.bin and DIR/statement.json. Without --keys it does the setup itself and writes DIR/keys/ too.
            """)

    @Argument(help: "A model folder.")
    var model: String

    @Option(help: ArgumentHelp(backendHelp, valueName: "name"))
    var backend: String?

    @OptionGroup var input: InputOptions

    @Option(help: ArgumentHelp("The folder that `assay setup` wrote for this model.", valueName: "folder"))
    var keys: String?

    @Option(help: ArgumentHelp("The folder to write the proof to.", valueName: "folder"))
    var out: String

    @OptionGroup var reference: ReferenceOption
    @OptionGroup var security: SecurityOption
    @OptionGroup var common: CommonOptions

    struct Report: Encodable {
        let model: String
        let modelDigest: String
        let backend: String
        let input: [Int]
        let output: Int
        let outputText: String
        /// The level asked for, and what the proof reaches with the one-time proof in the key apart.
        let securityBits: Int
        let provedBits: Int
        let budget: [BudgetLine]
        let assumptions: [String]
        let readSeconds: Double
        let quantiseSeconds: Double
        let setupSeconds: Double?
        let proveSeconds: Double
        let phases: [Phase]
        let proofBytes: Int
        let peakMemoryBytes: Int?
        let proof: String
        let keys: String
    }

    func run() throws {
        reference.apply()
        try common.execute { progress in
            let named = try backend.map { try Backends.named($0) }
            return try Files.withFolder(out) {
                let session = try Session(folder: model, progress: progress.callback())
                let tokens = try input.tokens(model, session.model.shape)
                let key: ProvingKey
                var setupSeconds: Double?
                if let keys {
                    progress.begin("read the keys")
                    key = try ProvingKey.read(from: keys)
                    try session.check(key)
                    if let asked = security.security, asked != key.verifyingKey.securityBits {
                        throw AssayError(
                            .usage,
                            "--security \(asked), but the keys were made for \(key.verifyingKey.securityBits) bits")
                    }
                } else {
                    let backend = try named ?? Backends.named(defaultBackend)
                    let made = try Measured {
                        try backend.setup(
                            session.quantised, securityBits: security.level, progress: progress.callback("setup: "))
                    }
                    key = made.value
                    setupSeconds = made.seconds
                }
                let backend = try named ?? Backends.named(key.verifyingKey.backend)
                let result = try Measured { try backend.prove(key, tokens: tokens, progress: progress.callback()) }
                progress.begin("write the proof")
                if let keys {
                    try ProofFolder.write(result.value, to: out)
                    return try self.result(session, result, setupSeconds, keys: keys)
                }
                let own = out + "/keys"
                return try Files.withFolder(own) {
                    try key.write(to: own)
                    try ProofFolder.write(result.value, to: out)
                    return try self.result(session, result, setupSeconds, keys: own)
                }
            }
        }
    }

    private func result(
        _ session: Session, _ proved: Measured<ProofResult>, _ setupSeconds: Double?, keys: String
    ) throws -> CommandResult {
        let statement = proved.value.statement
        let vocabulary = session.model.shape.vocabulary
        let report = Report(
            model: session.name, modelDigest: statement.modelDigest, backend: statement.backend, input: statement.input,
            output: statement.output, outputText: TokenText.describe([statement.output], vocabulary: vocabulary),
            securityBits: statement.securityBits, provedBits: proved.value.provedBits,
            budget: proved.value.budgetLines, assumptions: proved.value.assumptions, readSeconds: session.readSeconds,
            quantiseSeconds: session.quantiseSeconds, setupSeconds: setupSeconds, proveSeconds: proved.seconds,
            phases: proved.value.phases, proofBytes: proved.value.proof.count,
            peakMemoryBytes: Machine.peakMemoryBytes, proof: out, keys: keys)
        var text = """
            next token   \(report.outputText) (\(report.output))
            after        \(TokenText.describe(report.input, vocabulary: vocabulary)) (\(report.input.count) tokens)
            backend      \(report.backend), \(report.provedBits) bits proved, \(report.securityBits) asked for

            """
        text += "quantise     \(Output.seconds(report.quantiseSeconds)) s\n"
        if let setupSeconds { text += "setup        \(Output.seconds(setupSeconds)) s\n" }
        text += """
            prove        \(Output.seconds(report.proveSeconds)) s
            proof        \(Output.bytes(report.proofBytes))
            peak memory  \(Output.bytes(report.peakMemoryBytes))
            written      \(out); verify with: assay verify \(out) --key \(keys)/verifying.key


            """
        text += Table.assumptions(report.assumptions)
        text += Table.phases(report.phases, bytes: true)
        return CommandResult(json: report, text: text)
    }
}
