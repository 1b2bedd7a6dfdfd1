import Fields
import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The choice of matrix, code and opening for given vectors.
struct TensorCodeParameters<F: ProofField, Code: LinearCode>: Sendable where Code.F == F {
    let outline: CodeOutline
    let opening: RowOpening
    /// The columns that are drawn; where code words are folded, the plan has its own queries.
    let queries: QueryCount
    /// Grinding before they are drawn: as the user says, or none.
    let grindingBits: Int
    let rowCount: Int
    let budget: SoundnessBudget

    /// Bits that the queries alone are given on top of the wanted level, so that errors of other parts fit beside them.
    static var headroom: Int { 3 }
    /// Grinding before the queries of a folded word, where the user does not say.
    static var foldGrindingBits: Int { 16 }

    /// The cheapest parameters with a total error of at most `2^-securityBits`, or nil.
    ///
    /// The cost is the size of the opening in bytes plus one for each microsecond that a core takes to encode, fold and hash,
    /// so that small witnesses get small proofs and large weights a quick commitment. Costs are integers, so both sides order
    /// the candidates alike. (Whether the errors of one are small enough takes logarithms, which other systems may round
    /// otherwise; at such an edge the two would differ in the parameters that they absorb, and the proof be rejected.)
    static func cheapest(
        shapes: [TensorShape], securityBits: Int, options: CommitmentOptions
    ) -> TensorCodeParameters? {
        var candidates: [(cost: Int, outline: CodeOutline, opening: RowOpening, queries: QueryCount, rows: Int)] = []
        let padded = shapes.reduce(0) { $0 + $1.paddedCount }
        let most = min(max(TensorShape.bits(max(padded, 1)), 1), 30)
        let wanted = securityBits + headroom
        let mostGrinding = max(0, wanted - 1)
        let grinding = min(options.grindingBits ?? 0, mostGrinding)
        let foldGrinding = min(options.grindingBits ?? foldGrindingBits, mostGrinding)
        // No more columns than there are entries: the option is one for all commitments of a proof, small ones included.
        let given = options.columnBits.map { min($0, most) }
        for bits in given.map({ $0...$0 }) ?? 1...most {
            let rows = MatrixLayout.rowCount(shapes, columnBits: bits)
            // Too few columns for so many rows to be anywhere near the optimum.
            if options.columnBits == nil && bits < most && rows > 4096 << bits { continue }
            // More rows than any model needs: only a hostile key would make a verifier allocate for them.
            if rows > 1 << 22 { continue }
            func plan(_ rates: [Int], firstWord: Int, fibreBytes: Int) -> FoldingPlan? {
                FoldingPlan.cheapest(
                    F.self, messageBits: bits, rates: rates, firstWord: firstWord, fibreBytes: fibreBytes,
                    securityBits: wanted, grindingBits: foldGrinding, options: options)
            }
            var switched: FoldingPlan?
            if Code.rowOpenings.contains(.switched) && options.switches != false {
                switched = plan([1, 2, 3, 4], firstWord: 0, fibreBytes: 0)
            }
            for outline in Code.outlines(messageBits: bits)
            where options.logInverseRate == nil || outline.variant == options.logInverseRate {
                // What a fixed number of queries is about: the queries of the columns, where they are drawn.
                let wrong = outline.radius + 1
                let queries =
                    options.queries.map {
                        QueryCount(length: outline.length, wrong: wrong, count: min($0, outline.length))
                    }
                    ?? QueryCount(length: outline.length, wrong: wrong, bits: wanted - grinding)
                for kind in Code.rowOpenings {
                    let opening: RowOpening
                    switch kind {
                    case .sent:
                        if options.switches == true || bits > 22 { continue }
                        opening = .sent
                    case .folded:
                        guard
                            let plan = plan(
                                [outline.variant], firstWord: 1, fibreBytes: rows * F.Base.byteCount)
                        else { continue }
                        opening = .folded(plan)
                    case .switched:
                        guard let switched else { continue }
                        opening = .switched(switched)
                    }
                    let cost = cost(outline, opening, queries, grindingBits: grinding, rows)
                    candidates.append((cost, outline, opening, queries, rows))
                }
            }
        }
        candidates.sort { $0.cost < $1.cost }
        for candidate in candidates {
            if let parameters = TensorCodeParameters(
                candidate.outline, candidate.opening, candidate.queries, grindingBits: grinding,
                rowCount: candidate.rows, securityBits: securityBits)
            {
                return parameters
            }
        }
        return nil
    }

