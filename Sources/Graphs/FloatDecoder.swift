import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A place in a decoder whose values a quantiser must scale.
public struct ActivationSite: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The residual stream: before the first layer (layer 0), after attention and after the feed-forward layer.
        case embedding, afterAttention, afterFeedForward
        /// What a norm divides by (one value a token), and its result before gamma and beta.
        case attentionRoot, attentionNorm, feedForwardRoot, feedForwardNorm
        /// Queries and keys after the rotation.
        case query, key, value, attention
        /// What attention and the feed-forward layer add to the residual.
        case attentionBranch, feedForwardBranch
        /// Before and after the activation; `up` is the other factor of a gated layer; what enters the last projection.
        case gate, activation, up, hidden
        case finalRoot, finalNorm
    }
    public var layer: Int
    public var kind: Kind

    public init(_ layer: Int, _ kind: Kind) {
        self.layer = layer
        self.kind = kind
    }
}

/// The distribution of the magnitudes at one site: the exact maximum, and a histogram whose bins are 1/32 of an octave to
/// 1/16 wide (the upper bits of the float).
public struct ActivationStatistics: Sendable {
    private static let dropped: UInt32 = 18
    public private(set) var count = 0
    public private(set) var maximum: Float = 0
    /// The least magnitude seen.
    public private(set) var minimum: Float = .greatestFiniteMagnitude
    private var bins = [Int](repeating: 0, count: 1 << 13)

    public init() {}

    public mutating func add(_ values: some Sequence<Float>) {
        for value in values {
            let magnitude = abs(value)
            maximum = max(maximum, magnitude)
            minimum = min(minimum, magnitude)
            bins[Int(magnitude.bitPattern >> Self.dropped)] += 1
            count += 1
        }
    }

    public mutating func merge(_ other: ActivationStatistics) {
        count += other.count
        maximum = max(maximum, other.maximum)
        minimum = min(minimum, other.minimum)
        for i in bins.indices { bins[i] += other.bins[i] }
    }

    /// The least bin end below which the share `p` of the magnitudes lies; at most the maximum.
    public func quantile(_ p: Double) -> Float {
        var left = Int((Double(count) * p).rounded(.up))
        for (i, n) in bins.enumerated() {
            left -= n
            if left <= 0 { return min(maximum, Float(bitPattern: UInt32(i + 1) << Self.dropped)) }
        }
        return maximum
    }

    /// The expected squared error of rounding to multiples of `step` and clamping to `levels` steps.
    public func squaredError(step: Double, levels: Int) -> Double {
        let limit = step * (Double(levels) + 0.5)
        var error = 0.0
        for (i, n) in bins.enumerated() where n > 0 {
            let x = Double(Float(bitPattern: (UInt32(i) << Self.dropped) + 1 << (Self.dropped - 1)))
            if x > limit {
                let excess = x - step * Double(levels)
                error += Double(n) * excess * excess
            } else {
                // Values below half a step become zero, others are off by a uniform rounding error.
                error += Double(n) * min(x * x, step * step / 12)
            }
        }
        return error
    }

    /// The step that makes `squaredError` least, among clamping limits from the maximum down to a quarter of it.
    public func bestStep(levels: Int) -> Double {
        guard maximum > 0 else { return 1 / Double(levels) }
        let widest = Double(maximum) / Double(levels)
        let candidates = (0...32).map { widest * (1 - 0.75 * Double($0) / 32) }
        return candidates.min { squaredError(step: $0, levels: levels) < squaredError(step: $1, levels: levels) }!
    }
}

extension DecoderModel {
    /// Statistics by site.
    public typealias Calibration = [ActivationSite: ActivationStatistics]

    /// Runs the model on every window and collects the statistics of all its sites.
    public func calibrate(_ windows: [[Int]]) throws -> Calibration {
        guard !windows.isEmpty else { throw GraphError("no calibration text; put a calibration.bin beside the model") }
        for window in windows { try check(window) }
        let groups = min(windows.count, 2 * Parallel.threadCount)
        let parts = ParallelSlots<Calibration>(count: groups)
        Parallel.forEach(groups) { g in
            var part: Calibration = [:]
            for w in stride(from: g, to: windows.count, by: groups) {
                _ = forward(windows[w]) { site, values in part[site, default: .init()].add(values) }
            }
            parts.set(g, part)
        }
        var result: Calibration = [:]
        for g in 0..<groups {
            result.merge(parts.get(g)!) {
                var sum = $0
                sum.merge($1)
                return sum
            }
        }
        return result
    }

