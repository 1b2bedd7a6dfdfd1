import Fields
import TestSupport
import Testing

@Suite struct BN254Tests {
    static let prime = FieldOracle(prime: BN254ScalarField.modulus)

    @Test func field() { checkExtensionLaws(BN254Scalar.self, oracle: Self.prime) }

    @Test func parameters() {
        let r = Self.prime.modulus
        #expect(r.description == "21888242871839275222246405745257275088548364400416034343698204186575808495617")
        let exponent = (r - BigInteger(1)) / BigInteger.powerOfTwo(28)
        let root = BN254ScalarField.rootOfUnity(bits: 28)
        #expect(Self.prime.coordinates(root)[0] == BigInteger(5).power(exponent, modulo: r))
        for bits in 1...28 {
            #expect(BN254ScalarField.rootOfUnity(bits: bits).power(1 << UInt64(bits - 1)) == -BN254Scalar.one)
        }
        #expect(BN254ScalarField.rootOfUnity(bits: 0) == .one)
        #expect(r.bitCount - 1 == BN254ScalarField.challengeBits)
    }

    @Test func decimal() {
        let r = Self.prime.modulus
        for value in Self.prime.edgeValues {
            let element = BN254Scalar(decimal: value.description)
            #expect(element == Self.prime.element(BN254Scalar.self, [value]), "\(value)")
            #expect(element?.decimalDescription == value.description)
        }
        #expect(BN254Scalar(decimal: "007") == BN254Scalar(7))
        for text in [
            "", " 1", "1 ", "-1", "+1", "0x1", "1a", "\u{0661}", r.description, (r + BigInteger(1)).description,
            BigInteger.powerOfTwo(256).description, (BigInteger.powerOfTwo(256) + BigInteger(1)).description,
            String(repeating: "9", count: 200),
        ] {
            #expect(BN254Scalar(decimal: text) == nil, "\(text)")
        }
    }

    @Test func kernels() {
        checkKernels(BN254ScalarField.self) { message, logInverseRate, position in
            twoAdicCodeEntry(BN254ScalarField.self, message, logInverseRate, position)
        }
    }
}
