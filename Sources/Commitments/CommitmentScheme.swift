import Fields
import Tensors
import Transcripts

/// What both sides know about a committed vector before it is committed to.
public struct CommittedShape: Hashable, Sendable {
    public let shape: TensorShape
    /// The declared range. It decides in how many bytes an entry is stored; a commitment does *not* prove it.
    public let range: ClosedRange<Int64>

    public init(shape: TensorShape, range: ClosedRange<Int64>) {
        self.shape = shape
        self.range = range
    }
}

/// A claim on a committed vector: its multilinear extension at `point` equals `value`.
public struct OpeningClaim<E: Field>: Sendable {
    /// The number of the vector in its commitment.
    public let vector: Int
    /// One coordinate for each variable of the vector's `TensorShape`, in its order: lowest bit of the last dimension
    /// first.
    public let point: [E]
    public let value: E

    @inlinable
    public init(vector: Int, point: [E], value: E) {
        self.vector = vector
        self.point = point
        self.value = value
    }
}

/// A way to commit to a list of integer tensors and to open their multilinear extensions at points of the challenge
/// field, all claims on one commitment in one batch.
///
/// **Order.** The caller absorbs `parameterDescription` and the commitment before the first challenge that claims
/// depend on. `open` and `verify` absorb commitment and claims again, because these are the statement that they prove.
///
/// **What is bound.** Entries are bound as elements of the field. That they are small integers, and in the declared
/// range, is for the caller to prove.
///
/// **Determinism.** Prover and verifier build the scheme from the same public data and get the same parameters; no
/// count is ever read from a proof.
public protocol CommitmentScheme: Sendable {
    associatedtype F: ProofField
    /// What the prover keeps between committing and opening.
    associatedtype ProverState: Sendable

    /// The name that people type: "orion", "orion-expander", "raw".
    static var schemeName: String { get }
    /// Which parameters a user may fix.
    static var options: Set<CommitmentOptions.Key> { get }
    /// The scheme for vectors of these shapes, with a total error of at most `2^-securityBits` for each opening.
    ///
    /// - Throws: `CommitmentError.unreachableSecurity` where proved bounds do not reach that far over this field, `option`
    ///   for parameters that the scheme does not have or cannot meet, `publicParameters` where these are damaged.
    init(shapes: [CommittedShape], settings: CommitmentSettings) throws
    /// What a new key holds for the verifier besides the commitment: the part of a reference string. Empty for schemes
    /// without a trusted setup.
    static func makePublicParameters() throws -> [UInt8]
    /// All parameters, and a digest of the shapes, as text to absorb into the transcript.
    var parameterDescription: String { get }
    /// The errors of one opening, and what is assumed.
    var budget: SoundnessBudget { get }
    /// The size of every commitment.
    var commitmentByteCount: Int { get }

    /// Commits to vectors of the shapes and ranges given at the start, in that order.
    ///
    /// - Throws: `CommitmentError.wrongVectors` where they have others.
    func commit(_ vectors: [IntegerTensor]) throws -> (commitment: [UInt8], state: ProverState)
    /// The part of the state that a proving key stores.
    func encodeState(_ state: ProverState) -> [UInt8]
    /// The state again, from a key and the vectors.
    ///
    /// - Throws: `CommitmentError.wrongState` where the bytes do not belong to the commitment. That the *vectors* do is
    ///   not checked; proofs made with others do not verify.
    func restoreState(_ bytes: [UInt8], vectors: [IntegerTensor], commitment: [UInt8]) throws -> ProverState
    /// Proves the claims. They must be true, or the proof will not verify.
    ///
    /// - Precondition: claims name vectors that exist, at points of as many coordinates as these have variables.
    func open(
        _ vectors: [IntegerTensor], state: ProverState, claims: [OpeningClaim<F.Challenge>],
        transcript: ProverTranscript)
    /// Reads the proof that `open` wrote and checks it. No claims, no proof.
    ///
    /// - Throws: `VerificationError`, whatever the commitment and the proof.
    func verify(commitment: [UInt8], claims: [OpeningClaim<F.Challenge>], transcript: VerifierTranscript) throws
}

extension CommitmentScheme {
    /// The same with the scheme's own choice of parameters, for tests and measurements.
    public init(shapes: [CommittedShape], securityBits: Int, hash: HashFunction) throws {
        try self.init(
            shapes: shapes,
            settings: CommitmentSettings(
                securityBits: securityBits, hash: hash, publicParameters: Self.makePublicParameters()))
    }

