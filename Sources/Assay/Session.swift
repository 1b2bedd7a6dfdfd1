import Blocks
import Commitments
import Foundation
import Graphs
import ModelFiles
import Tensors
import Transcripts

/// A model folder, read and quantised: what `setup` takes, and what a front shows about it.
public struct Session: Sendable {
    /// The folder's own name.
    public let name: String
    public let model: DecoderModel
    public let quantised: QuantisedModel
    public let readSeconds: Double
    public let quantiseSeconds: Double

    /// Windows of calibration text that the quantiser sees, at most; more are thinned out evenly.
    static let calibrationWindows = 128
    static let calibrationWindowSize = 256

    /// Reads the folder and quantises the model on its calibration text.
    public init(folder: String, progress: ProgressReport = { _ in }) throws {
        progress("read the model")
        try self.init(
            name: Session.name(of: folder), model: Measured { try ModelFolder.read(folder) }, progress: progress)
    }

    /// Quantises a model that has been read.
    public init(name: String, model: Measured<DecoderModel>, progress: ProgressReport = { _ in }) throws {
        progress("quantise")
        let quantised = try Measured { try Session.quantise(model.value) }
        self.name = name
        self.model = model.value
        self.quantised = quantised.value
        readSeconds = model.seconds
        quantiseSeconds = quantised.seconds
    }

    /// The last component of a folder's path.
    public static func name(of folder: String) -> String {
        URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
    }

    /// The quantised form of a model, from the calibration text that came with it.
    static func quantise(_ model: DecoderModel) throws -> QuantisedModel {
        guard let text = model.calibration else {
            throw AssayError(
                .badData,
                "the model has no calibration text; put a calibration.bin (sample text, a byte a token) beside it")
        }
        var windows = DecoderModel.windows(text, size: min(model.shape.positions, calibrationWindowSize))
        if windows.count > calibrationWindows {
            let all = windows
            windows = (0..<calibrationWindows).map { all[$0 * all.count / calibrationWindows] }
        }
        return try PowerOfTwoQuantizer().quantise(model, calibration: windows)
    }

    /// Refuses a key that was made from another model than this one.
    public func check(_ key: ProvingKey) throws {
        let other = { (what: String) in
            AssayError(
                .badData,
                "the keys were made for another model than '\(name)': \(what) differs; run `assay setup` on this model")
        }
        guard key.verifyingKey.program == .decoder(quantised.plan) else { throw other("the quantised plan") }
        for (weight, tensor) in quantised.weights {
            guard let kept = key.weights[weight], kept.shape == tensor.shape, kept.hasSameEntries(as: tensor) else {
                throw other("weight '\(weight)'")
            }
        }
    }

    /// A digest of the integer model, plan and weights, the same under every backend.
    public func digest() throws -> String {
        var parts = [HashFunction.blake3.hash(try Program.decoder(quantised.plan).canonicalJSON())]
        for name in quantised.weights.keys.sorted() {
            parts.append(HashFunction.blake3.hash(Array(name.utf8)))
            parts.append(quantised.weights[name]!.digest())
        }
        return HashFunction.blake3.hash(parts.digestBytes).description
    }

    /// Entries of all weights of the integer model.
    public var weightCount: Int { quantised.weights.values.reduce(0) { $0 + $1.shape.count } }

    /// One token of the integer model: the most likely next one.
    public func next(after tokens: [Int]) throws -> Int {
        let graph = try quantised.plan.graph(tokenCount: tokens.count)
        return try Interpreter(graph: graph, weights: quantised.weights).run(tokens: tokens).output
    }

    /// One token of the float model.
    public func floatNext(after tokens: [Int]) throws -> Int {
        let logits = try model.logits(tokens).last!
        return logits.indices.max { logits[$0] < logits[$1] }!
    }
}

/// A value and the wall-clock time that it took.
public struct Measured<Value> {
    public let value: Value
    public let seconds: Double

    public init(_ body: () throws -> Value) rethrows {
        let start = DispatchTime.now().uptimeNanoseconds
        value = try body()
        seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    /// The fastest of some runs, of one at least.
    public static func fastest(of runs: Int, _ body: () throws -> Value) rethrows -> Measured {
        var best = try Measured(body)
        for _ in 1..<max(1, runs) {
            let next = try Measured(body)
            if next.seconds < best.seconds { best = next }
        }
        return best
    }
}

extension Measured: Sendable where Value: Sendable {}

extension IntegerTensor {
    func hasSameEntries(as other: IntegerTensor) -> Bool {
        guard shape.count == other.shape.count else { return false }
        if storage.byteWidth == other.storage.byteWidth {
            return storage.withBytes { own in other.storage.withBytes { own.elementsEqual($0) } }
        }
        return (0..<shape.count).allSatisfy { self[$0] == other[$0] }
    }

