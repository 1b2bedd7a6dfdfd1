import Fields

/// A field that a curve y^2 = x^3 + b of BN254 is over: the base field for G1, its quadratic extension for G2.
public protocol CoordinateField: Field {
    /// b.
    static var curveConstant: Self { get }
}

extension BN254Base: CoordinateField {
    @inlinable public static var curveConstant: BN254Base { BN254Base(3) }
}

extension BN254Quadratic: CoordinateField {
    /// 3 / xi: the curve is the sextic twist of that over the base field.
    public static let curveConstant = BN254Quadratic(3) * BN254Quadratic.nonResidue.inverse()!
}

/// An affine point. The identity, which has no coordinates, is stored as zeros; no point of either curve is (0, 0).
///
/// In memory a point is its coordinates in Montgomery form, as the kernels and `.ptau` files have it. Values made with
/// `init(x:y:)` may be anything: `isOnCurve` and `isInSubgroup` say what they are.
@frozen
public struct CurvePoint<K: CoordinateField>: Hashable, Sendable, BitwiseCopyable {
    public let x: K
    public let y: K

    @inlinable
    public init(x: K, y: K) {
        self.x = x
        self.y = y
    }

    @inlinable public static var identity: CurvePoint { .init(x: .zero, y: .zero) }
    @inlinable public var isIdentity: Bool { x.isZero && y.isZero }
    /// Whether the point is on the curve; the identity is.
    @inlinable public var isOnCurve: Bool { isIdentity || y.squared() == x.squared() * x + K.curveConstant }

    @inlinable public static prefix func - (p: CurvePoint) -> CurvePoint { .init(x: p.x, y: -p.y) }
    @inlinable
    public static func + (p: CurvePoint, q: CurvePoint) -> CurvePoint { (JacobianPoint(p) + q).affine }
    @inlinable
    public static func - (p: CurvePoint, q: CurvePoint) -> CurvePoint { p + -q }

    /// The multiple by an integer in words, least significant first; no reduction modulo the order is made.
    @inlinable
    public func multiplied(byWords words: [UInt64]) -> CurvePoint {
        var sum = JacobianPoint(CurvePoint.identity)
        for word in words.reversed() {
            for bit in (0..<64).reversed() {
                sum = sum.doubled
                if word >> UInt64(bit) & 1 == 1 { sum = sum + self }
            }
        }
        return sum.affine
    }

    @inlinable
    public func multiplied(by scalar: BN254Scalar) -> CurvePoint {
        let w = scalar.words
        return multiplied(byWords: [w.0, w.1, w.2, w.3])
    }
}

/// (x / z^2, y / z^3); the identity has z = 0. The formulas "dbl-2009-l" and "madd-2004-hmv" of the Explicit-Formulas
/// Database, for curves without a linear term.
@frozen
@usableFromInline
struct JacobianPoint<K: CoordinateField> {
    @usableFromInline let x: K
    @usableFromInline let y: K
    @usableFromInline let z: K

    @inlinable
    init(x: K, y: K, z: K) {
        self.x = x
        self.y = y
        self.z = z
    }

    @inlinable
    init(_ p: CurvePoint<K>) {
        self = p.isIdentity ? .init(x: .one, y: .one, z: .zero) : .init(x: p.x, y: p.y, z: .one)
    }

    @inlinable
    var doubled: JacobianPoint {
        if z.isZero { return self }
        let (a, b) = (x.squared(), y.squared())
        let c = b.squared()
        let d = ((x + b).squared() - a - c).doubled
        let e = a.doubled + a
        let newX = e.squared() - d.doubled
        return .init(x: newX, y: e * (d - newX) - c.doubled.doubled.doubled, z: (y * z).doubled)
    }

    @inlinable
    static func + (p: JacobianPoint, q: CurvePoint<K>) -> JacobianPoint {
        if q.isIdentity { return p }
        if p.z.isZero { return JacobianPoint(q) }
        let zz = p.z.squared()
        let h = q.x * zz - p.x
        let r = q.y * (zz * p.z) - p.y
        if h.isZero { return r.isZero ? p.doubled : .init(x: .one, y: .one, z: .zero) }
        let hh = h.squared()
        let (hhh, v) = (hh * h, p.x * hh)
        let newX = r.squared() - hhh - v.doubled
        return .init(x: newX, y: r * (v - newX) - p.y * hhh, z: p.z * h)
    }

