import Fields

/// The quadratic extension Fp[i] / (i^2 + 1), which the points of G2 have their coordinates in.
@frozen
public struct BN254Quadratic: ExtensionField {
    public typealias Base = BN254Base
    public let real: BN254Base
    public let imaginary: BN254Base

    @inlinable
    public init(_ real: BN254Base, _ imaginary: BN254Base) {
        self.real = real
        self.imaginary = imaginary
    }

    @inlinable public static var degree: Int { 2 }
    @inlinable public static var zero: BN254Quadratic { .init(.zero, .zero) }
    @inlinable public static var one: BN254Quadratic { .init(.one, .zero) }
    @inlinable public init(_ integer: Int64) { self.init(BN254Base(integer), .zero) }
    @inlinable public init(_ base: BN254Base) { self.init(base, .zero) }
    @inlinable
    public init(coordinates: [BN254Base]) {
        precondition(coordinates.count == 2)
        self.init(coordinates[0], coordinates[1])
    }
    @inlinable
    public func coordinate(_ index: Int) -> BN254Base {
        precondition(index == 0 || index == 1)
        return index == 0 ? real : imaginary
    }

    @inlinable
    public static func + (a: BN254Quadratic, b: BN254Quadratic) -> BN254Quadratic {
        .init(a.real + b.real, a.imaginary + b.imaginary)
    }
    @inlinable
    public static func - (a: BN254Quadratic, b: BN254Quadratic) -> BN254Quadratic {
        .init(a.real - b.real, a.imaginary - b.imaginary)
    }
    @inlinable
    public static prefix func - (a: BN254Quadratic) -> BN254Quadratic { .init(-a.real, -a.imaginary) }
    @inlinable
    public static func * (a: BN254Quadratic, b: BN254Quadratic) -> BN254Quadratic {
        let (low, high) = (a.real * b.real, a.imaginary * b.imaginary)
        let cross = (a.real + a.imaginary) * (b.real + b.imaginary)
        return .init(low - high, cross - low - high)
    }
    @inlinable
    public func squared() -> BN254Quadratic {
        .init((real + imaginary) * (real - imaginary), (real * imaginary).doubled)
    }
    @inlinable
    public func scaled(by factor: BN254Base) -> BN254Quadratic { .init(real * factor, imaginary * factor) }
    @inlinable
    public func inverse() -> BN254Quadratic? {
        (real.squared() + imaginary.squared()).inverse().map { .init(real * $0, -(imaginary * $0)) }
    }
    /// The power by p.
    @inlinable public var conjugate: BN254Quadratic { .init(real, -imaginary) }

    /// xi = 9 + i, which has no square and no cube root.
    @inlinable static var nonResidue: BN254Quadratic { .init(BN254Base(9), .one) }
    /// The product with xi.
    @inlinable
    var timesNonResidue: BN254Quadratic {
        let nine = (doubled.doubled.doubled) + self
        return .init(nine.real - imaginary, nine.imaginary + real)
    }

    @inlinable public static var byteCount: Int { 64 }
    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        real.write(to: bytes)
        imaginary.write(to: bytes + 32)
    }
    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        guard let real = BN254Base(canonical: bytes), let imaginary = BN254Base(canonical: bytes + 32) else {
            return nil
        }
        self.init(real, imaginary)
    }
    @inlinable
    public static func uniform(_ next: () -> UInt64) -> BN254Quadratic {
        let real = BN254Base.uniform(next)
        return .init(real, BN254Base.uniform(next))
    }

    public var description: String { "\(real) + \(imaginary) i" }
}

/// The extension Fp2[v] / (v^3 - xi): c0 + c1 v + c2 v^2.
@frozen
@usableFromInline
struct Sextic: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline let c0: BN254Quadratic
    @usableFromInline let c1: BN254Quadratic
    @usableFromInline let c2: BN254Quadratic

    @inlinable
    init(_ c0: BN254Quadratic, _ c1: BN254Quadratic, _ c2: BN254Quadratic) {
        self.c0 = c0
        self.c1 = c1
        self.c2 = c2
    }

    @inlinable static var zero: Sextic { .init(.zero, .zero, .zero) }
    @inlinable static var one: Sextic { .init(.one, .zero, .zero) }
    @inlinable static func + (a: Sextic, b: Sextic) -> Sextic { .init(a.c0 + b.c0, a.c1 + b.c1, a.c2 + b.c2) }
    @inlinable static func - (a: Sextic, b: Sextic) -> Sextic { .init(a.c0 - b.c0, a.c1 - b.c1, a.c2 - b.c2) }
    @inlinable static prefix func - (a: Sextic) -> Sextic { .init(-a.c0, -a.c1, -a.c2) }

    /// Karatsuba's product, with v^3 = xi.
    @inlinable
    static func * (a: Sextic, b: Sextic) -> Sextic {
        let (p0, p1, p2) = (a.c0 * b.c0, a.c1 * b.c1, a.c2 * b.c2)
        let t0 = (a.c1 + a.c2) * (b.c1 + b.c2) - p1 - p2
        let t1 = (a.c0 + a.c1) * (b.c0 + b.c1) - p0 - p1
        let t2 = (a.c0 + a.c2) * (b.c0 + b.c2) - p0 - p2
        return .init(p0 + t0.timesNonResidue, t1 + p2.timesNonResidue, t2 + p1)
    }

    /// The product with b0 + b1 v.
    @inlinable
    func multiplied(by b0: BN254Quadratic, _ b1: BN254Quadratic) -> Sextic {
        let (p0, p1) = (c0 * b0, c1 * b1)
        let cross = (c0 + c1) * (b0 + b1) - p0 - p1
        return .init(p0 + (c2 * b1).timesNonResidue, cross, p1 + c2 * b0)
    }

    @inlinable
    func scaled(by f: BN254Base) -> Sextic { .init(c0.scaled(by: f), c1.scaled(by: f), c2.scaled(by: f)) }
    /// The product with v.
    @inlinable var timesV: Sextic { .init(c2.timesNonResidue, c0, c1) }

    func inverse() -> Sextic? {
        let t0 = c0.squared() - (c1 * c2).timesNonResidue
        let t1 = c2.squared().timesNonResidue - c0 * c1
        let t2 = c1.squared() - c0 * c2
        let norm = c0 * t0 + (c2 * t1 + c1 * t2).timesNonResidue
        return norm.inverse().map { .init(t0 * $0, t1 * $0, t2 * $0) }
    }
}

