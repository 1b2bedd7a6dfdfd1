import Graphs
import Tensors

/// Everything that a prover knows: the values of all nodes, the committed columns, and the arguments of every lookup.
///
/// Mutable, so that the tests' dishonest provers can lie in one place.
public struct Witness: Sendable {
    public var nodes: [IntegerTensor]
    public var columns: [IntegerTensor]
    /// The integers that each lookup looks up (its input form) but for a constant, in the order of `ProofLayout.lookups`.
    public var inputs: [IntegerTensor]
    /// What each lookup's input has to be added to it.
    public private(set) var inputConstants: [Int64] = []
    public var remainders: [NodeID: IntegerTensor]
    public private(set) var output: Int

    /// Derives the columns from an execution of the layout's graph.
    public init(_ layout: ProofLayout, _ execution: Execution) throws {
        nodes = layout.graph.nodes.indices.map { execution[$0] }
        output = execution.output
        columns = []
        inputs = []
        remainders = [:]
        let rests = Parallel.map(nodes.count, work: { nodes[$0].shape.count }) { remainder(layout, $0) }
        for (id, rest) in rests.enumerated() { remainders[id] = rest }
        try fillColumns(layout)
        try count(layout)
    }

    /// The witness of the proof that weights lie in their ranges: the weights themselves, limbs and multiplicities.
    public init(_ layout: ProofLayout, weights: [IntegerTensor]) throws {
        nodes = []
        output = 0
        columns = []
        inputs = []
        remainders = [:]
        try fillColumns(layout, weights: weights)
        try count(layout)
    }

    /// The same for a dishonest prover: weights outside their ranges are not counted.
    public init(_ layout: ProofLayout, lyingWeights weights: [IntegerTensor]) throws {
        nodes = []
        output = 0
        columns = []
        inputs = []
        remainders = [:]
        try fillColumns(layout, weights: weights)
        try count(layout, ignoringErrors: true)
    }

    private mutating func fillColumns(_ layout: ProofLayout, weights: [IntegerTensor] = []) throws {
        // A limb's column is the low part of a form of earlier tensors, so columns are made in the layout's order; the
        // column of a range check's limb comes from the check that it belongs to.
        var limbForms: [String: LinearForm] = [:]
        for lookup in layout.lookups where lookup.name.hasSuffix(".high") {
            for case .column(let c) in lookup.input.terms.map(\.oracle) {
                if case .rangeLimb(let name) = layout.columns[c].role, lookup.name == "\(name).high" {
                    var form = lookup.input
                    form.terms.removeLast()
                    form.shift -= ProofLayout.limbBits
                    limbForms[name] = form
                }
            }
        }
        // A limb of a range check is made of other columns and of the limbs below it, whose checks have shorter names.
        var stages: [[Int]] = []
        for (c, column) in layout.columns.enumerated() {
            var stage = 0
            if case .rangeLimb(let name) = column.role {
                stage = 1 + name.split(separator: ".").reversed().prefix { $0 == "high" }.count
            }
            while stages.count <= stage { stages.append([]) }
            stages[stage].append(c)
        }
        columns = layout.columns.map { IntegerTensor(uninitialized: TensorShape([]), range: $0.range) }
        for stage in stages {
            var made = [IntegerTensor?](repeating: nil, count: stage.count)
            made.withUnsafeMutableBufferPointer { made in
                let slots = made.baseAddress
                Parallel.forEach(stage.count) { i in
                    slots![i] = column(layout.columns[stage[i]], layout, weights, limbForms)
                }
            }
            for (c, tensor) in zip(stage, made) { columns[c] = tensor! }
        }
    }

