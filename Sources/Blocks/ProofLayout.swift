import Fields
import Graphs
import Multilinears
import Tensors

/// A tensor that claims are made on.
public enum Oracle: Hashable, Sendable {
    /// The value of a node: virtual, or committed where the layout says so.
    case node(NodeID)
    /// A committed witness column, by its position in `ProofLayout.columns`.
    case column(Int)
    /// What a division or a square root leaves, `n - q d` or `v - r^2`: never committed, proved by a product sumcheck.
    case remainder(NodeID)
}

/// What a committed witness column holds.
public enum ColumnRole: Hashable, Sendable {
    /// A weight, by position: only in the layout of the range proof of a model's weights.
    case weight(Int)
    /// The value of a node that is not a polynomial function of other tensors.
    case value(NodeID)
    /// A limb (16 bits, lowest first) of what a requantisation rounds away.
    case requantiseLimb(NodeID, index: Int)
    /// The low 16 bits of a form, which has the limbs below it among its terms, as many as `depth`.
    case rangeLimb(LinearForm, depth: Int)
    /// 1 at one position of the maximum in each row.
    case oneHot(NodeID)
    /// The maximum, of an argmax.
    case maximum(NodeID)
    /// How often each row of a table is looked up.
    case multiplicity(Int)
}

public struct Column: Hashable, Sendable {
    public let name: String
    public let role: ColumnRole
    public let shape: TensorShape
    public let range: ClosedRange<Int64>
}

/// `(sum of coefficient * tensor + constant - step) / 2^shift`, over the real entries of a shape.
public struct LinearForm: Hashable, Sendable {
    public struct Term: Hashable, Sendable {
        public let oracle: Oracle
        public let coefficient: Int64
        /// The dimensions of the form's shape that the tensor has; nil for all.
        public let axes: [Int]?

        public init(_ oracle: Oracle, _ coefficient: Int64 = 1, axes: [Int]? = nil) {
            self.oracle = oracle
            self.coefficient = coefficient
            self.axes = axes
        }
    }
    public var terms: [Term]
    public var constant: Int64 = 0
    /// Subtract 1 at the indices below the public output (of an argmax over a vector).
    public var belowOutput = false
    public var shift = 0
}

/// A table that lookups go to.
public enum TableReference: Hashable, Sendable {
    /// The integers `0 ..< 2^bits`, `bits <= 16`.
    case range(bits: Int)
    /// The integers `low ... high`, at most 2^16 of them.
    case interval(Int64, Int64)
    /// A table of the graph: pairs of argument and value.
    case function(TableID)
}

/// Every entry of `input` is the argument of a row of `table`, and the same entry of `output` is its value.
public struct Lookup: Hashable, Sendable {
    public let name: String
    public let shape: TensorShape
    public let table: TableReference
    public let input: LinearForm
    public let output: Oracle?
}

/// A tensor whose evaluation the arguments or values of lookups consist of, as it is read for a shape.
struct LookedUp: Hashable, Sendable {
    let oracle: Oracle
    let shape: TensorShape
    /// The dimensions of the shape that the tensor has; nil for all.
    let axes: [Int]?
}

/// What is committed and looked up for a graph over a field: a function of public data alone, computed by both sides.
///
/// Its initialiser is also the gate of soundness for integers: it shows, for every lookup, that the equation that the field
/// proves cannot wrap, so that it holds over the integers; and that no multiplicity can reach the characteristic.
public struct ProofLayout: Sendable {
    /// Bits of one range table or limb.
    public static let limbBits = 16