    public static func makePublicParameters() throws -> [UInt8] { [] }
}

/// Why a commitment could not be made. None of these concerns the verification of a proof.
public enum CommitmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No parameters reach the wanted level by proved bounds; `nearest` is the highest that some do.
    case unreachableSecurity(scheme: String, requested: Int, nearest: Int)
    /// The vectors are not those that the scheme was made for.
    case wrongVectors(String)
    /// A stored state does not belong to the commitment.
    case wrongState(String)
    /// The public parameters of a key are damaged, or what belongs to them is not to be had.
    case publicParameters(String)
    /// A parameter that the scheme does not have, or cannot meet.
    case option(String)

    public var description: String {
        switch self {
        case .unreachableSecurity(let scheme, let requested, let nearest):
            "\(scheme) cannot prove \(requested) bits for vectors of this size; the nearest level is \(nearest) bits"
        case .wrongVectors(let detail): "wrong vectors: \(detail)"
        case .wrongState(let detail): "wrong state: \(detail)"
        case .publicParameters(let detail): "public parameters: \(detail)"
        case .option(let detail): "parameters of the commitment: \(detail)"
        }
    }
}

/// Checks and absorptions that all schemes share.
@usableFromInline
enum Statement {
    /// Refuses public parameters for a scheme without any.
    static func requireNoPublicParameters(_ settings: CommitmentSettings, scheme: String) throws {
        guard settings.publicParameters.isEmpty else {
            throw CommitmentError.publicParameters(
                "\(scheme) has none, and \(settings.publicParameters.count) bytes are there")
        }
    }

    /// The digest of the shapes and ranges, for `parameterDescription`.
    @usableFromInline
    static func digest(_ shapes: [CommittedShape], hash: HashFunction) -> Digest {
        var bytes: [UInt8] = []
        func append(_ integer: Int64) { withUnsafeBytes(of: integer.littleEndian) { bytes += $0 } }
        append(Int64(shapes.count))
        for shape in shapes {
            append(Int64(shape.shape.dimensions.count))
            for d in shape.shape.dimensions { append(Int64(d)) }
            append(shape.range.lowerBound)
            append(shape.range.upperBound)
        }
        return hash.hash(bytes)
    }

    @usableFromInline
    static func requireShapes(_ vectors: [IntegerTensor], _ shapes: [CommittedShape]) throws {
        guard vectors.count == shapes.count else {
            throw CommitmentError.wrongVectors("\(vectors.count) vectors where \(shapes.count) were declared")
        }
        for (i, (vector, shape)) in zip(vectors, shapes).enumerated()
        where vector.shape != shape.shape || vector.range != shape.range {
            throw CommitmentError.wrongVectors(
                "vector \(i) is \(vector.shape) in \(vector.range), declared \(shape.shape) in \(shape.range)")
        }
    }

    /// Whether the claims name vectors that exist, at points of the right length.
    @inlinable
    static func areWellFormed<E: Field>(_ claims: [OpeningClaim<E>], _ shapes: [CommittedShape]) -> Bool {
        claims.allSatisfy {
            shapes.indices.contains($0.vector) && $0.point.count == shapes[$0.vector].shape.variableCount
        }
    }

    @inlinable
    static func require<E: Field>(
        _ claims: [OpeningClaim<E>], _ shapes: [CommittedShape], commitment: [UInt8], byteCount: Int
    ) throws {
        guard areWellFormed(claims, shapes) else {
            throw VerificationError(check: "opening claims", detail: "a claim fits no committed vector")
        }
        guard commitment.count == byteCount else {
            throw VerificationError(
                check: "commitment", detail: "\(commitment.count) bytes where \(byteCount) are expected")
        }
    }

    @inlinable
    static func absorb<E: Field>(commitment: [UInt8], claims: [OpeningClaim<E>], into transcript: Transcript) {
        transcript.absorb("opening commitment", commitment)
        transcript.absorb("opening claims", integer: UInt64(claims.count))
        for claim in claims {
            transcript.absorb("opening vector", integer: UInt64(claim.vector))
            transcript.absorb("opening point", claim.point)
            transcript.absorb("opening value", claim.value)
        }
    }
}