    /// One column, from what the stages before its own have made.
    private func column(
        _ column: Column, _ layout: ProofLayout, _ weights: [IntegerTensor], _ limbForms: [String: LinearForm]
    ) -> IntegerTensor {
        switch column.role {
        case .value(let id): return nodes[id]
        case .weight(let i): return weights[i]
        case .requantiseLimb(let id, let index):
            guard case .requantise(let x, let shift, _) = layout.graph.nodes[id].operation else {
                preconditionFailure()
            }
            let start = index * ProofLayout.limbBits
            let bits = min(ProofLayout.limbBits, shift - start)
            let e = Elementwise(column.shape)
            e.add(nodes[x], coefficient: 1, axes: nil)
            e.map { (($0 &+ (1 << (shift - 1))) >> Int64(start)) & ((1 << bits) - 1) }
            return e.tensor(range: column.range)
        case .rangeLimb(let name):
            let e = evaluate(limbForms[name]!, column.shape, layout)
            e.map { $0 & ((1 << ProofLayout.limbBits) - 1) }
            return e.tensor(range: column.range)
        case .oneHot(let id):
            guard case .rowMaximum(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
            let position = IntegerTensor(uninitialized: column.shape, range: column.range)
            let width = column.shape.dimensions.last!
            for r in 0..<column.shape.count / width {
                let maximum = nodes[id][r]
                var found = false
                for j in 0..<width {
                    let here = !found && nodes[x][r * width + j] == maximum
                    position.storage[r * width + j] = here ? 1 : 0
                    found = found || here
                }
            }
            return position
        case .maximum(let id):
            guard case .argmax(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
            return IntegerTensor(shape: column.shape, range: column.range, values: [nodes[x][output]])
        case .multiplicity:
            return IntegerTensor(
                shape: column.shape, range: column.range,
                storage: .int32(.init(repeating: 0, count: column.shape.count)))
        }
    }

    /// Fills `inputs` and the multiplicities from the columns as they are. Arguments outside their table are an error, unless
    /// a dishonest prover has it that they are not counted.
    public mutating func count(_ layout: ProofLayout, ignoringErrors: Bool = false) throws {
        let sources = layout.lookups.map { FormSource($0.input, $0.shape, self, layout) }
        let tables = layout.lookups.map { layout.tables.firstIndex(of: $0.table)! }
        var made: [IntegerTensor] = []
        inputConstants = []
        for (lookup, source) in zip(layout.lookups, sources) {
            let start = layout.tableStart(lookup.table)
            let domain = start...start + Int64(layout.tableRows(lookup.table)) - 1
            inputConstants.append(source.plain == nil ? 0 : source.constant)
            made.append(
                source.plain
                    ?? IntegerTensor(
                        uninitialized: lookup.shape, range: ignoringErrors ? Int64.min...Int64.max : domain))
        }
        inputs = made

        struct Piece {
            let lookup: Int
            let range: Range<Int>
        }
        struct Scratch {
            let values = AlignedBuffer<Int64>(uninitialized: Witness.pieceSize)
            /// By table, where it has had a lookup.
            var counts: [AlignedBuffer<Int64>?]
        }
        var pieces: [Piece] = []
        for (i, lookup) in layout.lookups.enumerated() {
            for start in stride(from: 0, to: lookup.shape.count, by: Witness.pieceSize) {
                pieces.append(Piece(lookup: i, range: start..<min(lookup.shape.count, start + Witness.pieceSize)))
            }
        }
        let sizes = layout.tables.map { layout.tableRows($0) }
        // Of each table, as each thread has counted.
        var counts = [[AlignedBuffer<Int64>]](repeating: [], count: sizes.count)
        // Why a piece's arguments cannot be looked up.
        var faults = [String?](repeating: nil, count: pieces.count)
        faults.withUnsafeMutableBufferPointer { faults in
            let fault = faults.baseAddress
            Parallel.forEach(
                pieces.count, state: { Scratch(counts: .init(repeating: nil, count: sizes.count)) },
                finish: { scratch in
                    for (t, own) in scratch.counts.enumerated() where own != nil { counts[t].append(own!) }
                }
            ) { k, scratch in
                let (i, range) = (pieces[k].lookup, pieces[k].range)
                let (source, table) = (sources[i], tables[i])
                let values = scratch.values.pointer
                guard source.write(range, into: values) || ignoringErrors else {
                    fault![k] = "internal error: the looked-up value is not an integer"
                    return
                }
                let start = layout.tableStart(layout.lookups[i].table)
                let rows = UInt64(sizes[table])
                let own = scratch.counts[table] ?? AlignedBuffer(repeating: 0, count: sizes[table])
                scratch.counts[table] = own
                let counts = own.pointer
                var bad: Int64?
                for j in 0..<range.count {
                    let row = UInt64(bitPattern: values[j] &- start)
                    if row < rows {
                        counts[Int(row)] &+= 1
                    } else if !ignoringErrors {
                        bad = values[j]
                        break
                    }
                }
                if let bad {
                    fault![k] = "\(bad) is outside the table \(layout.tableName(layout.lookups[i].table))"
                } else if source.plain == nil {
                    Elementwise.narrow(values, into: made[i].storage, range)
                }
            }
        }
        for (piece, fault) in zip(pieces, faults) {
            if let fault { throw GraphError(node: layout.lookups[piece.lookup].name, fault) }
        }
        var sums: [(table: Int, range: Range<Int>, into: IntegerBuffer)] = []
        for (table, column) in layout.multiplicityColumns.enumerated() {
            let tensor = IntegerTensor(uninitialized: layout.columns[column].shape, range: layout.columns[column].range)
            columns[column] = tensor
            for start in stride(from: 0, to: sizes[table], by: Witness.pieceSize) {
                sums.append((table, start..<min(sizes[table], start + Witness.pieceSize), tensor.storage))
            }
        }
        Parallel.forEach(sums.count, work: { sums[$0].range.count }) {
            let (table, range, storage) = sums[$0]
            let sum = counts[table][0].pointer + range.lowerBound
            for other in counts[table].dropFirst() {
                let other = other.pointer + range.lowerBound
                for row in 0..<range.count { sum[row] &+= other[row] }
            }
            Elementwise.narrow(sum, into: storage, range)
        }
    }

    /// Arguments that one task evaluates and counts at a time.
    private static var pieceSize: Int { 1 << 13 }

    /// Sets what a division or a square root leaves from the values as they are; does nothing for other nodes.
    public mutating func recomputeRemainder(_ layout: ProofLayout, _ id: NodeID) {
        if let rest = remainder(layout, id) { remainders[id] = rest }
    }

    private func remainder(_ layout: ProofLayout, _ id: NodeID) -> IntegerTensor? {
        let shape = layout.graph.nodes[id].shape
        let operand: NodeID
        let divisor: (node: NodeID, axes: [Int])
        switch layout.graph.nodes[id].operation {
        case .divide(let n, let d, let axes): (operand, divisor) = (n, (d, axes))
        case .squareRoot(let v): (operand, divisor) = (v, (id, Array(shape.dimensions.indices)))
        default: return nil
        }
        let product = Elementwise(shape)
        product.add(nodes[id], coefficient: 1, axes: nil)
        product.multiply(nodes[divisor.node], axes: divisor.axes)
        let rest = Elementwise(shape)
        rest.add(nodes[operand], coefficient: 1, axes: nil)
        rest.subtract(product)
        return rest.tensor()
    }

    /// For a dishonest prover: claims another output.
    public mutating func setOutput(_ token: Int) { output = token }

    /// The tensor behind an oracle.
    public func tensor(_ oracle: Oracle, _ layout: ProofLayout) -> IntegerTensor {
        switch layout.resolve(oracle) {
        case .node(let id): nodes[id]
        case .column(let i): columns[i]
        case .remainder(let id): remainders[id]!
        }
    }

    /// A form over integers. Its division by 2^shift floors.
    func evaluate(_ form: LinearForm, _ shape: TensorShape, _ layout: ProofLayout) -> Elementwise {
        let source = FormSource(form, shape, self, layout)
        let e = Elementwise(shape)
        let out = e.values.pointer
        Parallel.forEachChunk(shape.count, grain: 1 << 14) { _ = source.write($0, into: out + $0.lowerBound) }
        return e
    }
}

/// A linear form with the tensors that it is made of, evaluated range by range.
private struct FormSource {
    private let terms: [BroadcastTerm]
    let constant: Int64
    private let shift: Int64
    /// Subtract 1 at the indices below this.
    private let below: Int
    /// The tensor that the form is but for its constant, if it is one.
    let plain: IntegerTensor?

    init(_ form: LinearForm, _ shape: TensorShape, _ witness: Witness, _ layout: ProofLayout) {
        terms = form.terms.map {
            BroadcastTerm(witness.tensor($0.oracle, layout), coefficient: $0.coefficient, axes: $0.axes, of: shape)
        }
        constant = form.constant
        shift = Int64(form.shift)
        below = form.belowOutput ? witness.output : 0
        let isPlain =
            form.terms.count == 1 && form.terms[0].coefficient == 1 && form.terms[0].axes == nil && form.shift == 0
            && !form.belowOutput
        plain = isPlain ? witness.tensor(form.terms[0].oracle, layout) : nil
    }

    /// Writes the entries of a range; whether their division by 2^shift, which floors, was exact: it is for an honest witness.
    func write(_ range: Range<Int>, into out: UnsafeMutablePointer<Int64>) -> Bool {
        out.update(repeating: constant, count: range.count)
        for term in terms { term.add(range, to: out) }
        for i in 0..<max(0, min(range.upperBound, below) - range.lowerBound) { out[i] &-= 1 }
        guard shift > 0 else { return true }
        let mask: Int64 = (1 << shift) - 1
        var rest: Int64 = 0
        for i in 0..<range.count {
            rest |= out[i] & mask
            out[i] >>= shift
        }
        return rest == 0
    }
}

/// A multiple of a tensor, broadcast to a shape.
private struct BroadcastTerm {
    private let tensor: IntegerTensor
    private let coefficient: Int64
    private let rows: BroadcastRows

    init(_ tensor: IntegerTensor, coefficient: Int64, axes: [Int]?, of shape: TensorShape) {
        precondition(axes != nil || tensor.shape.count == shape.count)
        self.tensor = tensor
        self.coefficient = coefficient
        rows = BroadcastRows(shape, axes: [axes ?? Array(shape.dimensions.indices)])
    }

    /// Adds the entries of a range.
    func add(_ range: Range<Int>, to out: UnsafeMutablePointer<Int64>) {
        var sum = Add(range: range, rows: rows, coefficient: coefficient, out: out)
        tensor.storage.visit(&sum)
    }

    private struct Add: IntegerVisitor {
        let range: Range<Int>
        let rows: BroadcastRows
        let coefficient: Int64
        let out: UnsafeMutablePointer<Int64>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            var i = range.lowerBound
            while i < range.upperBound {
                let (row, column) = i.quotientAndRemainder(dividingBy: rows.width)
                let count = min(rows.width - column, range.upperBound - i)
                let from = elements.baseAddress! + rows.offset(0, row)
                let to = out + (i - range.lowerBound)
                if rows.varies[0] {
                    for j in 0..<count { to[j] &+= coefficient &* Int64(from[column + j]) }
                } else {
                    let value = coefficient &* Int64(from[0])
                    for j in 0..<count { to[j] &+= value }
                }
                i += count
            }
        }
    }
}

/// Elementwise arithmetic on 64-bit integers over one shape.
final class Elementwise {
    let shape: TensorShape
    let values: AlignedBuffer<Int64>

