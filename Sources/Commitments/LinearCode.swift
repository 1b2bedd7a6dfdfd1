import Fields
import Tensors
import Transcripts

/// What is known of a code before it is built.
public struct CodeOutline: Hashable, Sendable {
    /// log2 of the number of message entries.
    public let messageBits: Int
    /// Which of the family's codes of this size: an index that only the family understands.
    public let variant: Int
    /// Entries of a code word.
    public let length: Int
    /// Two distinct code words differ in at least so many entries.
    public let distance: Int
    /// The radius e of proximity testing, less than half the distance.
    public let radius: Int
    /// The a of the code's line theorem: if more than a of the points of a line u + z v, z in E, are within `radius` of
    /// a code word, then u and v agree with a pair of code words outside one set of `radius` entries. Counted with what
    /// comes on top (see `ReedSolomonCode`).
    public let lineThreshold: Int
    /// Estimated nanoseconds to encode one message, on one core.
    public let encodingNanoseconds: Int
    /// Estimated nanoseconds to build the code.
    public let setupNanoseconds: Int

    public init(
        messageBits: Int, variant: Int, length: Int, distance: Int, radius: Int, lineThreshold: Int,
        encodingNanoseconds: Int, setupNanoseconds: Int = 0
    ) {
        self.messageBits = messageBits
        self.variant = variant
        self.length = length
        self.distance = distance
        self.radius = radius
        self.lineThreshold = lineThreshold
        self.encodingNanoseconds = encodingNanoseconds
        self.setupNanoseconds = setupNanoseconds
    }
}

/// A family of codes, linear over the *base* field. A vector of challenges is encoded coordinate by coordinate, which
/// is the extension of the code to the challenge field: same length, same distance, and encoding commutes with
/// combinations by challenges.
public protocol LinearCode: Sendable {
    associatedtype F: ProofField

    /// The name of the commitment scheme with this code.
    static var schemeName: String { get }
    /// How combinations of rows may be shown.
    static var rowOpenings: [RowOpening.Kind] { get }
    /// Which parameters a user may fix.
    static var options: Set<CommitmentOptions.Key> { get }
    /// The codes of the family for messages of `2^messageBits` entries; none where the field has none.
    static func outlines(messageBits: Int) -> [CodeOutline]
    /// Builds the code. Whatever is random about it comes from a fixed public seed; `failureBits` bounds the
    /// probability over that seed that the distance is missed, by `2^-failureBits`.
    ///
    /// - Throws: `CommitmentError.unreachableSecurity` where no code of the family is that certain.
    init(_ outline: CodeOutline, failureBits: Int) throws

    var outline: CodeOutline { get }
    /// Everything that determines the code, as text.
    var description: String { get }
    /// The theorems that `radius` and `lineThreshold` rest on.
    var proximityTheorem: String { get }
    /// Errors that come with the code itself.
    var budget: SoundnessBudget { get }
    /// How many messages to interleave for speed.
    static var preferredWidth: Int { get }
    /// Whether encoding a message twice costs less than keeping its code word (the first touch of fresh memory, writing
    /// and reading it, about half a nanosecond a byte).
    static var isCheaperThanMemory: Bool { get }

    /// Encodes `width` interleaved messages in place. Entry `i` of message `j` is `values[i * stride + j]`; the first
    /// `2^messageBits` entries hold the message, all `length` entries the code word afterwards (whatever the others
    /// held before). Serial.
    func encode(interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int)
    /// The same where only the entries at `positions` are wanted; what the others hold afterwards is left open.
    func encode(interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int, only positions: [Int])

    /// Adds the combination of columns of the generator matrix: afterwards `output`, of `2^messageBits` entries, has gained the
    /// vector whose inner product with any message is the sum of `weights[q]` times entry `columns[q]` of the code word.
    func addColumns(
        _ columns: [Int], weights: [F.Challenge], to output: UnsafeMutablePointer<F.Challenge>)
    /// That vector with its lowest `point.count` variables bound to a point: `2^(messageBits - point.count)` values.
    func columns(_ columns: [Int], weights: [F.Challenge], boundTo point: [F.Challenge]) -> [F.Challenge]
}

