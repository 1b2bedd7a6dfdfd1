/// `Goldilocks[x] / (x^2 - 7)`: 7 generates the multiplicative group, so it is not a square and the polynomial is
/// irreducible. Stored as two words, the constant coordinate first.
@frozen
public struct GoldilocksExtension: ExtensionField {
    public typealias Base = Goldilocks

    /// The coordinate of 1.
    public let c0: Goldilocks
    /// The coordinate of x.
    public let c1: Goldilocks

    @inlinable
    public init(_ c0: Goldilocks, _ c1: Goldilocks) {
        self.c0 = c0
        self.c1 = c1
    }

    @inlinable public static var degree: Int { 2 }
    @inlinable public static var zero: GoldilocksExtension { .init(.zero, .zero) }
    @inlinable public static var one: GoldilocksExtension { .init(.one, .zero) }
    @inlinable public static var half: GoldilocksExtension { .init(Goldilocks.half) }
    @inlinable public init(_ integer: Int64) { self.init(Goldilocks(integer), .zero) }
    @inlinable public init(_ base: Goldilocks) { self.init(base, .zero) }

    @inlinable
    public init(coordinates: [Goldilocks]) {
        precondition(coordinates.count == 2)
        self.init(coordinates[0], coordinates[1])
    }

    @inlinable
    public func coordinate(_ index: Int) -> Goldilocks {
        precondition(index == 0 || index == 1)
        return index == 0 ? c0 : c1
    }

    @inlinable
    public static func + (a: GoldilocksExtension, b: GoldilocksExtension) -> GoldilocksExtension {
        .init(a.c0 + b.c0, a.c1 + b.c1)
    }

    @inlinable
    public static func - (a: GoldilocksExtension, b: GoldilocksExtension) -> GoldilocksExtension {
        .init(a.c0 - b.c0, a.c1 - b.c1)
    }

    @inlinable
    public static prefix func - (a: GoldilocksExtension) -> GoldilocksExtension { .init(-a.c0, -a.c1) }

    /// `a * b + c * d` for any words, reduced once: the sum has at most 129 bits.
    @inlinable
    static func dot(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> Goldilocks {
        let x = a.multipliedFullWidth(by: b)
        let y = c.multipliedFullWidth(by: d)
        let (low, carryLow) = x.low.addingReportingOverflow(y.low)
        let (high0, carry0) = x.high.addingReportingOverflow(y.high)
        let (high, carry1) = high0.addingReportingOverflow(carryLow ? 1 : 0)
        let reduced = Goldilocks(reducing: (high: high, low: low))
        // 2^128 is -2^32 modulo p.
        return carry0 || carry1 ? reduced - Goldilocks(unchecked: 1 << 32) : reduced
    }

    @inlinable
    public static func * (a: GoldilocksExtension, b: GoldilocksExtension) -> GoldilocksExtension {
        let high = a.c1 * b.c1
        return .init(
            dot(a.c0.value, b.c0.value, high.value, 7),
            dot(a.c0.value, b.c1.value, a.c1.value, b.c0.value))
    }

    @inlinable
    public func scaled(by factor: Goldilocks) -> GoldilocksExtension { .init(c0 * factor, c1 * factor) }

    /// The conjugate over the norm, `(c0 - c1 x) / (c0^2 - 7 c1^2)`.
    @inlinable
    public func inverse() -> GoldilocksExtension? {
        let norm = c0 * c0 - Goldilocks(unchecked: 7) * (c1 * c1)
        guard let factor = norm.inverse() else { return nil }
        return .init(c0 * factor, -c1 * factor)
    }

    @inlinable public static var byteCount: Int { 16 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        c0.write(to: bytes)
        c1.write(to: bytes + 8)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        guard let c0 = Goldilocks(canonical: bytes), let c1 = Goldilocks(canonical: bytes + 8) else { return nil }
        self.init(c0, c1)
    }

    @inlinable
    public static func uniform(_ next: () -> UInt64) -> GoldilocksExtension {
        let c0 = Goldilocks.uniform(next)
        return .init(c0, Goldilocks.uniform(next))
    }

    public var description: String { "(\(c0), \(c1))" }
}
