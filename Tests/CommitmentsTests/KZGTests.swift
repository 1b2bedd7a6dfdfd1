import Commitments
import Curves
import Fields
import Foundation
import Tensors
import TestSupport
import Testing
import Transcripts

/// Provers that lie inside the opening, each in one place, consistently everywhere else.
@Suite struct KZGTests {
    typealias E = BN254Scalar

    /// Two vectors of their own rows with padding inside, claimed at one column point, and two that share a row.
    struct Prover {
        let trial: OpeningTrial<KZGScheme>
        let claims: [OpeningClaim<E>]

        init() throws {
            var random = CommitmentTestGenerator(seed: 17)
            let vectors = [[60, 100], [70, 64], [33, 60], [5], [2, 2]].map { random.tensor($0, -128...127) }
            trial = try OpeningTrial(vectors, securityBits: 100, hash: .blake3)
            let point: [E] = random.point(14)
            claims = [
                trial.claim(0, at: Array(point[..<13])), trial.claim(1, at: Array(point[..<13])),
                trial.claim(2, at: random.point(12)), trial.claim(3, at: random.point(3)),
                trial.claim(4, at: random.point(2)),
            ]
        }

        func rejection(
            lies: [OpeningClaim<E>]? = nil, commitment: [UInt8]? = nil, _ change: (inout KZGCheat) -> Void = { _ in }
        ) -> VerificationError? {
            var cheat = KZGCheat()
            change(&cheat)
            let transcript = trial.transcriptOfProver()
            trial.scheme.open(
                trial.vectors, state: trial.state, claims: lies ?? claims, transcript: transcript, cheat: cheat)
            return trial.rejection(transcript.proof, lies ?? claims, commitment: commitment)
        }
    }

