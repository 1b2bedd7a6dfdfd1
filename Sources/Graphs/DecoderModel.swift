/// The sizes and the kinds of layers of a decoder-only transformer, in integers: what a float model and the plan of its
/// quantised form have in common.
public struct DecoderShape: Hashable, Codable, Sendable {
    public enum Normalisation: String, Codable, Hashable, Sendable { case rootMeanSquare, layer }
    public enum Positions: String, Codable, Hashable, Sendable { case rotary, learned }
    /// `gatedSiLU`: down(silu(gate(x)) * up(x)). `gelu`: down(gelu(up(x))), with the tanh form of GELU.
    public enum FeedForward: String, Codable, Hashable, Sendable { case gatedSiLU, gelu }

    public var vocabulary: Int
    /// The width of the residual stream.
    public var width: Int
    public var layers: Int
    /// Query heads; a multiple of `keyValueHeads`.
    public var heads: Int
    public var keyValueHeads: Int
    /// The width of one head; even where positions are rotary.
    public var headWidth: Int
    /// The inner width of the feed-forward layers.
    public var hidden: Int
    /// The longest sequence.
    public var positions: Int
    public var normalisation: Normalisation
    public var positionKind: Positions
    public var feedForward: FeedForward

    public init(
        vocabulary: Int, width: Int, layers: Int, heads: Int, keyValueHeads: Int, headWidth: Int, hidden: Int,
        positions: Int, normalisation: Normalisation, positionKind: Positions, feedForward: FeedForward
    ) {
        self.vocabulary = vocabulary
        self.width = width
        self.layers = layers
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headWidth = headWidth
        self.hidden = hidden
        self.positions = positions
        self.normalisation = normalisation
        self.positionKind = positionKind
        self.feedForward = feedForward
    }

    /// Query heads that share one key/value head.
    public var group: Int { heads / keyValueHeads }

    /// What is wrong with the sizes, for people, or nil. After this no product of two sizes overflows.
    public var problem: String? {
        let bounds: [(String, Int, Int)] = [
            ("vocabulary", vocabulary, 1 << 20), ("width", width, 1 << 16), ("layers", layers, 1024),
            ("heads", heads, 1024), ("key/value heads", keyValueHeads, 1024), ("head width", headWidth, 1 << 12),
            ("hidden width", hidden, 1 << 18), ("positions", positions, 1 << 20),
        ]
        for (name, value, limit) in bounds where value < 1 || value > limit {
            return "\(name) is \(value), not in 1...\(limit)"
        }
        if heads % keyValueHeads != 0 { return "\(heads) heads are not a multiple of \(keyValueHeads) key/value heads" }
        if positionKind == .rotary && headWidth % 2 != 0 { return "rotary positions need an even head width" }
        return nil
    }
}

/// A decoder-only transformer in floats, as it was trained. Matrices are row-major `[outputs, inputs]`.
public struct DecoderModel: Sendable {
    /// `y = W x + b`.
    public struct Linear: Sendable {
        public var outputs: Int
        public var inputs: Int
        public var weight: [Float]
        public var bias: [Float]?

        public init(outputs: Int, inputs: Int, weight: [Float], bias: [Float]? = nil) {
            precondition(weight.count == outputs * inputs && (bias.map { $0.count == outputs } ?? true))
            self.outputs = outputs
            self.inputs = inputs
            self.weight = weight
            self.bias = bias
        }
    }

    /// `gamma * normalised(x) + beta`; RMS norms have no beta.
    public struct Norm: Sendable {
        public var scale: [Float]
        public var offset: [Float]?

        public init(scale: [Float], offset: [Float]? = nil) {
            self.scale = scale
            self.offset = offset
        }
    }

    public struct Layer: Sendable {
        public var attentionNorm: Norm
        public var query: Linear
        public var key: Linear
        public var value: Linear
        public var output: Linear
        public var feedForwardNorm: Norm
        /// Only where the feed-forward layer is gated.
        public var gate: Linear?
        public var up: Linear
        public var down: Linear

        public init(
            attentionNorm: Norm, query: Linear, key: Linear, value: Linear, output: Linear, feedForwardNorm: Norm,
            gate: Linear?, up: Linear, down: Linear
        ) {
            self.attentionNorm = attentionNorm
            self.query = query
            self.key = key
            self.value = value
            self.output = output
            self.feedForwardNorm = feedForwardNorm
            self.gate = gate
            self.up = up
            self.down = down
        }
    }

    public var shape: DecoderShape
    /// Added to the mean square (the variance) by every norm.
    public var epsilon: Float
    /// The base of the rotary frequencies.
    public var ropeTheta: Double
    /// `[vocabulary, width]`.
    public var tokenEmbedding: [Float]
    /// `[positions, width]`, where positions are learned.
    public var positionEmbedding: [Float]?
    public var layers: [Layer]
    public var finalNorm: Norm
    /// The projection to logits; a copy of `tokenEmbedding` where the model ties them.
    public var head: Linear
    /// Sample text that came with the model, as tokens, if any.
    public var calibration: [Int]?

    public init(
        shape: DecoderShape, epsilon: Float, ropeTheta: Double, tokenEmbedding: [Float], positionEmbedding: [Float]?,
        layers: [Layer], finalNorm: Norm, head: Linear, calibration: [Int]?
    ) {
        self.shape = shape
        self.epsilon = epsilon
        self.ropeTheta = ropeTheta
        self.tokenEmbedding = tokenEmbedding
        self.positionEmbedding = positionEmbedding
        self.layers = layers
        self.finalNorm = finalNorm
        self.head = head
        self.calibration = calibration
    }

    /// `tokens` cut into windows of `size`; what is left over is dropped, unless it is all there is.
    public static func windows(_ tokens: [Int], size: Int) -> [[Int]] {
        precondition(size > 0)
        if tokens.count < size { return tokens.isEmpty ? [] : [tokens] }
        return stride(from: 0, through: tokens.count - size, by: size).map { Array(tokens[$0..<$0 + size]) }
    }
}
