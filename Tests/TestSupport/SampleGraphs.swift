import Graphs
import Tensors

/// Small graphs that together use every operation, in many shapes. All of them fit a 31-bit field without being split.
///
/// Deterministic: the same arguments give the same graphs, weights and tokens.
public enum SampleGraphs {
    public typealias Sample = (
        name: String, graph: Graph, weights: [String: IntegerTensor], tokens: [Int]
    )

    /// The named graphs, then `random` random ones. With `extremes` every weight is at one of the ends of its range.
    public static func all(seed: UInt64 = 1, random: Int = 12, extremes: Bool = false) -> [Sample] {
        let named: [(String, (inout Maker) throws -> Void)] = [
            ("dense", dense), ("attention", attention), ("norm", norm), ("rotary", rotary),
            ("broadcast", broadcast), ("labels", labels), ("lookups", lookups), ("single", single), ("images", images),
        ]
        var samples: [Sample] = []
        for (i, (name, body)) in named.enumerated() {
            samples.append(make(name, seed &+ UInt64(i), extremes, body))
        }
        for i in 0..<random {
            samples.append(make("random-\(i)", seed &+ 1000 &+ UInt64(i), extremes, anything))
        }
        return samples
    }

    /// A vocabulary so large that its product is most of the work.
    public static func largeHead(seed: UInt64 = 1) -> Sample {
        make("large head", seed, false) { m in
            let x = try m.embedding(tokens: 2, vocabulary: 5, [64])
            let y = try m.requantise("y", x, shift: 1, clampedTo: -64...63)
            let head = try m.weight("head", [80000, 64], -7...7)
            let all = try m.builder.contract("all", y, head, "td", "vd", "tv")
            try m.finish(try m.builder.slice("logits", all, axis: 0, index: 1))
        }
    }

    private static func make(
        _ name: String, _ seed: UInt64, _ extremes: Bool, _ body: (inout Maker) throws -> Void
    ) -> Sample {
        var maker = Maker(seed: seed, extremes: extremes)
        do {
            try body(&maker)
            let graph = try maker.builder.finish(input: maker.input!, output: maker.builder.nodes.count - 1)
            return (name, graph, maker.weights, maker.tokens)
        } catch { fatalError("sample '\(name)': \(error)") }
    }

    // MARK: Named graphs

    /// A perceptron on the last token: matrix products, a bias, a clamping table, a quotient without a table.
    private static func dense(_ m: inout Maker) throws {
        let x = try m.embedding(tokens: 5, vocabulary: 11, [6])
        let w1 = try m.weight("hidden.weight", [9, 6], -127...127)
        let b1 = try m.weight("hidden.bias", [9], -30000...30000)
        let h = try m.builder.contract("hidden.product", x, w1, "tk", "ok", "to")
        let s = try m.builder.combine(
            "hidden.sum", [Term(h, axes: [0, 1]), Term(b1, axes: [1])], constant: 3, dimensions: [5, 9])
        let a = try m.requantise("hidden", s, shift: 9, clampedTo: 0...127)
        let w2 = try m.weight("next.weight", [9, 8], -127...127)
        let g = try m.builder.contract("next.product", a, w2, "tk", "ko", "to")
        let q = try m.builder.requantise("next", g, shift: 11)
        let last = try m.builder.slice("last", q, axis: 0, index: 4)
        let head = try m.weight("head", [7, 8], -127...127)
        try m.finish(try m.builder.contract("logits", last, head, "k", "vk", "v"))
    }

