import Fields
import Graphs
import Multilinears
import Tensors

/// Maxima: `m - x >= 0` everywhere is a lookup (see the layout); here it is proved that m is attained.
public enum CompareBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// A committed o with sum over j of o_ij = 1 and o_ij (m_i - x_ij) = 0 for all i, j. No range is needed for o: if m_i were
    /// attained nowhere in row i, every o_ij would have to be zero, and their sum could not be one.
    static func rowMaximum(_ c: BlockContext<F>, _ id: NodeID, _ x: NodeID) throws {
        let shape = c.graph.nodes[x].shape
        let name = c.graph.nodes[id].name
        let o = Oracle.column(c.layout.oneHotColumn(id))
        let z = c.channel.challenges("row maximum", count: shape.variableCount)
        // A difference that is not zero everywhere, and row sums that are not all one, vanish at a random point with
        // probability at most (number of variables) / |E| each.
        c.channel.account("row maxima", "variables / |E|: Schwartz-Zippel", Double(2 * shape.variableCount))
        let columnBits = TensorShape.bits(shape.dimensions.last!)
        let rows = Array(shape.dimensions.indices.dropLast())

        // The sum over the whole hypercube of the column variables is 2^bits times the value at (1/2, ..., 1/2); padding is 0.
        let rowPoint = Array(z[columnBits...])
        var rowSum = Eq<F>.ones(TensorShape(Array(shape.dimensions.dropLast())), rowPoint)
        for _ in 0..<columnBits { rowSum *= E.half }
        try c.claim(o, at: [E](repeating: E.half, count: columnBits) + rowPoint, is: rowSum)

        let (point, left) = try c.channel.eqProduct(claim: .zero, at: z) {
            let difference = IntegerTensor.sum(
                shape, [(c.tensor(.node(id)), 1, rows), (c.tensor(.node(x)), -1, nil)])
            return (
                FoldingTable(c.tensor(o), dimensions: shape.dimensions),
                FoldingTable(difference, dimensions: shape.dimensions)
            )
        }
        let (own, rest) = LookupBlock<F>.restrict(shape, rows, point)
        let values = try c.channel.exchange("row maximum", count: 3) {
            [c.evaluate(o, at: point), c.evaluate(.node(id), at: own), c.evaluate(.node(x), at: point)]
        }
        try c.channel.require(
            values[0] * (values[1] * rest - values[2]) == left, "row maximum", "'\(name)' is not attained")
        try c.claim(o, at: point, is: values[0])
        try c.claim(.node(id), at: own, is: values[1])
        try c.claim(.node(x), at: point, is: values[2])
    }

    /// The public index holds the maximum: one value, opened in the column of the maximum and in x at the index.
    static func argmax(_ c: BlockContext<F>, _ id: NodeID, _ x: NodeID) throws {
        let shape = c.graph.nodes[x].shape
        let maximum = Oracle.column(c.layout.maximumColumn(id))
        let point = (0..<shape.variableCount).map { c.output >> $0 & 1 == 1 ? E.one : E.zero }
        let value = try c.channel.exchange("argmax", count: 1) { [c.evaluate(maximum, at: [])] }[0]
        try c.claim(maximum, at: [], is: value)
        try c.claim(.node(x), at: point, is: value)
    }
}

/// Reindexing: coordinates of the point are fixed or moved.
public enum ReindexBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// `out = x` with dimension `axis` fixed at `index`: the claim is one on x with the bits of the index put in.
    static func slice(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ x: NodeID, axis: Int, index: Int
    ) throws {
        let bits = TensorShape.bits(c.graph.nodes[x].shape.dimensions[axis])
        let fixed = (0..<bits).map { index >> $0 & 1 == 1 ? E.one : E.zero }
        for (point, value) in claims.settle() {
            var parts = c.graph.nodes[id].shape.split(point)
            parts.insert(fixed, at: axis)
            try c.claim(.node(x), at: TensorShape.join(parts), is: value)
        }
    }
}

extension ProofLayout {
    func oneHotColumn(_ id: NodeID) -> Int { columns.firstIndex { $0.role == .oneHot(id) }! }
    func maximumColumn(_ id: NodeID) -> Int { columns.firstIndex { $0.role == .maximum(id) }! }
}
