import Graphs

/// Reads a model folder in the layout of Hugging Face: `config.json`, `model.safetensors` and, if there is one,
/// `calibration.bin` (sample text, a byte a token).
///
/// Two styles are known: GPT-2 (`GPT2LMHeadModel`) and Llama (`LlamaForCausalLM`). The files are treated as hostile: any
/// content gives a model or a `ModelFileError`, and memory stays in proportion to the size of the files.
public enum ModelFolder {
    static let configurationLimit = 1 << 20
    static let weightsLimit = 1 << 40
    static let calibrationLimit = 1 << 26

    public static func read(_ path: String) throws -> DecoderModel {
        let configurationFile = try MappedFile.required(
            path + "/config.json", limit: configurationLimit, remedy: "Give the folder of a model, with its config.json"
        )
        let configuration = try Configuration(configurationFile)
        let weightsFile = try MappedFile.required(
            path + "/model.safetensors", limit: weightsLimit,
            remedy: "Save the model as one safetensors file (merge shards, convert .bin files)")
        let weights = try Safetensors(weightsFile)
        let shape = configuration.shape
        if let problem = shape.problem {
            throw ModelFileError(configurationFile.path, problem: problem, remedy: "Correct the configuration")
        }
        // Sizes above are bounded one by one; together they must not exceed what the file can hold.
        let least = shape.layers * shape.width * shape.hidden + shape.vocabulary * shape.width
        guard least <= weightsFile.bytes.count else {
            throw ModelFileError(
                configurationFile.path,
                problem: "describes a model with at least \(least) weights, and model.safetensors "
                    + "has \(weightsFile.bytes.count) bytes", remedy: "Check that the two files belong together")
        }
        var model =
            switch configuration.style {
            case .llama: try llama(configuration, weights)
            case .gpt2: try gpt2(configuration, weights)
            }
        model.calibration = try calibration(path + "/calibration.bin", vocabulary: shape.vocabulary)
        return model
    }

    private static func calibration(_ path: String, vocabulary: Int) throws -> [Int]? {
        guard let file = try MappedFile(ifPresent: path, limit: calibrationLimit) else { return nil }
        let tokens = file.bytes.map(Int.init)
        if let position = tokens.firstIndex(where: { $0 >= vocabulary }) {
            throw ModelFileError(
                path, problem: "byte \(position) is \(tokens[position]), and the model has \(vocabulary) tokens",
                remedy: "Give bytes that are tokens of the model, or remove the file")
        }
        return tokens.isEmpty ? nil : tokens
    }

    private static func llama(_ configuration: Configuration, _ file: Safetensors) throws -> DecoderModel {
        let s = configuration.shape
        let prefix = file.entries.keys.contains("embed_tokens.weight") ? "" : "model."
        func linear(_ name: String, _ outputs: Int, _ inputs: Int, bias: Bool = false) throws -> DecoderModel.Linear {
            DecoderModel.Linear(
                outputs: outputs, inputs: inputs, weight: try file.floats(name + ".weight", shape: [outputs, inputs]),
                bias: bias ? try file.floats(name + ".bias", shape: [outputs]) : nil)
        }
        func norm(_ name: String) throws -> DecoderModel.Norm {
            .init(scale: try file.floats(name + ".weight", shape: [s.width]))
        }
        let embedding = try file.floats(prefix + "embed_tokens.weight", shape: [s.vocabulary, s.width])
        let queries = s.heads * s.headWidth
        let keys = s.keyValueHeads * s.headWidth
        let layers = try (0..<s.layers).map { l in
            let own = "\(prefix)layers.\(l)."
            let (a, f) = (configuration.attentionBias, configuration.feedForwardBias)
            return DecoderModel.Layer(
                attentionNorm: try norm(own + "input_layernorm"),
                query: try linear(own + "self_attn.q_proj", queries, s.width, bias: a),
                key: try linear(own + "self_attn.k_proj", keys, s.width, bias: a),
                value: try linear(own + "self_attn.v_proj", keys, s.width, bias: a),
                output: try linear(own + "self_attn.o_proj", s.width, queries, bias: a),
                feedForwardNorm: try norm(own + "post_attention_layernorm"),
                gate: try linear(own + "mlp.gate_proj", s.hidden, s.width, bias: f),
                up: try linear(own + "mlp.up_proj", s.hidden, s.width, bias: f),
                down: try linear(own + "mlp.down_proj", s.width, s.hidden, bias: f))
        }
        return DecoderModel(
            shape: s, epsilon: configuration.epsilon, ropeTheta: configuration.ropeTheta, tokenEmbedding: embedding,
            positionEmbedding: nil, layers: layers, finalNorm: try norm(prefix + "norm"),
            head: configuration.tied
                ? .init(outputs: s.vocabulary, inputs: s.width, weight: embedding)
                : try linear("lm_head", s.vocabulary, s.width), calibration: nil)
    }

    private static func gpt2(_ configuration: Configuration, _ file: Safetensors) throws -> DecoderModel {
        let s = configuration.shape
        let prefix = file.entries.keys.contains("wte.weight") ? "" : "transformer."
        func norm(_ name: String) throws -> DecoderModel.Norm {
            .init(
                scale: try file.floats(name + ".weight", shape: [s.width]),
                offset: try file.floats(name + ".bias", shape: [s.width]))
        }
        /// GPT-2 stores `[inputs, outputs]`: the columns `part` of the `of` equal parts, transposed.
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, parts: Int = 1) throws -> [DecoderModel.Linear] {
            let all = parts * outputs
            let stored = try file.floats(name + ".weight", shape: [inputs, all])
            let bias = try file.floats(name + ".bias", shape: [all])
            return (0..<parts).map { part in
                let weight = [Float](unsafeUninitializedCapacity: outputs * inputs) { out, initialized in
                    for o in 0..<outputs {
                        for i in 0..<inputs {
                            out.initializeElement(at: o * inputs + i, to: stored[i * all + part * outputs + o])
                        }
                    }
                    initialized = outputs * inputs
                }
                return DecoderModel.Linear(
                    outputs: outputs, inputs: inputs, weight: weight,
                    bias: Array(bias[part * outputs..<(part + 1) * outputs]))
            }
        }
        let embedding = try file.floats(prefix + "wte.weight", shape: [s.vocabulary, s.width])
        let positions = try file.floats(prefix + "wpe.weight", shape: [s.positions, s.width])
        let layers = try (0..<s.layers).map { l in
            let own = "\(prefix)h.\(l)."
            let qkv = try linear(own + "attn.c_attn", s.width, s.width, parts: 3)
            return DecoderModel.Layer(
                attentionNorm: try norm(own + "ln_1"), query: qkv[0], key: qkv[1], value: qkv[2],
                output: try linear(own + "attn.c_proj", s.width, s.width)[0], feedForwardNorm: try norm(own + "ln_2"),
                gate: nil, up: try linear(own + "mlp.c_fc", s.width, s.hidden)[0],
                down: try linear(own + "mlp.c_proj", s.hidden, s.width)[0])
        }
        let head =
            configuration.tied
            ? embedding : try file.floats("lm_head.weight", shape: [s.vocabulary, s.width])
        return DecoderModel(
            shape: s, epsilon: configuration.epsilon, ropeTheta: 0, tokenEmbedding: embedding,
            positionEmbedding: positions, layers: layers, finalNorm: try norm(prefix + "ln_f"),
            head: .init(outputs: s.vocabulary, inputs: s.width, weight: head), calibration: nil)
    }
}
