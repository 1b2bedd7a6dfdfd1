import Graphs
import Tensors

/// Everything that a prover knows: the values of all nodes, the committed columns, and the arguments of every lookup.
///
/// Mutable, so that the tests' dishonest provers can lie in one place.
public struct Witness: Sendable {
    public var nodes: NodeValues
    public var columns: [IntegerTensor]
    /// The integers that each lookup looks up (its input form) but for a constant, in the order of `ProofLayout.lookups`.
    public var inputs: [IntegerTensor]
    /// What each lookup's input has to be added to it.
    public private(set) var inputConstants: [Int64] = []
    public var remainders: [NodeID: IntegerTensor]
    public private(set) var output: Int

    /// Derives the columns from an execution of the layout's graph.
    public init(_ layout: ProofLayout, _ execution: Execution) throws {
        try self.init(WitnessPlan(layout), execution)
    }

    /// The same for a layout whose plan is there.
    public init(_ plan: WitnessPlan, _ execution: Execution) throws {
        let layout = plan.layout
        nodes = execution.values
        output = execution.output
        columns = []
        inputs = []
        remainders = [:]
        let rests = Parallel.map(plan.divisions.count, work: { nodes[plan.divisions[$0]].shape.count }) {
            remainder(layout, plan.divisions[$0])
        }
        for (id, rest) in zip(plan.divisions, rests) { remainders[id] = rest }
        fillColumns(plan)
        try count(plan)
    }

    /// The witness of the proof that weights lie in their ranges: the weights themselves, limbs and multiplicities.
    public init(_ layout: ProofLayout, weights: [IntegerTensor]) throws {
        try self.init(layout, weights, ignoringErrors: false)
    }

    /// The same for a dishonest prover: weights outside their ranges are not counted.
    public init(_ layout: ProofLayout, lyingWeights weights: [IntegerTensor]) throws {
        try self.init(layout, weights, ignoringErrors: true)
    }

    private init(_ layout: ProofLayout, _ weights: [IntegerTensor], ignoringErrors: Bool) throws {
        nodes = NodeValues()
        output = 0
        columns = []
        inputs = []
        remainders = [:]
        let plan = WitnessPlan(layout)
        fillColumns(plan, weights: weights)
        try count(plan, ignoringErrors: ignoringErrors)
    }

    private mutating func fillColumns(_ plan: WitnessPlan, weights: [IntegerTensor] = []) {
        let layout = plan.layout
        let none = IntegerTensor(uninitialized: TensorShape([]), range: 0...0)
        columns = Array(repeating: none, count: layout.columns.count)
        for stage in plan.stages {
            let made = Parallel.map(stage.count, work: { layout.columns[stage[$0].column].shape.count }) { i in
                column(layout.columns[stage[i].column], stage[i].recipe, weights)
            }
            for (own, tensor) in zip(stage, made) { columns[own.column] = tensor }
        }
    }

    /// One column, from what the stages before its own have made.
    private func column(_ column: Column, _ recipe: WitnessPlan.Recipe, _ weights: [IntegerTensor]) -> IntegerTensor {
        switch recipe {
        case .node(let id): return nodes[id]
        case .weight(let i): return weights[i]
        case .bits(let form, let mask):
            let bits = IntegerTensor(uninitialized: column.shape, range: column.range)
            let source = FormSource(form, self)
            if form.isNarrow {
                source.writeBits(Int32(mask), into: bits)
            } else {
                source.writeBits(mask, into: bits)
            }
            return bits
        case .position(let maximum, let x):
            let position = IntegerTensor(
                shape: column.shape, range: column.range, storage: .int8(.init(repeating: 0, count: column.shape.count))
            )
            var find = FindMaxima(maxima: nodes[maximum], width: column.shape.dimensions.last!, position: position)
            nodes[x].storage.visit(&find)
            return position
        case .atOutput(let x):
            return IntegerTensor(shape: column.shape, range: column.range, values: [nodes[x][output]])
        }
    }

    /// Fills `inputs` and the multiplicities from the columns as they are. Arguments outside their table are an error, unless
    /// a dishonest prover has it that they are not counted.
    public mutating func count(_ layout: ProofLayout, ignoringErrors: Bool = false) throws {
        try count(WitnessPlan(layout), ignoringErrors: ignoringErrors)
    }

