import Tensors

/// Rewrites contractions whose sums are too wide for a field, exactly, with the operations that there are.
///
/// An operand `x` is written as `x = 2^8 x.high + x.low` with `x.high = floor((x + 128) / 2^8)`, a requantisation by 8 bits, and
/// `x.low = x - 2^8 x.high`, which lies in -128...127: that is the remainder of the requantisation, which a proof checks, less 128.
/// (Interval arithmetic sees two independent terms and would say far more, so the node states the range itself.)
/// The contraction is then `v = 2^8 L1 + L0`, or `v = 2^16 L2 + 2^8 L1 + L0` where both operands are split, each `L` a sum of
/// contractions of narrow operands. Public constants are split before any proof.
///
/// What reads the accumulator is a requantisation by `s > 8` bits. With `t = floor(L0 / 2^8)` (a requantisation by 8 bits of
/// `L0 - 128`: the 128 undoes the rounding) and `S = L1 + t`, we have `S = floor(v / 2^8)`: `v = 2^8 S + r` with `r` in 0...255.
/// So
///
///     floor((v + 2^(s-1)) / 2^s) = floor((S + 2^(s-9) + r/2^8) / 2^(s-8)) = floor((S + 2^(s-9)) / 2^(s-8)),
///
/// since `r/2^8 < 1` cannot carry an integer sum over a multiple of `2^(s-8)`: a requantisation of `S` by `s - 8` bits. (Rounding
/// `L0 / 2^8` to nearest would leave `r` in -128...127, and a negative `r` borrows; hence the floor.) With three limbs and
/// `s > 16` the step is done twice; with `s <= 16` the upper limbs are put together again, `S = 2^8 L2 + L1 + t`. `S` inherits the
/// range `floor(range(v) / 2^8)`, so a table that covered the quotients covers them still.
///
/// Sums (`combine`) between contraction and requantisation pass through: they act on each limb, and terms that are not split,
/// and the constant, join `L0`.
struct AccumulatorSplit {
    enum Operands { case none, a, b, both }

    let graph: Graph
    /// Nodes that may be replaced by limbs: contractions and sums read only by requantisations by more than 8 bits and by such sums.
    private let absorbed: [Bool]

    init(_ graph: Graph) {
        self.graph = graph
        var only = Array(repeating: true, count: graph.nodes.count)
        var read = Array(repeating: false, count: graph.nodes.count)
        for id in graph.nodes.indices.reversed() {
            let node = graph.nodes[id]
            var canBe = false
            switch node.operation {
            case .contract, .combine: canBe = only[id] && read[id]
            default: break
            }
            only[id] = canBe
            var takes = false
            switch node.operation {
            case .requantise(_, let shift, _): takes = shift > 8
            case .combine: takes = canBe
            default: break
            }
            for operand in node.operands {
                read[operand] = true
                if !takes { only[operand] = false }
            }
        }
        absorbed = only
    }

    /// Ways to split a contraction, from the cheapest on; the first is not to.
    func options(_ id: NodeID) -> [Operands] {
        guard absorbed[id], case .contract(let a, let b, _, _, _) = graph.nodes[id].operation else { return [.none] }
        func wide(_ x: NodeID) -> Bool {
            graph.nodes[x].range.lowerBound < -128 || graph.nodes[x].range.upperBound > 127
        }
        func cost(_ x: NodeID) -> Int {
            if case .constant = graph.nodes[x].operation { 0 } else { graph.nodes[x].shape.count }
        }
        switch (wide(a), wide(b)) {
        case (false, false): return [.none]
        case (true, false): return [.none, .a]
        case (false, true): return [.none, .b]
        case (true, true): return cost(a) <= cost(b) ? [.none, .a, .b, .both] : [.none, .b, .a, .both]
        }
    }

