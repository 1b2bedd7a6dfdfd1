import ArgumentParser
import Assay
import Foundation
import Graphs
import Tensors

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows the integer graph by node, and what dominates the cost of a proof.")

    @Argument(help: "A model folder.")
    var model: String

    @Option(help: ArgumentHelp("Tokens of the input.", valueName: "n"))
    var tokenCount = 64

    @Option(help: ArgumentHelp("The field that values must fit: m31, goldilocks or bn254.", valueName: "name"))
    var field = "m31"

    @OptionGroup var common: CommonOptions

    struct NodeReport: Encodable {
        let name: String
        let operation: String
        let operands: [String]
        let shape: [Int]
        let least: Int64
        let greatest: Int64
        let lookups: Int
        let committed: Int
        let multiplyAdds: Int
    }

    /// Nodes that are alike in all layers, together.
    struct Family: Encodable {
        let name: String
        var nodes = 0
        var lookups = 0
        var committed = 0
        var multiplyAdds = 0
        var estimatedSeconds = 0.0
    }

    struct Report: Encodable {
        let model: String
        let field: String
        let tokenCount: Int
        let weights: Int
        let nodes: [NodeReport]
        let addedNodes: Int
        let multiplyAdds: Int
        let lookups: Int
        let committed: Int
        let columns: Int
        let tables: Int
        let families: [Family]
        let estimate: CostEstimate
        let estimatedSeconds: Double
    }

    func run() throws {
        try common.execute { progress in
            guard let name = Backends.names.first(where: { $0.hasPrefix(field + "/") }) else {
                throw AssayError(.usage, "unknown field '\(field)'; this build has \(fields.joined(separator: ", "))")
            }
            let session = try Session(folder: model, progress: progress.callback())
            let limit = min(session.model.shape.positions, session.quantised.plan.maximumTokens)
            guard (1...limit).contains(tokenCount) else {
                throw AssayError(.badData, "--token-count \(tokenCount): the model takes 1 to \(limit) tokens")
            }
            progress.begin("analyse")
            let inspection = try Inspection(
                session.quantised.plan, tokenCount: tokenCount, backend: try Backends.named(name))
            let report = report(session, inspection)
            return CommandResult(json: report, text: text(report, inspection))
        }
    }

    private var fields: [String] {
        var fields: [String] = []
        for name in Backends.names {
            let field = String(name.prefix { $0 != "/" })
            if !fields.contains(field) { fields.append(field) }
        }
        return fields
    }

    private func report(_ session: Session, _ inspection: Inspection) -> Report {
        var families: [String: Family] = [:]
        for node in inspection.nodes {
            let name = Inspection.family(node.name)
            var family = families[name] ?? Family(name: name)
            family.nodes += 1
            family.lookups += node.lookups
            family.committed += node.committed
            family.multiplyAdds += node.multiplyAdds
            family.estimatedSeconds +=
                CostEstimate(
                    weights: node.kind == "weight" ? node.shape.count : 0, multiplyAdds: node.multiplyAdds,
                    lookups: node.lookups, committed: node.committed
                ).seconds
            families[name] = family
        }
        let estimate = CostEstimate(inspection)
        return Report(
            model: session.name, field: field, tokenCount: tokenCount, weights: inspection.cost.weights,
            nodes: zip(inspection.nodes, inspection.operands).map { node, operands in
                NodeReport(
                    name: node.name, operation: node.kind, operands: operands, shape: node.shape.dimensions,
                    least: node.range.lowerBound, greatest: node.range.upperBound, lookups: node.lookups,
                    committed: node.committed, multiplyAdds: node.multiplyAdds)
            },
            addedNodes: inspection.addedNodes, multiplyAdds: inspection.cost.multiplyAdds,
            lookups: inspection.lookups, committed: inspection.committed, columns: inspection.columns,
            tables: inspection.tables,
            families: families.values.sorted {
                ($0.estimatedSeconds, $1.name) > ($1.estimatedSeconds, $0.name)
            },
            estimate: estimate, estimatedSeconds: estimate.seconds)
    }

    private func text(_ report: Report, _ inspection: Inspection) -> String {
        var table = Table([
            ("node", .left), ("operation", .left), ("shape", .left), ("range", .right), ("lookups", .right),
            ("committed", .right), ("multiply-adds", .right),
        ])
        for node in inspection.nodes {
            func figure(_ value: Int) -> String { value == 0 ? "" : Output.count(value) }
            table.add([
                node.name, node.kind, node.shape.description,
                "\(Output.count(Int(node.range.lowerBound)))...\(Output.count(Int(node.range.upperBound)))",
                figure(node.lookups), figure(node.committed), figure(node.multiplyAdds),
            ])
        }
        var text = table.text
        text += """

            \(report.model), \(report.tokenCount) tokens, over \(report.field): \(report.nodes.count) nodes \
            (\(report.addedNodes) more than over a larger field), \(Output.count(report.weights)) weights, \
            \(Output.count(report.multiplyAdds)) multiply-adds
            the proof looks up \(Output.count(report.lookups)) rows in \(report.tables) tables and commits to \
            \(Output.count(report.committed)) values in \(report.columns) columns


            """
        text += "what dominates (estimated prover seconds, one core, by the unit costs of CostEstimate)\n"
        var parts = Table([("part", .left), ("seconds", .right), ("share", .right)])
        for part in report.estimate.parts.sorted(by: { $0.seconds > $1.seconds }) {
            parts.add([
                part.name, Output.seconds(part.seconds), Output.percent(part.seconds, of: report.estimatedSeconds),
            ])
        }
        parts.add(["total", Output.seconds(report.estimatedSeconds), ""])
        text += parts.text + "\n"
        var groups = Table([
            ("nodes", .left), ("lookups", .right), ("committed", .right), ("multiply-adds", .right), ("share", .right),
        ])
        let whole = report.families.reduce(0) { $0 + $1.estimatedSeconds }
        for family in report.families.prefix(12) {
            groups.add([
                family.name, Output.count(family.lookups), Output.count(family.committed),
                Output.count(family.multiplyAdds), Output.percent(family.estimatedSeconds, of: whole),
            ])
        }
        return text + groups.text
    }
}