    /// The logits of every position. `observe` is called with the values of each site, in order of computation.
    public func logits(
        _ tokens: [Int], observe: ((ActivationSite, [Float]) -> Void)? = nil
    ) throws -> [[Float]] {
        try check(tokens)
        let flat = forward(tokens, observe: observe)
        let width = shape.vocabulary
        return tokens.indices.map { Array(flat[$0 * width..<($0 + 1) * width]) }
    }

    /// The mean cross entropy in nats of each token but the first of its window, given those before it.
    public func loss(_ windows: [[Int]]) throws -> Double {
        for window in windows { try check(window) }
        let sums = AlignedBuffer<Double>(repeating: 0, count: max(1, windows.count))
        Parallel.forEach(windows.count) { w in
            let flat = forward(windows[w], observe: nil)
            sums.pointer[w] = DecoderModel.crossEntropy(windows[w], vocabulary: shape.vocabulary) {
                Double(flat[$0 * shape.vocabulary + $1])
            }
        }
        let predictions = windows.reduce(0) { $0 + $1.count - 1 }
        return sums.elements.reduce(0, +) / Double(max(1, predictions))
    }

    /// The summed cross entropy of a window under the logits of its positions.
    static func crossEntropy(
        _ window: [Int], vocabulary: Int, logit: (_ position: Int, _ token: Int) -> Double
    ) -> Double {
        var sum = 0.0
        for t in 0..<window.count - 1 {
            var top = -Double.infinity
            for v in 0..<vocabulary { top = max(top, logit(t, v)) }
            var total = 0.0
            for v in 0..<vocabulary { total += exp(logit(t, v) - top) }
            sum += log(total) + top - logit(t, window[t + 1])
        }
        return sum
    }

    private func check(_ tokens: [Int]) throws {
        guard tokens.count >= 1, tokens.count <= shape.positions else {
            throw GraphError("\(tokens.count) tokens; the model takes 1 to \(shape.positions)")
        }
        guard tokens.allSatisfy({ $0 >= 0 && $0 < shape.vocabulary }) else {
            throw GraphError("a token is not in 0..<\(shape.vocabulary)")
        }
    }

    private func forward(_ tokens: [Int], observe: ((ActivationSite, [Float]) -> Void)?) -> [Float] {
        let count = tokens.count
        let width = shape.width
        var x = [Float](repeating: 0, count: count * width)
        for (t, token) in tokens.enumerated() {
            for d in 0..<width {
                x[t * width + d] = tokenEmbedding[token * width + d] + (positionEmbedding?[t * width + d] ?? 0)
            }
        }
        observe?(.init(0, .embedding), x)
        let turns = shape.positionKind == .rotary ? Rotation(shape, theta: ropeTheta, count: count) : nil
        for (l, layer) in layers.enumerated() {
            let y = normalise(x, layer.attentionNorm, .init(l, .attentionRoot), .init(l, .attentionNorm), observe)
            var q = FloatKernels.apply(layer.query, y, rows: count)
            var k = FloatKernels.apply(layer.key, y, rows: count)
            let v = FloatKernels.apply(layer.value, y, rows: count)
            turns?.rotate(&q, heads: shape.heads)
            turns?.rotate(&k, heads: shape.keyValueHeads)
            observe?(.init(l, .query), q)
            observe?(.init(l, .key), k)
            observe?(.init(l, .value), v)
            let mixed = attend(q, k, v, count: count)
            observe?(.init(l, .attention), mixed)
            let attended = FloatKernels.apply(layer.output, mixed, rows: count)
            observe?(.init(l, .attentionBranch), attended)
            FloatKernels.add(attended, to: &x)
            observe?(.init(l, .afterAttention), x)

            let z = normalise(x, layer.feedForwardNorm, .init(l, .feedForwardRoot), .init(l, .feedForwardNorm), observe)
            var hidden: [Float]
            if let gate = layer.gate {
                hidden = FloatKernels.apply(gate, z, rows: count)
                observe?(.init(l, .gate), hidden)
                for i in hidden.indices { hidden[i] = Activation.silu(hidden[i]) }
                observe?(.init(l, .activation), hidden)
                let up = FloatKernels.apply(layer.up, z, rows: count)
                observe?(.init(l, .up), up)
                for i in hidden.indices { hidden[i] *= up[i] }
            } else {
                hidden = FloatKernels.apply(layer.up, z, rows: count)
                observe?(.init(l, .gate), hidden)
                for i in hidden.indices { hidden[i] = Activation.gelu(hidden[i]) }
            }
            observe?(.init(l, .hidden), hidden)
            let fed = FloatKernels.apply(layer.down, hidden, rows: count)
            observe?(.init(l, .feedForwardBranch), fed)
            FloatKernels.add(fed, to: &x)
            observe?(.init(l, .afterFeedForward), x)
        }
        let y = normalise(x, finalNorm, .init(layers.count, .finalRoot), .init(layers.count, .finalNorm), observe)
        return FloatKernels.apply(head, y, rows: count)
    }

