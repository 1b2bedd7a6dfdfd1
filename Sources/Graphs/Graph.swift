import Tensors

/// Names a node of a graph: its position in `Graph.nodes`.
public typealias NodeID = Int
/// Names a table of a graph: its position in `Graph.tables`.
public typealias TableID = Int

/// A table `y = values[h - lowerBound]`, defined for `lowerBound <= h < lowerBound + values.count`. The values themselves
/// define the function (they are part of the graph's digest), not the library routine that they were computed with.
public struct LookupTable: Hashable, Sendable {
    public let name: String
    public let lowerBound: Int64
    public let values: [Int32]
    /// The least and greatest value.
    public let range: ClosedRange<Int64>

    public init(name: String, lowerBound: Int64, values: [Int32]) {
        precondition(!values.isEmpty)
        self.name = name
        self.lowerBound = lowerBound
        self.values = values
        self.range = Int64(values.min()!)...Int64(values.max()!)
    }

    /// Of some entries only: a graph looks its tables up once for each node.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(lowerBound)
        hasher.combine(values.count)
        for i in stride(from: 0, to: values.count, by: values.count / 16 + 1) { hasher.combine(values[i]) }
    }

    public var domain: ClosedRange<Int64> { lowerBound...lowerBound + Int64(values.count) - 1 }
}

/// An operand of `Operation.combine`: `coefficient * x`, broadcast to the output's dimensions.
public struct Term: Hashable, Sendable {
    public let node: NodeID
    public let coefficient: Int64
    /// For each dimension of the operand, in order, the output dimension that it is; strictly increasing. Output dimensions
    /// not named are broadcast.
    public let axes: [Int]

    public init(_ node: NodeID, coefficient: Int64 = 1, axes: [Int]) {
        self.node = node
        self.coefficient = coefficient
        self.axes = axes
    }
}

/// The operations of the integer graph: few, exact, each proved by one block. Layers are compositions of them
/// (`Layers.swift`).
public enum Operation: Hashable, Sendable {
    /// The public input: `count` token ids, each in the node's range. Only as an operand of `embed`.
    case tokens
    /// `out[t, ...] = table[tokens[t], ...]`; `table` is a weight of shape [vocabulary, ...].
    case embed(table: NodeID, tokens: NodeID)
    /// A tensor committed once per model, by name; every entry is proved, once, to lie in the node's range.
    case weight(name: String)
    /// Public values.
    case constant(values: [Int32])
    /// 1 where the last index is greater than the index `rowAxis` of the output (positions not yet seen), else 0.
    /// Shape [rows, columns].
    case causalMask
    /// Einstein summation of two operands: labels, one letter a dimension. A label in both operands and the output is a batch
    /// index, in both and not in the output is summed, in one operand and the output is free. Every label of an operand is
    /// of one of these kinds; no label repeats inside one operand. Elementwise products are the case with no summed label.
    /// Example: `contract(q, k, "ighe", "jge", "igjh")`.
    case contract(NodeID, NodeID, a: String, b: String, out: String)
    /// Sum of terms plus a constant.
    case combine([Term], constant: Int64)
    /// `h = floor((x + 2^(shift-1)) / 2^shift)` (`h = x` for shift 0), then `table[h]`, or `h` itself where there is no table.
    case requantise(NodeID, shift: Int, table: TableID?)
    /// `floor(numerator / denominator)`; the denominator is positive and broadcast along `axes` as in `Term`. The node's
    /// range is a promise that the interpreter checks and the proof enforces.
    case divide(NodeID, by: NodeID, axes: [Int])
    /// `floor(sqrt(x))` for `x >= 0`.
    case squareRoot(NodeID)
    /// The maximum along the last dimension, which the output lacks.
    case rowMaximum(NodeID)
    /// Fixes dimension `axis` at `index`; the output lacks that dimension.
    case slice(NodeID, axis: Int, index: Int)
    /// The same entries in the same order under other dimensions, where the padded index of every entry stays what it is:
    /// dimensions merge with, or are split off, an inner dimension of 2^k entries.
    case reshape(NodeID)
    /// The windows of an image: x has dimensions [height, width, channels], out[i, j, c, t] is
    /// `x[stride * i + t / size - padding, stride * j + t % size - padding, c]` for `t < size^2`, and 0 outside the image.
    /// A convolution is a contraction with this view, pooling a maximum or a sum over its last dimension.
    case windows(NodeID, size: Int, stride: Int, padding: Int)
    /// The least index of the maximum of a vector; a scalar, public.
    case argmax(NodeID)
}

/// A node: operation, shape and the range that the static analysis found (every value of every run lies in it).
public struct Node: Hashable, Sendable {
    /// Unique, for people: `layers.0.attention.scores`.
    public let name: String
    public let operation: Operation
    public let shape: TensorShape
    public let range: ClosedRange<Int64>

    /// The nodes that this one reads.
    public var operands: [NodeID] {
        switch operation {
        case .tokens, .weight, .constant, .causalMask: []
        case .embed(let table, let tokens): [table, tokens]
        case .contract(let a, let b, _, _, _): [a, b]
        case .combine(let terms, _): terms.map(\.node)
        case .requantise(let x, _, _): [x]
        case .divide(let n, let d, _): [n, d]
        case .squareRoot(let x), .rowMaximum(let x), .slice(let x, _, _), .reshape(let x), .windows(let x, _, _, _),
            .argmax(let x):
            [x]
        }
    }
}

/// An integer program: nodes in topological order, ending in its public output.
public struct Graph: Hashable, Sendable {
    public let nodes: [Node]
    public let tables: [LookupTable]
    /// The public input node (`tokens`).
    public let input: NodeID
    /// The public output node (`argmax`).
    public let output: NodeID

    public init(nodes: [Node], tables: [LookupTable], input: NodeID, output: NodeID) {
        self.nodes = nodes
        self.tables = tables
        self.input = input
        self.output = output
    }

    /// The weights in graph order.
    public var weights: [NodeID] {
        nodes.indices.filter { if case .weight = nodes[$0].operation { true } else { false } }
    }
    public var weightNodes: [Node] { weights.map { nodes[$0] } }
}

/// What is wrong with a graph, a model or an input, for people: names the node and says what would help.
public struct GraphError: Error, CustomStringConvertible, Sendable {
    public let node: String?
    public let message: String

    public init(node: String? = nil, _ message: String) {
        self.node = node
        self.message = message
    }

    public var description: String { node.map { "node '\($0)': \(message)" } ?? message }
}
