import Graphs

/// What `config.json` says, checked: settings that would change the computation and are not known here are errors.
struct Configuration {
    enum Style { case llama, gpt2 }

    let style: Style
    let shape: DecoderShape
    let epsilon: Float
    let ropeTheta: Double
    let tied: Bool
    let attentionBias: Bool
    let feedForwardBias: Bool

    init(_ file: MappedFile) throws {
        let json: JSON
        do {
            json = try JSON.parse(file.bytes)
        } catch let problem as JSON.Problem {
            throw ModelFileError(
                file.path, problem: "is not the JSON expected: \(problem.message) at byte \(problem.offset)",
                remedy: "Correct the file")
        }
        guard let members = json.members else {
            throw ModelFileError(file.path, problem: "is not a JSON object", remedy: "Correct the file")
        }
        let fields = Fields(file: file.path, members: members)
        let type = members["model_type"]?.text ?? members["architectures"]?.elements?.first?.text ?? "no model_type"
        switch type {
        case "llama", "LlamaForCausalLM": self = try Configuration(llama: fields)
        case "gpt2", "GPT2LMHeadModel": self = try Configuration(gpt2: fields)
        default:
            throw ModelFileError(
                file.path, "model_type", problem: "\"\(ModelFileError.printable(type))\" is not known",
                remedy: "Models of type gpt2 and llama can be read")
        }
    }

    private init(
        style: Style, shape: DecoderShape, epsilon: Float, ropeTheta: Double, tied: Bool, attentionBias: Bool,
        feedForwardBias: Bool
    ) {
        self.style = style
        self.shape = shape
        self.epsilon = epsilon
        self.ropeTheta = ropeTheta
        self.tied = tied
        self.attentionBias = attentionBias
        self.feedForwardBias = feedForwardBias
    }

    private init(llama fields: Fields) throws {
        let width = try fields.size("hidden_size", limit: 1 << 16)
        let heads = try fields.size("num_attention_heads", limit: 1024)
        if fields.members["head_dim"].map(\.isNull) ?? true, width % heads != 0 {
            throw fields.error("hidden_size", "\(width) is not a multiple of \(heads) heads, and there is no head_dim")
        }
        try fields.expect("hidden_act", in: ["silu", "swish"])
        if let scaling = fields.members["rope_scaling"], !scaling.isNull {
            throw fields.error("rope_scaling", "scaled rotary positions are not known", "Use a model with plain ones")
        }
        // Newer files keep the base of the frequencies in an object of its own.
        var theta = fields.members["rope_theta"]
        if let parameters = fields.members["rope_parameters"]?.members {
            if let kind = parameters["rope_type"]?.text, kind != "default" {
                throw fields.error(
                    "rope_parameters", "scaled rotary positions are not known", "Use a model with plain ones")
            }
            theta = theta ?? parameters["rope_theta"]
        }
        let base = theta == nil ? 10000 : theta?.double ?? 0
        guard base >= 1 && base <= 1e12 else { throw fields.error("rope_theta", "is not a number from 1 to 10^12") }
        self.init(
            style: .llama,
            shape: DecoderShape(
                vocabulary: try fields.size("vocab_size", limit: 1 << 20), width: width,
                layers: try fields.size("num_hidden_layers", limit: 1024), heads: heads,
                keyValueHeads: try fields.size("num_key_value_heads", limit: 1024, standard: heads),
                headWidth: try fields.size("head_dim", limit: 1 << 12, standard: width / heads),
                hidden: try fields.size("intermediate_size", limit: 1 << 18),
                positions: try fields.size("max_position_embeddings", limit: 1 << 20, standard: 2048),
                normalisation: .rootMeanSquare, positionKind: .rotary, feedForward: .gatedSiLU),
            epsilon: try fields.epsilon("rms_norm_eps", standard: 1e-6), ropeTheta: base,
            tied: try fields.flag("tie_word_embeddings", standard: false),
            attentionBias: try fields.flag("attention_bias", standard: false),
            feedForwardBias: try fields.flag("mlp_bias", standard: false))
    }

    private init(gpt2 fields: Fields) throws {
        let width = try fields.size("n_embd", limit: 1 << 16)
        let heads = try fields.size("n_head", limit: 1024)
        guard width % heads == 0 else { throw fields.error("n_embd", "\(width) is not a multiple of \(heads) heads") }
        try fields.expect("activation_function", in: ["gelu_new", "gelu_pytorch_tanh"])
        guard try fields.flag("scale_attn_weights", standard: true) else {
            throw fields.error("scale_attn_weights", "attention without scaling is not known")
        }
        for name in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"]
        where try fields.flag(name, standard: false) {
            throw fields.error(name, "is not known")
        }
        self.init(
            style: .gpt2,
            shape: DecoderShape(
                vocabulary: try fields.size("vocab_size", limit: 1 << 20), width: width,
                layers: try fields.size("n_layer", limit: 1024), heads: heads, keyValueHeads: heads,
                headWidth: width / heads, hidden: try fields.size("n_inner", limit: 1 << 18, standard: 4 * width),
                positions: try fields.size("n_positions", limit: 1 << 20, standard: 1024), normalisation: .layer,
                positionKind: .learned, feedForward: .gelu),
            epsilon: try fields.epsilon("layer_norm_epsilon", standard: 1e-5), ropeTheta: 0,
            tied: try fields.flag("tie_word_embeddings", standard: true), attentionBias: true, feedForwardBias: true)
    }

    /// The members of the file, with errors that name them.
    private struct Fields {
        let file: String
        let members: [String: JSON]

        func error(_ name: String, _ problem: String, _ remedy: String = "Correct the configuration") -> ModelFileError
        {
            ModelFileError(file, name, problem: problem, remedy: remedy)
        }

        /// A field that is absent or null is `standard`; without one it is an error.
        func size(_ name: String, limit: Int, standard: Int? = nil) throws -> Int {
            let value: Int
            if let member = members[name], !member.isNull {
                guard let integer = member.integer else { throw error(name, "is not an integer of 64 bits") }
                value = integer
            } else if let standard {
                value = standard
            } else {
                throw error(name, "is missing")
            }
            guard value >= 1 && value <= limit else { throw error(name, "\(value) is not in 1...\(limit)") }
            return value
        }

        func flag(_ name: String, standard: Bool) throws -> Bool {
            guard let member = members[name], !member.isNull else { return standard }
            guard let value = member.boolean else { throw error(name, "is neither true nor false") }
            return value
        }

        func epsilon(_ name: String, standard: Double) throws -> Float {
            guard let member = members[name], !member.isNull else { return Float(standard) }
            guard let value = member.double, value >= 0, value <= 1 else {
                throw error(name, "is not a number from 0 to 1")
            }
            return Float(value)
        }

        func expect(_ name: String, in known: [String]) throws {
            guard let member = members[name], !member.isNull else { return }
            guard let text = member.text, known.contains(text) else {
                throw error(name, "is not one of \(known.joined(separator: ", "))", "Use a model with one of these")
            }
        }
    }
}