    private func normalise(
        _ x: [Float], _ norm: Norm, _ rootSite: ActivationSite, _ site: ActivationSite,
        _ observe: ((ActivationSite, [Float]) -> Void)?
    ) -> [Float] {
        let width = shape.width
        var y = x
        var roots: [Float] = []
        for start in stride(from: 0, to: x.count, by: width) {
            if shape.normalisation == .layer {
                var mean: Float = 0
                for d in 0..<width { mean += y[start + d] }
                mean /= Float(width)
                for d in 0..<width { y[start + d] -= mean }
            }
            var square: Float = 0
            for d in 0..<width { square += y[start + d] * y[start + d] }
            let root = (square / Float(width) + epsilon).squareRoot()
            roots.append(root)
            for d in 0..<width { y[start + d] /= root }
        }
        observe?(rootSite, roots)
        observe?(site, y)
        for start in stride(from: 0, to: x.count, by: width) {
            for d in 0..<width { y[start + d] = y[start + d] * norm.scale[d] + (norm.offset?[d] ?? 0) }
        }
        return y
    }

    private func attend(_ q: [Float], _ k: [Float], _ v: [Float], count: Int) -> [Float] {
        let e = shape.headWidth
        let qRow = shape.heads * e
        let kRow = shape.keyValueHeads * e
        let scale = 1 / Float(e).squareRoot()
        var out = [Float](repeating: 0, count: count * qRow)
        var weights = [Float](repeating: 0, count: count)
        for h in 0..<shape.heads {
            let kv = h / shape.group
            for i in 0..<count {
                var top = -Float.infinity
                for j in 0...i {
                    var dot: Float = 0
                    for c in 0..<e { dot += q[i * qRow + h * e + c] * k[j * kRow + kv * e + c] }
                    weights[j] = dot * scale
                    top = max(top, weights[j])
                }
                var sum: Float = 0
                for j in 0...i {
                    weights[j] = expf(weights[j] - top)
                    sum += weights[j]
                }
                for j in 0...i {
                    let w = weights[j] / sum
                    for c in 0..<e { out[i * qRow + h * e + c] += w * v[j * kRow + kv * e + c] }
                }
            }
        }
        return out
    }
}

/// The activation functions, in floats.
enum Activation {
    static func silu(_ x: Float) -> Float { x / (1 + expf(-x)) }
    static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
    /// Hendrycks and Gimpel (2016), the tanh form: `gelu_new` in the files of GPT-2.
    static func gelu(_ x: Float) -> Float {
        0.5 * x * (1 + tanhf(0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x)))
    }
    static func gelu(_ x: Double) -> Double {
        0.5 * x * (1 + tanh(0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x)))
    }
}

/// Rotary positions (Su et al. 2021): pairs (f, f + headWidth/2) turn by `position * theta^(-2f/headWidth)`.
struct Rotation {
    let half: Int
    let count: Int
    let cosines: [Double]
    let sines: [Double]

