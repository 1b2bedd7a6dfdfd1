/// The scalar field of BN254 for witnesses and challenges alike.
public enum BN254ScalarField: TwoAdicProofField {
    public typealias Base = BN254Scalar
    public typealias Challenge = BN254Scalar

    @inlinable public static var name: String { "bn254" }
    @inlinable public static var modulus: [UInt64] {
        [BN254Scalar.p0, BN254Scalar.p1, BN254Scalar.p2, BN254Scalar.p3]
    }
    @inlinable public static var integerBound: Int64 { 1 << 62 }
    @inlinable public static var challengeBits: Int { 253 }
    @inlinable public static var maximumCodeBits: Int { 28 }

    @inlinable
    public static func rootOfUnity(bits: Int) -> BN254Scalar {
        precondition(bits >= 0 && bits <= 28)
        return roots[bits]
    }

    @usableFromInline static let roots = (0...28).map { bits in
        // 5^((r - 1) / 2^28), of order 2^28.
        var root = BN254Scalar(
            montgomery: 0x636e_7355_80d1_3d9c, 0xa22b_f374_2445_ffd6, 0x5645_2ac0_1eb2_03d8, 0x1860_ef94_2963_f9e7)
        for _ in bits..<28 { root = root.squared() }
        return root
    }
}
