import Commitments
import Fields
import Tensors
import Transcripts

/// A small generator with a seed, so that a failure can be repeated (Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators", 2014).
public struct CommitmentTestGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    public mutating func element<E: Field>(_: E.Type = E.self) -> E { E.uniform { next() } }
    public mutating func point<E: Field>(_ count: Int, of _: E.Type = E.self) -> [E] {
        (0..<count).map { _ in element() }
    }

    /// Random entries over the whole range, both ends included.
    public mutating func tensor(_ dimensions: [Int], _ range: ClosedRange<Int64>) -> IntegerTensor {
        let shape = TensorShape(dimensions)
        var values = (0..<shape.count).map { _ in Int64.random(in: range, using: &self) }
        values[Int.random(in: 0..<shape.count, using: &self)] = range.upperBound
        values[Int.random(in: 0..<shape.count, using: &self)] = range.lowerBound
        return IntegerTensor(shape: shape, range: range, values: values)
    }
}

/// The multilinear extension by its definition: the padded table, folded one variable at a time.
public func extensionByDefinition<E: ExtensionField>(_ tensor: IntegerTensor, at point: [E]) -> E {
    var table = [E](repeating: .zero, count: tensor.shape.paddedCount)
    var index = [Int](repeating: 0, count: tensor.shape.dimensions.count)
    for i in 0..<tensor.shape.count {
        table[tensor.shape.paddedIndex(index)] = E(E.Base(tensor[i]))
        for d in index.indices.reversed() {
            index[d] += 1
            if index[d] < tensor.shape.dimensions[d] { break }
            index[d] = 0
        }
    }
    for r in point { table = (0..<table.count / 2).map { table[2 * $0] + r * (table[2 * $0 + 1] - table[2 * $0]) } }
    return table[0]
}

/// One commitment and one opening, for tests.
public struct OpeningTrial<S: CommitmentScheme> {
    public typealias E = S.F.Challenge
    public let scheme: S
    public let vectors: [IntegerTensor]
    public let commitment: [UInt8]
    public let state: S.ProverState
    /// That of the transcript. Words that are folded are hashed with it too.
    public let hash: HashFunction

    public init(
        _ vectors: [IntegerTensor], securityBits: Int, hash: HashFunction, options: CommitmentOptions = .init()
    ) throws {
        try self.init(
            Self.scheme(vectors, securityBits: securityBits, hash: hash, options: options), vectors, hash: hash)
    }

    /// The scheme for vectors of these shapes.
    public static func scheme(
        _ vectors: [IntegerTensor], securityBits: Int, hash: HashFunction, options: CommitmentOptions
    ) throws -> S {
        try S(
            shapes: vectors.map { CommittedShape(shape: $0.shape, range: $0.range) },
            settings: CommitmentSettings(
                securityBits: securityBits, hash: hash, options: options, publicParameters: S.makePublicParameters()))
    }

    public init(_ scheme: S, _ vectors: [IntegerTensor], hash: HashFunction = .blake3) throws {
        let (commitment, state) = try scheme.commit(vectors)
        self.init(scheme, vectors, commitment: commitment, state: state, hash: hash)
    }

    public init(
        _ scheme: S, _ vectors: [IntegerTensor], commitment: [UInt8], state: S.ProverState,
        hash: HashFunction = .blake3
    ) {
        self.scheme = scheme
        self.vectors = vectors
        self.commitment = commitment
        self.state = state
        self.hash = hash
    }

    public func claim(_ vector: Int, at point: [E]) -> OpeningClaim<E> {
        OpeningClaim(vector: vector, point: point, value: extensionByDefinition(vectors[vector], at: point))
    }

    public func transcriptOfProver() -> ProverTranscript {
        let transcript = ProverTranscript(domain: "test", hash: hash)
        transcript.absorb("parameters", string: scheme.parameterDescription)
        transcript.absorb("commitment", commitment)
        return transcript
    }

    /// A proof, and a challenge drawn after it.
    public struct Proof: Equatable {
        public var bytes: [UInt8]
        public let next: UInt64
    }

    public func prove(_ claims: [OpeningClaim<E>], with others: [IntegerTensor]? = nil) -> Proof {
        let transcript = transcriptOfProver()
        scheme.open(others ?? vectors, state: state, claims: claims, transcript: transcript)
        return Proof(bytes: transcript.proof, next: transcript.challengeWords("after", count: 1)[0])
    }