    /// The same for one code, whose rows are sent.
    init?(_ outline: CodeOutline, rowCount: Int, securityBits: Int) {
        let queries = QueryCount(
            length: outline.length, wrong: outline.radius + 1, bits: securityBits + Self.headroom)
        self.init(outline, .sent, queries, grindingBits: 0, rowCount: rowCount, securityBits: securityBits)
    }

    private init?(
        _ outline: CodeOutline, _ opening: RowOpening, _ queries: QueryCount, grindingBits: Int, rowCount: Int,
        securityBits: Int
    ) {
        self.outline = outline
        self.opening = opening
        self.queries = queries
        self.grindingBits = grindingBits
        self.rowCount = rowCount
        var budget: SoundnessBudget
        if case .folded(let plan) = opening {
            budget = Self.algebraicBudget(outline.messageBits, lineThreshold: plan.positionCount)
        } else {
            budget =
                Self.algebraicBudget(outline.messageBits, lineThreshold: outline.lineThreshold)
                + SoundnessBudget([
                    queries.component(
                        "column queries", of: outline.length, "columns", wrong: outline.radius + 1,
                        grindingBits: grindingBits)
                ])
        }
        if case .switched = opening {
            budget.components.append(
                .init(name: "column batching", bits: Self.challengeBits, theorem: "independent coefficients"))
        }
        if let plan = opening.plan { budget = budget + plan.budget(challengeBits: Self.challengeBits) }
        self.budget = budget
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
    static func algebraicBudget(_ columnBits: Int, lineThreshold: Int) -> SoundnessBudget {
        func bits(_ numerator: Int) -> Double { challengeBits - log2(Double(numerator)) }
        let proximity = bits(lineThreshold + 1)
        return SoundnessBudget([
            .init(
                name: "claim batching and padding", bits: bits(columnBits + 1),
                theorem: "(c + 1) / |E|, independent coefficients, eq at a random point"),
            .init(name: "column sumcheck", bits: bits(2 * columnBits), theorem: "2 c / |E|"),
            .init(name: "row batching", bits: bits(1), theorem: "independent coefficients"),
            .init(name: "proximity of the random row", bits: proximity, theorem: "(a + 1) / |E|, line theorem"),
            .init(name: "proximity of the whole row", bits: proximity, theorem: "(a + 1) / |E|, line theorem"),
        ])
    }

    /// Bytes of an opening, roughly, and microseconds of one core.
    private static func cost(
        _ outline: CodeOutline, _ opening: RowOpening, _ queries: QueryCount, grindingBits: Int, _ rowCount: Int
    ) -> Int {
        let leafBits = TensorShape.bits(outline.length)
        let columnBytes = rowCount * F.Base.byteCount
        let element = F.Challenge.byteCount
        var bytes = 2 * outline.messageBits * element
        // Rows are encoded to commit and, where code words are not kept, again to open: of weights that is what every proof pays.
        // Then hashing, and fresh memory for code words, leaves and nodes, which on virtual machines takes a nanosecond a byte.
        var nanoseconds =
            rowCount * outline.encodingNanoseconds * (Code.isCheaperThanMemory ? 2 : 1) + outline.setupNanoseconds
            + outline.length * (columnBytes * 3 / 2 + 150)
        if case .folded(let plan) = opening {
            bytes += (plan.queryCount << plan.foldBits[0]) * columnBytes
            bytes += 32 * FoldingPlan.siblings(queries: plan.queryCount, leafBits: plan.codeBits(1))
            bytes += plan.bytes(from: 1, elementBytes: element)
            nanoseconds += plan.nanoseconds(from: 1, elementBytes: element)
        } else {
            bytes += queries.count * columnBytes + 32 * FoldingPlan.siblings(queries: queries.count, leafBits: leafBits)
            nanoseconds += FoldingPlan.grindingNanoseconds(grindingBits)
            if case .switched(let plan) = opening {
                bytes += plan.bytes(from: 0, elementBytes: element)
                nanoseconds += plan.nanoseconds(from: 0, elementBytes: element)
                // The columns of the generator matrix.
                nanoseconds += outline.length * outline.messageBits * element / 4 + outline.setupNanoseconds
            } else {
                bytes += (1 << outline.messageBits) * element
            }
        }
        return bytes + nanoseconds / 1000
    }
}