    /// Causal attention with shared key heads and an exact softmax.
    private static func attention(_ m: inout Maker) throws {
        let (t, g, h, e) = (6, 2, 3, 4)
        let x = try m.embedding(tokens: t, vocabulary: 16, [12])
        func projection(_ name: String, _ dimensions: [Int], _ labels: String, _ out: String) throws -> NodeID {
            let w = try m.weight("\(name).weight", dimensions + [12], -127...127)
            let p = try m.builder.contract("\(name).product", x, w, "td", labels + "d", out)
            return try m.requantise(name, p, shift: 10, clampedTo: -127...127)
        }
        let q = try projection("query", [g, h, e], "ghe", "tghe")
        let k = try projection("key", [g, e], "ge", "tge")
        let v = try projection("value", [e, g], "eg", "tge")
        let scores = try m.builder.contract("scores", q, k, "ighe", "jge", "ighj")
        let mask = try m.builder.causalMask("mask", rows: t, columns: t)
        let masked = try m.builder.combine(
            "masked", [Term(scores, axes: [0, 1, 2, 3]), Term(mask, coefficient: -(1 << 17), axes: [0, 3])],
            dimensions: [t, g, h, t])
        let top = try m.builder.rowMaximum("top", masked)
        let below = try m.builder.combine(
            "below", [Term(masked, axes: [0, 1, 2, 3]), Term(top, coefficient: -1, axes: [0, 1, 2])],
            dimensions: [t, g, h, t])
        let range = GraphBuilder.shifted(m.builder.range(below), 10)
        let exponential = m.builder.table(
            LookupTable(
                name: "exponential", lowerBound: range.lowerBound,
                values: (range.lowerBound...range.upperBound).map { (h: Int64) -> Int32 in
                    if h > 0 { return 255 }
                    return h < -30 ? 0 : 255 >> Int32(-h / 4)
                }
            ))
        let powers = try m.builder.requantise("powers", below, shift: 10, table: exponential)
        let ones = try m.builder.constant("ones", [t], values: Array(repeating: 1, count: t))
        let sums = try m.builder.contract("sums", powers, ones, "ighj", "j", "igh")
        let positive = try m.builder.combine(
            "positive", [Term(sums, axes: [0, 1, 2])], constant: 1, dimensions: [t, g, h])
        let scaled = try m.builder.combine(
            "scaled", [Term(powers, coefficient: 255, axes: [0, 1, 2, 3])], dimensions: [t, g, h, t])
        let shares = try m.builder.divide("shares", scaled, by: positive, axes: [0, 1, 2], quotient: 0...255)
        let mixed = try m.builder.contract("mixed", shares, v, "ighj", "jge", "ighe")
        let out = try m.requantise("out", mixed, shift: 8, clampedTo: -127...127)
        let last = try m.builder.slice("last", out, axis: 0, index: t - 1)
        let head = try m.weight("head", [5, g, h, e], -127...127)
        try m.finish(try m.builder.contract("logits", last, head, "ghe", "vghe", "v"))
    }

    /// Mean, variance, square root, division and a gain; a residual around it.
    private static func norm(_ m: inout Maker) throws {
        let (t, d) = (3, 8)
        let x = try m.embedding(tokens: t, vocabulary: 7, [d])
        let ones = try m.builder.constant("ones", [d], values: Array(repeating: 1, count: d))
        let sum = try m.builder.contract("sum", x, ones, "td", "d", "t")
        let centred = try m.builder.combine(
            "centred", [Term(x, coefficient: Int64(d), axes: [0, 1]), Term(sum, coefficient: -1, axes: [0])],
            dimensions: [t, d])
        let small = try m.builder.requantise("small", centred, shift: 2)
        let squares = try m.builder.contract("squares", small, small, "td", "td", "t")
        let variance = try m.builder.combine("variance", [Term(squares, axes: [0])], constant: 9, dimensions: [t])
        let deviation = try m.builder.squareRoot("deviation", variance)
        let divisor = try m.builder.combine("divisor", [Term(deviation, axes: [0])], constant: 1, dimensions: [t])
        let numerator = try m.builder.combine(
            "numerator", [Term(small, coefficient: 64, axes: [0, 1])], dimensions: [t, d])
        let unit = try m.builder.divide("unit", numerator, by: divisor, axes: [0], quotient: -256...255)
        let gain = try m.weight("gain", [d], -127...127)
        let gained = try m.builder.contract("gained", unit, gain, "td", "d", "td")
        let normed = try m.requantise("normed", gained, shift: 7, clampedTo: -128...127)
        let residual = try m.builder.combine(
            "residual", [Term(x, axes: [0, 1]), Term(normed, axes: [0, 1])], dimensions: [t, d])
        let last = try m.builder.slice("last", residual, axis: 0, index: 1)
        let head = try m.weight("head", [d, 6], -127...127)
        try m.finish(try m.builder.contract("logits", last, head, "k", "kv", "v"))
    }

