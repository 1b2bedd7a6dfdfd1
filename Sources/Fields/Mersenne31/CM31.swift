/// M31[i]/(i^2 + 1). A field, because p = 3 (mod 4).
@frozen
public struct CM31: Field {
    public let real: M31
    public let imaginary: M31

    @inlinable
    public init(_ real: M31, _ imaginary: M31) {
        self.real = real
        self.imaginary = imaginary
    }

    @inlinable public static var zero: CM31 { CM31(.zero, .zero) }
    @inlinable public static var one: CM31 { CM31(.one, .zero) }
    @inlinable public init(_ integer: Int64) { self.init(M31(integer), .zero) }

    @inlinable public static func + (a: CM31, b: CM31) -> CM31 { CM31(a.real + b.real, a.imaginary + b.imaginary) }
    @inlinable public static func - (a: CM31, b: CM31) -> CM31 { CM31(a.real - b.real, a.imaginary - b.imaginary) }
    @inlinable public static prefix func - (a: CM31) -> CM31 { CM31(-a.real, -a.imaginary) }

    @inlinable
    public static func * (a: CM31, b: CM31) -> CM31 {
        let (real, imaginary) = wideProduct(a, b)
        return CM31(M31(reducing: real), M31(reducing: imaginary))
    }

    /// The coordinates of a product before reduction, both at most 2p^2 < 2^63.
    @inlinable
    static func wideProduct(_ a: CM31, _ b: CM31) -> (real: UInt64, imaginary: UInt64) {
        let (a0, a1) = (UInt64(a.real.value), UInt64(a.imaginary.value))
        let (b0, b1) = (UInt64(b.real.value), UInt64(b.imaginary.value))
        return (a0 &* b0 &+ (0x7fff_ffff &- a1) &* b1, a0 &* b1 &+ a1 &* b0)
    }

    /// Complex conjugation, the Frobenius map a^p.
    @inlinable public var conjugate: CM31 { CM31(real, -imaginary) }
    @inlinable public func scaled(by factor: M31) -> CM31 { CM31(real * factor, imaginary * factor) }

    @inlinable
    public func inverse() -> CM31? {
        // The norm real^2 + imaginary^2 is zero for zero only.
        guard let inverseNorm = (real * real + imaginary * imaginary).inverse() else { return nil }
        return conjugate.scaled(by: inverseNorm)
    }

    @inlinable public static var byteCount: Int { 8 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        real.write(to: bytes)
        imaginary.write(to: bytes + 4)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        guard let real = M31(canonical: bytes), let imaginary = M31(canonical: bytes + 4) else { return nil }
        self.init(real, imaginary)
    }

    /// Takes both coordinates from one word; the word is rejected where either is p.
    @inlinable
    public static func uniform(_ next: () -> UInt64) -> CM31 {
        while true {
            let word = next()
            let low = UInt32(truncatingIfNeeded: word) & M31.modulus
            let high = UInt32(truncatingIfNeeded: word >> 32) & M31.modulus
            if low != M31.modulus && high != M31.modulus { return CM31(M31(unchecked: low), M31(unchecked: high)) }
        }
    }

    public var description: String { "\(real) + \(imaginary)i" }
}
