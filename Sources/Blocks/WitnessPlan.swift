import Graphs
import Synchronization
import Tensors

/// How the columns of a witness and the arguments of its lookups are made of the values of nodes: what follows from the layout
/// alone, made once for all proofs of it.
public final class WitnessPlan: Sendable {
    /// What one lookup looks up, and in which table.
    struct Arguments: Sendable {
        /// The arguments but for the constant.
        let source: Source
        let constant: Int64
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

    /// Lookups in one table that one thread counts, for itself.
    struct CountingTask: Sendable {
        let table: Int
        let pieces: [Piece]
    }

    /// What one thread makes while the values are made. Each has derivations of its own.
    final class Lane: Sendable {
        /// For each node, what is made of the same rows of values that are there once its own are.
        let beside: [[(index: Int, derivation: Derivation)]]
        /// What is made when all values are there, in order.
        let after: [(index: Int, derivation: Derivation)]

        init(_ derivations: [Derivation], _ triggers: [NodeID?], nodes: Int) {
            var beside = [[(index: Int, derivation: Derivation)]](repeating: [], count: nodes)
            var after: [(index: Int, derivation: Derivation)] = []
            for (i, derivation) in derivations.enumerated() {
                if case .limb = derivation.rule { continue }
                if let node = triggers[i] {
                    beside[node].append((i, derivation))
                } else {
                    after.append((i, derivation))
                }
            }
            self.beside = beside
            self.after = after
        }
    }

    public let layout: ProofLayout
    /// Where each column is, but for multiplicities, which follow when the lookups are counted.
    let columns: [Source?]
    /// For each lookup.
    let lookups: [Arguments]
    /// Where nodes' remainders are.
    let remainders: [(node: NodeID, index: Int)]
    /// Rows of each table.
    let tableSizes: [Int]
    /// What is derived, in an order in which each has what it is made of before it.
    let derivations: [Derivation]
    /// Where they lie in one piece of memory, and its size.
    let offsets: [Int]
    let bytes: Int
    /// For each, the node after whose values it is made; nil for when all are there.
    private let triggers: [NodeID?]
    /// In how many parts values that others are derived beside can be made.
    private let mostParts: Int
    /// The stages that it is for.
    let stages: [[NodeID]]
    private let lanes = Mutex<[Lane]>([])
    private let tasks = Mutex<[Int: [CountingTask]]>([:])

    /// `stages`: nodes as an interpreter makes them (`Interpreter.nodesByStage`), so that what is made of some rows of values can be made
    /// beside them; empty where all values are given.
    public init(_ layout: ProofLayout, stages: [[NodeID]] = []) {
        self.layout = layout
        var builder = Builder(layout)
        builder.build()
        derivations = builder.derivations
        columns = builder.columns
        lookups = builder.lookups
        remainders = builder.remainders
        triggers = WitnessPlan.triggers(derivations, stages, layout.graph)
        mostParts = triggers.reduce(1) { most, node in
            max(most, node.map { layout.graph.nodes[$0].shape.dimensions.first ?? 1 } ?? 1)
        }
        self.stages = stages
        var bytes = 0
        offsets = derivations.map { derivation in
            defer { bytes += (derivation.count * IntegerBuffer.byteWidth(derivation.range) + 63) / 64 * 64 }
            return bytes
        }
        self.bytes = bytes
        tableSizes = layout.tables.map { layout.tableRows($0) }
    }