    /// A rotation of pairs by public tables, once with summed pairs and once with a sum over the whole head.
    private static func rotary(_ m: inout Maker) throws {
        let (t, h, p) = (5, 3, 2)
        let x = try m.embedding(tokens: t, vocabulary: 9, [h, p, 2])
        let turns = try m.builder.constant(
            "turns", [t, p, 2, 2], values: (0..<t * p * 4).map { _ in Int32(m.random(-128...127)) })
        let product = try m.builder.contract("turned.product", x, turns, "thpd", "tped", "thpe")
        let turned = try m.requantise("turned", product, shift: 7, clampedTo: -127...127)
        let wide = try m.builder.constant(
            "wide", [t, h, 9], values: (0..<t * h * 9).map { _ in Int32(m.random(-1000...1000)) })
        let mixed = try m.builder.contract("mixed", turned, wide, "thpe", "thw", "wpeth")
        let narrow = try m.builder.requantise("narrow", mixed, shift: 10)
        let one = try m.builder.slice("one", narrow, axis: 3, index: 2)
        let two = try m.builder.slice("two", one, axis: 3, index: 0)
        let head = try m.weight("head", [p, 10, 9, 2], -127...127)
        try m.finish(try m.builder.contract("logits", two, head, "wpe", "pvwe", "v"))
    }

    /// Sums with terms broadcast in every way, scalars, an operand used twice.
    private static func broadcast(_ m: inout Maker) throws {
        let (a, b, c) = (3, 4, 5)
        let x = try m.embedding(tokens: a, vocabulary: 6, [b, c])
        let scalar = try m.weight("scalar", [], -9...9)
        let row = try m.weight("row", [c], -500...500)
        let column = try m.weight("column", [b], -200...200)
        let outer = try m.weight("outer", [a], -50...50)
        let ends = try m.weight("ends", [a, c], -300...300)
        let sum = try m.builder.combine(
            "sum",
            [
                Term(outer, coefficient: -3, axes: [0]), Term(x, coefficient: 2, axes: [0, 1, 2]),
                Term(x, coefficient: -5, axes: [0, 1, 2]), Term(row, axes: [2]),
                Term(column, coefficient: -1, axes: [1]),
                Term(ends, coefficient: 7, axes: [0, 2]), Term(scalar, coefficient: 11, axes: []),
            ], constant: -17, dimensions: [a, b, c])
        let norm = try m.builder.contract("norm", row, row, "k", "k", "")
        let root = try m.builder.squareRoot("root", norm)
        let divisor = try m.builder.combine("divisor", [Term(root, axes: [])], constant: 1, dimensions: [])
        let scaled = try m.builder.combine(
            "scaled", [Term(sum, coefficient: 100, axes: [0, 1, 2])], dimensions: [a, b, c])
        let quotient = try m.builder.divide("quotient", scaled, by: divisor, axes: [], quotient: -450000...450000)
        let denominators = try m.weight("denominators", [b, c], 1...1000)
        let second = try m.builder.divide(
            "second", scaled, by: denominators, axes: [1, 2], quotient: -450000...450000)
        let both = try m.builder.combine(
            "both", [Term(quotient, axes: [0, 1, 2]), Term(second, axes: [0, 1, 2])], dimensions: [a, b, c])
        let tops = try m.builder.rowMaximum("tops", both)
        let spread = try m.builder.contract("spread", scalar, tops, "", "ab", "ba")
        let top = try m.builder.rowMaximum("top", spread)
        try m.finish(top)
    }

