/// The integers modulo p = 2^64 - 2^32 + 1, one 64-bit word, always less than p.
///
/// 2^64 is 2^32 - 1 modulo p and 2^96 is -1, so a 128-bit product reduces with a subtraction, a shift and an addition
/// (Hamburg, "Ed448-Goldilocks", 2015, for the name and the idea; this p is that of Plonky2).
@frozen
public struct Goldilocks: Field {
    /// The canonical representative.
    public let value: UInt64

    @inlinable
    init(unchecked value: UInt64) { self.value = value }

    /// p.
    @inlinable public static var modulus: UInt64 { 0xffff_ffff_0000_0001 }
    /// 2^64 mod p.
    @inlinable static var epsilon: UInt64 { 0xffff_ffff }
    /// 7, the least generator of the multiplicative group.
    @inlinable public static var generator: Goldilocks { .init(unchecked: 7) }
    @inlinable public static var zero: Goldilocks { .init(unchecked: 0) }
    @inlinable public static var one: Goldilocks { .init(unchecked: 1) }
    @inlinable public static var half: Goldilocks { .init(unchecked: modulus / 2 + 1) }

    @inlinable
    public init(_ integer: Int64) {
        // A negative integer's bit pattern is integer + 2^64, which is p - 1 + 2^32 too large.
        let bits = UInt64(bitPattern: integer)
        value = bits &- (Goldilocks.epsilon & UInt64(bitPattern: integer &>> 63))
    }

    /// The image of any 64-bit word.
    @inlinable
    public init(reducing word: UInt64) { value = word >= Goldilocks.modulus ? word &- Goldilocks.modulus : word }

    /// The image of `high * 2^64 + low`.
    @inlinable
    init(reducing wide: (high: UInt64, low: UInt64)) {
        let (difference, borrow) = wide.low.subtractingReportingOverflow(wide.high &>> 32)
        // With a borrow the difference is at least 2^64 - 2^32 + 1, so taking off 2^64 mod p cannot wrap.
        let low = difference &- (borrow ? Goldilocks.epsilon : 0)
        let high = wide.high & Goldilocks.epsilon
        let (sum, carry) = low.addingReportingOverflow((high &<< 32) &- high)
        // With a carry the sum is at most (2^32 - 1)^2, so adding 2^64 mod p cannot wrap.
        self.init(reducing: sum &+ (carry ? Goldilocks.epsilon : 0))
    }

    @inlinable
    public static func + (a: Goldilocks, b: Goldilocks) -> Goldilocks {
        let (sum, carry) = a.value.addingReportingOverflow(b.value)
        let (reduced, borrow) = sum.subtractingReportingOverflow(modulus)
        return .init(unchecked: carry || !borrow ? reduced : sum)
    }

    @inlinable
    public static func - (a: Goldilocks, b: Goldilocks) -> Goldilocks {
        let (difference, borrow) = a.value.subtractingReportingOverflow(b.value)
        return .init(unchecked: borrow ? difference &+ modulus : difference)
    }

    @inlinable
    public static func * (a: Goldilocks, b: Goldilocks) -> Goldilocks {
        .init(reducing: a.value.multipliedFullWidth(by: b.value))
    }

    @inlinable
    public static prefix func - (a: Goldilocks) -> Goldilocks {
        .init(unchecked: a.value == 0 ? 0 : modulus &- a.value)
    }

    /// `self^(2^count)`.
    @inlinable
    func squared(times count: Int) -> Goldilocks {
        var result = self
        for _ in 0..<count { result = result * result }
        return result
    }

    /// Fermat: `self^(p - 2)`, where p - 2 is 31 ones, a zero and 32 ones in binary: 63 squarings, 9 multiplications.
    @inlinable
    public func inverse() -> Goldilocks? {
        guard value != 0 else { return nil }
        let ones2 = squared(times: 1) * self
        let ones3 = ones2.squared(times: 1) * self
        let ones6 = ones3.squared(times: 3) * ones3
        let ones12 = ones6.squared(times: 6) * ones6
        let ones24 = ones12.squared(times: 12) * ones12
        let ones30 = ones24.squared(times: 6) * ones6
        let ones31 = ones30.squared(times: 1) * self
        return (ones31.squared(times: 32) * ones31).squared(times: 1) * self
    }

    @inlinable public static var byteCount: Int { 8 }

    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: value.littleEndian, as: UInt64.self)
    }

    @inlinable
    public init?(canonical bytes: UnsafeRawPointer) {
        let word = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard word < Goldilocks.modulus else { return nil }
        value = word
    }

    @inlinable
    public static func uniform(_ next: () -> UInt64) -> Goldilocks {
        while true {
            let word = next()
            if word < modulus { return .init(unchecked: word) }
        }
    }

    public var description: String { String(value) }
}
