import Blocks
import CSIMD
import Commitments
import Foundation
import Graphs
import Tensors
import Transcripts

/// The machine that figures were measured on.
public struct Machine: Codable, Hashable, Sendable {
    public var cpu: String
    /// Processors that this process may use, and threads in use.
    public var cores: Int
    public var threads: Int
    public var memoryBytes: Int
    public var os: String
    /// The compiler's version, and whether it optimised.
    public var swift: String
    public var build: String
    /// The kernels in use: `portable`, `avx2` or `avx512`.
    public var csimdLevel: String
    /// When it was asked, in UTC, and how many processes wanted to run at that time (a minute's average): figures of a busy machine
    /// say little.
    public var date: String
    public var loadAverage: Double?

    /// This machine, now.
    public static var current: Machine {
        Machine(
            cpu: value(of: "model name", in: "/proc/cpuinfo") ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount, threads: Parallel.threadCount,
            memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
            os: ProcessInfo.processInfo.operatingSystemVersionString + kernel, swift: compiler, build: build,
            csimdLevel: level, date: ISO8601DateFormatter().string(from: Date()), loadAverage: load)
    }

    /// Whether figures of both may stand in one table.
    public func isComparable(to other: Machine) -> Bool {
        cpu == other.cpu && cores == other.cores && threads == other.threads && csimdLevel == other.csimdLevel
            && build == other.build
    }

    public var summary: String { "\(cpu), \(cores) cores, \(threads) threads, \(csimdLevel), \(build) build" }

    /// The most memory that this process has held so far.
    public static var peakMemoryBytes: Int? {
        // Not `getrusage`: its figure includes the process that this one was forked from.
        guard let line = value(of: "VmHWM", in: "/proc/self/status"), let number = line.split(separator: " ").first
        else {
            return nil
        }
        return Int(number).map { $0 * 1024 }
    }

    /// The value of the first line `name: value` of a small file.
    private static func value(of name: String, in path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }

    private static var kernel: String {
        guard let text = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8) else { return "" }
        return ", kernel " + text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static var load: Double? {
        guard let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8) else { return nil }
        return text.split(separator: " ").first.flatMap { Double($0) }
    }

    private static var level: String {
        switch csimd_current_level() {
        case CSIMD_LEVEL_AVX512: "avx512"
        case CSIMD_LEVEL_AVX2: "avx2"
        default: "portable"
        }
    }

    private static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    private static var compiler: String {
        #if compiler(>=6.5)
            "6.5 or later"
        #elseif compiler(>=6.4)
            "6.4"
        #elseif compiler(>=6.3)
            "6.3"
        #elseif compiler(>=6.2)
            "6.2"
        #else
            "6.1"
        #endif
    }
}

/// What a comparison was run on.
public struct AblationModel: Codable, Sendable {
    public var name: String
    public var shape: DecoderShape
    /// Entries of all weights of the integer model; its digest (plan and weights).
    public var weights: Int?
    public var digest: String?
    public var quantiseSeconds: Double?
    public var input: [Int]
    /// What M31 should take on one core, by unit costs; see `CostEstimate`.
    public var estimatedProveSeconds: Double?

    public init(name: String, shape: DecoderShape, input: [Int]) {
        self.name = name
        self.shape = shape
        self.input = input
    }
}