    /// Why the verifier rejects, or nil where it accepts and its transcript agrees with the prover's.
    public func rejection(
        _ proof: Proof, _ claims: [OpeningClaim<E>], commitment other: [UInt8]? = nil
    ) -> VerificationError? {
        rejection(proof.bytes, claims, commitment: other, next: proof.next)
    }

    /// The same for bytes of which no transcript is known.
    public func rejection(
        _ proof: [UInt8], _ claims: [OpeningClaim<E>], commitment other: [UInt8]? = nil, next: UInt64? = nil
    ) -> VerificationError? {
        let transcript = VerifierTranscript(domain: "test", hash: hash, proof: proof)
        transcript.absorb("parameters", string: scheme.parameterDescription)
        transcript.absorb("commitment", other ?? commitment)
        do {
            try scheme.verify(commitment: other ?? commitment, claims: claims, transcript: transcript)
            try transcript.finish()
            if let next, next != transcript.challengeWords("after", count: 1)[0] {
                return VerificationError(check: "transcript", detail: "it parts from the prover's")
            }
            return nil
        } catch let error as VerificationError {
            return error
        } catch {
            return VerificationError(check: "NOT A VERIFICATION ERROR", detail: "\(error)")
        }
    }

    /// One message of a proof.
    public struct Message {
        /// What verifiers call it.
        public let label: String
        public let start: Int
        public let count: Int
        public let elementBytes: Int
        public var bytes: Range<Int> { start..<start + count * elementBytes }
        /// Whether it consists of elements of the challenge field. (Columns have those of the base field, and the Merkle
        /// tree is asked first.)
        public var isElements: Bool {
            [
                "column round", "row values", "row", "fold round", "last message", "fold fibres", "fold evaluations",
            ].contains(label)
        }
        public var isDigests: Bool { ["fold word", "row commitment"].contains(label) || label.hasSuffix("siblings") }
    }

    /// The messages of an honest proof, in order. A proof that ends where a message begins is rejected with the message's
    /// name, and the error says how long it should have been.
    public func messages(of proof: [UInt8], _ claims: [OpeningClaim<E>]) -> [Message]? {
        var messages: [Message] = []
        var position = 0
        while position < proof.count {
            guard let error = rejection(Array(proof[..<position]), claims) else { return nil }
            let words = error.detail.split(separator: " ")
            guard words.count > 6, words[1] == "x", words[3] == "bytes", words[5] == "0", let count = Int(words[0]),
                let size = Int(words[2]), count * size > 0, position + count * size <= proof.count
            else { return nil }
            messages.append(Message(label: error.check, start: position, count: count, elementBytes: size))
            position += count * size
        }
        return messages
    }
}

