import ArgumentParser
import Assay
import Commitments
import Foundation

struct SRSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srs",
        abstract: "Checks a reference string for KZG (.ptau), or writes an INSECURE one for experiments.",
        discussion: """
            Every point is on its curve and in its group, and pairings show that all powers belong to one tau. That tau was \
            destroyed no file can show: compare the digest with one that you trust.
            """)

    @Argument(help: "A .ptau file, as snarkjs has them.")
    var file: String

    @Option(help: ArgumentHelp("Check the first n powers only.", valueName: "n"))
    var powers: Int?

    @Option(
        help: ArgumentHelp(
            "Write the development string with 2^k powers instead; the file's name must contain INSECURE.",
            valueName: "k"))
    var develop: Int?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let powers, powers < 3 { throw ValidationError("--powers takes a number from 3") }
        if let develop, !(2...20).contains(develop) { throw ValidationError("--develop takes a number from 2 to 20") }
        if powers != nil && develop != nil { throw ValidationError("give --powers or --develop, not both") }
    }

    func run() throws {
        try common.execute { progress in
            if let develop {
                progress.begin("write the powers")
                try ReferenceSource.writeDevelopment(ptau: file, power: develop)
            }
            progress.begin("check the powers")
            let report = try ReferenceSource.inspect(ptau: file, size: powers, verifyPowers: true)
            let text = """
                \(file)
                powers       \(Output.count(report.powers)) in G1, all of one tau (pairings)
                digest       \(report.label)\(report.insecure ? ": its secret is PUBLIC" : "")

                """
            return CommandResult(json: report, text: text)
        }
    }
}
