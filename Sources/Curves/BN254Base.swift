import CSIMD
import Fields

/// The base field of BN254, the integers modulo the 254-bit prime
/// p = 21888242871839275222246405745257275088696311157297823662689037894645226208583.
///
/// The curve is y^2 = x^3 + 3 over it; the number of its points is the prime r of `BN254Scalar`.
@frozen
public struct BN254Base: MontgomeryField {
    public let m0: UInt64
    public let m1: UInt64
    public let m2: UInt64
    public let m3: UInt64

    @inlinable
    public init(montgomery m0: UInt64, _ m1: UInt64, _ m2: UInt64, _ m3: UInt64) {
        self.m0 = m0
        self.m1 = m1
        self.m2 = m2
        self.m3 = m3
    }

    @inlinable public static var p0: UInt64 { 0x3c20_8c16_d87c_fd47 }
    @inlinable public static var p1: UInt64 { 0x9781_6a91_6871_ca8d }
    @inlinable public static var p2: UInt64 { 0xb850_45b6_8181_585d }
    @inlinable public static var p3: UInt64 { 0x3064_4e72_e131_a029 }
    @inlinable public static var negativeInverse: UInt64 { 0x87d2_0782_e486_6389 }
    @inlinable public static var montgomerySquared: BN254Base {
        .init(montgomery: 0xf32c_fc5b_538a_fa89, 0xb5e7_1911_d445_01fb, 0x47ab_1eff_0a41_7ff6, 0x06d8_9f71_cab8_351f)
    }
    @inlinable public static var montgomeryShifted: (UInt64, UInt64, UInt64, UInt64) {
        (0x2d9e_3b3f_b1d8_c62a, 0x1be5_d753_eb3c_74f7, 0x532e_2dcf_5d84_0e23, 0x215b_02ac_9a39_2864)
    }
    @inlinable public static var one: BN254Base {
        .init(montgomery: 0xd35d_438d_c58f_0d9d, 0x0a78_eb28_f5c7_0b3d, 0x666e_a36f_7879_462c, 0x0e0a_77c1_9a07_df2f)
    }

    @inlinable
    public func inverse() -> BN254Base? {
        guard !isZero else { return nil }
        var result = BN254Base.zero
        withUnsafePointer(to: self) { csimd_bn254_base_inverse($0, &result) }
        return result
    }

    /// A square root, or nil: p is 3 modulo 4, so it is the power by (p + 1) / 4 if there is one.
    public func squareRoot() -> BN254Base? {
        let exponent: [UInt64] = [
            0x4f08_2305_b61f_3f52, 0x65e0_5aa4_5a1c_72a3, 0x6e14_116d_a060_5617, 0x0c19_139c_b84c_680a,
        ]
        var root = BN254Base.zero
        withUnsafePointer(to: self) { csimd_bn254_base_power($0, exponent, &root) }
        return root.squared() == self ? root : nil
    }

    /// Whether the canonical integer is greater than (p - 1) / 2, so that of a root and its negative one is.
    public var isUpperHalf: Bool {
        let (a, b) = (words, (-self).words)
        if a.3 != b.3 { return a.3 > b.3 }
        if a.2 != b.2 { return a.2 > b.2 }
        if a.1 != b.1 { return a.1 > b.1 }
        return a.0 > b.0
    }

    public var description: String { decimalDescription }
}

extension MontgomeryField {
    /// The canonical integer in 32 bytes, most significant first.
    public var bigEndianBytes: [UInt8] {
        let w = words
        return [w.3, w.2, w.1, w.0].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }

    /// Reads 32 bytes, most significant first; nil unless there are 32 and the integer is less than p.
    public init?(bigEndian bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (i, byte) in bytes.enumerated() { words[3 - i / 8] = words[3 - i / 8] << 8 | UInt64(byte) }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }
}

extension Field {
    /// The power by an integer in words, least significant first.
    @inlinable
    func power(words: [UInt64]) -> Self {
        var result = Self.one
        for word in words.reversed() {
            for bit in (0..<64).reversed() {
                result = result.squared()
                if word >> UInt64(bit) & 1 == 1 { result *= self }
            }
        }
        return result
    }
}
