/// The scalar field of the curve BN254 ("alt_bn128"), the integers modulo the 254-bit prime
/// r = 21888242871839275222246405745257275088548364400416034343698204186575808495617.
///
/// Stored as `x * 2^256 mod r` (Montgomery form), always less than r, so that equal elements have equal bits. It is its own
/// extension of degree 1: challenges from 2^253 values need no larger field.
@frozen
public struct BN254Scalar: ExtensionField {
    public typealias Base = BN254Scalar

    // The Montgomery form, least significant word first.
    @usableFromInline let m0: UInt64
    @usableFromInline let m1: UInt64
    @usableFromInline let m2: UInt64
    @usableFromInline let m3: UInt64

    /// From the words of a Montgomery form that is less than r.
    @inlinable
    init(montgomery m0: UInt64, _ m1: UInt64, _ m2: UInt64, _ m3: UInt64) {
        self.m0 = m0
        self.m1 = m1
        self.m2 = m2
        self.m3 = m3
    }

    @inlinable static var r0: UInt64 { 0x43e1_f593_f000_0001 }
    @inlinable static var r1: UInt64 { 0x2833_e848_79b9_7091 }
    @inlinable static var r2: UInt64 { 0xb850_45b6_8181_585d }
    @inlinable static var r3: UInt64 { 0x3064_4e72_e131_a029 }
    /// -1/r mod 2^64.
    @inlinable static var negativeInverse: UInt64 { 0xc2e1_f593_efff_ffff }
    /// 2^512 mod r, the Montgomery form of 2^256.
    @inlinable static var montgomerySquared: BN254Scalar {
        .init(montgomery: 0x1bb8_e645_ae21_6da7, 0x53fe_3ab1_e35c_59e3, 0x8c49_833d_53bb_8085, 0x0216_d0b1_7f4e_44a5)
    }

    @inlinable public static var degree: Int { 1 }
    @inlinable public static var zero: BN254Scalar { .init(montgomery: 0, 0, 0, 0) }
    @inlinable public static var one: BN254Scalar {
        .init(montgomery: 0xac96_341c_4fff_fffb, 0x36fc_7695_9f60_cd29, 0x666e_a36f_7879_462e, 0x0e0a_77c1_9a07_df2f)
    }

    @inlinable
    public init(_ integer: Int64) {
        let positive = BN254Scalar(magnitude: integer.magnitude)
        self = integer < 0 ? -positive : positive
    }

    /// The image of an unsigned word: one Montgomery step on `magnitude * (2^320 mod r)`.
    @inlinable
    init(magnitude: UInt64) {
        let x = UInt128(magnitude)
        var t = x &* 0xb4c6_edf9_7c5f_b586
        let t0 = UInt64(truncatingIfNeeded: t)
        t = x &* 0x708c_8d50_bfeb_93be &+ (t &>> 64)
        let t1 = UInt64(truncatingIfNeeded: t)
        t = x &* 0x9ffd_1de4_04f7_e0ef &+ (t &>> 64)
        let t2 = UInt64(truncatingIfNeeded: t)
        t = x &* 0x215b_02ac_9a39_2866 &+ (t &>> 64)
        let t3 = UInt64(truncatingIfNeeded: t)
        let t4 = UInt64(truncatingIfNeeded: t &>> 64)
        let m = UInt128(t0 &* BN254Scalar.negativeInverse)
        var c = m &* UInt128(BN254Scalar.r0) &+ UInt128(t0)
        c = m &* UInt128(BN254Scalar.r1) &+ UInt128(t1) &+ (c &>> 64)
        let z0 = UInt64(truncatingIfNeeded: c)
        c = m &* UInt128(BN254Scalar.r2) &+ UInt128(t2) &+ (c &>> 64)
        let z1 = UInt64(truncatingIfNeeded: c)
        c = m &* UInt128(BN254Scalar.r3) &+ UInt128(t3) &+ (c &>> 64)
        let z2 = UInt64(truncatingIfNeeded: c)
        // Below (2^64 r + 2^64 r) / 2^64 = 2r.
        self.init(reducing: z0, z1, z2, UInt64(truncatingIfNeeded: c &>> 64) &+ t4)
    }

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

    /// Words less than 2r, minus r if they are not less than r.
    @inlinable
    init(reducing t0: UInt64, _ t1: UInt64, _ t2: UInt64, _ t3: UInt64) {
        let (s0, s1, s2, s3, borrow) = BN254Scalar.subtract(
            t0, t1, t2, t3, BN254Scalar.r0, BN254Scalar.r1, BN254Scalar.r2, BN254Scalar.r3)
        self.init(montgomery: borrow ? t0 : s0, borrow ? t1 : s1, borrow ? t2 : s2, borrow ? t3 : s3)
    }

    @inlinable
    static func subtract(
        _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ b0: UInt64, _ b1: UInt64, _ b2: UInt64, _ b3: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64, Bool) {
        let (d0, w0) = a0.subtractingReportingOverflow(b0)
        let (e1, w1) = a1.subtractingReportingOverflow(b1)
        let (d1, v1) = e1.subtractingReportingOverflow(w0 ? 1 : 0)
        let (e2, w2) = a2.subtractingReportingOverflow(b2)
        let (d2, v2) = e2.subtractingReportingOverflow(w1 || v1 ? 1 : 0)
        let (e3, w3) = a3.subtractingReportingOverflow(b3)
        let (d3, v3) = e3.subtractingReportingOverflow(w2 || v2 ? 1 : 0)
        return (d0, d1, d2, d3, w3 || v3)
    }

