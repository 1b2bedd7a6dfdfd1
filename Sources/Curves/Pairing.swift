import Fields

/// The optimal ate pairing of BN254 (Vercauteren, "Optimal pairings", ePrint 2008/096) from G1 x G2 to the elements of order
/// r in the extension of degree twelve.
public enum Pairing {
    /// The number u from which the curve's primes are made.
    static var u: UInt64 { 4_965_661_367_192_848_881 }

    /// The digits of 6u + 2 in non-adjacent form, least significant first.
    static let loop: [Int] = {
        var digits: [Int] = []
        var left = UInt128(u) * 6 + 2
        while left > 0 {
            var digit = 0
            if left & 1 == 1 {
                digit = left & 3 == 1 ? 1 : -1
                left = digit == 1 ? left - 1 : left + 1
            }
            digits.append(digit)
            left >>= 1
        }
        return digits
    }()

    /// xi^((p^2 - 1) / 3), in the base field: the square of the power by p multiplies x by it.
    static let squareTwist: BN254Quadratic = {
        let g = BN254Twelfth.twists[2]
        return g.conjugate * g
    }()

    /// The pairing of two points; one where one of them is the identity.
    ///
    /// - Precondition: `p` is on the curve and `q` in the subgroup.
    public static func pair(_ p: G1, _ q: G2) -> BN254Twelfth { finalExponentiation(millerLoop([(p, q)])) }

    /// Whether the product of the pairings is one.
    ///
    /// - Precondition: points are on their curves, and those of G2 in the subgroup.
    public static func isProductOne(_ pairs: [(G1, G2)]) -> Bool { finalExponentiation(millerLoop(pairs)) == .one }

    /// A point T of G2 on its way, and the point of G1 at which lines through it are evaluated.
    private struct Walk {
        let p: G1
        let q: G2
        var t: G2

        /// Multiplies `f` by the line through T and `other` at p, and adds `other` to T. With a point (x, y) of the twist
        /// standing for (x w^2, y w^3), the line of slope m is yP - m xP w + (m xT - yT) w^3.
        mutating func step(_ other: G2, _ f: inout BN254Twelfth) {
            let slope: BN254Quadratic
            if t.x == other.x {
                // T has order r and is no more than r away from q, so T is `other`, not its negative.
                let square = t.x.squared()
                slope = (square.doubled + square) * t.y.doubled.inverse()!
            } else {
                slope = (other.y - t.y) * (other.x - t.x).inverse()!
            }
            f = f.multiplied(line: p.y, -slope.scaled(by: p.x), slope * t.x - t.y)
            let x = slope.squared() - t.x - other.x
            t = G2(x: x, y: slope * (t.x - x) - t.y)
        }
    }

    static func millerLoop(_ pairs: [(G1, G2)]) -> BN254Twelfth {
        var walks = pairs.filter { !$0.0.isIdentity && !$0.1.isIdentity }.map { Walk(p: $0.0, q: $0.1, t: $0.1) }
        var f = BN254Twelfth.one
        for digit in loop.dropLast().reversed() {
            f = f.squared()
            for i in walks.indices {
                walks[i].step(walks[i].t, &f)
                if digit != 0 { walks[i].step(digit == 1 ? walks[i].q : -walks[i].q, &f) }
            }
        }
        let twists = BN254Twelfth.twists
        for i in walks.indices {
            let q = walks[i].q
            walks[i].step(G2(x: q.x.conjugate * twists[2], y: q.y.conjugate * twists[3]), &f)
            // Minus the image under the square of the power by p, which multiplies y by -1.
            walks[i].step(G2(x: q.x * squareTwist, y: q.y), &f)
        }
        return f
    }

    /// The power by (p^12 - 1) / r. For the part (p^4 - p^2 + 1) / r the addition chain of Scott, Benger, Charlemagne, Dominguez
    /// Perez and Kachisa, "On the final exponentiation for calculating pairings on ordinary elliptic curves", ePrint
    /// 2008/490.
    static func finalExponentiation(_ value: BN254Twelfth) -> BN254Twelfth {
        guard let inverse = value.inverse() else { return value }
        var f = value.conjugate * inverse
        f = f.frobenius.frobenius * f
        let fu = f.cyclotomicPower(u)
        let fu2 = fu.cyclotomicPower(u)
        let fu3 = fu2.cyclotomicPower(u)
        let fp = f.frobenius
        let fp2 = fp.frobenius
        let y0 = fp * fp2 * fp2.frobenius
        let y1 = f.conjugate
        let y2 = fu2.frobenius.frobenius
        let y3 = fu.frobenius.conjugate
        let y4 = (fu * fu2.frobenius).conjugate
        let y5 = fu2.conjugate
        let y6 = (fu3 * fu3.frobenius).conjugate
        var t0 = y6.cyclotomicSquare * y4 * y5
        var t1 = y3 * y5 * t0
        t0 = t0 * y2
        t1 = (t1.cyclotomicSquare * t0).cyclotomicSquare
        t0 = t1 * y1
        t1 = t1 * y0
        return t0.cyclotomicSquare * t1
    }
}
