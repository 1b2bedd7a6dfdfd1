import Blocks
import Commitments
import Fields
import Foundation
import Graphs
import Multilinears
import Tensors
import Transcripts

/// Time and bytes of one phase.
public struct Phase: Codable, Hashable, Sendable {
    public let name: String
    public let seconds: Double
    /// Bytes that the phase added to the proof.
    public let bytes: Int

    public init(name: String, seconds: Double, bytes: Int) {
        self.name = name
        self.seconds = seconds
        self.bytes = bytes
    }
}

public struct ProofResult: Sendable {
    public let proof: [UInt8]
    public let statement: Statement
    public let phases: [Phase]
    public let budget: SoundnessBudget
}

public struct VerificationReport: Sendable {
    public let statement: Statement
    public let phases: [Phase]
    public let budget: SoundnessBudget
}

/// Called as work begins on a phase.
public typealias ProgressReport = @Sendable (String) -> Void

/// A field with a commitment and a hash, by name. The implementation behind it is specialised for all three.
public protocol Backend: Sendable {
    /// `m31/orion`, or with the hash `m31/orion/sha256`.
    var name: String { get }
    /// Which parameters of the commitment a user may fix.
    var parameters: Set<CommitmentOptions.Key> { get }
    /// Commits to the weights and proves, once, that they lie in their ranges.
    func setup(
        _ program: Program, weights: [String: IntegerTensor], securityBits: Int, progress: ProgressReport
    ) throws -> ProvingKey
    /// Runs the model on the tokens and proves the output.
    func prove(_ key: ProvingKey, tokens: [Int], progress: ProgressReport) throws -> ProofResult
    /// Throws `VerificationError` unless the proof shows the statement for the key.
    func verify(_ proof: [UInt8], statement: Statement, key: VerifyingKey) throws -> VerificationReport
    /// What proofs for the key rest on besides the hash function.
    func assumptions(_ key: VerifyingKey) throws -> [String]
    /// The graph as this field proves it (split where values would not fit), with what is committed and looked up.
    func layout(_ graph: Graph) throws -> ProofLayout
}

extension Backend {
    public func setup(_ model: QuantisedModel, securityBits: Int, progress: ProgressReport) throws -> ProvingKey {
        try setup(.decoder(model.plan), weights: model.weights, securityBits: securityBits, progress: progress)
    }
}

/// All backends of this build: the one place to add a field, a commitment or a hash.
public enum Backends {
    /// Name of a field and commitment, and how to make the backend for a hash and fixed parameters.
    private static let constructors:
        [(name: String, make: @Sendable (HashFunction, CommitmentOptions) -> any Backend)] =
            fieldConstructors(Mersenne31.self) + fieldConstructors(GoldilocksField.self)
            + fieldConstructors(BN254ScalarField.self) + [constructor(KZGScheme.self)]

    /// The commitments that every field has.
    private static func fieldConstructors<F: ProofField>(
        _: F.Type
    ) -> [(name: String, make: @Sendable (HashFunction, CommitmentOptions) -> any Backend)] {
        [
            constructor(TensorCodeScheme<F, ReedSolomonCode<F>>.self),
            constructor(TensorCodeScheme<F, ExpanderCode<F>>.self),
            constructor(FRIScheme<F>.self),
            constructor(RawScheme<F>.self),
        ]
    }

    private static func constructor<S: CommitmentScheme>(
        _: S.Type
    ) -> (name: String, make: @Sendable (HashFunction, CommitmentOptions) -> any Backend) {
        ("\(S.F.name)/\(S.schemeName)", { Engine<S>($0, $1) })
    }

    /// The names of all backends, without hashes.
    public static var names: [String] { constructors.map(\.name) }

