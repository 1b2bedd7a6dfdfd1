import Fields
import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The sizes of a proof by folding (`FoldingProof`).
///
/// Words 0, 1, 2, ... are folded one into the next: word i has length `2^codeBits(i)`, and `2^foldBits[i]` of its entries, a
/// *fibre*, lie above each entry of word i + 1. After the last fold the message, by then of `2^finalBits` entries, is sent.
public struct FoldingPlan: Hashable, Sendable {
    /// log2 of the number of entries of the message.
    public let messageBits: Int
    public let logInverseRate: Int
    public let foldBits: [Int]
    /// Positions of word 1 that are checked, down to the end.
    let queries: QueryCount
    public let grindingBits: Int
    /// log2 of the number of nodes of Merkle caps, where trees are as high as that.
    public let capBits: Int

    public var queryCount: Int { queries.count }
    /// log2 of the length of a word.
    public func codeBits(_ word: Int) -> Int { messageBits + logInverseRate - level(word) }
    /// The number of variables bound before a word.
    public func level(_ word: Int) -> Int { foldBits[..<word].reduce(0, +) }
    public var finalBits: Int { messageBits - level(foldBits.count) }
    /// The number of positions of word 1.
    public var positionCount: Int { 1 << codeBits(1) }

    /// The radius e of a word: half the distance of the Reed-Solomon code that it is to be of, rounded down.
    static func radius(codeBits: Int, logInverseRate: Int) -> Int {
        ((1 << codeBits) - (1 << (codeBits - logInverseRate))) / 2
    }

    /// Nil where the number of queries that is asked for does not give so many bits.
    init?(
        messageBits: Int, logInverseRate: Int, foldBits: [Int], securityBits: Int, grindingBits: Int, capBits: Int,
        queries: Int?
    ) {
        precondition(foldBits.count > 0 && foldBits.allSatisfy { $0 > 0 } && foldBits.reduce(0, +) <= messageBits)
        self.messageBits = messageBits
        self.logInverseRate = logInverseRate
        self.foldBits = foldBits
        self.grindingBits = grindingBits
        self.capBits = capBits
        let codeBits = messageBits + logInverseRate - foldBits[0]
        self.queries = Self.queries(
            codeBits: codeBits, logInverseRate: logInverseRate, bits: max(1, securityBits - grindingBits),
            count: queries)
        guard self.queries.bits + Double(grindingBits) >= Double(securityBits) else { return nil }
    }

    private static func queries(codeBits: Int, logInverseRate: Int, bits: Int, count: Int?) -> QueryCount {
        let length = 1 << codeBits
        let wrong = radius(codeBits: codeBits, logInverseRate: logInverseRate) + 1
        if let count { return QueryCount(length: length, wrong: wrong, count: min(count, length)) }
        return QueryCount(length: length, wrong: wrong, bits: bits)
    }

    /// The errors of one proof, given log2 of the number of challenges.
    func budget(challengeBits: Double) -> SoundnessBudget {
        // For each variable of the i-th fold: the length of the next word for the line theorem, the radius for wrong fibres
        // that a challenge makes right.
        var folds = 0
        for (i, bits) in foldBits.enumerated() {
            let next = codeBits(i + 1)
            folds += bits * ((1 << next) + Self.radius(codeBits: next, logInverseRate: logInverseRate))
        }
        return SoundnessBudget([
            .init(name: "fold sumcheck", bits: challengeBits - log2(Double(2 * messageBits)), theorem: "2 c / |E|"),
            .init(
                name: "folds", bits: challengeBits - log2(Double(folds)),
                theorem: "sum of (n + e) / |E| for each variable, line theorem (ePrint 2020/654, 4.1, unique decoding)"),
            queries.component(
                "fold queries", of: positionCount, "positions",
                wrong: Self.radius(codeBits: codeBits(1), logInverseRate: logInverseRate) + 1,
                grindingBits: grindingBits),
        ])
    }

    // MARK: Costs, for the choice of parameters