    public let graph: Graph
    public private(set) var columns: [Column] = []
    public private(set) var lookups: [Lookup] = []
    /// The distinct tables, in order of first use; the column of multiplicities of each.
    public private(set) var tables: [TableReference] = []
    public private(set) var multiplicityColumns: [Int] = []
    /// One fraction for each entry of the lookups, then one for each row of the tables.
    private(set) var fractions = FractionLayout([])
    /// What is evaluated to prove all lookups, each once.
    private(set) var lookedUp: [LookedUp] = []
    /// The column that holds a node's value, for committed nodes.
    public private(set) var valueColumn: [NodeID: Int] = [:]
    /// The weight nodes, in the order of the weight commitment.
    public let weights: [NodeID]
    private let fieldName: String
    private let bound: Int64

    public init<F: ProofField>(_ graph: Graph, field: F.Type) throws {
        self.graph = graph
        weights = graph.weights
        fieldName = F.name
        bound = F.integerBound
        let covered = ProofLayout.maximaCoveredByLookups(graph)
        for (id, node) in graph.nodes.enumerated() {
            guard Interval.magnitude(node.range) <= bound else {
                throw tooWide(node.name, Interval.magnitude(node.range))
            }
            try add(node, id, covered: covered)
        }
        try finish()
    }

    /// The layout of the proof, made once per model, that every weight lies in its declared range. The first columns are the
    /// weights, in order; the others are witness.
    public init<F: ProofField>(weights: [Node], field: F.Type) throws {
        graph = Graph(nodes: [], tables: [], input: 0, output: 0)
        self.weights = []
        fieldName = F.name
        bound = F.integerBound
        for (i, node) in weights.enumerated() {
            guard Interval.magnitude(node.range) <= bound else {
                throw tooWide(node.name, Interval.magnitude(node.range))
            }
            _ = addColumn(node.name, .weight(i), node.shape, node.range)
        }
        for (i, node) in weights.enumerated() {
            try exactRange(node.name, node.shape, .init(terms: [.init(.column(i))]), node.range)
        }
        try finish()
    }

    private mutating func finish() throws {
        let looked = lookups.reduce(0) { $0 + $1.shape.count }
        for (i, table) in tables.enumerated() {
            let size = tableRows(table)
            multiplicityColumns.append(columns.count)
            columns.append(
                Column(
                    name: "multiplicities.\(tableName(table))", role: .multiplicity(i), shape: TensorShape([size]),
                    range: 0...Int64(max(1, looked))))
        }
        // LogUp's identity is one of fractions: a multiplicity of p would vanish.
        guard Int64(looked) < bound else { throw tooWide("lookups", Int64(looked)) }
        for lookup in lookups { try checkWrap(lookup) }
        fractions = FractionLayout(lookups.map(\.shape) + tables.map { TensorShape([tableRows($0)]) })
        var seen: Set<LookedUp> = []
        func add(_ oracle: Oracle, _ shape: TensorShape, axes: [Int]? = nil) {
            let read = LookedUp(oracle: resolve(oracle), shape: shape, axes: axes)
            if seen.insert(read).inserted { lookedUp.append(read) }
        }
        for lookup in lookups {
            for term in lookup.input.terms { add(term.oracle, lookup.shape, axes: term.axes) }
            if let output = lookup.output { add(output, lookup.shape) }
        }
        for column in multiplicityColumns { add(.column(column), columns[column].shape) }
    }

    private func tooWide(_ name: String, _ value: Int64) -> GraphError {
        GraphError(
            node: name, "integers up to \(value) do not fit the field \(fieldName), which holds -\(bound)...\(bound)")
    }

    // MARK: Nodes