/// The extension of degree twelve, Fp6[w] / (w^2 - v), which pairings have their values in: a + b w.
@frozen
public struct BN254Twelfth: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline let a: Sextic
    @usableFromInline let b: Sextic

    @inlinable
    init(_ a: Sextic, _ b: Sextic) {
        self.a = a
        self.b = b
    }

    @inlinable public static var one: BN254Twelfth { .init(.one, .zero) }

    /// The twelve coordinates over the base field: of 1, w, w^2, ..., w^5, real part first.
    public var coordinates: [BN254Base] {
        [a.c0, b.c0, a.c1, b.c1, a.c2, b.c2].flatMap { [$0.real, $0.imaginary] }
    }

    @inlinable
    public static func * (x: BN254Twelfth, y: BN254Twelfth) -> BN254Twelfth {
        let (low, high) = (x.a * y.a, x.b * y.b)
        let cross = (x.a + x.b) * (y.a + y.b)
        return .init(low + high.timesV, cross - low - high)
    }

    @inlinable
    public func squared() -> BN254Twelfth {
        // (a + b w)^2 = (a + b)(a + v b) - ab - v ab + 2 ab w.
        let product = a * b
        return .init((a + b) * (a + b.timesV) - product - product.timesV, product + product)
    }

    /// The product with c0 + c1 w + c3 w^3, c0 in the base field: the value of a line.
    @inlinable
    func multiplied(line c0: BN254Base, _ c1: BN254Quadratic, _ c3: BN254Quadratic) -> BN254Twelfth {
        let low = a.scaled(by: c0)
        let high = b.multiplied(by: c1, c3)
        let cross = (a + b).multiplied(by: c1 + BN254Quadratic(c0), c3)
        return .init(low + high.timesV, cross - low - high)
    }

    /// The power by p^6, and the inverse of an element of the subgroup of order p^6 + 1.
    @inlinable var conjugate: BN254Twelfth { .init(a, -b) }

    func inverse() -> BN254Twelfth? {
        (a * a - (b * b).timesV).inverse().map { .init(a * $0, -(b * $0)) }
    }

    /// xi^(k (p - 1) / 6) for k = 0 to 5: what w^k is multiplied by in the power by p.
    static let twists: [BN254Quadratic] = {
        let sixthOfPredecessor: [UInt64] = [
            0x34b0_1759_2414_d4e1, 0xee95_91c2_e6bd_a1c2, 0xf40d_60f3_c040_3964, 0x0810_b7bd_d032_f006,
        ]
        return BN254Quadratic.nonResidue.power(words: sixthOfPredecessor).powers(6)
    }()

    /// The power by p.
    var frobenius: BN254Twelfth {
        let g = BN254Twelfth.twists
        return .init(
            Sextic(a.c0.conjugate, a.c1.conjugate * g[2], a.c2.conjugate * g[4]),
            Sextic(b.c0.conjugate * g[1], b.c1.conjugate * g[3], b.c2.conjugate * g[5]))
    }

    /// The square of an element of order dividing p^4 - p^2 + 1, at half the cost (Granger, Scott, "Faster squaring in the
    /// cyclotomic subgroup of sixth degree extensions", PKC 2010).
    ///
    /// With s = w^3 the element is A + B w + C w^2 over Fp2[s] / (s^2 - xi), and its square is
    /// (3 A^2 - 2 A') + (3 s C^2 + 2 B') w + (3 B^2 - 2 C') w^2, where ' changes the sign of s.
    @inlinable
    var cyclotomicSquare: BN254Twelfth {
        func square(_ x: BN254Quadratic, _ y: BN254Quadratic) -> (BN254Quadratic, BN254Quadratic) {
            let (xx, yy) = (x.squared(), y.squared())
            return (xx + yy.timesNonResidue, (x + y).squared() - xx - yy)
        }
        func minus(_ square: BN254Quadratic, _ x: BN254Quadratic) -> BN254Quadratic {
            (square - x).doubled + square
        }
        func plus(_ square: BN254Quadratic, _ x: BN254Quadratic) -> BN254Quadratic {
            (square + x).doubled + square
        }
        let (a0, a1) = square(a.c0, b.c1)
        let (b0, b1) = square(b.c0, a.c2)
        let (c0, c1) = square(a.c1, b.c2)
        return .init(
            Sextic(minus(a0, a.c0), minus(b0, a.c1), minus(c0, a.c2)),
            Sextic(plus(c1.timesNonResidue, b.c0), plus(a1, b.c1), plus(b1, b.c2)))
    }

    /// The power by a word, of an element as for `cyclotomicSquare`.
    func cyclotomicPower(_ exponent: UInt64) -> BN254Twelfth {
        var result = BN254Twelfth.one
        for bit in (0..<64 - exponent.leadingZeroBitCount).reversed() {
            result = result.cyclotomicSquare
            if exponent >> UInt64(bit) & 1 == 1 { result = result * self }
        }
        return result
    }
}
