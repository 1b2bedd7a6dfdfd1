import Blocks
import Fields
import Graphs
import Multilinears
import Tensors
import Testing
import Transcripts

/// The proof that committed weights lie in their ranges, against a prover who commits to others.
@Suite struct WeightRangeTests {
    @Test func mersenne31() throws { try all(Mersenne31.self) }
    @Test func goldilocks() throws { try all(GoldilocksField.self) }
    @Test func bn254() throws { try all(BN254ScalarField.self) }

    func all<F: ProofField>(_: F.Type) throws {
        let ranges: [ClosedRange<Int64>] = [-127...127, -128...127, -17864...17864, 0...1, -1_000_003...70_000]
        var builder = GraphBuilder()
        for (i, range) in ranges.enumerated() { _ = try builder.weight("w\(i)", [3, 5], range: range) }
        let layout = try ProofLayout(weights: builder.nodes, field: F.self)
        let honest = ranges.map { range in
            IntegerTensor(
                shape: TensorShape([3, 5]), range: range,
                values: (0..<15).map { $0 % 3 == 0 ? range.lowerBound : $0 % 3 == 1 ? range.upperBound : 0 })
        }
        #expect(try accepted(layout, honest, F.self))
        for (i, range) in ranges.enumerated() {
            for value in [range.lowerBound - 1, range.upperBound + 1, range.upperBound + 1 << 16, -1 << 30, 1 << 30] {
                var weights = honest
                weights[i] = changed(honest[i], 7, to: value)
                #expect(try !accepted(layout, weights, F.self), "\(F.name): \(value) in \(range)")
            }
        }
    }

    func accepted<F: ProofField>(_ layout: ProofLayout, _ weights: [IntegerTensor], _: F.Type) throws -> Bool {
        let witness = try Witness(layout, lyingWeights: weights)
        let prover = ProverTranscript(domain: "ideal", hash: .blake3)
        let made = BlockContext<F>(
            layout, Channel(.prover(prover)), tokens: [], output: 0, prover: ProverData(witness: witness),
            lookupEffort: LookupEffort())
        _ = try GraphProof<F>.run(made)
        let verifier = VerifierTranscript(domain: "ideal", hash: .blake3, proof: prover.proof)
        let context = BlockContext<F>(
            layout, Channel(.verifier(verifier)), tokens: [], output: 0, prover: nil, lookupEffort: LookupEffort())
        do {
            let openings = try GraphProof<F>.run(context)
            try verifier.finish()
            return openings.columns.allSatisfy { Evaluation<F>.of(witness.columns[$0.index], at: $0.point) == $0.value }
        } catch is VerificationError { return false }
    }
}
