import Graphs
import Tensors
import TestSupport
import Testing

@Suite struct GraphDigest {
    /// A graph of every kind of node, with knobs: each changes one thing.
    static func graph(_ change: String = "") throws -> Graph {
        var b = GraphBuilder()
        func name(_ n: String) -> String { change == "name \(n)" ? n + "'" : n }
        func number<T: BinaryInteger>(_ key: String, _ value: T) -> T { change == key ? value + 1 : value }
        let tokens = try b.tokens(
            name("tokens"), count: number("count", 4), vocabulary: number("vocabulary", 5))
        let table = try b.weight(name("table"), [7, 4], range: -9...number("weight", 9))
        let x = try b.embed(name("embed"), table: table, tokens: tokens)
        let ones = try b.constant(
            name("ones"), change == "shape" ? [2, 2] : [4], values: [1, number("value", 1), 1, 1])
        _ = try b.causalMask(name("mask"), rows: 2, columns: number("columns", 2))
        let flat = try b.constant(name("flat"), [4], values: [1, 2, 3, 4])
        let other = try b.constant(name("other"), [4], values: [1, 2, 3, 4])
        let sum = try b.contract(
            name("sum"), x, change == "operand" ? other : flat, change == "labels" ? "ab" : "td",
            change == "labels" ? "b" : "d", change == "labels" ? "a" : "t")
        let first = change == "axes" ? [1] : [0]
        let squareX = try b.constant(name("square"), [3, 3], values: Array(repeating: 2, count: 9))
        let row = try b.constant(name("row"), [3], values: [3, 1, 2])
        let c = try b.combine(
            name("combine"),
            [Term(squareX, coefficient: number("coefficient", 2), axes: [0, 1]), Term(row, axes: first)],
            constant: number("constant", 7), dimensions: [3, 3])
        var values = (-40...40).map { Int32($0) }
        values[12] = number("table value", values[12])
        let lookup = b.table(
            LookupTable(
                name: change == "table name" ? "u" : "t", lowerBound: number("table start", -40), values: values))
        let second = b.table(LookupTable(name: "second", lowerBound: -40, values: values))
        _ = try b.requantise(
            name("requantise"), c, shift: number("shift", 1), table: change == "which table" ? second : lookup)
        let plain = try b.requantise(name("plain"), c, shift: 1)
        _ = try b.divide(
            name("divide"), c, by: row, axes: first, quotient: 0...number("quotient", 99))
        _ = try b.squareRoot(name("root"), plain)
        _ = try b.rowMaximum(name("maximum"), c)
        _ = try b.slice(name("slice"), c, axis: number("axis", 0), index: number("index", 1))
        _ = ones
        let output = try b.argmax(name("output"), sum)
        return try b.finish(input: tokens, output: output)
    }

    @Test func everyChangeShows() throws {
        let changes =
            [
                "", "count", "vocabulary", "weight", "shape", "value", "columns", "operand", "labels", "axes",
                "coefficient",
                "constant", "table value", "table name", "table start", "shift", "which table", "quotient", "axis",
                "index",
            ] + (try GraphDigest.graph().nodes.map { "name \($0.name)" })
        var seen: [[UInt8]: String] = [:]
        for change in changes {
            let graph = try GraphDigest.graph(change)
            let bytes = graph.canonicalBytes
            #expect(seen[bytes] == nil, "'\(change)' looks like '\(seen[bytes] ?? "")'")
            seen[bytes] = change
            #expect(try bytes == GraphDigest.graph(change).canonicalBytes)
        }
        // The positions of input and output, and ranges that no operation gives away.
        let graph = try GraphDigest.graph()
        #expect(
            Graph(nodes: graph.nodes, tables: graph.tables, input: 1, output: graph.output).canonicalBytes
                != graph.canonicalBytes)
        #expect(
            Graph(nodes: graph.nodes, tables: graph.tables, input: 0, output: graph.output - 1).canonicalBytes
                != graph.canonicalBytes)
        #expect(
            Graph(nodes: graph.nodes, tables: graph.tables.reversed(), input: 0, output: graph.output).canonicalBytes
                != graph.canonicalBytes)
        #expect(
            Graph(nodes: graph.nodes, tables: [], input: 0, output: graph.output).canonicalBytes != graph.canonicalBytes
        )
    }

    @Test func samplesDiffer() {
        let samples = SampleGraphs.all(seed: 1, random: 40) + SampleGraphs.all(seed: 77, random: 40)
        let graphs = Set(samples.map(\.graph))
        #expect(Set(graphs.map(\.canonicalBytes)).count == graphs.count)
        #expect(graphs.count > 60)
    }

    /// Text does not run into its neighbours.
    @Test func boundaries() throws {
        func graph(_ first: String, _ second: String) throws -> [UInt8] {
            var b = GraphBuilder()
            let tokens = try b.tokens(first, count: 1, vocabulary: 2)
            let v = try b.constant(second, [2], values: [1, 2])
            let output = try b.argmax("output", v)
            return try b.finish(input: tokens, output: output).canonicalBytes
        }
        #expect(try graph("ab", "c") != graph("a", "bc"))
    }
}