    /// The sum modulo 2^256.
    @inlinable
    static func add(
        _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ b0: UInt64, _ b1: UInt64, _ b2: UInt64, _ b3: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        let (s0, c0) = a0.addingReportingOverflow(b0)
        let (e1, c1) = a1.addingReportingOverflow(b1)
        let (s1, f1) = e1.addingReportingOverflow(c0 ? 1 : 0)
        let (e2, c2) = a2.addingReportingOverflow(b2)
        let (s2, f2) = e2.addingReportingOverflow(c1 || f1 ? 1 : 0)
        return (s0, s1, s2, a3 &+ b3 &+ (c2 || f2 ? 1 : 0))
    }

    @inlinable
    public static func + (a: BN254Scalar, b: BN254Scalar) -> BN254Scalar {
        // Below 2r < 2^255.
        let s = add(a.m0, a.m1, a.m2, a.m3, b.m0, b.m1, b.m2, b.m3)
        return .init(reducing: s.0, s.1, s.2, s.3)
    }

    @inlinable
    public static func - (a: BN254Scalar, b: BN254Scalar) -> BN254Scalar {
        let d = subtract(a.m0, a.m1, a.m2, a.m3, b.m0, b.m1, b.m2, b.m3)
        let s = add(d.0, d.1, d.2, d.3, d.4 ? r0 : 0, d.4 ? r1 : 0, d.4 ? r2 : 0, d.4 ? r3 : 0)
        return .init(montgomery: s.0, s.1, s.2, s.3)
    }

    @inlinable
    public static prefix func - (a: BN254Scalar) -> BN254Scalar { .zero - a }

    /// One row of the product: `(t + a * b + m * r) / 2^64` with `m` chosen to make the sum divisible.
    ///
    /// Because r's top word is less than 2^63 - 1 the two carries of a row fit one word and t stays below 2r without a
    /// fifth word (Botrel et al., "Faster big-integer modular multiplication for most moduli", 2022).
    @inlinable
    static func row(
        _ t: (UInt64, UInt64, UInt64, UInt64), _ a: BN254Scalar, _ b: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        let w = UInt128(b)
        var x = UInt128(a.m0) &* w &+ UInt128(t.0)
        let m = UInt128(UInt64(truncatingIfNeeded: x) &* negativeInverse)
        var y = m &* UInt128(r0) &+ UInt128(UInt64(truncatingIfNeeded: x))
        x = UInt128(a.m1) &* w &+ UInt128(t.1) &+ (x &>> 64)
        y = m &* UInt128(r1) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z0 = UInt64(truncatingIfNeeded: y)
        x = UInt128(a.m2) &* w &+ UInt128(t.2) &+ (x &>> 64)
        y = m &* UInt128(r2) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z1 = UInt64(truncatingIfNeeded: y)
        x = UInt128(a.m3) &* w &+ UInt128(t.3) &+ (x &>> 64)
        y = m &* UInt128(r3) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z2 = UInt64(truncatingIfNeeded: y)
        return (z0, z1, z2, UInt64(truncatingIfNeeded: x &>> 64) &+ UInt64(truncatingIfNeeded: y &>> 64))
    }

    /// `a * b / 2^256` modulo r: Montgomery's product by interleaved rows.
    @inlinable
    public static func * (a: BN254Scalar, b: BN254Scalar) -> BN254Scalar {
        var t = row((0, 0, 0, 0), a, b.m0)
        t = row(t, a, b.m1)
        t = row(t, a, b.m2)
        t = row(t, a, b.m3)
        return .init(reducing: t.0, t.1, t.2, t.3)
    }

    /// The canonical integer in words, least significant first.
    @inlinable
    public var words: (UInt64, UInt64, UInt64, UInt64) {
        let x = self * BN254Scalar(montgomery: 1, 0, 0, 0)
        return (x.m0, x.m1, x.m2, x.m3)
    }

    /// The element with this canonical integer; nil unless it is less than r.
    @inlinable
    public init?(words: (UInt64, UInt64, UInt64, UInt64)) {
        let (_, _, _, _, borrow) = BN254Scalar.subtract(
            words.0, words.1, words.2, words.3, BN254Scalar.r0, BN254Scalar.r1, BN254Scalar.r2, BN254Scalar.r3)
        guard borrow else { return nil }
        self = BN254Scalar(montgomery: words.0, words.1, words.2, words.3) * BN254Scalar.montgomerySquared
    }

    @inlinable public static var byteCount: Int { 32 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        let w = words
        bytes.storeBytes(of: w.0.littleEndian, as: UInt64.self)
        bytes.storeBytes(of: w.1.littleEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: w.2.littleEndian, toByteOffset: 16, as: UInt64.self)
        bytes.storeBytes(of: w.3.littleEndian, toByteOffset: 24, as: UInt64.self)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        self.init(
            words: (
                UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
            ))
    }

    /// 254 random bits are less than r with probability 0.756.
    @inlinable
    public static func uniform(_ next: () -> UInt64) -> BN254Scalar {
        while true {
            let (w0, w1, w2) = (next(), next(), next())
            let w3 = next() & 0x3fff_ffff_ffff_ffff
            if let element = BN254Scalar(words: (w0, w1, w2, w3)) { return element }
        }
    }

    public var description: String { decimalDescription }
}
