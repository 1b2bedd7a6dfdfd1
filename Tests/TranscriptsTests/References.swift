import Fields
import Transcripts

/// The prime field of 65,521 elements, the largest below 2^16: small enough to meet non-canonical encodings by chance.
struct SmallField: Field {
    static let modulus: Int64 = 65521
    let value: Int64

    init(_ integer: Int64) {
        let remainder = integer % SmallField.modulus
        value = remainder < 0 ? remainder + SmallField.modulus : remainder
    }

    static var zero: SmallField { SmallField(0) }
    static var one: SmallField { SmallField(1) }
    static func + (a: SmallField, b: SmallField) -> SmallField { SmallField(a.value + b.value) }
    static func - (a: SmallField, b: SmallField) -> SmallField { SmallField(a.value - b.value) }
    static func * (a: SmallField, b: SmallField) -> SmallField { SmallField(a.value * b.value) }
    static prefix func - (a: SmallField) -> SmallField { SmallField(-a.value) }
    func inverse() -> SmallField? { isZero ? nil : power(UInt64(SmallField.modulus - 2)) }

    static var byteCount: Int { 2 }
    func write(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: UInt8(value & 0xff), as: UInt8.self)
        bytes.storeBytes(of: UInt8(value >> 8), toByteOffset: 1, as: UInt8.self)
    }
    init?(canonical bytes: UnsafeRawPointer) {
        let value =
            Int64(bytes.load(as: UInt8.self)) | Int64(bytes.load(fromByteOffset: 1, as: UInt8.self)) << 8
        guard value < SmallField.modulus else { return nil }
        self.value = value
    }
    static func uniform(_ next: () -> UInt64) -> SmallField {
        while true {
            let candidate = Int64(next() & 0xffff)
            if candidate < modulus { return SmallField(candidate) }
        }
    }
    var description: String { "\(value)" }
}

