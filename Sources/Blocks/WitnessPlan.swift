import Graphs
import Tensors

/// How the columns of a witness and the arguments of its lookups are made of the values of nodes: what follows from the layout
/// alone, made once for all proofs of it.
public final class WitnessPlan: Sendable {
    /// One column.
    enum Recipe: Sendable {
        case node(NodeID)
        case weight(Int)
        /// The low bits of a form's values, where `mask` has ones.
        case bits(FormPlan, mask: Int64)
        /// Where the maximum of each row of the second node is first found, which is the value of the first.
        case position(maximum: NodeID, of: NodeID)
        /// The entry of a node at the output.
        case atOutput(NodeID)
    }

    /// The arguments of one lookup.
    struct Arguments: Sendable {
        let form: FormPlan
        /// The table, by its position in `ProofLayout.tables`.
        let table: Int
        /// The table's arguments.
        let domain: ClosedRange<Int64>
    }

    /// Some of a lookup's arguments.
    struct Piece: Sendable {
        let lookup: Int
        let range: Range<Int>
    }

    /// Arguments that one task evaluates and counts at a time.
    static var pieceSize: Int { 1 << 13 }

    public let layout: ProofLayout
    /// The columns in stages, each made of those before it; but for multiplicities, which follow when the lookups are counted.
    let stages: [[(column: Int, recipe: Recipe)]]
    /// For each lookup.
    let arguments: [Arguments]
    let pieces: [Piece]
    /// Rows of each table.
    let tableSizes: [Int]
    /// Nodes that leave a remainder.
    let divisions: [NodeID]

