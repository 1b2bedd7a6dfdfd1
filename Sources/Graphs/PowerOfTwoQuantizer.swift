import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// W8A8 with power-of-two requantisation: 8-bit weights, one scale a tensor; 8-bit activations; a 16-bit residual stream.
///
/// Every rescaling in the integer program is a shift. That costs no precision, because scales are real numbers where they are
/// free: an activation's step is chosen from its distribution, and the step of the weights is what makes the accumulator's step
/// a power of two below the next activation's. Weights then use at least half of -127...127. Where two tensors
/// share a table (the exponential, SiLU), the product of their steps is fixed for the whole model and the shift is rounded, so
/// that steps are off their optimum by at most 2^(1/4) each.
public struct PowerOfTwoQuantizer: Quantizer {
    public static let name = "w8a8"

    /// Bits of the exponential's largest value.
    public var exponentialBits = 9
    /// The exponential's argument in nats: 2^-this a table row.
    public var exponentialFraction = 3
    /// The step of what enters SiLU or GELU: 2^-this.
    public var activationFraction = 5
    /// The largest magnitude of activations that enter a matrix product.
    public var levels = 127
    /// The largest magnitude of SiLU's result and of the other factor, which enter an elementwise product only.
    public var activationLevels = 2047
    public var upLevels = 127
    /// The largest magnitude of what attention and feed-forward layers add to the residual.
    public var branchLevels = 127
    /// Branches are scaled so that 2^(this + 1) rows of a table cover their accumulators.
    public var tableBits = 15
    /// The bits of a rotation's entries. They add to the shift of queries and keys, whose remainders should fit 16 bits.
    public var rotationBits = 6
    /// Values of the program stay within ±(2^30 - 1), so that it fits the smallest field.
    static let valueLimit: Int64 = 1 << 30 - 1

    public init() {}

    public func quantise(_ model: DecoderModel, calibration: [[Int]]) throws -> QuantisedModel {
        if let problem = model.shape.problem { throw GraphError(problem) }
        let statistics = try model.calibrate(calibration)
        var work = Work(settings: self, model: model, statistics: statistics)
        return try work.run()
    }
}

/// The state of one quantisation.
private struct Work {
    let settings: PowerOfTwoQuantizer
    let model: DecoderModel
    let statistics: DecoderModel.Calibration
    var rules: [(name: String, rule: ModelPlan.Rule)] = []
    var sites: [ModelPlan.Site] = []
    var weights: [ModelPlan.Weight] = []
    var tensors: [String: IntegerTensor] = [:]

    init(settings: PowerOfTwoQuantizer, model: DecoderModel, statistics: DecoderModel.Calibration) {
        self.settings = settings
        self.model = model
        self.statistics = statistics
    }

    var shape: DecoderShape { model.shape }
    var levels: Int { settings.levels }

    func stat(_ layer: Int, _ kind: ActivationSite.Kind) throws -> ActivationStatistics {
        guard let found = statistics[.init(layer, kind)] else {
            throw GraphError("no statistics of layer \(layer), \(kind)")
        }
        return found
    }

    func step(_ layer: Int, _ kind: ActivationSite.Kind, _ levels: Int) throws -> Double {
        let key = StepKey(site: .init(layer, kind), levels: levels)
        if let known = steps.values[key] { return known }
        let best = try stat(layer, kind).bestStep(levels: levels)
        steps.values[key] = best
        return best
    }

    private struct StepKey: Hashable {
        let site: ActivationSite
        let levels: Int
    }
    /// Steps that were computed before.
    private final class Steps { var values: [StepKey: Double] = [:] }
    private let steps = Steps()

    mutating func rule(_ name: String, _ rule: ModelPlan.Rule) -> Int {
        if let known = rules.firstIndex(where: { $0.rule == rule }) { return known }
        rules.append((name, rule))
        return rules.count - 1
    }

    mutating func clamp(_ limit: Int) -> Int { rule("clamp\(limit)", .clamp(limit: Int32(limit))) }

