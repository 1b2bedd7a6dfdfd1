import Fields
import Tensors
import Transcripts

/// Sumchecks over multilinear tables, prover beside verifier (Lund, Fortnow, Karloff, Nisan; Thaler 2013 for the linear-time
/// prover). Variables are bound from the lowest; the point that comes out lists them in that order.
///
/// The verifier's functions return the claim that is left on the product of the factors at the point; the caller checks it
/// against values of the factors, which it must turn into claims of its own.
public enum Sumcheck<F: ProofField> {
    public typealias E = F.Challenge

    /// The sum of `body` over ranges of pairs, on all threads: over blocks where some tables hold integers, with room for a
    /// block of each of three tables.
    private static func sum<R>(
        _ pairs: Int, inBlocks: Bool, zero: R, add: (R, R) -> R,
        _ body: (Range<Int>, UnsafeMutablePointer<E>?) -> R
    ) -> R {
        func piece(_ range: Range<Int>) -> R {
            if !inBlocks { return body(range, nil) }
            let size = FoldingTable<F>.blockSize
            return withUnsafeTemporaryAllocation(of: E.self, capacity: 3 * size) { blocks in
                var result = zero
                for start in stride(from: range.lowerBound, to: range.upperBound, by: size / 2) {
                    result = add(result, body(start..<min(range.upperBound, start + size / 2), blocks.baseAddress!))
                }
                return result
            }
        }
        if pairs < 1 << 9 || Parallel.threadCount == 1 { return piece(0..<pairs) }
        let grain = max(1 << 8, min(1 << 10, pairs / (2 * Parallel.threadCount)))
        let pieces = (pairs + grain - 1) / grain
        let results = [R](unsafeUninitializedCapacity: pieces) { buffer, count in
            let base = SendablePointer(buffer.baseAddress!)
            Parallel.forEach(pieces) { i in
                (base.pointer + i).initialize(to: piece(i * grain..<min(pairs, (i + 1) * grain)))
            }
            count = pieces
        }
        return results.reduce(zero, add)
    }

    // MARK: Product of two factors

