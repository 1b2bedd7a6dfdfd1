import Synchronization
import Tensors

/// How a node's value is made of those of its operands, which are in the order of `Node.operands`. What follows from shapes alone
/// is done before.
typealias Step = @Sendable (_ operands: UnsafePointer<IntegerPointer>, _ result: IntegerPointer) throws -> Void

/// Nodes whose values are made together, once those of earlier stages are there.
///
/// Most operations of a model make row `i` of a value (the index of the first dimension: a position of the text, a line of an
/// image) of row `i` of their operands and of values that were there before: weights, or in attention the keys of all positions.
/// As long as that is so, nodes are of one stage, and each thread makes all of them for some of the rows: threads meet at the
/// end of a stage, not of a node, and find what they read in their own caches.
final class Stage: Sendable {
    /// A part of a stage has at least this much work (entries that are made), so that it is worth a thread.
    private static let workOfPart = 1 << 11
    /// Each part reads all of an operand of a contraction that is not taken by rows: not one of more entries than this, nor, where
    /// its entries are widened first, of more than the second.
    fileprivate static let mostReadByAll = 1 << 19
    fileprivate static let mostWidenedByAll = 1 << 15

    private struct Member {
        let id: NodeID
        let operands: [NodeID]
        /// For each operand, whether row `i` of the value is made of its row `i`; of all its rows otherwise. Nil if the value is
        /// not made row by row.
        let byRow: [Bool]?
        /// Whether it may be made in a stage with others.
        let isShared: Bool

        init(_ id: NodeID, _ graph: Graph) {
            let node = graph.nodes[id]
            let byRow = graph.operandsByRow(id)
            self.id = id
            self.operands = node.operands
            self.byRow = byRow
            isShared = byRow.map { !graph.isLargeForAll(node.operands, $0, node) } ?? false
        }
    }

    /// How the values of a stage are made, or some rows of them. Each part has its own steps: threads that count references to the
    /// same ones wait for each other.
    private struct Part {
        /// Where in a node's value the part starts.
        struct Place {
            let node: NodeID
            let start: Int
        }
        final class Action: Sendable {
            let operands: [Place]
            let result: Place
            let step: Step

            init(operands: [Place], result: Place, step: @escaping Step) {
                self.operands = operands
                self.result = result
                self.step = step
            }

            func run(_ values: UnsafeBufferPointer<IntegerPointer>, _ scratch: UnsafeMutablePointer<IntegerPointer>)
                throws
            {
                operands.withUnsafeBufferPointer { operands in
                    for i in operands.indices {
                        (scratch + i).initialize(to: values[operands[i].node] + operands[i].start)
                    }
                }
                try step(scratch, values[result.node] + result.start)
            }
        }
        let actions: [Action]
        /// Which rows it makes, of how many.
        let rows: Range<Int>
        let height: Int

        func run(_ values: [IntegerPointer], number: Int, _ observer: (any ExecutionObserver)?) throws {
            let most = actions.reduce(1) { max($0, $1.operands.count) }
            try values.withUnsafeBufferPointer { values in
                try withUnsafeTemporaryAllocation(of: IntegerPointer.self, capacity: most) { scratch in
                    try actions.withUnsafeBufferPointer { actions in
                        for i in actions.indices {
                            try actions[i].run(values, scratch.baseAddress!)
                            observer?.made(
                                actions[i].result.node, rows: rows, of: height, part: number,
                                values: values.baseAddress!)
                        }
                    }
                }
            }
        }
    }

    private let graph: Graph
    private let tables: Tables
    private let members: [Member]
    /// Rows of every value.
    private let height: Int
    private let work: Int
    private let wantedParts: Int?
    private let whole: Part
    /// For so many parts.
    private let split = Mutex<[Int: [Part]]>([:])