    /// All lookups: those in one table together, so that what is counted need not be added up, but where they are more than half a
    /// thread's share. Longest first.
    func countingTasks(threads: Int) -> [CountingTask] {
        tasks.withLock { known in
            if let tasks = known[threads] { return tasks }
            let counts = layout.lookups.map(\.shape.count)
            let share = threads == 1 ? Int.max : max(1 << 13, counts.reduce(0, +) / (2 * threads))
            var tasks: [(task: CountingTask, count: Int)] = []
            for table in layout.tables.indices {
                let all = layout.lookups.indices.filter { lookups[$0].table == table }
                let total = all.reduce(0) { $0 + counts[$1] }
                let parts = (max(1, total) - 1) / share + 1
                // Lookups one behind the other are cut into as many equal parts.
                for part in 0..<parts {
                    let own = total * part / parts..<total * (part + 1) / parts
                    var pieces: [Piece] = []
                    var start = 0
                    for lookup in all {
                        let range = (start..<start + counts[lookup]).clamped(to: own)
                        if !range.isEmpty {
                            pieces.append(
                                Piece(lookup: lookup, range: range.lowerBound - start..<range.upperBound - start))
                        }
                        start += counts[lookup]
                    }
                    tasks.append((CountingTask(table: table, pieces: pieces), own.count))
                }
            }
            let sorted = tasks.sorted { $0.count > $1.count }.map(\.task)
            known[threads] = sorted
            return sorted
        }
    }

    /// Lanes for so many threads, as far as each has a part to make; made when first asked for.
    func lanes(_ count: Int) -> [Lane] {
        lanes.withLock { lanes in
            while lanes.count < min(count, mostParts) {
                var derivations = self.derivations
                if !lanes.isEmpty {
                    var builder = Builder(layout)
                    builder.build()
                    derivations = builder.derivations
                }
                lanes.append(Lane(derivations, triggers, nodes: layout.graph.nodes.count))
            }
            return lanes
        }
    }

    /// For each derivation the node whose value is the last that it needs, if all that it needs of the same stage it needs row by row.
    private static func triggers(_ derivations: [Derivation], _ stages: [[NodeID]], _ graph: Graph) -> [NodeID?] {
        /// When a node's value is made; nil for those that are there from the start.
        var times: [(stage: Int, step: Int)?] = Array(repeating: nil, count: graph.nodes.count)
        for (stage, nodes) in stages.enumerated() {
            for (step, node) in nodes.enumerated() { times[node] = (stage, step) }
        }
        var triggers: [NodeID?] = []
        for derivation in derivations {
            var isBeside = !derivation.needsOutput
            var operands: [(node: NodeID, time: (stage: Int, step: Int), byRow: Bool)] = []
            for (source, byRow) in derivation.operands {
                var node: NodeID?
                switch source {
                case .given(let id): node = times.indices.contains(id) ? id : nil
                case .made(let i):
                    node = triggers[i]
                    if node == nil { isBeside = false }
                }
                if let node, let time = times[node] { operands.append((node, time, byRow)) }
            }
            guard isBeside, let last = operands.max(by: { $0.time < $1.time }) else {
                triggers.append(nil)
                continue
            }
            let height = graph.nodes[last.node].shape.dimensions.first ?? 1
            let fits =
                (derivation.shape.dimensions.first ?? 1) == height
                && operands.allSatisfy { $0.time.stage < last.time.stage || $0.byRow }
            triggers.append(fits ? last.node : nil)
        }
        return triggers
    }

    /// Lists what a layout's witness is made of.
    private struct Builder {
        let layout: ProofLayout
        var derivations: [Derivation] = []
        var columns: [Source?]
        var lookups: [Arguments] = []
        var remainders: [(node: NodeID, index: Int)] = []

        init(_ layout: ProofLayout) {
            self.layout = layout
            columns = Array(repeating: nil, count: layout.columns.count)
        }

        private mutating func derive(_ rule: Derivation.Rule, _ shape: TensorShape, _ range: ClosedRange<Int64>) -> Int
        {
            derivations.append(Derivation(rule, shape, range))
            return derivations.count - 1
        }

        /// Of an honest witness, where a node's column holds its value.
        private func source(_ oracle: Oracle) -> Source {
            switch oracle {
            case .node(let id): .given(id)
            case .column(let i): columns[i]!
            case .remainder(let id): .made(remainders.first { $0.node == id }!.index)
            }
        }

