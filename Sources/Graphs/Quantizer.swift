import Tensors

/// A quantised decoder: the public plan, and the integer weights that it names.
public struct QuantisedModel: Sendable {
    public var plan: ModelPlan
    public var weights: [String: IntegerTensor]

    public init(plan: ModelPlan, weights: [String: IntegerTensor]) {
        self.plan = plan
        self.weights = weights
    }
}

/// Turns a float model into an integer one. `calibration` is sample text in windows of at most the model's positions.
public protocol Quantizer {
    /// The name that people type.
    static var name: String { get }
    func quantise(_ model: DecoderModel, calibration: [[Int]]) throws -> QuantisedModel
}