    @inlinable
    var affine: CurvePoint<K> {
        guard let inverse = z.inverse() else { return .identity }
        let square = inverse.squared()
        return .init(x: x * square, y: y * (square * inverse))
    }
}

/// A point of BN254 over the base field. The curve has prime order, so every point of it is in the group.
public typealias G1 = CurvePoint<BN254Base>
/// A point of the twist. The curve's order is r (2p - r), so a point on it need not be in the group: see `isInSubgroup`.
public typealias G2 = CurvePoint<BN254Quadratic>

extension CurvePoint where K == BN254Base {
    /// (1, 2).
    public static var generator: G1 { .init(x: .one, y: BN254Base(2)) }

    /// x and y as 32-byte integers, most significant byte first, both zero for the identity (EIP-196).
    public var encoded: [UInt8] { x.bigEndianBytes + y.bigEndianBytes }

    /// Reads 64 bytes; nil unless they are the one encoding of a point on the curve.
    public init?(encoded bytes: some Collection<UInt8>) {
        guard bytes.count == 64, let x = BN254Base(bigEndian: bytes.prefix(32)),
            let y = BN254Base(bigEndian: bytes.dropFirst(32))
        else { return nil }
        self.init(x: x, y: y)
        guard isOnCurve else { return nil }
    }

    /// Bytes of `compressed`.
    public static var compressedByteCount: Int { 32 }

    /// x as a 32-byte integer, most significant byte first, with two bits at the top: 10 for the smaller y, 11 for the
    /// greater, and 01 with all else zero for the identity (the form that gnark-crypto uses).
    public var compressed: [UInt8] {
        if isIdentity { return [0x40] + [UInt8](repeating: 0, count: 31) }
        var bytes = x.bigEndianBytes
        bytes[0] |= y.isUpperHalf ? 0xc0 : 0x80
        return bytes
    }

    /// Reads 32 bytes; nil unless they are the one encoding of a point on the curve.
    public init?(compressed bytes: some Collection<UInt8>) {
        guard bytes.count == 32, let first = bytes.first else { return nil }
        if first >> 6 == 1 {
            guard first == 0x40, bytes.dropFirst().allSatisfy({ $0 == 0 }) else { return nil }
            self = .identity
            return
        }
        guard first >> 6 >= 2, let x = BN254Base(bigEndian: [first & 0x3f] + bytes.dropFirst()),
            let root = (x.squared() * x + BN254Base.curveConstant).squareRoot()
        else { return nil }
        // The order is odd, so no point has y = 0.
        self.init(x: x, y: root.isUpperHalf == (first >> 6 == 3) ? root : -root)
    }
}

extension CurvePoint where K == BN254Quadratic {
    /// The generator of EIP-197.
    public static let generator = G2(
        x: BN254Quadratic(
            BN254Base(decimal: "10857046999023057135944570762232829481370756359578518086990519993285655852781")!,
            BN254Base(decimal: "11559732032986387107991004021392285783925812861821192530917403151452391805634")!),
        y: BN254Quadratic(
            BN254Base(decimal: "8495653923123431417604973247489272438418190587263600148770280649306958101930")!,
            BN254Base(decimal: "4082367875863433681332203403145435568316851327593401208105741076214120093531")!))

    /// Whether the point is on the curve and r times it is the identity.
    public var isInSubgroup: Bool {
        isOnCurve && multiplied(byWords: [BN254Scalar.p0, BN254Scalar.p1, BN254Scalar.p2, BN254Scalar.p3]).isIdentity
    }

    /// Imaginary part of x, real part of x, then of y, as 32-byte integers, most significant byte first; zeros for the
    /// identity (EIP-197).
    public var encoded: [UInt8] {
        [x.imaginary, x.real, y.imaginary, y.real].flatMap(\.bigEndianBytes)
    }

    /// Reads 128 bytes; nil unless they are the one encoding of a point of the group.
    public init?(encoded bytes: some Collection<UInt8>) {
        guard bytes.count == 128 else { return nil }
        let array = Array(bytes)
        let parts = (0..<4).compactMap { BN254Base(bigEndian: array[32 * $0..<32 * $0 + 32]) }
        guard parts.count == 4 else { return nil }
        self.init(x: BN254Quadratic(parts[1], parts[0]), y: BN254Quadratic(parts[3], parts[2]))
        guard isInSubgroup else { return nil }
    }
}
