import Graphs
import Tensors
import TestSupport
import Testing

let mersenne31 = FieldBound(name: "m31", bound: (1 << 30) - 1)
let goldilocks = FieldBound(name: "goldilocks", bound: 0x7fff_ffff_8000_0000)
let bn254 = FieldBound(name: "bn254", bound: .max)

@Suite struct RangeAnalysis {
    /// `contract(x, y)` with inner length `k`, requantised by `shift`, and what surrounds it.
    struct Product {
        var bench: Bench
        var graph: Graph
        var node: NodeID

        /// `x` is [t, k], `y` is [o, k]; with `extra`, a bias and a second product pass through a sum.
        init(
            t: Int = 3, o: Int = 4, k: Int, x xRange: ClosedRange<Int64>, y yRange: ClosedRange<Int64>, shift: Int,
            table: ClosedRange<Int64>? = nil, constant: Bool = false, sum: Bool = false, seed: UInt64 = 1,
            ends: Bool = false
        ) throws {
            var random = SplitMix(state: seed)
            var b = try Bench()
            func values(_ count: Int, _ range: ClosedRange<Int64>) -> [Int64] {
                (0..<count).map { _ in
                    ends
                        ? (Bool.random(using: &random) ? range.lowerBound : range.upperBound)
                        : Int64.random(in: range, using: &random)
                }
            }
            let x = try b.weight("x", [t, k], xRange, values(t * k, xRange))
            let y =
                constant
                ? try b.builder.constant("y", [o, k], values: values(o * k, yRange).map(Int32.init))
                : try b.weight("y", [o, k], yRange, values(o * k, yRange))
            var acc = try b.builder.contract("product", x, y, "tk", "ok", "to")
            if sum {
                let z = try b.weight("z", [o, t, k], -100...100, values(o * t * k, -100...100))
                let second = try b.builder.contract("second", x, z, "tk", "otk", "ot")
                let bias = try b.weight("bias", [o], -(1 << 20)...(1 << 20), values(o, -(1 << 20)...(1 << 20)))
                let swapped = try b.builder.contract("third", x, y, "tk", "ok", "to")
                let turned = try b.builder.contract(
                    "identity", second, b.builder.constant("one", [], values: [1]), "ot", "", "to")
                acc = try b.builder.combine(
                    "sum",
                    [
                        Term(acc, coefficient: -3, axes: [0, 1]), Term(bias, coefficient: 5, axes: [1]),
                        Term(swapped, axes: [0, 1]), Term(turned, axes: [0, 1]),
                    ], constant: 77777, dimensions: [t, o])
            }
            var id: TableID?
            if let table {
                let h = GraphBuilder.shifted(b.builder.range(acc), shift)
                id = b.builder.table(
                    LookupTable(
                        name: "clamp", lowerBound: h.lowerBound,
                        values: (h.lowerBound...h.upperBound).map {
                            Int32(min(max($0, table.lowerBound), table.upperBound))
                        }))
            }
            node = try b.builder.requantise("requantised", acc, shift: shift, table: id)
            graph = try b.graph()
            bench = b
        }

        func values(_ other: Graph) throws -> [Int64] {
            let run = try Interpreter(graph: other, weights: bench.weights).run(tokens: [0])
            for tensor in run.values.all { #expect(tensor.firstOutOfRange() == nil) }
            // The wrap-around of narrow storage would hide a range that is too small: compute everything in 64 bits too.
            let slow = SlowInterpreter(graph: other, weights: bench.weights).run(tokens: [0])
            for (id, node) in other.nodes.enumerated() {
                #expect(slow[id].allSatisfy(node.range.contains), "\(node.name)")
                #expect(slow[id] == run[id].values, "\(node.name)")
            }
            return run[other.nodes.firstIndex { $0.name == "requantised" }!].values
        }

        /// Checks that the split graph fits and computes the same; returns it.
        @discardableResult
        func expectSplit(_ bound: FieldBound = mersenne31) throws -> Graph {
            let split = try fit(graph, to: bound, alternatives: [])
            #expect(split != graph)
            #expect(split.nodes.allSatisfy { max($0.range.upperBound, -$0.range.lowerBound) <= bound.bound })
            #expect(split.output == split.nodes.count - 1 && split.nodes.last!.name == graph.nodes.last!.name)
            #expect(try values(split) == values(graph))
            let old = graph.nodes[node]
            let new = split.nodes.first { $0.name == "requantised" }!
            #expect(old.range == new.range && old.shape == new.shape)
            // Nothing is left to do.
            #expect(try fit(split, to: bound, alternatives: []) == split)
            return split
        }
    }

