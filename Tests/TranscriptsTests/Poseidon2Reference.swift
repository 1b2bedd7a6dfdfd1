import Fields
import Transcripts

/// Poseidon2 written for reading, over the scalar fields of `Fields`: constants by the Grain LFSR, matrices as matrices,
/// the sponge as the documentation of `HashFunction` says.
struct Poseidon2Reference<F: Field> {
    let width: Int
    let exponent: UInt64
    let partialRounds: Int
    /// The external matrix, and the internal one less its identity.
    let external: [[F]]
    let diagonal: [F]
    let constants: [F]
    /// Elements of a block, and bits of each.
    let rate: Int
    let limbBits: Int
    /// Elements of a digest.
    let digestCount: Int

    init(
        width: Int, exponent: UInt64, partialRounds: Int, diagonal: [F], fieldBits: Int, rate: Int, limbBits: Int,
        digestCount: Int
    ) {
        self.width = width
        self.exponent = exponent
        self.partialRounds = partialRounds
        self.diagonal = diagonal
        self.rate = rate
        self.limbBits = limbBits
        self.digestCount = digestCount
        let block: [[Int64]] = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]]
        external = (0..<width).map { i in
            (0..<width).map { j in
                if width == 3 { return F(i == j ? 2 : 1) }
                return F(block[i % 4][j % 4] * (i / 4 == j / 4 ? 2 : 1))
            }
        }
        var grain = Grain(fieldBits: fieldBits, width: width, fullRounds: 8, partialRounds: partialRounds)
        constants = (0..<8 * width + partialRounds).map { _ in grain.element(bits: fieldBits) }
    }

    func permutation(_ input: [F]) -> [F] {
        func mixed(_ s: [F]) -> [F] {
            external.map { row in zip(row, s).reduce(F.zero) { $0 + $1.0 * $1.1 } }
        }
        var next = constants.makeIterator()
        var s = mixed(input)
        func fullRounds() {
            for _ in 0..<4 { s = mixed(s.map { ($0 + next.next()!).power(exponent) }) }
        }
        fullRounds()
        for _ in 0..<partialRounds {
            s[0] = (s[0] + next.next()!).power(exponent)
            let sum = s.reduce(F.zero) { $0 + $1 }
            s = zip(s, diagonal).map { sum + $0.0 * $0.1 }
        }
        fullRounds()
        return s
    }

    /// The element of these bits, least significant first; nil unless that is below the modulus.
    static func element(_ bits: [Bool]) -> F? {
        var bytes = [UInt8](repeating: 0, count: F.byteCount)
        for (i, bit) in bits.enumerated() where bit { bytes[i / 8] |= 1 << UInt8(i % 8) }
        return bytes.withUnsafeBytes { F(canonical: $0.baseAddress!) }
    }

    static func bits(_ bytes: [UInt8]) -> [Bool] {
        bytes.flatMap { byte in (0..<8).map { byte >> UInt8($0) & 1 == 1 } }
    }

    func capacity(_ length: Int, _ mark: Int64) -> [F] {
        let parts: [F]
        switch width {
        case 16: parts = [F(Int64(length & 0x3fff_ffff)), F(Int64(length >> 30)), .zero, F(mark)]
        case 8: parts = [F(Int64(length)), .zero, F(mark)]
        default: parts = [F(Int64(length)) + F(mark) * F(2).power(64)]
        }
        return parts + [F](repeating: .zero, count: width - rate - parts.count)
    }

    func digest(_ elements: [F]) -> Digest {
        var bytes = [UInt8](repeating: 0, count: 32)
        bytes.withUnsafeMutableBytes { out in
            for (i, element) in elements.enumerated() { element.write(to: out.baseAddress! + i * F.byteCount) }
        }
        return Digest(bytes: bytes)!
    }

    func hash(_ message: [UInt8], mark: Int64 = 1) -> Digest {
        let blockBits = rate * limbBits
        var bits = Poseidon2Reference.bits(message)
        repeat { bits.append(false) } while bits.count % blockBits != 0
        if message.count > 0 && message.count * 8 % blockBits == 0 { bits.removeLast(blockBits) }
        var s = [F](repeating: .zero, count: rate) + capacity(message.count, mark)
        for start in stride(from: 0, to: bits.count, by: blockBits) {
            for j in 0..<rate {
                let from = start + j * limbBits
                s[j] = Poseidon2Reference.element(Array(bits[from..<from + limbBits]))!
            }
            s = permutation(s)
        }
        return digest(Array(s[..<digestCount]))
    }

    func node(_ left: Digest, _ right: Digest) -> Digest {
        let bytes = left.bytes + right.bytes
        let elements = stride(from: 0, to: 64, by: F.byteCount).map { i in
            Poseidon2Reference.element(Poseidon2Reference.bits(Array(bytes[i..<i + F.byteCount])))
        }
        guard !elements.contains(where: { $0 == nil }) else { return hash(bytes, mark: 3) }
        let x = elements.map { $0! }
        if width == 3 { return digest([permutation(x + capacity(64, 2))[0]]) }
        let y = permutation(x)
        return digest((width / 2..<width).map { x[$0] + y[$0] })
    }

    /// The LFSR of "Poseidon" (ePrint 2019/458), appendix E, that keeps its second bit where the first is one.
    private struct Grain {
        var state: [Bool]

        init(fieldBits: Int, width: Int, fullRounds: Int, partialRounds: Int) {
            func bits(_ value: Int, _ count: Int) -> [Bool] { (0..<count).reversed().map { value >> $0 & 1 == 1 } }
            state = bits(1, 2) + bits(0, 4) + bits(fieldBits, 12) + bits(width, 12)
            state += bits(fullRounds, 10) + bits(partialRounds, 10) + [Bool](repeating: true, count: 30)
            for _ in 0..<160 { _ = clock() }
        }

        mutating func clock() -> Bool {
            let new = [62, 51, 38, 23, 13, 0].reduce(false) { $0 != state[$1] }
            state.removeFirst()
            state.append(new)
            return new
        }

        mutating func element(bits count: Int) -> F {
            while true {
                var bits: [Bool] = []
                while bits.count < count {
                    let (keep, value) = (clock(), clock())
                    if keep { bits.append(value) }
                }
                if let element = Poseidon2Reference.element(bits.reversed()) { return element }
            }
        }
    }
}

enum Poseidon2References {
    static let m31 = Poseidon2Reference<M31>(
        width: 16, exponent: 5, partialRounds: 14,
        diagonal: [M31(-2)] + [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16].map { M31(1 << $0) }, fieldBits: 31,
        rate: 8, limbBits: 30, digestCount: 8)
    static let goldilocks: Poseidon2Reference<Goldilocks> = {
        let half = Goldilocks(2).inverse()!
        return Poseidon2Reference(
            width: 8, exponent: 7, partialRounds: 22,
            diagonal: [-2, 1, 2].map { Goldilocks($0) } + [half, Goldilocks(3), -half, Goldilocks(-3), Goldilocks(-4)],
            fieldBits: 64, rate: 4, limbBits: 62, digestCount: 4)
    }()
    static let bn254 = Poseidon2Reference<BN254Scalar>(
        width: 3, exponent: 5, partialRounds: 56, diagonal: [1, 1, 2].map { BN254Scalar($0) }, fieldBits: 254, rate: 2,
        limbBits: 248, digestCount: 1)
}