    /// Proves `sum over x of a(x) b(x) = claim`. Sends s(0) and the leading coefficient each round; s(1) follows.
    /// Overwrites the tables; afterwards they hold their values at the returned point, which are *not* sent.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func proveProduct(
        _ a: FoldingTable<F>, _ b: FoldingTable<F>, claim: E, transcript: ProverTranscript
    ) -> [E] {
        var point: [E] = []
        var claim = claim
        for _ in 0..<a.variableCount {
            let pairs = a.prepare()
            b.prepare()
            let s = sum(
                pairs, inBlocks: a.isInteger || b.isInteger, zero: (E.zero, E.zero),
                add: { ($0.0 + $1.0, $0.1 + $1.1) }
            ) { range, blocks in
                let s = F.roundProduct2(a.entries(range, blocks, 0), b.entries(range, blocks, 1), pairs: range.count)
                return (s.atZero, s.leading)
            }
            transcript.send("sumcheck round", [s.0, s.1])
            let r: E = transcript.challenge("sumcheck challenge")
            claim = quadratic(atZero: s.0, atOne: claim - s.0, leading: s.1, at: r)
            FoldingTable.fold([(a, r), (b, r)])
            point.append(r)
        }
        return point
    }

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func verifyProduct(
        claim: E, variables: Int, transcript: VerifierTranscript
    ) throws -> (point: [E], claim: E) {
        var point: [E] = []
        var claim = claim
        for _ in 0..<variables {
            let s: [E] = try transcript.receive("sumcheck round", count: 2)
            let r: E = transcript.challenge("sumcheck challenge")
            claim = quadratic(atZero: s[0], atOne: claim - s[0], leading: s[1], at: r)
            point.append(r)
        }
        return (point, claim)
    }

    // MARK: Product of three factors

    /// Proves `sum over x of a(x) b(x) c(x) = claim`. Sends s(0), s(-1) and the leading coefficient.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func proveProduct(
        _ a: FoldingTable<F>, _ b: FoldingTable<F>, _ c: FoldingTable<F>, claim: E, transcript: ProverTranscript
    ) -> [E] {
        var point: [E] = []
        var claim = claim
        for _ in 0..<a.variableCount {
            let pairs = a.prepare()
            b.prepare()
            c.prepare()
            let s = sum(
                pairs, inBlocks: a.isInteger || b.isInteger || c.isInteger, zero: (E.zero, E.zero, E.zero),
                add: { ($0.0 + $1.0, $0.1 + $1.1, $0.2 + $1.2) }
            ) { range, blocks in
                let s = F.roundProduct3(
                    a.entries(range, blocks, 0), b.entries(range, blocks, 1), c.entries(range, blocks, 2),
                    pairs: range.count)
                return (s.atZero, s.atMinusOne, s.leading)
            }
            transcript.send("sumcheck round", [s.0, s.1, s.2])
            let r: E = transcript.challenge("sumcheck challenge")
            claim = cubic(atZero: s.0, atOne: claim - s.0, atMinusOne: s.1, leading: s.2, at: r)
            FoldingTable.fold([(a, r), (b, r), (c, r)])
            point.append(r)
        }
        return point
    }

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func verifyTripleProduct(
        claim: E, variables: Int, transcript: VerifierTranscript
    ) throws -> (point: [E], claim: E) {
        var point: [E] = []
        var claim = claim
        for _ in 0..<variables {
            let s: [E] = try transcript.receive("sumcheck round", count: 3)
            let r: E = transcript.challenge("sumcheck challenge")
            claim = cubic(atZero: s[0], atOne: claim - s[0], atMinusOne: s[1], leading: s[2], at: r)
            point.append(r)
        }
        return (point, claim)
    }

    // MARK: eq times a product of two factors

    /// Proves `sum over x of eq(at, x) a(x) b(x) = claim`. The factor eq is linear in each variable and known to both sides,
    /// so a round sends t(0) and the leading coefficient of the quadratic t that remains (Gruen, ePrint 2024/108): t(1) follows
    /// from the claim, `(1 - z) t(0) + z t(1)`, unless the point's coordinate z is zero, where it is sent too.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func proveEqProduct(
        at outer: [E], _ a: FoldingTable<F>, _ b: FoldingTable<F>, claim: E, transcript: ProverTranscript
    ) -> [E] {
        var point: [E] = []
        var claim = claim
        var weights = EqWeights<F>(a.dimensions, point: outer)
        let inverses = inverses(outer)
        for round in 0..<a.variableCount {
            let pairs = a.prepare()
            b.prepare()
            let w = weights.pointer
            let low = outer[round]
            let inBlocks = a.isInteger || b.isInteger
            var t = sum(pairs, inBlocks: inBlocks, zero: (E.zero, E.zero), add: { ($0.0 + $1.0, $0.1 + $1.1) }) {
                range, blocks in
                let t = F.roundWeightedProduct2(
                    weights: w + range.lowerBound, a.entries(range, blocks, 0), b.entries(range, blocks, 1),
                    pairs: range.count)
                return (t.atZero, t.leading)
            }
            t = (weights.factor * t.0, weights.factor * t.1)
            let atOne: E
            if low.isZero {
                // A fixed index: the claim says nothing of t(1), so it is computed.
                let direct = sum(pairs, inBlocks: inBlocks, zero: E.zero, add: +) { range, blocks in
                    let (a, b) = (a.entries(range, blocks, 0), b.entries(range, blocks, 1))
                    var sum = E.zero
                    for i in 0..<range.count { sum += w[range.lowerBound + i] * (a[2 * i + 1] * b[2 * i + 1]) }
                    return sum
                }
                atOne = weights.factor * direct
            } else {
                atOne = (claim - (E.one - low) * t.0) * inverses[round]
            }
            transcript.send("sumcheck round", low.isZero ? [t.0, t.1, atOne] : [t.0, t.1])
            let r: E = transcript.challenge("sumcheck challenge")
            claim = quadratic(atZero: t.0, atOne: atOne, leading: t.1, at: r)
            FoldingTable.fold([(a, r), (b, r)] + weights.fold)
            weights.advance()
            point.append(r)
        }
        return point
    }

    /// Verifies rounds of a sumcheck with `eq(at, x)` factored out; what is left is a claim on the rest alone.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func verifyEqRounds(
        claim: E, at outer: [E], transcript: VerifierTranscript
    ) throws -> (point: [E], claim: E) {
        var point: [E] = []
        var claim = claim
        for (low, inverse) in zip(outer, inverses(outer)) {
            let t: [E] = try transcript.receive("sumcheck round", count: low.isZero ? 3 : 2)
            guard !low.isZero || t[0] == claim else {
                throw VerificationError(check: "sumcheck", detail: "round \(point.count) does not add up to its claim")
            }
            let atOne = low.isZero ? t[2] : (claim - (E.one - low) * t[0]) * inverse
            let r: E = transcript.challenge("sumcheck challenge")
            claim = quadratic(atZero: t[0], atOne: atOne, leading: t[1], at: r)
            point.append(r)
        }
        return (point, claim)
    }

    /// The inverses of a point's coordinates; zeros stay zeros.
    static func inverses(_ point: [E]) -> [E] {
        var result = point
        result.withUnsafeMutableBufferPointer { if let start = $0.baseAddress { F.invert(start, count: $0.count) } }
        return result
    }

    // MARK: Interpolation

    /// The quadratic with these values at 0 and 1 and this leading coefficient, at `r`.
    @inlinable
    public static func quadratic(atZero: E, atOne: E, leading: E, at r: E) -> E {
        // c0 + c1 r + c2 r^2, c1 = s(1) - c0 - c2.
        atZero + r * (atOne - atZero - leading + r * leading)
    }

    /// The cubic with these values at 0, 1, -1 and this leading coefficient, at `r`.
    @inlinable
    public static func cubic(atZero: E, atOne: E, atMinusOne: E, leading: E, at r: E) -> E {
        // s(1) + s(-1) = 2 c0 + 2 c2.
        let c2 = (atOne + atMinusOne) * E.half - atZero
        let c1 = atOne - atZero - c2 - leading
        return atZero + r * (c1 + r * (c2 + r * leading))
    }
}

/// A pointer that worker threads may share because they write disjoint parts.
struct SendablePointer<T>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<T>
    init(_ pointer: UnsafeMutablePointer<T>) { self.pointer = pointer }
}
