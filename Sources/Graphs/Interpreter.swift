import Tensors

/// Runs an integer graph, exactly: this is the definition of what a proof proves. No field is in sight.
///
/// Sums and products are computed modulo `2^w`, where `w` is the width of the output's storage: the range analysis shows
/// that the results fit, so the residues *are* the results. What is promised rather than derived (quotients, weights, tokens)
/// is checked.
public struct Interpreter: Sendable {
    public let graph: Graph
    private let values: ValuePlan
    /// How the values that are made are made, in order.
    private let stages: [Stage]

    /// Checks the graph's structure, and that there is, for each weight of the graph and nothing else, a tensor of its shape with
    /// every entry in its range, declared by the tensor or looked for. Weights are not copied, unless they are stored more widely than their range asks for.
    public init(graph: Graph, weights: [String: IntegerTensor]) throws {
        try self.init(graph: graph, weights: weights, parts: nil)
    }

    /// `parts`: see `Stage`; for tests.
    init(graph: Graph, weights: [String: IntegerTensor], parts: Int?) throws {
        var fixed: [IntegerTensor?] = Array(repeating: nil, count: graph.nodes.count)
        var unused = Set(weights.keys)
        for (id, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .weight(let name):
                guard let given = weights[name] else {
                    throw GraphError(node: node.name, "weight '\(name)' is missing")
                }
                unused.remove(name)
                fixed[id] = try Interpreter.check(given, node)
            case .constant(let values):
                guard values.count == node.shape.count else {
                    throw GraphError(node: node.name, "\(values.count) values for shape \(node.shape)")
                }
                let tensor = IntegerTensor(uninitialized: node.shape, range: node.range)
                for (i, value) in values.enumerated() {
                    guard node.range.contains(Int64(value)) else {
                        throw GraphError(node: node.name, "value \(value) is outside \(node.range)")
                    }
                    tensor.storage[i] = Int64(value)
                }
                fixed[id] = tensor
            case .causalMask:
                guard node.shape.dimensions.count == 2, node.range == 0...1 else {
                    throw GraphError(node: node.name, "a mask is a matrix of 0 and 1")
                }
                fixed[id] = Interpreter.causalMask(node)
            default: break
            }
        }
        guard unused.isEmpty else {
            throw GraphError("the graph has no weight \(unused.sorted().map { "'\($0)'" }.joined(separator: ", "))")
        }
        self.graph = graph
        try graph.checkStructure()
        values = ValuePlan(graph, fixed: fixed)
        stages = try Stage.all(of: graph, fixed: fixed, parts: parts)
        nodesByStage = stages.map(\.nodes)
    }

    private static func check(_ given: IntegerTensor, _ node: Node) throws -> IntegerTensor {
        guard given.shape == node.shape else {
            throw GraphError(node: node.name, "the weight has shape \(given.shape), the graph says \(node.shape)")
        }
        // Within its declared range every entry lies: whoever made the tensor has seen to that.
        let isInside = node.range.contains(given.range.lowerBound) && node.range.contains(given.range.upperBound)
        let count = node.shape.count
        if !isInside,
            let (index, value) = withExtendedLifetime(
                given, { given.storage.pointer.firstOutside(node.range, count: count) })
        {
            throw GraphError(
                node: node.name, "the weight's entry \(index) is \(value), which is outside \(node.range)")
        }
        if given.storage.byteWidth == IntegerBuffer.byteWidth(node.range) {
            return IntegerTensor(shape: node.shape, range: node.range, storage: given.storage)
        }
        let narrow = IntegerTensor(uninitialized: node.shape, range: node.range)
        withExtendedLifetime((given, narrow)) {
            Permute(copying: count).dispatch(given.storage.pointer, narrow.storage.pointer)
        }
        return narrow
    }

    private static func causalMask(_ node: Node) -> IntegerTensor {
        let tensor = IntegerTensor(uninitialized: node.shape, range: 0...1)
        guard case .int8(let buffer) = tensor.storage else { fatalError("0...1 is stored in one byte") }
        let columns = node.shape.dimensions[1]
        for row in 0..<node.shape.dimensions[0] {
            for column in 0..<columns { buffer.pointer[row * columns + column] = column > row ? 1 : 0 }
        }
        return tensor
    }

    /// The nodes that are made, in order: in one stage those that are made together, some rows (indices of the first dimension) by
    /// each of the threads.
    public let nodesByStage: [[NodeID]]

    /// The values of all nodes on an input. Throws where the input does not suit the graph, and where a quotient leaves the range
    /// that its node promises; what the observer has been told then means nothing.
    public func run(tokens: [Int], observer: (any ExecutionObserver)? = nil) throws -> Execution {
        let input = graph.nodes[graph.input]
        guard tokens.count == input.shape.count else {
            throw GraphError(node: input.name, "\(tokens.count) tokens given, the graph takes \(input.shape.count)")
        }
        for (position, token) in tokens.enumerated() where !input.range.contains(Int64(token)) {
            throw GraphError(node: input.name, "token \(token) at position \(position) is outside \(input.range)")
        }
        let (values, pointers) = NodeValues.make(values)
        for (i, token) in tokens.enumerated() { pointers[graph.input][i] = Int64(token) }
        let output = try withExtendedLifetime(values) {
            for stage in stages { try stage.run(pointers, observer) }
            let output = Int(pointers[graph.output][0])
            pointers.withUnsafeBufferPointer { observer?.madeAll(output: output, values: $0.baseAddress!) }
            return output
        }
        return Execution(values: values, output: output)
    }
}

