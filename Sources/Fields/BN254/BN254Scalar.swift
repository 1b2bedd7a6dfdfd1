/// The scalar field of the curve BN254 ("alt_bn128"), the integers modulo the 254-bit prime
/// r = 21888242871839275222246405745257275088548364400416034343698204186575808495617.
///
/// Stored as `x * 2^256 mod r` (Montgomery form), always less than r, so that equal elements have equal bits. It is its own
/// extension of degree 1: challenges from 2^253 values need no larger field.
@frozen
public struct BN254Scalar: ExtensionField, MontgomeryField {
    public typealias Base = BN254Scalar

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

    @inlinable public static var p0: UInt64 { 0x43e1_f593_f000_0001 }
    @inlinable public static var p1: UInt64 { 0x2833_e848_79b9_7091 }
    @inlinable public static var p2: UInt64 { 0xb850_45b6_8181_585d }
    @inlinable public static var p3: UInt64 { 0x3064_4e72_e131_a029 }
    @inlinable public static var negativeInverse: UInt64 { 0xc2e1_f593_efff_ffff }
    @inlinable public static var montgomerySquared: BN254Scalar {
        .init(montgomery: 0x1bb8_e645_ae21_6da7, 0x53fe_3ab1_e35c_59e3, 0x8c49_833d_53bb_8085, 0x0216_d0b1_7f4e_44a5)
    }
    @inlinable public static var montgomeryShifted: (UInt64, UInt64, UInt64, UInt64) {
        (0xb4c6_edf9_7c5f_b586, 0x708c_8d50_bfeb_93be, 0x9ffd_1de4_04f7_e0ef, 0x215b_02ac_9a39_2866)
    }

    @inlinable public static var degree: Int { 1 }
    @inlinable public static var one: BN254Scalar {
        .init(montgomery: 0xac96_341c_4fff_fffb, 0x36fc_7695_9f60_cd29, 0x666e_a36f_7879_462e, 0x0e0a_77c1_9a07_df2f)
    }

    public static let half = BN254Scalar(2).inverse()!

    @inlinable public init(_ base: BN254Scalar) { self = base }

    @inlinable
    public init(coordinates: [BN254Scalar]) {
        precondition(coordinates.count == 1)
        self = coordinates[0]
    }

    @inlinable
    public func coordinate(_ index: Int) -> BN254Scalar {
        precondition(index == 0)
        return self
    }

    @inlinable public func scaled(by factor: BN254Scalar) -> BN254Scalar { self * factor }

    public var description: String { decimalDescription }
}