    mutating func site(_ name: String, shift: Int, rule: Int?) throws {
        guard (0...32).contains(shift) else {
            throw GraphError(
                node: name, "its scales would need a shift by \(shift) bits; the calibration text may be too small")
        }
        sites.append(.init(name: name, shift: shift, table: rule))
    }

    // MARK: Weights

    mutating func declare(_ name: String, _ shape: [Int], limit: Int64, _ values: [Int64]) {
        let tensorShape = TensorShape(shape)
        weights.append(.init(name: name, shape: shape, range: -limit...limit))
        tensors[name] = IntegerTensor(shape: tensorShape, range: -limit...limit, values: values)
    }

    /// The magnitude of a range that is two to a power less one, for values whose sizes should not say more than they must.
    static func roundedLimit(_ values: [Int64]) -> Int64 {
        let most = values.reduce(1) { max($0, abs($1)) }
        return 1 << Int64(64 - most.leadingZeroBitCount) - 1
    }

    /// The matrix with a norm's gamma folded in, and the bias with its beta.
    static func folded(_ linear: DecoderModel.Linear, _ norm: DecoderModel.Norm?) -> (weight: [Double], bias: [Double]?)
    {
        let n = linear.inputs
        var weight = linear.weight.map(Double.init)
        var bias = linear.bias?.map(Double.init)
        guard let norm else { return (weight, bias) }
        if let offset = norm.offset {
            var sum = bias ?? Array(repeating: 0, count: linear.outputs)
            for o in 0..<linear.outputs {
                for i in 0..<n { sum[o] += weight[o * n + i] * Double(offset[i]) }
            }
            bias = sum
        }
        for o in 0..<linear.outputs {
            for i in 0..<n { weight[o * n + i] *= Double(norm.scale[i]) }
        }
        return (weight, bias)
    }

    /// Of the shifts that use at least half of the weights' range without clamping, or one more, that of the least error, for
    /// an accumulator whose step times 2^shift is `output`.
    func shift(for weight: [Double], input: Double, output: Double) -> Int {
        let most = weight.reduce(0) { max($0, abs($1)) }
        guard most > 0 else { return 8 }
        let whole = Int(log2(127 * output / (input * most)).rounded(.down))
        func error(_ shift: Int) -> Double {
            let step = output / (input * exp2(Double(shift)))
            var sum = 0.0
            for w in weight {
                let difference = w - max(-127, min(127, (w / step).rounded())) * step
                sum += difference * difference
            }
            return sum
        }
        return error(whole + 1) < error(whole) ? whole + 1 : whole
    }

    /// Writes the weights and the bias of a projection whose accumulator's step is `accumulator`.
    mutating func project(
        _ name: String, _ heads: [Int], inputs: [Int], _ linear: DecoderModel.Linear, _ norm: DecoderModel.Norm?,
        input: Double, accumulator: Double
    ) throws {
        let (weight, bias) = Work.folded(linear, norm)
        let step = accumulator / input
        declare(name, heads + inputs, limit: 127, weight.map { Int64(max(-127, min(127, ($0 / step).rounded()))) })
        guard let bias else { return }
        let scaled = bias.map { ($0 / accumulator).rounded() }
        guard scaled.allSatisfy({ abs($0) < 0x1p28 }) else {
            throw GraphError(node: name, "its bias is too large beside its weights to be quantised")
        }
        let integers = scaled.map { Int64($0) }
        declare(name + ".bias", heads, limit: Work.roundedLimit(integers), integers)
    }

    // MARK: The model