    /// The backend of this name. `/sha256`, `/keccak256` or `/poseidon2` (over the backend's field) behind field and
    /// commitment chooses the hash, BLAKE3 unless told;
    /// parameters of the commitment follow, each after a colon: see `CommitmentOptions`.
    public static func named(_ name: String) throws -> any Backend {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let (base, text) = (parts.first.map(String.init) ?? "", parts.dropFirst().first)
        guard let options = text.map(CommitmentOptions.init) ?? CommitmentOptions() else {
            throw AssayError(
                .usage,
                "unknown parameters ':\(text!)' of backend '\(base)'; they are rate=1/2 to 1/16, columns=, arity= and cap= with "
                    + "powers of two, grinding= and queries= with numbers, switch=on or off, each once and after a colon"
            )
        }
        for (known, make) in constructors {
            if base == known { return make(.blake3, options) }
            for hash in HashFunction.choices(field: String(known.prefix { $0 != "/" }))
            where base == "\(known)/\(hash.name)" { return make(hash, options) }
        }
        throw AssayError(
            .usage,
            "unknown backend '\(base)'; this build has \(names.joined(separator: ", ")), each with "
                + HashFunction.choices(field: "m31").map { "/\($0.name)" }.joined(separator: " or ") + " at the end")
    }
}

/// The protocol, for one field and commitment (`S`) and hash.
///
/// Order of the transcript: protocol version, backend and its parameters, security level, digest of the verifying key, graph,
/// input and output; the commitment to the witness; then lookups, nodes and openings. Everything that defines the statement
/// is absorbed before the first challenge.
struct Engine<S: CommitmentScheme>: Backend {
    typealias F = S.F
    typealias E = F.Challenge

    let name: String
    let hash: HashFunction
    let options: CommitmentOptions

    init(_ hash: HashFunction, _ options: CommitmentOptions) {
        self.hash = hash
        self.options = options
        name =
            "\(F.name)/\(S.schemeName)" + (hash == .blake3 ? "" : "/\(hash.name)")
            + (options.isEmpty ? "" : ":\(options)")
    }

    static var domain: String { "Assay 1" }
    var parameters: Set<CommitmentOptions.Key> { S.options }

    func layout(_ graph: Graph) throws -> ProofLayout {
        let field = FieldBound(name: F.name, bound: F.integerBound)
        return try ProofLayout(fit(graph, to: field, alternatives: FieldBounds.all), field: F.self)
    }

    func assumptions(_ key: VerifyingKey) throws -> [String] {
        try (scheme([], 1, key.publicParameters).budget + hashBudget).assumptions.map(\.text)
    }

    /// What is assumed of a hash whose collisions take less work than those of 256 uniform bits.
    private var hashBudget: SoundnessBudget {
        let bits = hash.collisionBits
        guard bits < 128 else { return SoundnessBudget() }
        let text =
            "\(hash.rawValue) is collision-resistant, a younger hash than the others: 2^\(bits) by the birthday attack"
        return SoundnessBudget(assumptions: [.init(text, bits: bits)])
    }

    // MARK: Setup

    private func weightScheme(_ weights: [Node], _ securityBits: Int, _ parameters: [UInt8]) throws -> S {
        let shapes = weights.map { CommittedShape(shape: $0.shape, range: $0.range) }
        return try scheme(shapes, securityBits, parameters)
    }

    private func witnessScheme(_ columns: ArraySlice<Column>, _ securityBits: Int, _ parameters: [UInt8]) throws -> S {
        let shapes = columns.map { CommittedShape(shape: $0.shape, range: $0.range) }
        return try scheme(shapes, securityBits, parameters)
    }

    private func scheme(_ shapes: [CommittedShape], _ securityBits: Int, _ parameters: [UInt8]) throws -> S {
        // The errors of the two schemes and of the rest add up.
        let share = 3
        let scheme: S
        do {
            scheme = try S(
                shapes: shapes,
                settings: CommitmentSettings(
                    securityBits: securityBits + share, hash: hash, options: options, publicParameters: parameters))
        } catch CommitmentError.unreachableSecurity(let name, _, let nearest) {
            throw CommitmentError.unreachableSecurity(
                scheme: name, requested: securityBits, nearest: max(0, nearest - share))
        }
        if let most = (scheme.budget + hashBudget).assumedBits, securityBits > most {
            throw CommitmentError.unreachableSecurity(scheme: S.schemeName, requested: securityBits, nearest: most)
        }
        return scheme
    }