    /// The graph with contraction `id` split as `options(id)[choice[id]]`, and, for each of its nodes, the contractions whose other
    /// choice could make it narrower.
    func rewrite(_ choice: [NodeID: Int]) -> (graph: Graph, blame: [[NodeID]]) {
        var rewriter = Rewriter(splitter: self)
        for id in graph.nodes.indices {
            let option = choice[id].map { options(id)[$0] } ?? .none
            rewriter.visit(id, option, maySplit: absorbed[id])
        }
        let result = Graph(
            nodes: rewriter.nodes, tables: graph.tables, input: rewriter.place[graph.input]!,
            output: rewriter.place[graph.output]!)
        return (result, rewriter.blame)
    }
}

/// An accumulator as limbs: `sum over i of 2^(8 i) limbs[i]`, plus the constant.
private struct LimbSum {
    var limbs: [[Term]]
    var constant: Int64
    let shape: TensorShape
    let range: ClosedRange<Int64>
    let name: String
    let blame: [NodeID]
    /// `floor(v / 2^(8 levels))` by `levels`, once made.
    var reduced: [Int: NodeID] = [:]
}

private struct Rewriter {
    let splitter: AccumulatorSplit
    var nodes: [Node] = []
    var blame: [[NodeID]] = []
    /// Where each node of the old graph is in the new one.
    var place: [NodeID: NodeID] = [:]
    /// Old nodes that are limbs now.
    var sums: [NodeID: LimbSum] = [:]
    /// Old operands that have been split.
    var halves: [NodeID: (high: NodeID, low: NodeID)] = [:]
    var names: Set<String>
    /// Contractions behind an old node, for blame.
    var behind: [NodeID: [NodeID]] = [:]

    init(splitter: AccumulatorSplit) {
        self.splitter = splitter
        names = Set(splitter.graph.nodes.map(\.name))
    }

    private var graph: Graph { splitter.graph }

    mutating func add(_ node: Node, _ contractions: [NodeID]) -> NodeID {
        nodes.append(node)
        blame.append(contractions)
        return nodes.count - 1
    }