    mutating func run() throws -> QuantisedModel {
        let residual = try chooseResidual()
        let norms = try chooseNorms(residual: residual)
        try embed(residual)
        for (i, shift) in residual.shifts.enumerated() where shift > 0 {
            try site(
                "layers.\(i / 2).\(i % 2 == 0 ? "attention" : "feedforward").residual.shifted", shift: shift, rule: nil)
        }
        let bits = try rotationBits()

        // The tables that all layers share.
        let exponentialStep = exp2(-Double(settings.exponentialFraction))
        let top = Double(1 << settings.exponentialBits - 1)
        var exponentials: [Int32] = [0]
        while exponentials.count == 1 || exponentials.last != 0 {
            exponentials.append(Int32((top * exp(-Double(exponentials.count - 1) * exponentialStep)).rounded()))
        }
        let exponential = rule("exponential", .values(first: -1, values: exponentials))
        let gateStep = exp2(-Double(settings.activationFraction))

        for l in 0..<shape.layers {
            let layer = model.layers[l]
            let attention = "layers.\(l).attention"
            let y = norms.steps[2 * l]
            // Queries and keys: their steps must multiply to the exponential's step, but for a shift.
            var q = try step(l, .query, levels)
            var k = try step(l, .key, levels)
            let root = Double(shape.headWidth).squareRoot()
            let scoreShift = max(0, Int(log2(exponentialStep * root / (q * k)).rounded()))
            let slack = (exponentialStep * root / (q * k * exp2(Double(scoreShift)))).squareRoot()
            q *= slack
            k *= slack
            let (kv, g, e, d) = (shape.keyValueHeads, shape.group, shape.headWidth, shape.width)
            let inner = shape.positionKind == .rotary ? [2, e / 2] : [e]
            for (name, linear, step, heads) in [
                ("query", layer.query, q, [kv, g]), ("key", layer.key, k, [kv]), ("value", layer.value, 0.0, [kv]),
            ] {
                let isValue = name == "value"
                let out = isValue ? try self.step(l, .value, levels) : step
                let t = shift(for: Work.folded(linear, layer.attentionNorm).weight, input: y, output: out)
                try project(
                    "\(attention).\(name)", heads + (isValue ? [e] : inner), inputs: [d], linear, layer.attentionNorm,
                    input: y, accumulator: out / exp2(Double(t)))
                var total = t
                if let bits, !isValue {
                    total += bits.rotation - bits.narrow
                    if bits.narrow > 0 {
                        try site("\(attention).\(name).quantised.narrow", shift: bits.narrow, rule: nil)
                    }
                }
                try site("\(attention).\(name).quantised", shift: total, rule: clamp(levels))
            }
            try site(attention + ".weights", shift: scoreShift, rule: exponential)
            let value = try step(l, .value, levels)
            try branch(
                attention + ".output", [d], inputs: [kv, g, e], layer.output, input: value,
                output: residual.steps[2 * l + 1] * exp2(Double(residual.exponents[2 * l])))

            let own = "layers.\(l).feedforward"
            let z = norms.steps[2 * l + 1]
            let steps = try feedForwardSteps(l)
            if let gate = layer.gate {
                let t = shift(for: Work.folded(gate, layer.feedForwardNorm).weight, input: z, output: gateStep)
                try project(
                    own + ".gate", [shape.hidden], inputs: [d], gate, layer.feedForwardNorm, input: z,
                    accumulator: gateStep / exp2(Double(t)))
                let silu = activationRule(
                    inputStep: gateStep, outputStep: try activationStep(), limit: settings.activationLevels,
                    Activation.silu)
                try site(own + ".gate.quantised", shift: t, rule: rule("silu", silu))
                let up = steps.up
                try site(own + ".hidden", shift: steps.productShift, rule: clamp(levels))
                let upShift = shift(for: Work.folded(layer.up, layer.feedForwardNorm).weight, input: z, output: up)
                try project(
                    own + ".up", [shape.hidden], inputs: [d], layer.up, layer.feedForwardNorm, input: z,
                    accumulator: up / exp2(Double(upShift)))
                try site(own + ".up.quantised", shift: upShift, rule: clamp(settings.upLevels))
            } else {
                let t = shift(for: Work.folded(layer.up, layer.feedForwardNorm).weight, input: z, output: gateStep)
                try project(
                    own + ".up", [shape.hidden], inputs: [d], layer.up, layer.feedForwardNorm, input: z,
                    accumulator: gateStep / exp2(Double(t)))
                let gelu = activationRule(
                    inputStep: gateStep, outputStep: steps.hidden, limit: levels, Activation.gelu)
                try site(own + ".up.quantised", shift: t, rule: rule("gelu.\(Int(-log2(steps.hidden)))", gelu))
            }
            try branch(
                own + ".down", [d], inputs: [shape.hidden], layer.down, input: steps.hidden,
                output: residual.steps[2 * l + 2] * exp2(Double(residual.exponents[2 * l + 1])))
        }

        let last = norms.steps[2 * shape.layers]
        let (head, _) = Work.folded(model.head, model.finalNorm)
        let logitStep = max(head.reduce(0) { max($0, abs($1)) }, 1e-30) / 127 * last
        try project(
            "head", [shape.vocabulary], inputs: [shape.width], model.head, model.finalNorm, input: last,
            accumulator: logitStep)
        return try finish(norms: norms, residual: residual, bits: bits, logitStep: logitStep)
    }

