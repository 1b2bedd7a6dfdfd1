import Foundation
import Graphs
import Synchronization
import Tensors
import Transcripts

/// What a verifier needs for all proofs of one model under one backend: the plan (from which it builds the graph for any
/// number of tokens), the public parameters of the commitment, the commitment to the weights, and the proof that every weight lies in its declared range.
public struct VerifyingKey: Sendable {
    public let backend: String
    public let securityBits: Int
    public let program: Program
    /// The program as keys hold it and transcripts absorb it.
    let programJSON: [UInt8]
    /// What the commitment scheme needs to verify besides commitments; empty unless it has a trusted setup.
    public let publicParameters: [UInt8]
    public let weightCommitment: [UInt8]
    public let rangeProof: [UInt8]

    static let magic = Array("ASSAYVK4".utf8)

    public init(
        backend: String, securityBits: Int, program: Program, publicParameters: [UInt8], weightCommitment: [UInt8],
        rangeProof: [UInt8]
    ) throws {
        self.programJSON = try program.canonicalJSON()
        self.backend = backend
        self.securityBits = securityBits
        self.program = program
        self.publicParameters = publicParameters
        self.weightCommitment = weightCommitment
        self.rangeProof = rangeProof
    }

    public var encoded: [UInt8] {
        var out = ByteWriter(magic: VerifyingKey.magic)
        out.field(Array(backend.utf8))
        out.integer(UInt64(securityBits))
        out.field(programJSON)
        out.field(publicParameters)
        out.field(weightCommitment)
        out.field(rangeProof)
        return out.bytes
    }

    public init(encoded bytes: [UInt8]) throws {
        var reader = ByteReader(bytes, name: "verifying key")
        try reader.magic(VerifyingKey.magic)
        backend = String(decoding: try reader.field(), as: UTF8.self)
        let bits = try reader.integer()
        guard bits >= 1 && bits <= 256 else { throw AssayError(.badData, "verifying key: security level \(bits)") }
        securityBits = Int(bits)
        do {
            program = try JSONDecoder().decode(Program.self, from: Data(try reader.field()))
            try program.validate()
            programJSON = try program.canonicalJSON()
        } catch let error as AssayError {
            throw error
        } catch {
            throw AssayError(.badData, "verifying key: its model plan is damaged (\(error))")
        }
        publicParameters = try reader.field()
        weightCommitment = try reader.field()
        rangeProof = try reader.field()
        try reader.finish()
        // One file for each digest: JSON has many spellings, and only ours is a key.
        guard encoded == bytes else {
            throw AssayError(.badData, "verifying key: not in canonical form; it was edited")
        }
    }

    /// What names the model: a hash of the whole key.
    public var digest: Digest { HashFunction.blake3.hash(encoded) }
}

/// Objects that follow from a key and a number of tokens: made once, kept for the numbers used last.
final class DerivedCache: Sendable {
    private static let most = 4
    /// The one used last comes first.
    private let entries = Mutex<[(tokenCount: Int, value: any AnyObject & Sendable)]>([])

    func value<Value: AnyObject & Sendable>(_ tokenCount: Int, _ make: () throws -> Value) rethrows -> Value {
        func keep(_ value: Value) {
            entries.withLock { entries in
                if let first = entries.first, first.value === value { return }
                entries.removeAll { $0.tokenCount == tokenCount }
                entries.insert((tokenCount, value), at: 0)
                entries.removeLast(max(0, entries.count - Self.most))
            }
        }
        let known = entries.withLock { entries in entries.first { $0.tokenCount == tokenCount }?.value as? Value }
        let value = try known ?? make()
        keep(value)
        return value
    }
}

/// What a prover needs: the verifying key, the quantised weights as small integers, and what the commitment's prover keeps.
public struct ProvingKey: Sendable {
    public let verifyingKey: VerifyingKey
    public let weights: [String: IntegerTensor]
    public let commitmentState: [UInt8]
    /// The soundness of the verifying key's own proof, minus the binary logarithm of its error: verifiers add it to that of
    /// each proof.
    public let rangeProofBits: Double

    static let magic = Array("ASSAYPK4".utf8)

    /// What backends have derived from the key for some numbers of tokens.
    let derived = DerivedCache()

    public init(
        verifyingKey: VerifyingKey, weights: [String: IntegerTensor], commitmentState: [UInt8], rangeProofBits: Double
    ) {
        self.rangeProofBits = rangeProofBits
        self.verifyingKey = verifyingKey
        self.weights = weights
        self.commitmentState = commitmentState
    }

    /// Writes `verifying.key` and the folder `proving.key/` into a folder, whole or not at all.
    public func write(to folder: String) throws {
        let key = verifyingKey.encoded
        var out = ByteWriter(magic: ProvingKey.magic)
        out.field(verifyingKey.digest.bytes)
        out.field(commitmentState)
        out.integer(rangeProofBits.bitPattern)
        for node in try verifyingKey.program.weightNodes() {
            out.field(IntegerBytes.encode(weights[node.name]!))
        }
        try Files.makeFolder(folder)
        try Files.makeFolder(folder + "/proving.key")
        try Files.write(out.bytes, to: folder + "/proving.key/weights.bin")
        try Files.write(key, to: folder + "/proving.key/verifying.key")
        try Files.write(key, to: folder + "/verifying.key")
    }