    @Test func lyingProvers() throws {
        let prover = try Prover()
        #expect(prover.rejection() == nil)
        // A false claim, with rows that make the sumcheck true: only the commitment can tell.
        for i in prover.claims.indices {
            var lies = prover.claims
            lies[i] = OpeningClaim(vector: lies[i].vector, point: lies[i].point, value: lies[i].value + .one)
            #expect(prover.rejection(lies: lies)?.check == "column sumcheck")
            for group in 0..<2 {
                let error = prover.rejection(lies: lies) { cheat in
                    cheat.groups = { rows, weights, gammas in
                        let entry = (0..<rows[group].count).first { !weights[group][$0].isZero }!
                        rows[group][entry] += gammas[i] * weights[group][entry].inverse()!
                    }
                }
                #expect(error?.check == "kzg pairing")
            }
        }
        // Rows changed so that the sumcheck stays true, or does not.
        #expect(
            prover.rejection { cheat in
                cheat.groups = { rows, weights, _ in
                    rows[0][0] += weights[0][1]
                    rows[0][1] -= weights[0][0]
                }
            }?.check == "kzg pairing")
        #expect(
            prover.rejection { cheat in cheat.groups = { rows, _, _ in rows[0][3] += .one } }?.check
                == "column sumcheck")
        #expect(prover.rejection { cheat in cheat.values = { $0[0] += .one } }?.check == "column sumcheck")
    }

    @Test func lyingFolds() throws {
        let prover = try Prover()
        let size = prover.trial.scheme.foldCount
        for i in 0..<size {
            // A fold that is another polynomial, committed to and evaluated as such.
            let error = prover.rejection { cheat in cheat.folds = { folds, _ in folds[i][0] += .one } }
            #expect(error?.check == (i == size - 1 ? "folds" : "kzg pairing"), "\(i)")
            // All folds from the changed one on.
            let consistent = prover.rejection { cheat in
                cheat.folds = { folds, point in
                    folds[i][0] += .one
                    for k in i..<size - 1 {
                        BN254ScalarField.fold(
                            folds[k].pointer, at: point[k], into: folds[k + 1].pointer, pairs: folds[k + 1].count)
                    }
                }
            }
            #expect(consistent?.check == "folds", "\(i)")
        }
        // A change of f_0 that leaves its value: only the pairing tells.
        #expect(
            prover.rejection { cheat in
                cheat.folds = { folds, point in
                    // eq(point, 0) and eq(point, 1) differ in the factor of the lowest variable.
                    folds[0][0] += point[0]
                    folds[0][1] -= E.one - point[0]
                    for k in 0..<size - 1 {
                        BN254ScalarField.fold(
                            folds[k].pointer, at: point[k], into: folds[k + 1].pointer, pairs: folds[k + 1].count)
                    }
                }
            }?.check == "kzg pairing")
        // Wrong evaluations: of each polynomial, and two that leave the last fold right.
        for k in 0..<2 * size + 1 {
            let error = prover.rejection { cheat in cheat.evaluations = { $0[k] += .one } }
            #expect(error?.check == (k >= 2 * size - 2 && k < 2 * size ? "folds" : "kzg pairing"), "\(k)")
        }
    }

    @Test func wrongPoints() throws {
        let prover = try Prover()
        func expect(_ check: String, _ what: String, _ change: (inout KZGCheat) -> Void) {
            #expect(prover.rejection(lies: nil, change)?.check == check, "\(what)")
        }
        let other = G1.generator.compressed
        let identity = G1.identity.compressed
        // No y for x = 4: 67 is no square modulo p; and x = p + 1, which is not below p.
        var offCurve = BN254Base(4).bigEndianBytes
        offCurve[0] |= 0x80
        try #require(G1(compressed: offCurve) == nil)
        var notCanonical: [UInt8] = Array(
            (BigInteger(decimal: "21888242871839275222246405745257275088696311157297823662689037894645226208584")!)
                .bytes(32)
                .reversed())
        notCanonical[0] |= 0x80
        let bad = [offCurve, notCanonical, [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xff, count: 32)]
        for wrong in [other, identity] {
            expect("kzg pairing", "quotient") { $0.quotient = { $0 = wrong } }
            expect("kzg pairing", "first fold") { $0.foldCommitments = { $0.replaceSubrange(0..<32, with: wrong) } }
        }
        expect("kzg pairing", "negative quotient") { $0.quotient = { $0[0] ^= 0x40 } }
        for wrong in bad {
            expect("quotient", "quotient") { $0.quotient = { $0 = wrong } }
            expect("fold commitments", "fold") { $0.foldCommitments = { $0.replaceSubrange(32..<64, with: wrong) } }
        }
        // The commitment itself, by a prover who computes all challenges with the changed one.
        let scheme = prover.trial.scheme
        for (wrong, check) in [(other, "kzg pairing"), (identity, "kzg pairing")] + bad.map({ ($0, "kzg commitment") })
        {
            for row in [0, scheme.commitmentByteCount / 32 - 1] {
                var commitment = prover.trial.commitment
                commitment.replaceSubrange(32 * row..<32 * row + 32, with: wrong)
                let state = try scheme.restoreState([], vectors: prover.trial.vectors, commitment: commitment)
                let trial = OpeningTrial(scheme, prover.trial.vectors, commitment: commitment, state: state)
                #expect(trial.rejection(trial.prove(prover.claims), prover.claims)?.check == check)
            }
        }
        // Rows exchanged, and a row and its negative.
        for (a, b) in [(0, 1), (0, scheme.commitmentByteCount / 32 - 1)] {
            var commitment = prover.trial.commitment
            let rows = [a, b].map { Array(commitment[32 * $0..<32 * $0 + 32]) }
            commitment.replaceSubrange(32 * a..<32 * a + 32, with: rows[1])
            commitment.replaceSubrange(32 * b..<32 * b + 32, with: rows[0])
            var negative = prover.trial.commitment
            negative[32 * b] ^= 0x40
            for wrong in [commitment, negative] {
                let state = try scheme.restoreState([], vectors: prover.trial.vectors, commitment: wrong)
                let trial = OpeningTrial(scheme, prover.trial.vectors, commitment: wrong, state: state)
                #expect(trial.rejection(trial.prove(prover.claims), prover.claims)?.check == "kzg pairing")
            }
        }
    }

    /// A key whose part of the reference string has an element of a wrong group, the identity, or another encoding.
    @Test func wrongReferences() throws {
        let honest = try KZGScheme.makePublicParameters()
        let shapes = [CommittedShape(shape: TensorShape([4]), range: 0...1)]
        func why(_ start: Int, _ bytes: [UInt8]) -> String {
            var wrong = honest
            wrong.replaceSubrange(start..<start + bytes.count, with: bytes)
            do {
                _ = try KZGScheme(
                    shapes: shapes,
                    settings: CommitmentSettings(securityBits: 100, hash: .blake3, publicParameters: wrong))
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(why(0, []) == "accepted")
        for k in 0..<3 {
            let start = 128 + 128 * k
            for (what, point) in WrongPoints.all {
                #expect(why(start, point.encoded).contains("no point of its group"), "\(what), \(k)")
            }
            #expect(why(start, G2.identity.encoded).contains("not powers of one tau"))
            let part = Array(honest[start..<start + 32].reversed())
            let modulus = [BN254Base.p0, BN254Base.p1, BN254Base.p2, BN254Base.p3]
            #expect(
                why(start, notCanonical(part, modulus: modulus).reversed()).contains("no point of its group"), "\(k)")
        }
        #expect(why(0, WrongPoints.offCurve.encoded).contains("no point of its group"))
        #expect(why(0, G1.identity.encoded).contains("tau is zero"))
    }

    /// A prover who commits to an entry where a vector has padding, and claims the value that it gives.
    @Test func padding() throws {
        for dimensions in [[3], [3, 3], [70, 101]] {
            let shape = TensorShape(dimensions)
            let vector = IntegerTensor(
                shape: shape, range: -128...127, values: (0..<Int64(shape.count)).map { ($0 * 7) % 100 })
            let trial = try OpeningTrial<KZGScheme>([vector], securityBits: 100, hash: .blake3)
            let scheme = trial.scheme
            let layout = MatrixLayout([shape], columnBits: scheme.foldCount)
            let row = layout.rowCount - 1
            let padding = try #require(
                layout.sharedPaddings.last ?? layout.vectorPaddings[0].partial ?? layout.vectorPaddings[0].full)
            let column = layout.paddings[padding].first!.lowerBound
            for junk: Int64 in [0, 5] {
                // The row's commitment with the entry added.
                let string = ReferenceString.development(size: layout.columnCount)
                let old = try #require(G1(compressed: trial.commitment[32 * row..<32 * row + 32]))
                let new = old + string.withPoints { $0[column] }.multiplied(by: E(junk))
                var commitment = trial.commitment
                commitment.replaceSubrange(32 * row..<32 * row + 32, with: new.compressed)
                let state = try scheme.restoreState([], vectors: [vector], commitment: commitment)
                let dishonest = OpeningTrial(scheme, [vector], commitment: commitment, state: state)

                var random = CommitmentTestGenerator(seed: 8)
                let point: [E] = random.point(shape.variableCount)
                let weights = AlignedBuffer<E>(repeating: .zero, count: layout.rowCount)
                layout.vectors[0].addRowWeights(BN254ScalarField.self, point, scale: .one, to: weights.pointer)
                let eq = AlignedBuffer<E>(uninitialized: layout.columnCount)
                BN254ScalarField.expandEq(layout.vectors[0].columnPoint(point), scale: .one, into: eq.pointer)
                let truth = trial.claim(0, at: point)
                let claim = OpeningClaim(
                    vector: 0, point: point, value: truth.value + weights[row] * eq[column] * E(junk))
                // The claim's row as it is committed to; the padding's is not touched, so that the sumcheck is true.
                var cheat = KZGCheat()
                cheat.groups = { rows, _, gammas in
                    rows[0][column] += (layout.vectors[0].isBlock ? E.one : gammas[0] * weights[row]) * E(junk)
                }
                let transcript = dishonest.transcriptOfProver()
                scheme.open([vector], state: state, claims: [claim], transcript: transcript, cheat: cheat)
                let error = dishonest.rejection(transcript.proof, [claim])
                #expect(error?.check == (junk == 0 ? nil : "kzg pairing"), "\(dimensions)")
            }
        }
    }

    /// Commitments are those of the definition: sums of multiples of powers.
    @Test func commitmentsByDefinition() throws {
        var random = CommitmentTestGenerator(seed: 4)
        let vectors = [
            random.tensor([5, 9], -128...127), random.tensor([40], -0x8000...0x7fff), random.tensor([3], 0...1),
            random.tensor([2, 3], -0x7fff_ffff...5), random.tensor([5], 0...1 << 40), random.tensor([7], -3...3),
            random.tensor([], 0...1 << 20),
        ]
        let trial = try OpeningTrial<KZGScheme>(vectors, securityBits: 100, hash: .sha256)
        let layout = MatrixLayout(vectors.map(\.shape), columnBits: trial.scheme.foldCount)
        let points = ReferenceString.development(size: layout.columnCount).withPoints { Array($0) }
        let row = AlignedBuffer<E>(repeating: .zero, count: layout.columnCount)
        for r in 0..<layout.rowCount {
            layout.embedRow(
                BN254ScalarField.self, r, columns: 0..<layout.columnCount, of: vectors, owners: layout.owners,
                into: row.pointer)
            let sum = zip(row.array, points).reduce(G1.identity) { $0 + $1.1.multiplied(by: $1.0) }
            #expect(Array(trial.commitment[32 * r..<32 * r + 32]) == sum.compressed)
        }
    }

    /// The development string shows wherever the scheme says what it is; public parameters are parsed as hostile.
    @Test func publicParameters() throws {
        let shapes = [CommittedShape(shape: TensorShape([4]), range: 0...1)]
        let parameters = try KZGScheme.makePublicParameters()
        func make<S: CommitmentScheme>(_: S.Type, _ parameters: [UInt8]) throws -> S {
            try S(
                shapes: shapes,
                settings: CommitmentSettings(securityBits: 100, hash: .blake3, publicParameters: parameters))
        }
        let scheme = try make(KZGScheme.self, parameters)
        #expect(scheme.parameterDescription.contains("INSECURE"))
        #expect(scheme.budget.description.contains("INSECURE") && scheme.budget.wholeBits == 100)
        #expect(scheme.budget.totalBits > 200)
        var random = CommitmentTestGenerator(seed: 3)
        for _ in 0..<20 {
            var wrong = parameters
            wrong[Int.random(in: 0..<wrong.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: CommitmentError.self) { try make(KZGScheme.self, wrong) }
        }
        #expect(throws: CommitmentError.self) { try make(KZGScheme.self, []) }
        #expect(throws: CommitmentError.self) { try make(RawScheme<BN254ScalarField>.self, parameters) }
        #expect(throws: CommitmentError.self) { try KZGScheme(shapes: shapes, securityBits: 230, hash: .blake3) }
    }
}
