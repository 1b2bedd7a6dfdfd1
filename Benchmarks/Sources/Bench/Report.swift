import CSIMD
import Foundation

/// What is written as JSON.
struct Report: Codable {
    var machine: Machine
    /// The revision of the code, as whoever started the program says.
    var revision: String
    var passes: Int
    /// Bytes a second read by one thread from memory.
    var memoryBytesPerSecond: Double
    /// 512-bit instructions a second of one thread, by kind.
    var instructionsPerSecond: [String: Double]
    var kernels: [KernelResult] = []
    var commitments: [CommitmentResult] = []
    var proofs: [ProofResult] = []
}

struct KernelResult: Codable {
    var name: String
    var count: Double
    var unit: String
    /// The fastest run, one thread.
    var seconds: Double
    /// The fastest of each pass.
    var samples: [Double]
    var portableSeconds: Double?
    var twoThreadSeconds: Double?
    /// Bytes moved, as a part of what reading alone reaches.
    var memoryShare: Double?
    /// The instruction that bounds it, and the part of its peak.
    var instruction: String?
    var instructionShare: Double?
    var references: [Standing] = []
}

/// A target or a peer, and how far we are: 1 is there, more is better.
struct Standing: Codable {
    var reference: Reference
    var ratio: Double
}

/// A figure to stand beside a kernel: an entry of `targets.json` or of the file that `peers.py` writes.
struct Reference: Codable {
    /// A regular expression for the whole of a kernel's name.
    var kernel: String
    var name: String
    var value: Double
    /// `G/s`, `M/s` or `GB/s` (counts of the kernel's unit, at least), `ns` (for one of them, at most), `ms` (a run, at most),
    /// `peak` (part of the instruction's peak, at least), `memory` (part of the read bandwidth, at least).
    var unit: String
    /// 1 unless told.
    var threads: Int?
    /// Where the figure comes from.
    var source: String

    var text: String {
        let two = threads == 2 ? ", 2 threads" : ""
        return switch unit {
        case "peak": "\(name): \(Int(100 * value))% of peak\(two)"
        case "memory": "\(name): \(Int(100 * value))% of reading\(two)"
        default: "\(name): \(significant(value)) \(unit)\(two)"
        }
    }

    /// How many times as good as this the result is; nil where it says nothing of it.
    func ratio(_ result: KernelResult) -> Double? {
        guard let seconds = threads == 2 ? result.twoThreadSeconds : result.seconds else { return nil }
        let rate = result.count / seconds
        return switch unit {
        case "G/s", "GB/s": rate / (value * 1e9)
        case "M/s": rate / (value * 1e6)
        case "ns": value * 1e-9 * rate
        case "ms": value * 1e-3 / seconds
        case "peak": result.instructionShare.map { $0 / value }
        case "memory": result.memoryShare.map { $0 / value }
        default: nil
        }
    }

    static let units = ["G/s", "GB/s", "M/s", "ns", "ms", "peak", "memory"]
}

/// The machine that figures were measured on.
struct Machine: Codable {
    var cpu: String
    var family: String
    var cores: Int
    /// Kernels in use, and the best that the processor has.
    var level: String
    var supportedLevel: String
    var os: String
    var date: String
    /// Processes that wanted to run at the start, a minute's average.
    var load: Double?

    static var current: Machine {
        let info = lines(of: "/proc/cpuinfo")
        func value(_ name: String) -> String? {
            info.first { $0.hasPrefix(name) }.flatMap { $0.split(separator: ":", maxSplits: 1).last }?
                .trimmingCharacters(in: .whitespaces)
        }
        let family = [value("cpu family"), value("model\t"), value("stepping")].map { $0 ?? "?" }
        return Machine(
            cpu: value("model name") ?? "unknown", family: family.joined(separator: "."),
            cores: ProcessInfo.processInfo.activeProcessorCount, level: name(csimd_current_level()),
            supportedLevel: name(csimd_supported_level()),
            os: ProcessInfo.processInfo.operatingSystemVersionString + ", "
                + (lines(of: "/proc/sys/kernel/osrelease").first ?? ""),
            date: ISO8601DateFormatter().string(from: Date()),
            load: lines(of: "/proc/loadavg").first?.split(separator: " ").first.flatMap { Double($0) })
    }