    private mutating func add(_ node: Node, _ id: NodeID, covered: Set<NodeID>) throws {
        switch node.operation {
        case .tokens, .embed, .weight, .constant, .causalMask, .contract, .combine, .slice, .reshape, .windows: break
        case .requantise(let x, let shift, let table):
            var form = LinearForm(terms: [.init(.node(x))])
            if shift > 0 {
                form.constant = 1 << (shift - 1)
                form.shift = shift
                for (i, start) in stride(from: 0, to: shift, by: ProofLayout.limbBits).enumerated() {
                    let bits = min(ProofLayout.limbBits, shift - start)
                    let column = addColumn(
                        "\(node.name).remainder\(i)", .requantiseLimb(id, index: i), node.shape, 0...(1 << bits) - 1)
                    form.terms.append(.init(.column(column), -(1 << start)))
                    look(
                        "\(node.name).remainder\(i)", node.shape, .range(bits: bits),
                        .init(terms: [.init(.column(column))]))
                }
            }
            if let table {
                valueColumn[id] = addColumn(node.name, .value(id), node.shape, node.range)
                look(node.name, node.shape, .function(table), form, output: .node(id))
            } else {
                // The rounded value stays virtual, but that it is an integer must be shown: any remainder in range would give
                // *some* field element. Its exact range then follows from that of x, so one check from the lower end is
                // enough; the bound is scaled like everything else in the form.
                let unit: Int64 = 1 << Int64(shift)
                form.constant -= try Interval.scale(node.range.lowerBound...node.range.lowerBound, unit, node.name)
                    .lowerBound
                let span = node.range.upperBound - node.range.lowerBound
                guard span < 1 << 40 else { throw tooWide(node.name, span) }
                range("\(node.name).rounded", node.shape, form, upTo: span)
            }
        case .divide(_, let d, let axes):
            valueColumn[id] = addColumn(node.name, .value(id), node.shape, node.range)
            try exactRange("\(node.name).quotient", node.shape, .init(terms: [.init(.node(id))]), node.range)
            let bits = TensorShape.bits(Int(graph.nodes[d].range.upperBound))
            try range("\(node.name).remainder", node.shape, .init(terms: [.init(.remainder(id))]), bits: bits)
            try range(
                "\(node.name).slack", node.shape,
                .init(terms: [.init(.node(d), 1, axes: axes), .init(.remainder(id), -1)], constant: -1), bits: bits)
        case .squareRoot:
            valueColumn[id] = addColumn(node.name, .value(id), node.shape, node.range)
            try exactRange("\(node.name).root", node.shape, .init(terms: [.init(.node(id))]), node.range)
            let bits = TensorShape.bits(2 * Int(node.range.upperBound) + 1)
            try range("\(node.name).remainder", node.shape, .init(terms: [.init(.remainder(id))]), bits: bits)
            try range(
                "\(node.name).slack", node.shape, .init(terms: [.init(.node(id), 2), .init(.remainder(id), -1)]),
                bits: bits)
        case .rowMaximum(let x):
            valueColumn[id] = addColumn(node.name, .value(id), node.shape, node.range)
            let operand = graph.nodes[x]
            _ = addColumn("\(node.name).position", .oneHot(id), operand.shape, 0...1)
            if !covered.contains(id) {
                try range(
                    "\(node.name).below", operand.shape,
                    .init(terms: [
                        .init(.node(id), 1, axes: Array(node.shape.dimensions.indices)), .init(.node(x), -1),
                    ]), bits: spanBits(operand))
            }
        case .argmax(let x):
            let operand = graph.nodes[x]
            let maximum = addColumn("\(node.name).maximum", .maximum(id), TensorShape([]), operand.range)
            try range(
                "\(node.name).below", operand.shape,
                .init(terms: [.init(.column(maximum), 1, axes: []), .init(.node(x), -1)], belowOutput: true),
                bits: spanBits(operand))
        }
    }

    private mutating func addColumn(
        _ name: String, _ role: ColumnRole, _ shape: TensorShape, _ range: ClosedRange<Int64>
    ) -> Int {
        columns.append(Column(name: name, role: role, shape: shape, range: range))
        return columns.count - 1
    }

    private mutating func look(
        _ name: String, _ shape: TensorShape, _ table: TableReference, _ input: LinearForm, output: Oracle? = nil
    ) {
        if !tables.contains(table) { tables.append(table) }
        lookups.append(Lookup(name: name, shape: shape, table: table, input: input, output: output))
    }

