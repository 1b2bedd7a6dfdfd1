import Foundation
import Graphs
import Testing

@testable import ModelFiles

@Suite struct ModelFolderTests {
    /// What `Experiments/train` wrote beside each model, computed by PyTorch.
    struct Reference: Decodable {
        let prompt: [Int]
        let logits: [Float]
        let greedyNextByte: Int
        let validationLoss: Double
        let validationWindow: Int

        enum CodingKeys: String, CodingKey {
            case prompt, logits
            case greedyNextByte = "greedy_next_byte"
            case validationLoss = "validation_loss"
            case validationWindow = "validation_window"
        }

        init(_ folder: String) throws {
            self = try JSONDecoder().decode(
                Reference.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/reference.json")))
        }
    }

    @Test(arguments: [SampleModels.tinyLlama, SampleModels.tinyGPT2, SampleModels.bundled])
    func floatLogitsAreThoseOfPyTorch(_ folder: String) throws {
        let model = try ModelFolder.read(folder)
        let reference = try Reference(folder)
        let logits = try model.logits(reference.prompt)[reference.prompt.count - 1]
        #expect(logits.count == reference.logits.count)
        let worst = zip(logits, reference.logits).map { abs($0 - $1) }.max()!
        #expect(worst < 1e-3)
        #expect(logits.indices.max { logits[$0] < logits[$1] } == reference.greedyNextByte)
    }

    @Test(arguments: [SampleModels.tinyLlama, SampleModels.tinyGPT2])
    func floatLossIsThatOfPyTorch(_ folder: String) throws {
        let model = try ModelFolder.read(folder)
        let reference = try Reference(folder)
        let windows = DecoderModel.windows(
            try SampleModels.bytes(folder, "validation.bin"), size: reference.validationWindow)
        #expect(abs(try model.loss(windows) - reference.validationLoss) < 1e-4)
    }

    /// The integer program predicts as well as the floats do: at most 0.05 nats a byte worse, and measured to be better than that.
    @Test(arguments: [
        (SampleModels.tinyLlama, 0.02, 64), (SampleModels.tinyGPT2, 0.03, 64), (SampleModels.bundled, 0.02, 24),
    ])
    func integerLoss(_ folder: String, _ allowed: Double, _ count: Int) throws {
        let model = try ModelFolder.read(folder)
        #if DEBUG
            let count = min(count, 4)
            let calibration = DecoderModel.windows(Array(model.calibration!.prefix(1024)), size: 64)
            let allowed = 0.1  // Little text to calibrate with, and few windows.
        #else
            let calibration = DecoderModel.windows(model.calibration!, size: 64)
        #endif
        let windows = Array(
            DecoderModel.windows(try SampleModels.bytes(folder, "validation.bin"), size: 64).prefix(count))
        let quantised = try PowerOfTwoQuantizer().quantise(model, calibration: calibration)
        let float = try model.loss(windows)
        let integer = try quantised.loss(windows)
        print(
            "\(folder.split(separator: "/").last!): float \(float), integer \(integer) nats/byte in \(windows.count) windows"
        )
        print(quantised.plan.tables.map { "\($0.name): \($0.rowCount)" }.joined(separator: ", "))
        #expect(integer < float + allowed)

        for count in [1, 2, 7, 64, 256] where count <= model.shape.positions {
            try expectM31(try quantised.plan.graph(tokenCount: count))
        }
        #expect(throws: GraphError.self) { try quantised.plan.graph(tokenCount: 0) }
        #expect(throws: GraphError.self) { try quantised.plan.graph(tokenCount: model.shape.positions + 1) }

        // The program on the prompt and the one that keeps all positions agree.
        let window = windows[0]
        let short = try Interpreter(graph: quantised.plan.graph(tokenCount: 64), weights: quantised.weights).run(
            tokens: window)
        let long = try Interpreter(
            graph: quantised.plan.graph(tokenCount: 64, allPositions: true), weights: quantised.weights
        ).run(tokens: window)
        #expect(short.output == long.output)

        let data = try JSONEncoder().encode(quantised.plan)
        #expect(try JSONDecoder().decode(ModelPlan.self, from: data) == quantised.plan)
        // Nothing depends on the order of threads.
        #expect(try PowerOfTwoQuantizer().quantise(model, calibration: calibration).plan == quantised.plan)
    }

