/// A prime field of 254 bits whose elements are four words in Montgomery form: all of its arithmetic, given the constants of
/// the prime p. The two fields of BN254 are of this kind.
///
/// An element x is stored as `x * 2^256 mod p`, always less than p, so that equal elements have equal bits.
public protocol MontgomeryField: Field {
    /// The Montgomery form, least significant word first.
    var m0: UInt64 { get }
    var m1: UInt64 { get }
    var m2: UInt64 { get }
    var m3: UInt64 { get }
    /// From the words of a Montgomery form that is less than p; the caller answers for that.
    init(montgomery m0: UInt64, _ m1: UInt64, _ m2: UInt64, _ m3: UInt64)

    /// p, least significant word first. The top word is below 2^62 and not below 2^61, which products rely on.
    static var p0: UInt64 { get }
    static var p1: UInt64 { get }
    static var p2: UInt64 { get }
    static var p3: UInt64 { get }
    /// -1/p mod 2^64.
    static var negativeInverse: UInt64 { get }
    /// 2^512 mod p, the Montgomery form of 2^256.
    static var montgomerySquared: Self { get }
    /// The words of 2^320 mod p.
    static var montgomeryShifted: (UInt64, UInt64, UInt64, UInt64) { get }
}

extension MontgomeryField {
    @inlinable public static var zero: Self { .init(montgomery: 0, 0, 0, 0) }

    @inlinable
    public init(_ integer: Int64) {
        let positive = Self(magnitude: integer.magnitude)
        self = integer < 0 ? -positive : positive
    }

    /// The image of an unsigned word: one Montgomery step on `magnitude * (2^320 mod p)`.
    @inlinable
    init(magnitude: UInt64) {
        let x = UInt128(magnitude)
        let shifted = Self.montgomeryShifted
        var t = x &* UInt128(shifted.0)
        let t0 = UInt64(truncatingIfNeeded: t)
        t = x &* UInt128(shifted.1) &+ (t &>> 64)
        let t1 = UInt64(truncatingIfNeeded: t)
        t = x &* UInt128(shifted.2) &+ (t &>> 64)
        let t2 = UInt64(truncatingIfNeeded: t)
        t = x &* UInt128(shifted.3) &+ (t &>> 64)
        let t3 = UInt64(truncatingIfNeeded: t)
        let t4 = UInt64(truncatingIfNeeded: t &>> 64)
        let m = UInt128(t0 &* Self.negativeInverse)
        var c = m &* UInt128(Self.p0) &+ UInt128(t0)
        c = m &* UInt128(Self.p1) &+ UInt128(t1) &+ (c &>> 64)
        let z0 = UInt64(truncatingIfNeeded: c)
        c = m &* UInt128(Self.p2) &+ UInt128(t2) &+ (c &>> 64)
        let z1 = UInt64(truncatingIfNeeded: c)
        c = m &* UInt128(Self.p3) &+ UInt128(t3) &+ (c &>> 64)
        let z2 = UInt64(truncatingIfNeeded: c)
        // Below (2^64 p + 2^64 p) / 2^64 = 2p.
        self.init(reducing: z0, z1, z2, UInt64(truncatingIfNeeded: c &>> 64) &+ t4)
    }

    /// Words less than 2p, minus p if they are not less than p.
    @inlinable
    init(reducing t0: UInt64, _ t1: UInt64, _ t2: UInt64, _ t3: UInt64) {
        let (s0, s1, s2, s3, borrow) = Self.subtract(t0, t1, t2, t3, Self.p0, Self.p1, Self.p2, Self.p3)
        self.init(
            montgomery: s0 ^ ((s0 ^ t0) & borrow), s1 ^ ((s1 ^ t1) & borrow), s2 ^ ((s2 ^ t2) & borrow),
            s3 ^ ((s3 ^ t3) & borrow))
    }

    // Carries go through 128-bit words and masks: overflow flags became branches, which random carries mispredict.

    /// The difference modulo 2^256, and a word of ones if it is negative, else zero.
    @inlinable @inline(__always)
    static func subtract(
        _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ b0: UInt64, _ b1: UInt64, _ b2: UInt64, _ b3: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64, UInt64) {
        var t = UInt128(a0) &- UInt128(b0)
        let d0 = UInt64(truncatingIfNeeded: t)
        t = UInt128(a1) &- UInt128(b1) &- (t &>> 127)
        let d1 = UInt64(truncatingIfNeeded: t)
        t = UInt128(a2) &- UInt128(b2) &- (t &>> 127)
        let d2 = UInt64(truncatingIfNeeded: t)
        t = UInt128(a3) &- UInt128(b3) &- (t &>> 127)
        return (d0, d1, d2, UInt64(truncatingIfNeeded: t), UInt64(truncatingIfNeeded: t &>> 64))
    }

