import Blocks
import Fields
import Graphs
import Multilinears
import Tensors
import TestSupport
import Transcripts

/// Runs the graph proof with an ideal commitment: the columns and weights that were "committed" are evaluated directly.
/// What these tests accept or reject is then due to the blocks alone.
enum Ideal<F: ProofField> {
    typealias E = F.Challenge

    static func prove(
        _ layout: ProofLayout, _ witness: Witness, tokens: [Int], output: Int? = nil,
        effort: LookupEffort = LookupEffort(), tamper: ((String, inout [E]) -> Void)? = nil
    ) throws -> [UInt8] {
        let transcript = ProverTranscript(domain: "ideal", hash: .blake3)
        transcript.absorb("graph", layout.graph.canonicalBytes)
        let channel = Channel<F>(.prover(transcript))
        channel.tamper = tamper
        let context = BlockContext(
            layout, channel, tokens: tokens, output: output ?? witness.output, prover: ProverData(witness: witness),
            lookupEffort: effort)
        _ = try GraphProof<F>.run(context)
        return transcript.proof
    }

    /// Throws unless the proof is accepted for these committed columns and weights.
    static func verify(
        _ layout: ProofLayout, _ proof: [UInt8], tokens: [Int], output: Int, columns: [IntegerTensor],
        weights: [String: IntegerTensor], effort: LookupEffort = LookupEffort()
    ) throws {
        let transcript = VerifierTranscript(domain: "ideal", hash: .blake3, proof: proof)
        transcript.absorb("graph", layout.graph.canonicalBytes)
        let channel = Channel<F>(.verifier(transcript))
        let context = BlockContext(
            layout, channel, tokens: tokens, output: output, prover: nil, lookupEffort: effort)
        let openings = try GraphProof<F>.run(context)
        try transcript.finish()
        for o in openings.columns where Evaluation<F>.of(columns[o.index], at: o.point) != o.value {
            throw VerificationError(check: "opening", detail: "column \(layout.columns[o.index].name)")
        }
        for o in openings.weights {
            let name = layout.graph.nodes[layout.weights[o.index]].name
            if Evaluation<F>.of(weights[name]!, at: o.point) != o.value {
                throw VerificationError(check: "opening", detail: "weight \(name)")
            }
        }
    }
}

struct Prepared {
    let layout: ProofLayout
    let witness: Witness
    let tokens: [Int]
    let weights: [String: IntegerTensor]

    init<F: ProofField>(_ sample: SampleGraphs.Sample, _: F.Type) throws {
        layout = try ProofLayout(sample.graph, field: F.self)
        let execution = try Interpreter(graph: sample.graph, weights: sample.weights).run(tokens: sample.tokens)
        witness = try Witness(layout, execution)
        tokens = sample.tokens
        weights = sample.weights
    }
}
