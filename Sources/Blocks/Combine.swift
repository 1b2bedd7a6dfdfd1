import Fields
import Graphs
import Multilinears
import Tensors

/// Linear nodes: a claim on a sum becomes claims on its terms at the same point. No sumcheck, nothing committed.
public enum CombineBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// `out = sum of coefficient * x (broadcast) + constant`. A broadcast operand's extension is multiplied by that of ones
    /// over the dimensions that it lacks, since padding is zero.
    static func combine(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ terms: [Term], _ constant: Int64
    ) throws {
        let shape = c.graph.nodes[id].shape
        for (point, value) in claims.settle() {
            let parts = terms.map { LookupBlock<F>.restrict(shape, $0.axes, point) }
            let values = try c.channel.exchange("combine", count: terms.count) {
                zip(terms, parts).map { c.evaluate(.node($0.node), at: $1.own) }
            }
            var sum = E(constant) * Eq<F>.ones(shape, point)
            for i in terms.indices { sum += E(terms[i].coefficient) * values[i] * parts[i].rest }
            try c.channel.require(sum == value, "combine", "'\(c.graph.nodes[id].name)' is not the sum of its terms")
            for i in terms.indices { try c.claim(.node(terms[i].node), at: parts[i].own, is: values[i]) }
        }
    }

    /// `out = (x + 2^(shift-1) - rest) / 2^shift` without a table: linear in x and in the limbs of the rest, which are
    /// committed and looked up.
    static func requantise(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ x: NodeID, shift: Int
    ) throws {
        let shape = c.graph.nodes[id].shape
        let limbs = c.layout.limbColumns(id)
        for (point, value) in claims.settle() {
            let rest = try c.channel.exchange("requantise", count: limbs.count) {
                limbs.map { c.evaluate(.column($0), at: point) }
            }
            var operand = E(1 << shift) * value - E(1 << (shift - 1)) * Eq<F>.ones(shape, point)
            for (i, r) in rest.enumerated() {
                operand += E(1 << (i * ProofLayout.limbBits)) * r
                try c.claim(.column(limbs[i]), at: point, is: r)
            }
            try c.claim(.node(x), at: point, is: operand)
        }
    }
}

extension ProofLayout {
    /// The columns of what a requantisation rounds away, lowest limb first.
    func limbColumns(_ id: NodeID) -> [Int] {
        columns.indices.filter { if case .requantiseLimb(let node, _) = columns[$0].role { node == id } else { false } }
    }
}
