import Tensors

/// Builds a graph node by node, checks shapes and computes the range of every node by interval arithmetic.
public struct GraphBuilder {
    public private(set) var nodes: [Node] = []
    public private(set) var tables: [LookupTable] = []
    private var tableIndex: [LookupTable: TableID] = [:]
    private var names: Set<String> = []

    public init() {}

    public func shape(_ node: NodeID) -> TensorShape { nodes[node].shape }
    public func name(of node: NodeID) -> String { nodes[node].name }
    public func range(_ node: NodeID) -> ClosedRange<Int64> { nodes[node].range }

    /// The id of an equal table, or of this one, newly added.
    public mutating func table(_ table: LookupTable) -> TableID {
        if let id = tableIndex[table] { return id }
        tables.append(table)
        tableIndex[table] = tables.count - 1
        return tables.count - 1
    }

    private mutating func append(
        _ name: String, _ operation: Operation, _ dimensions: [Int], _ range: ClosedRange<Int64>
    ) throws -> NodeID {
        guard names.insert(name).inserted else { throw GraphError(node: name, "name used twice") }
        guard dimensions.allSatisfy({ $0 >= 1 && $0 <= 1 << 28 }) else {
            throw GraphError(node: name, "bad dimensions \(dimensions)")
        }
        var count = 1
        for d in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: d)
            guard !overflow, product <= 1 << 36 else { throw GraphError(node: name, "too large: \(dimensions)") }
            count = product
        }
        nodes.append(Node(name: name, operation: operation, shape: TensorShape(dimensions), range: range))
        return nodes.count - 1
    }

    public mutating func tokens(_ name: String, count: Int, vocabulary: Int) throws -> NodeID {
        guard vocabulary >= 1 else { throw GraphError(node: name, "empty vocabulary") }
        return try append(name, .tokens, [count], 0...Int64(vocabulary - 1))
    }

    public mutating func weight(_ name: String, _ dimensions: [Int], range: ClosedRange<Int64>) throws -> NodeID {
        try append(name, .weight(name: name), dimensions, range)
    }

    public mutating func constant(_ name: String, _ dimensions: [Int], values: [Int32]) throws -> NodeID {
        guard values.count == dimensions.reduce(1, *), let low = values.min(), let high = values.max() else {
            throw GraphError(node: name, "\(values.count) values for dimensions \(dimensions)")
        }
        return try append(name, .constant(values: values), dimensions, Int64(low)...Int64(high))
    }

    public mutating func causalMask(_ name: String, rows: Int, columns: Int) throws -> NodeID {
        try append(name, .causalMask, [rows, columns], 0...1)
    }

    public mutating func embed(_ name: String, table: NodeID, tokens: NodeID) throws -> NodeID {
        guard case .weight = nodes[table].operation, case .tokens = nodes[tokens].operation else {
            throw GraphError(node: name, "embed reads a weight and the tokens")
        }
        let rows = shape(table).dimensions
        guard rows.count >= 1, Int64(rows[0] - 1) >= range(tokens).upperBound else {
            throw GraphError(node: name, "the table has fewer rows than there are tokens")
        }
        return try append(
            name, .embed(table: table, tokens: tokens), shape(tokens).dimensions + rows.dropFirst(), range(table))
    }

    public mutating func contract(
        _ name: String, _ a: NodeID, _ b: NodeID, _ aLabels: String, _ bLabels: String, _ outLabels: String
    ) throws -> NodeID {
        let einsum = try Einsum(
            name: name, a: aLabels, shape(a), b: bLabels, shape(b), out: outLabels)
        var product = try Interval.multiply(range(a), range(b), name)
        // A square is no product of two independent values: it is never negative.
        if a == b && aLabels == bLabels { product = max(0, product.lowerBound)...product.upperBound }
        let count = Int64(einsum.summed.reduce(1) { $0 * $1.size })
        let sum = try Interval.scale(product, count, name)
        return try append(
            name, .contract(a, b, a: aLabels, b: bLabels, out: outLabels), einsum.outDimensions, sum)
    }

    public mutating func combine(
        _ name: String, _ terms: [Term], constant: Int64 = 0, dimensions: [Int]
    ) throws -> NodeID {
        var total = constant...constant
        guard !terms.isEmpty else { throw GraphError(node: name, "no terms") }
        for term in terms {
            let own = shape(term.node).dimensions
            guard own.count == term.axes.count, term.axes == term.axes.sorted(), Set(term.axes).count == own.count,
                zip(own, term.axes).allSatisfy({ $1 >= 0 && $1 < dimensions.count && dimensions[$1] == $0 })
            else {
                throw GraphError(
                    node: name,
                    "operand '\(nodes[term.node].name)' \(shape(term.node)) does not broadcast to \(dimensions)")
            }
            total = try Interval.add(total, Interval.scale(range(term.node), term.coefficient, name), name)
        }
        return try append(name, .combine(terms, constant: constant), dimensions, total)
    }

    /// `range` of h is computed; a table must cover it.
    public mutating func requantise(_ name: String, _ x: NodeID, shift: Int, table: TableID? = nil) throws -> NodeID {
        guard shift >= 0 && shift <= 32 else { throw GraphError(node: name, "shift \(shift) is not in 0...32") }
        let h = GraphBuilder.shifted(range(x), shift)
        var result = h
        if let table {
            let t = tables[table]
            guard t.domain.lowerBound <= h.lowerBound && h.upperBound <= t.domain.upperBound else {
                throw GraphError(node: name, "values reach \(h), table '\(t.name)' is defined on \(t.domain)")
            }
            result = t.range
        } else {
            guard shift > 0 else {
                throw GraphError(node: name, "a requantisation by 0 bits without a table does nothing")
            }
        }
        return try append(name, .requantise(x, shift: shift, table: table), shape(x).dimensions, result)
    }

    /// The range of `floor((x + 2^(shift-1)) / 2^shift)`.
    public static func shifted(_ range: ClosedRange<Int64>, _ shift: Int) -> ClosedRange<Int64> {
        let half: Int64 = shift == 0 ? 0 : 1 << (shift - 1)
        return (range.lowerBound + half) >> Int64(shift)...(range.upperBound + half) >> Int64(shift)
    }

    public mutating func divide(
        _ name: String, _ numerator: NodeID, by denominator: NodeID, axes: [Int], quotient: ClosedRange<Int64>
    ) throws -> NodeID {
        let own = shape(denominator).dimensions
        let dimensions = shape(numerator).dimensions
        guard own.count == axes.count, axes == axes.sorted(), Set(axes).count == own.count,
            zip(own, axes).allSatisfy({ $1 >= 0 && $1 < dimensions.count && dimensions[$1] == $0 })
        else { throw GraphError(node: name, "denominator \(shape(denominator)) does not broadcast to \(dimensions)") }
        guard range(denominator).lowerBound >= 1 else {
            throw GraphError(node: name, "the denominator may be \(range(denominator).lowerBound)")
        }
        return try append(name, .divide(numerator, by: denominator, axes: axes), dimensions, quotient)
    }

    public mutating func squareRoot(_ name: String, _ x: NodeID) throws -> NodeID {
        guard range(x).lowerBound >= 0 else { throw GraphError(node: name, "the operand may be negative") }
        return try append(
            name, .squareRoot(x), shape(x).dimensions, 0...Interval.squareRoot(range(x).upperBound))
    }

    public mutating func rowMaximum(_ name: String, _ x: NodeID) throws -> NodeID {
        guard shape(x).dimensions.count >= 1 else { throw GraphError(node: name, "a scalar has no rows") }
        return try append(name, .rowMaximum(x), shape(x).dimensions.dropLast(), range(x))
    }

    public mutating func slice(_ name: String, _ x: NodeID, axis: Int, index: Int) throws -> NodeID {
        var dimensions = shape(x).dimensions
        guard dimensions.indices.contains(axis), index >= 0, index < dimensions[axis] else {
            throw GraphError(node: name, "no index \(index) on axis \(axis) of \(dimensions)")
        }
        dimensions.remove(at: axis)
        return try append(name, .slice(x, axis: axis, index: index), dimensions, range(x))
    }

    public mutating func reshape(_ name: String, _ x: NodeID, _ dimensions: [Int]) throws -> NodeID {
        guard dimensions.allSatisfy({ $0 >= 1 }), TensorShape(dimensions).hasSameIndices(as: shape(x)) else {
            throw GraphError(
                node: name, "\(shape(x)) cannot become \(dimensions): only dimensions of 2^k entries merge or split off"
            )
        }
        return try append(name, .reshape(x), dimensions, range(x))
    }

    public mutating func windows(
        _ name: String, _ x: NodeID, size: Int, stride: Int = 1, padding: Int = 0
    ) throws -> NodeID {
        guard let dimensions = Operation.windowDimensions(shape(x), size: size, stride: stride, padding: padding) else {
            throw GraphError(
                node: name, "no windows of \(size) x \(size), stride \(stride), padding \(padding) in \(shape(x))")
        }
        let own = range(x)
        let outside = padding > 0 ? min(own.lowerBound, 0)...max(own.upperBound, 0) : own
        return try append(name, .windows(x, size: size, stride: stride, padding: padding), dimensions, outside)
    }

    public mutating func argmax(_ name: String, _ x: NodeID) throws -> NodeID {
        guard shape(x).dimensions.count == 1 else { throw GraphError(node: name, "argmax reads a vector") }
        return try append(name, .argmax(x), [], 0...Int64(shape(x).dimensions[0] - 1))
    }

    public func finish(input: NodeID, output: NodeID) throws -> Graph {
        guard case .tokens = nodes[input].operation else { throw GraphError("the input is not the tokens") }
        guard case .argmax = nodes[output].operation, output == nodes.count - 1 else {
            throw GraphError("the output is not an argmax at the end")
        }
        return Graph(nodes: nodes, tables: tables, input: input, output: output)
    }
}

