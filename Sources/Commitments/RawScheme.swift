import Fields
import Multilinears
import Tensors
import Transcripts

/// The trivial commitment, "raw": a hash of all vectors. An opening sends them, and the verifier evaluates every claim
/// itself.
///
/// For debugging, for small vectors, and for telling the cost of a commitment from that of the rest. **Theorem:** a
/// collision of the hash function aside, accepted claims are true; no challenge is involved, so the budget is empty.
/// Unlike other schemes this one does check that entries lie in their declared ranges.
public struct RawScheme<F: ProofField>: CommitmentScheme {
    public typealias ProverState = RawState

    @usableFromInline let shapes: [CommittedShape]
    public let hash: HashFunction
    public let parameterDescription: String

    public static var schemeName: String { "raw" }
    public static var options: Set<CommitmentOptions.Key> { [] }

    public init(shapes: [CommittedShape], settings: CommitmentSettings) throws {
        let (securityBits, hash) = (settings.securityBits, settings.hash)
        try settings.options.require(only: Self.options, scheme: Self.schemeName)
        try Statement.requireNoPublicParameters(settings, scheme: Self.schemeName)
        guard securityBits <= 128 else {
            throw CommitmentError.unreachableSecurity(scheme: Self.schemeName, requested: securityBits, nearest: 128)
        }
        self.shapes = shapes
        self.hash = hash
        self.parameterDescription =
            "raw \(F.name) \(hash.rawValue) shapes \(Statement.digest(shapes, hash: hash))"
    }

    public var budget: SoundnessBudget { SoundnessBudget() }
    public var commitmentByteCount: Int { Digest.byteCount }

    /// Bytes of all vectors: entries in as many bytes as their declared range needs, little-endian.
    public var vectorByteCount: Int {
        shapes.reduce(0) { $0 + $1.shape.count * IntegerBuffer.byteWidth($1.range) }
    }

    public func commit(_ vectors: [IntegerTensor]) throws -> (commitment: [UInt8], state: RawState) {
        try Statement.requireShapes(vectors, shapes)
        for (i, vector) in vectors.enumerated() {
            if let (index, value) = vector.firstOutOfRange() {
                throw CommitmentError.wrongVectors("entry \(index) of vector \(i) is \(value), outside \(vector.range)")
            }
        }
        let commitment = digest(encode(vectors)[...]).bytes
        return (commitment, RawState(commitment: commitment))
    }

    public func encodeState(_ state: RawState) -> [UInt8] { [] }

    public func restoreState(
        _ bytes: [UInt8], vectors: [IntegerTensor], commitment: [UInt8]
    ) throws -> RawState {
        try Statement.requireShapes(vectors, shapes)
        guard bytes.isEmpty, commitment.count == commitmentByteCount else {
            throw CommitmentError.wrongState("raw commitments keep nothing")
        }
        return RawState(commitment: commitment)
    }

    @inlinable
    public func open(
        _ vectors: [IntegerTensor], state: RawState, claims: [OpeningClaim<F.Challenge>], transcript: ProverTranscript
    ) {
        precondition(Statement.areWellFormed(claims, shapes), "a claim fits no committed vector")
        Statement.absorb(commitment: state.commitment, claims: claims, into: transcript)
        guard claims.count > 0 else { return }
        transcript.hint(encode(vectors))
    }

    @inlinable
    public func verify(
        commitment: [UInt8], claims: [OpeningClaim<F.Challenge>], transcript: VerifierTranscript
    ) throws {
        try Statement.require(claims, shapes, commitment: commitment, byteCount: commitmentByteCount)
        Statement.absorb(commitment: commitment, claims: claims, into: transcript)
        guard claims.count > 0 else { return }
        let bytes = try transcript.hint("raw vectors", count: vectorByteCount)
        guard digest(bytes).bytes == commitment else {
            throw VerificationError(check: "raw commitment", detail: "the vectors sent have another digest")
        }
        var evaluations: [Int: TensorEvaluator<F>] = [:]
        var start = bytes.startIndex
        var starts: [Int] = []
        for shape in shapes {
            starts.append(start)
            start += shape.shape.count * IntegerBuffer.byteWidth(shape.range)
        }
        for (i, claim) in claims.enumerated() {
            if evaluations[claim.vector] == nil {
                let vector = decode(claim.vector, bytes[starts[claim.vector]...])
                if let (index, value) = vector.firstOutOfRange() {
                    throw VerificationError(
                        check: "raw range", detail: "entry \(index) of vector \(claim.vector) is \(value)")
                }
                evaluations[claim.vector] = TensorEvaluator(vector)
            }
            guard evaluations[claim.vector]!.evaluate(at: claim.point) == claim.value else {
                throw VerificationError(check: "raw value", detail: "claim \(i) has another value")
            }
        }
    }

