import Assay
import Foundation

/// The two streams, and how figures look on them.
enum Output {
    static func write(_ text: String) throws { try FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) }

    static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("assay: \(text)\n".utf8))
    }

    static func json(_ value: any Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    static func seconds(_ value: Double) -> String { String(format: value < 0.01 ? "%.5f" : "%.3f", value) }
    static func seconds(_ value: Double?) -> String { value.map { seconds($0) } ?? "-" }

    /// Decimal units, as memory and proofs are quoted.
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                return String(format: unit == "B" ? "%.0f %@" : value < 10 ? "%.2f %@" : "%.1f %@", value, unit)
            }
            value /= 1000
        }
        return ""
    }
    static func bytes(_ count: Int?) -> String { count.map { bytes($0) } ?? "-" }

    /// 1234567 as 1,234,567.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (i, digit) in digits.enumerated() {
            if i > 0 && (digits.count - i).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + text
    }

    static func percent(_ part: Double, of whole: Double) -> String {
        whole > 0 ? String(format: "%.1f%%", 100 * part / whole) : "-"
    }
}

/// An aligned table for people: numbers to the right, words to the left.
struct Table {
    enum Alignment { case left, right }
    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: [(String, Alignment)]) { self.columns = columns.map { (title: $0.0, alignment: $0.1) } }

    mutating func add(_ row: [String]) {
        precondition(row.count == columns.count)
        rows.append(row)
    }

    var text: String {
        let widths = columns.indices.map { c in ([columns[c].title] + rows.map { $0[c] }).map(\.count).max()! }
        func line(_ cells: [String]) -> String {
            var parts: [String] = []
            for (c, cell) in cells.enumerated() {
                let space = String(repeating: " ", count: widths[c] - cell.count)
                parts.append(columns[c].alignment == .left ? cell + space : space + cell)
            }
            var text = parts.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }
        return line(columns.map(\.title)) + rows.map(line).joined()
    }
}

extension Table {
    /// Phases, and their sum; beside them what unit costs say.
    static func phases(_ phases: [Phase], bytes: Bool, estimate: CostEstimate? = nil) -> String {
        var table = Table(
            [("phase", .left), ("seconds", .right)] + (bytes ? [("bytes", .right)] : [])
                + (estimate == nil ? [] : [("estimated", .right)]))
        for phase in phases + [
            Phase(
                name: "total", seconds: phases.reduce(0) { $0 + $1.seconds }, bytes: phases.reduce(0) { $0 + $1.bytes })
        ] {
            let estimated = estimate.map { [$0.seconds(ofPhase: phase.name).map { Output.seconds($0) } ?? ""] } ?? []
            table.add(
                [phase.name, Output.seconds(phase.seconds)] + (bytes ? [Output.count(phase.bytes)] : []) + estimated)
        }
        return table.text
    }

    /// What is assumed besides the hash function, a line each; nothing where nothing is.
    static func assumptions(_ assumptions: [String]) -> String {
        assumptions.isEmpty ? "" : assumptions.map { "assumed      \($0)\n" }.joined() + "\n"
    }

    static func budget(_ lines: [BudgetLine], total: Int) -> String {
        var table = Table([("part", .left), ("bits", .right), ("by", .left)])
        for line in lines {
            table.add([
                line.name, line.bits.map { String(format: "%.1f", ($0 * 10).rounded(.down) / 10) } ?? "exact",
                line.theorem,
            ])
        }
        table.add(["total", String(total), "the sum of the errors"])
        return table.text
    }
}
