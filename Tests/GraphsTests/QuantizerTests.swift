import Foundation
import Tensors
import Testing

@testable import Graphs

/// Random decoders, through the quantiser and the interpreter.
@Suite struct QuantizerTests {
    struct Random {
        var state: UInt64
        mutating func next(_ scale: Float) -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) / Float(1 << 23) - 1) * scale
        }
        mutating func array(_ count: Int, _ scale: Float) -> [Float] { (0..<count).map { _ in next(scale) } }
    }

    static func model(_ shape: DecoderShape, bias: Bool = false, seed: UInt64 = 1) -> DecoderModel {
        var random = Random(state: seed)
        func linear(_ outputs: Int, _ inputs: Int) -> DecoderModel.Linear {
            .init(
                outputs: outputs, inputs: inputs,
                weight: random.array(outputs * inputs, 2 / Float(inputs).squareRoot()),
                bias: bias ? random.array(outputs, 0.2) : nil)
        }
        func norm() -> DecoderModel.Norm {
            .init(
                scale: random.array(shape.width, 0.2).map { $0 + 1 },
                offset: shape.normalisation == .layer ? random.array(shape.width, 0.2) : nil)
        }
        let embedding = random.array(shape.vocabulary * shape.width, 1)
        let positions = shape.positionKind == .learned ? random.array(shape.positions * shape.width, 0.5) : nil
        let queries = shape.heads * shape.headWidth
        let keys = shape.keyValueHeads * shape.headWidth
        let layers = (0..<shape.layers).map { _ in
            DecoderModel.Layer(
                attentionNorm: norm(), query: linear(queries, shape.width), key: linear(keys, shape.width),
                value: linear(keys, shape.width), output: linear(shape.width, queries), feedForwardNorm: norm(),
                gate: shape.feedForward == .gatedSiLU ? linear(shape.hidden, shape.width) : nil,
                up: linear(shape.hidden, shape.width), down: linear(shape.width, shape.hidden))
        }
        return DecoderModel(
            shape: shape, epsilon: 1e-5, ropeTheta: 10000, tokenEmbedding: embedding, positionEmbedding: positions,
            layers: layers, finalNorm: norm(), head: linear(shape.vocabulary, shape.width), calibration: nil)
    }

    static let llama = DecoderShape(
        vocabulary: 32, width: 24, layers: 2, heads: 6, keyValueHeads: 2, headWidth: 4, hidden: 40, positions: 16,
        normalisation: .rootMeanSquare, positionKind: .rotary, feedForward: .gatedSiLU)
    static let gpt2 = DecoderShape(
        vocabulary: 32, width: 24, layers: 2, heads: 3, keyValueHeads: 3, headWidth: 8, hidden: 40, positions: 16,
        normalisation: .layer, positionKind: .learned, feedForward: .gelu)

    static func windows(_ shape: DecoderShape, _ count: Int) -> [[Int]] {
        (0..<count).map { w in (0..<shape.positions).map { ($0 * 7 + w * 11 + $0 * $0 * w) % shape.vocabulary } }
    }

    /// The correlation of integer and float logits over all positions of some windows.
    static func agreement(_ model: DecoderModel, _ quantised: QuantisedModel, _ windows: [[Int]]) throws -> Double {
        let graph = try quantised.plan.graph(tokenCount: windows[0].count, allPositions: true)
        let interpreter = try Interpreter(graph: graph, weights: quantised.weights)
        let node = graph.nodes.firstIndex { $0.name == "logits" }!
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for window in windows {
            let integer = try interpreter.run(tokens: window).values[node]
            let float = try model.logits(window).flatMap { $0 }
            for (i, f) in float.enumerated() {
                let x = Double(integer[i]) * quantised.plan.logitScale
                xy += x * Double(f)
                xx += x * x
                yy += Double(f) * Double(f)
            }
        }
        return xy / (xx * yy).squareRoot()
    }

    static let deep: DecoderShape = {
        var shape = llama
        shape.layers = 20
        return shape
    }()
    static let wide: DecoderShape = {
        var shape = llama
        (shape.width, shape.layers) = (1100, 1)
        return shape
    }()
    static let oddMix = DecoderShape(
        vocabulary: 19, width: 20, layers: 1, heads: 4, keyValueHeads: 1, headWidth: 6, hidden: 13, positions: 9,
        normalisation: .layer, positionKind: .rotary, feedForward: .gelu)

    @Test(arguments: [
        (llama, false), (llama, true), (gpt2, true), (gpt2, false), (deep, false), (wide, true), (oddMix, true),
    ])
    func integersFollowFloats(_ shape: DecoderShape, _ bias: Bool) throws {
        let model = Self.model(shape, bias: bias)
        let quantised = try PowerOfTwoQuantizer().quantise(model, calibration: Self.windows(shape, 12))
        let agreement = try Self.agreement(model, quantised, Array(Self.windows(shape, 20).suffix(3)))
        print("agreement \(agreement), \(shape.layers) layers of width \(shape.width)")
        #expect(agreement > (shape.layers > 4 ? 0.95 : 0.99))
        for node in try quantised.plan.graph(tokenCount: shape.positions).nodes {
            #expect(max(-node.range.lowerBound, node.range.upperBound) < 1 << 30, "\(node.name) \(node.range)")
        }
        if shape == Self.deep {
            #expect(quantised.plan.sites.contains { $0.name.hasSuffix(".residual.shifted") })
        }
        if shape == Self.wide {
            #expect(quantised.plan.sites.contains { $0.name.hasSuffix(".narrow") })
        }
    }

    /// The attention weights of positions to come are zero, whatever the scores: the program never sees the future.
    @Test(arguments: [llama, gpt2]) func causality(_ shape: DecoderShape) throws {
        let quantised = try PowerOfTwoQuantizer().quantise(
            Self.model(shape), calibration: Self.windows(shape, 4))
        // Extreme weights: every query and key saturates.
        var weights = quantised.weights
        for (name, tensor) in weights where name.hasSuffix("query") || name.hasSuffix("key") {
            weights[name] = IntegerTensor(
                shape: tensor.shape, range: tensor.range, values: tensor.values.map { $0 < 0 ? -127 : 127 })
        }
        let graph = try quantised.plan.graph(tokenCount: 8, allPositions: true)
        let interpreter = try Interpreter(graph: graph, weights: weights)
        let logits = graph.nodes.firstIndex { $0.name == "logits" }!
        let a = try interpreter.run(tokens: [1, 2, 3, 4, 5, 6, 7, 8])
        let b = try interpreter.run(tokens: [1, 2, 3, 4, 5, 30, 31, 29])
        for i in 0..<5 * shape.vocabulary { #expect(a.values[logits][i] == b.values[logits][i]) }
        #expect(a.values[logits].values != b.values[logits].values)
        for (id, node) in graph.nodes.enumerated() where node.name.hasSuffix("attention.weights") {
            let e = a.values[id]
            let rows = node.shape.dimensions
            for i in 0..<rows[0] {
                for middle in 0..<rows[1] * rows[2] {
                    for j in i + 1..<max(i + 1, rows[3]) {
                        #expect(e[(i * rows[1] * rows[2] + middle) * rows[3] + j] == 0)
                    }
                }
            }
        }
    }

    /// Norms in integers against norms in floats.
    @Test func rootMeanSquareNorm() throws {
        let quantised = try PowerOfTwoQuantizer().quantise(
            Self.model(Self.llama), calibration: Self.windows(Self.llama, 12))
        let graph = try quantised.plan.graph(tokenCount: 16)
        let execution = try Interpreter(graph: graph, weights: quantised.weights).run(
            tokens: Self.windows(Self.llama, 1)[0])
        func values(_ name: String) -> [Double] {
            execution.values[graph.nodes.firstIndex { $0.name == name }!].values.map(Double.init)
        }
        let x = values("embedded")
        let y = values("layers.0.attention.norm")
        for t in 0..<16 {
            let row = x[t * 24..<(t + 1) * 24]
            let root = (row.reduce(0) { $0 + $1 * $1 } / 24).squareRoot()
            let ratio = zip(row, y[t * 24..<(t + 1) * 24]).filter { abs($0.1) > 30 && abs($0.1) < 127 }.map {
                $1 / ($0 / root)
            }
            // One scale for all rows, but for the rounding of y (half in 30) and of the factor.
            for r in ratio { #expect(abs(r / ratio[0] - 1) < 0.045) }
        }
    }

    @Test func tableRules() {
        #expect(ModelPlan.Rule.clamp(limit: 127).value(-1000) == -127)
        #expect(ModelPlan.Rule.square(shift: 3, limit: 100).value(-5) == 3)
        #expect(ModelPlan.Rule.square(shift: 3, limit: 100).value(1000) == 100)
        // 1000 / 7.5 = 133.3; 1000 / 0.5 = 2000.
        #expect(ModelPlan.Rule.reciprocal(numerator: 1000, limit: 1500).value(7) == 133)
        #expect(ModelPlan.Rule.reciprocal(numerator: 1000, limit: 1500).value(0) == 1500)
        #expect(ModelPlan.Rule.reciprocal(numerator: 1000, limit: 1500).value(-1) == 0)
        let values = ModelPlan.Rule.values(first: -1, values: [0, 9, 4, 0])
        #expect((-3...4).map { values.value($0) } == [0, 0, 0, 9, 4, 0, 0, 0])
        #expect(values.cutoff == 2)
        #expect(ModelPlan.Rule.values(first: 0, values: [1]).cutoff == nil)
    }

    /// Plans come from untrusted keys: nonsense is refused, without traps and without vast memory.
    @Test func hostilePlans() throws {
        let good = try PowerOfTwoQuantizer().quantise(Self.model(Self.llama), calibration: Self.windows(Self.llama, 4))
            .plan
        try good.validate()
        let changes: [(inout ModelPlan) -> Void] = [
            { $0.version = 2 }, { $0.shape.layers = 1 << 60 }, { $0.shape.layers = 3 }, { $0.shape.width = 0 },
            { $0.shape.heads = 5 }, { $0.shape.headWidth = -4 }, { $0.shape.vocabulary = .max },
            { $0.shape.hidden = 41 },
            { $0.shape.normalisation = .layer }, { $0.shape.positionKind = .learned }, { $0.shape.feedForward = .gelu },
            { $0.maximumTokens = 0 }, { $0.maximumTokens = .max }, { $0.normEpsilons[0] = -1 },
            { $0.normEpsilons[4] = .max }, { $0.normEpsilons = [] },
            { $0.rotation = nil }, { $0.rotation!.bits = 63 }, { $0.rotation!.cosines[0] = .max },
            { $0.rotation!.sines.removeLast() }, { $0.rotation!.sines[3] = .min }, { $0.residualExponents = [] },
            { $0.residualExponents[0] = 64 }, { $0.residualExponents[0] = -1 }, { $0.tables = [] },
            { $0.tables[0].domain = Int64.min...Int64.max }, { $0.tables[0].domain = 0...1 << 40 },
            { $0.tables[0].domain = 0...10 }, { $0.tables[1].rule = .reciprocal(numerator: .max, limit: 1) },
            { $0.tables[1].rule = .reciprocal(numerator: 5, limit: -1) },
            { $0.tables[0].rule = .square(shift: -1, limit: 1) },
            { $0.tables[0].rule = .square(shift: 64, limit: 1) },
            { $0.tables[0].rule = .square(shift: 0, limit: .max) },
            { $0.tables[0].rule = .values(first: .min, values: [1]) },
            { $0.tables[0].rule = .values(first: 0, values: []) },
            { $0.tables[0].rule = .clamp(limit: .min) },
            { plan in for t in plan.tables.indices { plan.tables[t].rule = .clamp(limit: 5) } },
            { $0.sites.removeLast() }, { $0.sites = [] }, { $0.sites.append($0.sites[0]) }, { $0.sites[0].shift = 63 },
            { $0.sites[0].shift = -1 }, { $0.sites[0].table = 99 }, { $0.sites[0].table = -1 },
            { plan in for s in plan.sites.indices { plan.sites[s].table = nil } }, { $0.weights.removeLast() },
            { $0.weights[0].shape = [1 << 40, 1 << 40] }, { $0.weights[0].shape = [] }, { $0.weights[0].shape = [-1] },
            { $0.weights[1].range = Int64.min...Int64.max }, { $0.weights.append($0.weights[0]) },
            { $0.weights.append(.init(name: "other", shape: [1], range: 0...1)) }, { $0.logitScale = .nan },
            { plan in for t in plan.tables.indices { plan.tables[t].domain = -(1 << 30)...1 << 30 } },
        ]
        for (i, change) in changes.enumerated() {
            var plan = good
            change(&plan)
            #expect(throws: GraphError.self, "change \(i)") { try plan.graph(tokenCount: 8) }
        }
    }

    @Test func plansSurviveCoding() throws {
        for shape in [Self.llama, Self.gpt2] {
            let quantised = try PowerOfTwoQuantizer().quantise(Self.model(shape), calibration: Self.windows(shape, 4))
            let copy = try JSONDecoder().decode(ModelPlan.self, from: JSONEncoder().encode(quantised.plan))
            #expect(copy == quantised.plan)
            #expect(try copy.graph(tokenCount: 7) == quantised.plan.graph(tokenCount: 7))
            for weight in quantised.plan.weights {
                let tensor = quantised.weights[weight.name]!
                #expect(tensor.shape.dimensions == weight.shape && tensor.range == weight.range)
                #expect(tensor.firstOutOfRange() == nil)
            }
            #expect(quantised.weights.count == quantised.plan.weights.count)
        }
    }

    @Test func statistics() {
        var statistics = ActivationStatistics()
        statistics.add((1...1000).map { Float($0) / 1000 })
        #expect(statistics.maximum == 1 && statistics.minimum == 0.001)
        #expect(abs(statistics.quantile(0.5) - 0.5) < 0.04)
        #expect(statistics.quantile(1) == 1)
        // A uniform distribution is not worth clamping; one far value among many is.
        #expect(statistics.bestStep(levels: 127) > 0.9 / 127)
        var other = ActivationStatistics()
        other.add([3])
        other.merge(statistics)
        for _ in 0..<100 { other.merge(statistics) }
        #expect(other.bestStep(levels: 7) < 2.0 / 7)
    }

    /// Sums of floats depend on their order, keys on the sums: on another machine the same model must give the same key.
    @Test func floatsAreTheSameOnAnyNumberOfThreads() throws {
        let model = Self.model(
            DecoderShape(
                vocabulary: 33, width: 28, layers: 1, heads: 4, keyValueHeads: 2, headWidth: 6, hidden: 41,
                positions: 256,
                normalisation: .rootMeanSquare, positionKind: .rotary, feedForward: .gatedSiLU))
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        for length in [100, 201, 256] {
            let tokens = (0..<length).map { $0 * 5 % 33 }
            Parallel.threadCount = 1
            let alone = try model.logits(tokens)
            for count in [2, 3, 5] {
                Parallel.threadCount = count
                #expect(try model.logits(tokens) == alone, "\(length) tokens, \(count) threads")
            }
        }
    }

    @Test func refusals() throws {
        let model = Self.model(Self.llama)
        #expect(throws: GraphError.self) { try PowerOfTwoQuantizer().quantise(model, calibration: []) }
        #expect(throws: GraphError.self) { try PowerOfTwoQuantizer().quantise(model, calibration: [[99]]) }
        #expect(throws: GraphError.self) { try model.logits([]) }
        #expect(throws: GraphError.self) { try model.logits(Array(repeating: 1, count: 17)) }
        #expect(throws: GraphError.self) { try model.logits([-1]) }
        #expect(DecoderModel.windows(Array(0..<10), size: 4) == [[0, 1, 2, 3], [4, 5, 6, 7]])
        #expect(DecoderModel.windows([1, 2], size: 4) == [[1, 2]])
    }
}