/// Compression functions written for reading, apart from everything under test.
enum Reference {
    static let initial: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }

    /// A word from its bytes, most significant first.
    static func word(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> UInt32 {
        UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    static let sha256Constants: [UInt32] = {
        let primes = (2..<312).filter { n in (2..<n).allSatisfy { n % $0 != 0 } }
        return primes.prefix(64).map { prime in
            // The largest r with r^3 <= prime * 2^96, bit by bit.
            let target = UInt128(prime) << 96
            var root: UInt128 = 0
            for bit in stride(from: 35, through: 0, by: -1) {
                let candidate = root | 1 << UInt128(bit)
                if candidate * candidate * candidate <= target { root = candidate }
            }
            return UInt32(truncatingIfNeeded: root)
        }
    }()

    /// FIPS 180-4, 6.2.2.
    static func sha256Compress(_ state: [UInt32], _ block: [UInt8]) -> [UInt32] {
        var w: [UInt32] = (0..<16).map { word(block[4 * $0], block[4 * $0 + 1], block[4 * $0 + 2], block[4 * $0 + 3]) }
        for i in 16..<64 {
            let s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
            let s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append(w[i - 16] &+ s0 &+ w[i - 7] &+ s1)
        }
        var v = state
        for i in 0..<64 {
            let s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let choose = (v[4] & v[5]) ^ (~v[4] & v[6])
            let t1 = v[7] &+ s1 &+ choose &+ sha256Constants[i] &+ w[i]
            let s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            v = [t1 &+ s0 &+ majority, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
        }
        return zip(state, v).map { $0 &+ $1 }
    }

    static func bigEndian(_ words: [UInt32]) -> [UInt8] {
        words.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    }

    /// The inner node that the documentation of `HashFunction` describes.
    static func sha256Node(_ block: [UInt8]) -> [UInt8] {
        let name = Array("Assay Merkle node".utf8)
        // One block: the name, a one bit, zeros, the length in bits.
        let length = bigEndian([0, UInt32(8 * name.count)])
        let padded = name + [0x80] + [UInt8](repeating: 0, count: 64 - 8 - 1 - name.count) + length
        let first = sha256Compress(initial.map { $0 ^ 0xa5a5_a5a5 }, padded)
        return bigEndian(sha256Compress(first, block))
    }

    /// The BLAKE3 specification, 2.2, with counter 0 and length 64; the first eight output words as bytes.
    static func blake3Compress(_ block: [UInt8], flags: UInt32) -> [UInt8] {
        var m: [UInt32] = (0..<16).map { word(block[4 * $0 + 3], block[4 * $0 + 2], block[4 * $0 + 1], block[4 * $0]) }
        var v = initial + initial.prefix(4) + [0, 0, 64, flags]
        func mix(_ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt32, _ y: UInt32) {
            v[a] = v[a] &+ v[b] &+ x
            v[d] = rotate(v[d] ^ v[a], 16)
            v[c] = v[c] &+ v[d]
            v[b] = rotate(v[b] ^ v[c], 12)
            v[a] = v[a] &+ v[b] &+ y
            v[d] = rotate(v[d] ^ v[a], 8)
            v[c] = v[c] &+ v[d]
            v[b] = rotate(v[b] ^ v[c], 7)
        }
        for _ in 0..<7 {
            for i in 0..<4 { mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1]) }
            for i in 0..<4 {
                mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
            }
            m = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8].map { m[$0] }
        }
        return (0..<8).flatMap { i in
            (0..<4).map { UInt8(truncatingIfNeeded: (v[i] ^ v[i + 8]) >> UInt32(8 * $0)) }
        }
    }

    /// "The Keccak reference", chapter 1, with constants and offsets by their definitions.
    static func keccak(_ state: [UInt64]) -> [UInt64] {
        func rotate(_ x: UInt64, _ n: Int) -> UInt64 { n == 0 ? x : x << UInt64(n) | x >> UInt64(64 - n) }
        var a = state
        var register: UInt8 = 1
        for _ in 0..<24 {
            let c = (0..<5).map { x in (0..<5).reduce(0) { $0 ^ a[x + 5 * $1] } }
            for i in 0..<25 { a[i] ^= c[(i + 4) % 5] ^ rotate(c[(i + 1) % 5], 1) }
            var b = a
            var (x, y) = (1, 0)
            for t in 0..<24 {
                // Rho turns (x, y) by (t + 1)(t + 2)/2, and pi moves it to (y, 2x + 3y), the next place.
                let turned = rotate(a[x + 5 * y], (t + 1) * (t + 2) / 2 % 64)
                (x, y) = (y, (2 * x + 3 * y) % 5)
                b[x + 5 * y] = turned
            }
            for i in 0..<25 {
                let row = i / 5 * 5
                a[i] = b[i] ^ (~b[row + (i + 1) % 5] & b[row + (i + 2) % 5])
            }
            for j in 0..<7 {
                // Bits 2^j - 1 of the constant come from x^8 + x^6 + x^5 + x^4 + 1.
                if register & 1 == 1 { a[0] ^= 1 << UInt64((1 << j) - 1) }
                register = register << 1 ^ (register >> 7 == 1 ? 0x71 : 0)
            }
        }
        return a
    }

    /// The sponge on 513 bits.
    static func keccakNode(_ block: [UInt8]) -> [UInt8] {
        let padded = block + [0x03] + [UInt8](repeating: 0, count: 136 - 64 - 2) + [0x80]
        let words = stride(from: 0, to: 136, by: 8).map { i in
            (0..<8).reduce(0) { $0 | UInt64(padded[i + $1]) << UInt64(8 * $1) }
        }
        let image = keccak(words + [UInt64](repeating: 0, count: 8))
        return image[..<4].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }

    static func node(_ hash: HashFunction, _ left: Digest, _ right: Digest) -> Digest {
        let block = left.bytes + right.bytes
        switch hash {
        case .sha256: return Digest(bytes: sha256Node(block))!
        case .blake3: return Digest(bytes: blake3Compress(block, flags: 4))!
        case .keccak256: return Digest(bytes: keccakNode(block))!
        case .poseidon2M31: return Poseidon2References.m31.node(left, right)
        case .poseidon2Goldilocks: return Poseidon2References.goldilocks.node(left, right)
        case .poseidon2BN254: return Poseidon2References.bn254.node(left, right)
        }
    }
}

/// A generator with a fixed seed, so that failures repeat (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
    mutating func bytes(_ count: Int) -> [UInt8] {
        let words = (0..<(count + 7) / 8).map { _ in next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
    mutating func digest() -> Digest { Digest(bytes: bytes(32))! }
}