    public static func read(from folder: String) throws -> ProvingKey {
        let verifyingKey = try VerifyingKey(encoded: try Files.read(folder + "/proving.key/verifying.key"))
        let path = folder + "/proving.key/weights.bin"
        var reader = ByteReader(try Files.read(path), name: path)
        try reader.magic(ProvingKey.magic)
        guard try reader.field() == verifyingKey.digest.bytes else {
            throw AssayError(.badData, "\(path) belongs to another verifying key; run `assay setup` again")
        }
        let state = try reader.field()
        let rangeProofBits = Double(bitPattern: try reader.integer())
        // Not a number compares with nothing.
        guard rangeProofBits >= 0 else { throw AssayError(.badData, "\(path): the soundness of the key's proof") }
        var weights: [String: IntegerTensor] = [:]
        for node in try verifyingKey.program.weightNodes() {
            weights[node.name] = try IntegerBytes.decode(
                try reader.field(), shape: node.shape, range: node.range, name: "\(path): \(node.name)")
        }
        try reader.finish()
        return ProvingKey(
            verifyingKey: verifyingKey, weights: weights, commitmentState: state, rangeProofBits: rangeProofBits)
    }
}

extension Program {
    /// The one encoding that keys hold and transcripts absorb.
    func canonicalJSON() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return [UInt8](try encoder.encode(self))
    }
}

/// Integers as little-endian bytes of the width that their range needs.
enum IntegerBytes {
    static func encode(_ tensor: IntegerTensor) -> [UInt8] {
        let width = IntegerBuffer.byteWidth(tensor.range)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * tensor.shape.count)
        for i in 0..<tensor.shape.count {
            let word = UInt64(bitPattern: tensor[i])
            for b in 0..<width { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(b)))) }
        }
        return bytes
    }

    static func decode(
        _ bytes: [UInt8], shape: TensorShape, range: ClosedRange<Int64>, name: String
    ) throws -> IntegerTensor {
        let width = IntegerBuffer.byteWidth(range)
        guard bytes.count == width * shape.count else {
            throw AssayError(.badData, "\(name): \(bytes.count) bytes instead of \(width * shape.count)")
        }
        let tensor = IntegerTensor(uninitialized: shape, range: range)
        for i in 0..<shape.count {
            var word: UInt64 = 0
            for b in 0..<width { word |= UInt64(bytes[i * width + b]) << (8 * UInt64(b)) }
            let shift = Int64(64 - 8 * width)
            let value = (Int64(bitPattern: word) << shift) >> shift
            guard range.contains(value) else { throw AssayError(.badData, "\(name): \(value) is outside \(range)") }
            tensor.storage[i] = value
        }
        return tensor
    }
}

/// Length-delimited binary files.
struct ByteWriter {
    private(set) var bytes: [UInt8]
    init(magic: [UInt8]) { bytes = magic }
    mutating func integer(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    mutating func field(_ data: [UInt8]) {
        integer(UInt64(data.count))
        bytes += data
    }
}

struct ByteReader {
    private let bytes: [UInt8]
    private let name: String
    private var position = 0

    init(_ bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    private mutating func take(_ count: UInt64) throws -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.count - position) else {
            throw AssayError(.badData, "\(name): the file is truncated")
        }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    mutating func magic(_ magic: [UInt8]) throws {
        guard bytes.count >= magic.count, try Array(take(UInt64(magic.count))) == magic else {
            throw AssayError(.badData, "\(name): not a file of this kind or version")
        }
    }

    mutating func integer() throws -> UInt64 {
        try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func field() throws -> [UInt8] { Array(try take(try integer())) }

    mutating func finish() throws {
        guard position == bytes.count else {
            throw AssayError(.badData, "\(name): \(bytes.count - position) bytes too many")
        }
    }
}

/// File operations with errors that name the file; files appear whole or not at all.
public enum Files {
    public static func read(_ path: String, limit: Int = 1 << 34) throws -> [UInt8] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw AssayError(.inputOutput, "\(path): no such file")
        }
        guard !isFolder.boolValue else { throw AssayError(.inputOutput, "\(path) is a folder, not a file") }
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
            guard data.count <= limit else { throw AssayError(.badData, "\(path): \(data.count) bytes are too many") }
            return [UInt8](data)
        } catch let error as AssayError {
            throw error
        } catch {
            throw AssayError(.inputOutput, "\(path): cannot be read (\(error.localizedDescription))")
        }
    }

    /// Writes to a temporary name in the same folder, syncs, and renames.
    public static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        let temporary = "\(path).\(getpid()).partial"
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: temporary))
            guard rename(temporary, path) == 0 else {
                throw AssayError(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
            }
        } catch {
            unlink(temporary)
            if let error = error as? AssayError { throw error }
            throw AssayError(.inputOutput, "\(path): cannot be written (\(error.localizedDescription))")
        }
    }

    public static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw AssayError(.inputOutput, "\(path): the folder cannot be made (\(error.localizedDescription))")
        }
    }
}