/// One backend's figures. Where the cell failed, `error` says why and figures that were not reached are absent.
public struct AblationRow: Codable, Sendable {
    public var backend: String
    /// The parts of the backend's name. Parameters are those that were fixed; the commitment chose the others.
    public var field: String
    public var code: String
    public var hash: String
    public var parameters: [String: String]
    /// The level asked for.
    public var requestedBits: Int
    public var setupSeconds: Double?
    public var proveSeconds: Double?
    /// With the key's own range proof, which every verification checks.
    public var verifySeconds: Double?
    /// Of the prover.
    public var phases: [Phase]?
    public var proofBytes: Int?
    /// What the prover keeps for the model. (The verifier's key is `assay setup`'s to report.)
    public var keyBytes: Int?
    /// Of the whole process that read, quantised, set up, proved and verified.
    public var peakMemoryBytes: Int?
    /// What was proved, by the verifier's account; at least the level asked for.
    public var securityBits: Int?
    /// What these bits rest on besides the hash function.
    public var assumptions: [String]?
    /// Each part of the bits, with the theorem behind it.
    public var budget: [BudgetLine]?
    /// Of the output and of every node's value; the same for all backends, or one of them is wrong.
    public var outputDigest: String?
    /// How often it was proved and verified, where that was more than once. The times are those of the fastest.
    public var runs: Int?
    /// From the start of the cell's process to its end.
    public var cellSeconds: Double?
    public var error: String?

    /// - Parameter backend: as `Backend.name` has it.
    public init(backend: String, requestedBits: Int, error: String? = nil) {
        self.backend = backend
        self.requestedBits = requestedBits
        self.error = error
        let sides = backend.split(separator: ":", maxSplits: 1)
        let names = sides.first?.split(separator: "/").map(String.init) ?? []
        field = names.first ?? ""
        code = names.count > 1 ? names[1] : ""
        hash = names.count > 2 ? names[2] : HashFunction.blake3.rawValue
        let options = sides.count > 1 ? CommitmentOptions(sides[1]) : nil
        parameters = [:]
        for key in options?.keys ?? [] { parameters[key.rawValue] = options?[key] }
    }

    public var cell: AblationGrid.Cell { .init(backend: backend, securityBits: requestedBits) }
    /// The parameters that are fixed in some of the rows, in the order of names; the rate always, because codes are
    /// compared by it.
    public static func parameterNames(_ rows: [AblationRow]) -> [String] {
        CommitmentOptions.Key.allCases.map(\.rawValue).filter { key in
            key == CommitmentOptions.Key.rate.rawValue || rows.contains { $0.parameters[key] != nil }
        }
    }
}

/// What figures rest on besides the machine and the input. Rows of different origins do not belong into one table.
public struct AblationOrigin: Codable, Hashable, Sendable {
    /// A digest of the program.
    public var program: String
    /// A digest of the model's files.
    public var model: String
    /// A digest of what keys hold of the reference string; absent where none is needed.
    public var referenceString: String?

    /// - Throws: where the model's files cannot be read, or the file of powers of tau.
    public init(folder: String, cells: [AblationGrid.Cell]) throws {
        program = try Self.digest(["/proc/self/exe"])
        model = try Self.digest(["config.json", "model.safetensors", "calibration.bin"].map { "\(folder)/\($0)" })
        if cells.contains(where: { $0.backend.hasPrefix("bn254/kzg") }) {
            referenceString = HashFunction.blake3.hash(try KZGScheme.makePublicParameters()).description
        }
    }

    private static func digest(_ files: [String]) throws -> String {
        let digests = try files.map { path in
            // Which of the files there are is the reader's to judge.
            let there = FileManager.default.fileExists(atPath: path)
            let bytes = there ? try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped) : Data()
            return bytes.withUnsafeBytes { HashFunction.blake3.hash($0) }
        }
        return HashFunction.blake3.hash(digests.digestBytes).description
    }
}

/// `results.json`.
public struct AblationResults: Codable, Sendable {
    public var machine: Machine
    public var model: AblationModel
    public var rows: [AblationRow]
    /// Present where later runs may add rows.
    public var origin: AblationOrigin?

    public init(machine: Machine, model: AblationModel, origin: AblationOrigin? = nil, rows: [AblationRow] = []) {
        self.machine = machine
        self.model = model
        self.origin = origin
        self.rows = rows
    }

