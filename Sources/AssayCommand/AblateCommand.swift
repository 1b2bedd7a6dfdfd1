import ArgumentParser
import Assay
import Commitments
import Foundation
import Graphs
import ModelFiles

struct AblateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate",
        abstract: "Proves the same model under several backends and compares them.",
        discussion: """
            Each cell of the comparison, a backend at a security level, runs in a process of its own. Writes results.json and \
            results.csv, anew after every cell. The exit status is 1 where a row failed or outputs differ; after Ctrl-C, 130, \
            with what there is in the files. --cell-timeout ends cells that hang or take too long; the others go on.

            --grid takes a product of axes, and again to add another product:
              assay ablate --grid 'field=m31,goldilocks code=orion,fri rate=1/2,1/4,1/8' --grid 'backend=bn254/kzg'
            Axes: field and code (the commitment), or backend for both; hash; security; rate, columns, arity, grinding, cap, \
            queries, switch (auto leaves them to the commitment). The same command again, with the same program on the same \
            machine, goes on where it was interrupted, and runs again what failed.
            """)

    @Argument(help: "A model folder; Models/kjv-llama unless told.")
    var model: String?

    @Option(help: ArgumentHelp("Names with commas between them, or all. " + backendHelp, valueName: "list"))
    var backends: String?

    @Option(help: ArgumentHelp("Every combination of values of axes, see above.", valueName: "axes"))
    var grid: [String] = []

    @Flag(help: "Print each part of every row's soundness budget with the theorem behind it.")
    var explain = false

    @Flag(help: "With --grid: measure everything anew, whatever is in the output folder.")
    var fresh = false

    @Option(help: ArgumentHelp("Prove and verify n times; the fastest count (1).", valueName: "n"))
    var runs = 1

    @Option(
        help: ArgumentHelp(
            "Kill a cell that takes longer, with its setup and all runs; its row says so (no limit).",
            valueName: "seconds"))
    var cellTimeout: Double?

    @OptionGroup var input: InputOptions

    @Option(help: ArgumentHelp("Use the first n tokens of the prompt only.", valueName: "n"))
    var tokenCount: Int?

    @Option(
        help: ArgumentHelp(
            "The folder to write the results to: results, or with --grid results/grid, unless told.",
            valueName: "folder"))
    var out: String?

    @OptionGroup var reference: ReferenceOption
    @OptionGroup var security: SecurityOption
    @OptionGroup var common: CommonOptions

    private var folder: String { out ?? (grid.isEmpty ? "results" : "results/grid") }

    func validate() throws {
        if !(1...1000).contains(runs) { throw ValidationError("--runs takes a number from 1 to 1000") }
        // Some years: clocks count nanoseconds.
        if let cellTimeout, !(cellTimeout > 0 && cellTimeout <= 1e8) {
            throw ValidationError("--cell-timeout takes a positive number of seconds")
        }
        if let tokenCount, tokenCount < 1 { throw ValidationError("--token-count takes a positive number") }
        if backends != nil && !grid.isEmpty {
            throw ValidationError("give --backends or --grid, not both; a grid has the axis 'backend'")
        }
        if fresh && grid.isEmpty { throw ValidationError("--fresh is for --grid; other ablations always start anew") }
    }

    func run() throws {
        reference.apply()
        try common.execute { progress in
            let plan = try plan()
            let model = try model ?? Package.folder("Models/kjv-llama")
            progress.begin("read the model")
            let shape = try ModelFolder.read(model).shape
            var tokens = try input.tokens(model, shape)
            if let tokenCount {
                guard tokenCount <= tokens.count else {
                    throw AssayError(.badData, "--token-count \(tokenCount), but the prompt has \(tokens.count) tokens")
                }
                tokens = Array(tokens.prefix(tokenCount))
            }
            progress.finish()
            return try Files.withFolder(folder) {
                var results = AblationResults(
                    machine: Machine.current,
                    model: AblationModel(name: Session.name(of: model), shape: shape, input: tokens),
                    origin: grid.isEmpty ? nil : try AblationOrigin(folder: model, cells: plan.cells))
                var kept: [AblationRow] = []
                if !grid.isEmpty && !fresh, let earlier = try results.earlier(in: folder) {
                    kept = earlier.rows.filter {
                        $0.error == nil && ($0.runs ?? 1 == runs || !plan.cells.contains($0.cell))
                    }
                    (results.machine, results.model) = (earlier.machine, earlier.model)
                }
                for note in plan.notes { progress.note(note) }
                return try compare(model, plan.cells, kept, results, progress)
            }
        }
    }

    private func plan() throws -> AblationGrid {
        if !grid.isEmpty { return try AblationGrid(grid, securityBits: security.security) }
        var names: [String] = []
        for name in (backends ?? "all").split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            names += try name == "all" ? Backends.names : [Backends.named(name).name]
        }
        guard !names.isEmpty else { throw AssayError(.usage, "--backends names no backend") }
        return AblationGrid(backends: names, securityBits: security.level)
    }

    private func compare(
        _ model: String, _ cells: [AblationGrid.Cell], _ kept: [AblationRow], _ start: AblationResults,
        _ progress: ProgressLine
    ) throws -> CommandResult {
        var results = start
        var rows = Dictionary(kept.map { ($0.cell, $0) }) { first, _ in first }
        // Rows of cells that are not asked for now stay, at the end.
        let others = kept.filter { !cells.contains($0.cell) }
        let missing = cells.filter { rows[$0] == nil }
        if !kept.isEmpty {
            progress.note("\(cells.count - missing.count) of \(cells.count) rows are there from an earlier run")
        }
        let showsLevel = Set(cells.map(\.securityBits)).count > 1
        try Interruption.during {
            for (index, cell) in missing.enumerated() where Interruption.signal == nil {
                let level = showsLevel ? ", \(cell.securityBits) bits" : ""
                let label = "[\(cells.count - missing.count + index + 1)/\(cells.count)] \(cell.backend)\(level)"
                progress.finish()
                guard
                    let report = CellProcess.run(
                        .init(
                            model: model, backend: cell.backend, tokens: results.model.input,
                            securityBits: cell.securityBits, threads: common.threads, runs: runs, label: label),
                        timeout: cellTimeout)
                else { break }
                rows[cell] = add(report, to: &results.model)
                results.rows = cells.compactMap { rows[$0] } + others
                try results.write(to: folder)
                let left = Self.timeLeft(missing[(index + 1)...], rows: rows.values)
                if let error = rows[cell]?.error {
                    Output.complain(label + ": " + error + left)
                } else {
                    progress.note("\(label): prove \(Output.seconds(report.row.proveSeconds)) s\(left)")
                }
            }
        }
        results.rows = cells.compactMap { rows[$0] } + others
        var status: Int32 = results.succeeded ? 0 : 1
        if let signal = Interruption.signal {
            status = 128 + signal
            Output.complain(
                "interrupted: \(results.rows.count - others.count) of \(cells.count) rows are done"
                    + (grid.isEmpty ? "" : "; the same command goes on from there"))
            // A folder that was made for this, where it is empty.
            if results.rows.isEmpty { rmdir(folder) }
        }
        return CommandResult(json: results, text: text(results), status: status)
    }

    /// Notes what a report says about the model, and gives its row, a failed one where it was about another model.
    private func add(_ report: AblationCell.Report, to model: inout AblationModel) -> AblationRow {
        var row = report.row
        if let digest = report.digest {
            if let known = model.digest, known != digest, row.error == nil {
                row.error = "quantising gave another integer model than before"
            }
            model.digest = model.digest ?? digest
            model.weights = report.weights
            model.quantiseSeconds = model.quantiseSeconds ?? report.quantiseSeconds
        }
        if row.field == "m31" {
            model.estimatedProveSeconds = model.estimatedProveSeconds ?? report.estimatedProveSeconds
        }
        return row
    }

    /// How long the cells will take if they are like those that have run with the same field and commitment, or else with the
    /// same field.
    private static func timeLeft(
        _ cells: ArraySlice<AblationGrid.Cell>, rows: some Collection<AblationRow>
    ) -> String {
        let known = rows.filter { $0.error == nil && $0.cellSeconds != nil }
        guard !cells.isEmpty && !known.isEmpty else { return "" }
        func mean(_ rows: [AblationRow]) -> Double? {
            rows.isEmpty ? nil : rows.reduce(0) { $0 + $1.cellSeconds! } / Double(rows.count)
        }
        var seconds = 0.0
        for cell in cells {
            let row = AblationRow(backend: cell.backend, requestedBits: cell.securityBits)
            let likeField = known.filter { $0.field == row.field }
            seconds += mean(likeField.filter { $0.code == row.code }) ?? mean(likeField) ?? mean(known)!
        }
        return ", about "
            + (seconds < 90 ? String(format: "%.0f s", seconds) : String(format: "%.0f min", seconds / 60)) + " left"
    }

    private func text(_ results: AblationResults) -> String {
        let model = results.model
        let levels = Set(results.rows.map(\.requestedBits)).sorted().map(String.init).joined(separator: ", ")
        var text = """
            \(model.name), \(model.input.count) tokens, \(levels) bits asked for; \
            \(results.machine.cpu), \(results.machine.threads) threads, \(results.machine.csimdLevel)\
            \(runs > 1 ? "; the fastest of \(runs) runs" : "")


            """
        let parameters = AblationRow.parameterNames(results.rows)
        let named: [(String, Table.Alignment)] =
            grid.isEmpty
            ? [("backend", .left)]
            : [("field", .left), ("code", .left), ("hash", .left)] + parameters.map { ($0, .left) } + [
                ("asked", .right)
            ]
        var table = Table(
            named + [
                ("setup s", .right), ("prove s", .right), ("verify s", .right), ("proof", .right), ("key", .right),
                ("peak memory", .right), ("bits", .right), ("output", .left),
            ])
        for row in results.rows {
            let own = (try? Backends.named(row.backend).parameters.map(\.rawValue)) ?? []
            let names =
                grid.isEmpty
                ? [row.backend]
                : [row.field, row.code, row.hash]
                    + parameters.map { row.parameters[$0] ?? (own.contains($0) ? "auto" : "-") }
                    + [String(row.requestedBits)]
            table.add(
                names + [
                    Output.seconds(row.setupSeconds), Output.seconds(row.proveSeconds),
                    Output.seconds(row.verifySeconds), Output.bytes(row.proofBytes), Output.bytes(row.keyBytes),
                    Output.bytes(row.peakMemoryBytes), row.securityBits.map(String.init) ?? "-",
                    row.outputDigest.map { String($0.prefix(12)) } ?? "failed",
                ])
        }
        text += table.text + "\n"
        // Of a grid, the phases are in the files.
        if grid.isEmpty { text += "prove, by phase (seconds)\n" + phases(results.rows) + "\n" }
        for row in results.rows {
            if let error = row.error {
                text += row.backend + (grid.isEmpty ? "" : ", \(row.requestedBits) bits,") + " failed: \(error)\n"
            }
        }
        var assumed: [String: [String]] = [:]
        for row in results.rows {
            for assumption in row.assumptions ?? [] where assumed[row.backend]?.contains(assumption) != true {
                assumed[row.backend, default: []].append(assumption)
                text += "\(row.backend) assumes: \(assumption)\n"
            }
        }
        if explain {
            for row in results.rows {
                guard let budget = row.budget, let bits = row.securityBits else { continue }
                text += "\n\(row.backend), \(row.requestedBits) bits asked for\n" + Table.budget(budget, total: bits)
            }
            text += "\n"
        }
        let outputs = results.rows.compactMap(\.outputDigest)
        if !results.outputsAgree {
            text += "OUTPUTS DIFFER: \(Set(outputs).count) different ones\n"
        } else if !outputs.isEmpty {
            text += "outputs identical in \(outputs.count) of \(results.rows.count) rows\n"
        }
        if grid.isEmpty, let estimate = model.estimatedProveSeconds,
            let row = results.rows.first(where: { $0.backend.hasPrefix("m31/orion") && $0.error == nil }),
            let measured = row.proveSeconds
        {
            let factor = String(format: "%.1f", measured / estimate)
            text += """
                \(row.backend): \(Output.seconds(measured)) s to prove; unit costs of one core (see CostEstimate) say \
                \(Output.seconds(estimate)) s, a factor of \(factor)

                """
        }
        return results.rows.isEmpty ? "" : text + "written: \(folder)/results.json, \(folder)/results.csv\n"
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