    /// The stages that make every value that is neither fixed nor the input. They run in so many parts, if they have as many rows;
    /// with nil in as many as there are threads, if they are worth it.
    static func all(of graph: Graph, fixed: [IntegerTensor?], parts: Int?) throws -> [Stage] {
        var stages: [[Member]] = []
        /// For each node that is made in a stage, which.
        var places: [Int?] = Array(repeating: nil, count: graph.nodes.count)
        for (id, node) in graph.nodes.enumerated() where fixed[id] == nil && id != graph.input {
            let member = Member(id, graph)
            var place: Int?
            if member.isShared, let byRow = member.byRow {
                // Into the first stage that has all it needs, so that threads meet as rarely as can be.
                let earliest = member.operands.reduce(0) { max($0, places[$1] ?? 0) }
                place = (earliest..<stages.count).first { stage in
                    let first = stages[stage][0]
                    return first.isShared && graph.nodes[first.id].shape.dimensions.first == node.shape.dimensions.first
                        && zip(member.operands, byRow).allSatisfy { $1 || places[$0] != stage }
                }
            }
            if let place {
                stages[place].append(member)
            } else {
                stages.append([member])
            }
            places[id] = place ?? stages.count - 1
        }
        let tables = Tables(graph, fixed)
        return try stages.map { try Stage(graph, tables, $0, parts: parts) }
    }

    private init(_ graph: Graph, _ tables: Tables, _ members: [Member], parts: Int?) throws {
        self.graph = graph
        self.tables = tables
        self.members = members
        height = graph.nodes[members[0].id].shape.dimensions.first ?? 1
        work = members.reduce(0) { $0 + graph.work($1.id) }
        wantedParts = parts
        whole = try Stage.part(graph, tables, members, height: height, rows: nil)
    }

    /// How many parts are worth it: one for each thread, or one. A node alone, little work and rows that are too few to be shared
    /// evenly are left to the loops inside the steps.
    private var partCount: Int {
        if members[0].byRow == nil { return 1 }
        if let wantedParts { return min(wantedParts, height) }
        let threads = Parallel.freeThreadCount
        let isEven = (height + threads - 1) / threads * threads <= height + height / 4
        return members.count > 1 && work / threads >= Stage.workOfPart && isEven ? threads : 1
    }

    /// The nodes, in the order in which they are made.
    var nodes: [NodeID] { members.map(\.id) }

    /// Makes the stage's values; those before them are there. Throws where a quotient is outside the range that its node promises.
    func run(_ values: [IntegerPointer], _ observer: (any ExecutionObserver)?) throws {
        let count = partCount
        guard count > 1 else { return try whole.run(values, number: 0, observer) }
        let parts = try parts(count)
        let failed = Atomic(false)
        Parallel.forEach(count) { part in
            do {
                try parts[part].run(values, number: part, observer)
            } catch { failed.store(true, ordering: .relaxed) }
        }
        // What is wrong, and where, is said by the steps for all rows.
        if failed.load(ordering: .relaxed) {
            try whole.run(values, number: 0, nil)
            throw GraphError(node: graph.nodes[members[0].id].name, "internal error: only some of the rows can be made")
        }
    }

    /// The stage in so many parts, made when first asked for.
    private func parts(_ count: Int) throws -> [Part] {
        try split.withLock { split in
            if let known = split[count] { return known }
            let parts = try (0..<count).map { part in
                let rows = height * part / count..<height * (part + 1) / count
                return try Stage.part(graph, tables, members, height: height, rows: rows)
            }
            split[count] = parts
            return parts
        }
    }

    /// The steps for some rows, or for all.
    private static func part(
        _ graph: Graph, _ tables: Tables, _ members: [Member], height: Int, rows: Range<Int>?
    ) throws -> Part {
        func shape(_ node: NodeID, _ byRow: Bool) -> TensorShape {
            let whole = graph.nodes[node].shape
            guard let rows, byRow else { return whole }
            return TensorShape([rows.count] + whole.dimensions.dropFirst())
        }
        func place(_ node: NodeID, _ byRow: Bool) -> Part.Place {
            guard let rows, byRow else { return Part.Place(node: node, start: 0) }
            return Part.Place(node: node, start: rows.lowerBound * (graph.nodes[node].shape.count / height))
        }
        return Part(
            actions: try members.map { member in
                let operands = zip(member.operands, member.byRow ?? member.operands.map { _ in false })
                let places = operands.map(place)
                return Part.Action(
                    operands: places, result: place(member.id, true),
                    step: try tables.step(
                        graph.nodes[member.id], operands.map(shape), starts: places.map(\.start), shape(member.id, true)
                    ))
            }, rows: rows ?? 0..<height, height: height)
    }
}

