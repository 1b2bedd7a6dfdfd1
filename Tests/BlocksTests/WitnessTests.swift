import Fields
import Tensors
import TestSupport
import Testing

@testable import Blocks
@testable import Graphs

/// A witness is what the layout says of the values of the nodes, whoever makes it and in how many parts.
@Suite(.serialized) struct WitnessTests {
    @Test(arguments: [1, 2, 3] as [UInt64], [false, true]) func samples(seed: UInt64, extremes: Bool) throws {
        for sample in SampleGraphs.all(seed: seed &* 31, random: 12, extremes: extremes) {
            try compare(sample, GoldilocksField.self)
        }
    }

    /// Limbs of 16 bits and their arguments, and loops that are cut up.
    @Test func large() throws { try compare(SampleGraphs.largeHead(), Mersenne31.self) }

    func compare<F: ProofField>(_ sample: SampleGraphs.Sample, _: F.Type) throws {
        guard let layout = try? ProofLayout(sample.graph, field: F.self) else { return }
        let plain = try Interpreter(graph: sample.graph, weights: sample.weights)
        let expected = Expected(layout, try plain.run(tokens: sample.tokens))
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        for threads in [1, 2, 3] {
            Parallel.threadCount = threads
            let name = "\(sample.name) on \(threads) threads"
            expected.check(try Witness(layout, plain.run(tokens: sample.tokens)), "\(name), afterwards")
            for parts in [nil, 2, 3, 5] {
                let interpreter = try Interpreter(graph: sample.graph, weights: sample.weights, parts: parts)
                let plan = WitnessPlan(layout, stages: interpreter.nodesByStage)
                for _ in 0..<2 {
                    let witness = try Witness(plan, interpreter, tokens: sample.tokens)
                    expected.check(witness, "\(name) in \(parts.map { "\($0)" } ?? "any") parts")
                }
            }
        }
    }

    /// Most is made beside the values, and most limbs with their arguments: else these tests would test little.
    @Test func isMadeBeside() throws {
        let sample = SampleGraphs.all(seed: 1, random: 0).first { $0.name == "attention" }!
        let layout = try ProofLayout(sample.graph, field: Mersenne31.self)
        let plan = WitnessPlan(
            layout, stages: try Interpreter(graph: sample.graph, weights: sample.weights).nodesByStage)
        let lane = plan.lanes(1)[0]
        let beside = lane.beside.flatMap { $0.map(\.derivation) }
        #expect(beside.count > 2 * lane.after.count, "\(beside.count) and \(lane.after.count)")
        let splits = beside.filter { if case .split = $0.rule { true } else { false } }
        let limbs = beside.filter { if case .bits = $0.rule { true } else { false } }
        #expect(splits.count > limbs.count, "\(splits.count) and \(limbs.count)")
        // Each in one place, once, but for limbs that are made with arguments.
        let limbsOfSplits = plan.derivations.indices.filter {
            if case .limb = plan.derivations[$0].rule { true } else { false }
        }
        #expect(limbsOfSplits.count == splits.count)
        let all = (lane.beside.flatMap { $0 } + lane.after).map(\.index) + limbsOfSplits
        #expect(all.sorted() == Array(plan.derivations.indices))
    }

    /// Every lookup is counted once, whatever the number of threads.
    @Test func countingTasks() throws {
        for sample in SampleGraphs.all(seed: 4, random: 5) + [SampleGraphs.largeHead()] {
            guard let layout = try? ProofLayout(sample.graph, field: GoldilocksField.self) else { continue }
            let plan = WitnessPlan(layout)
            for threads in [1, 2, 3, 8, 64] {
                let tasks = plan.countingTasks(threads: threads)
                var counted = layout.lookups.map { [Int](repeating: 0, count: $0.shape.count) }
                for task in tasks {
                    for piece in task.pieces {
                        #expect(plan.lookups[piece.lookup].table == task.table)
                        for i in piece.range { counted[piece.lookup][i] += 1 }
                    }
                }
                #expect(counted.allSatisfy { $0.allSatisfy { $0 == 1 } }, "\(sample.name) on \(threads) threads")
                #expect(Set(tasks.map(\.table)) == Set(layout.tables.indices))
            }
        }
    }

    /// A table that lacks a row which is looked up, the last argument of each kind: an error that names the lookup.
    @Test func missingRows() throws {
        var cases = 0
        for sample in SampleGraphs.all(seed: 9, random: 4) {
            let honest = try ProofLayout(sample.graph, field: GoldilocksField.self)
            let interpreter = try Interpreter(graph: sample.graph, weights: sample.weights)
            let execution = try interpreter.run(tokens: sample.tokens)
            let expected = Expected(honest, execution)
            for (l, lookup) in honest.lookups.enumerated() {
                guard case .function(let id) = lookup.table, let most = expected.inputs[l].max() else { continue }
                let table = sample.graph.tables[id]
                guard most > table.lowerBound else { continue }
                var tables = sample.graph.tables
                tables[id] = LookupTable(
                    name: table.name, lowerBound: table.lowerBound,
                    values: Array(table.values.prefix(Int(most - table.lowerBound))))
                let graph = Graph(
                    nodes: sample.graph.nodes, tables: tables, input: sample.graph.input, output: sample.graph.output)
                let layout = try ProofLayout(graph, field: GoldilocksField.self)
                cases += 1
                for beside in [true, false] {
                    #expect(throws: GraphError.self, "\(sample.name): \(lookup.name)") {
                        if beside {
                            let plan = WitnessPlan(layout, stages: interpreter.nodesByStage)
                            _ = try Witness(plan, interpreter, tokens: sample.tokens)
                        } else {
                            _ = try Witness(layout, execution)
                        }
                    }
                }
            }
        }
        #expect(cases > 10)
    }
}

