/// The prime field of 2^31 - 1 elements. `value` is canonical, in [0, p).
///
/// The modulus is a Mersenne prime, so that 2^31 = 1 and a 62-bit product reduces by one shift, one mask and one
/// addition.
@frozen
public struct M31: Field {
    /// The canonical representative, in [0, p).
    public let value: UInt32

    /// p = 2^31 - 1.
    @inlinable public static var modulus: UInt32 { 0x7fff_ffff }

    /// An element from its canonical representative; the caller answers for `value < p`.
    @inlinable
    public init(unchecked value: UInt32) {
        self.value = value
    }

    /// The image of any 64-bit integer.
    @inlinable
    public init(reducing wide: UInt64) {
        // wide < 2^64, so the first fold is below 2^31 + 2^33 and the second at most p + 4.
        let once = (wide & 0x7fff_ffff) + (wide >> 31)
        self.init(partly: UInt32(truncatingIfNeeded: (once & 0x7fff_ffff) + (once >> 31)))
    }

    /// From a representative in [0, 2p).
    @inlinable
    init(partly value: UInt32) {
        // Where value < p the difference wraps to a number above value.
        self.value = min(value, value &- M31.modulus)
    }

    @inlinable public static var zero: M31 { M31(unchecked: 0) }
    @inlinable public static var one: M31 { M31(unchecked: 1) }
    @inlinable public static var half: M31 { M31(unchecked: 1 << 30) }

    @inlinable
    public init(_ integer: Int64) {
        let remainder = integer % 0x7fff_ffff
        self.value = UInt32(truncatingIfNeeded: remainder < 0 ? remainder &+ 0x7fff_ffff : remainder)
    }

    @inlinable public static func + (a: M31, b: M31) -> M31 { M31(partly: a.value &+ b.value) }

    @inlinable
    public static func - (a: M31, b: M31) -> M31 {
        let difference = a.value &- b.value
        return M31(unchecked: min(difference, difference &+ modulus))
    }

    @inlinable
    public static func * (a: M31, b: M31) -> M31 {
        // The product is at most (p-1)^2 < 2^62, so each half is at most p and their sum at most 2p - 1.
        let product = UInt64(a.value) &* UInt64(b.value)
        return M31(
            partly: UInt32(truncatingIfNeeded: product & 0x7fff_ffff) &+ UInt32(truncatingIfNeeded: product >> 31))
    }

    @inlinable public static prefix func - (a: M31) -> M31 { M31(unchecked: a.value == 0 ? 0 : modulus &- a.value) }

    /// a^(p-2); p - 2 = 2^31 - 3 is twenty-nine ones, a zero and a one in binary.
    @inlinable
    public func inverse() -> M31? {
        if value == 0 { return nil }
        @inline(__always) func raise(_ a: M31, _ squarings: Int) -> M31 {
            var a = a
            for _ in 0..<squarings { a = a * a }
            return a
        }
        // ones(n) = self^(2^n - 1), by doubling n.
        let ones2 = raise(self, 1) * self
        let ones4 = raise(ones2, 2) * ones2
        let ones8 = raise(ones4, 4) * ones4
        let ones16 = raise(ones8, 8) * ones8
        let ones24 = raise(ones16, 8) * ones8
        let ones28 = raise(ones24, 4) * ones4
        let ones29 = raise(ones28, 1) * self
        return raise(ones29, 2) * self
    }

    @inlinable public static var byteCount: Int { 4 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: value.littleEndian, as: UInt32.self)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        let value = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        guard value < M31.modulus else { return nil }
        self.value = value
    }

    /// Takes the low 31 bits of a word's halves, low half first; only the value p itself is rejected.
    @inlinable
    public static func uniform(_ next: () -> UInt64) -> M31 {
        while true {
            let word = next()
            let low = UInt32(truncatingIfNeeded: word) & modulus
            if low != modulus { return M31(unchecked: low) }
            let high = UInt32(truncatingIfNeeded: word >> 32) & modulus
            if high != modulus { return M31(unchecked: high) }
        }
    }

    public var description: String { String(value) }
}