    /// The digest of the vectors' bytes under that of the shapes.
    @usableFromInline
    func digest(_ bytes: ArraySlice<UInt8>) -> Digest {
        let body = bytes.withUnsafeBytes { hash.hash($0) }
        return hash.hash(Statement.digest(shapes, hash: hash).bytes + body.bytes)
    }

    @usableFromInline
    func encode(_ vectors: [IntegerTensor]) -> [UInt8] {
        return [UInt8](unsafeUninitializedCapacity: max(vectorByteCount, 1)) { output, count in
            var writer = RawWriter(width: 0, output: output.baseAddress!)
            for vector in vectors {
                writer = RawWriter(width: IntegerBuffer.byteWidth(vector.range), output: writer.output)
                vector.storage.visit(&writer)
            }
            count = vectorByteCount
        }
    }

    /// Vector number `index` from bytes that begin with it.
    @usableFromInline
    func decode(_ index: Int, _ bytes: ArraySlice<UInt8>) -> IntegerTensor {
        let vector = IntegerTensor(uninitialized: shapes[index].shape, range: shapes[index].range)
        func read<T: SmallInteger>(_ target: AlignedBuffer<T>) {
            bytes.withUnsafeBytes {
                let source = $0.baseAddress!
                for i in 0..<target.count {
                    target.pointer[i] = T(
                        littleEndian: source.loadUnaligned(fromByteOffset: i * T.bitWidth / 8, as: T.self))
                }
            }
        }
        switch vector.storage {
        case .int8(let b): read(b)
        case .int16(let b): read(b)
        case .int32(let b): read(b)
        case .int64(let b): read(b)
        }
        return vector
    }
}

/// Writes integers in `width` bytes each.
struct RawWriter: IntegerVisitor {
    let width: Int
    var output: UnsafeMutableRawPointer

    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        switch width {
        case 1: write(elements, as: Int8.self)
        case 2: write(elements, as: Int16.self)
        case 4: write(elements, as: Int32.self)
        default: write(elements, as: Int64.self)
        }
    }

    private mutating func write<T: SmallInteger, U: SmallInteger>(_ elements: UnsafeBufferPointer<T>, as: U.Type) {
        for v in elements {
            output.storeBytes(of: U(truncatingIfNeeded: v).littleEndian, as: U.self)
            output += U.bitWidth / 8
        }
    }
}

/// What the prover keeps: the commitment.
public struct RawState: Sendable {
    @usableFromInline let commitment: [UInt8]

    @usableFromInline init(commitment: [UInt8]) { self.commitment = commitment }
}

/// Evaluations of the multilinear extension of one tensor of integers. Evaluations at points whose row parts agree
/// share the pass over the tensor.
@usableFromInline
package struct TensorEvaluator<F: ProofField> {
    @usableFromInline package typealias E = F.Challenge
    @usableFromInline let vector: IntegerTensor
    @usableFromInline let layout: RowLayout?
    @usableFromInline var combinations: [[E]: AlignedBuffer<E>] = [:]

    @usableFromInline
    package init(_ vector: IntegerTensor) {
        self.vector = vector
        let variables = vector.shape.variableCount
        layout =
            variables == 0
            ? nil : RowLayout(vector.shape, columnBits: min(variables, max(9, (variables + 1) / 2)), firstRow: 0)
    }

    /// The extension at `point`, in the order of `TensorShape`.
    @inlinable
    package mutating func evaluate(at point: [E]) -> E {
        precondition(point.count == vector.shape.variableCount)
        guard let layout else { return E(F.Base(vector[0])) }
        let rowPart = Array(point[layout.columnVariables...])
        let columns = 1 << layout.columnBits
        if combinations[rowPart] == nil {
            let combination = AlignedBuffer<E>(repeating: .zero, count: columns)
            let weights = AlignedBuffer<E>(repeating: .zero, count: layout.rowCount)
            layout.addRowWeights(F.self, point, scale: .one, to: weights.pointer)
            var visitor = RowCombination<F>(layout, weights: weights.pointer, addTo: combination.pointer)
            vector.storage.visit(&visitor)
            combinations[rowPart] = combination
        }
        let eq = Eq<F>.table(layout.columnPoint(point))
        return F.innerProduct(combinations[rowPart]!.pointer, eq.pointer, count: columns)
    }
}
