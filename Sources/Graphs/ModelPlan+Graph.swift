import Tensors

extension ModelPlan {
    /// The integer program on `tokenCount` tokens, whose output is the most likely next token.
    ///
    /// The final norm and the projection to logits see the last token only; with `allPositions` all of them, for measuring
    /// losses (the node `logits` is then `[tokenCount, vocabulary]`).
    public func graph(tokenCount: Int, allPositions: Bool = false) throws -> Graph {
        try validate()
        let lowering = Lowering(plan: self, measures: false)
        return try lowering.graph(tokenCount: tokenCount, allPositions: allPositions)
    }

    /// What each requantisation with a table looks up, by name: ranges of h. Tables need no domain yet.
    func reachable(tokenCount: Int) throws -> [String: ClosedRange<Int64>] {
        let lowering = Lowering(plan: self, measures: true)
        _ = try lowering.graph(tokenCount: tokenCount, allPositions: true)
        return lowering.measured
    }
}

/// One construction of a graph from a plan.
private final class Lowering {
    let plan: ModelPlan
    let measures: Bool
    private(set) var measured: [String: ClosedRange<Int64>] = [:]
    private let sites: [String: ModelPlan.Site]
    private let weights: [String: ModelPlan.Weight]
    private var usedWeights: Set<String> = []
    private var tableIDs: [Int: TableID] = [:]
    /// The plan's tables, made all at once on all threads; none where domains are still to be measured.
    private let tables: [LookupTable]
    private var builder = GraphBuilder()

    init(plan: ModelPlan, measures: Bool) {
        self.plan = plan
        self.measures = measures
        tables = measures ? [] : plan.lookupTables()
        sites = Dictionary(plan.sites.map { ($0.name, $0) }) { first, _ in first }
        weights = Dictionary(plan.weights.map { ($0.name, $0) }) { first, _ in first }
    }

    private func lookup(_ name: String) throws -> Lookup {
        guard let site = sites[name], let index = site.table else {
            throw GraphError(node: name, "the model's plan has no requantisation with a table of this name")
        }
        return Lookup(shift: site.shift) { [self] builder, reachable in
            if measures {
                guard reachable.upperBound - reachable.lowerBound < Int64(ModelPlan.tableRowLimit) else {
                    throw GraphError(
                        node: name,
                        "values reach \(reachable), more than a table of \(ModelPlan.tableRowLimit) rows covers")
                }
                measured[name] = reachable
                var table = plan.tables[index]
                let (low, high) = (table.domain.lowerBound, table.domain.upperBound)
                table.domain = min(low, reachable.lowerBound)...max(high, reachable.upperBound)
                return builder.table(table.lookupTable())
            }
            if let id = tableIDs[index] { return id }
            let id = builder.table(tables[index])
            tableIDs[index] = id
            return id
        }
    }

    private func hasWeight(_ name: String) -> Bool { weights[name] != nil }

    private func weight(_ name: String, _ shape: [Int]) throws -> NodeID {
        guard let declared = weights[name] else { throw GraphError(node: name, "the model's plan lacks this weight") }
        guard declared.shape == shape else {
            throw GraphError(node: name, "the model's plan gives it shape \(declared.shape), it should have \(shape)")
        }
        usedWeights.insert(name)
        return try builder.weight(name, shape, range: declared.range)
    }

    private func bias(_ name: String, _ shape: [Int]) throws -> NodeID? {
        hasWeight(name + ".bias") ? try weight(name + ".bias", shape) : nil
    }

    private func norm(_ name: String, _ index: Int, _ x: NodeID, rows: String, ones: NodeID) throws -> NodeID {
        let lookups = GraphBuilder.NormLookups(
            square: try lookup(name + ".squares"), reciprocal: try lookup(name + ".factor"), result: try lookup(name))
        return switch plan.shape.normalisation {
        case .rootMeanSquare:
            try builder.rootMeanSquareNorm(name, x, rows: rows, ones: ones, epsilon: plan.normEpsilons[index], lookups)
        case .layer: try builder.layerNorm(name, x, rows: rows, ones: ones, epsilon: plan.normEpsilons[index], lookups)
        }
    }

