import Tensors

/// The public part of a quantised convolutional network on one image: 3 x 3 convolutions and dense layers with int8 weights,
/// each but the last followed by a requantisation through a ReLU that clamps to 0...127, and 2 x 2 maximum pooling.
///
/// The image comes as one token a pixel, row by row, each a colour of a palette, which is a weight. The output is the class
/// with the largest logit. Like a `ModelPlan` it may come from anywhere and is checked before it is used.
public struct ConvolutionalPlan: Codable, Hashable, Sendable {
    public enum Layer: Codable, Hashable, Sendable {
        /// 3 x 3, padded with zeros to the same size, then by `shift` bits through the ReLU.
        case convolution(outputs: Int, shift: Int)
        /// Of 2 x 2 entries, at a stride of 2.
        case maximumPool
        /// On all entries of what comes before, then by `shift` bits through the ReLU.
        case dense(outputs: Int, shift: Int)
        /// On all entries of what comes before.
        case logits(classes: Int)
    }

    public var name: String
    public var height: Int
    public var width: Int
    public var colours: Int
    public var channels: Int
    public var layers: [Layer]

    public init(name: String, height: Int, width: Int, colours: Int, channels: Int, layers: [Layer]) {
        self.name = name
        self.height = height
        self.width = width
        self.colours = colours
        self.channels = channels
        self.layers = layers
    }

    /// VGG-16 (Simonyan and Zisserman 2014) at 32 x 32 with dense layers of 512, as zkCNN and zkPyTorch measure it: 15.2
    /// million weights.
    public static func vgg16(classes: Int = 10) -> ConvolutionalPlan {
        var layers: [Layer] = []
        var inputs = 3
        // The shift that keeps sums of `terms` products of random int8 weights and activations within a few times 127.
        func shift(_ terms: Int) -> Int { TensorShape.bits(Int((Double(terms).squareRoot() * 87).rounded(.up))) }
        for (count, outputs) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)] {
            for _ in 0..<count {
                layers.append(.convolution(outputs: outputs, shift: shift(9 * inputs)))
                inputs = outputs
            }
            layers.append(.maximumPool)
        }
        layers += [.dense(outputs: 512, shift: shift(512)), .dense(outputs: 512, shift: shift(512))]
        layers.append(.logits(classes: classes))
        return ConvolutionalPlan(name: "vgg16", height: 32, width: 32, colours: 256, channels: 3, layers: layers)
    }

    /// Of the ReLU's table.
    static let domain: ClosedRange<Int64> = -(1 << 14)...1 << 14

    public func validate() throws {
        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
            guard condition else { throw GraphError("the network's plan: \(what())") }
        }
        try require(
            (1...4096).contains(height) && (1...4096).contains(width) && (1...1 << 16).contains(colours)
                && (1...4096).contains(channels), "bad image")
        try require(width & (width - 1) == 0, "the width is no power of two")
        try require((1...1024).contains(layers.count), "\(layers.count) layers")
        for (i, layer) in layers.enumerated() {
            switch layer {
            case .convolution(let outputs, let shift), .dense(let outputs, let shift):
                try require((1...1 << 16).contains(outputs) && (1...32).contains(shift), "bad layer \(i)")
            case .maximumPool: break
            case .logits(let classes): try require((1...1 << 20).contains(classes), "bad layer \(i)")
            }
        }
        guard case .logits = layers.last! else { throw GraphError("the network's plan: it ends in no logits") }
    }

    public func graph() throws -> Graph {
        try validate()
        var builder = GraphBuilder()
        let pixels = try builder.tokens("pixels", count: height * width, vocabulary: colours)
        let int8: ClosedRange<Int64> = -127...127
        let palette = try builder.weight("palette", [colours, channels], range: int8)
        let embedded = try builder.embed("colours", table: palette, tokens: pixels)
        var x = try builder.reshape("image", embedded, [height, width, channels])
        let relu = builder.table(
            LookupTable(
                name: "relu", lowerBound: Self.domain.lowerBound,
                values: Self.domain.map { Int32(max(0, min(127, $0))) }))
        func dimensions() -> [Int] { builder.shape(x).dimensions }
        func dense(_ name: String, _ outputs: Int) throws -> NodeID {
            let labels = String("yxc".suffix(dimensions().count))
            let weight = try builder.weight(name + ".weight", [outputs] + dimensions(), range: int8)
            return try builder.contract(name + ".accumulator", x, weight, labels, "o" + labels, "o")
        }
        for (i, layer) in layers.enumerated() {
            switch layer {
            case .convolution(let outputs, let shift):
                let name = "layers.\(i).convolution"
                let views = try builder.windows(name + ".windows", x, size: 3, padding: 1)
                let weight = try builder.weight(
                    name + ".weight", [outputs, builder.shape(views).dimensions[2], 9], range: int8)
                let sum = try builder.contract(name + ".accumulator", views, weight, "yxct", "oct", "yxo")
                x = try builder.requantise(name, sum, shift: shift, table: relu)
            case .maximumPool:
                let name = "layers.\(i).pool"
                x = try builder.rowMaximum(name, try builder.windows(name + ".windows", x, size: 2, stride: 2))
            case .dense(let outputs, let shift):
                let sum = try dense("layers.\(i).dense", outputs)
                x = try builder.requantise("layers.\(i).dense", sum, shift: shift, table: relu)
            case .logits(let classes):
                x = try dense("logits", classes)
            }
        }
        let output = try builder.argmax("class", x)
        let graph = try builder.finish(input: pixels, output: output)
        // At most some thousand nodes of at most 2^36 entries: no overflow.
        guard graph.weightNodes.reduce(0, { $0 + $1.shape.count }) <= 1 << 36 else {
            throw GraphError("the network's plan: more than 2^36 weights")
        }
        return graph
    }
}

/// The public part of a model: what a verifying key says of it but for the commitment to its weights.
public enum Program: Codable, Hashable, Sendable {
    case decoder(ModelPlan)
    case convolutional(ConvolutionalPlan)

    public func validate() throws {
        switch self {
        case .decoder(let plan): try plan.validate()
        case .convolutional(let plan): try plan.validate()
        }
    }

    /// The graph for an input of so many tokens.
    public func graph(tokenCount: Int) throws -> Graph {
        switch self {
        case .decoder(let plan): return try plan.graph(tokenCount: tokenCount)
        case .convolutional(let plan):
            guard tokenCount == plan.height * plan.width else {
                throw GraphError("an image has \(plan.height * plan.width) pixels, not \(tokenCount)")
            }
            return try plan.graph()
        }
    }

    /// The weights, in the order of the commitment.
    public func weightNodes() throws -> [Node] {
        switch self {
        case .decoder(let plan): try plan.graph(tokenCount: 1).weightNodes
        case .convolutional(let plan): try plan.graph().weightNodes
        }
    }

    /// Tokens that an input may have.
    public var tokenCounts: ClosedRange<Int> {
        switch self {
        case .decoder(let plan): 1...plan.maximumTokens
        case .convolutional(let plan): plan.height * plan.width...plan.height * plan.width
        }
    }

    /// Input tokens, and outputs, are below these.
    public var inputs: Int {
        switch self {
        case .decoder(let plan): plan.shape.vocabulary
        case .convolutional(let plan): plan.colours
        }
    }

    public var outputs: Int {
        switch self {
        case .decoder(let plan): plan.shape.vocabulary
        case .convolutional(let plan):
            if case .logits(let classes) = plan.layers.last { classes } else { 0 }
        }
    }
}
