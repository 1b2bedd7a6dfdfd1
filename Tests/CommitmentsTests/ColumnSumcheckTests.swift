import Fields
import Multilinears
import Tensors
import TestSupport
import Testing
import Transcripts

@testable import Commitments

/// The sumcheck over columns against one by definition, for groups that are folded whole and in pieces.
@Suite(.serialized) struct ColumnSumcheckTests {
    @Test(arguments: [1, 2, 3, 8])
    func agreesWithDefinition(threads: Int) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = threads
        for bits in [0, 1, 2, 9, 10, 11, 12, 14] {
            for groups in bits == 14 ? [1, 2] : [1, 3, 9, 40] {
                try check(Mersenne31.self, bits: bits, groups: groups)
                if bits < 12 { try check(BN254ScalarField.self, bits: bits, groups: groups) }
                if bits < 13 { try check(GoldilocksField.self, bits: bits, groups: groups) }
            }
        }
    }

    private func check<F: ProofField>(_: F.Type, bits: Int, groups: Int) throws {
        typealias E = F.Challenge
        var random = CommitmentTestGenerator(seed: UInt64(bits * 100 + groups))
        let rows = (0..<groups).map { _ in AlignedBuffer<E>(random.point(1 << bits)) }
        // Points, and tables, some with zeros.
        let weights = (0..<groups).map { g -> ColumnWeights<F> in
            if g % 2 == 0 { return .eq(random.point(bits)) }
            let table = AlignedBuffer<E>(random.point(1 << bits))
            for i in 0..<(1 << bits) / 3 { table[i] = .zero }
            return .table(table)
        }
        let (expected, sum) = definition(rows.map(\.array), weights.map(\.table.array), F.self)
        let kept = rows.map(\.array)
        let transcript = ProverTranscript(domain: "columns", hash: .blake3)
        let made = ColumnSumcheck<F>.prove(rows: rows, weights: weights, transcript: transcript)
        #expect(transcript.proof == expected.proof, "\(bits) bits, \(groups) groups")
        #expect(rows.map(\.array) == kept)
        let verifier = VerifierTranscript(domain: "columns", hash: .blake3, proof: transcript.proof)
        let (point, _) = try ColumnSumcheck<F>.verify(sum: sum, variables: bits, transcript: verifier)
        #expect(point == made.point)
        let eq = Eq<F>.table(point).array
        for (row, value) in zip(kept, made.values) {
            #expect(zip(row, eq).reduce(E.zero) { $0 + $1.0 * $1.1 } == value)
        }
    }

    /// The same messages by the definition of the round, and the sum that is shown.
    private func definition<F: ProofField>(
        _ rows: [[F.Challenge]], _ weights: [[F.Challenge]], _: F.Type
    ) -> (ProverTranscript, sum: F.Challenge) {
        typealias E = F.Challenge
        var (rows, weights) = (rows, weights)
        var sum = E.zero
        for (row, weight) in zip(rows, weights) { for (a, b) in zip(row, weight) { sum += a * b } }
        let transcript = ProverTranscript(domain: "columns", hash: .blake3)
        while rows[0].count > 1 {
            var (atZero, leading) = (E.zero, E.zero)
            for (row, weight) in zip(rows, weights) {
                for i in stride(from: 0, to: row.count, by: 2) {
                    atZero += row[i] * weight[i]
                    leading += (row[i + 1] - row[i]) * (weight[i + 1] - weight[i])
                }
            }
            transcript.send("column round", [atZero, leading])
            let r: E = transcript.challenge("column point")
            func folded(_ table: [E]) -> [E] {
                stride(from: 0, to: table.count, by: 2).map { table[$0] + r * (table[$0 + 1] - table[$0]) }
            }
            rows = rows.map(folded)
            weights = weights.map(folded)
        }
        return (transcript, sum)
    }
}