    /// Adds a branch to the residual, whose step grows first where the plan says so.
    private func add(_ name: String, _ x: NodeID, _ branch: NodeID, _ exponent: Int) throws -> NodeID {
        var x = x
        if let site = sites[name + ".shifted"] { x = try builder.requantise(site.name, x, shift: site.shift) }
        return try builder.residual(name, x, branch: branch, exponent: exponent)
    }

    func graph(tokenCount: Int, allPositions: Bool) throws -> Graph {
        let shape = plan.shape
        guard tokenCount >= 1 && tokenCount <= plan.maximumTokens else {
            throw GraphError("\(tokenCount) tokens; the model takes 1 to \(plan.maximumTokens)")
        }
        let tokens = try builder.tokens("tokens", count: tokenCount, vocabulary: shape.vocabulary)
        let embedding = try weight("embedding", [shape.vocabulary, shape.width])
        var x = try builder.embed("embedded", table: embedding, tokens: tokens)
        if shape.positionKind == .learned {
            let table = try weight("positions", [shape.positions, shape.width])
            let positions = try builder.learnedPositions("positioned", table, count: tokenCount)
            x = try builder.residual("residual", x, branch: positions, exponent: 0)
        }
        let widthOnes = try builder.ones("ones.width", shape.width)
        let shared = Shared(
            widthOnes: widthOnes, tokenOnes: try builder.ones("ones.tokens", tokenCount),
            mask: try builder.causalMask("mask", rows: tokenCount, columns: tokenCount),
            rotation: try plan.rotation.map {
                try builder.rotation(
                    "rotation", count: tokenCount, half: shape.headWidth / 2, cosines: $0.cosines, sines: $0.sines)
            })
        // Of the last layer only the last token's result matters, so but for keys and values only that is computed.
        var rows = "i"
        for l in 0..<shape.layers {
            let isLast = l == shape.layers - 1 && !allPositions
            x = try attention(l, x, shared, lastOf: isLast ? tokenCount : nil)
            if isLast { rows = "" }
            x = try feedForward(l, x, shared, rows: rows)
        }
        let y = try norm("norm", 2 * shape.layers, x, rows: rows, ones: widthOnes)
        let head = try weight("head", [shape.vocabulary, shape.width])
        var logits = try builder.linear(
            "logits", y, head, (rows + "d", "vd", rows + "v"), bias: try bias("head", [shape.vocabulary]))
        if allPositions { logits = try builder.slice("logits.last", logits, axis: 0, index: tokenCount - 1) }
        let output = try builder.argmax("next", logits)
        if let unused = weights.keys.filter({ !usedWeights.contains($0) }).min() {
            throw GraphError(node: unused, "the model's plan has this weight, and the model does not")
        }
        return try builder.finish(input: tokens, output: output)
    }

    private struct Shared {
        let widthOnes: NodeID
        let tokenOnes: NodeID
        let mask: NodeID
        let rotation: NodeID?
    }