    @Test func whatFitsIsLeftAlone() throws {
        for sample in SampleGraphs.all(seed: 3, random: 30) {
            for field in [mersenne31, goldilocks, bn254] {
                #expect(try fit(sample.graph, to: field, alternatives: []) == sample.graph, "\(sample.name)")
            }
        }
    }

    @Test func splitsOneOperand() throws {
        for seed in 0..<6 as Range<UInt64> {
            for ends in [false, true] {
                let wide: ClosedRange<Int64> = -32768...32767
                let narrow: ClosedRange<Int64> = -127...127
                try Product(k: 700, x: wide, y: narrow, shift: 14, seed: seed, ends: ends).expectSplit()
                try Product(k: 700, x: narrow, y: wide, shift: 9, seed: seed, ends: ends).expectSplit()
                try Product(k: 700, x: wide, y: narrow, shift: 17, table: -127...127, seed: seed, ends: ends)
                    .expectSplit()
                try Product(k: 700, x: wide, y: narrow, shift: 24, constant: true, seed: seed, ends: ends).expectSplit()
                try Product(k: 300, x: narrow, y: wide, shift: 16, constant: true, seed: seed, ends: ends).expectSplit()
            }
        }
    }

    @Test func splitsBothOperands() throws {
        for seed in 0..<6 as Range<UInt64> {
            for ends in [false, true] {
                for shift in [17, 20, 24, 25, 30] {
                    let wide: ClosedRange<Int64> = -32768...32767
                    try Product(k: 1000, x: wide, y: wide, shift: shift, seed: seed, ends: ends).expectSplit()
                }
                // Upper limbs that are put together again.
                try Product(k: 40, x: -32768...32767, y: -5000...9000, shift: 16, seed: seed, ends: ends).expectSplit()
            }
        }
    }

    @Test func splitsThroughASum() throws {
        for seed in 0..<8 as Range<UInt64> {
            for shift in [12, 16, 22] {
                let product = try Product(
                    k: 300, x: -20000...20000, y: -127...127, shift: shift, table: shift > 12 ? -127...127 : nil,
                    sum: true, seed: seed, ends: seed % 2 == 0)
                try product.expectSplit()
            }
        }
    }

    /// Nothing is split that need not be: an operand of 8 bits, a second operand, the operand that costs more.
    @Test func splitsNoMoreThanNeeded() throws {
        let one = try Product(t: 2, o: 9, k: 300, x: -32768...32767, y: -127...127, shift: 12).expectSplit()
        #expect(one.nodes.filter { $0.name.hasSuffix(".high") }.map(\.name) == ["x.high", "product.high"])
        // Both operands are wide enough: the one with fewer entries is taken, or the public one.
        let small = try Product(t: 2, o: 9, k: 40, x: -8000...8000, y: -8000...8000, shift: 12).expectSplit()
        #expect(small.nodes.contains { $0.name == "x.high" } && !small.nodes.contains { $0.name == "y.high" })
        let open = try Product(t: 2, o: 9, k: 40, x: -8000...8000, y: -8000...8000, shift: 12, constant: true)
            .expectSplit()
        #expect(open.nodes.contains { $0.name == "y.high" } && !open.nodes.contains { $0.name == "x.high" })
        guard case .constant = open.nodes.first(where: { $0.name == "y.low" })!.operation else {
            Issue.record("public limbs are constants")
            return
        }
    }

