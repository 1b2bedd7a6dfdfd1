import Fields
import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The choice of matrix and code for given vectors.
struct TensorCodeParameters<F: ProofField, Code: LinearCode>: Sendable where Code.F == F {
    let outline: CodeOutline
    let queries: QueryCount
    let rowCount: Int
    let budget: SoundnessBudget

    /// Bits that the queries alone are given on top of the wanted level, so that errors of other parts fit beside them.
    static var headroom: Int { 3 }

    /// The cheapest parameters with a total error of at most `2^-securityBits`, or nil.
    ///
    /// The cost is the size of the opening in bytes plus one for each microsecond that a core takes to encode and hash,
    /// so that small witnesses get small proofs and large weights a quick commitment. Integers only: both sides get the
    /// same.
    init?(shapes: [TensorShape], securityBits: Int) {
        var best: (cost: Int, parameters: TensorCodeParameters)?
        let padded = shapes.reduce(0) { $0 + $1.paddedCount }
        let most = min(max(TensorShape.bits(max(padded, 1)), 1), 30)
        for bits in 1...most {
            let rows = MatrixLayout.rowCount(shapes, columnBits: bits)
            // Too few columns for so many rows to be anywhere near the optimum.
            if bits < most && rows > 4096 << bits { continue }
            // More rows than any model needs: only a hostile key would make a verifier allocate for them.
            if rows > 1 << 22 { continue }
            for outline in Code.outlines(messageBits: bits) {
                guard
                    let parameters = TensorCodeParameters(outline, rowCount: rows, securityBits: securityBits)
                else { continue }
                let cost = parameters.cost
                if best == nil || cost < best!.cost { best = (cost, parameters) }
            }
        }
        guard let best else { return nil }
        self = best.parameters
    }

    init?(_ outline: CodeOutline, rowCount: Int, securityBits: Int) {
        self.outline = outline
        self.rowCount = rowCount
        self.queries = QueryCount(
            length: outline.length, wrong: outline.radius + 1, bits: securityBits + Self.headroom)
        self.budget =
            Self.algebraicBudget(outline)
            + SoundnessBudget([
                .init(
                    name: "column queries", bits: queries.bits,
                    theorem: "\(queries.count) of \(outline.length) columns without replacement, at least "
                        + "\(outline.radius + 1) wrong: hypergeometric")
            ])
        guard budget.totalBits >= Double(securityBits) else { return nil }
    }

    /// log2 of the number of challenges, rounded down a little.
    static var challengeBits: Double { baseBits * Double(F.Challenge.degree) - 1e-6 }

    /// log2 of the characteristic.
    static var baseBits: Double {
        var bits = 0.0
        for (i, word) in F.modulus.enumerated() where word != 0 {
            let next = i > 0 ? Double(F.modulus[i - 1]) * 0x1p-64 : 0
            bits = 64 * Double(i) + log2(Double(word) + next)
        }
        return bits
    }

    /// The errors over the field alone.
    static func algebraicBudget(_ outline: CodeOutline) -> SoundnessBudget {
        func bits(_ numerator: Int) -> Double { challengeBits - log2(Double(numerator)) }
        let proximity = bits(outline.lineThreshold + 1)
        return SoundnessBudget([
            .init(
                name: "claim batching and padding", bits: bits(outline.messageBits + 1),
                theorem: "(c + 1) / |E|, independent coefficients, eq at a random point"),
            .init(name: "column sumcheck", bits: bits(2 * outline.messageBits), theorem: "2 c / |E|"),
            .init(name: "row batching", bits: bits(1), theorem: "independent coefficients"),
            .init(name: "proximity of the random row", bits: proximity, theorem: "(a + 1) / |E|, line theorem"),
            .init(name: "proximity of the row sent", bits: proximity, theorem: "(a + 1) / |E|, line theorem"),
        ])
    }

    /// Bytes of an opening, roughly: the tree's siblings below the levels that the queries fill.
    var openingBytes: Int {
        let leafBits = TensorShape.bits(outline.length)
        let filled = TensorShape.bits(queries.count + 1) - 1
        return queries.count * (rowCount * F.Base.byteCount + 32 * max(0, leafBits - filled))
            + (1 << outline.messageBits) * F.Challenge.byteCount + 2 * outline.messageBits * F.Challenge.byteCount
    }

    var cost: Int {
        let hashing = outline.length * (rowCount * F.Base.byteCount / 2 + 40)
        return openingBytes + (rowCount * outline.encodingNanoseconds + outline.setupNanoseconds + hashing) / 1000
    }
}
