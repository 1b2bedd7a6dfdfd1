import CSIMD

/// Operations on vectors of challenges, by the kernels of CSIMD.
extension BN254ScalarField {
    @inlinable
    public static func add(
        _ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>,
        into output: UnsafeMutablePointer<BN254Scalar>, count: Int
    ) {
        csimd_bn254_add(a, b, output, count)
    }

    @inlinable
    public static func multiply(
        _ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>,
        into output: UnsafeMutablePointer<BN254Scalar>, count: Int
    ) {
        csimd_bn254_multiply(a, b, output, count)
    }

    @inlinable
    public static func addScaled(
        _ a: UnsafePointer<BN254Scalar>, by factor: BN254Scalar, to output: UnsafeMutablePointer<BN254Scalar>,
        count: Int
    ) {
        withUnsafePointer(to: factor) { csimd_bn254_add_scaled(a, $0, output, count) }
    }

    @inlinable
    public static func scale(
        _ a: UnsafePointer<BN254Scalar>, by factor: BN254Scalar, into output: UnsafeMutablePointer<BN254Scalar>,
        count: Int
    ) {
        withUnsafePointer(to: factor) { csimd_bn254_scale(a, $0, output, count) }
    }

    @inlinable
    public static func innerProduct(_ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>, count: Int)
        -> BN254Scalar
    {
        var sum = BN254Scalar.zero
        csimd_bn254_inner_product(a, b, count, &sum)
        return sum
    }

    @inlinable
    public static func expandEq(
        _ point: [BN254Scalar], scale: BN254Scalar, into table: UnsafeMutablePointer<BN254Scalar>
    ) {
        withUnsafePointer(to: scale) { csimd_bn254_expand_eq(point, point.count, $0, table) }
    }

    @inlinable
    public static func fold(
        _ input: UnsafePointer<BN254Scalar>, at r: BN254Scalar, into output: UnsafeMutablePointer<BN254Scalar>,
        pairs: Int
    ) {
        withUnsafePointer(to: r) { csimd_bn254_fold(input, $0, output, pairs) }
    }

    @inlinable
    public static func foldPairs(
        _ input: UnsafePointer<BN254Scalar>, at r: BN254Scalar, into output: UnsafeMutablePointer<BN254Scalar>,
        quads: Int
    ) {
        withUnsafePointer(to: r) { csimd_bn254_fold_pairs(input, $0, output, quads) }
    }

    @inlinable
    public static func roundProduct2(_ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>, pairs: Int)
        -> (atZero: BN254Scalar, leading: BN254Scalar)
    {
        var sums = (BN254Scalar.zero, BN254Scalar.zero)
        csimd_bn254_round_product2(a, b, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundProduct3(
        _ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>, _ c: UnsafePointer<BN254Scalar>, pairs: Int
    ) -> (atZero: BN254Scalar, atMinusOne: BN254Scalar, leading: BN254Scalar) {
        var sums = (BN254Scalar.zero, BN254Scalar.zero, BN254Scalar.zero)
        csimd_bn254_round_product3(a, b, c, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundWeightedProduct2(
        weights: UnsafePointer<BN254Scalar>, _ a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>,
        pairs: Int
    ) -> (atZero: BN254Scalar, leading: BN254Scalar) {
        var sums = (BN254Scalar.zero, BN254Scalar.zero)
        csimd_bn254_round_weighted_product2(weights, a, b, pairs, &sums)
        return sums
    }

    @inlinable
    public static func roundFractions(
        weights: UnsafePointer<BN254Scalar>, p: UnsafePointer<BN254Scalar>, q: UnsafePointer<BN254Scalar>,
        lambda: BN254Scalar, quads: Int
    ) -> (atZero: BN254Scalar, leading: BN254Scalar) {
        var sums = (BN254Scalar.zero, BN254Scalar.zero)
        withUnsafePointer(to: lambda) { csimd_bn254_round_fractions(weights, p, q, $0, quads, &sums) }
        return sums
    }

    @inlinable
    public static func addFractions(
        p: UnsafePointer<BN254Scalar>, q: UnsafePointer<BN254Scalar>, pOut: UnsafeMutablePointer<BN254Scalar>,
        qOut: UnsafeMutablePointer<BN254Scalar>,
        pairs: Int
    ) {
        csimd_bn254_add_fractions(p, q, pOut, qOut, pairs)
    }
}