    /// The sum modulo 2^256.
    @inlinable @inline(__always)
    static func add(
        _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ b0: UInt64, _ b1: UInt64, _ b2: UInt64, _ b3: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        var t = UInt128(a0) &+ UInt128(b0)
        let s0 = UInt64(truncatingIfNeeded: t)
        t = UInt128(a1) &+ UInt128(b1) &+ (t &>> 64)
        let s1 = UInt64(truncatingIfNeeded: t)
        t = UInt128(a2) &+ UInt128(b2) &+ (t &>> 64)
        return (s0, s1, UInt64(truncatingIfNeeded: t), a3 &+ b3 &+ UInt64(truncatingIfNeeded: t &>> 64))
    }

    @inlinable
    public static func + (a: Self, b: Self) -> Self {
        // Below 2p < 2^255.
        let s = add(a.m0, a.m1, a.m2, a.m3, b.m0, b.m1, b.m2, b.m3)
        return .init(reducing: s.0, s.1, s.2, s.3)
    }

    @inlinable
    public static func - (a: Self, b: Self) -> Self {
        let d = subtract(a.m0, a.m1, a.m2, a.m3, b.m0, b.m1, b.m2, b.m3)
        let s = add(d.0, d.1, d.2, d.3, p0 & d.4, p1 & d.4, p2 & d.4, p3 & d.4)
        return .init(montgomery: s.0, s.1, s.2, s.3)
    }

    @inlinable
    public static prefix func - (a: Self) -> Self { .zero - a }

    /// One row of the product: `(t + a * b + m * p) / 2^64` with `m` chosen to make the sum divisible.
    ///
    /// Because p's top word is less than 2^63 - 1 the two carries of a row fit one word and t stays below 2p without a
    /// fifth word (Botrel et al., "Faster big-integer modular multiplication for most moduli", 2022).
    @inlinable @inline(__always)
    static func row(
        _ t: (UInt64, UInt64, UInt64, UInt64), _ a: Self, _ b: UInt64
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        let w = UInt128(b)
        var x = UInt128(a.m0) &* w &+ UInt128(t.0)
        let m = UInt128(UInt64(truncatingIfNeeded: x) &* negativeInverse)
        var y = m &* UInt128(p0) &+ UInt128(UInt64(truncatingIfNeeded: x))
        x = UInt128(a.m1) &* w &+ UInt128(t.1) &+ (x &>> 64)
        y = m &* UInt128(p1) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z0 = UInt64(truncatingIfNeeded: y)
        x = UInt128(a.m2) &* w &+ UInt128(t.2) &+ (x &>> 64)
        y = m &* UInt128(p2) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z1 = UInt64(truncatingIfNeeded: y)
        x = UInt128(a.m3) &* w &+ UInt128(t.3) &+ (x &>> 64)
        y = m &* UInt128(p3) &+ UInt128(UInt64(truncatingIfNeeded: x)) &+ (y &>> 64)
        let z2 = UInt64(truncatingIfNeeded: y)
        return (z0, z1, z2, UInt64(truncatingIfNeeded: x &>> 64) &+ UInt64(truncatingIfNeeded: y &>> 64))
    }

    /// `a * b / 2^256` modulo p: Montgomery's product by interleaved rows.
    @inlinable
    public static func * (a: Self, b: Self) -> Self {
        var t = row((0, 0, 0, 0), a, b.m0)
        t = row(t, a, b.m1)
        t = row(t, a, b.m2)
        t = row(t, a, b.m3)
        return .init(reducing: t.0, t.1, t.2, t.3)
    }

    /// The canonical integer in words, least significant first.
    @inlinable
    public var words: (UInt64, UInt64, UInt64, UInt64) {
        let x = self * Self(montgomery: 1, 0, 0, 0)
        return (x.m0, x.m1, x.m2, x.m3)
    }

    /// The element with this canonical integer; nil unless it is less than p.
    @inlinable
    public init?(words: (UInt64, UInt64, UInt64, UInt64)) {
        let (_, _, _, _, borrow) = Self.subtract(
            words.0, words.1, words.2, words.3, Self.p0, Self.p1, Self.p2, Self.p3)
        guard borrow != 0 else { return nil }
        self = Self(montgomery: words.0, words.1, words.2, words.3) * Self.montgomerySquared
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

    /// 254 random bits are less than p with probability 0.756.
    @inlinable
    public static func uniform(_ next: () -> UInt64) -> Self {
        while true {
            let (w0, w1, w2) = (next(), next(), next())
            let w3 = next() & 0x3fff_ffff_ffff_ffff
            if let element = Self(words: (w0, w1, w2, w3)) { return element }
        }
    }
}