    /// Contractions with every arrangement of batch, summed and free labels.
    private static func labels(_ m: inout Maker) throws {
        let x = try m.embedding(tokens: 3, vocabulary: 5, [4, 11])
        let y = try m.weight("y", [11, 3, 5], -20...20)
        let z = try m.weight("z", [1, 5, 2, 4], -20...20)
        let u = try m.builder.contract("u", x, y, "abk", "kac", "cba")
        let v = try m.requantise("v", u, shift: 6, clampedTo: -127...127)
        let w = try m.builder.contract("w", v, z, "cba", "1cdb", "a1bd")
        let s = try m.requantise("s", w, shift: 6, clampedTo: -127...127)
        let p = try m.builder.contract("p", s, s, "a1bd", "a1bd", "da1b")
        let n = try m.builder.requantise("n", p, shift: 5)
        let many = try m.weight("many", [13, 4, 2], -127...127)
        let o = try m.builder.contract("o", n, many, "da1b", "vbd", "a1v")
        let r = try m.builder.requantise("r", o, shift: 8)
        let apart = try m.weight("apart", [3], -3...3)
        let f = try m.builder.contract("f", r, apart, "a1v", "x", "v1xa")
        let f1 = try m.builder.slice("f1", f, axis: 2, index: 2)
        let f2 = try m.builder.slice("f2", f1, axis: 1, index: 0)
        try m.finish(try m.builder.slice("f3", f2, axis: 1, index: 1))
    }

    /// Requantisations by 0, by few and by more than 16 bits, with tables and without, on negative and on large values.
    private static func lookups(_ m: inout Maker) throws {
        let x = try m.embedding(tokens: 4, vocabulary: 13, [7])
        let mirrored = m.builder.table(
            LookupTable(name: "mirror", lowerBound: -128, values: (-128...127).map { Int32(($0 * $0) % 201 - 100) }))
        let a = try m.builder.requantise("a", x, shift: 0, table: mirrored)
        let wide = try m.builder.combine(
            "wide", [Term(a, coefficient: 1 << 22, axes: [0, 1])], constant: -12345, dimensions: [4, 7])
        let b = try m.builder.requantise("b", wide, shift: 18)
        let c = try m.requantise("c", wide, shift: 21, clampedTo: -50...50)
        let sum = try m.builder.combine(
            "sum", [Term(b, axes: [0, 1]), Term(c, coefficient: 31, axes: [0, 1])], dimensions: [4, 7])
        let d = try m.builder.requantise("d", sum, shift: 1)
        let tops = try m.builder.rowMaximum("tops", d)
        let weight = try m.weight("mix", [4, 9], -127...127)
        try m.finish(try m.builder.contract("logits", tops, weight, "t", "tv", "v"))
    }

    /// Two convolutions, one with a stride and an odd image, maximum pooling, and a claim on windows that overlap.
    private static func images(_ m: inout Maker) throws {
        let pixels = try m.embedding(tokens: 48, vocabulary: 9, [3])
        let image = try m.builder.reshape("image", pixels, [6, 8, 3])
        let views = try m.builder.windows("views", image, size: 3, padding: 1)
        let first = try m.weight("first.weight", [5, 3, 9], -127...127)
        let a = try m.builder.contract("first.product", views, first, "yxct", "oct", "yxo")
        let b = try m.requantise("first", a, shift: 9, clampedTo: 0...127)
        let pooled = try m.builder.rowMaximum("pooled", try m.builder.windows("pools", b, size: 2, stride: 2))
        let wide = try m.builder.windows("wide", pooled, size: 3, stride: 2, padding: 2)
        let second = try m.weight("second.weight", [4, 5, 9], -127...127)
        let c = try m.builder.contract("second.product", wide, second, "yxct", "oct", "yxo")
        let d = try m.requantise("second", c, shift: 9, clampedTo: -127...127)
        let head = try m.weight("head", [7, 3, 3, 4], -127...127)
        try m.finish(try m.builder.contract("logits", d, head, "yxo", "vyxo", "v"))
    }

