import Transcripts

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How likely a false statement passes, part by part: a list of errors, each with the theorem that bounds it.
///
/// Errors are probabilities over the verifier's challenges, whatever the prover does, and only proved ones are listed. After
/// grinding they are those of one attempt times 2^-bits: attempts take 2^bits hashes each.
/// That hash functions are collision-free is an assumption and no entry (256-bit digests: 2^128 work for a collision). What
/// else is assumed is said in `assumptions`, and does not add to the errors: they are bounds for provers who cannot break
/// the assumptions.
public struct SoundnessBudget: Hashable, Sendable, CustomStringConvertible {
    /// One way to be deceived: the error is at most `2^-bits`.
    public struct Component: Hashable, Sendable {
        /// A short name: "queries", "column sumcheck".
        public let name: String
        /// Minus the binary logarithm of the error, rounded towards less security; infinite where nothing can go wrong.
        public let bits: Double
        /// What bounds the error.
        public let theorem: String

        public init(name: String, bits: Double, theorem: String) {
            self.name = name
            self.bits = bits
            self.theorem = theorem
        }
    }

    public var components: [Component]
    /// What the errors rest on besides the hash function.
    public var assumptions: [Assumption]

    /// Something assumed and not proved.
    public struct Assumption: Hashable, Sendable {
        public let text: String
        /// The binary logarithm of the work that the best attack known takes, rounded down; nil where it is no matter of work.
        public let bits: Int?
        /// Known not to hold: proofs show nothing, and are for experiments.
        public let isFalse: Bool

        public init(_ text: String, bits: Int? = nil, isFalse: Bool = false) {
            self.text = text
            self.bits = bits
            self.isFalse = isFalse
        }
    }

    /// Whether something assumed is known not to hold.
    public var isInsecure: Bool { assumptions.contains(where: \.isFalse) }

    /// The least work that breaks an assumption; nil where only the hash function is assumed.
    public var assumedBits: Int? { assumptions.compactMap(\.bits).min() }

    public init(_ components: [Component] = [], assumptions: [Assumption] = []) {
        self.components = components
        self.assumptions = assumptions
    }

    /// Minus the binary logarithm of the sum of the errors; infinite for an empty budget.
    public var totalBits: Double {
        let least = components.map(\.bits).min() ?? .infinity
        guard least.isFinite else { return .infinity }
        let sum = components.reduce(0.0) { $0 + exp2(least - $1.bits) }
        return least - log2(sum)
    }

    /// What may be promised: `totalBits` rounded down (999 for an error of zero), or `assumedBits` where that is less.
    public var wholeBits: Int { min(Int(max(0, min(totalBits.rounded(.down), 999))), assumedBits ?? 999) }

    /// The union of two budgets: the errors add.
    public static func + (a: SoundnessBudget, b: SoundnessBudget) -> SoundnessBudget {
        SoundnessBudget(
            a.components + b.components,
            assumptions: a.assumptions + b.assumptions.filter { !a.assumptions.contains($0) })
    }

    /// A line for each component, then the total, then the assumptions.
    public var description: String {
        var lines = components.map { part in
            let bits = part.bits.isFinite ? "\((part.bits * 10).rounded(.down) / 10)" : "exact"
            return "\(part.name): \(bits) bits (\(part.theorem))"
        }
        lines.append("total: \(wholeBits) bits")
        lines += assumptions.map { "assumed: \($0.text)" }
        return lines.joined(separator: "\n")
    }
}

/// A probability far below the least Double: `significand * 2^exponent` with the significand in [1, 2).
///
/// Only multiplication and division of Doubles, which IEEE 754 fixes to the last bit, decide the parameters that prover
/// and verifier derive on different machines; logarithms are for display.
struct SmallProbability {
    private(set) var significand = 1.0
    private(set) var exponent = 0

    mutating func multiply(by factor: Double) {
        let product = significand * factor
        if product == 0 {
            significand = 0
            return
        }
        exponent += Int(product.exponent)
        significand = product.significand
    }

    /// True only if the probability is below `2^-bits`, with room for the rounding of some 10^6 multiplications.
    func isBelow(bits: Int) -> Bool {
        significand == 0 || exponent < -bits - 1 || (exponent == -bits - 1 && significand < 2 - 1e-9)
    }

    /// Minus the binary logarithm, rounded down a little.
    var bits: Double { significand == 0 ? .infinity : -(Double(exponent) + log2(significand)) - 1e-9 }
}

/// Spot checks: `count` distinct positions out of `length`, at least `wrong` of which are wrong.
package struct QueryCount: Hashable, Sendable {
    package let count: Int
    /// Minus the logarithm of the probability that no wrong position is among them.
    package let bits: Double

    /// The fewest queries that miss with probability below `2^-bits`. Sampling is without replacement, and the
    /// probability is the hypergeometric C(length - wrong, count) / C(length, count) itself, a product of `count`
    /// fractions. As many queries as there are right positions, and one, cannot miss.
    package init(length: Int, wrong: Int, bits: Int) {
        precondition(wrong >= 1 && wrong <= length)
        var miss = SmallProbability()
        var count = 0
        while !miss.isBelow(bits: bits) {
            miss.multiply(by: Double(length - wrong - count) / Double(length - count))
            count += 1
        }
        self.count = count
        self.bits = miss.bits
    }

    /// The error of these queries where a new set of them takes `2^grindingBits` hashes.
    func component(
        _ name: String, of length: Int, _ places: String, wrong: Int, grindingBits: Int
    ) -> SoundnessBudget.Component {
        var theorem = "\(count) of \(length) \(places) without replacement, at least \(wrong) wrong: hypergeometric"
        if grindingBits > 0 {
            theorem += ", and \(Grinding.theorem(bits: grindingBits))"
        }
        return .init(name: name, bits: bits + Double(grindingBits), theorem: theorem)
    }

    /// A number of queries that is given; there are at most `length`.
    package init(length: Int, wrong: Int, count: Int) {
        precondition(wrong >= 1 && wrong <= length && count <= length)
        var miss = SmallProbability()
        for k in 0..<min(count, length - wrong + 1) {
            miss.multiply(by: Double(length - wrong - k) / Double(length - k))
        }
        self.count = count
        self.bits = miss.bits
    }
}