    /// The step of SiLU's result, the same in all layers.
    func activationStep() throws -> Double {
        try (0..<shape.layers).map { Double(try stat($0, .activation).maximum) }.max()!
            / Double(settings.activationLevels)
    }

    /// The steps of what enters the last projection and, where there is a gate, of its second factor, with the shift between.
    func feedForwardSteps(_ l: Int) throws -> (up: Double, hidden: Double, productShift: Int) {
        let hidden = try step(l, .hidden, levels)
        if shape.feedForward == .gatedSiLU {
            let activation = try activationStep()
            let up = try step(l, .up, settings.upLevels)
            let shift = max(0, Int(log2(hidden / (activation * up)).rounded()))
            let slack = (hidden / (activation * up * exp2(Double(shift)))).squareRoot()
            return (up * slack, hidden / slack, shift)
        }
        // The table has the step of its result in it: a power of two, so that layers can share tables.
        let statistics = try stat(l, .hidden)
        let exponent = log2(hidden).rounded(.down)
        let best = [exponent, exponent + 1].map { exp2($0) }.min {
            statistics.squaredError(step: $0, levels: levels) < statistics.squaredError(step: $1, levels: levels)
        }!
        return (0, best, 0)
    }

    /// A projection whose result is added to the residual.
    mutating func branch(
        _ name: String, _ heads: [Int], inputs: [Int], _ linear: DecoderModel.Linear, input: Double, output: Double
    ) throws {
        let t = shift(for: linear.weight.map(Double.init), input: input, output: output)
        try project(name, heads, inputs: inputs, linear, nil, input: input, accumulator: output / exp2(Double(t)))
        try site(name + ".quantised", shift: t, rule: clamp(settings.branchLevels))
    }

    /// The table of an activation function, up to where it is constant at the limits or nearly linear in them.
    func activationRule(
        inputStep: Double, outputStep: Double, limit: Int, _ function: (Double) -> Double
    ) -> ModelPlan.Rule {
        func value(_ h: Int) -> Int32 {
            Int32(max(-Double(limit), min(Double(limit), (function(Double(h) * inputStep) / outputStep).rounded())))
        }
        // Below -32 both functions are 0 in any step that matters; above the limit they are clamped.
        let first = -Int(32 / inputStep)
        let last = Int((Double(limit) + 1) * outputStep / inputStep) + Int(32 / inputStep)
        var values = (first...last).map(value)
        var start = first
        let leading = values.prefix { $0 == values[0] }.count
        values.removeFirst(leading - 1)
        start += leading - 1
        while values.count > 1 && values[values.count - 1] == values[values.count - 2] { values.removeLast() }
        return .values(first: Int64(start), values: values)
    }

    // MARK: The residual stream

    struct Residual {
        /// The step of the stream at the input of each branch (two a layer), and at the end.
        var steps: [Double]
        /// For each branch, the bits by which its step exceeds that of the stream after it, and those that the stream loses before.
        var exponents: [Int]
        var shifts: [Int]
    }

    /// Twice the limit must be in the domain of the squares' table where a mean is subtracted.
    var residualLimit: Int64 { shape.normalisation == .layer ? 1 << 14 - 1 : 1 << 15 - 1 }

