import CSIMD

/// Operations on vectors of challenges, by the kernels of CSIMD.
extension GoldilocksField {
    @inlinable
    public static func add(
        _ a: UnsafePointer<GoldilocksExtension>, _ b: UnsafePointer<GoldilocksExtension>,
        into output: UnsafeMutablePointer<GoldilocksExtension>, count: Int
    ) {
        csimd_goldilocks_add(a, b, output, count)
    }

    @inlinable
    public static func multiply(
        _ a: UnsafePointer<GoldilocksExtension>, _ b: UnsafePointer<GoldilocksExtension>,
        into output: UnsafeMutablePointer<GoldilocksExtension>, count: Int
    ) {
        csimd_goldilocks_multiply(a, b, output, count)
    }

    @inlinable
    public static func addScaled(
        _ a: UnsafePointer<GoldilocksExtension>, by factor: GoldilocksExtension,
        to output: UnsafeMutablePointer<GoldilocksExtension>, count: Int
    ) {
        withUnsafePointer(to: factor) { csimd_goldilocks_add_scaled(a, $0, output, count) }
    }

    @inlinable
    public static func scale(
        _ a: UnsafePointer<GoldilocksExtension>, by factor: GoldilocksExtension,
        into output: UnsafeMutablePointer<GoldilocksExtension>, count: Int
    ) {
        withUnsafePointer(to: factor) { csimd_goldilocks_scale(a, $0, output, count) }
    }

    @inlinable
    public static func innerProduct(
        _ a: UnsafePointer<GoldilocksExtension>, _ b: UnsafePointer<GoldilocksExtension>, count: Int
    ) -> GoldilocksExtension {
        var sum = GoldilocksExtension.zero
        csimd_goldilocks_inner_product(a, b, count, &sum)
        return sum
    }

    @inlinable
    public static func expandEq(
        _ point: [GoldilocksExtension], scale: GoldilocksExtension,
        into table: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        withUnsafePointer(to: scale) { csimd_goldilocks_expand_eq(point, point.count, $0, table) }
    }

    @inlinable
    public static func fold(
        _ input: UnsafePointer<GoldilocksExtension>, at r: GoldilocksExtension,
        into output: UnsafeMutablePointer<GoldilocksExtension>, pairs: Int
    ) {
        withUnsafePointer(to: r) { csimd_goldilocks_fold(input, $0, output, pairs) }
    }

    @inlinable
    public static func foldPairs(
        _ input: UnsafePointer<GoldilocksExtension>, at r: GoldilocksExtension,
        into output: UnsafeMutablePointer<GoldilocksExtension>, quads: Int
    ) {
        withUnsafePointer(to: r) { csimd_goldilocks_fold_pairs(input, $0, output, quads) }
    }

    @inlinable
    public static func roundProduct2(
        _ a: UnsafePointer<GoldilocksExtension>, _ b: UnsafePointer<GoldilocksExtension>, pairs: Int
    )
        -> (atZero: GoldilocksExtension, leading: GoldilocksExtension)
    {
        var sums = (GoldilocksExtension.zero, GoldilocksExtension.zero)
        csimd_goldilocks_round_product2(a, b, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundProduct3(
        _ a: UnsafePointer<GoldilocksExtension>, _ b: UnsafePointer<GoldilocksExtension>,
        _ c: UnsafePointer<GoldilocksExtension>, pairs: Int
    ) -> (atZero: GoldilocksExtension, atMinusOne: GoldilocksExtension, leading: GoldilocksExtension) {
        var sums = (GoldilocksExtension.zero, GoldilocksExtension.zero, GoldilocksExtension.zero)
        csimd_goldilocks_round_product3(a, b, c, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundWeightedProduct2(
        weights: UnsafePointer<GoldilocksExtension>, _ a: UnsafePointer<GoldilocksExtension>,
        _ b: UnsafePointer<GoldilocksExtension>, pairs: Int
    ) -> (atZero: GoldilocksExtension, leading: GoldilocksExtension) {
        var sums = (GoldilocksExtension.zero, GoldilocksExtension.zero)
        csimd_goldilocks_round_weighted_product2(weights, a, b, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundFractions(
        weights: UnsafePointer<GoldilocksExtension>, p: UnsafePointer<GoldilocksExtension>,
        q: UnsafePointer<GoldilocksExtension>, lambda: GoldilocksExtension, quads: Int
    ) -> (atZero: GoldilocksExtension, leading: GoldilocksExtension) {
        var sums = (GoldilocksExtension.zero, GoldilocksExtension.zero)
        withUnsafePointer(to: lambda) { csimd_goldilocks_round_fractions(weights, p, q, $0, quads, &sums) }
        return sums
    }

    @inlinable
    public static func addFractions(
        p: UnsafePointer<GoldilocksExtension>, q: UnsafePointer<GoldilocksExtension>,
        pOut: UnsafeMutablePointer<GoldilocksExtension>, qOut: UnsafeMutablePointer<GoldilocksExtension>,
        pairs: Int
    ) {
        csimd_goldilocks_add_fractions(p, q, pOut, qOut, pairs)
    }
}