    public init(_ layout: ProofLayout) {
        self.layout = layout
        let recipes = layout.columns.map { column -> Recipe? in
            switch column.role {
            case .value(let id): return .node(id)
            case .weight(let i): return .weight(i)
            case .requantiseLimb(let id, let index):
                guard case .requantise(let x, let shift, _) = layout.graph.nodes[id].operation else {
                    preconditionFailure()
                }
                var form = LinearForm(terms: [.init(.node(x))])
                form.constant = 1 << (shift - 1)
                form.shift = index * ProofLayout.limbBits
                let bits = min(ProofLayout.limbBits, shift - form.shift)
                // Of the node itself: its column, where it has one, is of the same stage.
                return .bits(
                    FormPlan(form, column.shape, layout, resolving: { $0 }), mask: (1 << bits) - 1)
            case .rangeLimb(let form, _):
                return .bits(FormPlan(form, column.shape, layout), mask: (1 << ProofLayout.limbBits) - 1)
            case .oneHot(let id):
                guard case .rowMaximum(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
                return .position(maximum: id, of: x)
            case .maximum(let id):
                guard case .argmax(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
                return .atOutput(x)
            case .multiplicity: return nil
            }
        }
        // A limb of a range check is made of other columns and of the limbs below it.
        var stages: [[(column: Int, recipe: Recipe)]] = []
        for (c, column) in layout.columns.enumerated() {
            guard let recipe = recipes[c] else { continue }
            var stage = 0
            if case .rangeLimb(_, let depth) = column.role { stage = 1 + depth }
            while stages.count <= stage { stages.append([]) }
            stages[stage].append((c, recipe))
        }
        self.stages = stages
        tableSizes = layout.tables.map { layout.tableRows($0) }
        arguments = layout.lookups.map { lookup in
            let start = layout.tableStart(lookup.table)
            return Arguments(
                form: FormPlan(lookup.input, lookup.shape, layout), table: layout.tables.firstIndex(of: lookup.table)!,
                domain: start...start + Int64(layout.tableRows(lookup.table)) - 1)
        }
        // By table, so that a thread counts for some of the tables.
        let tables = arguments.map(\.table)
        pieces = layout.lookups.indices.sorted { (tables[$0], $0) < (tables[$1], $1) }.flatMap { i in
            let count = layout.lookups[i].shape.count
            return stride(from: 0, to: count, by: WitnessPlan.pieceSize).map {
                Piece(lookup: i, range: $0..<min(count, $0 + WitnessPlan.pieceSize))
            }
        }
        divisions = layout.graph.nodes.indices.filter {
            switch layout.graph.nodes[$0].operation {
            case .divide, .squareRoot: true
            default: false
            }
        }
    }
}

/// A linear form, but for the tensors that it is made of.
struct FormPlan: Sendable {
    struct Term: Sendable {
        /// A node that is not committed, a column, or a remainder.
        let oracle: Oracle
        let coefficient: Int64
        let rows: BroadcastRows
        /// Entries of the tensor.
        let count: Int
    }
    let terms: [Term]
    let constant: Int64
    let shift: Int
    /// Subtract 1 at the indices below the output.
    let isBelowOutput: Bool
    /// Whether it is a tensor, but for its constant.
    let isPlain: Bool
    /// Whether 32 bits hold all that is added up, as long as tensors are in their ranges.
    let isNarrow: Bool

    init(
        _ form: LinearForm, _ shape: TensorShape, _ layout: ProofLayout, resolving resolve: ((Oracle) -> Oracle)? = nil
    ) {
        let resolve = resolve ?? layout.resolve
        terms = form.terms.map {
            Term(
                oracle: resolve($0.oracle), coefficient: $0.coefficient,
                rows: BroadcastRows(shape, axes: [$0.axes ?? Array(shape.dimensions.indices)]),
                count: $0.axes.map { $0.reduce(1) { $0 * shape.dimensions[$1] } } ?? shape.count)
        }
        constant = form.constant
        shift = form.shift
        isBelowOutput = form.belowOutput
        isPlain =
            form.terms.count == 1 && form.terms[0].coefficient == 1 && form.terms[0].axes == nil && form.shift == 0
            && !form.belowOutput
        var most = Double(form.constant.magnitude) + 1
        for term in form.terms {
            let range = try? layout.provedRange(term.oracle)
            most += Double(term.coefficient.magnitude) * (range.map { Double(Interval.magnitude($0)) } ?? .infinity)
        }
        isNarrow = most < 0x1p31 && shift < 31
    }
}

/// A linear form with its tensors, evaluated range by range.
struct FormSource {
    private let plan: FormPlan
    private let tensors: [IntegerTensor]
    /// Subtract 1 at the indices below this.
    private let below: Int

    init(_ plan: FormPlan, _ witness: Witness) {
        self.plan = plan
        tensors = plan.terms.map {
            let tensor = witness.tensor(resolved: $0.oracle)
            precondition(tensor.shape.count == $0.count)
            return tensor
        }
        below = plan.isBelowOutput ? witness.output : 0
    }

    /// The tensor that the form is but for its constant, if it is one.
    var plain: IntegerTensor? { plan.isPlain ? tensors[0] : nil }

    /// Writes the entries of a range; whether their division by 2^shift, which floors, was exact: it is for an honest witness.
    /// In 32 bits only where the plan says that they suffice.
    func write<A: SmallInteger>(_ range: Range<Int>, into out: UnsafeMutablePointer<A>) -> Bool {
        out.update(repeating: A(truncatingIfNeeded: plan.constant), count: range.count)
        for (term, tensor) in zip(plan.terms, tensors) {
            var sum = AddBroadcast(
                range: range, rows: term.rows, coefficient: A(truncatingIfNeeded: term.coefficient), out: out)
            tensor.storage.visit(&sum)
        }
        for i in 0..<max(0, min(range.upperBound, below) - range.lowerBound) { out[i] &-= 1 }
        guard plan.shift > 0 else { return true }
        let shift = A(truncatingIfNeeded: plan.shift)
        let mask = (1 as A) &<< shift &- 1
        var rest: A = 0
        for i in 0..<range.count {
            rest |= out[i] & mask
            out[i] = out[i] &>> shift
        }
        return rest == 0
    }
}

/// Adds the entries of a range of a multiple of a tensor, broadcast to a shape.
struct AddBroadcast<A: SmallInteger>: IntegerVisitor {
    let range: Range<Int>
    let rows: BroadcastRows
    let coefficient: A
    let out: UnsafeMutablePointer<A>

    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        let coefficient = self.coefficient
        // Coefficients are powers of two, mostly, and vectors of 32-bit products need more than the least of processors.
        let isShift = coefficient.magnitude.nonzeroBitCount == 1
        let bits = A(truncatingIfNeeded: coefficient.trailingZeroBitCount)
        var i = range.lowerBound
        while i < range.upperBound {
            let (row, column) = i.quotientAndRemainder(dividingBy: rows.width)
            let count = min(rows.width - column, range.upperBound - i)
            let from = elements.baseAddress! + rows.offset(0, row)
            let to = out + (i - range.lowerBound)
            if !rows.varies[0] {
                let value = coefficient &* A(truncatingIfNeeded: from[0])
                for j in 0..<count { to[j] &+= value }
            } else if isShift && coefficient > 0 {
                for j in 0..<count { to[j] &+= A(truncatingIfNeeded: from[column + j]) &<< bits }
            } else if isShift {
                for j in 0..<count { to[j] &-= A(truncatingIfNeeded: from[column + j]) &<< bits }
            } else {
                for j in 0..<count { to[j] &+= coefficient &* A(truncatingIfNeeded: from[column + j]) }
            }
            i += count
        }
    }
}
