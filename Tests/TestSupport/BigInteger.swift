import CGMP

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An integer of any size, by GMP: the oracle of the field tests. Immutable, hence safe to share.
public final class BigInteger: @unchecked Sendable, Comparable, CustomStringConvertible {
    // Behind a pointer, so that one integer may be both arguments of a call without overlapping accesses to a property.
    private let raw = UnsafeMutablePointer<__mpz_struct>.allocate(capacity: 1)

    private init() { __gmpz_init(raw) }
    deinit {
        __gmpz_clear(raw)
        raw.deallocate()
    }

    private static func make(_ fill: (UnsafeMutablePointer<__mpz_struct>) -> Void) -> BigInteger {
        let result = BigInteger()
        fill(result.raw)
        return result
    }

    public convenience init(_ value: Int64) {
        self.init()
        __gmpz_set_si(raw, Int(value))
    }

    /// From little-endian 64-bit words.
    public convenience init(words: [UInt64]) {
        self.init()
        __gmpz_import(raw, words.count, -1, 8, 0, 0, words)
    }

    /// From little-endian bytes.
    public convenience init(bytes: [UInt8]) {
        self.init()
        __gmpz_import(raw, bytes.count, -1, 1, 0, 0, bytes)
    }

    public convenience init?(decimal: String) {
        self.init()
        guard __gmpz_set_str(raw, decimal, 10) == 0 else { return nil }
    }

    /// The low `count` bytes of a non-negative integer, little-endian.
    public func bytes(_ count: Int) -> [UInt8] {
        precondition(self >= BigInteger(0))
        var result = [UInt8](repeating: 0, count: max(count, (__gmpz_sizeinbase(raw, 2) + 7) / 8))
        var written = 0
        __gmpz_export(&result, &written, -1, 1, 0, 0, raw)
        return Array(result[..<count])
    }

    public var bitCount: Int { __gmpz_sizeinbase(raw, 2) }

    public var description: String {
        let text = __gmpz_get_str(nil, 10, raw)!
        defer { free(text) }
        return String(cString: text)
    }

    public static func + (a: BigInteger, b: BigInteger) -> BigInteger { make { __gmpz_add($0, a.raw, b.raw) } }
    public static func - (a: BigInteger, b: BigInteger) -> BigInteger { make { __gmpz_sub($0, a.raw, b.raw) } }
    public static func * (a: BigInteger, b: BigInteger) -> BigInteger { make { __gmpz_mul($0, a.raw, b.raw) } }
    /// The non-negative remainder.
    public static func % (a: BigInteger, b: BigInteger) -> BigInteger { make { __gmpz_mod($0, a.raw, b.raw) } }
    /// Rounded down.
    public static func / (a: BigInteger, b: BigInteger) -> BigInteger { make { __gmpz_fdiv_q($0, a.raw, b.raw) } }

    public static func powerOfTwo(_ exponent: Int) -> BigInteger {
        make { __gmpz_ui_pow_ui($0, 2, UInt(exponent)) }
    }

    /// `self^exponent mod modulus`.
    public func power(_ exponent: BigInteger, modulo modulus: BigInteger) -> BigInteger {
        BigInteger.make { __gmpz_powm($0, raw, exponent.raw, modulus.raw) }
    }

    /// The inverse modulo `modulus`, or nil where there is none.
    public func inverse(modulo modulus: BigInteger) -> BigInteger? {
        let result = BigInteger()
        return __gmpz_invert(result.raw, raw, modulus.raw) != 0 ? result : nil
    }

    public static func == (a: BigInteger, b: BigInteger) -> Bool { __gmpz_cmp(a.raw, b.raw) == 0 }
    public static func < (a: BigInteger, b: BigInteger) -> Bool { __gmpz_cmp(a.raw, b.raw) < 0 }
}