/// How the verifier learns that the combination of rows is a code word, and its value at a point.
public enum RowOpening: Hashable, Sendable {
    /// The row is sent.
    case sent
    /// The rows' own code words are folded (`FoldingProof`).
    case folded(FoldingPlan)
    /// The row is committed to with another code, whose word is folded: *code switching*.
    case switched(FoldingPlan)

    public enum Kind: Sendable { case sent, folded, switched }

    /// The plan of the folds.
    var plan: FoldingPlan? {
        switch self {
        case .sent: nil
        case .folded(let plan), .switched(let plan): plan
        }
    }
}

extension LinearCode {
    /// A cache line of small elements; wide elements are vectors of eight.
    public static var preferredWidth: Int { F.Base.byteCount <= 4 ? 16 : 8 }
    public static var isCheaperThanMemory: Bool { false }

    public func encode(
        interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int, only positions: [Int]
    ) {
        encode(interleaved: values, stride: stride, width: width)
    }

    public static var rowOpenings: [RowOpening.Kind] { [.sent, .switched] }

    public func columns(_ columns: [Int], weights: [F.Challenge], boundTo point: [F.Challenge]) -> [F.Challenge] {
        let table = AlignedBuffer<F.Challenge>(repeating: .zero, count: 1 << outline.messageBits)
        addColumns(columns, weights: weights, to: table.pointer)
        var size = table.count
        for r in point {
            size /= 2
            F.fold(table.pointer, at: r, into: table.pointer, pairs: size)
        }
        return Array(table.elements.prefix(size))
    }
}

/// Reed-Solomon codes by `ProofField.reedSolomonEncode`, of rate 1/2, 1/4 or 1/8.
///
/// **Theorem.** Let K = 2^messageBits, n the length. Over a field with 2-power roots of unity this is RS[n, K]; over
/// M31 it is the circle code, evaluations on n points of x^2 + y^2 = 1 of a space of dimension K inside the Laurent
/// polynomials in z = x + iy of degrees -K/2...K/2, that is a subcode of a generalised RS code of dimension K + 1 over
/// the challenge field, which contains i. Either way code words lie in a generalised RS code C' of distance at least d
/// = n - K, and 2e < d for e = (n - K - 1) / 2: the unique decoding regime. There Ben-Sasson, Carmon, Ishai, Kopparty
/// and Saraf ("Proximity gaps for Reed-Solomon codes", ePrint 2020/654, Theorem 4.1) show: if more than n points of a
/// line u + z v are within e of C', then u and v agree with a pair of words of C' outside one set of e positions. This
/// is the line theorem with a = n. How it extends to spans, and one more point for the subcode (a = n + 1), see
/// `TensorCodeScheme`.
public struct ReedSolomonCode<F: ProofField>: LinearCode {
    public let outline: CodeOutline

    public static var schemeName: String { "orion" }

    public static var options: Set<CommitmentOptions.Key> { Set(CommitmentOptions.Key.allCases) }

    public static func outlines(messageBits: Int) -> [CodeOutline] { outlines(messageBits: messageBits, rates: 1...3) }

    static func outlines(messageBits: Int, rates: ClosedRange<Int>) -> [CodeOutline] {
        rates.compactMap { logInverseRate in
            let bits = messageBits + logInverseRate
            guard bits <= F.maximumCodeBits else { return nil }
            let length = 1 << bits
            let distance = length - (1 << messageBits)
            // Half a butterfly a bit and entry, from a quarter of a nanosecond for 4 bytes to ten for 32.
            let size = F.Base.byteCount
            let nanoseconds = length * (bits + 4) * max(size, size * size / 6) / 16
            return CodeOutline(
                messageBits: messageBits, variant: logInverseRate, length: length, distance: distance,
                radius: (distance - 1) / 2, lineThreshold: length + 1, encodingNanoseconds: nanoseconds)
        }
    }