/// Interval arithmetic that refuses to overflow.
public enum Interval {
    /// Largest magnitude that the interpreter computes with.
    public static let limit: Int64 = 1 << 62

    static func checked(_ low: (Int64, Bool), _ high: (Int64, Bool), _ name: String) throws -> ClosedRange<Int64> {
        guard !low.1, !high.1, low.0 >= -limit, high.0 <= limit else {
            throw GraphError(node: name, "values may exceed 2^62, which no field of this build takes")
        }
        return low.0...high.0
    }

    public static func add(_ a: ClosedRange<Int64>, _ b: ClosedRange<Int64>, _ name: String) throws -> ClosedRange<
        Int64
    > {
        try checked(
            a.lowerBound.addingReportingOverflow(b.lowerBound), a.upperBound.addingReportingOverflow(b.upperBound), name
        )
    }

    public static func scale(_ a: ClosedRange<Int64>, _ factor: Int64, _ name: String) throws -> ClosedRange<Int64> {
        let x = a.lowerBound.multipliedReportingOverflow(by: factor)
        let y = a.upperBound.multipliedReportingOverflow(by: factor)
        return factor >= 0 ? try checked(x, y, name) : try checked(y, x, name)
    }

    public static func multiply(
        _ a: ClosedRange<Int64>, _ b: ClosedRange<Int64>, _ name: String
    ) throws -> ClosedRange<Int64> {
        let products = [a.lowerBound, a.upperBound].flatMap { x in
            [b.lowerBound, b.upperBound].map { x.multipliedReportingOverflow(by: $0) }
        }
        guard products.allSatisfy({ !$0.1 }) else {
            throw GraphError(node: name, "values may exceed 2^62, which no field of this build takes")
        }
        return try checked((products.map(\.0).min()!, false), (products.map(\.0).max()!, false), name)
    }

    /// floor(sqrt(x)) for x >= 0, exact.
    public static func squareRoot(_ x: Int64) -> Int64 {
        var r = Int64(Double(x).squareRoot())
        while r * r > x { r -= 1 }
        while (r + 1) * (r + 1) <= x { r += 1 }
        return r
    }
}