    /// Nodes of a multi-opening of a tree, roughly: siblings below the levels that the queries fill.
    static func siblings(queries: Int, leafBits: Int) -> Int {
        queries * max(0, leafBits - (TensorShape.bits(queries + 1) - 1))
    }

    /// Bytes of words from `first` on, of the sumcheck and the final message.
    func bytes(from first: Int, elementBytes: Int) -> Int {
        var bytes = elementBytes * ((1 << finalBits) + 2 * messageBits) + (grindingBits > 0 ? 8 : 0)
        for i in first..<max(first, foldBits.count) {
            let leaves = codeBits(i + 1)
            // One entry of a fibre is known from the word before, but for the first word.
            let sent = (1 << foldBits[i]) - (i > 0 ? 1 : 0)
            bytes += min(queries.count, 1 << leaves) * sent * elementBytes
            bytes += 32 * (Self.siblings(queries: queries.count, leafBits: leaves) + 1)
        }
        return bytes
    }

    /// Nanoseconds of one core to fold, hash and grind.
    func nanoseconds(from first: Int, elementBytes: Int) -> Int {
        var entries = 2 << codeBits(0)
        for i in first..<max(first, foldBits.count) { entries += 1 << codeBits(i) }
        return entries * elementBytes + Self.grindingNanoseconds(grindingBits)
    }

    static func grindingNanoseconds(_ bits: Int) -> Int { bits > 0 ? 50 << bits : 0 }

    /// The cheapest plan for a message, in bytes and microseconds; nil where there is none. `firstWord` is 0 where the plan's
    /// own word 0 is committed to, and 1 where it is known otherwise, at `fibreBytes` for an entry of a fibre.
    static func cheapest<F: ProofField>(
        _: F.Type, messageBits: Int, rates: [Int], firstWord: Int, fibreBytes: Int, securityBits: Int,
        grindingBits: Int, options: CommitmentOptions
    ) -> FoldingPlan? {
        let element = F.Challenge.byteCount
        var best: (cost: Int, plan: FoldingPlan)?
        for rate in rates where messageBits + rate <= F.maximumCodeBits {
            for firstFold in options.foldBits.map({ [min($0, messageBits)] }) ?? [1, 2, 3]
            where firstFold <= messageBits {
                // The queries depend on these two only.
                var known: FoldingPlan?
                for arity in options.foldBits.map({ [$0] }) ?? [2, 3, 4] {
                    for final in 4...9 {
                        var folds = [firstFold]
                        var left = messageBits - firstFold
                        while left > final {
                            folds.append(min(arity, left - final))
                            left -= folds.last!
                        }
                        let plan: FoldingPlan
                        if let known {
                            plan = FoldingPlan(known, foldBits: folds)
                        } else {
                            // A number of queries that is given is judged with all other errors, by the budget.
                            guard
                                let new = FoldingPlan(
                                    messageBits: messageBits, logInverseRate: rate, foldBits: folds,
                                    securityBits: options.queries == nil ? securityBits : 1, grindingBits: grindingBits,
                                    capBits: options.capBits ?? 0, queries: options.queries)
                            else { break }
                            known = new
                            plan = new
                        }
                        let cost =
                            plan.bytes(from: firstWord, elementBytes: element) + (plan.queryCount << firstFold)
                            * fibreBytes
                            + plan.nanoseconds(from: firstWord, elementBytes: element) / 1000
                        if best == nil || cost < best!.cost { best = (cost, plan) }
                    }
                }
            }
        }
        return best?.plan
    }

    /// The same with other folds after the first.
    private init(_ plan: FoldingPlan, foldBits: [Int]) {
        messageBits = plan.messageBits
        logInverseRate = plan.logInverseRate
        self.foldBits = foldBits
        queries = plan.queries
        grindingBits = plan.grindingBits
        capBits = plan.capBits
    }
}

extension FoldingPlan: CustomStringConvertible {
    public var description: String {
        "folds \(messageBits) bits rate 1/\(1 << logInverseRate) by \(foldBits.map(String.init).joined(separator: "+")) "
            + "queries \(queryCount) grinding \(grindingBits) cap \(capBits)"
    }
}
