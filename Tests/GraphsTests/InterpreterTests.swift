import Tensors
import TestSupport
import Testing

@testable import Graphs

/// Builds one node under test on top of weights, with what a graph needs around it.
struct Bench {
    var builder = GraphBuilder()
    var weights: [String: IntegerTensor] = [:]
    let tokens: NodeID

    init(count: Int = 1, vocabulary: Int = 4) throws {
        tokens = try builder.tokens("tokens", count: count, vocabulary: vocabulary)
    }

    mutating func weight(
        _ name: String, _ dimensions: [Int], _ range: ClosedRange<Int64>, _ values: [Int64]
    ) throws -> NodeID {
        weights[name] = IntegerTensor(shape: TensorShape(dimensions), range: range, values: values)
        return try builder.weight(name, dimensions, range: range)
    }

    /// Ends the graph in an argmax of some vector.
    mutating func graph() throws -> Graph {
        let end = try builder.constant("end", [2], values: [0, 1])
        let output = try builder.argmax("output", end)
        return try builder.finish(input: tokens, output: output)
    }

    /// The values of a node.
    mutating func value(_ node: NodeID, tokens: [Int] = [0]) throws -> [Int64] {
        let graph = try graph()
        let run = try Interpreter(graph: graph, weights: weights).run(tokens: tokens)
        #expect(run.output == 1)
        for (id, tensor) in run.values.all.enumerated() {
            #expect(tensor.range == graph.nodes[id].range)
            #expect(tensor.storage.byteWidth == IntegerBuffer.byteWidth(tensor.range))
            #expect(tensor.firstOutOfRange() == nil)
        }
        return run[node].values
    }
}

@Suite struct OperationsByHand {
    @Test func embed() throws {
        var b = try Bench(count: 3, vocabulary: 2)
        let table = try b.weight("w", [2, 2], -9...9, [1, 2, 3, -4])
        let node = try b.builder.embed("e", table: table, tokens: b.tokens)
        #expect(try b.value(node, tokens: [1, 0, 1]) == [3, -4, 1, 2, 3, -4])
    }

    @Test func mask() throws {
        var b = try Bench()
        let node = try b.builder.causalMask("m", rows: 2, columns: 3)
        #expect(try b.value(node) == [0, 1, 1, 0, 0, 1])
    }