    /// Every dimension is 1.
    private static func single(_ m: inout Maker) throws {
        let x = try m.embedding(tokens: 1, vocabulary: 2, [1])
        let w = try m.weight("w", [1, 1], -127...127)
        let p = try m.builder.contract("p", x, w, "tk", "ok", "to")
        let q = try m.requantise("q", p, shift: 7, clampedTo: 0...127)
        let top = try m.builder.rowMaximum("top", q)
        try m.finish(top)
    }

    // MARK: Random graphs

    /// A chain of random operations on random earlier values.
    private static func anything(_ m: inout Maker) throws {
        let tokens = m.random(1, 6)
        let inner = (0..<m.random(1, 2)).map { _ in m.random(1, 6) }
        var pool = [try m.embedding(tokens: tokens, vocabulary: m.random(2, 17), inner)]
        for step in 0..<m.random(5, 10) {
            let x = try m.narrowed("n\(step)", pool[m.random(0, pool.count - 1)])
            let dimensions = m.builder.shape(x).dimensions
            let rank = dimensions.count
            let name = "v\(step)"
            let letters = Array("abcdef".prefix(rank))
            switch m.random(0, 8) {
            case 0, 1:  // Contract with a new weight: each label of x is kept, shared or summed; one or two are new.
                var own: [Character] = []
                var out: [Character] = []
                var sizes: [Character: Int] = [:]
                for (letter, size) in zip(letters, dimensions) {
                    sizes[letter] = size
                    switch m.random(0, 2) {
                    case 0: out.append(letter)
                    case 1:
                        own.append(letter)
                        out.append(letter)
                    default: own.append(letter)
                    }
                }
                for letter in "xy".prefix(m.random(out.isEmpty ? 1 : 0, out.count > 2 ? 0 : 2)) {
                    sizes[letter] = m.random(1, 7)
                    own.append(letter)
                    out.append(letter)
                }
                own = m.shuffled(own)
                out = m.shuffled(out)
                let w = try m.weight("w\(step)", own.map { sizes[$0]! }, -127...127)
                pool.append(try m.builder.contract(name, x, w, String(letters), String(own), String(out)))
            case 2:  // Elementwise with itself, transposed.
                pool.append(
                    try m.builder.contract(
                        name, x, x, String(letters), String(letters), String(m.shuffled(letters))))
            case 3:
                let axes = (0..<rank).filter { _ in m.random(0, 1) == 0 }
                let w = try m.weight("w\(step)", axes.map { dimensions[$0] }, -1000...1000)
                let all = Array(0..<rank)
                pool.append(
                    try m.builder.combine(
                        name,
                        m.shuffled([
                            Term(x, coefficient: Int64(m.random(-9, 9)), axes: all),
                            Term(w, coefficient: Int64(m.random(-9, 9)), axes: axes), Term(x, axes: all),
                        ]), constant: Int64(m.random(-99, 99)), dimensions: dimensions))
            case 4:
                pool.append(try m.requantise(name, x, shift: m.random(0, 9), clampedTo: -100...100))
            case 5:
                let axes = (0..<rank).filter { _ in m.random(0, 1) == 0 }
                let w = try m.weight("w\(step)", axes.map { dimensions[$0] }, 1...300)
                let range = m.builder.range(x)
                pool.append(
                    try m.builder.divide(
                        name, x, by: w, axes: axes,
                        quotient: min(range.lowerBound, 0)...max(range.upperBound, 0)))
            case 6:
                let square = try m.builder.contract(
                    name + ".square", x, x, String(letters), String(letters), String(letters))
                let low = m.builder.range(square).lowerBound
                let positive = try m.builder.combine(
                    name + ".positive", [Term(square, axes: Array(0..<rank))], constant: -low, dimensions: dimensions)
                pool.append(try m.builder.squareRoot(name, positive))
            case 7 where rank >= 2:
                pool.append(try m.builder.rowMaximum(name, x))
            case 8 where rank >= 2:
                let axis = m.random(0, rank - 1)
                pool.append(try m.builder.slice(name, x, axis: axis, index: m.random(0, dimensions[axis] - 1)))
            default:
                pool.append(try m.builder.requantise(name, x, shift: m.random(1, 4)))
            }
        }
        // All that is left over flows into the logits.
        let size = m.random(1, 9)
        var terms: [Term] = []
        for (i, node) in pool.enumerated() {
            let x = try m.narrowed("last\(i)", node)
            let letters = String("abcdef".prefix(m.builder.shape(x).dimensions.count))
            let w = try m.weight("head\(i)", m.builder.shape(x).dimensions + [size], -127...127)
            let part = try m.builder.contract("part\(i)", x, w, letters, letters + "v", "v")
            let small = try m.builder.requantise("part\(i).small", part, shift: 5)
            terms.append(Term(small, axes: [0]))
        }
        try m.finish(try m.builder.combine("logits", terms, dimensions: [size]))
    }