    init(_ shape: DecoderShape, theta: Double, count: Int) {
        half = shape.headWidth / 2
        self.count = count
        var cosines: [Double] = []
        var sines: [Double] = []
        for t in 0..<count {
            for f in 0..<half {
                let angle = Double(t) * pow(theta, -2 * Double(f) / Double(shape.headWidth))
                cosines.append(cos(angle))
                sines.append(sin(angle))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }

    func rotate(_ x: inout [Float], heads: Int) {
        for t in 0..<count {
            for h in 0..<heads {
                let start = (t * heads + h) * 2 * half
                for f in 0..<half {
                    let c = Float(cosines[t * half + f])
                    let s = Float(sines[t * half + f])
                    let a = x[start + f]
                    let b = x[start + half + f]
                    x[start + f] = a * c - b * s
                    x[start + half + f] = b * c + a * s
                }
            }
        }
    }
}

/// Plain products, blocked for registers: 4 rows by 2 outputs, 4 lanes.
enum FloatKernels {
    static func add(_ y: [Float], to x: inout [Float]) {
        for i in x.indices { x[i] += y[i] }
    }

    static func apply(_ linear: DecoderModel.Linear, _ x: [Float], rows: Int) -> [Float] {
        let (n, m) = (linear.inputs, linear.outputs)
        precondition(x.count == rows * n)
        return [Float](unsafeUninitializedCapacity: rows * m) { result, initialized in
            let out = result.baseAddress!
            x.withUnsafeBufferPointer { x in
                linear.weight.withUnsafeBufferPointer { w in
                    nonisolated(unsafe) let (x, w, out) = (x.baseAddress!, w.baseAddress!, out)
                    // Four rows at a time, whatever the threads: the order of a sum depends on how many there are.
                    Parallel.forEachChunk((rows + 3) / 4, grain: 4) { fours in
                        for t in fours.map({ 4 * $0 }) {
                            var o = 0
                            while o < m {
                                block(x + t * n, w + o * n, out + t * m + o, n, m, min(4, rows - t), min(2, m - o))
                                o += 2
                            }
                        }
                    }
                }
            }
            if let bias = linear.bias {
                for t in 0..<rows { for o in 0..<m { out[t * m + o] += bias[o] } }
            }
            initialized = rows * m
        }
    }

    @inline(__always)
    private static func load(_ p: UnsafePointer<Float>) -> SIMD4<Float> {
        UnsafeRawPointer(p).loadUnaligned(as: SIMD4<Float>.self)
    }

    private static func block(
        _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ n: Int, _ m: Int,
        _ height: Int, _ breadth: Int
    ) {
        guard height == 4 && breadth == 2 else {
            for t in 0..<height {
                for o in 0..<breadth {
                    var sum: Float = 0
                    for i in 0..<n { sum += x[t * n + i] * w[o * n + i] }
                    out[t * m + o] = sum
                }
            }
            return
        }
        var (a0, a1, a2, a3) = (SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>())
        var (b0, b1, b2, b3) = (a0, a1, a2, a3)
        let (x1, x2, x3) = (x + n, x + 2 * n, x + 3 * n)
        let w1 = w + n
        var i = 0
        while i + 4 <= n {
            let u = load(w + i)
            let v = load(w1 + i)
            let (c0, c1, c2, c3) = (load(x + i), load(x1 + i), load(x2 + i), load(x3 + i))
            a0 += c0 * u
            b0 += c0 * v
            a1 += c1 * u
            b1 += c1 * v
            a2 += c2 * u
            b2 += c2 * v
            a3 += c3 * u
            b3 += c3 * v
            i += 4
        }
        var sums = (a0.sum(), b0.sum(), a1.sum(), b1.sum(), a2.sum(), b2.sum(), a3.sum(), b3.sum())
        while i < n {
            sums.0 += x[i] * w[i]
            sums.1 += x[i] * w1[i]
            sums.2 += x1[i] * w[i]
            sums.3 += x1[i] * w1[i]
            sums.4 += x2[i] * w[i]
            sums.5 += x2[i] * w1[i]
            sums.6 += x3[i] * w[i]
            sums.7 += x3[i] * w1[i]
            i += 1
        }
        out[0] = sums.0
        out[1] = sums.1
        out[m] = sums.2
        out[m + 1] = sums.3
        out[2 * m] = sums.4
        out[2 * m + 1] = sums.5
        out[3 * m] = sums.6
        out[3 * m + 1] = sums.7
    }
}

/// One value for each index of a parallel loop, written once by whoever runs that index.
final class ParallelSlots<Value>: @unchecked Sendable {
    private let values: UnsafeMutablePointer<Value?>
    private let count: Int

    init(count: Int) {
        self.count = count
        values = .allocate(capacity: max(1, count))
        values.initialize(repeating: nil, count: count)
    }

    deinit {
        values.deinitialize(count: count)
        values.deallocate()
    }

    func set(_ index: Int, _ value: Value) { values[index] = value }
    func get(_ index: Int) -> Value? { values[index] }
}
