import Fields
import TestSupport
import Testing

@Suite struct Mersenne31Tests {
    static let prime = FieldOracle(prime: Mersenne31.modulus)
    static let complex = FieldOracle(prime: Mersenne31.modulus, definingPolynomial: [1, 0, 1])

    @Test func baseField() { checkFieldLaws(M31.self, oracle: Self.prime) }
    @Test func complexExtension() { checkFieldLaws(CM31.self, oracle: Self.complex) }
    @Test func quarticExtension() {
        checkExtensionLaws(QM31.self, oracle: FieldOracle(quadraticOver: Self.complex, square: [2, 1]))
    }

    @Test func parameters() {
        let p = BigInteger(words: Mersenne31.modulus)
        #expect(p == BigInteger.powerOfTwo(31) - BigInteger(1))
        #expect((p * p * p * p).bitCount - 1 == Mersenne31.challengeBits)
        #expect(BigInteger(Mersenne31.integerBound) * BigInteger(2) + BigInteger(1) == p)
        #expect(MemoryLayout<QM31>.size == 16 && MemoryLayout<QM31>.alignment == 4)
    }

    /// Products against 64-bit remainders, the defining equations, and that these define fields: -1 is no square in
    /// M31, 2 + i none in CM31.
    @Test func definitions() {
        let edges: [UInt64] = [0, 1, 2, 3, 0x3fff_ffff, 0x4000_0000, 0x7fff_fffd, 0x7fff_fffe]
        for a in edges {
            for b in edges {
                let (x, y) = (M31(unchecked: UInt32(a)), M31(unchecked: UInt32(b)))
                #expect(UInt64((x * y).value) == a * b % 0x7fff_ffff)
                #expect(UInt64((x + y).value) == (a + b) % 0x7fff_ffff)
                #expect(UInt64((x - y).value) == (a + 0x7fff_ffff - b) % 0x7fff_ffff)
            }
        }
        for wide in [0, 1, UInt64.max, UInt64.max - 1, 1 << 62, 1 << 63, 0x7fff_ffff, 0x3fff_ffff_0000_0001] {
            #expect(UInt64(M31(reducing: wide).value) == wide % 0x7fff_ffff)
        }
        let i = CM31(.zero, .one)
        #expect(i * i == -CM31.one)
        let u = QM31(CM31.zero, CM31.one)
        #expect(u * u == QM31(CM31(M31(2), .one), .zero))
        #expect((-M31.one).power((0x7fff_ffff - 1) / 2) == -M31.one)
        let order = UInt64(0x7fff_ffff) * 0x7fff_ffff - 1
        #expect(CM31(M31(2), .one).power(order / 2) == -CM31.one)
        #expect(M31(Int64.min) == M31(-2) && M31(Int64.max) == M31(1))
    }

    @Test func encodingRejects() {
        for word in [0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as [UInt32] {
            for position in 0..<4 {
                var words: [UInt32] = [1, 2, 3, 4]
                words[position] = word
                words.withUnsafeBytes {
                    #expect(QM31(canonical: $0.baseAddress!) == nil)
                    #expect((CM31(canonical: $0.baseAddress!) == nil) == (position < 2))
                    #expect((M31(canonical: $0.baseAddress!) == nil) == (position < 1))
                }
            }
        }
    }

    /// Words whose halves are p are passed over, not reduced.
    @Test func uniformRejects() {
        var words: [UInt64] = [0x7fff_ffff_ffff_ffff, 0x0000_0005_7fff_ffff]
        #expect(M31.uniform { words.removeFirst() } == M31(5))
        words = [0x0000_0005_7fff_ffff, 0x8000_0006_0000_0007]
        #expect(CM31.uniform { words.removeFirst() } == CM31(M31(7), M31(6)))
    }
}

/// The circle code from its definition: angles, points, basis.
enum CircleOracle {
    static let generator = CM31(M31(2), M31(1_268_011_823))

    static func point(angle: UInt64) -> CM31 { generator.power(angle & 0x7fff_ffff) }

    /// The point of a position of the code of 2^bits entries: bit m >= 1 of the position chooses the sign of the m-th
    /// factor, whose positive value has half the angle of the factor above it.
    static func point(bits: Int, position: Int) -> CM31 {
        if bits == 1 { return CM31(.zero, position == 0 ? .one : -.one) }
        // From the top factor, the abscissa of a point of order 8, down; a half turn changes the sign of an abscissa.
        var angle: UInt64 = 1 << 28
        for m in stride(from: bits - 1, through: 2, by: -1) {
            if position >> m & 1 == 1 { angle += 1 << 30 }
            angle /= 2
        }
        let p = point(angle: angle)
        // The positive ordinate is, for a quarter turn before (even) or after (odd), the other abscissa of the pair.
        let y: M31
        if bits == 2 {
            y = p.real
        } else if position >> 2 & 1 == 0 {
            y = point(angle: angle + (1 << 29)).real
        } else {
            y = point(angle: angle - (1 << 29)).real
        }
        let x = p.real
        return CM31(position >> 1 & 1 == 0 ? x : -x, position & 1 == 0 ? y : -y)
    }

    /// The sum of message[i] times the basis function of i at the point.
    static func value(_ message: [M31], _ logInverseRate: Int, _ position: Int) -> M31 {
        let messageBits = message.count.trailingZeroBitCount
        let bits = messageBits + logInverseRate
        if bits == 0 { return message[0] }
        let p = point(bits: bits, position: position)
        var factors = [p.imaginary]
        var v = p.real
        while factors.count < messageBits {
            factors.append(v)
            v = (v * v).doubled - .one
        }
        var sum = M31.zero
        for (i, c) in message.enumerated() {
            var term = c
            for (m, factor) in factors.enumerated() where i >> m & 1 == 1 { term *= factor }
            sum += term
        }
        return sum
    }
}

@Suite struct CircleCodeTests {
    /// The positions are 2^bits different points of order 2^(bits + 1): the standard-position coset.
    @Test func domain() {
        for bits in 1...10 {
            var seen: Set<CM31> = []
            for position in 0..<(1 << bits) {
                let point = CircleOracle.point(bits: bits, position: position)
                #expect(point.real * point.real + point.imaginary * point.imaginary == .one)
                #expect(point.power(1 << UInt64(bits)) == -CM31.one)
                seen.insert(point)
            }
            #expect(seen.count == 1 << bits)
        }
        #expect(CircleOracle.generator.power(1 << 30) == -CM31.one)
    }

    /// A non-zero message of length 2^k has at most 2^k zeros; a lucky one comes close.
    @Test func zeros() {
        for messageBits in 1...5 {
            let message = [UInt32](repeating: 0, count: (1 << messageBits) - 1).map { M31(unchecked: $0) } + [M31.one]
            let buffer = UnsafeMutablePointer<M31>.allocate(capacity: 4 << messageBits)
            defer { buffer.deallocate() }
            for i in 0..<message.count { buffer[i] = message[i] }
            Mersenne31.reedSolomonEncode(
                interleaved: buffer, stride: 1, width: 1, messageBits: messageBits, logInverseRate: 2)
            let zeros = (0..<(4 << messageBits)).filter { buffer[$0] == .zero }.count
            #expect(zeros <= 1 << messageBits)
        }
    }
}

@Suite(.serialized) struct Mersenne31KernelTests {
    @Test func kernels() { checkKernels(Mersenne31.self, code: CircleOracle.value) }
}