    init(_ shape: TensorShape) {
        self.shape = shape
        values = AlignedBuffer(repeating: 0, count: shape.count)
    }

    func add(_ x: IntegerTensor, coefficient: Int64, axes: [Int]?) {
        let term = BroadcastTerm(x, coefficient: coefficient, axes: axes, of: shape)
        forEachChunk { term.add($0, to: values.pointer + $0.lowerBound) }
    }

    func multiply(_ x: IntegerTensor, axes: [Int]) {
        let factor = Elementwise(shape)
        factor.add(x, coefficient: 1, axes: axes)
        forEachChunk { for i in $0 { values.pointer[i] &*= factor.values.pointer[i] } }
    }

    func subtract(_ other: Elementwise) {
        forEachChunk { for i in $0 { values.pointer[i] &-= other.values.pointer[i] } }
    }

    func map(_ transform: (Int64) -> Int64) {
        forEachChunk { for i in $0 { values.pointer[i] = transform(values.pointer[i]) } }
    }

    private func forEachChunk(_ body: (Range<Int>) -> Void) {
        Parallel.forEachChunk(values.count, grain: 1 << 14, body)
    }

    /// The values in the narrowest storage for `range`, or for the range that they have.
    func tensor(range: ClosedRange<Int64>? = nil) -> IntegerTensor {
        var low = Int64.max
        var high = Int64.min
        for v in values.elements {
            low = min(low, v)
            high = max(high, v)
        }
        // A dishonest witness may leave the declared range; storage then follows the values.
        let actual = min(low, range?.lowerBound ?? low)...max(high, range?.upperBound ?? high)
        let result = IntegerTensor(
            shape: shape, range: range ?? actual, storage: .init(uninitialized: shape.count, range: actual))
        forEachChunk { Elementwise.narrow(values.pointer + $0.lowerBound, into: result.storage, $0) }
        return result
    }

    /// Writes values, which fit, to a range of a buffer.
    static func narrow(_ values: UnsafePointer<Int64>, into storage: IntegerBuffer, _ range: Range<Int>) {
        func write<T: SmallInteger>(_ to: UnsafeMutablePointer<T>) {
            for i in 0..<range.count { to[i] = T(truncatingIfNeeded: values[i]) }
        }
        switch storage {
        case .int8(let b): write(b.pointer + range.lowerBound)
        case .int16(let b): write(b.pointer + range.lowerBound)
        case .int32(let b): write(b.pointer + range.lowerBound)
        case .int64(let b): write(b.pointer + range.lowerBound)
        }
    }
}