    /// Forms that fit 32 bits for values in their ranges, which an honest prover's are, are evaluated in them.
    private mutating func count(_ plan: WitnessPlan, ignoringErrors: Bool = false) throws {
        let layout = plan.layout
        let sources = plan.arguments.map { FormSource($0.form, self) }
        let constants = plan.arguments.map { $0.form.isPlain ? $0.form.constant : 0 }
        inputConstants = constants
        let made = layout.lookups.indices.map { i in
            sources[i].plain
                ?? IntegerTensor(
                    uninitialized: layout.lookups[i].shape,
                    range: ignoringErrors ? Int64.min...Int64.max : plan.arguments[i].domain)
        }
        inputs = made

        for column in layout.multiplicityColumns where layout.columns[column].range.upperBound > Int64(Int32.max) {
            throw GraphError("\(layout.columns[column].range.upperBound) lookups are more than 32 bits count")
        }
        // By table, where it has had a lookup, as each thread has counted.
        typealias Counts = [AlignedBuffer<Int32>?]
        let sizes = plan.tableSizes
        var counts = [[AlignedBuffer<Int32>]](repeating: [], count: sizes.count)
        // Why a piece's arguments cannot be looked up.
        var faults = [LookupFault?](repeating: nil, count: plan.pieces.count)
        faults.withUnsafeMutableBufferPointer { faults in
            let fault = faults.baseAddress
            Parallel.forEach(
                plan.pieces.count, state: { Counts(repeating: nil, count: sizes.count) },
                finish: { for (t, own) in $0.enumerated() where own != nil { counts[t].append(own!) } }
            ) { k, own in
                let piece = plan.pieces[k]
                let arguments = plan.arguments[piece.lookup]
                let counts = own[arguments.table] ?? AlignedBuffer(repeating: 0, count: sizes[arguments.table])
                own[arguments.table] = counts
                let source = sources[piece.lookup]
                let counter = CountArguments(
                    range: piece.range, offset: constants[piece.lookup], first: arguments.domain.lowerBound,
                    rows: UInt64(counts.count), counts: counts.pointer)
                if let plain = source.plain {
                    var counter = counter
                    fault![k] = plain.storage.visit(&counter).map(LookupFault.outside)
                } else if arguments.form.isNarrow && !ignoringErrors {
                    fault![k] = source.count(Int32.self, counter, into: made[piece.lookup], ignoringErrors)
                } else {
                    fault![k] = source.count(Int64.self, counter, into: made[piece.lookup], ignoringErrors)
                }
            }
        }
        let found = zip(plan.pieces, faults).filter { $1 != nil && !ignoringErrors }
        // The first of them, whatever the order of the pieces.
        if let (piece, fault) = found.min(by: {
            ($0.0.lookup, $0.0.range.lowerBound) < ($1.0.lookup, $1.0.range.lowerBound)
        }) {
            let lookup = layout.lookups[piece.lookup]
            switch fault! {
            case .notWhole:
                throw GraphError(node: lookup.name, "internal error: the looked-up value is not an integer")
            case .outside(let value):
                throw GraphError(node: lookup.name, "\(value) is outside the table \(layout.tableName(lookup.table))")
            }
        }
        // What several threads have counted is added up; what one has is the column.
        var sums: [(table: Int, range: Range<Int>)] = []
        for (table, column) in layout.multiplicityColumns.enumerated() {
            let (shape, range) = (layout.columns[column].shape, layout.columns[column].range)
            columns[column] = IntegerTensor(shape: shape, range: range, storage: .int32(counts[table][0]))
            if counts[table].count == 1 { continue }
            for start in stride(from: 0, to: sizes[table], by: WitnessPlan.pieceSize) {
                sums.append((table, start..<min(sizes[table], start + WitnessPlan.pieceSize)))
            }
        }
        Parallel.forEach(sums.count, work: { sums[$0].range.count }) {
            let (table, range) = sums[$0]
            let sum = counts[table][0].pointer
            for other in counts[table].dropFirst() {
                for row in range { sum[row] &+= other.pointer[row] }
            }
        }
    }

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
        tensor(resolved: layout.resolve(oracle))
    }

    /// The tensor behind an oracle that the layout has resolved.
    func tensor(resolved oracle: Oracle) -> IntegerTensor {
        switch oracle {
        case .node(let id): nodes[id]
        case .column(let i): columns[i]
        case .remainder(let id): remainders[id]!
        }
    }
}

/// Why an argument cannot be looked up.
private enum LookupFault {
    case outside(Int64)
    case notWhole
}

