import Fields
import TestSupport
import Testing

@Suite struct GoldilocksTests {
    static let prime = FieldOracle(prime: GoldilocksField.modulus)

    @Test func baseField() { checkFieldLaws(Goldilocks.self, oracle: Self.prime) }

    @Test func extensionField() {
        checkExtensionLaws(
            GoldilocksExtension.self,
            oracle: FieldOracle(prime: GoldilocksField.modulus, definingPolynomial: [-7, 0, 1]))
    }

    @Test func parameters() {
        let p = Self.prime.modulus
        #expect(p.description == "18446744069414584321")
        // x^2 - 7 is irreducible: 7 is not a square. It generates the group: no prime factor of p - 1 kills it.
        for factor in [2, 3, 5, 17, 257, 65537] as [Int64] {
            #expect(Goldilocks.generator.power((Goldilocks.modulus - 1) / UInt64(factor)) != .one)
        }
        let root = GoldilocksField.rootOfUnity(bits: 32)
        #expect(root == Goldilocks.generator.power((Goldilocks.modulus - 1) >> 32))
        for bits in 1...32 {
            #expect(GoldilocksField.rootOfUnity(bits: bits).power(1 << UInt64(bits - 1)) == -Goldilocks.one)
        }
        #expect(GoldilocksField.rootOfUnity(bits: 0) == .one)
        #expect(BigInteger(GoldilocksField.integerBound) <= p / BigInteger(2))
        #expect((p * p).bitCount - 1 == GoldilocksField.challengeBits)
    }

    @Test func kernels() {
        checkKernels(GoldilocksField.self) { message, logInverseRate, position in
            twoAdicCodeEntry(GoldilocksField.self, message, logInverseRate, position)
        }
    }
}

/// The entry of the code word at a position: the message, as coefficients, at the root to the position's bits reversed.
func twoAdicCodeEntry<F: TwoAdicProofField>(
    _: F.Type, _ message: [F.Base], _ logInverseRate: Int, _ position: Int
) -> F.Base {
    var bits = logInverseRate
    while 1 << (bits - logInverseRate) < message.count { bits += 1 }
    var exponent: UInt64 = 0
    for i in 0..<bits where position >> i & 1 == 1 { exponent |= 1 << UInt64(bits - 1 - i) }
    let x = F.rootOfUnity(bits: bits).power(exponent)
    return message.reversed().reduce(.zero) { $0 * x + $1 }
}
