import Curves
import Fields
import TestSupport
import Testing

@Suite struct FieldTowerTests {
    static let modulus = [BN254Base.p0, BN254Base.p1, BN254Base.p2, BN254Base.p3]
    static let prime = FieldOracle(prime: modulus)

    @Test func base() {
        #expect(
            Self.prime.modulus.description
                == "21888242871839275222246405745257275088696311157297823662689037894645226208583")
        checkFieldLaws(BN254Base.self, oracle: Self.prime)
    }

    @Test func quadratic() {
        checkExtensionLaws(
            BN254Quadratic.self, oracle: FieldOracle(prime: Self.modulus, definingPolynomial: [1, 0, 1]))
    }

    @Test func squareRoots() throws {
        var random = CommitmentTestGenerator(seed: 5)
        var roots = 0
        for _ in 0..<100 {
            let a: BN254Base = random.element()
            let root = try #require(a.squared().squareRoot())
            #expect(root == a || root == -a)
            // -1 has no root, so of a and -a one has.
            #expect((a.squareRoot() == nil) != ((-a).squareRoot() == nil))
            #expect(a.isUpperHalf != (-a).isUpperHalf)
            if a.squareRoot() != nil { roots += 1 }
        }
        #expect(roots > 20 && roots < 80)
        #expect(BN254Base.zero.squareRoot() == .zero)
        #expect(!BN254Base.zero.isUpperHalf && !BN254Base.one.isUpperHalf && (-BN254Base.one).isUpperHalf)
    }

    @Test func bigEndian() {
        let p = Self.prime.modulus
        for value in Self.prime.edgeValues {
            let element = Self.prime.element(BN254Base.self, [value])!
            #expect(element.bigEndianBytes == value.bytes(32).reversed())
            #expect(BN254Base(bigEndian: element.bigEndianBytes) == element)
        }
        for value in [p, p + BigInteger(1), BigInteger.powerOfTwo(256) - BigInteger(1)] {
            #expect(BN254Base(bigEndian: value.bytes(32).reversed()) == nil)
        }
        #expect(BN254Base(bigEndian: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(BN254Base(bigEndian: [UInt8](repeating: 0, count: 33)) == nil)
    }
}
