/// Goldilocks with its quadratic extension for challenges.
public enum GoldilocksField: TwoAdicProofField {
    public typealias Base = Goldilocks
    public typealias Challenge = GoldilocksExtension

    @inlinable public static var name: String { "goldilocks" }
    @inlinable public static var modulus: [UInt64] { [Goldilocks.modulus] }
    @inlinable public static var integerBound: Int64 { 1 << 62 }
    @inlinable public static var challengeBits: Int { 127 }
    @inlinable public static var maximumCodeBits: Int { 32 }

    @inlinable
    public static func rootOfUnity(bits: Int) -> Goldilocks {
        precondition(bits >= 0 && bits <= 32)
        return roots[bits]
    }

    @usableFromInline static let roots = (0...32).map {
        // 7^((p - 1) / 2^32), of order 2^32.
        Goldilocks(unchecked: 0x1856_29dc_da58_878c).squared(times: 32 - $0)
    }
}
