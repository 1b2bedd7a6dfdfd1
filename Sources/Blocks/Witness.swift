import Graphs
import Synchronization
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

    /// Runs the layout's graph and derives all else beside it. The plan is one for the interpreter's stages.
    public init(_ plan: WitnessPlan, _ interpreter: Interpreter, tokens: [Int]) throws {
        precondition(plan.stages == interpreter.nodesByStage, "the plan is for another interpreter")
        let filling = Filling(plan, lanes: Parallel.freeThreadCount)
        let execution = try interpreter.run(tokens: tokens, observer: filling)
        self.init(filling, execution.values, output: execution.output)
        try check(filling)
    }

    /// Derives the columns from an execution of the layout's graph.
    public init(_ layout: ProofLayout, _ execution: Execution) throws {
        let filling = Filling(WitnessPlan(layout), lanes: 1)
        filling.derive(layout.graph.nodes.indices.map { execution[$0] }, output: execution.output)
        self.init(filling, execution.values, output: execution.output)
        try check(filling)
    }

    /// The witness of the proof that weights lie in their ranges: the weights themselves, limbs and multiplicities.
    public init(_ layout: ProofLayout, weights: [IntegerTensor]) throws {
        let filling = Filling(WitnessPlan(layout), lanes: 1)
        filling.derive(weights, output: 0)
        self.init(filling, NodeValues(), output: 0, weights: weights)
        try check(filling)
    }

    /// The same for a dishonest prover: weights outside their ranges are not counted.
    public init(_ layout: ProofLayout, lyingWeights weights: [IntegerTensor]) throws {
        let filling = Filling(WitnessPlan(layout), lanes: 1)
        filling.derive(weights, output: 0)
        self.init(filling, NodeValues(), output: 0, weights: weights)
        try recount(layout)
    }

    /// All but the multiplicities.
    private init(_ filling: Filling, _ values: NodeValues, output: Int, weights: [IntegerTensor] = []) {
        func tensor(_ source: Source) -> IntegerTensor {
            switch source {
            case .given(let i): weights.isEmpty ? values[i] : weights[i]
            case .made(let i): filling.tensor(i)
            }
        }
        let plan = filling.plan
        let none = IntegerTensor(uninitialized: TensorShape([]), range: 0...0)
        nodes = values
        self.output = output
        columns = plan.columns.map { $0.map(tensor) ?? none }
        inputs = plan.lookups.map { tensor($0.source) }
        inputConstants = plan.lookups.map(\.constant)
        remainders = Dictionary(uniqueKeysWithValues: plan.remainders.map { ($0.node, filling.tensor($0.index)) })
    }

    /// Counts the lookups of an honest witness, all of whose arguments lie in their tables.
    private mutating func check(_ filling: Filling) throws {
        if let (derivation, fault) = filling.fault { throw filling.plan.error(derivation, fault) }
        try count(filling.plan, ignoringErrors: false)
    }

    /// For a dishonest prover: derives the lookups' inputs and the multiplicities anew from the columns and values as they are.
    /// Arguments outside their table are not counted.
    public mutating func recount(_ layout: ProofLayout) throws {
        let plan = WitnessPlan(layout)
        // Of a node that has a column, that is read.
        let given =
            layout.graph.nodes.isEmpty
            ? Array(columns.prefix(layout.columns.count - layout.multiplicityColumns.count))
            : layout.graph.nodes.indices.map { tensor(.node($0), layout) }
        var made = plan.derivations.map { IntegerTensor(uninitialized: $0.shape, range: Int64.min...Int64.max) }
        for (i, source) in plan.columns.enumerated() {
            if case .made(let k)? = source { made[k] = columns[i] }
        }
        for (node, k) in plan.remainders { made[k] = remainders[node]! }
        withExtendedLifetime((given, made)) {
            let givenPointers = given.map(\.storage.pointer)
            let madePointers = made.map(\.storage.pointer)
            givenPointers.withUnsafeBufferPointer { givenPointers in
                madePointers.withUnsafeBufferPointer { madePointers in
                    let places = Places(
                        given: givenPointers.baseAddress!, made: madePointers.baseAddress!, output: output)
                    for (k, derivation) in plan.derivations.enumerated() {
                        guard let form = derivation.argumentForm, case .int64(let out) = made[k].storage else {
                            continue
                        }
                        _ = form.write(0..<derivation.count, places, into: out.pointer)
                    }
                }
            }
        }
        inputs = plan.lookups.map { lookup in
            switch lookup.source {
            case .given(let i): given[i]
            case .made(let k): made[k]
            }
        }
        inputConstants = plan.lookups.map(\.constant)
        try count(plan, ignoringErrors: true)
    }

    /// Fills the multiplicities from `inputs`.
    private mutating func count(_ plan: WitnessPlan, ignoringErrors: Bool) throws {
        let layout = plan.layout
        for column in layout.multiplicityColumns where layout.columns[column].range.upperBound > Int64(Int32.max) {
            throw GraphError("\(layout.columns[column].range.upperBound) lookups are more than 32 bits count")
        }
        let sizes = plan.tableSizes
        let tasks = plan.countingTasks(threads: Parallel.freeThreadCount)
        // What each task has counted, and the first of its arguments that are outside their table.
        var counts = [AlignedBuffer<Int32>?](repeating: nil, count: tasks.count)
        var faults = [(lookup: Int, fault: DerivationFault)?](repeating: nil, count: tasks.count)
        let inputs = inputs.map(\.storage.pointer)
        counts.withUnsafeMutableBufferPointer { counts in
            faults.withUnsafeMutableBufferPointer { faults in
                let (counted, fault) = (counts.baseAddress, faults.baseAddress)
                Parallel.forEachInOrder(tasks.count) { k in
                    let task = tasks[k]
                    let own = AlignedBuffer<Int32>(repeating: 0, count: sizes[task.table])
                    counted![k] = own
                    for piece in task.pieces {
                        let lookup = plan.lookups[piece.lookup]
                        var counter = CountArguments(
                            range: piece.range, offset: lookup.constant, first: lookup.domain.lowerBound,
                            rows: UInt64(own.count), counts: own.pointer)
                        let outside = inputs[piece.lookup].visit(piece.range.upperBound, &counter)
                        if let outside, fault![k] == nil { fault![k] = (piece.lookup, outside) }
                    }
                }
            }
        }
        let first = faults.compactMap { $0 }.min { ($0.lookup, $0.fault.index) < ($1.lookup, $1.fault.index) }
        if !ignoringErrors, let (lookup, fault) = first { throw plan.error(lookup: lookup, fault) }
        for (table, column) in layout.multiplicityColumns.enumerated() {
            let own = zip(tasks, counts).filter { $0.0.table == table }.map { $1! }
            let (shape, range) = (layout.columns[column].shape, layout.columns[column].range)
            columns[column] = IntegerTensor(shape: shape, range: range, storage: .int32(own[0]))
            if own.count == 1 { continue }
            Parallel.forEachChunk(sizes[table], grain: 1 << 13) { rows in
                for other in own.dropFirst() {
                    for row in rows { own[0].pointer[row] &+= other.pointer[row] }
                }
            }
        }
    }

    /// For a dishonest prover: sets what a division or a square root leaves from the values as they are; does nothing for other
    /// nodes.
    public mutating func recomputeRemainder(_ layout: ProofLayout, _ id: NodeID) {
        guard
            let plan = RemainderPlan(
                layout.graph, id,
                {
                    guard case .node(let id) = $0 else { preconditionFailure() }
                    return .given(id)
                })
        else { return }
        let given = layout.graph.nodes.indices.map { nodes[$0] }
        let shape = layout.graph.nodes[id].shape
        let values = AlignedBuffer<Int64>(uninitialized: shape.count)
        withExtendedLifetime(given) {
            given.map(\.storage.pointer).withUnsafeBufferPointer {
                // Made of nodes' values alone.
                plan.write(
                    0..<shape.count, Places(given: $0.baseAddress!, made: $0.baseAddress!), into: values.pointer)
            }
        }
        let entries = values.array
        remainders[id] = IntegerTensor(
            shape: shape, range: (entries.min() ?? 0)...(entries.max() ?? 0), values: entries)
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

/// Counts the entries of a range, plus an offset, that are arguments of a table; the first of those that are not.
private struct CountArguments: IntegerVisitor {
    let range: Range<Int>
    let offset: Int64
    /// The table's least argument, its rows and how often each was looked up.
    let first: Int64
    let rows: UInt64
    let counts: UnsafeMutablePointer<Int32>

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> DerivationFault? {
        let values = elements.baseAddress! + range.lowerBound
        var fault: DerivationFault?
        let start = first &- offset
        for j in 0..<range.count {
            let row = UInt64(bitPattern: Int64(values[j]) &- start)
            if row < rows {
                counts[Int(row)] &+= 1
            } else if fault == nil {
                fault = DerivationFault(index: range.lowerBound + j, value: Int64(values[j]) &+ offset)
            }
        }
        return fault
    }
}

/// What a witness is derived into: beside a graph's run, and when all values are there.
private final class Filling: ExecutionObserver {
    let plan: WitnessPlan
    private let lanes: [WitnessPlan.Lane]
    /// Where all derivations lie, and each of them.
    private let memory: AlignedBuffer<UInt8>
    private nonisolated(unsafe) let results: UnsafeMutablePointer<IntegerPointer>
    /// The first derivation that has one, and its first fault.
    private let faults = Mutex<(derivation: Int, fault: DerivationFault)?>(nil)

    init(_ plan: WitnessPlan, lanes: Int) {
        self.plan = plan
        self.lanes = plan.lanes(lanes)
        memory = AlignedBuffer(uninitialized: plan.bytes)
        results = .allocate(capacity: plan.derivations.count)
        for (i, derivation) in plan.derivations.enumerated() {
            let pointer = IntegerPointer(
                memory.pointer + plan.offsets[i], byteWidth: IntegerBuffer.byteWidth(derivation.range),
                count: derivation.count)
            (results + i).initialize(to: pointer)
        }
    }

    deinit { results.deallocate() }

    var fault: (derivation: Int, fault: DerivationFault)? { faults.withLock { $0 } }

    func made(_ node: NodeID, rows: Range<Int>, of height: Int, part: Int, values: UnsafePointer<IntegerPointer>) {
        let places = Places(given: values, made: results)
        for (index, derivation) in lanes[part % lanes.count].beside[node] {
            let width = derivation.count / height
            make(index, derivation, rows.lowerBound * width..<rows.upperBound * width, places)
        }
    }

    func madeAll(output: Int, values: UnsafePointer<IntegerPointer>) {
        let places = Places(given: values, made: results, output: output)
        for (index, derivation) in lanes[0].after { make(index, derivation, 0..<derivation.count, places) }
    }

    /// The same for values that were there before, for a plan without stages.
    func derive(_ values: [IntegerTensor], output: Int) {
        let nodes = plan.layout.graph.nodes
        let weights = plan.layout.columns.filter { if case .weight = $0.role { true } else { false } }
        let shapes = nodes.isEmpty ? weights.map(\.shape) : nodes.map(\.shape)
        precondition(values.map(\.shape) == shapes, "values of another graph")
        withExtendedLifetime(values) {
            values.map(\.storage.pointer).withUnsafeBufferPointer {
                if let start = $0.baseAddress { madeAll(output: output, values: start) }
            }
        }
    }

    private func make(_ index: Int, _ derivation: Derivation, _ range: Range<Int>, _ places: Places) {
        guard let fault = derivation.make(range, places, into: results[index]) else { return }
        faults.withLock {
            if $0 == nil || ($0!.derivation, $0!.fault.index) > (index, fault.index) { $0 = (index, fault) }
        }
    }

    func tensor(_ index: Int) -> IntegerTensor {
        let (shape, range) = (plan.derivations[index].shape, plan.derivations[index].range)
        return IntegerTensor(
            shape: shape, range: range,
            storage: .init(uninitialized: shape.count, range: range, in: memory, at: plan.offsets[index]))
    }
}

extension WitnessPlan {
    fileprivate func error(_ index: Int, _ fault: DerivationFault) -> GraphError {
        if let lookup = derivations[index].lookup { return error(lookup: lookup, fault) }
        let node = remainders.first { $0.index == index }.map { layout.graph.nodes[$0.node].name } ?? ""
        return GraphError(
            node: node, "internal error: the remainder \(fault.value!) is outside \(derivations[index].range)")
    }

    fileprivate func error(lookup: Int, _ fault: DerivationFault) -> GraphError {
        let lookup = layout.lookups[lookup]
        guard let value = fault.value else {
            return GraphError(node: lookup.name, "internal error: the looked-up value is not an integer")
        }
        return GraphError(node: lookup.name, "\(value) is outside the table \(layout.tableName(lookup.table))")
    }
}