    func setup(
        _ program: Program, weights named: [String: IntegerTensor], securityBits: Int, progress: ProgressReport
    ) throws -> ProvingKey {
        let nodes = try program.weightNodes()
        var weights: [IntegerTensor] = []
        for node in nodes {
            guard let tensor = named[node.name], tensor.shape == node.shape, tensor.range == node.range else {
                throw AssayError(.badData, "weight '\(node.name)' is missing or has another shape or range")
            }
            if let (index, value) = tensor.firstOutOfRange() {
                throw AssayError(.badData, "weight '\(node.name)'[\(index)] = \(value) is outside \(node.range)")
            }
            weights.append(tensor)
        }
        progress("commit weights")
        let parameters = try S.makePublicParameters()
        let scheme = try weightScheme(nodes, securityBits, parameters)
        let (commitment, state) = try scheme.commit(weights)
        progress("prove weight ranges")
        let layout = try ProofLayout(weights: nodes, field: F.self)
        let witness = try Witness(layout, weights: weights)
        let auxiliary = try witnessScheme(layout.columns[nodes.count...], securityBits, parameters)
        let transcript = ProverTranscript(domain: Self.domain, hash: hash)
        absorbSetup(transcript, try program.canonicalJSON(), commitment, scheme, auxiliary, securityBits)
        let extra = Array(witness.columns[nodes.count...])
        let (extraCommitment, extraState) = try auxiliary.commit(extra)
        transcript.send("witness commitment", bytes: extraCommitment)
        let channel = Channel<F>(.prover(transcript))
        let context = BlockContext(
            layout, channel, tokens: [], output: 0, prover: ProverData(witness: witness),
            lookupEffort: LookupBlock<F>.effort(layout, securityBits: securityBits))
        let openings = try GraphProof<F>.run(context)
        let (own, other) = split(openings.columns, nodes.count)
        auxiliary.open(extra, state: extraState, claims: other, transcript: transcript)
        scheme.open(weights, state: state, claims: own, transcript: transcript)
        let key = try VerifyingKey(
            backend: name, securityBits: securityBits, program: program, publicParameters: parameters,
            weightCommitment: commitment, rangeProof: transcript.proof)
        let budget = self.budget(channel, scheme, auxiliary)
        guard budget.wholeBits >= securityBits else { throw tooWeak(budget, securityBits) }
        return ProvingKey(
            verifyingKey: key, weights: named, commitmentState: scheme.encodeState(state),
            rangeProofBits: budget.totalBits)
    }

    /// Checks the range proof that a verifying key carries.
    func verifySetup(_ key: VerifyingKey) throws -> SoundnessBudget {
        let nodes = try key.program.weightNodes()
        // First, because it refuses what is too much for the field before anything is allocated for it.
        let layout = try ProofLayout(weights: nodes, field: F.self)
        let scheme = try weightScheme(nodes, key.securityBits, key.publicParameters)
        let auxiliary = try witnessScheme(layout.columns[nodes.count...], key.securityBits, key.publicParameters)
        let transcript = VerifierTranscript(domain: Self.domain, hash: hash, proof: key.rangeProof)
        absorbSetup(transcript, key.programJSON, key.weightCommitment, scheme, auxiliary, key.securityBits)
        let extraCommitment = try transcript.receiveBytes("witness commitment", count: auxiliary.commitmentByteCount)
        let channel = Channel<F>(.verifier(transcript))
        let context = BlockContext(
            layout, channel, tokens: [], output: 0, prover: nil,
            lookupEffort: LookupBlock<F>.effort(layout, securityBits: key.securityBits))
        let openings = try GraphProof<F>.run(context)
        let (own, other) = split(openings.columns, nodes.count)
        try auxiliary.verify(commitment: extraCommitment, claims: other, transcript: transcript)
        try scheme.verify(commitment: key.weightCommitment, claims: own, transcript: transcript)
        try transcript.finish()
        return budget(channel, scheme, auxiliary)
    }

    private func split(
        _ openings: [(index: Int, point: [E], value: E)], _ weights: Int
    ) -> (own: [OpeningClaim<E>], other: [OpeningClaim<E>]) {
        var own: [OpeningClaim<E>] = []
        var other: [OpeningClaim<E>] = []
        for o in openings {
            if o.index < weights {
                own.append(.init(vector: o.index, point: o.point, value: o.value))
            } else {
                other.append(.init(vector: o.index - weights, point: o.point, value: o.value))
            }
        }
        return (own, other)
    }

