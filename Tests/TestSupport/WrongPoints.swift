import Curves
import Fields

/// Elements of the wrong group, for readers of points of G2.
public enum WrongPoints {
    /// On the twist and not of order r: one that tests of EIP-197 use (ethereum/execution-specs).
    public static let outsideSubgroup = G2(
        x: BN254Quadratic(BN254Base(2), -BN254Base(2)),
        y: BN254Quadratic(
            BN254Base(decimal: "18481347008411494671928993551956821665402597624050784000968933840105494735683")!,
            BN254Base(decimal: "3710188881164914266655785737710962157057127115720196198634924408280817207663")!))

    /// On the twist, of an order that divides the cofactor 2p - r: what it is added to leaves the group.
    public static let ofCofactor = outsideSubgroup.multiplied(byWords: BN254ScalarField.modulus)

    /// The generator with conjugate coordinates: a point of another twist.
    public static let ofOtherTwist = G2(x: G2.generator.x.conjugate, y: G2.generator.y.conjugate)

    /// The generator of G1: a point of the curve itself over the quadratic extension.
    public static let ofCurve = G2(x: BN254Quadratic(1), y: BN254Quadratic(2))

    /// The generator with real and imaginary parts exchanged, as those read it who mistake the order of EIP-197.
    public static let exchanged: G2 = {
        func exchanged(_ a: BN254Quadratic) -> BN254Quadratic { BN254Quadratic(a.imaginary, a.real) }
        return G2(x: exchanged(G2.generator.x), y: exchanged(G2.generator.y))
    }()

    /// Each with what it is.
    public static let all: [(what: String, point: G2)] = [
        ("outside the subgroup", outsideSubgroup), ("of order dividing the cofactor", ofCofactor),
        ("the generator and such a point", G2.generator + ofCofactor), ("of another twist", ofOtherTwist),
        ("of the curve", ofCurve), ("with parts exchanged", exchanged),
    ]

    /// Not on the curve of G1.
    public static let offCurve = G1(x: .one, y: BN254Base(3))
}