    /// A digest of the entries as they are stored, which is as narrowly as the declared range allows.
    func digest() -> Digest { storage.withBytes { HashFunction.blake3.hash($0) } }
}

extension IntegerBuffer {
    /// The entries as they lie in memory.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        switch self {
        case .int8(let buffer): body(UnsafeRawBufferPointer(buffer.elements))
        case .int16(let buffer): body(UnsafeRawBufferPointer(buffer.elements))
        case .int32(let buffer): body(UnsafeRawBufferPointer(buffer.elements))
        case .int64(let buffer): body(UnsafeRawBufferPointer(buffer.elements))
        }
    }
}

// MARK: Prompts

/// Where tokens come from.
public enum Prompt {
    /// Used where a model brings no text of its own; 64 bytes.
    static let standardText = "And the evening and the morning were the first day. And God said"
    /// Tokens of a prompt that nobody chose.
    public static let standardCount = 64
    /// A token file may have this many bytes.
    static let fileLimit = 1 << 24

    /// The bytes of a text, for models whose 256 tokens are the bytes.
    public static func tokens(text: String, model: DecoderShape) throws -> [Int] {
        guard model.vocabulary == 256 else {
            throw AssayError(
                .badData,
                "the model has \(model.vocabulary) tokens, and this program knows no tokeniser but bytes; give --tokens FILE"
            )
        }
        return try check(text.utf8.map(Int.init), model: model)
    }

    /// Token ids from a text file, separated by spaces, line ends or commas, or as a JSON array.
    public static func tokens(file path: String, model: DecoderShape) throws -> [Int] {
        let bytes = try Files.readRegular(path, limit: fileLimit)
        var tokens: [Int] = []
        if path.hasSuffix(".json") {
            guard let list = try? JSONDecoder().decode([Int].self, from: Data(bytes)) else {
                throw AssayError(.badData, "\(path): not a JSON array of integers")
            }
            tokens = list
        } else {
            let space = Set(" \t\r\n,".utf8)
            for word in bytes.split(whereSeparator: { space.contains($0) }) {
                guard let token = Int(String(decoding: word, as: UTF8.self)) else {
                    throw AssayError(.badData, "\(path): \(TokenText.quoted(word.prefix(40))) is not a token id")
                }
                tokens.append(token)
            }
        }
        return try check(tokens, model: model)
    }

    /// The first tokens of the `validation.bin` in a model's folder, or a fixed text; `room` positions are left for more.
    public static func standard(folder: String, model: DecoderShape, room: Int = 0) throws -> [Int] {
        let count = max(1, min(standardCount, model.positions - room))
        let path = folder + "/validation.bin"
        if FileManager.default.fileExists(atPath: path) {
            let bytes = try Files.readRegular(path, limit: 1 << 26)
            if !bytes.isEmpty { return try check(bytes.prefix(count).map(Int.init), model: model) }
        }
        return try check(standardText.utf8.prefix(count).map(Int.init), model: model)
    }

    /// The tokens themselves, where the model can take them.
    public static func check(_ tokens: [Int], model: DecoderShape) throws -> [Int] {
        guard !tokens.isEmpty else { throw AssayError(.badData, "the prompt is empty; give at least one token") }
        guard tokens.count <= model.positions else {
            throw AssayError(
                .badData, "the prompt has \(tokens.count) tokens; the model takes at most \(model.positions)")
        }
        if let index = tokens.firstIndex(where: { !(0..<model.vocabulary).contains($0) }) {
            throw AssayError(
                .badData, "token \(tokens[index]) at position \(index) is not in 0..<\(model.vocabulary)")
        }
        return tokens
    }
}

/// Tokens as text that is safe to print.
public enum TokenText {
    /// Bytes in quotes: printable ASCII as it is, everything else escaped.
    public static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\r"): text += "\\r"
            case UInt8(ascii: "\t"): text += "\\t"
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7f: text += String(UnicodeScalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\""
    }

    /// Tokens as quoted text where tokens are bytes, else as a list of ids.
    public static func describe(_ tokens: [Int], vocabulary: Int) -> String {
        if vocabulary == 256, tokens.allSatisfy({ (0..<256).contains($0) }) { return quoted(tokens.map { UInt8($0) }) }
        return "[" + tokens.map(String.init).joined(separator: ", ") + "]"
    }
}

// MARK: Files

/// `read` of the system, whose name `Files` uses itself.
private let input = read(_:_:_:)

