import ArgumentParser
import Assay
import Foundation
import Graphs

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verifies a proof: accepts, or says which check failed.",
        discussion: """
            Needs neither the model nor anything of the prover but DIR/proof.bin and DIR/statement.json. What it prints is what it \
            has verified: a statement that the proof does not show is rejected, and never shown.
            """)

    @Argument(help: "The folder that `assay prove` wrote.")
    var folder: String

    @Option(help: ArgumentHelp("The verifying key of the model.", valueName: "file"))
    var key: String

    @Flag(help: "Print each part of the soundness budget with the theorem behind it.")
    var explain = false

    @OptionGroup var reference: ReferenceOption
    @OptionGroup var common: CommonOptions

    struct Report: Encodable {
        let accepted: Bool
        /// True for keys of a development string: anybody can make a proof of anything.
        let insecure: Bool
        let backend: String
        let modelDigest: String
        let input: [Int]
        let output: Int
        let outputText: String
        let securityBits: Int
        let provedBits: Int
        let budget: [BudgetLine]
        let assumptions: [String]
        let verifySeconds: Double
        let phases: [Phase]
        let proofBytes: Int
        let peakMemoryBytes: Int?
    }

    func run() throws {
        reference.apply()
        try common.execute { progress in
            progress.begin("verify")
            let verified = try Measured { try ProofFolder.verify(folder, keyFile: key) }
            let statement = verified.value.report.statement
            let vocabulary = verified.value.key.program.inputs
            let report = Report(
                accepted: true, insecure: verified.value.report.isInsecure, backend: statement.backend,
                modelDigest: statement.modelDigest, input: statement.input,
                output: statement.output, outputText: TokenText.describe([statement.output], vocabulary: vocabulary),
                securityBits: statement.securityBits, provedBits: verified.value.report.provedBits,
                budget: verified.value.report.budgetLines, assumptions: verified.value.report.assumptions,
                verifySeconds: verified.seconds,
                phases: verified.value.report.phases, proofBytes: verified.value.proofBytes,
                peakMemoryBytes: Machine.peakMemoryBytes)
            var text = """
                accepted\(report.insecure ? ", but INSECURE: the key's reference string is public, anybody can prove anything" : "")
                next token   \(report.outputText) (\(report.output))
                after        \(TokenText.describe(report.input, vocabulary: vocabulary)) (\(report.input.count) tokens)
                model        \(report.modelDigest)
                backend      \(report.backend), \(report.provedBits) bits proved, \(report.securityBits) asked for\(report.insecure ? ", INSECURE" : "")
                verify       \(Output.seconds(report.verifySeconds)) s
                proof        \(Output.bytes(report.proofBytes))


                """
            text += Table.assumptions(report.assumptions)
            text += Table.phases(report.phases, bytes: false)
            if explain { text += "\n" + Table.budget(report.budget, total: report.provedBits) }
            return CommandResult(json: report, text: text)
        }
    }
}
