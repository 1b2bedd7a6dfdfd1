import Fields
import Graphs
import Multilinears
import Tensors

/// Several claims on one tensor become one (Libra, ePrint 2019/317, section 4.2; here by a sumcheck of its own):
///
///     sum of gamma_i value_i  =  sum over x of (sum of gamma_i eq(z_i, x)) X(x)
///
/// for random gamma_i. What a node costs, it costs for each claim on it, and along a residual stream claims would add up:
/// every layer's would reach the embedding.
public enum MergeBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// Merges the open claims on a node's value.
    static func merge(_ c: BlockContext<F>, _ id: NodeID) throws {
        let shape = c.graph.nodes[id].shape
        let name = c.graph.nodes[id].name
        let items = try c.distinct(c.book.take(.node(id)).settle(), of: id)
        guard items.count > 1 else {
            for (point, value) in items { c.book.claim(.node(id), at: point, is: value) }
            return
        }
        let gammas = c.channel.challenges("claim merging", count: items.count)
        c.channel.account("claim merging", "1 / |E|: independent coefficients", 1)
        var claim = E.zero
        for (item, gamma) in zip(items, gammas) { claim += gamma * item.value }
        var values: FoldingTable<F>?
        let (x, left) = try c.channel.product(claim: claim, variables: shape.variableCount) {
            let weights = Eq<F>.table(shape, items[0].point, scale: gammas[0])
            for (item, gamma) in zip(items, gammas).dropFirst() {
                let eq = Eq<F>.table(shape, item.point, scale: gamma)
                Parallel.forEachChunk(shape.count, grain: 1 << 12) { range in
                    let target = weights.pointer + range.lowerBound
                    F.add(target, eq.pointer + range.lowerBound, into: target, count: range.count)
                }
            }
            let tensor = FoldingTable<F>(c.tensor(.node(id)), dimensions: shape.dimensions)
            values = tensor
            return (FoldingTable(weights, dimensions: shape.dimensions), tensor)
        }
        let value = try c.channel.exchange("merged value", count: 1) { [values!.final] }[0]
        if !c.channel.isProver {
            let xs = shape.split(x)
            var weight = E.zero
            for (item, gamma) in zip(items, gammas) {
                var product = gamma
                for (i, part) in shape.split(item.point).enumerated() {
                    product *= Eq<F>.agreement(part, xs[i], below: shape.dimensions[i])
                }
                weight += product
            }
            try c.channel.require(weight * value == left, "claims", "the merged claim on '\(name)' does not follow")
        }
        c.book.claim(.node(id), at: x, is: value)
    }
}