    /// The steps of the residual stream: at each branch as fine as the worst case so far allows.
    ///
    /// Streams grow by orders of magnitude from the embedding to the last layer, so the step starts at what the embedding needs and is
    /// doubled (one shift, without a table) where the sum of the bounds of all branches up to there asks for it. Nothing is
    /// clamped but the branches.
    func chooseResidual() throws -> Residual {
        let limit = Double(residualLimit)
        let kinds: [ActivationSite.Kind] = [.attentionBranch, .feedForwardBranch]
        // For each branch: its statistics, its ideal step, and the least step whose accumulator a table of `tableBits` covers.
        let branches = try (0..<shape.layers).flatMap { l in
            try kinds.map { kind in
                let statistics = try stat(l, kind)
                let linear = kind == .attentionBranch ? model.layers[l].output : model.layers[l].down
                let input = try kind == .attentionBranch ? step(l, .value, levels) : feedForwardSteps(l).hidden
                let unit = input * linear.weight.reduce(1e-30) { max($0, abs(Double($1))) } / 127
                let worst = Double(linear.inputs) * 127 * 127
                // The accumulator's unit divides the step by a power of two and is at least `unit`.
                let shift = (log2(worst + 1) - Double(settings.tableBits)).rounded(.up)
                return (
                    statistics: statistics, ideal: statistics.bestStep(levels: settings.branchLevels),
                    least: unit * exp2(shift)
                )
            }
        }
        func largest(_ values: [Float]) -> Double { values.reduce(0) { max($0, abs(Double($1))) } }
        let embedded = max(1e-6, largest(model.tokenEmbedding) + largest(model.positionEmbedding ?? []))
        /// The stream whose first step is `first`, and the error of its branches relative to the least possible.
        func stream(_ first: Double) -> (Residual, error: Double) {
            var residual = Residual(steps: [first], exponents: [], shifts: [])
            var step = first
            var bound = embedded / first + 2
            var total = 0.0
            for (statistics, ideal, least) in branches {
                let low = Int(log2(ideal / step).rounded(.down))
                let needed = Int(log2(least / step).rounded(.up))
                func error(_ exponent: Int) -> Double {
                    statistics.squaredError(step: step * exp2(Double(exponent)), levels: settings.branchLevels)
                }
                let exponent = [low, low + 1].map { max(0, needed, $0) }.min { error($0) < error($1) }!
                total +=
                    error(exponent) / max(1e-30, statistics.squaredError(step: ideal, levels: settings.branchLevels))
                // A branch that would be finer than the stream takes the stream's step.
                var shift = 0
                func reach() -> Double {
                    bound / exp2(Double(shift)) + 1 + Double(settings.branchLevels)
                        * exp2(Double(max(0, exponent - shift)))
                }
                while reach() > limit { shift += 1 }
                bound = reach()
                step *= exp2(Double(shift))
                residual.steps.append(step)
                residual.exponents.append(max(0, exponent - shift))
                residual.shifts.append(shift)
            }
            return (residual, total)
        }
        return (0..<8).map { stream(embedded / (limit - 4) * exp2(Double($0) / 8)) }.min { $0.error < $1.error }!.0
    }

    mutating func embed(_ residual: Residual) throws {
        func integers(_ values: [Float]) -> [Int64] { values.map { Int64((Double($0) / residual.steps[0]).rounded()) } }
        func most(_ values: [Int64]) -> Int64 { values.reduce(1) { max($0, abs($1)) } }
        let tokens = integers(model.tokenEmbedding)
        declare("embedding", [shape.vocabulary, shape.width], limit: most(tokens), tokens)
        if let table = model.positionEmbedding {
            let positions = integers(table)
            declare("positions", [shape.positions, shape.width], limit: most(positions), positions)
        }
    }

    // MARK: Norms

    struct Norms {
        /// The steps of the results: two a layer, and the final one.
        var steps: [Double]
        /// What each adds to its sum of squares.
        var epsilons: [Int64]
    }

