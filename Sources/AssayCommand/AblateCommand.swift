import ArgumentParser
import Assay
import Foundation
import Graphs
import ModelFiles

struct AblateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate",
        abstract: "Proves the same model under several backends and compares them.",
        discussion: """
            Each backend runs in a process of its own. Writes results.json and results.csv, anew after every row. The exit status \
            is 1 where a row failed or outputs differ.
            """)

    @Argument(help: "A model folder; Models/kjv-llama unless told.")
    var model: String?

    @Option(help: ArgumentHelp("Names with commas between them, or all. " + backendHelp, valueName: "list"))
    var backends = "all"

    @OptionGroup var input: InputOptions

    @Option(help: ArgumentHelp("Use the first n tokens of the prompt only.", valueName: "n"))
    var tokenCount: Int?

    @Option(help: ArgumentHelp("The folder to write the results to.", valueName: "folder"))
    var out = "results"

    @OptionGroup var reference: ReferenceOption
    @OptionGroup var security: SecurityOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let tokenCount, tokenCount < 1 { throw ValidationError("--token-count takes a positive number") }
    }

    func run() throws {
        reference.apply()
        try common.execute { progress in
            let names = try chosenBackends()
            let folder = try model ?? Package.folder("Models/kjv-llama")
            progress.begin("read the model")
            let shape = try ModelFolder.read(folder).shape
            var tokens = try input.tokens(folder, shape)
            if let tokenCount {
                guard tokenCount <= tokens.count else {
                    throw AssayError(.badData, "--token-count \(tokenCount), but the prompt has \(tokens.count) tokens")
                }
                tokens = Array(tokens.prefix(tokenCount))
            }
            return try Files.withFolder(out) {
                try compare(folder, shape, tokens, names, progress)
            }
        }
    }

    private func chosenBackends() throws -> [String] {
        if backends == "all" { return Backends.names }
        var names: [String] = []
        for name in backends.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            let backend = try Backends.named(name).name
            if !names.contains(backend) { names.append(backend) }
        }
        guard !names.isEmpty else { throw AssayError(.usage, "--backends names no backend") }
        return names
    }

    private func compare(
        _ folder: String, _ shape: DecoderShape, _ tokens: [Int], _ names: [String], _ progress: ProgressLine
    ) throws -> CommandResult {
        var results = AblationResults(
            machine: Machine.current,
            model: AblationModel(
                name: Session.name(of: folder), shape: shape, input: tokens, securityBits: security.level))
        for name in names {
            progress.finish()
            let report = CellProcess.run(
                .init(
                    model: folder, backend: name, tokens: tokens, securityBits: security.level, threads: common.threads)
            )
            var row = report.row
            if let digest = report.digest {
                if let known = results.model.digest, known != digest, row.error == nil {
                    row.error = "quantising gave another integer model than before"
                }
                results.model.digest = results.model.digest ?? digest
                results.model.weights = report.weights
                results.model.quantiseSeconds = results.model.quantiseSeconds ?? report.quantiseSeconds
            }
            if name.hasPrefix("m31/") {
                results.model.estimatedProveSeconds =
                    results.model.estimatedProveSeconds ?? report.estimatedProveSeconds
            }
            results.rows.append(row)
            try results.write(to: out)
            if let error = row.error {
                Output.complain("\(name): \(error)")
            } else {
                progress.note("\(name): prove \(Output.seconds(row.proveSeconds)) s")
            }
        }
        return CommandResult(json: results, text: text(results), status: results.succeeded ? 0 : 1)
    }

    private func text(_ results: AblationResults) -> String {
        let model = results.model
        var text = """
            \(model.name), \(model.input.count) tokens, \(model.securityBits) bits asked for; \
            \(results.machine.cpu), \(results.machine.threads) threads, \(results.machine.csimdLevel)


            """
        var table = Table([
            ("backend", .left), ("setup s", .right), ("prove s", .right), ("verify s", .right), ("proof", .right),
            ("key", .right), ("peak memory", .right), ("bits", .right), ("output", .left),
        ])
        for row in results.rows {
            table.add([
                row.backend, Output.seconds(row.setupSeconds), Output.seconds(row.proveSeconds),
                Output.seconds(row.verifySeconds), Output.bytes(row.proofBytes), Output.bytes(row.keyBytes),
                Output.bytes(row.peakMemoryBytes), row.securityBits.map(String.init) ?? "-",
                row.outputDigest.map { String($0.prefix(12)) } ?? "failed",
            ])
        }
        text += table.text
        text += "\nprove, by phase (seconds)\n" + phases(results.rows) + "\n"
        for row in results.rows {
            if let error = row.error { text += "\(row.backend) failed: \(error)\n" }
        }
        for row in results.rows {
            for assumption in row.assumptions ?? [] { text += "\(row.backend) assumes: \(assumption)\n" }
        }
        let outputs = results.rows.compactMap(\.outputDigest)
        if !results.outputsAgree {
            text += "OUTPUTS DIFFER: \(Set(outputs).count) different ones\n"
        } else if !outputs.isEmpty {
            text += "outputs identical in \(outputs.count) of \(results.rows.count) rows\n"
        }
        if let estimate = model.estimatedProveSeconds,
            let row = results.rows.first(where: { $0.backend.hasPrefix("m31/orion") && $0.error == nil }),
            let measured = row.proveSeconds
        {
            let factor = String(format: "%.1f", measured / estimate)
            text += """
                \(row.backend): \(Output.seconds(measured)) s to prove; unit costs of one core (see CostEstimate) say \
                \(Output.seconds(estimate)) s, a factor of \(factor)

                """
        }
        return text + "written: \(out)/results.json, \(out)/results.csv\n"
    }

    private func phases(_ rows: [AblationRow]) -> String {
        var names: [String] = []
        for phase in rows.flatMap({ $0.phases ?? [] }) where !names.contains(phase.name) { names.append(phase.name) }
        var table = Table([("backend", .left)] + names.map { ($0, .right) })
        for row in rows where row.phases != nil {
            table.add(
                [row.backend] + names.map { name in Output.seconds(row.phases?.first { $0.name == name }?.seconds) })
        }
        return table.text
    }
}