    /// A name for files.
    var slug: String {
        let text = "\(cpu) \(family) \(cores) cores \(supportedLevel)".lowercased()
        return text.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }.joined(separator: "-")
    }

    private static func name(_ level: csimd_level) -> String {
        switch level {
        case CSIMD_LEVEL_AVX512: "avx512"
        case CSIMD_LEVEL_AVX2: "avx2"
        default: "portable"
        }
    }

    private static func lines(of path: String) -> [String] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }
}

/// Three significant digits.
func significant(_ x: Double) -> String {
    guard x.isFinite, x > 0 else { return x == 0 ? "0" : "-" }
    let digits = max(0, 2 - Int(floor(log10(x) + 1e-9)))
    return String(format: "%.\(digits)f", x)
}

/// Rows of text in columns as wide as they need.
struct Table {
    private var rows: [[String]]
    private let rightAligned: Set<Int>

    init(_ head: [String], rightAligned: Set<Int>) {
        rows = [head]
        self.rightAligned = rightAligned
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = rows[0].indices.map { c in rows.map { $0[c].count }.max()! }
        func line(_ row: [String]) -> String {
            let cells = row.enumerated().map { c, cell in
                let space = String(repeating: " ", count: widths[c] - cell.count)
                return rightAligned.contains(c) ? space + cell : cell + space
            }
            return "| " + cells.joined(separator: " | ") + " |\n"
        }
        let rule = widths.enumerated().map { c, w in
            String(repeating: "-", count: w + (rightAligned.contains(c) ? 1 : 2))
                + (rightAligned.contains(c) ? ":" : "")
        }
        return line(rows[0]) + "|" + rule.joined(separator: "|") + "|\n" + rows.dropFirst().map(line).joined()
    }
}

extension Report {
    /// A row for each kernel, and one more for each further target or peer.
    var kernelTable: String {
        var table = Table(
            ["kernel", "ours", "a run", "portable", "2 threads", "% read", "% peak", "target or peer", "ratio"],
            rightAligned: [1, 2, 3, 4, 5, 6, 8])
        func percent(_ share: Double?) -> String { share.map { String(format: "%.0f", 100 * $0) } ?? "" }
        func times(_ seconds: Double?, _ base: Double) -> String { seconds.map { significant($0 / base) + " x" } ?? "" }
        for k in kernels {
            let perUnit = k.seconds / k.count * 1e9
            let ours = k.unit == "byte" ? significant(1 / perUnit) + " GB/s" : significant(perUnit) + " ns/" + k.unit
            var cells = [
                k.name, ours, k.seconds >= 1e-3 ? significant(k.seconds * 1e3) + " ms" : "",
                times(k.portableSeconds, k.seconds), k.twoThreadSeconds.map { significant($0 * 1e3) + " ms" } ?? "",
                percent(k.memoryShare), percent(k.instructionShare),
            ]
            for standing in k.references {
                table.add(cells + [standing.reference.text, String(format: "%.2f", standing.ratio)])
                cells = [String](repeating: "", count: cells.count)
            }
            if k.references.isEmpty { table.add(cells + ["", ""]) }
        }
        return table.text
    }

    var proofTable: String {
        var table = Table(
            ["network", "backend", "phase", "1 thread ms", "all threads ms", "speed-up", "floor ms", "of floor"],
            rightAligned: [3, 4, 5, 6, 7])
        func milliseconds(_ seconds: Double?) -> String { seconds.map { significant($0 * 1e3) } ?? "" }
        func ratio(_ a: Double?, _ b: Double?) -> String {
            a.flatMap { a in b.map { String(format: "%.2f", a / $0) } } ?? ""
        }
        for proof in proofs {
            for (i, phase) in proof.phases.enumerated() {
                table.add([
                    i == 0 ? proof.network : "", i == 0 ? proof.backend : "", phase.name, milliseconds(phase.seconds),
                    milliseconds(phase.allThreadSeconds), ratio(phase.seconds, phase.allThreadSeconds),
                    milliseconds(phase.floorSeconds), ratio(phase.floorSeconds, phase.seconds),
                ])
            }
            if let bytes = proof.peakMemoryBytes {
                table.add(["", "", "peak memory", "", "\(bytes / 1_000_000) MB", "", "", ""])
            }
            if let quartiles = proof.machineSpeedup, quartiles[1] > 0 {
                let text = quartiles.map { String(format: "%.2f", $0) }.joined(separator: " ")
                table.add(["", "", "multiplications alone", "", "quartiles", text, "", ""])
            }
        }
        return table.text
    }
}
