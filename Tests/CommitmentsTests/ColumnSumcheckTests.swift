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
        // Every third row is one that small vectors share.
        var rows = (0..<groups).map { _ in GroupRow<F>.table(AlignedBuffer<E>(random.point(1 << bits))) }
        for g in stride(from: 1, to: groups, by: 3) where bits > 0 { rows[g] = sharedRow(bits: bits, &random) }
        // Points, and tables, some with zeros.
        let weights = (0..<groups).map { g -> ColumnWeights<F> in
            if g % 2 == 0 { return .eq(random.point(bits)) }
            let table = AlignedBuffer<E>(random.point(1 << bits))
            for i in 0..<(1 << bits) / 3 { table[i] = .zero }
            return .table(table)
        }
        let kept = rows.map(\.table.array)
        let (expected, sum) = definition(kept, weights.map(\.table.array), F.self)
        let transcript = ProverTranscript(domain: "columns", hash: .blake3)
        let made = ColumnSumcheck<F>.prove(
            rows: rows, weights: weights, columns: 1 << bits, transcript: transcript)
        #expect(transcript.proof == expected.proof, "\(bits) bits, \(groups) groups")
        #expect(rows.map(\.table.array) == kept)
        let verifier = VerifierTranscript(domain: "columns", hash: .blake3, proof: transcript.proof)
        let (point, _) = try ColumnSumcheck<F>.verify(sum: sum, variables: bits, transcript: verifier)
        #expect(point == made.point)
        let eq = Eq<F>.table(point).array
        for (row, value) in zip(kept, made.values) {
            #expect(zip(row, eq).reduce(E.zero) { $0 + $1.0 * $1.1 } == value)
        }
    }

    /// A shared row of vectors of several sizes and widths, some of whose runs are single entries; checked against the
    /// entries one by one, in pieces that begin and end anywhere.
    private func sharedRow<F: ProofField>(bits: Int, _ random: inout CommitmentTestGenerator) -> GroupRow<F> {
        typealias E = F.Challenge
        let ranges: [ClosedRange<Int64>] = [-128...127, -0x8000...0x7fff, -0x3fff_ffff...0x3fff_ffff, 0...1 << 33]
        // A vector with a row of its own, and about two shared rows.
        var tensors = Bool.random(using: &random) ? [random.tensor([1 << bits], ranges[0])] : []
        let ownRows = tensors.count
        var left = 2 << bits
        while left > 0 {
            let size = Int.random(in: 0..<bits, using: &random)
            let shapes = [
                [1 << size], [(1 << size) / 2 + 1], [max(1, (1 << size) / 4), 3], [max(1, (1 << size) / 8), 2, 3],
            ]
            let shape = TensorShape(shapes[Int.random(in: 0..<4, using: &random)])
            if shape.paddedCount > left || shape.variableCount >= bits {
                left -= 1
                continue
            }
            left -= shape.paddedCount
            tensors.append(random.tensor(shape.dimensions, ranges[tensors.count % 4]))
        }
        let layout = MatrixLayout(tensors.map(\.shape), columnBits: bits)
        #expect(layout.ownRows == ownRows)
        let number = Int.random(in: ownRows..<layout.rowCount, using: &random)
        var entries = [E](repeating: .zero, count: 1 << bits)
        for (own, tensor) in zip(layout.vectors, tensors) where own.firstRow == number {
            for i in 0..<tensor.shape.count {
                let (run, offset) = i.quotientAndRemainder(dividingBy: own.runLength)
                entries[own.firstColumn + own.runColumns[run] + offset] = E(tensor[i])
            }
        }
        let row = SharedRow<F>(number, layout, of: tensors)
        #expect(row.table.array == entries)
        let factor: E = random.element()
        let sums = AlignedBuffer<E>(repeating: .one, count: 1 << bits)
        let border = Int.random(in: 0...1 << bits, using: &random)
        for piece in [0..<border, border..<1 << bits] {
            GroupRow.shared(row).addScaled(piece, by: factor, to: sums.pointer + piece.lowerBound)
            let part = AlignedBuffer<E>(repeating: .one, count: piece.count)
            row.embed(piece, into: part.pointer)
            #expect(part.array == Array(entries[piece]))
        }
        #expect(sums.array == entries.map { $0 * factor + .one })
        return .shared(row)
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
