import Blocks
import Fields
import Graphs
import Tensors
import TestSupport
import Testing
import Transcripts

/// Requantisations without a table whose values need more than one range table, with odd bounds: the bounds of the check are
/// scaled like the form that they belong to, or the honest remainder would be refused and a false one accepted.
@Suite struct WideRequantiseTests {
    @Test func mersenne31() throws { try all(Mersenne31.self) }
    @Test func goldilocks() throws { try all(GoldilocksField.self) }
    @Test func bn254() throws { try all(BN254ScalarField.self) }

    func all<F: ProofField>(_: F.Type) throws {
        let cases: [(shift: Int, top: Int64)] = [
            (1, 1_048_577), (1, 131_069), (3, 4_194_309), (8, 67_108_941), (9, 4096),
        ]
        for (shift, top) in cases {
            let mask: Int64 = (1 << Int64(shift)) - 1
            var builder = GraphBuilder()
            let tokens = try builder.tokens("tokens", count: 3, vocabulary: 5)
            let table = try builder.weight("table", [5, 6], range: -top...top - 2)
            let x = try builder.embed("x", table: table, tokens: tokens)
            let odd = try builder.combine("odd", [Term(x, axes: [0, 1])], constant: 3, dimensions: [3, 6])
            let y = try builder.requantise("y", odd, shift: shift)
            let last = try builder.slice("last", y, axis: 0, index: 2)
            let output = try builder.argmax("output", last)
            let graph = try builder.finish(input: tokens, output: output)
            let ends: [Int64] = [-top, top - 2, 0, -1, 1, 12345 % top]
            let weights = [
                "table": IntegerTensor(
                    shape: TensorShape([5, 6]), range: -top...top - 2,
                    values: (0..<30).map { ends[($0 * 7 + $0 / 6) % 6] })
            ]
            let p = try Prepared(("wide", graph, weights, [4, 1, 3]), F.self)
            let proof = try Ideal<F>.prove(p.layout, p.witness, tokens: p.tokens)
            try Ideal<F>.verify(
                p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                weights: weights)

            // Every remainder moved by the same amount, inside its range, whatever field element the value then is.
            let limb = p.layout.columns.firstIndex { $0.role == .requantiseLimb(y, index: 0) }!
            for delta in 1...min(mask, 4) {
                var witness = p.witness
                let moved: [Int64] = witness.columns[limb].values.map { ($0 + delta) & mask }
                witness.columns[limb] = IntegerTensor(
                    shape: witness.columns[limb].shape, range: witness.columns[limb].range, values: moved)
                try witness.recount(p.layout)
                let lie = try Ideal<F>.prove(p.layout, witness, tokens: p.tokens)
                #expect(throws: VerificationError.self, "shift \(shift), top \(top), remainders + \(delta)") {
                    try Ideal<F>.verify(
                        p.layout, lie, tokens: p.tokens, output: p.witness.output, columns: witness.columns,
                        weights: weights)
                }
            }
        }
    }
}