/// What a witness has to be, from the definitions, one entry at a time.
private struct Expected {
    let layout: ProofLayout
    let execution: Execution
    var columns: [[Int64]?]
    var inputs: [[Int64]] = []
    var remainders: [NodeID: [Int64]] = [:]

    init(_ layout: ProofLayout, _ execution: Execution) {
        self.layout = layout
        self.execution = execution
        columns = Array(repeating: nil, count: layout.columns.count)
        let graph = layout.graph
        for (id, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .divide(let n, let d, let axes):
                remainders[id] = indices(node.shape).enumerated().map { i, index in
                    execution[n][i] - execution[id][i] * entry(execution[d].values, node.shape, axes, index)
                }
            case .squareRoot(let v):
                remainders[id] = (0..<node.shape.count).map { execution[v][$0] - execution[id][$0] * execution[id][$0] }
            default: break
            }
        }
        func depth(_ role: ColumnRole) -> Int { if case .rangeLimb(_, let depth) = role { depth } else { -1 } }
        for (c, column) in layout.columns.enumerated().sorted(by: { depth($0.element.role) < depth($1.element.role) }) {
            switch column.role {
            case .value(let id): columns[c] = execution[id].values
            case .requantiseLimb(let id, let index):
                guard case .requantise(let x, let shift, _) = graph.nodes[id].operation else { fatalError() }
                let below = execution[x].values.map { ($0 + 1 << Int64(shift - 1)) & (1 << Int64(shift) - 1) }
                columns[c] = below.map { $0 >> Int64(16 * index) & 0xffff }
            case .rangeLimb(let form, _): columns[c] = evaluate(form, column.shape).map { $0 & 0xffff }
            case .oneHot(let id):
                guard case .rowMaximum(let x) = graph.nodes[id].operation else { fatalError() }
                let width = column.shape.dimensions.last!
                let values = execution[x].values
                columns[c] = values.indices.map { i in
                    let row = values[i / width * width..<(i / width + 1) * width]
                    return row.firstIndex(of: row.max()!) == i ? 1 : 0
                }
            case .maximum(let id):
                guard case .argmax(let x) = graph.nodes[id].operation else { fatalError() }
                columns[c] = [execution[x].values.max()!]
            case .weight, .multiplicity: break
            }
        }
        inputs = layout.lookups.map { evaluate($0.input, $0.shape) }
        for (t, c) in layout.multiplicityColumns.enumerated() {
            let start = layout.tableStart(layout.tables[t])
            var counts = [Int64](repeating: 0, count: layout.tableRows(layout.tables[t]))
            for (lookup, input) in zip(layout.lookups, inputs) where lookup.table == layout.tables[t] {
                for value in input where counts.indices.contains(Int(value - start)) { counts[Int(value - start)] += 1 }
            }
            columns[c] = counts
        }
    }

    private func indices(_ shape: TensorShape) -> [[Int]] {
        shape.dimensions.reduce([[]]) { all, size in all.flatMap { index in (0..<size).map { index + [$0] } } }
    }

    private func entry(_ values: [Int64], _ shape: TensorShape, _ axes: [Int], _ index: [Int]) -> Int64 {
        values[axes.reduce(0) { $0 * shape.dimensions[$1] + index[$1] }]
    }

    private func evaluate(_ form: LinearForm, _ shape: TensorShape) -> [Int64] {
        let terms = form.terms.map { term -> (values: [Int64], coefficient: Int64, axes: [Int]) in
            let values =
                switch term.oracle {
                case .node(let id): execution[id].values
                case .column(let c): columns[c]!
                case .remainder(let id): remainders[id]!
                }
            return (values, term.coefficient, term.axes ?? Array(shape.dimensions.indices))
        }
        return indices(shape).enumerated().map { i, index in
            var sum = form.constant - (form.belowOutput && i < execution.output ? 1 : 0)
            for term in terms { sum += term.coefficient * entry(term.values, shape, term.axes, index) }
            return sum >> Int64(form.shift)
        }
    }

    func check(_ witness: Witness, _ name: String) {
        #expect(witness.output == execution.output, "\(name)")
        for (id, node) in layout.graph.nodes.enumerated() {
            #expect(witness.nodes[id].values == execution[id].values, "\(name): \(node.name)")
        }
        for (column, (own, values)) in zip(layout.columns, zip(witness.columns, columns)) {
            #expect(own.shape == column.shape && own.values == values, "\(name): column \(column.name)")
            #expect(own.firstOutOfRange() == nil, "\(name): column \(column.name)")
        }
        for (l, lookup) in layout.lookups.enumerated() {
            let input = witness.inputs[l].values.map { $0 + witness.inputConstants[l] }
            #expect(input == inputs[l], "\(name): lookup \(lookup.name)")
        }
        #expect(witness.remainders.mapValues(\.values) == remainders, "\(name): remainders")
    }
}
