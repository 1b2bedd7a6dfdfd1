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

    /// 32 bytes, the least significant first, not in Montgomery form: as arkworks and snarkjs (in witnesses) have it.
    @Test func encoding() {
        func hex(_ a: BN254Scalar) -> String {
            let digits = Array("0123456789abcdef")
            return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { bytes in
                a.write(to: bytes.baseAddress!)
                return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
            }
        }
        #expect(hex(BN254Scalar(0x0102)) == "0201" + String(repeating: "0", count: 60))
        #expect(hex(-BN254Scalar.one) == "000000f093f5e1439170b97948e833285d588181b64550b829a031e1724e6430")
    }

    @Test func kernels() {
        checkKernels(BN254ScalarField.self) { message, logInverseRate, position in
            twoAdicCodeEntry(BN254ScalarField.self, message, logInverseRate, position)
        }
    }
}
