import Tensors

/// How large integers may be in a field.
public struct FieldBound: Hashable, Sendable {
    public let name: String
    /// The integers in `-bound...bound` are distinct in the field. `Int64.max` for a field far larger than 64 bits.
    public let bound: Int64

    public init(name: String, bound: Int64) {
        self.name = name
        self.bound = bound
    }
}

/// Shows that no value of the graph, and nothing that a proof of it computes in between, can wrap around in a field.
///
/// A graph that fits is returned as it is. Where an accumulator is too wide, but is read only by requantisations by more than 8
/// bits (directly, or through sums), an operand of its contraction, or both, is split into 8-bit limbs: see `AccumulatorSplit`. The
/// rewritten graph computes the same outputs, bit for bit. Where that does not help either, the error names the node, what it
/// needs, and which of the `alternatives` would take the graph.
public func fit(_ graph: Graph, to field: FieldBound, alternatives: [FieldBound]) throws -> Graph {
    switch search(graph, field.bound) {
    case .fits(let rewritten): return rewritten
    case .fails(let name, let need):
        let others = alternatives.filter { other in
            if case .fits = search(graph, other.bound) { true } else { false }
        }
        let size = need.value == .max ? "more than 2^63" : "\(need.value)"
        var advice = ""
        if !others.isEmpty {
            advice = "; it would fit: \(others.map(\.name).joined(separator: ", "))"
        } else if !alternatives.isEmpty {
            advice = "; nor would it fit: \(alternatives.map(\.name).joined(separator: ", "))"
        }
        throw GraphError(
            node: name,
            "\(need.what) reaches \(size), and \(field.name) holds integers up to \(field.bound) only\(advice)")
    }
}

private enum SearchResult {
    case fits(Graph)
    case fails(node: String, need: Need)
}

/// Splits contractions one by one until everything fits, then takes back every split, or half of a split, that was not needed.
private func search(_ graph: Graph, _ bound: Int64) -> SearchResult {
    func firstFailure(_ graph: Graph) -> (NodeID, Need)? {
        for id in graph.nodes.indices {
            let need = graph.need(id)
            if need.value > bound { return (id, need) }
        }
        return nil
    }
    guard let original = firstFailure(graph) else { return .fits(graph) }
    let splitter = AccumulatorSplit(graph)
    var choice: [NodeID: Int] = [:]
    while true {
        let (rewritten, blame) = splitter.rewrite(choice)
        guard let (id, need) = firstFailure(rewritten) else { break }
        guard let next = blame[id].first(where: { choice[$0, default: 0] + 1 < splitter.options($0).count }) else {
            // Name a node of the graph that the caller knows.
            let name = rewritten.nodes[id].name
            if graph.nodes.contains(where: { $0.name == name }) { return .fails(node: name, need: need) }
            guard let contraction = blame[id].first else {
                return .fails(node: graph.nodes[original.0].name, need: original.1)
            }
            let own = graph.need(contraction)
            return .fails(node: graph.nodes[contraction].name, need: own.value > bound ? own : need)
        }
        choice[next, default: 0] += 1
    }
    for contraction in choice.keys.sorted() {
        for cheaper in 0..<choice[contraction]! {
            var attempt = choice
            attempt[contraction] = cheaper
            if firstFailure(splitter.rewrite(attempt).graph) == nil {
                choice = attempt
                break
            }
        }
    }
    return .fits(splitter.rewrite(choice).graph)
}

/// The largest magnitude that a node asks of a field, and what has it.
struct Need {
    var value: Int64
    var what: String

    init(_ value: Int64, _ what: String) {
        self.value = value
        self.what = what
    }

    mutating func also(_ value: Int64, _ what: @autoclosure () -> String) {
        if value > self.value { self = Need(value, what()) }
    }
}

extension Graph {
    /// What node `id` and its proof need.
    func need(_ id: NodeID) -> Need {
        let node = nodes[id]
        var need = Need(Saturating.magnitude(node.range), "its value")
        switch node.operation {
        case .tokens, .weight, .constant, .causalMask, .embed, .contract, .combine, .slice, .reshape, .windows: break
        case .requantise(let x, let shift, let table):
            // x + 2^(shift-1) = 2^shift h + remainder, with h anywhere that its lookup allows.
            let h = Saturating.magnitude(
                table.map { tables[$0].domain } ?? GraphBuilder.shifted(nodes[x].range, shift))
            need.also(Saturating.magnitude(nodes[x].range), "its operand")
            need.also(
                Saturating.add(Saturating.multiply(h, 1 << Int64(shift)), 1 << Int64(shift)),
                "the operand rebuilt from quotient and remainder")
        case .divide(let n, let d, _):
            let divisor = Saturating.magnitude(nodes[d].range)
            need.also(Saturating.magnitude(nodes[n].range), "its numerator")
            need.also(Saturating.add(divisor, divisor), "twice the denominator")
            need.also(
                Saturating.add(Saturating.multiply(Saturating.magnitude(node.range), divisor), divisor),
                "quotient times denominator plus remainder")
        case .squareRoot(let x):
            let r = Saturating.magnitude(node.range)
            need.also(Saturating.magnitude(nodes[x].range), "its operand")
            // v and r^2 are not negative: v - r^2 lies between -r^2 and v, and must not differ by the characteristic, which
            // is more than twice the bound, from what its limbs cover.
            need.also(
                max(Saturating.multiply(r, r), Saturating.magnitude(nodes[x].range)) / 2 + 1 << 18,
                "the square of the root beside its operand")
        case .rowMaximum(let x), .argmax(let x):
            let range = nodes[x].range
            need.also(
                Saturating.add(range.upperBound, Saturating.negate(range.lowerBound)),
                "the difference from the maximum")
        }
        return need
    }
}

/// Arithmetic on non-negative bounds that stops at `Int64.max`.
enum Saturating {
    static func magnitude(_ range: ClosedRange<Int64>) -> Int64 {
        max(negate(range.lowerBound), range.upperBound)
    }

    static func negate(_ x: Int64) -> Int64 { x == .min ? .max : -x }

    /// Saturates upwards; the sums here never fall below `Int64.min`.
    static func add(_ x: Int64, _ y: Int64) -> Int64 {
        let (sum, overflow) = x.addingReportingOverflow(y)
        return overflow ? .max : sum
    }

    static func multiply(_ x: Int64, _ y: Int64) -> Int64 {
        let (product, overflow) = x.multipliedReportingOverflow(by: y)
        return overflow ? .max : product
    }
}