    public init(_ outline: CodeOutline, failureBits: Int) { self.outline = outline }

    public var description: String { "reed-solomon \(1 << outline.messageBits)/\(outline.length)" }
    public var proximityTheorem: String { "ePrint 2020/654, Theorem 4.1, unique decoding" }
    public var budget: SoundnessBudget { SoundnessBudget() }

    /// True for the circle code's 2.4 ns an element of 4 bytes; wider elements cost 1.5 ns a byte and more.
    public static var isCheaperThanMemory: Bool { F.Base.byteCount <= 4 }

    public func encode(interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int) {
        F.reedSolomonEncode(
            interleaved: values, stride: stride, width: width, messageBits: outline.messageBits,
            logInverseRate: outline.variant)
    }

    public func encode(
        interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int, only positions: [Int]
    ) {
        F.reedSolomonEncode(
            interleaved: values, stride: stride, width: width, messageBits: outline.messageBits,
            logInverseRate: outline.variant, only: positions)
    }

    /// The transposed transform: a pair (a, b) of any level, of even and odd parts e + w o and e - w o, passes a + b on to e and
    /// w (a - b) to o. Blocks without columns are zero, which most are on the lower levels.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func addColumns(
        _ columns: [Int], weights: [F.Challenge], to output: UnsafeMutablePointer<F.Challenge>
    ) {
        let (messageBits, codeBits) = (outline.messageBits, outline.messageBits + outline.variant)
        let dual = AlignedBuffer<F.Challenge>(uninitialized: 1 << codeBits)
        // Lower levels of one piece after the other, so that it stays in the cache.
        let pieceBits = min(messageBits, 12)
        let order = columns.indices.sorted { columns[$0] < columns[$1] }
        let factors = Parallel.map(messageBits, work: { 1 << (codeBits - 1 - $0) }, large: .max) { level in
            let factors = AlignedBuffer<F.Base>(uninitialized: 1 << (codeBits - 1 - level))
            F.foldingFactors(codeBits: codeBits, level: level, into: factors.pointer)
            return factors
        }
        Parallel.forEach(1 << (codeBits - pieceBits)) { piece in
            let start = piece << pieceBits
            dual.pointer.advanced(by: start).fill(.zero, count: 1 << pieceBits)
            // By bisection, as pieces are many.
            var (low, high) = (0, order.count)
            while low < high {
                let middle = (low + high) / 2
                if columns[order[middle]] < start { low = middle + 1 } else { high = middle }
            }
            var blocks: [Int] = []
            while low < order.count, columns[order[low]] < start + 1 << pieceBits {
                let column = columns[order[low]]
                dual.pointer[column] += weights[order[low]]
                blocks.append(column)
                low += 1
            }
            for level in 0..<pieceBits {
                var last = -1
                blocks = blocks.compactMap { below in
                    let block = below >> 1
                    if block == last { return nil }
                    last = block
                    return block
                }
                for block in blocks {
                    transpose(dual.pointer + block << (level + 1), half: 1 << level, by: factors[level].pointer[block])
                }
            }
        }
        for level in pieceBits..<messageBits {
            // A block has many chunks, each with its partner half a block above.
            let (half, chunk) = (1 << level, 1 << min(level, 10))
            Parallel.forEachChunk(1 << (codeBits - 1) / chunk, grain: 2) { range in
                for k in range {
                    let (block, offset) = ((k * chunk) >> level, (k * chunk) & (half - 1))
                    transpose(
                        dual.pointer + block << (level + 1) + offset, half: half, count: chunk,
                        by: factors[level].pointer[block])
                }
            }
        }
        Parallel.forEachChunk(1 << messageBits, grain: 1 << 12) { range in
            let target = output + range.lowerBound
            for copy in 0..<1 << outline.variant {
                let part = dual.pointer + (copy << messageBits) + range.lowerBound
                F.add(target, part, into: target, count: range.count)
            }
        }
    }

    /// `low, high = low + high, factor (low - high)` for `count` entries, `high` the ones `half` above.
    @inline(__always)
    private func transpose(
        _ low: UnsafeMutablePointer<F.Challenge>, half: Int, count: Int? = nil, by factor: F.Base
    ) {
        let (high, count) = (low + half, count ?? half)
        if count < 32 {
            for i in 0..<count {
                let (a, b) = (low[i], high[i])
                low[i] = a + b
                high[i] = (a - b).scaled(by: factor)
            }
            return
        }
        // With the kernels for vectors, some entries at a time.
        withUnsafeTemporaryAllocation(of: F.Challenge.self, capacity: 256) { difference in
            let degree = F.Challenge.degree
            for start in stride(from: 0, to: count, by: 256) {
                let n = min(256, count - start)
                let (low, high, difference) = (low + start, high + start, difference.baseAddress!)
                difference.initialize(from: high, count: n)
                difference.withMemoryRebound(to: F.Base.self, capacity: n * degree) { difference in
                    low.withMemoryRebound(to: F.Base.self, capacity: n * degree) {
                        F.addScaled(base: $0, by: -F.Base.one, to: difference, count: n * degree)
                    }
                    F.add(low, high, into: low, count: n)
                    high.fill(.zero, count: n)
                    high.withMemoryRebound(to: F.Base.self, capacity: n * degree) {
                        F.addScaled(base: difference, by: -factor, to: $0, count: n * degree)
                    }
                }
            }
        }
    }

    /// A column is a product of one factor for each variable, so the verifier needs no table.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func columns(_ columns: [Int], weights: [F.Challenge], boundTo point: [F.Challenge]) -> [F.Challenge] {
        let (messageBits, codeBits) = (outline.messageBits, outline.messageBits + outline.variant)
        var result = [F.Challenge](repeating: .zero, count: 1 << (messageBits - point.count))
        for (j, weight) in zip(columns, weights) {
            let factors = F.foldingFactors(codeBits: codeBits, level: 0, position: j, count: messageBits)
            var scale = weight
            // (1 - r) + r w.
            for (r, factor) in zip(point, factors) { scale *= F.Challenge.one - r + r.scaled(by: factor) }
            var left = [F.Base.one]
            for factor in factors[point.count...] { left += left.map { $0 * factor } }
            for (i, part) in left.enumerated() { result[i] += scale.scaled(by: part) }
        }
        return result
    }
}