    /// Attention on all tokens; or, of `count` tokens, of the last one alone to all of them, which no mask concerns.
    private func attention(_ l: Int, _ x: NodeID, _ shared: Shared, lastOf count: Int?) throws -> NodeID {
        let shape = plan.shape
        let own = "layers.\(l).attention"
        func last(_ x: NodeID) throws -> NodeID {
            guard let count else { return x }
            return try builder.slice(builder.name(of: x) + ".last", x, axis: 0, index: count - 1)
        }
        let rows = count == nil ? "i" : ""
        let y = try norm(own + ".norm", 2 * l, x, rows: "i", ones: shared.widthOnes)
        let (k, g, e, d) = (shape.keyValueHeads, shape.group, shape.headWidth, shape.width)
        // Heads keep their structure from the weights on: no reshape anywhere.
        let inner = shared.rotation == nil ? [e] : [2, e / 2]
        let labels = shared.rotation == nil ? "e" : "bf"
        func project(
            _ name: String, _ y: NodeID, rows: String, _ heads: [Int], _ headLabels: String, _ inner: [Int],
            _ labels: String
        ) throws -> NodeID {
            let own = own + "." + name
            return try builder.linear(
                own + ".accumulator", y, weight(own, heads + inner + [d]),
                (rows + "d", headLabels + labels + "d", rows + headLabels + labels), bias: bias(own, heads + inner))
        }
        func finish(
            _ name: String, _ accumulator: NodeID, rows: String, _ heads: String, _ rotation: NodeID?
        ) throws -> NodeID {
            let own = "\(own).\(name).quantised"
            guard let rotation else { return try builder.lookup(own, accumulator, lookup(own)) }
            return try builder.rotate(
                own, accumulator, rotation: rotation, rows: rows, heads: heads,
                narrow: sites[own + ".narrow"]?.shift, lookup(own))
        }
        let q = try finish(
            "query", project("query", last(y), rows: rows, [k, g], "kg", inner, labels), rows: rows, "kg",
            shared.rotation.map(last))
        let key = try finish(
            "key", project("key", y, rows: "i", [k], "k", inner, labels), rows: "i", "k", shared.rotation)
        let value = try builder.lookup(
            own + ".value.quantised", project("value", y, rows: "i", [k], "k", [e], "e"),
            lookup(own + ".value.quantised"))
        guard let site = sites[own + ".weights"], let table = site.table, let cutoff = plan.tables[table].rule.cutoff
        else {
            throw GraphError(node: own + ".weights", "the model's plan has no exponential that ends in zeros")
        }
        let mixed = try builder.causalAttention(
            own, rows: rows, query: q, key: key, value: value, headLabels: shared.rotation == nil ? "e" : "af",
            mask: count == nil ? shared.mask : nil, ones: shared.tokenOnes, exponential: lookup(own + ".weights"),
            cutoff: cutoff)
        let output = own + ".output"
        let accumulator = try builder.linear(
            output + ".accumulator", mixed, weight(output, [d, k, g, e]), (rows + "kge", "dkge", rows + "d"),
            bias: bias(output, [d]))
        let branch = try builder.lookup(output + ".quantised", accumulator, lookup(output + ".quantised"))
        return try add(own + ".residual", last(x), branch, plan.residualExponents[2 * l])
    }

    private func feedForward(_ l: Int, _ x: NodeID, _ shared: Shared, rows: String) throws -> NodeID {
        let shape = plan.shape
        let own = "layers.\(l).feedforward"
        let y = try norm(own + ".norm", 2 * l + 1, x, rows: rows, ones: shared.widthOnes)
        let (d, m) = (shape.width, shape.hidden)
        func project(_ name: String) throws -> NodeID {
            let own = own + "." + name
            let accumulator = try builder.linear(
                own + ".accumulator", y, weight(own, [m, d]), (rows + "d", "md", rows + "m"), bias: bias(own, [m]))
            return try builder.lookup(own + ".quantised", accumulator, lookup(own + ".quantised"))
        }
        let hidden: NodeID
        switch shape.feedForward {
        case .gatedSiLU:
            let gate = try project("gate")
            let up = try project("up")
            hidden = try builder.gated(own + ".hidden", gate: gate, up: up, rows: rows, lookup(own + ".hidden"))
        case .gelu: hidden = try project("up")
        }
        let down = own + ".down"
        let accumulator = try builder.linear(
            down + ".accumulator", hidden, weight(down, [d, m]), (rows + "m", "dm", rows + "d"), bias: bias(down, [d]))
        let branch = try builder.lookup(down + ".quantised", accumulator, lookup(down + ".quantised"))
        return try add(own + ".residual", x, branch, plan.residualExponents[2 * l + 1])
    }
}