    /// An operand with several readers is split once.
    @Test func sharesLimbs() throws {
        var b = try Bench()
        var random = SplitMix(state: 1)
        let x = try b.weight(
            "x", [2, 500], -32768...32767, (0..<1000).map { _ in Int64.random(in: -32768...32767, using: &random) })
        for name in ["q", "k"] {
            let w = try b.weight(
                "\(name).w", [3, 500], -127...127, (0..<1500).map { _ in Int64.random(in: -127...127, using: &random) })
            let p = try b.builder.contract("\(name).p", x, w, "tk", "ok", "to")
            _ = try b.builder.requantise(name, p, shift: 15)
            _ = try b.builder.requantise("\(name).again", p, shift: 17)
        }
        let graph = try b.graph()
        let split = try fit(graph, to: mersenne31, alternatives: [])
        #expect(split.nodes.filter { $0.name.hasPrefix("x.high") }.count == 1)
        #expect(split.nodes.filter { $0.name.contains(".upper1") }.count == 2)
        let before = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        let after = try Interpreter(graph: split, weights: b.weights).run(tokens: [0])
        for name in ["q", "k", "q.again", "k.again"] {
            let old = graph.nodes.firstIndex { $0.name == name }!
            let new = split.nodes.firstIndex { $0.name == name }!
            #expect(before[old].values == after[new].values)
        }
    }

    /// The algebra of the rewriting, on every small accumulator: x and y small, all shifts.
    @Test func exhaustive() throws {
        // 2^8 A + B with every low limb; shifts where rounding happens just above the limb.
        for shift in 9...12 {
            for v in -5000...5000 as ClosedRange<Int64> {
                let direct = (v + 1 << Int64(shift - 1)) >> Int64(shift)
                #expect(direct == SlowInterpreter.floorDivide(v + Int64(1) << Int64(shift - 1), 1 << Int64(shift)))
                for a in v / 256 - 3...v / 256 + 3 {
                    let b = v - 256 * a
                    let carry = (b - 128 + 128) >> 8
                    let s = a + carry
                    #expect((s + 1 << Int64(shift - 9)) >> Int64(shift - 8) == direct)
                }
            }
        }
        // Through the graph: every pair of x in a range and y in a range, as an outer product.
        for (shift, sign) in [(9, 1), (9, -1), (10, 1), (12, -1)] {
            var b = try Bench()
            let xs = Array(-700...700 as ClosedRange<Int64>)
            let ys = Array(-40...40 as ClosedRange<Int64>)
            let x = try b.weight("x", [xs.count], -700...700, xs)
            let y = try b.weight("y", [ys.count], -40...40, ys)
            let p = try b.builder.contract("p", x, y, "i", "j", "ij")
            let acc = try b.builder.combine(
                "acc", [Term(p, coefficient: Int64(3 * sign), axes: [0, 1])], constant: 129,
                dimensions: [xs.count, ys.count])
            _ = try b.builder.requantise("requantised", acc, shift: shift)
            let graph = try b.graph()
            let split = try fit(graph, to: FieldBound(name: "tiny", bound: 33000), alternatives: [])
            #expect(split != graph)
            let before = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
            let after = try Interpreter(graph: split, weights: b.weights).run(tokens: [0])
            let old = graph.nodes.firstIndex { $0.name == "requantised" }!
            let new = split.nodes.firstIndex { $0.name == "requantised" }!
            #expect(before[old].values == after[new].values)
            for tensor in after.values.all { #expect(tensor.firstOutOfRange() == nil) }
        }
    }

    // MARK: Refusals

    func message(_ graph: Graph, _ field: FieldBound, _ others: [FieldBound] = []) -> String {
        do {
            _ = try fit(graph, to: field, alternatives: others)
            return "fits"
        } catch { return "\(error)" }
    }

    @Test func refusesWithTheNode() throws {
        // Read by something else than a requantisation.
        var b = try Bench()
        let x = try b.weight("x", [2, 4], -32767...32767, Array(repeating: 1, count: 8))
        let squares = try b.builder.contract("squares", x, x, "tk", "tk", "t")
        _ = try b.builder.squareRoot(
            "root", b.builder.combine("one", [Term(squares, axes: [0])], constant: 1 << 33, dimensions: [2]))
        let graph = try b.graph()
        let text = message(graph, mersenne31, [goldilocks, bn254])
        #expect(text.contains("node 'squares': its value reaches 4294705156"))
        #expect(text.contains("m31 holds integers up to 1073741823 only; it would fit: goldilocks, bn254"))
        #expect(message(graph, goldilocks) == "fits")
    }

    @Test func refusesSmallShifts() throws {
        let product = try Product(k: 700, x: -32768...32767, y: -127...127, shift: 8)
        let text = message(product.graph, mersenne31, [FieldBound(name: "tiny", bound: 1000), goldilocks])
        #expect(text.contains("node 'product'"))
        #expect(text.contains("it would fit: goldilocks"))
        #expect(
            message(product.graph, FieldBound(name: "tiny", bound: 40000), [FieldBound(name: "small", bound: 50000)])
                .contains("nor would it fit: small"))
    }