    private func expectM31(_ graph: Graph) throws {
        let limit: Int64 = 1 << 30 - 1
        for node in graph.nodes {
            #expect(node.range.lowerBound >= -limit && node.range.upperBound <= limit, "\(node.name) \(node.range)")
            switch node.operation {
            case .requantise(_, let shift, let table?):
                let domain = graph.tables[table].domain
                let reach = max(abs(domain.lowerBound), abs(domain.upperBound))
                #expect(reach << Int64(shift) + 1 << Int64(shift) <= limit, "\(node.name) \(shift) \(domain)")
                #expect(shift <= 16, "\(node.name)")
                #expect(graph.tables[table].values.count <= 1 << 18)
            case .divide(_, let by, _):
                let divisor = graph.nodes[by].range.upperBound
                let quotient = max(abs(node.range.lowerBound), abs(node.range.upperBound))
                #expect(quotient * divisor + divisor <= limit, "\(node.name)")
            default: break
            }
        }
    }

    @Test(arguments: ["F16", "BF16"]) func smallFloats(_ type: String) throws {
        var model = TemporaryModel()
        let expected = try model.withFolder { try ModelFolder.read($0) }
        for name in model.tensors.keys { model.tensors[name]!.type = type }
        let found = try model.withFolder { try ModelFolder.read($0) }
        #expect(found.layers[0].down.weight == expected.layers[0].down.weight)
        #expect(found.tokenEmbedding == expected.tokenEmbedding)
        #expect(try found.logits([1, 2, 3]) == expected.logits([1, 2, 3]))
    }

    @Test func halfPrecisionNumbers() {
        #expect(Safetensors.half(0x3c00) == 1)
        #expect(Safetensors.half(0xc000) == -2)
        #expect(Safetensors.half(0x0001) == 0x1p-24)
        #expect(Safetensors.half(0x7bff) == 65504)
        #expect(Safetensors.half(0x7c00) == .infinity)
        #expect(Safetensors.half(0x7e00).isNaN)
        #expect(Safetensors.half(0x8000).sign == .minus)
    }

    @Test func optionsOfLlama() throws {
        var model = TemporaryModel()
        // Tied head, no prefix, biases, calibration.
        model.configuration["tie_word_embeddings"] = true
        model.tensors["lm_head.weight"] = nil
        model.configuration["attention_bias"] = true
        model.configuration["mlp_bias"] = true
        for (name, size) in [
            ("self_attn.q_proj", 8), ("self_attn.k_proj", 4), ("self_attn.v_proj", 4), ("self_attn.o_proj", 8),
            ("mlp.gate_proj", 12), ("mlp.up_proj", 12), ("mlp.down_proj", 8),
        ] {
            model.tensors["model.layers.0.\(name).bias"] = .init(
                shape: [size], values: Array(repeating: 0.5, count: size))
        }
        model.calibration = [0, 15, 3]
        model.tensors = Dictionary(
            uniqueKeysWithValues: model.tensors.map { ($0.key.replacingOccurrences(of: "model.", with: ""), $0.value) })
        let found = try model.withFolder { try ModelFolder.read($0) }
        #expect(found.calibration == [0, 15, 3])
        #expect(found.head.weight == found.tokenEmbedding)
        #expect(found.layers[0].query.bias == Array(repeating: 0.5, count: 8))
        let quantised = try PowerOfTwoQuantizer().quantise(found, calibration: [[1, 2, 3, 4, 5, 6, 7, 8]])
        let graph = try quantised.plan.graph(tokenCount: 5)
        try expectM31(graph)
        _ = try Interpreter(graph: graph, weights: quantised.weights).run(tokens: [9, 2, 7, 1, 0])
    }
}