    mutating func unique(_ name: String) -> String {
        var candidate = name
        var n = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name).\(n)"
            n += 1
        }
        return candidate
    }

    mutating func visit(_ id: NodeID, _ option: AccumulatorSplit.Operands, maySplit: Bool) {
        let node = graph.nodes[id]
        var contractions: [NodeID] = []
        switch node.operation {
        case .contract(let a, let b, let aLabels, let bLabels, let outLabels):
            if maySplit { contractions = [id] }
            behind[id] = contractions
            if option != .none {
                sums[id] = split(id, node, option, a, b, aLabels, bLabels, outLabels)
                return
            }
        case .combine(let terms, let constant):
            if maySplit { contractions = terms.flatMap { behind[$0.node] ?? [] } }
            behind[id] = contractions
            if terms.contains(where: { sums[$0.node] != nil }) {
                sums[id] = combine(node, terms, constant, contractions)
                return
            }
        case .requantise(let x, let shift, let table):
            contractions = behind[x] ?? []
            if let sum = sums[x] {
                let levels = min(sum.limbs.count - 1, (shift - 1) / 8)
                let reduced = reduce(x, levels: levels)
                place[id] = add(
                    Node(
                        name: node.name,
                        operation: .requantise(reduced, shift: shift - 8 * levels, table: table), shape: node.shape,
                        range: node.range), contractions)
                return
            }
        default: break
        }
        place[id] = add(
            Node(
                name: node.name, operation: node.operation.mapOperands { place[$0]! }, shape: node.shape,
                range: node.range), contractions)
    }

    /// The limbs of an operand: public values where it is a constant, else a requantisation and the rest.
    mutating func half(_ old: NodeID) -> (high: NodeID, low: NodeID) {
        if let known = halves[old] { return known }
        let node = graph.nodes[old]
        let x = place[old]!
        let highName = unique(node.name + ".high")
        let lowName = unique(node.name + ".low")
        let result: (NodeID, NodeID)
        if case .constant(let values) = node.operation {
            let high = values.map { Int32((Int64($0) + 128) >> 8) }
            let low = zip(values, high).map { Int32(Int64($0) - Int64($1) << 8) }
            func constant(_ name: String, _ values: [Int32]) -> Node {
                Node(
                    name: name, operation: .constant(values: values), shape: node.shape,
                    range: Int64(values.min()!)...Int64(values.max()!))
            }
            result = (add(constant(highName, high), []), add(constant(lowName, low), []))
        } else {
            let high = add(
                Node(
                    name: highName, operation: .requantise(x, shift: 8, table: nil), shape: node.shape,
                    range: GraphBuilder.shifted(node.range, 8)), [])
            let axes = Array(node.shape.dimensions.indices)
            let low = add(
                Node(
                    name: lowName,
                    operation: .combine(
                        [Term(x, axes: axes), Term(high, coefficient: -256, axes: axes)], constant: 0),
                    shape: node.shape, range: -128...127), [])
            result = (high, low)
        }
        halves[old] = result
        return result
    }

    /// An operand, or its limbs from the lowest on.
    private mutating func parts(_ old: NodeID, split: Bool) -> [NodeID] {
        guard split else { return [place[old]!] }
        let halves = half(old)
        return [halves.low, halves.high]
    }

    /// The limbs of a contraction, one or both of whose operands are split.
    mutating func split(
        _ id: NodeID, _ node: Node, _ option: AccumulatorSplit.Operands, _ a: NodeID, _ b: NodeID, _ aLabels: String,
        _ bLabels: String, _ outLabels: String
    ) -> LimbSum {
        let aParts = parts(a, split: option != .b)
        let bParts = parts(b, split: option != .a)
        let count = zip(aLabels, graph.nodes[a].shape.dimensions)
            .reduce(Int64(1)) { outLabels.contains($1.0) ? $0 : $0 * Int64($1.1) }
        let axes = Array(node.shape.dimensions.indices)
        var limbs: [[Term]] = Array(repeating: [], count: aParts.count + bParts.count - 1)
        for (i, x) in aParts.enumerated() {
            for (j, y) in bParts.enumerated() {
                let suffix = option == .both ? ["low", "high"][i] + ["Low", "High"][j] : ["low", "high"][i + j]
                let product = Interval.hull(nodes[x].range, nodes[y].range)
                let part = add(
                    Node(
                        name: unique(node.name + "." + suffix),
                        operation: .contract(x, y, a: aLabels, b: bLabels, out: outLabels), shape: node.shape,
                        range: Saturating.multiplySigned(
                            product.lowerBound, count)...Saturating.multiplySigned(
                                product.upperBound, count)), [id])
                limbs[i + j].append(Term(part, axes: axes))
            }
        }
        return LimbSum(
            limbs: limbs, constant: 0, shape: node.shape, range: node.range, name: node.name, blame: [id])
    }

    mutating func combine(_ node: Node, _ terms: [Term], _ constant: Int64, _ contractions: [NodeID]) -> LimbSum {
        var result = LimbSum(
            limbs: [[]], constant: constant, shape: node.shape, range: node.range, name: node.name,
            blame: contractions)
        for term in terms {
            guard let inner = sums[term.node] else {
                result.limbs[0].append(Term(place[term.node]!, coefficient: term.coefficient, axes: term.axes))
                continue
            }
            result.constant = Saturating.addSigned(
                result.constant, Saturating.multiplySigned(term.coefficient, inner.constant))
            for (i, limb) in inner.limbs.enumerated() {
                if i == result.limbs.count { result.limbs.append([]) }
                for part in limb {
                    result.limbs[i].append(
                        Term(
                            part.node, coefficient: Saturating.multiplySigned(part.coefficient, term.coefficient),
                            axes: part.axes.map { term.axes[$0] }))
                }
            }
        }
        return result
    }

    /// The node `floor(v / 2^(8 levels))` of the old node `id`, with `levels >= 1`.
    mutating func reduce(_ id: NodeID, levels: Int) -> NodeID {
        if let known = sums[id]!.reduced[levels] { return known }
        let sum = sums[id]!
        let axes = Array(sum.shape.dimensions.indices)
        var carry: Term?
        for level in 0..<levels {
            // floor((limb + carry) / 2^8)
            let terms = sum.limbs[level] + (carry.map { [$0] } ?? [])
            let lower = add(
                sumNode("\(sum.name).floor\(level + 1).sum", terms, (level == 0 ? sum.constant : 0) - 128, sum.shape),
                sum.blame)
            let floor = add(
                Node(
                    name: unique("\(sum.name).floor\(level + 1)"),
                    operation: .requantise(lower, shift: 8, table: nil), shape: sum.shape,
                    range: GraphBuilder.shifted(nodes[lower].range, 8)), sum.blame)
            carry = Term(floor, axes: axes)
        }
        var terms = [carry!]
        for (i, limb) in sum.limbs.enumerated().dropFirst(levels) {
            terms += limb.map {
                Term(
                    $0.node, coefficient: Saturating.multiplySigned($0.coefficient, 1 << Int64(8 * (i - levels))),
                    axes: $0.axes)
            }
        }
        let interval = sumNode("\(sum.name).upper\(levels)", terms, 0, sum.shape)
        let known = sum.range.lowerBound >> Int64(8 * levels)...sum.range.upperBound >> Int64(8 * levels)
        let result = add(
            Node(
                name: interval.name, operation: interval.operation, shape: sum.shape,
                range: interval.range.clamped(to: known)), sum.blame)
        sums[id]!.reduced[levels] = result
        return result
    }

    mutating func sumNode(_ name: String, _ terms: [Term], _ constant: Int64, _ shape: TensorShape) -> Node {
        var low = constant
        var high = constant
        for term in terms {
            let range = nodes[term.node].range
            let ends = [range.lowerBound, range.upperBound].map { Saturating.multiplySigned($0, term.coefficient) }
            low = Saturating.addSigned(low, ends.min()!)
            high = Saturating.addSigned(high, ends.max()!)
        }
        return Node(
            name: unique(name), operation: .combine(terms, constant: constant), shape: shape, range: low...high)
    }
}