    @Test func contract() throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 3], -9...9, [1, 2, 3, 4, 5, 6])
        let y = try b.weight("y", [2, 3], -9...9, [1, 0, -1, 2, 2, 2])
        let product = try b.builder.contract("p", x, y, "ik", "jk", "ij")
        let transposed = try b.builder.contract("t", x, y, "ik", "jk", "ji")
        let elementwise = try b.builder.contract("e", x, y, "ik", "ik", "ki")
        let all = try b.builder.contract("a", x, y, "ik", "ik", "")
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        #expect(run[product].values == [-2, 12, -2, 30])
        #expect(run[transposed].values == [-2, -2, 12, 30])
        #expect(run[elementwise].values == [1, 8, 0, 10, -3, 12])
        #expect(run[all].values == [28])
    }

    @Test func combine() throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 2], -9...9, [1, 2, 3, 4])
        let row = try b.weight("r", [2], -9...9, [5, -6])
        let scalar = try b.weight("s", [], -9...9, [7])
        let node = try b.builder.combine(
            "c",
            [
                Term(x, coefficient: 2, axes: [0, 1]), Term(row, coefficient: -1, axes: [0]), Term(row, axes: [1]),
                Term(scalar, coefficient: 10, axes: []),
            ], constant: -100, dimensions: [2, 2])
        // 2 x - r[i] + r[j] + 70 - 100
        let expected: [Int64] = [-28, -37, -13, -22]
        #expect(try b.value(node) == expected)
    }

    /// Weights that are arranged once, whole or taken by rows, in one part and in several.
    @Test(arguments: [1, 2, 3]) func products(parts: Int) throws {
        func entries(_ count: Int, _ seed: Int) -> [Int64] { (0..<count).map { Int64(($0 * 37 + seed) % 255) - 127 } }
        var b = try Bench()
        let (h, m, n, k) = (3, 78, 50, 70)
        let (x, y, z) = (entries(m * k, 5), entries(n * k, 11), entries(h * m * k, 3))
        let left = try b.weight("x", [m, k], -127...127, x)
        let right = try b.weight("y", [n, k], -127...127, y)
        let many = try b.weight("z", [h, m, k], -127...127, z)
        let plain = try b.builder.contract("plain", left, right, "ik", "jk", "ij")
        let turned = try b.builder.contract("turned", right, left, "jk", "ik", "ij")
        let batch = try b.builder.contract("batch", many, many, "hik", "hjk", "hij")
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights, parts: parts).run(tokens: [0])
        func product(_ a: [Int64], _ b: [Int64], _ i: Int, _ j: Int) -> Int64 {
            (0..<k).reduce(0) { $0 + a[i * k + $1] * b[j * k + $1] }
        }
        let want = (0..<m).flatMap { i in (0..<n).map { product(x, y, i, $0) } }
        #expect(run[plain].values == want)
        #expect(run[turned].values == want)
        let squares = (0..<h * m).flatMap { i in (0..<m).map { product(z, z, i, i / m * m + $0) } }
        #expect(run[batch].values == squares)
    }

    /// Every order of dimensions, some of size 1 and some longer than a tile, against an index computed entry by entry.
    @Test func permutations() {
        func orders(_ n: Int) -> [[Int]] {
            if n == 0 { return [[]] }
            return orders(n - 1).flatMap { order in (0..<n).map { at in order[..<at] + [n - 1] + order[at...] } }
        }
        for sizes in [[], [1], [5], [3, 70], [33, 65], [2, 1, 37], [4, 40, 3], [2, 3, 1, 34], [2, 33, 3, 4]] {
            let count = sizes.reduce(1, *)
            var strides = Array(repeating: 1, count: sizes.count)
            for i in sizes.indices.dropLast().reversed() { strides[i] = strides[i + 1] * sizes[i + 1] }
            let source = AlignedBuffer((0..<count).map { Int16(truncatingIfNeeded: $0 &* 40_503) })
            for order in orders(sizes.count) {
                let permute = Permute(dimensions: order.map { sizes[$0] }, steps: order.map { strides[$0] })
                #expect(permute.count == count)
                let wide = AlignedBuffer<Int32>(repeating: .min, count: count + 1)
                permute.dispatch(.int16(source.pointer), .int32(wide.pointer))
                let want = (0..<count).map { index in
                    var (rest, from) = (index, 0)
                    for axis in order.reversed() {
                        from += rest % sizes[axis] * strides[axis]
                        rest /= sizes[axis]
                    }
                    return Int32(source[from])
                }
                #expect(wide.array == want + [.min], "\(sizes) in the order \(order)")
                #expect(permute.isCopy == (want == source.array.map(Int32.init)), "\(sizes) in the order \(order)")
            }
        }
    }

    /// Tables that bring their argument into a range are not looked up; one entry that differs, and they are.
    @Test func clamps() throws {
        let arguments = [-40, -9, -8, -7, -1, 0, 1, 6, 7, 8, 40].map(Int64.init)
        for shift in [24, 30] {
            let reach: Int64 = 40 << Int64(30 - shift)
            func isClamp(_ entries: [Int32]) -> Bool {
                let table = LookupTable(name: "t", lowerBound: -reach, values: entries)
                guard case .clamp(let range) = NarrowTable(table, for: -8...7).rule else { return false }
                return range == -8...7
            }
            func values(_ entries: [Int32]) throws -> [Int64] {
                var b = try Bench()
                let x = try b.weight("x", [arguments.count], -40 << 30...40 << 30, arguments.map { $0 << shift })
                let table = b.builder.table(LookupTable(name: "t", lowerBound: -reach, values: entries))
                return try b.value(try b.builder.requantise("q", x, shift: shift, table: table))
            }
            var entries = (-reach...reach).map { Int32(min(max($0, -8), 7)) }
            #expect(isClamp(entries))
            #expect(try values(entries) == arguments.map { min(max($0, -8), 7) })
            entries[Int(reach + 6)] = 5
            #expect(!isClamp(entries))
            #expect(try values(entries) == arguments.map { $0 == 6 ? 5 : min(max($0, -8), 7) })
        }
    }

    /// Nor are squares, as far as 32 bits hold them.
    @Test(arguments: [0, 1, 7, 15, 30]) func squares(tableShift: Int) throws {
        let half: Int64 = tableShift == 0 ? 0 : 1 << (tableShift - 1)
        let cases: [(domain: ClosedRange<Int64>, limit: Int64, isSquare: Bool)] = [
            (-1 << 15...1 << 15, 1 << 30, true), (-1 << 15...1 << 15 - 1, 900, true), (0...300, 7, true),
            (-1 << 15 - 1...0, 1 << 30, false), (0...1 << 15 + 1, 1 << 30, false),
        ]
        for (domain, limit, isSquare) in cases {
            func rule(_ h: Int64) -> Int64 { min(limit, (h * h + half) >> Int64(tableShift)) }
            let arguments = [
                domain.lowerBound, domain.lowerBound + 1, 0, 1, 181, domain.upperBound - 1, domain.upperBound,
            ]
            .filter(domain.contains)
            var entries = domain.map { Int32(rule($0)) }
            func check(_ isSquare: Bool, _ want: [Int64]) throws {
                let table = LookupTable(name: "t", lowerBound: domain.lowerBound, values: entries)
                if case .entries = NarrowTable(table, for: table.range).rule {
                    #expect(!isSquare, "\(domain), at most \(limit)")
                } else {
                    #expect(isSquare, "\(domain), at most \(limit)")
                }
                for shift in [0, 9] {
                    var b = try Bench()
                    let x = try b.weight(
                        "x", [arguments.count], domain.lowerBound << Int64(shift)...domain.upperBound << Int64(shift),
                        arguments.map { $0 << Int64(shift) })
                    let id = b.builder.table(table)
                    #expect(try b.value(try b.builder.requantise("q", x, shift: shift, table: id)) == want)
                }
            }
            try check(isSquare, arguments.map(rule))
            entries[0] += 1
            try check(false, arguments.map { rule($0) + ($0 == domain.lowerBound ? 1 : 0) })
        }
    }

    @Test func requantise() throws {
        var b = try Bench()
        let x = try b.weight("x", [7], -100...100, [-100, -3, -2, -1, 1, 2, 6])
        let node = try b.builder.requantise("q", x, shift: 2)
        // floor((x + 2) / 4): halves go up.
        #expect(try b.value(node) == [-25, -1, 0, 0, 0, 1, 2])
        var c = try Bench()
        let y = try c.weight("y", [3], -2...2, [-2, 0, 2])
        let table = c.builder.table(LookupTable(name: "t", lowerBound: -2, values: [9, 8, 7, 6, -5]))
        let looked = try c.builder.requantise("q", y, shift: 0, table: table)
        #expect(try c.value(looked) == [9, 7, -5])
    }

    @Test func divide() throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 3], -9...9, [-7, 7, 0, -6, -1, 9])
        let d = try b.weight("d", [2], 1...9, [2, 3])
        let node = try b.builder.divide("q", x, by: d, axes: [0], quotient: -5...5)
        #expect(try b.value(node) == [-4, 3, 0, -2, -1, 3])
    }

    /// One denominator a row, at the ends of 32 bits and beside multiples of the denominators; and promises that do not hold.
    @Test func divideBy32Bits() throws {
        var random = SplitMix(state: 7)
        let (least, greatest) = (Int64(Int32.min), Int64(Int32.max))
        var divisors: [Int64] = [1, 2, 3, 5, 7, 127, 641, 32769, 65535, 65536, 46341, 1 << 30, greatest - 1, greatest]
        divisors += (0..<50).map { _ in
            Int64.random(in: 1...greatest, using: &random) >> Int64.random(in: 0..<31, using: &random)
        }
        divisors = divisors.map { max($0, 1) }
        let rows = divisors.map { d -> [Int64] in
            var row = [least, least + 1, -d, -d - 1, -d + 1, -1, 0, 1, d - 1, d, d + 1, greatest - 1, greatest]
            for _ in 0..<87 {
                let multiple = Int64.random(in: least...greatest, using: &random) / d * d
                row.append(multiple + Int64.random(in: -1...1, using: &random))
            }
            return row.map { min(max($0, least), greatest) }
        }
        var b = try Bench()
        let x = try b.weight("x", [rows.count, 100], least...greatest, rows.flatMap { $0 })
        let d = try b.weight("d", [rows.count], 1...greatest, divisors)
        let node = try b.builder.divide("q", x, by: d, axes: [0], quotient: least...greatest)
        var want: [Int64] = []
        for (row, d) in zip(rows, divisors) { want += row.map { n in n / d - (n % d < 0 ? 1 : 0) } }
        #expect(try b.value(node) == want)

        for (numerator, divisor, promise) in [
            (7, 2, -5...2), (-7, 2, -3...5), (greatest, 1, 0...greatest - 1), (least, 1, least + 1...0),
            (5, 1, greatest + 1...greatest + 9), (-5, 1, least - 9...least - 1),
        ] as [(Int64, Int64, ClosedRange<Int64>)] {
            var c = try Bench()
            let n = try c.weight("n", [1, 3], least...greatest, [0, numerator, 0])
            let by = try c.weight("by", [1], 1...greatest, [divisor])
            let node = try c.builder.divide("q", n, by: by, axes: [0], quotient: promise)
            #expect(throws: GraphError.self, "\(numerator) / \(divisor) in \(promise)") { try c.value(node) }
        }
    }

    @Test func squareRoot() throws {
        var b = try Bench()
        let limit = Interval.limit
        let values: [Int64] = [0, 1, 2, 3, 4, 8, 9, 99, 100, limit, limit - 1, (1 << 31) * ((1 << 31) - 2)]
        let x = try b.weight("x", [12], 0...limit, values)
        let node = try b.builder.squareRoot("r", x)
        #expect(try b.value(node) == [0, 1, 1, 1, 2, 2, 3, 9, 10, 1 << 31, (1 << 31) - 1, (1 << 31) - 2])
    }

    @Test func maxima() throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 3], -9...9, [-7, -3, -8, 4, 9, 9])
        let rows = try b.builder.rowMaximum("m", x)
        #expect(try b.value(rows) == [-3, 9])
        var c = try Bench()
        let y = try c.weight("y", [4], -9...9, [3, 8, 8, -9])
        let output = try c.builder.argmax("output", y)
        let graph = try c.builder.finish(input: c.tokens, output: output)
        #expect(try Interpreter(graph: graph, weights: c.weights).run(tokens: [0]).output == 1)
    }

    @Test func slice() throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 2, 2], 0...9, [0, 1, 2, 3, 4, 5, 6, 7])
        let first = try b.builder.slice("a", x, axis: 0, index: 1)
        let middle = try b.builder.slice("b", x, axis: 1, index: 1)
        let last = try b.builder.slice("c", x, axis: 2, index: 0)
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        #expect(run[first].values == [4, 5, 6, 7])
        #expect(run[middle].values == [2, 3, 6, 7])
        #expect(run[last].values == [0, 2, 4, 6])
    }
}

