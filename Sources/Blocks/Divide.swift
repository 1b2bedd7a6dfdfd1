import Fields
import Graphs
import Multilinears
import Tensors

/// Quotients and roots, exact: the quotient q is committed, the remainder is *defined* as n - q d (or v - r^2) and never
/// committed. The layout looks up `0 <= remainder` and `0 <= d - 1 - remainder` (or `2 r - remainder`), both sides bounded,
/// so q is the one right answer. Here the claims that those lookups make on the remainder are proved.
public enum DivideBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// remainder(z) = n(z) - sum over x of eq(z, x) q(x) d(x), with d broadcast.
    static func divide(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ n: NodeID, _ d: NodeID, _ axes: [Int]
    ) throws {
        let shape = c.graph.nodes[id].shape
        let name = c.graph.nodes[id].name
        for (point, value) in try c.distinct(claims.settle(), of: id) {
            let numerator = try c.channel.exchange("divide numerator", count: 1) { [c.evaluate(.node(n), at: point)] }[
                0]
            try c.claim(.node(n), at: point, is: numerator)
            let (x, left) = try c.channel.eqProduct(claim: numerator - value, at: point) {
                let broadcast = IntegerTensor.sum(shape, [(c.tensor(.node(d)), 1, axes)])
                return (
                    FoldingTable(c.tensor(.node(id)), dimensions: shape.dimensions),
                    FoldingTable(broadcast, dimensions: shape.dimensions)
                )
            }
            let (own, rest) = LookupBlock<F>.restrict(shape, axes, x)
            let values = try c.channel.exchange("divide", count: 2) {
                [c.evaluate(.node(id), at: x), c.evaluate(.node(d), at: own)]
            }
            try c.channel.require(values[0] * values[1] * rest == left, "divide", "'\(name)' is not the quotient")
            try c.claim(.node(id), at: x, is: values[0])
            try c.claim(.node(d), at: own, is: values[1])
        }
    }

    /// remainder(z) = v(z) - sum over x of eq(z, x) r(x)^2.
    static func squareRoot(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ v: NodeID
    ) throws {
        let shape = c.graph.nodes[id].shape
        for (point, value) in try c.distinct(claims.settle(), of: id) {
            let square = try c.channel.exchange("root square", count: 1) { [c.evaluate(.node(v), at: point)] }[0]
            try c.claim(.node(v), at: point, is: square)
            let (x, left) = try c.channel.eqProduct(claim: square - value, at: point) {
                let root = c.tensor(.node(id))
                return (
                    FoldingTable(root, dimensions: shape.dimensions), FoldingTable(root, dimensions: shape.dimensions)
                )
            }
            let root = try c.channel.exchange("root", count: 1) { [c.evaluate(.node(id), at: x)] }[0]
            try c.channel.require(
                root.squared() == left, "square root", "'\(c.graph.nodes[id].name)' is not the root")
            try c.claim(.node(id), at: x, is: root)
        }
    }
}