    /// Bits of the difference of two values of a node.
    private func spanBits(_ node: Node) throws -> Int {
        let (span, overflow) = node.range.upperBound.subtractingReportingOverflow(node.range.lowerBound)
        guard !overflow, span < 1 << 60 else {
            throw GraphError(node: node.name, "differences of its values are too wide to be proved")
        }
        return TensorShape.bits(Int(span) + 1)
    }

    /// `0 <= form < 2^bits`.
    private mutating func range(_ name: String, _ shape: TensorShape, _ form: LinearForm, bits: Int) throws {
        guard bits <= 60 else { throw GraphError(node: name, "a range of \(bits) bits is too wide to be proved") }
        range(name, shape, form, upTo: (1 << Int64(bits)) - 1)
    }

    /// `0 <= form <= m` for some m with `maximum <= m < maximum + 2^16`, and m = `maximum` where that is below 2^16 or of
    /// the form 2^k - 1: by 16-bit limbs from the lowest. Each limb but the highest is committed, the highest follows.
    private mutating func range(
        _ name: String, _ shape: TensorShape, _ form: LinearForm, upTo maximum: Int64, depth: Int = 0
    ) {
        if maximum < 1 << ProofLayout.limbBits {
            let bits = TensorShape.bits(Int(maximum) + 1)
            return look(name, shape, maximum + 1 == 1 << bits ? .range(bits: bits) : .interval(0, maximum), form)
        }
        let limb = addColumn(
            "\(name).limb", .rangeLimb(form, depth: depth), shape, 0...(1 << ProofLayout.limbBits) - 1)
        look("\(name).limb", shape, .range(bits: ProofLayout.limbBits), .init(terms: [.init(.column(limb))]))
        var rest = form
        rest.terms.append(.init(.column(limb), -(1 << form.shift)))
        rest.shift += ProofLayout.limbBits
        range("\(name).high", shape, rest, upTo: maximum >> ProofLayout.limbBits, depth: depth + 1)
    }

    /// `bounds.lowerBound <= form <= bounds.upperBound`, exactly: one lookup in a table of just these integers, or two range
    /// checks where that table would be too large.
    private mutating func exactRange(
        _ name: String, _ shape: TensorShape, _ form: LinearForm, _ bounds: ClosedRange<Int64>
    ) throws {
        precondition(form.shift == 0)
        let span = bounds.upperBound - bounds.lowerBound
        guard span < 1 << 40 else { throw GraphError(node: name, "the range \(bounds) is too wide to be proved") }
        var low = form
        low.constant -= bounds.lowerBound
        if span < 1 << ProofLayout.limbBits { return range("\(name).interval", shape, low, upTo: span) }
        range("\(name).low", shape, low, upTo: span)
        var high = form
        high.terms = form.terms.map { .init($0.oracle, -$0.coefficient, axes: $0.axes) }
        high.constant = bounds.upperBound - form.constant
        range("\(name).high", shape, high, upTo: span)
    }

    /// Row maxima m of x for which some lookup already proves m - x >= 0: a table defined from 0 on, applied to
    /// `floor((m - x) / 2^shift)`, that is to a requantisation of `m - x - 2^(shift-1)`.
    static func maximaCoveredByLookups(_ graph: Graph) -> Set<NodeID> {
        var covered: Set<NodeID> = []
        for node in graph.nodes {
            guard case .requantise(let z, let shift, let table?) = node.operation,
                graph.tables[table].lowerBound >= 0,
                case .combine(let terms, let constant) = graph.nodes[z].operation,
                constant == (shift == 0 ? 0 : -(1 << (shift - 1))), terms.count == 2,
                let plus = terms.first(where: { $0.coefficient == 1 }),
                let minus = terms.first(where: { $0.coefficient == -1 }),
                case .rowMaximum(let x) = graph.nodes[plus.node].operation, x == minus.node,
                plus.axes == Array(graph.nodes[plus.node].shape.dimensions.indices),
                graph.nodes[z].shape == graph.nodes[x].shape
            else { continue }
            covered.insert(plus.node)
        }
        return covered
    }

