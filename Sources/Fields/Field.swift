import Tensors

/// A prime field or an extension of one: scalar arithmetic, always in canonical form, so that `==` and `hash` are those of
/// the represented value. Constant time is *not* promised: a prover's secrets are its own.
public protocol Field: Sendable, Hashable, BitwiseCopyable, CustomStringConvertible {
    static var zero: Self { get }
    static var one: Self { get }
    /// The inverse of 2.
    static var half: Self { get }
    /// The image of an integer, negative ones included: `-1` is `p - 1`.
    init(_ integer: Int64)
    static func + (a: Self, b: Self) -> Self
    static func - (a: Self, b: Self) -> Self
    static func * (a: Self, b: Self) -> Self
    static prefix func - (a: Self) -> Self
    func squared() -> Self
    /// The multiplicative inverse, or nil for zero.
    func inverse() -> Self?

    /// Bytes of the canonical encoding: little-endian coordinates, each less than the modulus.
    static var byteCount: Int { get }
    /// Writes the canonical encoding to `byteCount` bytes.
    func write(to bytes: UnsafeMutableRawPointer)
    /// Reads `byteCount` bytes; nil where a coordinate is not below the modulus.
    init?(canonical bytes: UnsafeRawPointer)
    /// A uniformly distributed element from uniform bytes by rejection: `next` returns 8 fresh bytes as a little-endian
    /// word each time it is called.
    static func uniform(_ next: () -> UInt64) -> Self
}

extension Field {
    @inlinable public static var half: Self { Self(2).inverse()! }
    @inlinable public static func += (a: inout Self, b: Self) { a = a + b }
    @inlinable public static func -= (a: inout Self, b: Self) { a = a - b }
    @inlinable public static func *= (a: inout Self, b: Self) { a = a * b }
    @inlinable public func squared() -> Self { self * self }
    @inlinable public var isZero: Bool { self == .zero }
    @inlinable public var doubled: Self { self + self }

    /// `self` to the power of `exponent`.
    @inlinable
    public func power(_ exponent: UInt64) -> Self {
        var result = Self.one
        var base = self
        var e = exponent
        while e > 0 {
            if e & 1 == 1 { result *= base }
            base = base.squared()
            e >>= 1
        }
        return result
    }

    /// `1, self, self^2, ...`, `count` of them.
    @inlinable
    public func powers(_ count: Int) -> [Self] {
        var result: [Self] = []
        result.reserveCapacity(count)
        var current = Self.one
        for _ in 0..<count {
            result.append(current)
            current *= self
        }
        return result
    }
}

/// An extension `Base[x]/(f)` of known degree; degree 1 (a large prime field that serves as its own extension) included.
public protocol ExtensionField: Field {
    associatedtype Base: Field
    static var degree: Int { get }
    init(_ base: Base)
    /// The product with a base-field element, cheaper than a full multiplication.
    func scaled(by factor: Base) -> Self
    /// The `index`-th coordinate over the base field, `0 <= index < degree`.
    func coordinate(_ index: Int) -> Base
    /// The element with these coordinates; `coordinates.count == degree`.
    init(coordinates: [Base])
}

/// A field to prove over: a base field, which holds witnesses, and an extension of it, which challenges come from; and the
/// bulk operations that proving consists of.
///
/// Every bulk operation has a portable default (`ProofField+Defaults.swift`), which is the oracle in tests; a field becomes
/// fast by overriding them with kernels. Pointers never overlap unless the operation says so. Counts may be anything,
/// zero included. Operations do not start threads unless they say so.
public protocol ProofField: Sendable {
    associatedtype Base: Field
    associatedtype Challenge: ExtensionField where Challenge.Base == Base

    /// The name that people type: `m31`, `goldilocks`, `bn254`.
    static var name: String { get }
    /// The characteristic in little-endian 64-bit words.
    static var modulus: [UInt64] { get }
    /// The largest B such that distinct integers in `-B...B` have distinct images, `(p - 1) / 2`, but at most 2^62.
    static var integerBound: Int64 { get }
    /// floor(log2) of the number of challenges.
    static var challengeBits: Int { get }
    /// The largest k for which `reedSolomonEncode` has code words of length 2^k.
    static var maximumCodeBits: Int { get }