    /// What an earlier run left in a folder, to be continued by this one; nil where there is nothing.
    ///
    /// - Throws: `AssayError` where the rows cannot stand beside those that this run will make.
    public func earlier(in folder: String) throws -> AblationResults? {
        let path = folder + "/results.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        func refuse(_ why: String) -> AssayError {
            AssayError(.badData, "\(path) \(why); choose another --out, or --fresh to measure everything anew")
        }
        let bytes = try Files.readRegular(path, limit: 1 << 28)
        guard let found = try? JSONDecoder().decode(AblationResults.self, from: Data(bytes)) else {
            throw refuse("is damaged or no ablation of this version")
        }
        guard let origin = found.origin else { throw refuse("was not made with --grid and cannot be continued") }
        guard let own = self.origin, origin.model == own.model else { throw refuse("is about another model") }
        guard found.model.input == model.input else { throw refuse("is about another input") }
        guard found.machine.isComparable(to: machine) else {
            throw refuse(
                "was measured on another machine or with other threads (\(found.machine.summary); now \(machine.summary))"
            )
        }
        guard origin.program == own.program else { throw refuse("was made by another build of this program") }
        if let used = origin.referenceString, let now = own.referenceString, used != now {
            throw refuse("was made with another reference string")
        }
        return found
    }

    /// All rows that have an output have the same one.
    public var outputsAgree: Bool { Set(rows.compactMap(\.outputDigest)).count <= 1 }
    public var succeeded: Bool { !rows.isEmpty && outputsAgree && rows.allSatisfy { $0.error == nil } }

    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self)) + Array("\n".utf8)
    }

    /// A line a cell; a column for each parameter that is fixed somewhere, and for each phase of the prover.
    public var csv: String {
        var phases: [String] = []
        for phase in rows.flatMap({ $0.phases ?? [] }) where !phases.contains(phase.name) { phases.append(phase.name) }
        func quoted(_ text: String) -> String {
            text.contains(where: { ",\"\n\r".contains($0) })
                ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
        }
        func field(_ value: (some LosslessStringConvertible)?) -> String { value.map { quoted(String($0)) } ?? "" }
        let parameters = AblationRow.parameterNames(rows)
        var lines = [
            ["backend", "field", "code", "hash"] + parameters
                + ["requestedBits", "setupSeconds", "proveSeconds", "verifySeconds"] + phases.map { "\($0) (s)" }
                + ["proofBytes", "keyBytes", "peakMemoryBytes", "securityBits", "outputDigest", "error"]
        ]
        for row in rows {
            lines.append(
                [quoted(row.backend), row.field, row.code, row.hash] + parameters.map { row.parameters[$0] ?? "" }
                    + [
                        field(row.requestedBits), field(row.setupSeconds), field(row.proveSeconds),
                        field(row.verifySeconds),
                    ]
                    + phases.map { name in field(row.phases?.first { $0.name == name }?.seconds) }
                    + [
                        field(row.proofBytes), field(row.keyBytes), field(row.peakMemoryBytes),
                        field(row.securityBits), field(row.outputDigest), field(row.error),
                    ])
        }
        return lines.map { $0.joined(separator: ",") + "\n" }.joined()
    }

    /// Writes `results.json` and `results.csv`, whole or not at all.
    public func write(to folder: String) throws {
        try Files.writeTogether([
            (folder + "/results.json", try json()), (folder + "/results.csv", Array(csv.utf8)),
        ])
    }
}

/// One cell of the comparison: a model, an input and a backend, from the model's folder to a verified proof. It runs in a process
/// of its own, so that its peak memory is its own and a crash is a failed row.
public enum AblationCell {
    public struct Request: Codable, Sendable {
        public var model: String
        public var backend: String
        public var tokens: [Int]
        public var securityBits: Int
        public var threads: Int?
        /// How often to prove and verify; once unless told.
        public var runs: Int?
        /// What progress is reported under; the backend's name unless told.
        public var label: String?

        public init(
            model: String, backend: String, tokens: [Int], securityBits: Int, threads: Int?, runs: Int? = nil,
            label: String? = nil
        ) {
            self.runs = runs
            self.label = label
            self.model = model
            self.backend = backend
            self.tokens = tokens
            self.securityBits = securityBits
            self.threads = threads
        }
    }