    // MARK: Tables

    public func tableRows(_ table: TableReference) -> Int {
        switch table {
        case .range(let bits): 1 << bits
        case .interval(let low, let high): Int(high - low + 1)
        case .function(let id): graph.tables[id].values.count
        }
    }

    func tableName(_ table: TableReference) -> String {
        switch table {
        case .range(let bits): "range\(bits)"
        case .interval(let low, let high): "interval\(low)to\(high)"
        case .function(let id): "\(graph.tables[id].name)#\(id)"
        }
    }

    /// The least argument of a table.
    public func tableStart(_ table: TableReference) -> Int64 {
        switch table {
        case .range: 0
        case .interval(let low, _): low
        case .function(let id): graph.tables[id].lowerBound
        }
    }

    // MARK: Integers and the field

    /// The shape of a tensor.
    public func shape(_ oracle: Oracle) -> TensorShape {
        switch oracle {
        case .node(let id), .remainder(let id): graph.nodes[id].shape
        case .column(let i): columns[i].shape
        }
    }

    /// Bounds of a tensor's entries that its own proof enforces.
    func provedRange(_ oracle: Oracle) throws -> ClosedRange<Int64> {
        switch oracle {
        case .node(let id): return graph.nodes[id].range
        case .column(let i): return columns[i].range
        case .remainder(let id):
            switch graph.nodes[id].operation {
            case .divide(let n, let d, _):
                let name = graph.nodes[id].name
                let product = try Interval.multiply(graph.nodes[id].range, graph.nodes[d].range, name)
                return try Interval.add(graph.nodes[n].range, Interval.scale(product, -1, name), name)
            case .squareRoot(let v):
                let top = graph.nodes[id].range.upperBound
                return -(top * top)...graph.nodes[v].range.upperBound
            default: preconditionFailure("only divisions and square roots leave remainders")
            }
        }
    }

    /// Both sides of `terms + constant = 2^shift * argument` are integers whose difference is below p in magnitude.
    private func checkWrap(_ lookup: Lookup) throws {
        // A column by itself: equality in the field is what defines the entry.
        if lookup.input.terms.count == 1, lookup.input.terms[0].coefficient == 1, lookup.input.constant == 0,
            lookup.input.shift == 0, !lookup.input.belowOutput, case .column = resolve(lookup.input.terms[0].oracle)
        {
            return
        }
        let constant = lookup.input.constant
        var left = constant - (lookup.input.belowOutput ? 1 : 0)...constant
        for term in lookup.input.terms {
            // What a column's own lookup proves is its range as a field element; here it enters as that integer.
            left = try Interval.add(
                left, Interval.scale(provedRange(term.oracle), term.coefficient, lookup.name), lookup.name)
        }
        let start = tableStart(lookup.table)
        let domain = start...start + Int64(tableRows(lookup.table)) - 1
        let right = try Interval.scale(domain, 1 << Int64(lookup.input.shift), lookup.name)
        // The difference of the two sides lies strictly between -p and p: p is more than twice the bound.
        let difference = try Interval.add(left, Interval.scale(right, -1, lookup.name), lookup.name)
        guard Interval.magnitude(difference) / 2 <= bound - 1 else {
            throw tooWide(lookup.name, Interval.magnitude(difference) / 2)
        }
    }

    /// The column that commits an oracle, or the oracle itself.
    public func resolve(_ oracle: Oracle) -> Oracle {
        if case .node(let id) = oracle, let column = valueColumn[id] { return .column(column) }
        return oracle
    }
}

extension Interval {
    /// The largest magnitude in a range.
    public static func magnitude(_ range: ClosedRange<Int64>) -> Int64 {
        max(abs(range.lowerBound), abs(range.upperBound))
    }
}