    // MARK: Small integers into the field

    /// `out[i] = image of in[i]`.
    static func embed<T: SmallInteger>(_ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<Base>)
    /// `out[i] = image of in[i]` in the challenge field.
    static func embed<T: SmallInteger>(_ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<Challenge>)

    // MARK: Vectors of challenges

    /// `out[i] = a[i] + b[i]`; `out` may be `a` or `b`.
    static func add(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, into output: UnsafeMutablePointer<Challenge>,
        count: Int)
    /// `out[i] = a[i] * b[i]`; `out` may be `a` or `b`.
    static func multiply(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, into output: UnsafeMutablePointer<Challenge>,
        count: Int)
    /// `out[i] += factor * a[i]`.
    static func addScaled(
        _ a: UnsafePointer<Challenge>, by factor: Challenge, to output: UnsafeMutablePointer<Challenge>, count: Int)
    /// `out[i] = factor * a[i]`; `out` may be `a`.
    static func scale(
        _ a: UnsafePointer<Challenge>, by factor: Challenge, into output: UnsafeMutablePointer<Challenge>, count: Int)
    /// `out[i] += factor * image of a[i]`.
    static func addScaled<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, by factor: Challenge, to output: UnsafeMutablePointer<Challenge>)
    /// Sum of `a[i] * b[i]`.
    static func innerProduct(_ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, count: Int) -> Challenge
    /// Sum of `image of a[i] * b[i]` over `a`.
    static func innerProduct<T: SmallInteger>(_ a: UnsafeBufferPointer<T>, _ b: UnsafePointer<Challenge>) -> Challenge
    /// Sum of `a[i] * b[i]` for base-field `a`.
    static func innerProduct(base a: UnsafePointer<Base>, _ b: UnsafePointer<Challenge>, count: Int) -> Challenge
    /// Replaces each element by its inverse; zeros stay zeros.
    static func invert(_ a: UnsafeMutablePointer<Challenge>, count: Int)
    /// `table[i] = scale * eq(point, i)` for all `0 <= i < 2^point.count`, with `point[0]` on bit 0 of `i`.
    static func expandEq(_ point: [Challenge], scale: Challenge, into table: UnsafeMutablePointer<Challenge>)

    // MARK: Folding (binding the lowest variable)

    /// `out[i] = in[2i] + r * (in[2i+1] - in[2i])` for `i < pairs`; `out` may be `in`.
    static func fold(
        _ input: UnsafePointer<Challenge>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>, pairs: Int)
    /// The same from small integers; `input.count` is even.
    static func fold<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>)
    /// Folds pairs of pairs, for GKR layers: `out[2i+b] = in[4i+b] + r * (in[4i+2+b] - in[4i+b])` for `i < quads`,
    /// `b` in 0, 1; `out` may be `in`.
    static func foldPairs(
        _ input: UnsafePointer<Challenge>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>, quads: Int)

    // MARK: Matrices of small integers (row-major) times challenge vectors

    /// `out[c] += sum over r of weights[r] * matrix[r * columns + c]`. Runs on all threads.
    static func combineRows<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<Challenge>,
        addTo output: UnsafeMutablePointer<Challenge>)
    /// `out[r] = sum over c of weights[c] * matrix[r * columns + c]`. Runs on all threads.
    static func combineColumns<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<Challenge>,
        into output: UnsafeMutablePointer<Challenge>)

    // MARK: Sumcheck rounds (lowest variable; entries 2i and 2i+1 are its values 0 and 1)

    /// For s(X) = sum over i < pairs of a_i(X) b_i(X): `s(0)` and the coefficient of X^2.
    static func roundProduct2(_ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, pairs: Int)
        -> (atZero: Challenge, leading: Challenge)
    /// For s(X) = sum over i < pairs of a_i(X) b_i(X) c_i(X): `s(0)`, `s(-1)` and the coefficient of X^3.
    static func roundProduct3(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, _ c: UnsafePointer<Challenge>, pairs: Int
    ) -> (atZero: Challenge, atMinusOne: Challenge, leading: Challenge)
    /// For t(X) = sum over i < pairs of weights[i] a_i(X) b_i(X): `t(0)` and the coefficient of X^2.
    static func roundWeightedProduct2(
        weights: UnsafePointer<Challenge>, _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, pairs: Int
    ) -> (atZero: Challenge, leading: Challenge)
    /// One round of a fractional-GKR layer. `p` and `q` hold quadruples (x = 2i: even, odd; x = 2i+1: even, odd), where q
    /// is stored *minus one*, so that padding is zero. With
    /// `g = p0 (1 + q1) + p1 (1 + q0) + lambda (q0 + q1 + q0 q1)` (0 and 1 the even and odd halves) and
    /// t(X) = sum over i < quads of weights[i] g_i(X): `t(0)` and the coefficient of X^2.
    static func roundFractions(
        weights: UnsafePointer<Challenge>, p: UnsafePointer<Challenge>, q: UnsafePointer<Challenge>, lambda: Challenge,
        quads: Int
    ) -> (atZero: Challenge, leading: Challenge)
    /// Adds neighbouring fractions: `pOut[i] = p0 (1 + q1) + p1 (1 + q0)`, `qOut[i] = q0 + q1 + q0 q1` with 0 and 1 the
    /// entries 2i and 2i+1, and q stored minus one. Outputs may be the inputs.
    static func addFractions(
        p: UnsafePointer<Challenge>, q: UnsafePointer<Challenge>, pOut: UnsafeMutablePointer<Challenge>,
        qOut: UnsafeMutablePointer<Challenge>, pairs: Int)

    // MARK: Codes and base-field vectors

    /// Writes the canonical encodings of `count` elements one after the other.
    static func write(_ elements: UnsafePointer<Base>, count: Int, to bytes: UnsafeMutableRawPointer)
    /// The same for the first `width` of every `elementStride` elements, `count` times, from every `stride`-th byte on.
    static func write(
        interleaved elements: UnsafePointer<Base>, stride elementStride: Int, width: Int, count: Int,
        to bytes: UnsafeMutableRawPointer, stride: Int)
    /// `out[c * stride + r] = in[r * columns + c]` for all `r < rows <= stride`, `c < columns`: rows become interleaved.
    static func interleave(
        _ input: UnsafePointer<Base>, rows: Int, columns: Int, into output: UnsafeMutablePointer<Base>, stride: Int)

    /// `out[i] += factor * a[i]` over the base field.
    static func addScaled(
        base a: UnsafePointer<Base>, by factor: Base, to output: UnsafeMutablePointer<Base>, count: Int)

    /// Encodes `width` interleaved messages in place. Entry `i` of message `j` is `values[i * stride + j]`, `width <= stride`;
    /// the first 2^messageBits entries hold the message, all 2^(messageBits + logInverseRate) entries the code word
    /// afterwards (whatever the others held before). The code is linear over the base field, and two distinct code words
    /// differ in at least `2^(messageBits + logInverseRate) - 2^messageBits` places. A vector of challenges is `degree`
    /// interleaved base vectors, so the same operation encodes it coordinate by coordinate. Serial: callers split the width.
    /// Requires `messageBits + logInverseRate <= maximumCodeBits`.
    static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<Base>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int)
    /// The same where only some entries of the code words are wanted, those at `positions`; what the others hold afterwards is
    /// left open.
    static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<Base>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int,
        only positions: [Int])

    /// How code words of `reedSolomonEncode` halve. Let f_0 = f be the code word, of length 2^codeBits, of a message m. Entries
    /// 2j and 2j + 1 of f_level are `e_j + w_j o_j` and `e_j - w_j o_j`, with e and o the words f_(level+1) of the even and
    /// of the odd entries of the message, and w_j what this returns, not zero, for `0 <= j < 2^(codeBits - 1 - level)` and
    /// every level below the number of message bits. From the second level on, words are of a Reed-Solomon code: values of
    /// polynomials at distinct points.
    static func foldingFactor(codeBits: Int, level: Int, pair: Int) -> Base
    /// The signed factors on the way down from an entry: the k-th, for k < count, is such that entry `position >> k` of
    /// f_(level+k) is e + factor o for the entries e and o at `position >> (k + 1)`.
    static func foldingFactors(codeBits: Int, level: Int, position: Int, count: Int) -> [Base]
    /// The factors of all pairs of a level.
    static func foldingFactors(codeBits: Int, level: Int, into factors: UnsafeMutablePointer<Base>)
}