    /// The scales of all norms: one table of squares, one of reciprocals, a shift for each norm.
    mutating func chooseNorms(residual: Residual) throws -> Norms {
        let width = Double(shape.width)
        let largest = shape.normalisation == .layer ? 2 * residualLimit : residualLimit
        // V = sum(x^2) / 2^squareShift + epsilon < 2^30, and so r < 2^15. The table, whose domain is a power of two and so has one
        // value more on one side, is clamped at the stream's own limit.
        var squareShift = 0
        func epsilon(_ step: Double) -> Double {
            (Double(model.epsilon) * width / (step * step * exp2(Double(squareShift)))).rounded()
        }
        func most() -> Double { (Double(largest * largest) / exp2(Double(squareShift)) + 0.5).rounded(.down) }
        func worst() -> Double { width * most() + epsilon(residual.steps[0]) }
        while worst() > Double(PowerOfTwoQuantizer.valueLimit) {
            squareShift += 1
            guard squareShift <= 32 else {
                throw GraphError("the residual stream is too wide or its norms' epsilon too large")
            }
        }
        // In units of the residual's step, r = rms * unit.
        let unit = (width / exp2(Double(squareShift))).squareRoot()
        var names: [String] = []
        var roots: [ActivationStatistics] = []
        var results: [ActivationStatistics] = []
        for l in 0..<shape.layers {
            names += ["layers.\(l).attention.norm", "layers.\(l).feedforward.norm"]
            roots += [try stat(l, .attentionRoot), try stat(l, .feedForwardRoot)]
            results += [try stat(l, .attentionNorm), try stat(l, .feedForwardNorm)]
        }
        names.append("norm")
        roots.append(try stat(shape.layers, .finalRoot))
        results.append(try stat(shape.layers, .finalNorm))

        // q = K / r with q < 2^14 for the smallest r of the calibration, less a margin; then x q < 2^29.
        let factorLimit = 1 << 14
        let smallest = max(1, zip(roots, residual.steps).map { Double($0.minimum) / $1 }.min()! * unit * 0.75)
        let largestNumerator = min(Double(factorLimit) * smallest, 0x1p40)
        // x q >> shift: step = 2^shift / (K unit) * 1 in units of x / rms.
        func stepOf(_ numerator: Double, _ shift: Int) -> Double { exp2(Double(shift)) * unit / numerator }
        func best(_ numerator: Double, _ statistics: ActivationStatistics, _ ideal: Double) -> (
            shift: Int, error: Double
        ) {
            let low = Int(log2(ideal / stepOf(numerator, 0)).rounded(.down))
            // Remainders of 16 bits are one lookup each.
            return [low, low + 1].map { max(0, min(16, $0)) }.map {
                (
                    $0,
                    statistics.squaredError(step: stepOf(numerator, $0), levels: levels)
                        / Double(max(1, statistics.count))
                )
            }.min { $0.1 < $1.1 }!
        }
        let ideals = results.map { $0.bestStep(levels: levels) }
        let numerator = (0..<64).map { (largestNumerator * exp2(-Double($0) / 16)).rounded(.down) }.min { a, b in
            zip(results, ideals).reduce(0) { $0 + best(a, $1.0, $1.1).error }
                < zip(results, ideals).reduce(0) { $0 + best(b, $1.0, $1.1).error }
        }!
        guard numerator >= 1 else { throw GraphError("the residual stream vanishes in the calibration text") }
        let square = rule("square", .square(shift: squareShift, limit: Int32(most())))
        let reciprocal = rule("reciprocal", .reciprocal(numerator: Int64(numerator), limit: Int32(factorLimit)))
        var steps: [Double] = []
        for (i, name) in names.enumerated() {
            let shift = best(numerator, results[i], ideals[i]).shift
            try site(name + ".squares", shift: 0, rule: square)
            try site(name + ".factor", shift: 0, rule: reciprocal)
            try site(name, shift: shift, rule: clamp(levels))
            steps.append(stepOf(numerator, shift))
        }
        return Norms(steps: steps, epsilons: residual.steps.map { Int64(epsilon($0)) })
    }

    // MARK: Rotation