/// The same codes for rows whose code words are folded, "fri".
public struct FoldedReedSolomonCode<F: ProofField>: LinearCode {
    let code: ReedSolomonCode<F>

    public static var schemeName: String { "fri" }
    public static var rowOpenings: [RowOpening.Kind] { [.folded] }
    public static var options: Set<CommitmentOptions.Key> { [.rate, .columns, .arity, .grinding, .cap, .queries] }

    public static func outlines(messageBits: Int) -> [CodeOutline] {
        ReedSolomonCode<F>.outlines(messageBits: messageBits, rates: 1...4)
    }

    public init(_ outline: CodeOutline, failureBits: Int) { code = ReedSolomonCode(outline, failureBits: failureBits) }

    public var outline: CodeOutline { code.outline }
    public var description: String { code.description }
    public var proximityTheorem: String { code.proximityTheorem }
    public var budget: SoundnessBudget { code.budget }
    public static var isCheaperThanMemory: Bool { ReedSolomonCode<F>.isCheaperThanMemory }

    public func encode(interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int) {
        code.encode(interleaved: values, stride: stride, width: width)
    }

    public func encode(
        interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int, only positions: [Int]
    ) {
        code.encode(interleaved: values, stride: stride, width: width, only: positions)
    }

    public func addColumns(_ columns: [Int], weights: [F.Challenge], to output: UnsafeMutablePointer<F.Challenge>) {
        code.addColumns(columns, weights: weights, to: output)
    }

    public func columns(_ columns: [Int], weights: [F.Challenge], boundTo point: [F.Challenge]) -> [F.Challenge] {
        code.columns(columns, weights: weights, boundTo: point)
    }
}