extension Graph {
    /// For each operand, whether row `i` of the node's value is made of its row `i`, or of all its rows; nil if the value is not
    /// made row by row.
    fileprivate func operandsByRow(_ id: NodeID) -> [Bool]? {
        let node = nodes[id]
        guard let height = node.shape.dimensions.first, height > 1 else { return nil }
        switch node.operation {
        case .tokens, .weight, .constant, .causalMask, .windows, .argmax: return nil
        case .embed: return [false, true]
        case .contract(_, _, let a, let b, let out):
            let byRow = [a, b].map { $0.first == out.first }
            let isElsewhere = zip([a, b], byRow).contains { labels, byRow in !byRow && labels.contains(out.first!) }
            return isElsewhere ? nil : byRow
        case .combine(let terms, _): return terms.map { $0.axes.first == 0 }
        case .requantise, .squareRoot, .rowMaximum: return [true]
        case .divide(_, _, let axes): return [true, axes.first == 0]
        case .slice(_, let axis, _): return axis > 0 ? [true] : nil
        case .reshape(let x): return nodes[x].shape.dimensions.first == height ? [true] : nil
        }
    }

    /// Entries that are made, or as many products of small integers as take that long.
    fileprivate func work(_ id: NodeID) -> Int {
        let count = nodes[id].shape.count
        guard case .contract(let a, _, let labels, _, let out) = nodes[id].operation else { return count }
        let summed = zip(labels, nodes[a].shape.dimensions).reduce(1) { out.contains($1.0) ? $0 : $0 * $1.1 }
        // What is read from far away counts where little is done with it: a matrix of weights times a vector.
        let read = nodes[id].operands.reduce(0) { max($0, nodes[$1].shape.count) }
        return max(count, count * summed / 16, read / 8)
    }

    /// Whether an operand of a contraction that is not taken by rows is large.
    fileprivate func isLargeForAll(_ operands: [NodeID], _ byRow: [Bool], _ node: Node) -> Bool {
        guard case .contract = node.operation else { return false }
        let widths = Set(operands.map { IntegerBuffer.byteWidth(nodes[$0].range) })
        let most = widths.count == 1 ? Stage.mostReadByAll : Stage.mostWidenedByAll
        return zip(operands, byRow).contains { !$1 && nodes[$0].shape.count > most }
    }
}

/// What steps use that does not depend on the input: the tables of a graph, in the types of their results, and its weights.
private final class Tables: Sendable {
    private struct Use: Hashable {
        let table: TableID
        let byteWidth: Int

        init(_ table: TableID, _ node: Node) {
            self.table = table
            byteWidth = IntegerBuffer.byteWidth(node.range)
        }
    }
    /// A weight as a matrix of so many rows.
    private struct Factor: Hashable {
        let weight: NodeID
        let rows: Int
    }
    /// Consecutive entries of a fixed value, as integers of so many bytes.
    private struct Entries: Hashable {
        let node: NodeID
        let start: Int
        let count: Int
        let byteWidth: Int
    }
    private let narrow: [Use: NarrowTable]
    /// The range of each node.
    private let ranges: [ClosedRange<Int64>]
    private let fixed: [IntegerTensor?]
    /// Weights as the kernel reads them.
    private let factors = Mutex<[Factor: PackedMatrix]>([:])
    private let widenings = Mutex<[Entries: IntegerBuffer]>([:])

    init(_ graph: Graph, _ fixed: [IntegerTensor?]) {
        var narrow: [Use: NarrowTable] = [:]
        for node in graph.nodes {
            if case .requantise(_, _, let table?) = node.operation, narrow[Use(table, node)] == nil {
                narrow[Use(table, node)] = NarrowTable(graph.tables[table], for: node.range)
            }
        }
        self.narrow = narrow
        self.fixed = fixed
        ranges = graph.nodes.map(\.range)
    }