/// Counts the entries of a range, plus an offset, that are arguments of a table; the first of those that are not.
private struct CountArguments: IntegerVisitor {
    let range: Range<Int>
    let offset: Int64
    /// The table's least argument, its rows and how often each was looked up.
    let first: Int64
    let rows: UInt64
    let counts: UnsafeMutablePointer<Int32>

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> Int64? {
        count(elements.baseAddress! + range.lowerBound, range.count)
    }

    /// The same for some values that have been made.
    func count<T: SmallInteger>(_ values: UnsafePointer<T>, _ count: Int) -> Int64? {
        var fault: Int64?
        let start = first &- offset
        for j in 0..<count {
            let row = UInt64(bitPattern: Int64(values[j]) &- start)
            if row < rows {
                counts[Int(row)] &+= 1
            } else if fault == nil {
                fault = Int64(values[j]) &+ offset
            }
        }
        return fault
    }
}

/// Marks where the maximum of each row, which is given, is first found.
private struct FindMaxima: IntegerVisitor {
    let maxima: IntegerTensor
    let width: Int
    let position: IntegerTensor

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        for r in 0..<elements.count / max(width, 1) {
            let maximum = maxima[r]
            let row = elements.baseAddress! + r * width
            if let j = (0..<width).first(where: { Int64(row[$0]) == maximum }) { position.storage[r * width + j] = 1 }
        }
    }
}

extension FormSource {
    /// Values that are made at a time.
    private static var size: Int { 1 << 11 }

    /// Writes the low bits of all values, where `mask` has ones, in integers of its type.
    fileprivate func writeBits<A: SmallInteger>(_ mask: A, into bits: IntegerTensor) {
        Parallel.forEachChunk(bits.shape.count, grain: 1 << 14) { chunk in
            withUnsafeTemporaryAllocation(of: A.self, capacity: FormSource.size) { values in
                let values = values.baseAddress!
                for first in stride(from: chunk.lowerBound, to: chunk.upperBound, by: FormSource.size) {
                    let range = first..<min(first + FormSource.size, chunk.upperBound)
                    _ = write(range, into: values)
                    for i in 0..<range.count { values[i] &= mask }
                    Elementwise.narrow(values, into: bits.storage, range)
                }
            }
        }
    }

    /// Writes a range of the arguments, evaluated in integers of this type, to a tensor and counts them.
    fileprivate func count<A: SmallInteger>(
        _: A.Type, _ counter: CountArguments, into arguments: IntegerTensor, _ ignoringErrors: Bool
    ) -> LookupFault? {
        withUnsafeTemporaryAllocation(of: A.self, capacity: FormSource.size) { values in
            let values = values.baseAddress!
            for first in stride(from: counter.range.lowerBound, to: counter.range.upperBound, by: FormSource.size) {
                let range = first..<min(first + FormSource.size, counter.range.upperBound)
                let isWhole = write(range, into: values)
                if !isWhole && !ignoringErrors { return .notWhole }
                if let value = counter.count(values, range.count), !ignoringErrors { return .outside(value) }
                Elementwise.narrow(values, into: arguments.storage, range)
            }
            return nil
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
        precondition(axes != nil || x.shape.count == shape.count)
        let rows = BroadcastRows(shape, axes: [axes ?? Array(shape.dimensions.indices)])
        forEachChunk {
            var sum = AddBroadcast(
                range: $0, rows: rows, coefficient: coefficient, out: values.pointer + $0.lowerBound)
            x.storage.visit(&sum)
        }
    }

    func multiply(_ x: IntegerTensor, axes: [Int]) {
        let factor = Elementwise(shape)
        factor.add(x, coefficient: 1, axes: axes)
        forEachChunk { for i in $0 { values.pointer[i] &*= factor.values.pointer[i] } }
    }

    func subtract(_ other: Elementwise) {
        forEachChunk { for i in $0 { values.pointer[i] &-= other.values.pointer[i] } }
    }

    private func forEachChunk(_ body: (Range<Int>) -> Void) {
        Parallel.forEachChunk(values.count, grain: 1 << 14, body)
    }

    /// The values in the narrowest storage for the range that they have.
    func tensor() -> IntegerTensor {
        var low = Int64.max
        var high = Int64.min
        for v in values.elements {
            low = min(low, v)
            high = max(high, v)
        }
        let result = IntegerTensor(uninitialized: shape, range: low...high)
        forEachChunk { Elementwise.narrow(values.pointer + $0.lowerBound, into: result.storage, $0) }
        return result
    }

    /// Writes values, which fit, to a range of a buffer.
    static func narrow<A: SmallInteger>(_ values: UnsafePointer<A>, into storage: IntegerBuffer, _ range: Range<Int>) {
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