/// Checks that a commitment scheme accepts what is true and rejects what is not. Returns what went wrong; empty is
/// good.
public func checkCommitmentLaws<S: CommitmentScheme>(
    _: S.Type, securityBits: Int = 100, hash: HashFunction = .blake3, options: CommitmentOptions = .init(),
    seed: UInt64 = 1
) throws -> [String] {
    typealias E = S.F.Challenge
    var failures: [String] = []
    var random = CommitmentTestGenerator(seed: seed)
    func expect(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition { failures.append("\(S.schemeName) over \(S.F.name) \(options): \(what())") }
    }
    func expectAccepted(_ error: VerificationError?, _ what: String) {
        expect(error == nil, "\(what): rejected, \(error.map(String.init(describing:)) ?? "")")
    }
    func said(_ error: VerificationError?) -> String { error.map(String.init(describing:)) ?? "accepted" }
    func expectRejected(_ error: VerificationError?, _ what: String) {
        expect(error != nil, "\(what): accepted")
        expect(error?.check != "NOT A VERIFICATION ERROR", "\(what): \(error!)")
    }

    let int8: ClosedRange<Int64> = -128...127
    let int16: ClosedRange<Int64> = -0x8000...0x7fff
    let int32: ClosedRange<Int64> = -0x8000_0000...0x7fff_ffff

    // True claims on vectors of all kinds: several a vector, at shared points, at corners.
    let kinds: [([Int], ClosedRange<Int64>)] = [
        ([], int32), ([1], int8), ([3], int16), ([5, 7], int8), ([64, 128], int8), ([65, 96], int16),
        ([2, 3, 4], int32), ([1, 1], int8), ([2000], int16), ([3, 5, 6, 7], int8), ([17, 3, 40], int32),
        ([9, 3, 64], int8),
        ([300, 3], int8), ([0x100], -0x4000_0000_0000...0x4000_0000_0000), ([33, 1, 31, 1], 0...1),
    ]
    do {
        let vectors = kinds.map { random.tensor($0.0, $0.1) }
        let trial = try OpeningTrial<S>(vectors, securityBits: securityBits, hash: hash, options: options)
        expect(
            trial.scheme.budget.totalBits >= Double(securityBits),
            "budget of \(trial.scheme.budget.totalBits) bits where \(securityBits) are wanted")
        expect(trial.commitment.count == trial.scheme.commitmentByteCount, "size of the commitment")
        let again = try OpeningTrial<S>.scheme(
            vectors, securityBits: securityBits, hash: hash, options: options)
        expect(again.parameterDescription == trial.scheme.parameterDescription, "parameters are not determined")
        expect(try again.commit(vectors).commitment == trial.commitment, "commitments are not determined")

        let shared: [E] = random.point(64)
        var claims: [OpeningClaim<E>] = []
        for (i, vector) in vectors.enumerated() {
            let n = vector.shape.variableCount
            claims.append(trial.claim(i, at: random.point(n)))
            claims.append(trial.claim(i, at: Array(shared[..<n])))
            let corner = (0..<n).map { _ in Bool.random(using: &random) ? E.one : .zero }
            claims.append(trial.claim(i, at: corner))
        }
        for set in [
            claims, Array(claims.shuffled(using: &random)[..<7]), [claims[12]], [claims[0]], claims + claims, [],
        ] {
            expectAccepted(trial.rejection(trial.prove(set), set), "\(set.count) true claims")
        }
        expect(trial.prove([]).bytes.isEmpty, "no claims, no proof")

        // The state of a key.
        let stored = trial.scheme.encodeState(trial.state)
        let state = try trial.scheme.restoreState(stored, vectors: vectors, commitment: trial.commitment)
        let restored = OpeningTrial(trial.scheme, vectors, commitment: trial.commitment, state: state, hash: hash)
        expect(restored.prove(claims) == trial.prove(claims), "a restored state gives another proof")
        var wrong = trial.commitment
        wrong.append(0)
        expect(
            (try? trial.scheme.restoreState(stored, vectors: vectors, commitment: wrong)) == nil,
            "state of a commitment that is too long")
        if !stored.isEmpty {
            wrong = stored
            wrong[stored.count / 2] ^= 1
            expect(
                (try? trial.scheme.restoreState(wrong, vectors: vectors, commitment: trial.commitment)) == nil,
                "a state with a wrong bit")
            expect(
                (try? trial.scheme.restoreState(
                    Array(stored.dropLast()), vectors: vectors, commitment: trial.commitment))
                    == nil, "a state with a byte missing")
        }
        // Claims that fit no vector.
        expectRejected(
            trial.rejection(
                trial.prove(claims), claims + [OpeningClaim(vector: vectors.count, point: [], value: .zero)]),
            "a claim on a vector that does not exist")
        expectRejected(
            trial.rejection(trial.prove(claims), [OpeningClaim(vector: 1, point: [.one], value: .zero)]),
            "a point that is too long")
        expect((try? trial.scheme.commit(Array(vectors.dropLast()))) == nil, "too few vectors")
        expect((try? trial.scheme.commit(Array(vectors.reversed()))) == nil, "vectors of other shapes")
    }

    // Lies. Vectors 0 and 1 and vectors 2 and 3 have one shape each.
    do {
        let dimensions = [[20, 30], [20, 30], [9], [9], [3, 100]]
        let vectors = dimensions.map { random.tensor($0, int8) }
        let trial = try OpeningTrial<S>(vectors, securityBits: securityBits, hash: hash, options: options)
        let points: [[E]] = vectors.map { random.point($0.shape.variableCount) }
        let claims = vectors.indices.map { trial.claim($0, at: points[$0]) } + [trial.claim(0, at: random.point(10))]
        let proof = trial.prove(claims)
        expectAccepted(trial.rejection(proof, claims), "true claims")

        /// The verifier hears lies after an honest proof, and after the proof of a prover who tells them too.
        func expectLiesRejected(_ lies: [OpeningClaim<E>], _ what: String) {
            expectRejected(trial.rejection(proof, lies), "\(what), honest proof")
            expectRejected(trial.rejection(trial.prove(lies), lies), "\(what), proof for the lie")
        }
        for i in claims.indices {
            let c = claims[i]
            var lies = claims
            lies[i] = OpeningClaim(vector: c.vector, point: c.point, value: c.value + .one)
            expectLiesRejected(lies, "a wrong value")
            expectLiesRejected([lies[i]], "a single wrong value")
            for k in [0, c.point.count - 1] {
                var point = c.point
                point[k] += .one
                lies[i] = OpeningClaim(vector: c.vector, point: point, value: c.value)
                expectLiesRejected(lies, "a wrong coordinate \(k)")
            }
        }
        for (a, b) in [(0, 1), (2, 3)] {
            var lies = claims
            lies[a] = OpeningClaim(vector: b, point: claims[a].point, value: claims[a].value)
            expectLiesRejected(lies, "a claim on another vector")
            lies = claims
            lies[a] = OpeningClaim(vector: a, point: claims[a].point, value: claims[b].value)
            lies[b] = OpeningClaim(vector: b, point: claims[b].point, value: claims[a].value)
            expectLiesRejected(lies, "exchanged values")
            var exchanged = vectors
            exchanged.swapAt(a, b)
            expectRejected(trial.rejection(trial.prove(claims, with: exchanged), claims), "exchanged vectors")
            let other = try OpeningTrial(trial.scheme, exchanged, hash: hash)
            expectRejected(trial.rejection(other.prove(claims), claims), "the proof of another commitment")
            expectRejected(other.rejection(proof, claims), "the commitment to exchanged vectors")
        }
        var reordered = claims
        reordered.swapAt(0, 4)
        expectRejected(trial.rejection(proof, reordered), "claims in another order")
        expectRejected(trial.rejection(proof, Array(claims.dropLast())), "a claim left out")
        expectRejected(trial.rejection(proof, claims + [claims[0]]), "a claim repeated")
        for i in trial.commitment.indices {
            var commitment = trial.commitment
            commitment[i] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            expectRejected(trial.rejection(proof, claims, commitment: commitment), "commitment byte \(i)")
        }
        for commitment in [[], Array(trial.commitment.dropLast()), trial.commitment + [0]] {
            expectRejected(trial.rejection(proof, claims, commitment: commitment), "commitment of another length")
        }
        for byte: UInt8 in [0, 0xff] {
            let commitment = [UInt8](repeating: byte, count: trial.commitment.count)
            expectRejected(trial.rejection(proof, claims, commitment: commitment), "commitment of bytes \(byte)")
        }

        // Bytes of the proof.
        let honest = proof.bytes
        var positions = Array(0..<min(48, honest.count)) + Array(max(0, honest.count - 48)..<honest.count)
        for _ in 0..<64 { positions.append(Int.random(in: 0..<honest.count, using: &random)) }
        for i in positions {
            var wrong = honest
            wrong[i] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            expectRejected(trial.rejection(wrong, claims), "byte \(i) of \(honest.count)")
            wrong[i] = 0xff
            if wrong != honest {
                expectRejected(trial.rejection(wrong, claims), "byte \(i) of \(honest.count) set to ff")
            }
        }
        for length in [0, 1, honest.count / 2, honest.count - 32, honest.count - 1] {
            expectRejected(trial.rejection(Array(honest[..<length]), claims), "\(length) bytes of \(honest.count)")
        }
        expectRejected(trial.rejection(honest + [0], claims), "a byte too many")
        expectRejected(trial.rejection(honest + honest, claims), "the proof twice")
        expectRejected(trial.rejection([UInt8](repeating: 0, count: honest.count), claims), "zeros")
        expectRejected(trial.rejection([UInt8](repeating: 0xff, count: honest.count), claims), "ones")

        // Every message by its name, the first and the last of those that have one.
        guard let messages = trial.messages(of: honest, claims) else {
            expect(false, "the messages of a proof cannot be told apart")
            return failures
        }
        expect(messages.contains { $0.isElements || $0.label == "raw vectors" }, "no message has elements")
        for (i, message) in messages.enumerated()
        where !messages[..<i].contains(where: { $0.label == message.label })
            || !messages[(i + 1)...].contains(where: { $0.label == message.label })
        { checkMessage(message) }

        func checkMessage(_ message: OpeningTrial<S>.Message) {
            let part = Array(honest[message.bytes])
            func changed(_ bytes: [UInt8]) -> VerificationError? {
                trial.rejection(Array(honest[..<message.start]) + bytes + honest[message.bytes.upperBound...], claims)
            }
            expectRejected(changed([]), "'\(message.label)' left out")
            expectRejected(changed(part + part), "'\(message.label)' twice")
            for byte: UInt8 in [0, 0xff] {
                let same = [UInt8](repeating: byte, count: part.count)
                if same != part { expectRejected(changed(same), "'\(message.label)' all \(byte)") }
            }
            // Blocks of the size of a digest, a point or a challenge, exchanged.
            let size = min(message.elementBytes == 1 ? 32 : message.elementBytes, part.count / 2)
            let last = part.count - size
            if part[..<size] != part[last...] {
                let exchanged = Array(part[last...]) + part[size..<last] + Array(part[..<size])
                expectRejected(changed(exchanged), "ends of '\(message.label)' exchanged")
            }
            for start in Set([0, last / 2, last]).sorted() {
                var wrong = part
                wrong[start] ^= 1
                let error = changed(wrong)
                expectRejected(error, "byte \(start) of '\(message.label)'")
                if message.label.hasSuffix("siblings") {
                    expect(error?.check == "merkle cap", "byte \(start) of '\(message.label)': \(said(error))")
                }
            }

            // The same elements, or 0, in an encoding that is not the canonical one.
            if message.isElements {
                let width = S.F.Base.byteCount
                for start in [0, (part.count / E.byteCount / 2) * E.byteCount, part.count - width] {
                    var wrong = part
                    let place = start..<start + width
                    wrong.replaceSubrange(place, with: notCanonical(wrong[place], modulus: S.F.modulus))
                    let error = changed(wrong)
                    expect(
                        error?.check == message.label && error?.detail.contains("not canonical") == true,
                        "byte \(start) of '\(message.label)' is not canonical: \(said(error))")
                }
            }
            if message.isDigests, let (width, modulus) = hash.elements {
                for start in [0, 32 - width, part.count - 32] {
                    var wrong = part
                    let place = start..<start + width
                    wrong.replaceSubrange(place, with: notCanonical(wrong[place], modulus: modulus))
                    expectRejected(changed(wrong), "digest of '\(message.label)' with an element too large")
                }
            }
        }
        if let (width, modulus) = hash.elements, !trial.commitment.isEmpty, S.schemeName != KZGScheme.schemeName {
            for start in [0, 32 - width] {
                var commitment = trial.commitment
                let place = start..<start + width
                commitment.replaceSubrange(place, with: notCanonical(commitment[place], modulus: modulus))
                expectRejected(trial.rejection(proof, claims, commitment: commitment), "root with an element too large")
            }
        }
    }

    // All zero.
    do {
        let vectors = [[20, 30], [4], []].map {
            IntegerTensor(
                shape: TensorShape($0), range: int8, values: .init(repeating: 0, count: TensorShape($0).count))
        }
        let trial = try OpeningTrial<S>(vectors, securityBits: securityBits, hash: hash, options: options)
        let claims = vectors.indices.map {
            OpeningClaim<E>(vector: $0, point: random.point(vectors[$0].shape.variableCount), value: .zero)
        }
        expectAccepted(trial.rejection(trial.prove(claims), claims), "zero vectors")
        for i in claims.indices {
            var lies = claims
            lies[i] = OpeningClaim(vector: i, point: claims[i].point, value: .one)
            expectRejected(trial.rejection(trial.prove(lies), lies), "one in zero vector \(i)")
        }
    }

    // No vectors, and a single scalar.
    do {
        let none = try OpeningTrial<S>([], securityBits: securityBits, hash: hash, options: options)
        expectAccepted(none.rejection(none.prove([]), []), "no vectors")
        let scalar = IntegerTensor(shape: TensorShape([]), range: int8, values: [-5])
        let trial = try OpeningTrial<S>([scalar], securityBits: securityBits, hash: hash, options: options)
        let claim = OpeningClaim<E>(vector: 0, point: [], value: E(-5))
        expectAccepted(trial.rejection(trial.prove([claim]), [claim]), "a scalar")
        let lie = OpeningClaim<E>(vector: 0, point: [], value: E(5))
        expectRejected(trial.rejection(trial.prove([lie]), [lie]), "a wrong scalar")
    }
    return failures
}

/// The bytes, little-endian, of an integer not below the modulus: the given one plus the modulus where that has as many
/// bytes, or else the modulus.
public func notCanonical(_ bytes: some Collection<UInt8>, modulus words: [UInt64]) -> [UInt8] {
    let modulus = BigInteger(words: words)
    let sum = BigInteger(bytes: Array(bytes)) + modulus
    return (sum.bitCount <= 8 * bytes.count ? sum : modulus).bytes(bytes.count)
}

extension HashFunction {
    /// Of hashes whose digests are field elements, the bytes of one and the modulus.
    var elements: (width: Int, modulus: [UInt64])? {
        switch self {
        case .blake3, .sha256, .keccak256: nil
        case .poseidon2M31: (4, Mersenne31.modulus)
        case .poseidon2Goldilocks: (8, GoldilocksField.modulus)
        case .poseidon2BN254: (32, BN254ScalarField.modulus)
        }
    }
}