extension Files {
    /// The bytes of a regular file of at most `limit` bytes. Never waits on a pipe, never reads without end.
    public static func readRegular(_ path: String, limit: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw AssayError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw AssayError(.inputOutput, "\(path): not a regular file")
        }
        guard status.st_size <= limit else {
            throw AssayError(.badData, "\(path): \(status.st_size) bytes, more than the \(limit) that are read")
        }
        let size = Int(status.st_size)
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = input(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw AssayError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
                if got == 0 { break }
                count += got
            }
        }
    }

    /// Writes several files that belong together: all under temporary names first, then renamed. Where one cannot be written,
    /// no file of the group changes.
    public static func writeTogether(_ files: [(path: String, bytes: [UInt8])]) throws {
        let temporary = { (path: String) in "\(path).\(getpid()).new" }
        var written: [String] = []
        defer { for path in written { unlink(path) } }
        for file in files {
            try write(file.bytes, to: temporary(file.path))
            written.append(temporary(file.path))
        }
        for file in files {
            guard rename(temporary(file.path), file.path) == 0 else {
                throw AssayError(.inputOutput, "\(file.path): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Runs `body` with a folder to write into; a folder that was made for it goes again where `body` throws.
    public static func withFolder<R>(_ path: String, _ body: () throws -> R) throws -> R {
        let existed = FileManager.default.fileExists(atPath: path)
        try makeFolder(path)
        guard access(path, W_OK | X_OK) == 0 else {
            throw AssayError(
                .inputOutput, "\(path): the folder cannot be written to (\(String(cString: strerror(errno))))")
        }
        do {
            return try body()
        } catch {
            if !existed { try? FileManager.default.removeItem(atPath: path) }
            throw error
        }
    }
}

/// A proof folder: `proof.bin` and `statement.json`.
public enum ProofFolder {
    /// Larger proofs are rejected unread.
    static let proofLimit = 1 << 30
    static let statementLimit = 1 << 24

    public static func write(_ result: ProofResult, to folder: String) throws {
        try Files.writeTogether([
            (folder + "/proof.bin", result.proof),
            (folder + "/statement.json", [UInt8](try result.statement.canonicalJSON())),
        ])
    }

    /// The proof and what it is said to prove. Both are hostile until `Backend.verify` has accepted them.
    public static func read(_ folder: String) throws -> (proof: [UInt8], statement: Statement) {
        let statement = try bounded(folder + "/statement.json", statementLimit, check: "statement")
        let proof = try bounded(folder + "/proof.bin", proofLimit, check: "proof size")
        return (proof, try Statement(json: Data(statement)))
    }

    private static func bounded(_ path: String, _ limit: Int, check: String) throws -> [UInt8] {
        do {
            return try Files.readRegular(path, limit: limit)
        } catch let error as AssayError where error.kind == .badData {
            throw VerificationError(check: check, detail: error.description)
        }
    }

    /// Verifies the folder's proof with a key file.
    public static func verify(_ folder: String, keyFile: String) throws -> (
        report: VerificationReport, key: VerifyingKey, proofBytes: Int
    ) {
        let key = try VerifyingKey(encoded: try Files.readRegular(keyFile, limit: 1 << 34))
        let backend: any Backend
        do {
            backend = try Backends.named(key.backend)
        } catch let error as AssayError {
            throw AssayError(.badData, "\(keyFile): \(error.description)")
        }
        let (proof, statement) = try read(folder)
        return (try backend.verify(proof, statement: statement, key: key), key, proof.count)
    }
}

extension ProvingKey {
    /// Bytes of `proving.key/weights.bin`: the integer weights, what the commitment's prover keeps, and their lengths.
    public var byteCount: Int {
        weights.values.reduce(8 + 40 + 8 + commitmentState.count + 8) {
            $0 + 8 + $1.shape.count * IntegerBuffer.byteWidth($1.range)
        }
    }
}

// MARK: What a front shows

/// A part of the soundness budget.
public struct BudgetLine: Codable, Hashable, Sendable {
    public let name: String
    /// Minus the binary logarithm of the error; absent where nothing can go wrong.
    public let bits: Double?
    public let theorem: String
}

extension SoundnessBudget {
    var lines: [BudgetLine] {
        components.map { .init(name: $0.name, bits: $0.bits.isFinite ? $0.bits : nil, theorem: $0.theorem) }
    }
}

extension ProofResult {
    /// Bits that the proof reaches; at least the level asked for.
    public var provedBits: Int { budget.wholeBits }
    public var budgetLines: [BudgetLine] { budget.lines }
    /// What the bits rest on besides the hash function.
    public var assumptions: [String] { budget.assumptions.map(\.text) }
}

extension VerificationReport {
    /// Bits that the proof reaches with the key's own proof; at least the level asked for.
    public var provedBits: Int { budget.wholeBits }
    public var budgetLines: [BudgetLine] { budget.lines }
    /// What the bits rest on besides the hash function.
    public var assumptions: [String] { budget.assumptions.map(\.text) }
    /// Whether the key rests on something known to be false, such as the secrecy of the development string: then acceptance
    /// shows nothing.
    public var isInsecure: Bool { budget.isInsecure }
}

extension VerifyingKey {
    /// What statements call the model.
    public var digestText: String { digest.description }
}

/// The integer graph of a model as one backend proves it.
public struct Inspection: Sendable {
    /// Node by node, in order.
    public let nodes: [NodeSummary]
    public let operands: [[String]]
    public let cost: GraphCost
    /// What the layout of the proof looks up and commits to, multiplicities of tables included.
    public let lookups: Int
    public let committed: Int
    public let columns: Int
    public let tables: Int
    /// Nodes that the field's size made necessary.
    public let addedNodes: Int

    public init(_ plan: ModelPlan, tokenCount: Int, backend: any Backend) throws {
        try self.init(.decoder(plan), tokenCount: tokenCount, backend: backend)
    }

    public init(_ program: Program, tokenCount: Int, backend: any Backend) throws {
        let graph = try program.graph(tokenCount: tokenCount)
        let layout = try backend.layout(graph)
        nodes = describe(layout.graph)
        operands = layout.graph.nodes.map { $0.operands.map { layout.graph.nodes[$0].name } }
        cost = GraphCost(nodes)
        lookups = layout.lookups.reduce(0) { $0 + $1.shape.count }
        committed = layout.columns.reduce(0) { $0 + $1.shape.count }
        columns = layout.columns.count
        tables = layout.tables.count
        addedNodes = layout.graph.nodes.count - graph.nodes.count
    }

    /// Layers are alike: `layers.3.attention.scores` becomes `layers.*.attention.scores`.
    public static func family(_ name: String) -> String {
        name.split(separator: ".", omittingEmptySubsequences: false)
            .map { !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } ? "*" : String($0) }
            .joined(separator: ".")
    }
}

/// What a proof should take, from unit costs that were measured or published for one core (M31).
///
/// Two passes over the weights at 0.15 ns, the integer forward pass at 0.01 ns a multiply-add, opened columns at 1.25 ns a weight,
/// lookups at 50 ns, committed values at 10 ns.
public struct CostEstimate: Codable, Hashable, Sendable {
    public let weightPasses: Double
    public let forward: Double
    public let openings: Double
    public let lookups: Double
    public let committed: Double

    public init(weights: Int, multiplyAdds: Int, lookups: Int, committed: Int) {
        weightPasses = Double(weights) * 2 * 0.15e-9
        forward = Double(multiplyAdds) * 0.01e-9
        openings = Double(weights) * 1.25e-9
        self.lookups = Double(lookups) * 50e-9
        self.committed = Double(committed) * 10e-9
    }

    public init(_ inspection: Inspection) {
        self.init(
            weights: inspection.cost.weights, multiplyAdds: inspection.cost.multiplyAdds, lookups: inspection.lookups,
            committed: inspection.committed)
    }

    public var seconds: Double { weightPasses + forward + openings + lookups + committed }

    /// The part that a phase of the prover is about, all of it for "total"; nil where there is none.
    public func seconds(ofPhase name: String) -> Double? {
        switch name {
        case "witness": forward
        case "commit": committed
        case "lookups": lookups
        case "nodes": weightPasses
        case "open weights": openings
        case "total": seconds
        default: nil
        }
    }

    public var parts: [(name: String, seconds: Double)] {
        [
            ("passes over the weights", weightPasses), ("integer forward pass", forward), ("opened columns", openings),
            ("lookups", lookups), ("committed values", committed),
        ]
    }
}

// MARK: Errors

/// What an error means to whoever started the program.
public struct Failure: Sendable {
    public enum Status: Int32, Sendable {
        /// A proof was rejected.
        case rejected = 1
        /// Wrong usage, bad input data, an error of input or output, a fault of the program: as in `sysexits.h`.
        case usage = 64
        case badData = 65
        case software = 70
        case inputOutput = 74
    }
    public let status: Status
    public let message: String
    /// The check that failed, for rejected proofs.
    public let check: String?

    public init(_ error: any Error) {
        var check: String?
        switch error {
        case let error as VerificationError:
            status = .rejected
            check = error.check
            message = error.description
        case let error as AssayError:
            switch error.kind {
            case .badData: status = .badData
            case .inputOutput: status = .inputOutput
            case .usage: status = .usage
            }
            message = error.description
        case let error as ModelFileError:
            // The reader has one error for files that are missing or closed to us and for files that are wrong.
            status = access(error.file, R_OK) == 0 ? .badData : .inputOutput
            message = error.description
        case let error as GraphError:
            status = .badData
            message = error.description
        case let error as CommitmentError:
            status = .badData
            message = error.description
        case let error as CocoaError:
            status = .inputOutput
            message = error.localizedDescription
        case is DecodingError:
            status = .badData
            message = "\(error)"
        default:
            status = .software
            message = "\(error)"
        }
        self.check = check
    }
}
