import Tensors

/// What a node is and what it costs to prove, for people (`assay inspect`). Counts are of integers, before any padding.
public struct NodeSummary: Sendable {
    public let id: NodeID
    public let name: String
    /// `contract`, `requantise`, ...
    public let kind: String
    public let operands: [NodeID]
    public let shape: TensorShape
    public let range: ClosedRange<Int64>
    /// Rows looked up in tables.
    public let lookups: Int
    /// Values that a proof commits to.
    public let committed: Int
    /// Multiply-adds that evaluate the node.
    public let multiplyAdds: Int
}

/// The sums over a graph.
public struct GraphCost: Hashable, Sendable {
    public var nodes = 0
    public var weights = 0
    public var lookups = 0
    public var committed = 0
    public var multiplyAdds = 0

    public init(_ summaries: [NodeSummary]) {
        for summary in summaries {
            nodes += 1
            if summary.kind == "weight" { weights += summary.shape.count }
            lookups += summary.lookups
            committed += summary.committed
            multiplyAdds += summary.multiplyAdds
        }
    }
}

/// What each node is and costs. Ranges are checked in limbs of 16 bits:
///
/// - requantise: the remainder (a limb for each 16 bits of shift) and the quotient, in its table or its range; the remainder's limbs
///   and what the table gives are committed;
/// - divide: quotient and remainder are committed; checked are the quotient, the remainder and its distance from the denominator;
/// - squareRoot: the root is committed; checked are its distances from the operand on both sides;
/// - rowMaximum: the maxima are committed; every entry's distance is checked; argmax likewise, nothing committed.
public func describe(_ graph: Graph) -> [NodeSummary] {
    graph.nodes.enumerated().map { id, node in
        func limbs(_ range: ClosedRange<Int64>) -> Int {
            let width = Saturating.add(range.upperBound, Saturating.negate(range.lowerBound))
            return max(1, (TensorShape.bits(Int(clamping: Saturating.add(width, 1))) + 15) / 16)
        }
        func range(_ operand: NodeID) -> ClosedRange<Int64> { graph.nodes[operand].range }
        let count = node.shape.count
        var lookups = 0
        var committed = 0
        var multiplyAdds = 0
        switch node.operation {
        case .tokens, .constant, .causalMask, .weight, .embed, .slice, .reshape, .windows: break
        case .contract(let a, _, let labels, _, let out):
            multiplyAdds =
                count
                * zip(labels, graph.nodes[a].shape.dimensions)
                .reduce(1) { out.contains($1.0) ? $0 : $0 * $1.1 }
        case .combine(let terms, _):
            multiplyAdds = count * terms.count
        case .requantise(let x, let shift, let table):
            let remainder = (shift + 15) / 16
            let quotient = table == nil ? limbs(GraphBuilder.shifted(range(x), shift)) : 1
            lookups = count * (remainder + quotient)
            committed = count * (remainder + (table == nil ? 0 : 1))
        case .divide(_, let d, _):
            let remainder = limbs(0...range(d).upperBound)
            lookups = count * (limbs(node.range) + 2 * remainder)
            committed = count * 2
        case .squareRoot:
            let distance = limbs(0...Saturating.multiply(2, node.range.upperBound))
            lookups = count * 2 * distance
            committed = count
        case .rowMaximum(let x):
            let width = 0...Saturating.add(range(x).upperBound, Saturating.negate(range(x).lowerBound))
            lookups = graph.nodes[x].shape.count * limbs(width)
            committed = count
        case .argmax(let x):
            let width = 0...Saturating.add(range(x).upperBound, Saturating.negate(range(x).lowerBound))
            lookups = graph.nodes[x].shape.count * limbs(width)
        }
        return NodeSummary(
            id: id, name: node.name, kind: node.operation.kind, operands: node.operands, shape: node.shape,
            range: node.range, lookups: lookups, committed: committed, multiplyAdds: multiplyAdds)
    }
}

extension Operation {
    /// The operation's name, as in the source.
    public var kind: String {
        switch self {
        case .tokens: "tokens"
        case .embed: "embed"
        case .weight: "weight"
        case .constant: "constant"
        case .causalMask: "causalMask"
        case .contract: "contract"
        case .combine: "combine"
        case .requantise: "requantise"
        case .divide: "divide"
        case .squareRoot: "squareRoot"
        case .rowMaximum: "rowMaximum"
        case .slice: "slice"
        case .reshape: "reshape"
        case .windows: "windows"
        case .argmax: "argmax"
        }
    }
}