@Suite struct AgainstTheSlowInterpreter {
    static func compare(_ sample: SampleGraphs.Sample) throws {
        let run = try Interpreter(graph: sample.graph, weights: sample.weights).run(tokens: sample.tokens)
        let expected = SlowInterpreter(graph: sample.graph, weights: sample.weights).run(tokens: sample.tokens)
        for parts in 2...4 {
            let interpreter = try Interpreter(graph: sample.graph, weights: sample.weights, parts: parts)
            // Twice: the second run finds its plans made.
            for _ in 0..<2 {
                let split = try interpreter.run(tokens: sample.tokens)
                for (id, node) in sample.graph.nodes.enumerated() {
                    #expect(split[id].values == expected[id], "\(sample.name) in \(parts) parts, node \(node.name)")
                }
            }
        }
        for (id, node) in sample.graph.nodes.enumerated() {
            #expect(run[id].values == expected[id], "\(sample.name), node \(node.name)")
            #expect(run[id].shape == node.shape)
            #expect(expected[id].allSatisfy(node.range.contains), "\(sample.name), node \(node.name)")
            #expect(run[id].storage.byteWidth == IntegerBuffer.byteWidth(node.range))
        }
        #expect(Int64(run.output) == expected.last![0])
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], [false, true])
    func samples(seed: UInt64, extremes: Bool) throws {
        for sample in SampleGraphs.all(seed: seed &* 7919, random: 20, extremes: extremes) {
            try AgainstTheSlowInterpreter.compare(sample)
        }
    }

    /// One interpreter, several threads.
    @Test func concurrently() async throws {
        for sample in SampleGraphs.all(seed: 5, random: 5) {
            let interpreter = try Interpreter(graph: sample.graph, weights: sample.weights, parts: 3)
            let expected = SlowInterpreter(graph: sample.graph, weights: sample.weights).run(tokens: sample.tokens)
            try await withThrowingTaskGroup(of: [[Int64]].self) { group in
                for _ in 0..<4 {
                    group.addTask { try interpreter.run(tokens: sample.tokens).values.all.map(\.values) }
                }
                for try await values in group { #expect(values == expected, "\(sample.name)") }
            }
        }
    }

    /// Every operation occurs in the samples.
    @Test func samplesCoverAllOperations() {
        var kinds: Set<String> = []
        for sample in SampleGraphs.all(random: 0) {
            for node in sample.graph.nodes { kinds.insert(node.operation.kind) }
        }
        #expect(kinds.count == 15, "\(kinds.sorted())")
    }

    /// Contractions of all operand widths, on both sides of the choice between matrices and rows.
    @Test(arguments: 0..<60)
    func contractions(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let widths: [Int64] = [1, 100, 127, 128, 3000, 32767, 40000, 1 << 24, 1 << 31, 1 << 40]
        var b = try Bench()
        // Labels in a and out, b and out, both and out, both.
        let sizes = (0..<8).map { _ in [1, 1, 2, 3, 4, 5, 7, 8, 13, 17].randomElement(using: &random)! }
        let letters = Array("stuvwxyz")
        var a: [Character] = []
        var c: [Character] = []
        var out: [Character] = []
        var entries = 1
        for (letter, size) in zip(letters, sizes) {
            guard entries * size <= 20000 else { continue }
            entries *= size
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                a.append(letter)
                out.append(letter)
            case 1:
                c.append(letter)
                out.append(letter)
            case 2:
                a.append(letter)
                c.append(letter)
                out.append(letter)
            case 3:
                a.append(letter)
                c.append(letter)
            default: break
            }
        }
        a.shuffle(using: &random)
        c.shuffle(using: &random)
        out.shuffle(using: &random)
        func operand(_ name: String, _ labels: [Character], _ limit: Int64) throws -> NodeID {
            let dimensions = labels.map { sizes[letters.firstIndex(of: $0)!] }
            let values = (0..<dimensions.reduce(1, *)).map { _ in
                seed % 2 == 0
                    ? Int64.random(in: -limit...limit, using: &random) : Bool.random(using: &random) ? limit : -limit
            }
            return try b.weight(name, dimensions, -limit...limit, values)
        }
        let limit = widths.randomElement(using: &random)!
        let other = widths.filter { $0 <= (1 << 45) / limit }.randomElement(using: &random)!
        let x = try operand("x", a, limit)
        let y = try operand("y", c, other)
        let product = try b.builder.contract("p", x, y, String(a), String(c), String(out))
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        #expect(run[product].values == SlowInterpreter(graph: graph, weights: b.weights).run(tokens: [0])[product])
    }

    /// What attention multiplies, of sizes on both sides of every block: heads beside each other, positions first; and orders of
    /// dimensions that have no kernel.
    @Test(
        arguments: [
            (16, 16, 1, 1, 9), (34, 40, 2, 2, 32), (1, 70, 2, 2, 32), (9, 50, 3, 1, 64), (3, 300, 1, 2, 20),
            (30, 9, 2, 1, 17),
        ], [127, 30000] as [Int64])
    func attention(_ size: (Int, Int, Int, Int, Int), limit: Int64) throws {
        var random = SplitMix(state: UInt64(size.0 + size.4))
        let (t, j, k, g, e) = size
        var b = try Bench()
        func operand(_ name: String, _ dimensions: [Int], _ limit: Int64) throws -> NodeID {
            let values = (0..<dimensions.reduce(1, *)).map { _ in Int64.random(in: -limit...limit, using: &random) }
            return try b.weight(name, dimensions, -limit...limit, values)
        }
        let query = try operand("query", [t, k, g, 2, e], limit)
        let key = try operand("key", [j, k, 2, e], 127)
        let weights = try operand("weights", [t, k, g, j], limit)
        let value = try operand("value", [j, k, e], 127)
        let nodes = [
            try b.builder.contract("scores", query, key, "tkgxe", "jkxe", "tkgj"),
            try b.builder.contract("heads first", query, key, "tkgxe", "jkxe", "kgtj"),
            try b.builder.contract("columns first", query, key, "tkgxe", "jkxe", "kjtg"),
            try b.builder.contract("keys on the left", key, query, "jkxe", "tkgxe", "tkgj"),
            try b.builder.contract("two columns", query, key, "tkgxe", "jkye", "tkgxyj"),
            try b.builder.contract("mixed", weights, value, "tkgj", "jke", "tkge"),
            try b.builder.contract("mixed, heads last", weights, value, "tkgj", "jke", "tekg"),
            try b.builder.contract("mixed over heads", weights, value, "tkgj", "jke", "tge"),
            try b.builder.contract("values on the left", value, weights, "jke", "tkgj", "tkge"),
        ]
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        let slow = SlowInterpreter(graph: graph, weights: b.weights).run(tokens: [0])
        for node in nodes { #expect(run[node].values == slow[node], "\(graph.nodes[node].name)") }
    }

    /// Matrices with more rows, columns and inner length than a block of the loops.
    @Test(
        arguments: [
            (5, 70, 100, 33), (1, 1, 1000, 300), (2, 300, 1, 70), (1, 37, 41, 4099), (600, 1, 1, 16), (3, 33, 35, 9),
        ], [127, 30000] as [Int64])
    func matrices(_ size: (Int, Int, Int, Int), limit: Int64) throws {
        var random = SplitMix(state: UInt64(size.0 + size.3))
        let (i, m, n, k) = size
        var b = try Bench()
        let a = (0..<i * m * k).map { _ in Int64.random(in: -limit...limit, using: &random) }
        let c = (0..<i * n * k).map { _ in Int64.random(in: -limit...limit, using: &random) }
        let x = try b.weight("x", [i, m, k], -limit...limit, a)
        let y = try b.weight(
            "y", [k, i, n], -limit...limit, (0..<k).flatMap { l in (0..<i * n).map { c[$0 * k + l] } })
        let product = try b.builder.contract("p", x, y, "imk", "kin", "imn")
        let swapped = try b.builder.contract("s", x, y, "imk", "kin", "inm")
        let odd = try b.builder.contract("o", x, y, "imk", "kin", "min")
        let graph = try b.graph()
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        let (p, s, o) = (run[product].values, run[swapped].values, run[odd].values)
        for batch in 0..<i {
            for row in 0..<m {
                for column in 0..<n {
                    var sum: Int64 = 0
                    for l in 0..<k { sum += a[(batch * m + row) * k + l] * c[(batch * n + column) * k + l] }
                    #expect(p[(batch * m + row) * n + column] == sum)
                    #expect(s[(batch * n + column) * m + row] == sum)
                    #expect(o[(row * i + batch) * n + column] == sum)
                }
            }
        }
    }

    /// Tensors larger than one task of the parallel loops; one thread and several give the same.
    @Test func largeElementwise() throws {
        var random = SplitMix(state: 5)
        var b = try Bench()
        let (r, c) = (37, 1543)
        func operand(_ name: String, _ dimensions: [Int], _ range: ClosedRange<Int64>) throws -> NodeID {
            try b.weight(
                name, dimensions, range,
                (0..<dimensions.reduce(1, *)).map { _ in Int64.random(in: range, using: &random) })
        }
        let x = try operand("x", [r, c], -500...500)
        let y = try operand("y", [c, r], -(1 << 36)...(1 << 36))
        let column = try operand("column", [r], -9...9)
        let divisors = try operand("divisors", [c], 1...99)
        let product = try b.builder.contract("product", x, y, "rc", "cr", "rc")
        let sum = try b.builder.combine(
            "sum", [Term(product, axes: [0, 1]), Term(column, coefficient: 5, axes: [0]), Term(x, axes: [0, 1])],
            dimensions: [r, c])
        let small = try b.builder.requantise("small", sum, shift: 25)
        let quotient = try b.builder.divide(
            "quotient", small, by: divisors, axes: [1], quotient: -(1 << 21)...(1 << 21))
        _ = try b.builder.rowMaximum("tops", quotient)
        let square = try b.builder.contract("square", small, small, "rc", "rc", "rc")
        let shifted = try b.builder.combine(
            "shifted", [Term(square, axes: [0, 1])], constant: -b.builder.range(square).lowerBound, dimensions: [r, c])
        _ = try b.builder.squareRoot("root", shifted)
        _ = try b.builder.requantise("narrow", x, shift: 3)
        let graph = try b.graph()
        let expected = SlowInterpreter(graph: graph, weights: b.weights).run(tokens: [0])
        let run = try Interpreter(graph: graph, weights: b.weights).run(tokens: [0])
        for id in graph.nodes.indices { #expect(run[id].values == expected[id], "\(graph.nodes[id].name)") }
    }
}

@Suite struct Refusals {
    func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was refused"
        } catch { return "\(error)" }
    }

    func simple() throws -> (Graph, [String: IntegerTensor]) {
        var b = try Bench(count: 2, vocabulary: 3)
        let table = try b.weight("table", [3, 2], -9...9, [1, 2, 3, 4, 5, 6])
        _ = try b.builder.embed("e", table: table, tokens: b.tokens)
        return (try b.graph(), b.weights)
    }

    @Test func tokens() throws {
        let (graph, weights) = try simple()
        let interpreter = try Interpreter(graph: graph, weights: weights)
        #expect(message { _ = try interpreter.run(tokens: [1]) }.contains("node 'tokens': 1 tokens given"))
        #expect(message { _ = try interpreter.run(tokens: [1, 2, 0]) }.contains("3 tokens given"))
        #expect(message { _ = try interpreter.run(tokens: [1, 3]) }.contains("token 3 at position 1"))
        #expect(message { _ = try interpreter.run(tokens: [-1, 0]) }.contains("token -1 at position 0"))
    }

    @Test func weights() throws {
        let (graph, good) = try simple()
        #expect(message { _ = try Interpreter(graph: graph, weights: [:]) }.contains("weight 'table' is missing"))
        var more = good
        more["stranger"] = good["table"]
        #expect(message { _ = try Interpreter(graph: graph, weights: more) }.contains("no weight 'stranger'"))
        func with(_ shape: [Int], _ range: ClosedRange<Int64>, _ values: [Int64]) -> [String: IntegerTensor] {
            ["table": IntegerTensor(shape: TensorShape(shape), range: range, values: values)]
        }
        let turned = with([2, 3], -9...9, [1, 2, 3, 4, 5, 6])
        #expect(message { _ = try Interpreter(graph: graph, weights: turned) }.contains("shape [2, 3]"))
        let beyond = with([3, 2], -99...99, [1, 2, 3, 4, 5, 10])
        #expect(message { _ = try Interpreter(graph: graph, weights: beyond) }.contains("entry 5 is 10"))
        let below = with([3, 2], -70000...99, [1, 2, -70000, 4, 5, 6])
        #expect(message { _ = try Interpreter(graph: graph, weights: below) }.contains("entry 2 is -70000"))
        // A wide declaration does not matter where the values fit; they are stored narrowly.
        let wide = with([3, 2], -70000...99, [1, 2, 3, 4, 5, -9])
        let run = try Interpreter(graph: graph, weights: wide).run(tokens: [2, 2])
        #expect(run[1].values == [1, 2, 3, 4, 5, -9])
        #expect(run[1].storage.byteWidth == 1)
    }

    @Test(arguments: [-9, 9] as [Int64]) func quotient(outlier: Int64) throws {
        var b = try Bench()
        let x = try b.weight("x", [2, 3], -9...9, [1, 2, 3, 4, outlier, 5])
        let d = try b.weight("d", [3], 1...9, [1, 2, 3])
        _ = try b.builder.divide("share", x, by: d, axes: [1], quotient: -4...4)
        let graph = try b.graph()
        let weights = b.weights
        for parts in [nil, 2] {
            let text = message { _ = try Interpreter(graph: graph, weights: weights, parts: parts).run(tokens: [0]) }
            if outlier == 9 {
                #expect(text == "nothing was refused")
            } else {
                #expect(text.contains("node 'share': the quotient -9 / 2 = -5 at entry 4 is outside the range -4...4"))
            }
        }
    }

    @Test func quotientThatDoesNotFitItsStorage() throws {
        var b = try Bench()
        let x = try b.weight("x", [2], -(1 << 40)...(1 << 40), [5, 1 << 32])
        let d = try b.weight("d", [], 1...9, [1])
        _ = try b.builder.divide("share", x, by: d, axes: [], quotient: -4...8)
        let graph = try b.graph()
        let weights = b.weights
        let text = message { _ = try Interpreter(graph: graph, weights: weights).run(tokens: [0]) }
        #expect(text.contains("the quotient 4294967296 / 1 = 4294967296 at entry 1"))
    }
}

/// SplitMix64, as a generator for the standard library.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