    @Test func refusesWhatNoSplitHelps() throws {
        let product = try Product(k: 1 << 20, x: -128...127, y: -128...127, shift: 20)
        #expect(message(product.graph, mersenne31, [goldilocks]).contains("node 'product'"))
    }

    /// Each of the conditions on intermediate values, at its edge.
    @Test func conditions() throws {
        func edge(_ need: Int64, _ what: String, _ build: (inout Bench) throws -> Void) throws {
            var b = try Bench(vocabulary: 2)
            try build(&b)
            let graph = try b.graph()
            #expect(message(graph, FieldBound(name: "f", bound: need)) == "fits")
            let text = message(graph, FieldBound(name: "f", bound: need - 1))
            #expect(text.contains(what) && text.contains("reaches \(need),"), "\(text)")
        }
        func weight(_ b: inout Bench, _ name: String, _ range: ClosedRange<Int64>) throws -> NodeID {
            try b.weight(name, [2], range, [range.upperBound, range.upperBound])
        }
        try edge(200, "node 'x': its value") { _ = try weight(&$0, "x", -200...199) }
        // h in -3...3: 64 * 3 + 64.
        try edge(256, "node 'q': the operand rebuilt") {
            let x = try weight(&$0, "x", -200...200)
            _ = try $0.builder.requantise("q", x, shift: 6)
        }
        // The table allows h up to 10.
        try edge(704, "node 'q': the operand rebuilt") {
            let x = try weight(&$0, "x", -200...200)
            let t = $0.builder.table(LookupTable(name: "t", lowerBound: -5, values: Array(repeating: 1, count: 16)))
            _ = try $0.builder.requantise("q", x, shift: 6, table: t)
        }
        try edge(7 * 30 + 30, "node 'q': quotient times denominator") {
            let x = try weight(&$0, "x", -50...50)
            let d = try weight(&$0, "d", 10...30)
            _ = try $0.builder.divide("q", x, by: d, axes: [0], quotient: -7...6)
        }
        try edge(60, "node 'q': twice the denominator") {
            let x = try weight(&$0, "x", 0...1)
            let d = try weight(&$0, "d", 10...30)
            _ = try $0.builder.divide("q", x, by: d, axes: [0], quotient: 0...0)
        }
        try edge(110 / 2 + 1 << 18, "node 'r': the square of the root beside its operand") {
            let x = try weight(&$0, "x", 0...110)
            _ = try $0.builder.squareRoot("r", x)
        }
        try edge(150, "node 'm': the difference from the maximum") {
            let x = try weight(&$0, "x", -50...100)
            _ = try $0.builder.rowMaximum("m", x)
        }
    }

    @Test func costs() throws {
        let sample = SampleGraphs.all(random: 0).first { $0.name == "dense" }!
        let summaries = describe(sample.graph)
        #expect(summaries.map(\.name) == sample.graph.nodes.map(\.name))
        func named(_ name: String) -> NodeSummary { summaries.first { $0.name == name }! }
        #expect(named("hidden.product").multiplyAdds == 5 * 9 * 6)
        #expect(named("hidden").lookups == 2 * 45 && named("hidden").committed == 2 * 45)
        #expect(named("next").lookups == 2 * 40 && named("next").committed == 40)
        #expect(named("output").kind == "argmax" && named("output").lookups == 7 * 2)
        let cost = GraphCost(summaries)
        #expect(cost.nodes == sample.graph.nodes.count)
        #expect(cost.weights == 66 + 54 + 9 + 72 + 56)
        #expect(cost.lookups == 90 + 80 + 14)
    }
}
