import Commitments
import Fields
import Multilinears
import Tensors
import Transcripts

/// One commitment on one kind of data: committing, opening one claim, verifying it.
struct CommitmentResult: Codable {
    /// As in the names of backends, with fixed parameters: `m31/orion:switch=off`.
    var scheme: String
    /// `int8` or `field`.
    var data: String
    var count: Int
    /// To choose parameters and build the code from shapes, which both sides do once.
    var makeSeconds: Double
    /// Named `scheme.commit/2^22 int8`, and so on.
    var steps: [KernelResult]
    var commitmentBytes: Int
    var proofBytes: Int
    /// What the opening is proved to reach.
    var securityBits: Int
    var parameters: String
}

/// A commitment to measure, for either kind of data.
struct CommitmentCase {
    static let bits = 22
    static let securityBits = 100

    let scheme: String
    let data: String
    let measure: (_ clock: Clock, _ rounds: Int, _ threads: Bool) throws -> CommitmentResult

    var name: String { "commitments.\(scheme)/\(data)" }
}

/// All commitments, by field. `orion` in both forms: the combination of rows sent, and committed to by folding.
@MainActor let commitmentSuite: [CommitmentCase] =
    cases(Mersenne31.self) + cases(GoldilocksField.self) + cases(BN254ScalarField.self)
    + ["int8", "field"].map { commitment(KZGScheme.self, data: $0) }

private func cases<F: ProofField>(_: F.Type) -> [CommitmentCase] {
    ["int8", "field"].flatMap { data in
        [
            commitment(OrionScheme<F>.self, "switch=off", data: data),
            commitment(OrionScheme<F>.self, "switch=on", data: data),
            commitment(TensorCodeScheme<F, ExpanderCode<F>>.self, data: data),
            commitment(FRIScheme<F>.self, data: data),
            commitment(RawScheme<F>.self, data: data),
        ]
    }
}

private func commitment<S: CommitmentScheme>(_: S.Type, _ options: String? = nil, data: String) -> CommitmentCase {
    let name = "\(S.F.name)/\(S.schemeName)" + (options.map { ":" + $0 } ?? "")
    return CommitmentCase(scheme: name, data: data) { clock, rounds, threads in
        let vector = randomVector(S.F.self, data)
        let shapes = [CommittedShape(shape: vector.shape, range: vector.range)]
        let settings = CommitmentSettings(
            securityBits: CommitmentCase.securityBits, hash: .blake3,
            options: options.flatMap { CommitmentOptions($0) } ?? CommitmentOptions(),
            publicParameters: try S.makePublicParameters())
        let make = Run { consume(try! S(shapes: shapes, settings: settings).commitmentByteCount) }
        let scheme = try S(shapes: shapes, settings: settings)
        let point = elements(CommitmentCase.bits, S.F.Challenge.self).array
        let claims = [OpeningClaim(vector: 0, point: point, value: Evaluation<S.F>.of(vector, at: point))]
        let (commitment, state) = try scheme.commit([vector])
        func open() -> [UInt8] {
            let transcript = ProverTranscript(domain: "bench", hash: .blake3)
            scheme.open([vector], state: state, claims: claims, transcript: transcript)
            return transcript.proof
        }
        let proof = open()
        func verify() throws {
            let transcript = VerifierTranscript(domain: "bench", hash: .blake3, proof: proof)
            try scheme.verify(commitment: commitment, claims: claims, transcript: transcript)
            try transcript.finish()
        }
        // A time for a proof that is not accepted would be worth nothing.
        try verify()
        let runs: [(String, Run)] = [
            ("commit", Run { consume(try! scheme.commit([vector]).commitment.count) }),
            ("open", Run { consume(open().count) }),
            ("verify", Run { try! verify() }),
        ]
        let steps = runs.map { step, run in
            var result = KernelResult(
                name: "\(name).\(step)/2^\(CommitmentCase.bits) \(data)", count: Double(vector.shape.count),
                unit: "element", seconds: .infinity, samples: [])
            for _ in 0..<rounds {
                result.samples.append(clock.fastest(run, threads: 1))
                if threads {
                    result.twoThreadSeconds = min(
                        result.twoThreadSeconds ?? .infinity, clock.fastest(run, threads: 2))
                }
            }
            result.seconds = result.samples.min()!
            return result
        }
        return CommitmentResult(
            scheme: name, data: data, count: vector.shape.count, makeSeconds: clock.fastest(make, threads: 1),
            steps: steps, commitmentBytes: commitment.count, proofBytes: proof.count,
            securityBits: min(scheme.budget.wholeBits, scheme.budget.assumedBits ?? .max),
            parameters: scheme.parameterDescription)
    }
}

/// Uniform integers: of 8 bits, or as many values as the field takes from a tensor. Those are all of Mersenne-31, and 63 bits
/// of the other fields, because tensors hold 64-bit integers.
private func randomVector<F: ProofField>(_: F.Type, _ data: String) -> IntegerTensor {
    let shape = TensorShape([1 << CommitmentCase.bits])
    let range = data == "int8" ? Int64(Int8.min)...Int64(Int8.max) : -F.integerBound...F.integerBound
    let tensor = IntegerTensor(uninitialized: shape, range: range)
    var words = Words()
    var visitor = Filling { Int64.random(in: range, using: &words) }
    tensor.storage.visit(&visitor)
    return tensor
}

private struct Filling: IntegerVisitor {
    let next: () -> Int64

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        let output = UnsafeMutableBufferPointer(mutating: elements)
        for i in output.indices { output[i] = T(next()) }
    }
}

extension Words: RandomNumberGenerator {}

extension Report {
    /// A row for each commitment and kind of data, and one more for each target.
    var commitmentTable: String {
        var table = Table(
            [
                "commitment", "data", "make ms", "commit ms", "2 threads", "open ms", "2 threads", "verify ms",
                "2 threads",
                "commitment B", "proof B", "bits", "target", "ratio",
            ], rightAligned: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13])
        for result in commitments {
            var cells = [result.scheme, result.data, significant(result.makeSeconds * 1e3)]
            for step in result.steps {
                cells += [
                    significant(step.seconds * 1e3), step.twoThreadSeconds.map { significant($0 * 1e3) } ?? "",
                ]
            }
            // Where everything is sent there is no error.
            let bits = result.securityBits < 256 ? String(result.securityBits) : "exact"
            cells += [String(result.commitmentBytes), String(result.proofBytes), bits]
            let standings = result.steps.flatMap(\.references)
            for standing in standings {
                table.add(cells + [standing.reference.text, String(format: "%.2f", standing.ratio)])
                cells = [String](repeating: "", count: cells.count)
            }
            if standings.isEmpty { table.add(cells + ["", ""]) }
        }
        return """
            Commitments to 2^\(CommitmentCase.bits) integers, \(CommitmentCase.securityBits) bits asked for, BLAKE3, one claim. \
            int8: random bytes. field: random integers,
            all 31-bit values of Mersenne-31, 63 bits over Goldilocks and BN254 (tensors hold no wider ones). "make" is the choice \
            of parameters and the building
            of the code, once for either side. One thread by its processor time, two by the wall clock.

            """ + table.text
    }
}
