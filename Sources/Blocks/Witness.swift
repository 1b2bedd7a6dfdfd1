import Graphs
import Tensors

/// Everything that a prover knows: the values of all nodes, the committed columns, and the arguments of every lookup.
///
/// Mutable, so that the tests' dishonest provers can lie in one place.
public struct Witness: Sendable {
    public var nodes: [IntegerTensor]
    public var columns: [IntegerTensor]
    /// The integers that each lookup looks up (its input form), in the order of `ProofLayout.lookups`.
    public var inputs: [IntegerTensor]
    public var remainders: [NodeID: IntegerTensor]
    public private(set) var output: Int

    /// Derives the columns from an execution of the layout's graph.
    public init(_ layout: ProofLayout, _ execution: Execution) throws {
        nodes = layout.graph.nodes.indices.map { execution[$0] }
        output = execution.output
        columns = []
        inputs = []
        remainders = [:]
        for id in nodes.indices { recomputeRemainder(layout, id) }
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
        for column in layout.columns {
            switch column.role {
            case .value(let id): columns.append(nodes[id])
            case .weight(let i): columns.append(weights[i])
            case .requantiseLimb(let id, let index):
                guard case .requantise(let x, let shift, _) = layout.graph.nodes[id].operation else {
                    preconditionFailure()
                }
                let start = index * ProofLayout.limbBits
                let bits = min(ProofLayout.limbBits, shift - start)
                let e = Elementwise(column.shape)
                e.add(nodes[x], coefficient: 1, axes: nil)
                e.map { (($0 &+ (1 << (shift - 1))) >> Int64(start)) & ((1 << bits) - 1) }
                columns.append(e.tensor(range: column.range))
            case .rangeLimb(let name):
                let form = limbForms[name]!
                let e = evaluate(form, column.shape, layout)
                e.map { $0 & ((1 << ProofLayout.limbBits) - 1) }
                columns.append(e.tensor(range: column.range))
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
                columns.append(position)
            case .maximum(let id):
                guard case .argmax(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
                columns.append(IntegerTensor(shape: column.shape, range: column.range, values: [nodes[x][output]]))
            case .multiplicity:
                columns.append(
                    IntegerTensor(
                        shape: column.shape, range: column.range,
                        storage: .int32(.init(repeating: 0, count: column.shape.count))))
            }
        }
    }

    /// Fills `inputs` and the multiplicities from the columns as they are. Arguments outside their table are an error, unless
    /// a dishonest prover has it that they are not counted.
    public mutating func count(_ layout: ProofLayout, ignoringErrors: Bool = false) throws {
        inputs = []
        var counts = layout.tables.map { [Int64](repeating: 0, count: layout.tableRows($0)) }
        for lookup in layout.lookups {
            let start = layout.tableStart(lookup.table)
            let rows = layout.tableRows(lookup.table)
            let (e, exact) = exactly(lookup.input, lookup.shape, layout)
            guard exact || ignoringErrors else {
                throw GraphError(node: lookup.name, "internal error: the looked-up value is not an integer")
            }
            let table = layout.tables.firstIndex(of: lookup.table)!
            let bad: Int64? = counts[table].withUnsafeMutableBufferPointer { counts in
                for value in e.values.elements {
                    let row = value &- start
                    if row < 0 || row >= rows {
                        if ignoringErrors { continue }
                        return value
                    }
                    counts[Int(row)] += 1
                }
                return nil
            }
            if let bad {
                throw GraphError(node: lookup.name, "\(bad) is outside the table \(layout.tableName(lookup.table))")
            }
            inputs.append(e.tensor())
        }
        for (table, column) in layout.multiplicityColumns.enumerated() {
            columns[column] = IntegerTensor(
                shape: layout.columns[column].shape, range: layout.columns[column].range, values: counts[table])
        }
    }

    /// Sets what a division or a square root leaves from the values as they are; does nothing for other nodes.
    public mutating func recomputeRemainder(_ layout: ProofLayout, _ id: NodeID) {
        let shape = layout.graph.nodes[id].shape
        let operand: NodeID
        let divisor: (node: NodeID, axes: [Int])
        switch layout.graph.nodes[id].operation {
        case .divide(let n, let d, let axes): (operand, divisor) = (n, (d, axes))
        case .squareRoot(let v): (operand, divisor) = (v, (id, Array(shape.dimensions.indices)))
        default: return
        }
        let product = Elementwise(shape)
        product.add(nodes[id], coefficient: 1, axes: nil)
        product.multiply(nodes[divisor.node], axes: divisor.axes)
        let rest = Elementwise(shape)
        rest.add(nodes[operand], coefficient: 1, axes: nil)
        rest.subtract(product)
        remainders[id] = rest.tensor()
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

    /// A form over integers, and whether its division by 2^shift was exact everywhere: it is for an honest witness.
    func exactly(_ form: LinearForm, _ shape: TensorShape, _ layout: ProofLayout) -> (Elementwise, Bool) {
        var whole = form
        whole.shift = 0
        let e = evaluate(whole, shape, layout)
        let mask: Int64 = (1 << Int64(form.shift)) - 1
        var rest: Int64 = 0
        for v in e.values.elements { rest |= v & mask }
        if form.shift > 0 { e.map { $0 >> Int64(form.shift) } }
        return (e, rest == 0)
    }

    /// A form over integers. Its division by 2^shift floors.
    func evaluate(_ form: LinearForm, _ shape: TensorShape, _ layout: ProofLayout) -> Elementwise {
        let e = Elementwise(shape)
        for term in form.terms {
            e.add(tensor(term.oracle, layout), coefficient: term.coefficient, axes: term.axes)
        }
        if form.belowOutput { for i in 0..<output { e.values.pointer[i] &-= 1 } }
        if form.constant != 0 || form.shift > 0 {
            let (constant, shift) = (form.constant, Int64(form.shift))
            e.map { ($0 &+ constant) >> shift }
        }
        return e
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

    /// Index of the operand's entry for each output entry, or nil where they agree.
    private func indices(_ operand: TensorShape, _ axes: [Int]?) -> [Int32]? {
        guard let axes, axes != Array(shape.dimensions.indices) else {
            precondition(operand.count == shape.count)
            return nil
        }
        var strides = [Int](repeating: 0, count: shape.dimensions.count)
        var stride = 1
        for (i, axis) in axes.enumerated().reversed() {
            strides[axis] = stride
            stride *= operand.dimensions[i]
        }
        var result: [Int32] = [0]
        for (size, stride) in zip(shape.dimensions, strides) {
            var next: [Int32] = []
            next.reserveCapacity(result.count * size)
            for base in result { for i in 0..<size { next.append(base + Int32(i * stride)) } }
            result = next
        }
        return result
    }

    func add(_ x: IntegerTensor, coefficient: Int64, axes: [Int]?) {
        let map = indices(x.shape, axes)
        switch x.storage {
        case .int8(let b): add(b.elements, coefficient, map)
        case .int16(let b): add(b.elements, coefficient, map)
        case .int32(let b): add(b.elements, coefficient, map)
        case .int64(let b): add(b.elements, coefficient, map)
        }
    }

    private func add<T: SmallInteger>(_ x: UnsafeBufferPointer<T>, _ c: Int64, _ map: [Int32]?) {
        let out = values.pointer
        if let map {
            for i in 0..<map.count { out[i] &+= c &* Int64(x[Int(map[i])]) }
        } else {
            for i in 0..<x.count { out[i] &+= c &* Int64(x[i]) }
        }
    }

    func multiply(_ x: IntegerTensor, axes: [Int]) {
        let map = indices(x.shape, axes)
        for i in 0..<values.count { values.pointer[i] &*= x.storage[map.map { Int($0[i]) } ?? i] }
    }

    func subtract(_ other: Elementwise) {
        for i in 0..<values.count { values.pointer[i] &-= other.values.pointer[i] }
    }

    func map(_ transform: (Int64) -> Int64) {
        for i in 0..<values.count { values.pointer[i] = transform(values.pointer[i]) }
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
        switch result.storage {
        case .int8(let b): for i in 0..<shape.count { b.pointer[i] = Int8(truncatingIfNeeded: values.pointer[i]) }
        case .int16(let b): for i in 0..<shape.count { b.pointer[i] = Int16(truncatingIfNeeded: values.pointer[i]) }
        case .int32(let b): for i in 0..<shape.count { b.pointer[i] = Int32(truncatingIfNeeded: values.pointer[i]) }
        case .int64(let b): b.pointer.update(from: values.pointer, count: shape.count)
        }
        return result
    }
}