    /// Bits of the rotation's entries, and bits that accumulators lose before it (0 up to a width of about 256).
    func rotationBits() throws -> (rotation: Int, narrow: Int)? {
        guard shape.positionKind == .rotary else { return nil }
        // Biases are allowed as much as the products.
        let hasBias = model.layers.contains { $0.query.bias != nil || $0.key.bias != nil }
        let accumulator = Int64(shape.width) * 127 * 127 * (hasBias ? 2 : 1)
        // Below 2^29, so that a table's domain, which is a power of two, may reach just as far.
        func fits(_ bits: Int, _ narrow: Int) -> Bool {
            2 * ((accumulator >> Int64(narrow)) + 1) << Int64(bits) < 1 << 29
        }
        return (settings.rotationBits, (0...32).first { fits(settings.rotationBits, $0) }!)
    }

    // MARK: Tables

    /// Gives the tables their domains: a power of two of rows, as many as range analysis asks for, shared by all requantisations
    /// that may share. A requantisation by s bits is unique in a field of 2^31 only if `2^s (domain + 1) < 2^30`, so
    /// large shifts may not use large tables.
    mutating func finish(
        norms: Norms, residual: Residual, bits: (rotation: Int, narrow: Int)?, logitStep: Double
    ) throws -> QuantisedModel {
        let maximumTokens = min(shape.positions, 4096)
        var rotation: ModelPlan.RotaryPositions?
        if let bits {
            let turns = Rotation(shape, theta: model.ropeTheta, count: maximumTokens)
            let one = exp2(Double(bits.rotation))
            rotation = .init(
                bits: bits.rotation, cosines: turns.cosines.map { Int32(($0 * one).rounded()) },
                sines: turns.sines.map { Int32(($0 * one).rounded()) })
        }
        var plan = ModelPlan(
            quantizer: PowerOfTwoQuantizer.name, shape: shape, maximumTokens: maximumTokens,
            normEpsilons: norms.epsilons,
            rotation: rotation, residualExponents: residual.exponents,
            tables: rules.map { .init(name: $0.name, rule: $0.rule, domain: 0...0) }, sites: sites, weights: weights,
            logitScale: logitStep)
        // A table of a larger domain may have a larger range, which others must then cover: repeat until nothing changes.
        for _ in 0..<8 {
            let (tables, sites) = try share(try plan.reachable(tokenCount: 1))
            let settled = tables == plan.tables
            (plan.tables, plan.sites) = (tables, sites)
            if settled { break }
        }
        try plan.validate()
        return QuantisedModel(plan: plan, weights: tensors)
    }

    /// The tables for what is looked up at each site, and the sites with their tables.
    func share(
        _ reachable: [String: ClosedRange<Int64>]
    ) throws -> (tables: [ModelPlan.Table], sites: [ModelPlan.Site]) {
        var sites = self.sites
        var tables: [ModelPlan.Table] = []
        for (index, rule) in rules.enumerated() {
            // For each user of the rule: the bits that it needs, and the bits that its shift allows.
            var users = self.sites.indices.filter { self.sites[$0].table == index }.compactMap { i in
                reachable[sites[i].name].map { (site: i, needs: Work.bits($0), allows: 29 - sites[i].shift) }
            }
            users.sort { ($0.needs, $1.site) > ($1.needs, $0.site) }
            while let first = users.first {
                let group = users.filter { $0.allows >= first.needs }
                guard !group.isEmpty, first.allows >= first.needs else {
                    throw GraphError(
                        node: sites[first.site].name,
                        "values need a table of 2^\(first.needs) and a shift by \(sites[first.site].shift) bits; no field of 31 bits has room"
                    )
                }
                let signed = group.contains { reachable[sites[$0.site].name]!.lowerBound < 0 }
                let top = Int64(1) << Int64(first.needs)
                tables.append(
                    .init(name: "\(rule.name).\(first.needs)", rule: rule.rule, domain: (signed ? -top : 0)...top - 1))
                for user in group { sites[user.site].table = tables.count - 1 }
                users.removeAll { user in group.contains { $0.site == user.site } }
            }
        }
        return (tables, sites)
    }

    /// The least k with the range in -2^k ..< 2^k.
    static func bits(_ range: ClosedRange<Int64>) -> Int {
        (0...62).first { range.lowerBound >= -(1 << Int64($0)) && range.upperBound < 1 << Int64($0) }!
    }
}