    public struct Report: Codable, Sendable {
        public var row: AblationRow
        public var weights: Int?
        public var digest: String?
        public var quantiseSeconds: Double?
        public var estimatedProveSeconds: Double?

        public init(row: AblationRow) { self.row = row }
    }

    /// Never throws: what goes wrong is in the row.
    public static func run(_ request: Request, progress: ProgressReport) -> Report {
        var report = Report(row: AblationRow(backend: request.backend, requestedBits: request.securityBits))
        do {
            try fill(&report, request, progress)
        } catch {
            report.row.error = Failure(error).message
        }
        report.row.peakMemoryBytes = Machine.peakMemoryBytes
        return report
    }

    private static func fill(_ report: inout Report, _ request: Request, _ progress: ProgressReport) throws {
        let backend = try Backends.named(request.backend)
        let session = try Session(folder: request.model, progress: progress)
        report.weights = session.weightCount
        report.digest = try session.digest()
        report.quantiseSeconds = session.quantiseSeconds

        let key = try Measured {
            try backend.setup(session.quantised, securityBits: request.securityBits, progress: progress)
        }
        report.row.setupSeconds = key.seconds
        report.row.keyBytes = key.value.byteCount
        // The verifier gets what it would get from files.
        let verifyingKey = try VerifyingKey(encoded: key.value.verifyingKey.encoded)

        let runs = max(1, request.runs ?? 1)
        if runs > 1 { report.row.runs = runs }
        let result = try Measured.fastest(of: runs) {
            try backend.prove(key.value, tokens: request.tokens, progress: progress)
        }
        report.row.proveSeconds = result.seconds
        report.row.phases = result.value.phases
        report.row.proofBytes = result.value.proof.count

        progress("verify")
        let statement = try Statement(json: try result.value.statement.canonicalJSON())
        let verdict = try Measured.fastest(of: runs) {
            try backend.verify(result.value.proof, statement: statement, key: verifyingKey)
        }
        report.row.verifySeconds = verdict.seconds
        report.row.securityBits = verdict.value.provedBits
        report.row.budget = verdict.value.budgetLines
        if !verdict.value.assumptions.isEmpty { report.row.assumptions = verdict.value.assumptions }
        guard verdict.value.statement.input == request.tokens else {
            throw AssayError(.badData, "the proof is about another input")
        }

        progress("digest of the outputs")
        report.row.outputDigest = try outputDigest(
            session.quantised, tokens: request.tokens, output: verdict.value.statement.output, backend: backend)
        report.estimatedProveSeconds =
            CostEstimate(
                try Inspection(session.quantised.plan, tokenCount: request.tokens.count, backend: backend)
            ).seconds
    }

    /// A digest of the proved output and of the values of all nodes, in the graph as the backend's field needs it. Accumulators
    /// that a small field splits into limbs are left out everywhere; what is computed from them is in.
    static func outputDigest(
        _ model: QuantisedModel, tokens: [Int], output: Int, backend: any Backend
    ) throws -> String {
        let graph = try model.plan.graph(tokenCount: tokens.count)
        let proved = try backend.layout(graph).graph
        let execution = try Interpreter(graph: proved, weights: model.weights).run(tokens: tokens)
        guard execution.output == output else {
            throw AssayError(.badData, "the proof says token \(output), the model \(execution.output)")
        }
        var logits: NodeID?
        if case .argmax(let x) = graph.nodes[graph.output].operation { logits = x }
        let place = Dictionary(proved.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var digests = [HashFunction.blake3.hash(Array("\(tokens) \(output)".utf8))]
        for (id, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .tokens, .weight, .constant, .causalMask: continue
            case .contract, .combine: if id != logits { continue }
            default: break
            }
            guard let found = place[node.name] else {
                throw GraphError(node: node.name, "the graph as \(backend.name) proves it lacks the node")
            }
            digests.append(HashFunction.blake3.hash(Array(node.name.utf8)))
            digests.append(execution.values[found].digest())
        }
        return HashFunction.blake3.hash(digests.digestBytes).description
    }
}
