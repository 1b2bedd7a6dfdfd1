import Fields
import Graphs
import Multilinears
import Tensors
import Transcripts

/// What a prover has and a verifier has not.
public struct ProverData: Sendable {
    public let witness: Witness

    public init(witness: Witness) { self.witness = witness }
}

/// What the blocks of one proof share: the layout, the public input and output, one end of the channel, and the open claims.
public final class BlockContext<F: ProofField> {
    public typealias E = F.Challenge
    public let layout: ProofLayout
    public let channel: Channel<F>
    public let tokens: [Int]
    public let output: Int
    public let prover: ProverData?
    public let lookupEffort: LookupEffort
    public let book = ClaimBook<Oracle, E>()
    /// Called between the lookups and the nodes, for timing.
    public var onLookupsDone: () -> Void = {}

    public init(
        _ layout: ProofLayout, _ channel: Channel<F>, tokens: [Int], output: Int, prover: ProverData?,
        lookupEffort: LookupEffort
    ) {
        precondition((prover != nil) == channel.isProver)
        self.layout = layout
        self.channel = channel
        self.tokens = tokens
        self.output = output
        self.prover = prover
        self.lookupEffort = lookupEffort
    }

    public var graph: Graph { layout.graph }

    /// What the blocks of one branch of the proof share.
    func branch(_ channel: Channel<F>) -> BlockContext {
        BlockContext(
            layout, channel, tokens: tokens, output: output, prover: prover, lookupEffort: lookupEffort)
    }

    /// Makes a claim, or settles it at once where the tensor is public.
    func claim(_ oracle: Oracle, at point: [E], is value: E) throws {
        let oracle = layout.resolve(oracle)
        guard case .node(let id) = oracle else { return book.claim(oracle, at: point, is: value) }
        let node = graph.nodes[id]
        switch node.operation {
        case .constant(let values):
            try channel.require(
                Evaluation<F>.of(
                    IntegerTensor(shape: node.shape, range: node.range, storage: .int32(AlignedBuffer(values))),
                    at: point)
                    == value, "constant", "'\(node.name)' has another value")
        case .causalMask:
            try channel.require(
                Evaluation<F>.causalMask(rows: node.shape.dimensions[0], columns: node.shape.dimensions[1], at: point)
                    == value, "causal mask", "'\(node.name)' has another value")
        default: book.claim(oracle, at: point, is: value)
        }
    }

    /// Drops repetitions of the same claim on a node; two values at one point cannot both be right.
    func distinct(_ items: [(point: [E], value: E)], of id: NodeID) throws -> [(point: [E], value: E)] {
        var seen: [[E]: E] = [:]
        var result: [(point: [E], value: E)] = []
        for item in items {
            if let value = seen[item.point] {
                try channel.require(
                    value == item.value, "claims", "two values of '\(graph.nodes[id].name)' at one point")
            } else {
                seen[item.point] = item.value
                result.append(item)
            }
        }
        return result
    }

    func tensor(_ oracle: Oracle) -> IntegerTensor { prover!.witness.tensor(oracle, layout) }

    /// The extension of a tensor, for the prover's messages.
    func evaluate(_ oracle: Oracle, at point: [E]) -> E { Evaluation<F>.of(tensor(oracle), at: point) }
}