    private func absorbSetup(
        _ transcript: Transcript, _ program: [UInt8], _ commitment: [UInt8], _ scheme: S, _ auxiliary: S,
        _ securityBits: Int
    ) {
        transcript.absorb("purpose", string: "weight ranges")
        transcript.absorb("version", integer: UInt64(Statement.currentVersion))
        transcript.absorb("backend", string: name)
        transcript.absorb("security", integer: UInt64(securityBits))
        transcript.absorb("program", program)
        transcript.absorb("weight scheme", string: scheme.parameterDescription)
        transcript.absorb("witness scheme", string: auxiliary.parameterDescription)
        transcript.absorb("weight commitment", commitment)
    }

    // MARK: Prove and verify

    /// What both sides derive from a key and a number of tokens: the schemes, and the digest of the graph.
    struct Prepared: Sendable {
        let weights: S
        let witness: S
        let graph: Digest
    }

    /// What a prover derives from a key and a number of tokens.
    final class Derived: Sendable {
        let interpreter: Interpreter
        let witnessPlan: WitnessPlan
        let prepared: Prepared
        let weightState: S.ProverState

        init(
            interpreter: Interpreter, witnessPlan: WitnessPlan, prepared: Prepared, weightState: S.ProverState
        ) {
            self.interpreter = interpreter
            self.witnessPlan = witnessPlan
            self.prepared = prepared
            self.weightState = weightState
        }

        var layout: ProofLayout { witnessPlan.layout }
    }

    private func prepare(_ layout: ProofLayout, _ key: VerifyingKey) throws -> Prepared {
        var weights: Result<S, any Error>?
        var witness: Result<S, any Error>?
        var graph: Digest?
        Parallel.forEach(3) {
            switch $0 {
            case 0:
                weights = Result {
                    try weightScheme(layout.graph.weightNodes, key.securityBits, key.publicParameters)
                }
            case 1:
                witness = Result { try witnessScheme(layout.columns[...], key.securityBits, key.publicParameters) }
            default: graph = hash.hash(layout.graph.canonicalBytes)
            }
        }
        return Prepared(weights: try weights!.get(), witness: try witness!.get(), graph: graph!)
    }

    private func weights(_ key: ProvingKey, _ layout: ProofLayout) -> [IntegerTensor] {
        layout.graph.weightNodes.map { key.weights[$0.name]! }
    }

    private func restoreWeights(_ key: ProvingKey, _ layout: ProofLayout, _ scheme: S) throws -> S.ProverState {
        try scheme.restoreState(
            key.commitmentState, vectors: weights(key, layout), commitment: key.verifyingKey.weightCommitment)
    }

    private func absorbStatement(
        _ transcript: Transcript, _ statement: Statement, _ prepared: Prepared, _ commitment: [UInt8]
    ) {
        transcript.absorb("purpose", string: "inference")
        transcript.absorb("version", integer: UInt64(statement.version))
        transcript.absorb("backend", string: statement.backend)
        transcript.absorb("security", integer: UInt64(statement.securityBits))
        transcript.absorb("model", string: statement.modelDigest)
        transcript.absorb("graph", prepared.graph.bytes)
        transcript.absorb("weight scheme", string: prepared.weights.parameterDescription)
        transcript.absorb("witness scheme", string: prepared.witness.parameterDescription)
        transcript.absorb("weight commitment", commitment)
        transcript.absorb("input length", integer: UInt64(statement.input.count))
        for token in statement.input { transcript.absorb("input", integer: UInt64(token)) }
        transcript.absorb("output", integer: UInt64(statement.output))
    }

    func prove(_ key: ProvingKey, tokens: [Int], progress: ProgressReport) throws -> ProofResult {
        let verifyingKey = key.verifyingKey
        try requireBackend(verifyingKey)
        let clock = PhaseClock()
        progress("witness")
        // The first proof for a number of tokens derives what depends on nothing else.
        let derived = try key.derived.value(tokens.count) {
            let layout = try self.layout(verifyingKey.program.graph(tokenCount: tokens.count))
            let interpreter = try Interpreter(graph: layout.graph, weights: key.weights)
            let prepared = try prepare(layout, verifyingKey)
            return Derived(
                interpreter: interpreter, witnessPlan: WitnessPlan(layout, stages: interpreter.nodesByStage),
                prepared: prepared,
                weightState: try restoreWeights(key, layout, prepared.weights))
        }
        let witness = try Witness(derived.witnessPlan, derived.interpreter, tokens: tokens)
        clock.lap("witness", bytes: 0)
        return try prove(
            key, derived.layout, witness, tokens: tokens, clock: clock, progress: progress,
            derived: derived, tamper: nil)
    }