extension Interval {
    /// The range of products; saturates.
    static func hull(_ a: ClosedRange<Int64>, _ b: ClosedRange<Int64>) -> ClosedRange<Int64> {
        let products = [a.lowerBound, a.upperBound].flatMap { x in
            [b.lowerBound, b.upperBound].map { Saturating.multiplySigned(x, $0) }
        }
        return products.min()!...products.max()!
    }
}

extension Saturating {
    static func multiplySigned(_ x: Int64, _ y: Int64) -> Int64 {
        let (product, overflow) = x.multipliedReportingOverflow(by: y)
        return overflow ? ((x < 0) == (y < 0) ? .max : .min) : product
    }

    static func addSigned(_ x: Int64, _ y: Int64) -> Int64 {
        let (sum, overflow) = x.addingReportingOverflow(y)
        return overflow ? (x < 0 ? .min : .max) : sum
    }
}

extension Operation {
    /// The same operation with other operands.
    func mapOperands(_ map: (NodeID) -> NodeID) -> Operation {
        switch self {
        case .tokens, .weight, .constant, .causalMask: self
        case .embed(let table, let tokens): .embed(table: map(table), tokens: map(tokens))
        case .contract(let a, let b, let aLabels, let bLabels, let out):
            .contract(map(a), map(b), a: aLabels, b: bLabels, out: out)
        case .combine(let terms, let constant):
            .combine(
                terms.map { Term(map($0.node), coefficient: $0.coefficient, axes: $0.axes) }, constant: constant)
        case .requantise(let x, let shift, let table): .requantise(map(x), shift: shift, table: table)
        case .divide(let n, let d, let axes): .divide(map(n), by: map(d), axes: axes)
        case .squareRoot(let x): .squareRoot(map(x))
        case .rowMaximum(let x): .rowMaximum(map(x))
        case .slice(let x, let axis, let index): .slice(map(x), axis: axis, index: index)
        case .reshape(let x): .reshape(map(x))
        case .windows(let x, let size, let stride, let padding):
            .windows(map(x), size: size, stride: stride, padding: padding)
        case .argmax(let x): .argmax(map(x))
        }
    }
}