        mutating func build() {
            let graph = layout.graph
            for id in graph.nodes.indices {
                guard let plan = RemainderPlan(graph, id, source) else { continue }
                remainders.append((id, derive(.remainder(plan), graph.nodes[id].shape, plan.range)))
            }
            // A limb of a range check is made of other columns and of the limbs below it.
            func depth(_ column: Column) -> Int {
                if case .rangeLimb(_, let depth) = column.role { return 1 + depth }
                return 0
            }
            let order = layout.columns.indices.sorted {
                (depth(layout.columns[$0]), $0) < (depth(layout.columns[$1]), $1)
            }
            for i in order { columns[i] = column(layout.columns[i]) }
            lookups = layout.lookups.enumerated().map { i, lookup in
                let start = layout.tableStart(lookup.table)
                let domain = start...start + Int64(layout.tableRows(lookup.table)) - 1
                let form = FormPlan(lookup.input, lookup.shape, layout, source)
                return Arguments(
                    source: form.isPlain
                        ? form.terms[0].source : .made(derive(.argument(form, lookup: i), lookup.shape, domain)),
                    constant: form.isPlain ? form.constant : 0, table: layout.tables.firstIndex(of: lookup.table)!,
                    domain: domain)
            }
            joinLimbs()
        }

        /// Bits that a requantisation rounds away, which nothing else is derived of, are made with the arguments that they leave.
        private mutating func joinLimbs() {
            var users = [[Int]](repeating: [], count: derivations.count)
            for (k, derivation) in derivations.enumerated() {
                for case (.made(let i), _) in derivation.operands { users[i].append(k) }
            }
            for (i, limb) in derivations.enumerated() {
                guard case .bits(let limbForm, let mask) = limb.rule, users[i].count == 1,
                    case .argument(let form, let lookup) = derivations[users[i][0]].rule,
                    let plan = SplitPlan(form, limb: i, limbForm, mask: mask),
                    [2, 4].contains(width(plan.source)),
                    IntegerBuffer.byteWidth(derivations[users[i][0]].range) <= 4
                else { continue }
                let arguments = derivations[users[i][0]]
                derivations[i] = Derivation(.limb(of: plan.source), limb.shape, limb.range)
                derivations[users[i][0]] = Derivation(.split(plan, lookup: lookup), arguments.shape, arguments.range)
            }
        }

        private func width(_ source: Source) -> Int? {
            guard case .given(let id) = source, layout.graph.nodes.indices.contains(id) else { return nil }
            return IntegerBuffer.byteWidth(layout.graph.nodes[id].range)
        }

        private mutating func column(_ column: Column) -> Source? {
            switch column.role {
            case .value(let id): return .given(id)
            case .weight(let i): return .given(i)
            case .requantiseLimb(let id, let index):
                guard case .requantise(let x, let shift, _) = layout.graph.nodes[id].operation else {
                    preconditionFailure()
                }
                var form = LinearForm(terms: [.init(.node(x))])
                form.constant = 1 << (shift - 1)
                form.shift = index * ProofLayout.limbBits
                let bits = min(ProofLayout.limbBits, shift - form.shift)
                let plan = FormPlan(form, column.shape, layout, source)
                return .made(derive(.bits(plan, mask: (1 << bits) - 1), column.shape, column.range))
            case .rangeLimb(let form, _):
                let plan = FormPlan(form, column.shape, layout, source)
                return .made(derive(.bits(plan, mask: (1 << ProofLayout.limbBits) - 1), column.shape, column.range))
            case .oneHot(let id):
                guard case .rowMaximum(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
                let width = column.shape.dimensions.last!
                return .made(
                    derive(.position(maximum: .given(id), of: .given(x), width: width), column.shape, column.range))
            case .maximum(let id):
                guard case .argmax(let x) = layout.graph.nodes[id].operation else { preconditionFailure() }
                return .made(derive(.atOutput(.given(x)), column.shape, column.range))
            case .multiplicity: return nil
            }
        }
    }
}