    /// Proves from a given witness, right or wrong; `tamper` changes messages. For `prove`, and for dishonest provers.
    func prove(
        _ key: ProvingKey, _ layout: ProofLayout, _ witness: Witness, tokens: [Int], clock: PhaseClock,
        progress: ProgressReport, derived: Derived? = nil, tamper: ((String, inout [E]) -> Void)?
    ) throws -> ProofResult {
        let verifyingKey = key.verifyingKey
        let statement = Statement(
            backend: name, modelDigest: verifyingKey.digest.description, input: tokens, output: witness.output,
            securityBits: verifyingKey.securityBits)
        let prepared = try derived?.prepared ?? prepare(layout, verifyingKey)
        let (weightScheme, witnessScheme) = (prepared.weights, prepared.witness)
        let transcript = ProverTranscript(domain: Self.domain, hash: hash)
        absorbStatement(transcript, statement, prepared, verifyingKey.weightCommitment)

        progress("commit")
        let (commitment, state) = try witnessScheme.commit(witness.columns)
        transcript.send("witness commitment", bytes: commitment)
        clock.lap("commit", bytes: transcript.proof.count)

        progress("lookups and nodes")
        let channel = Channel<F>(.prover(transcript))
        channel.tamper = tamper
        let context = BlockContext(
            layout, channel, tokens: tokens, output: witness.output, prover: ProverData(witness: witness),
            lookupEffort: LookupBlock<F>.effort(layout, securityBits: verifyingKey.securityBits))
        context.onLookupsDone = { clock.lap("lookups", bytes: transcript.proof.count) }
        let openings = try GraphProof<F>.run(context)
        clock.lap("nodes", bytes: transcript.proof.count)

        progress("open witness")
        witnessScheme.open(
            witness.columns, state: state,
            claims: openings.columns.map { .init(vector: $0.index, point: $0.point, value: $0.value) },
            transcript: transcript)
        clock.lap("open witness", bytes: transcript.proof.count)
        progress("open weights")
        let weightState = try derived?.weightState ?? restoreWeights(key, layout, weightScheme)
        weightScheme.open(
            weights(key, layout), state: weightState,
            claims: openings.weights.map { .init(vector: $0.index, point: $0.point, value: $0.value) },
            transcript: transcript)
        clock.lap("open weights", bytes: transcript.proof.count)

        let budget = self.budget(channel, weightScheme, witnessScheme) + rangeProof(bits: key.rangeProofBits)
        guard budget.wholeBits >= statement.securityBits else { throw tooWeak(budget, statement.securityBits) }
        return ProofResult(proof: transcript.proof, statement: statement, phases: clock.phases, budget: budget)
    }