extension Graph {
    /// Checks what the evaluation of a node relies on: operands come first, shapes agree.
    ///
    /// `GraphBuilder` makes no graph that fails here; rewritten and decoded graphs are held to the same rules.
    func checkStructure() throws {
        guard nodes.indices.contains(input), nodes.indices.contains(output), case .tokens = nodes[input].operation,
            case .argmax = nodes[output].operation
        else { throw GraphError("the input is not the tokens, or the output is not an argmax") }
        for (id, node) in nodes.enumerated() {
            func require(_ condition: Bool, _ why: @autoclosure () -> String) throws {
                guard condition else { throw GraphError(node: node.name, why()) }
            }
            func shape(_ operand: NodeID) -> [Int] { nodes[operand].shape.dimensions }
            func broadcasts(_ operand: NodeID, _ axes: [Int]) -> Bool {
                let own = shape(operand)
                let all = node.shape.dimensions
                return own.count == axes.count && zip(axes, axes.dropFirst()).allSatisfy(<)
                    && zip(own, axes).allSatisfy { all.indices.contains($1) && all[$1] == $0 }
            }
            try require(node.operands.allSatisfy { $0 >= 0 && $0 < id }, "an operand comes after the node")
            let own = node.shape.dimensions
            switch node.operation {
            case .tokens:
                try require(id == input, "a graph has one input")
                try require(own.count == 1 && node.range.lowerBound >= 0, "the input is a vector of indices")
            case .weight, .constant, .causalMask: break
            case .embed(let table, let tokens):
                let rows = shape(table)
                try require(
                    tokens == input && rows.count >= 1 && own == shape(tokens) + rows.dropFirst()
                        && nodes[tokens].range.upperBound < Int64(rows[0]), "the table does not suit the tokens")
            case .contract(let a, let b, let aLabels, let bLabels, let outLabels):
                let einsum = try Einsum(
                    name: node.name, a: aLabels, nodes[a].shape, b: bLabels, nodes[b].shape, out: outLabels)
                try require(einsum.outDimensions == own, "the shape is not \(einsum.outDimensions)")
            case .combine(let terms, _):
                try require(terms.allSatisfy { broadcasts($0.node, $0.axes) }, "a term does not broadcast")
            case .requantise(let x, let shift, let table):
                try require(own == shape(x), "the shape changes")
                try require(shift >= 0 && shift <= 32, "shift \(shift) is not in 0...32")
                if let table {
                    try require(tables.indices.contains(table), "there is no table \(table)")
                    let h = GraphBuilder.shifted(nodes[x].range, shift)
                    let domain = tables[table].domain
                    try require(
                        domain.lowerBound <= h.lowerBound && h.upperBound <= domain.upperBound,
                        "values reach \(h), table '\(tables[table].name)' is defined on \(domain)")
                }
            case .divide(let n, let d, let axes):
                try require(own == shape(n) && broadcasts(d, axes), "the shapes do not agree")
            case .squareRoot(let x):
                try require(own == shape(x) && nodes[x].range.lowerBound >= 0, "the operand may be negative")
            case .rowMaximum(let x):
                try require(!shape(x).isEmpty && own == shape(x).dropLast(), "the shapes do not agree")
            case .slice(let x, let axis, let index):
                var rest = shape(x)
                try require(rest.indices.contains(axis) && (0..<rest[axis]).contains(index), "there is no such index")
                rest.remove(at: axis)
                try require(own == rest, "the shapes do not agree")
            case .reshape(let x):
                try require(node.shape.hasSameIndices(as: nodes[x].shape), "entries would change their indices")
            case .windows(let x, let size, let stride, let padding):
                try require(
                    own
                        == Operation.windowDimensions(nodes[x].shape, size: size, stride: stride, padding: padding),
                    "the shapes do not agree")
            case .argmax(let x):
                try require(own.isEmpty && shape(x).count == 1, "argmax reads a vector")
            }
        }
    }
}