    // MARK: Making

    struct Maker {
        var builder = GraphBuilder()
        var weights: [String: IntegerTensor] = [:]
        var input: NodeID?
        var tokens: [Int] = []
        private var state: UInt64
        private let extremes: Bool

        init(seed: UInt64, extremes: Bool) {
            state = seed
            self.extremes = extremes
        }

        /// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }

        mutating func random(_ range: ClosedRange<Int64>) -> Int64 {
            range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
        }

        mutating func random(_ low: Int, _ high: Int) -> Int { Int(random(Int64(low)...Int64(high))) }

        mutating func shuffled<T>(_ items: [T]) -> [T] {
            var items = items
            for i in stride(from: items.count - 1, to: 0, by: -1) { items.swapAt(i, random(0, i)) }
            return items
        }

        mutating func weight(_ name: String, _ dimensions: [Int], _ range: ClosedRange<Int64>) throws -> NodeID {
            let shape = TensorShape(dimensions)
            let same = random(0, 2)
            let values = (0..<shape.count).map { _ -> Int64 in
                guard extremes else { return random(range) }
                let upper = same == 0 ? true : same == 1 ? false : random(0, 1) == 0
                return upper ? range.upperBound : range.lowerBound
            }
            weights[name] = IntegerTensor(shape: shape, range: range, values: values)
            return try builder.weight(name, dimensions, range: range)
        }

        mutating func embedding(tokens count: Int, vocabulary: Int, _ inner: [Int]) throws -> NodeID {
            let ids = try builder.tokens("tokens", count: count, vocabulary: vocabulary)
            input = ids
            tokens = (0..<count).map { _ in random(0, vocabulary - 1) }
            let table = try weight("embedding.table", [vocabulary] + inner, -128...127)
            return try builder.embed("embedding", table: table, tokens: ids)
        }

        mutating func requantise(
            _ name: String, _ x: NodeID, shift: Int, clampedTo limits: ClosedRange<Int64>
        ) throws -> NodeID {
            let h = GraphBuilder.shifted(builder.range(x), shift)
            let table = builder.table(
                LookupTable(
                    name: "clamp to \(limits)", lowerBound: h.lowerBound,
                    values: (h.lowerBound...h.upperBound).map {
                        Int32(min(max($0, limits.lowerBound), limits.upperBound))
                    }))
            return try builder.requantise(name, x, shift: shift, table: table)
        }

        /// `x`, requantised to at most 11 bits where it is wider.
        mutating func narrowed(_ name: String, _ x: NodeID) throws -> NodeID {
            let range = builder.range(x)
            let bits = Int64.bitWidth - max(range.upperBound, -range.lowerBound).leadingZeroBitCount
            return bits <= 11 ? x : try builder.requantise(name, x, shift: bits - 11)
        }

        mutating func finish(_ logits: NodeID) throws {
            _ = try builder.argmax("output", logits)
        }
    }
}