    /// An operand of a product of 8-bit integers as the kernel reads it, if it is a weight and all of it: arranged once, as every
    /// part of a stage reads it in every run. Large ones are read in one piece, and would take as much memory again.
    private func packed(_ operand: Int, _ product: MatrixProducts, of node: Node) -> PackedMatrix? {
        let weight = node.operands[operand]
        guard case .int8(let entries)? = fixed[weight]?.storage, entries.count == product.n * product.k,
            entries.count <= Stage.mostReadByAll, IntegerBuffer.byteWidth(node.range) <= 4,
            node.operands.allSatisfy({ IntegerBuffer.byteWidth(ranges[$0]) == 1 })
        else { return nil }
        let factor = Factor(weight: weight, rows: product.n)
        return factors.withLock { factors in
            if let known = factors[factor] { return known }
            guard let matrix = PackedMatrix(entries.pointer, for: product) else { return nil }
            factors[factor] = matrix
            return matrix
        }
    }

    /// So many entries of an operand in another width, if it is the same for all inputs: widened once, not by each part in every run.
    /// Large ones would take several times their memory.
    private func widened(_ entries: Entries) -> IntegerBuffer? {
        guard let value = fixed[entries.node], value.shape.count <= Stage.mostWidenedByAll else { return nil }
        return widenings.withLock { widenings in
            if let known = widenings[entries] { return known }
            let buffer = IntegerBuffer(uninitialized: entries.count, byteWidth: entries.byteWidth)
            Permute(copying: entries.count).dispatch(value.storage.pointer + entries.start, buffer.pointer)
            widenings[entries] = buffer
            return buffer
        }
    }

    /// How a node's value, or some rows of it, is made of operands of these shapes, which are the entries from `starts` on.
    func step(_ node: Node, _ operands: [TensorShape], starts: [Int], _ shape: TensorShape) throws -> Step {
        let count = shape.count
        switch node.operation {
        case .weight, .constant, .causalMask, .tokens: fatalError("made before all steps")
        case .embed:
            let width = operands[0].count / operands[0].dimensions[0]
            let ids = operands[1].count
            return { operands, result in
                let rows = (0..<ids).map { Int(operands[1][$0]) }
                CopyRows(rows: rows, width: width).dispatch(operands[0], result)
            }
        case .contract(let x, let y, let a, let b, let out):
            let einsum = try Einsum(name: node.name, a: a, operands[0], b: b, operands[1], out: out)
            let byteWidths = [ranges[x], ranges[y], node.range].map(IntegerBuffer.byteWidth)
            let contraction = Contraction(
                einsum, byteWidths: (byteWidths[0], byteWidths[1], byteWidths[2]),
                packed: { packed($0, $1, of: node) },
                widened: {
                    widened(
                        Entries(
                            node: node.operands[$0], start: starts[$0], count: operands[$0].count, byteWidth: $1))
                })
            return { operands, result in contraction.run(operands[0], operands[1], result) }
        case .combine(let terms, let constant):
            let combination = Combination(terms, constant, shape)
            return { operands, result in combination.run(operands, result) }
        case .requantise(let x, let shift, let table):
            let table = table.map { narrow[Use($0, node)]! }
            let range = ranges[x]
            return { operands, result in
                Requantise.run(operands[0], range, count: count, shift: shift, table: table, result)
            }
        case .divide(_, _, let axes):
            let division = Division(node, shape, axes)
            return { operands, result in try division.run(operands[0], operands[1], result) }
        case .squareRoot:
            let loop = SquareRoots(count: count)
            return { operands, result in loop.dispatch(operands[0], result) }
        case .rowMaximum:
            let loop = RowMaxima(width: operands[0].dimensions.last!, rows: count)
            return { operands, result in loop.dispatch(operands[0], result) }
        case .slice(_, let axis, let index):
            let from = operands[0].dimensions
            let rows = (0..<from[..<axis].reduce(1, *)).map { $0 * from[axis] + index }
            let loop = CopyRows(rows: rows, width: from[(axis + 1)...].reduce(1, *))
            return { operands, result in loop.dispatch(operands[0], result) }
        case .reshape:
            let loop = CopyRows(rows: [0], width: count)
            return { operands, result in loop.dispatch(operands[0], result) }
        case .windows(_, let size, let stride, let padding):
            let loop = Windows(
                input: operands[0].dimensions, output: shape.dimensions, size: size, stride: stride, padding: padding)
            return { operands, result in loop.dispatch(operands[0], result) }
        case .argmax:
            let entries = operands[0].count
            return { operands, result in result[0] = Int64(operands[0].leastIndexOfMaximum(count: entries)) }
        }
    }
}
