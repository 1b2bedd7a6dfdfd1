import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Sizes and degrees of expander codes; see `ExpanderCode` for the bounds.
enum ExpanderParameters {
    /// A choice of alpha, beta and r, in ten-thousandths, with the edges for each message entry that it takes, roughly.
    struct Row {
        let alpha: Int
        let beta: Int
        let rate: Int
        let edges: Int

        /// Messages up to here are encoded by polynomial evaluation.
        static let largestBase = 64

        func length(_ n: Int) -> Int { Row.share(rate, of: n) }
        func inner(_ n: Int) -> Int { Row.share(alpha, of: n) }
        func distance(_ n: Int) -> Int {
            n <= Row.largestBase ? length(n) - n + 1 : Row.share(beta, of: n)
        }

        /// ceil(n * part / 10,000).
        private static func share(_ part: Int, of n: Int) -> Int { (n * part + 9_999) / 10_000 }
    }

    /// The rows of the paper's table, and four with a greater distance for more edges, which the union bound also
    /// allows. The length r n <= 2 n fills a tree of 2n leaves.
    static let rows = [
        Row(alpha: 1195, beta: 284, rate: 14_200, edges: 11),
        Row(alpha: 1380, beta: 444, rate: 14_700, edges: 12),
        Row(alpha: 1780, beta: 610, rate: 15_210, edges: 13),
        Row(alpha: 2000, beta: 820, rate: 16_400, edges: 14),
        Row(alpha: 2110, beta: 970, rate: 16_160, edges: 16),
        Row(alpha: 2380, beta: 1205, rate: 17_200, edges: 17),
        Row(alpha: 2600, beta: 1500, rate: 18_000, edges: 20),
        Row(alpha: 3000, beta: 2000, rate: 20_000, edges: 25),
        Row(alpha: 3200, beta: 2300, rate: 20_000, edges: 31),
        Row(alpha: 3400, beta: 2700, rate: 20_000, edges: 53),
    ]

    /// One step of the recursion.
    struct Level: Equatable {
        let n: Int
        /// Columns and row degree of A.
        let m: Int
        let c: Int
        /// Rows, columns and row degree of B.
        let innerLength: Int
        let checks: Int
        let d: Int
    }

    /// The steps for messages of `n` entries, outermost first. Each matrix fails with probability at most
    /// `2^-failureBits`.
    static func levels(_ n: Int, row: Row, fieldBits: Double, failureBits: Double) throws -> [Level] {
        guard n > Row.largestBase else { return [] }
        let m = row.inner(n)
        let innerLength = row.length(m)
        let checks = row.length(n) - n - innerLength
        let bound = UnionBound(largest: row.length(n), fieldBits: fieldBits)
        let distance = row.distance(n)
        let c = leastDegree(m) {
            bound.kernel(rows: n, columns: m, degree: $0, distance: distance, failureBits: failureBits)
        }
        let d = leastDegree(checks) {
            bound.weight(
                rows: innerLength, columns: checks, degree: $0, innerDistance: row.distance(m), distance: distance,
                failureBits: failureBits)
        }
        guard let c, let d else {
            throw CommitmentError.unreachableSecurity(
                scheme: "orion-expander", requested: Int(failureBits), nearest: 0)
        }
        return [Level(n: n, m: m, c: c, innerLength: innerLength, checks: checks, d: d)]
            + (try levels(m, row: row, fieldBits: fieldBits, failureBits: failureBits))
    }

    /// A degree up to `most` at which `isEnough` holds and below which it does not, by bisection; nil where there is
    /// none up to 256. Correct whether or not `isEnough` is monotone, because it holds for the answer.
    private static func leastDegree(_ most: Int, _ isEnough: (Int) -> Bool) -> Int? {
        var (low, high) = (1, 8)
        while high < most && high < 256 && !isEnough(min(high, most)) { (low, high) = (high, 2 * high) }
        high = min(high, most)
        guard high >= 2, isEnough(high) else { return nil }
        while high - low > 1 {
            let middle = (low + high) / 2
            if isEnough(middle) { high = middle } else { low = middle }
        }
        return high
    }

    /// The two sums of `ExpanderCode`, as tests whether they stay below `2^-failureBits`.
    ///
    /// The terms of the inner sums are log-concave in t, so the greatest is found by bisection and stands for all.
    struct UnionBound {
        /// log2 of the factorials.
        private let factorials: [Double]
        private let fieldBits: Double

        init(largest: Int, fieldBits: Double) {
            var factorials = [0.0]
            factorials.reserveCapacity(largest + 1)
            for i in 1...largest { factorials.append(factorials[i - 1] + log2(Double(i))) }
            self.factorials = factorials
            // log2(q - 1), rounded down.
            self.fieldBits = fieldBits - 1e-6
        }

        private func choose(_ n: Int, _ k: Int) -> Double { factorials[n] - factorials[k] - factorials[n - k] }

        /// The maximum of a function that rises and then falls.
        private func maximum(_ range: ClosedRange<Int>, _ f: (Int) -> Double) -> Double {
            var (low, high) = (range.lowerBound, range.upperBound)
            while high - low > 2 {
                let middle = (low + high) / 2
                if f(middle) < f(middle + 1) { low = middle + 1 } else { high = middle }
            }
            return (low...high).map(f).max()!
        }

        /// Whether the sum over `weights` of `2^logarithm(k)` is at most `2^-failureBits`.
        private func isSmall(_ weights: Range<Int>, _ failureBits: Double, _ logarithm: (Int) -> Double) -> Bool {
            var sum = 0.0
            for k in weights {
                sum += exp2(min(logarithm(k) + failureBits, 2))
                if sum > 1 { return false }
            }
            return true
        }

        /// (A): no vector of weight below `distance` is mapped to zero.
        func kernel(rows: Int, columns: Int, degree: Int, distance: Int, failureBits: Double) -> Bool {
            let all = choose(columns, degree)
            return isSmall(2..<max(distance, 2), failureBits) { k in
                let range = degree...min(columns, k * degree)
                let greatest = maximum(range) { t in
                    choose(columns, t) + Double(k) * (choose(t, degree) - all) + min(0, Double(k - 1 - t) * fieldBits)
                }
                return choose(rows, k) + greatest + log2(Double(range.count))
            }
        }

        /// (B): vectors of weight k from `innerDistance` up to `distance` are mapped to weight `distance - k - 1` at
        /// least.
        func weight(
            rows: Int, columns: Int, degree: Int, innerDistance: Int, distance: Int, failureBits: Double
        ) -> Bool {
            let all = choose(columns, degree)
            // For k = distance - 1 no weight is needed.
            return isSmall(innerDistance..<max(distance - 1, innerDistance), failureBits) { k in
                let needed = distance - k - 1
                let range = degree...min(columns, k * degree)
                let greatest = maximum(range) { t in
                    var vanishing = 0.0
                    if t >= needed {
                        vanishing = min(
                            0,
                            log2(Double(needed)) + choose(t, needed - 1)
                                + Double(k - 1 - t + needed - 1) * fieldBits)
                    }
                    return choose(columns, t) + Double(k) * (choose(t, degree) - all) + vanishing
                }
                return choose(rows, k) + greatest + log2(Double(range.count))
            }
        }
    }
}
