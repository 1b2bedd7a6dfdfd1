import Fields
import Graphs
import Multilinears
import Tensors
import Transcripts

/// The proof that an execution of a graph is right: all lookups first, then the nodes from the output back to the input.
///
/// A claim on a node becomes claims on its operands, and ends where these are committed. So the nodes fall into parts that
/// need nothing of each other (`NodeParts`), most of them a single product with a weight; each is proved in a branch of the
/// transcript, and a prover proves several at a time: the rounds of a sumcheck must follow one another, those of two do not.
///
/// What remains are claims on the committed columns and the weights, for the caller to open.
public enum GraphProof<F: ProofField> {
    public typealias E = F.Challenge

    /// The open claims on committed tensors, by column and by position in `ProofLayout.weights`.
    public struct Openings {
        public var columns: [(index: Int, point: [E], value: E)] = []
        public var weights: [(index: Int, point: [E], value: E)] = []
    }

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func run(_ c: BlockContext<F>) throws -> Openings {
        try LookupBlock<F>.run(c)
        c.onLookupsDone()
        let parts = NodeParts(c.layout).parts
        let branches = c.channel.fork("part of the graph", count: parts.count).map(c.branch)
        for (part, branch) in zip(parts, branches) {
            for id in part {
                for oracle in [Oracle.node(id), .remainder(id)] {
                    for (point, value) in c.book.take(oracle).settle() {
                        branch.book.claim(oracle, at: point, is: value)
                    }
                }
            }
        }
        if c.channel.isProver && c.channel.tamper == nil && Parallel.threadCount > 1 {
            try proveParts(c.layout, parts, branches)
        } else {
            for (part, branch) in zip(parts, branches) { try prove(part, branch) }
        }
        c.channel.join("part of the graph", branches.map(\.channel))
        for branch in branches { c.book.adopt(branch.book) }
        var openings = Openings()
        for i in c.layout.columns.indices {
            for (point, value) in c.book.take(.column(i)).settle() { openings.columns.append((i, point, value)) }
        }
        for (i, id) in c.layout.weights.enumerated() {
            for (point, value) in c.book.take(.node(id)).settle() { openings.weights.append((i, point, value)) }
        }
        try c.book.close()
        return openings
    }

    /// Parts on all threads: what is much of the whole first, by itself, with all threads in its loops.
    private static func proveParts(_ layout: ProofLayout, _ parts: [[NodeID]], _ branches: [BlockContext<F>]) throws {
        let works = parts.map { part in part.reduce(0) { $0 + NodeParts.work(layout.graph, $1) } }
        let share = works.reduce(0, +) / (2 * Parallel.threadCount)
        let results = Parallel.map(parts.count, work: { works[$0] }, large: max(share, 1 << 20) + 1) { i in
            Result { try prove(parts[i], branches[i]) }
        }
        for result in results { try result.get() }
    }

    /// Proves, or verifies, nodes from the last to the first.
    private static func prove(_ part: [NodeID], _ c: BlockContext<F>) throws {
        for id in part {
            let node = c.graph.nodes[id]
            switch node.operation {
            case .embed, .contract, .combine, .windows, .requantise(_, _, nil): try MergeBlock<F>.merge(c, id)
            default: break
            }
            switch node.operation {
            case .tokens, .constant, .causalMask, .weight: break
            case .embed(let table, let tokens):
                try ContractBlock<F>.embed(c, id, c.book.take(.node(id)), table: table, tokens: tokens)
            case .contract(let a, let b, let aLabels, let bLabels, let out):
                let einsum = try Einsum(
                    name: node.name, a: aLabels, c.graph.nodes[a].shape, b: bLabels, c.graph.nodes[b].shape, out: out)
                try ContractBlock<F>.contract(c, id, c.book.take(.node(id)), einsum, a, b)
            case .combine(let terms, let constant):
                try CombineBlock<F>.combine(c, id, c.book.take(.node(id)), terms, constant)
            case .requantise(let x, let shift, let table):
                if table == nil { try CombineBlock<F>.requantise(c, id, c.book.take(.node(id)), x, shift: shift) }
            case .divide(let n, let d, let axes):
                try DivideBlock<F>.divide(c, id, c.book.take(.remainder(id)), n, d, axes)
            case .squareRoot(let v):
                try DivideBlock<F>.squareRoot(c, id, c.book.take(.remainder(id)), v)
            case .rowMaximum(let x): try CompareBlock<F>.rowMaximum(c, id, x)
            case .argmax(let x): try CompareBlock<F>.argmax(c, id, x)
            case .slice(let x, let axis, let index):
                try ReindexBlock<F>.slice(c, id, c.book.take(.node(id)), x, axis: axis, index: index)
            case .reshape(let x):
                for (point, value) in c.book.take(.node(id)).settle() { try c.claim(.node(x), at: point, is: value) }
            case .windows(let x, let size, let stride, let padding):
                try WindowsBlock<F>.windows(
                    c, id, c.book.take(.node(id)), x, size: size, stride: stride, padding: padding)
            }
        }
    }
}

/// The nodes to be proved, in parts that need nothing of each other's claims: two nodes are in one part if one reads the other
/// and its value is neither committed nor public. A function of the layout, so both sides have the same.
struct NodeParts {
    /// Nodes in falling order; the parts by their last nodes, falling.
    private(set) var parts: [[NodeID]] = []

    init(_ layout: ProofLayout) {
        let nodes = layout.graph.nodes
        var parents = Array(nodes.indices)
        func root(_ id: NodeID) -> NodeID {
            var id = id
            while parents[id] != id {
                parents[id] = parents[parents[id]]
                id = parents[id]
            }
            return id
        }
        for (id, node) in nodes.enumerated() {
            for operand in node.operands where layout.valueColumn[operand] == nil && !nodes[operand].isGiven {
                parents[root(operand)] = root(id)
            }
        }
        var index: [NodeID: Int] = [:]
        for id in nodes.indices.reversed() where !nodes[id].isGiven && !nodes[id].isLookedUp {
            let root = root(id)
            if index[root] == nil {
                index[root] = parts.count
                parts.append([])
            }
            parts[index[root]!].append(id)
        }
    }

    /// The prover's work for a node, in multiplications of field elements or so.
    static func work(_ graph: Graph, _ id: NodeID) -> Int {
        let node = graph.nodes[id]
        // Of weights and other operands, a pass over small integers; of the rest folds in the field.
        let operands = node.operands.reduce(0) { $0 + graph.nodes[$1].shape.count }
        return operands / 8 + 4 * node.shape.count
    }
}

extension Node {
    /// Public, or committed once per model: claims on it are not proved by a block.
    fileprivate var isGiven: Bool {
        switch operation {
        case .tokens, .weight, .constant, .causalMask: true
        default: false
        }
    }

    /// Proved by lookups alone.
    fileprivate var isLookedUp: Bool {
        if case .requantise(_, _, .some) = operation { true } else { false }
    }
}
