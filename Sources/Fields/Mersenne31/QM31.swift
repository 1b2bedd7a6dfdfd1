/// CM31[u]/(u^2 - 2 - i), the degree-4 extension that challenges come from. In memory four consecutive 32-bit words:
/// the coordinates of 1, i, u and iu.
@frozen
public struct QM31: ExtensionField {
    public let a: CM31
    public let b: CM31

    /// `a + b u`.
    @inlinable
    public init(_ a: CM31, _ b: CM31) {
        self.a = a
        self.b = b
    }

    @inlinable
    public init(_ a0: M31, _ a1: M31, _ b0: M31, _ b1: M31) {
        self.init(CM31(a0, a1), CM31(b0, b1))
    }

    @inlinable public static var zero: QM31 { QM31(CM31.zero, CM31.zero) }
    @inlinable public static var one: QM31 { QM31(CM31.one, CM31.zero) }
    @inlinable public static var half: QM31 { QM31(M31.half) }
    @inlinable public init(_ integer: Int64) { self.init(M31(integer)) }
    @inlinable public init(_ base: M31) { self.init(CM31(base, .zero), .zero) }

    @inlinable public static func + (x: QM31, y: QM31) -> QM31 { QM31(x.a + y.a, x.b + y.b) }
    @inlinable public static func - (x: QM31, y: QM31) -> QM31 { QM31(x.a - y.a, x.b - y.b) }
    @inlinable public static prefix func - (x: QM31) -> QM31 { QM31(-x.a, -x.b) }

    /// (a + bu)(c + du) = (ac + (2 + i) bd) + (ad + bc) u, four complex products and one reduction a coordinate.
    @inlinable
    public static func * (x: QM31, y: QM31) -> QM31 {
        let ac = CM31.wideProduct(x.a, y.a)
        let bd = CM31.wideProduct(x.b, y.b)
        let ad = CM31.wideProduct(x.a, y.b)
        let bc = CM31.wideProduct(x.b, y.a)
        // Below 2^63 each, so partly reduced below 2^31 + 2^32 < 2^33.
        @inline(__always) func fold(_ wide: UInt64) -> UInt64 { (wide & 0x7fff_ffff) &+ (wide >> 31) }
        let (re, im) = (fold(bd.real), fold(bd.imaginary))
        // im <= p + 2p < 4p, so that every sum below is positive.
        return QM31(
            M31(reducing: fold(ac.real) &+ 2 &* re &+ (4 * 0x7fff_ffff &- im)),
            M31(reducing: fold(ac.imaginary) &+ re &+ 2 &* im),
            M31(reducing: fold(ad.real) &+ fold(bc.real)),
            M31(reducing: fold(ad.imaginary) &+ fold(bc.imaginary)))
    }

    @inlinable
    public func scaled(by factor: M31) -> QM31 { QM31(a.scaled(by: factor), b.scaled(by: factor)) }

    @inlinable
    public func inverse() -> QM31? {
        // The norm to CM31, a^2 - (2 + i) b^2, is zero for zero only, because 2 + i is no square in CM31.
        let b2 = b * b
        let nonResidueTimesB2 = CM31(b2.real.doubled - b2.imaginary, b2.real + b2.imaginary.doubled)
        guard let inverseNorm = (a * a - nonResidueTimesB2).inverse() else { return nil }
        return QM31(a * inverseNorm, -(b * inverseNorm))
    }

    @inlinable public static var degree: Int { 4 }

    @inlinable
    public func coordinate(_ index: Int) -> M31 {
        switch index {
        case 0: a.real
        case 1: a.imaginary
        case 2: b.real
        case 3: b.imaginary
        default: preconditionFailure("QM31 has four coordinates")
        }
    }

    @inlinable
    public init(coordinates: [M31]) {
        precondition(coordinates.count == 4, "QM31 has four coordinates")
        self.init(coordinates[0], coordinates[1], coordinates[2], coordinates[3])
    }

    @inlinable public static var byteCount: Int { 16 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        a.write(to: bytes)
        b.write(to: bytes + 8)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        guard let a = CM31(canonical: bytes), let b = CM31(canonical: bytes + 8) else { return nil }
        self.init(a, b)
    }

    @inlinable
    public static func uniform(_ next: () -> UInt64) -> QM31 {
        let a = CM31.uniform(next)
        return QM31(a, CM31.uniform(next))
    }

    public var description: String { "(\(a)) + (\(b))u" }
}