    func verify(_ proof: [UInt8], statement: Statement, key: VerifyingKey) throws -> VerificationReport {
        func reject(_ check: String, _ detail: String) -> VerificationError {
            VerificationError(check: check, detail: detail)
        }
        let clock = PhaseClock()
        try requireBackend(key)
        try key.program.validate()
        guard statement.version == Statement.currentVersion else { throw reject("statement", "another version") }
        guard statement.backend == name else {
            throw reject("statement", "for backend '\(statement.backend)', not '\(name)'")
        }
        guard statement.modelDigest == key.digest.description else {
            throw reject("statement", "for another verifying key")
        }
        guard statement.securityBits == key.securityBits else {
            throw reject("statement", "claims \(statement.securityBits) bits, the key was made for \(key.securityBits)")
        }
        let program = key.program
        guard program.tokenCounts.contains(statement.input.count),
            statement.input.allSatisfy({ (0..<program.inputs).contains($0) })
        else {
            throw reject(
                "statement", "the input is empty, of a wrong length or has a token outside 0..<\(program.inputs)")
        }
        guard (0..<program.outputs).contains(statement.output) else {
            throw reject("statement", "the output is no token")
        }

        if ReferenceSource.isPinned {
            guard try S.makePublicParameters() == key.publicParameters else {
                throw reject("reference string", "the key was made with another one than the file that was named")
            }
        }
        let setupBudget = try verifySetup(key)
        clock.lap("weight ranges", bytes: key.rangeProof.count)

        let layout = try self.layout(key.program.graph(tokenCount: statement.input.count))
        let prepared = try prepare(layout, key)
        let (weightScheme, witnessScheme) = (prepared.weights, prepared.witness)
        clock.lap("layout", bytes: 0)
        let transcript = VerifierTranscript(domain: Self.domain, hash: hash, proof: proof)
        absorbStatement(transcript, statement, prepared, key.weightCommitment)
        let commitment = try transcript.receiveBytes("witness commitment", count: witnessScheme.commitmentByteCount)
        let channel = Channel<F>(.verifier(transcript))
        let context = BlockContext(
            layout, channel, tokens: statement.input, output: statement.output, prover: nil,
            lookupEffort: LookupBlock<F>.effort(layout, securityBits: key.securityBits))
        context.onLookupsDone = { clock.lap("lookups", bytes: 0) }
        let openings = try GraphProof<F>.run(context)
        clock.lap("nodes", bytes: 0)
        try witnessScheme.verify(
            commitment: commitment,
            claims: openings.columns.map { .init(vector: $0.index, point: $0.point, value: $0.value) },
            transcript: transcript)
        clock.lap("witness opening", bytes: 0)
        try weightScheme.verify(
            commitment: key.weightCommitment,
            claims: openings.weights.map { .init(vector: $0.index, point: $0.point, value: $0.value) },
            transcript: transcript)
        clock.lap("weight opening", bytes: 0)
        try transcript.finish()
        let budget =
            self.budget(channel, weightScheme, witnessScheme)
            + rangeProof(bits: setupBudget.totalBits)
        guard budget.wholeBits >= key.securityBits else {
            throw reject("security", "\(budget.wholeBits) bits are proved, \(key.securityBits) were asked for")
        }
        return VerificationReport(statement: statement, phases: clock.phases, budget: budget)
    }

    /// The error of the key's own proof, which every verification adds.
    private func rangeProof(bits: Double) -> SoundnessBudget {
        SoundnessBudget([
            .init(name: "weight ranges", bits: bits, theorem: "the range proof of the verifying key, in total")
        ])
    }

    private func requireBackend(_ key: VerifyingKey) throws {
        guard key.backend == name else {
            throw AssayError(.badData, "the key is for backend '\(key.backend)', not '\(name)'")
        }
    }

    private func tooWeak(_ budget: SoundnessBudget, _ wanted: Int) -> AssayError {
        AssayError(
            .badData,
            "\(name) proves \(budget.wholeBits) bits for this model and input, not \(wanted); ask for at most "
                + "\(budget.wholeBits), or take a field with more challenges")
    }

    private func budget(_ channel: Channel<F>, _ weights: S, _ witness: S) -> SoundnessBudget {
        func prefixed(_ prefix: String, _ budget: SoundnessBudget) -> SoundnessBudget {
            SoundnessBudget(
                budget.components.map { .init(name: "\(prefix): \($0.name)", bits: $0.bits, theorem: $0.theorem) },
                assumptions: budget.assumptions)
        }
        let steps = channel.errors.map {
            SoundnessBudget.Component(
                name: $0.name, bits: Double(F.challengeBits) - log2($0.numerator), theorem: $0.theorem)
        }
        return SoundnessBudget(steps) + prefixed("weights", weights.budget) + prefixed("witness", witness.budget)
            + hashBudget
    }
}

/// The fields of this build, for error messages about ranges.
public enum FieldBounds {
    public static let all = [
        FieldBound(name: Mersenne31.name, bound: Mersenne31.integerBound),
        FieldBound(name: GoldilocksField.name, bound: GoldilocksField.integerBound),
        FieldBound(name: BN254ScalarField.name, bound: BN254ScalarField.integerBound),
    ]
}

/// Wall-clock time phase by phase.
final class PhaseClock {
    private(set) var phases: [Phase] = []
    private var last = DispatchTime.now().uptimeNanoseconds
    private var lastBytes = 0

    func lap(_ name: String, bytes: Int) {
        let now = DispatchTime.now().uptimeNanoseconds
        phases.append(Phase(name: name, seconds: Double(now - last) / 1e9, bytes: max(0, bytes - lastBytes)))
        last = now
        lastBytes = max(lastBytes, bytes)
    }
}
