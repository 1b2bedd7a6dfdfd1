extension BN254Scalar {
    /// The binary extended Euclidean algorithm (Hankerson, Menezes, Vanstone, "Guide to Elliptic Curve Cryptography",
    /// algorithm 2.22), started from 2^512 instead of 1 so that Montgomery form goes to Montgomery form.
    public func inverse() -> BN254Scalar? {
        guard !isZero else { return nil }
        var u = (m0, m1, m2, m3)
        var v = (BN254Scalar.r0, BN254Scalar.r1, BN254Scalar.r2, BN254Scalar.r3)
        // Throughout u = x * (2^-512 m) and v = y * (2^-512 m) modulo r, where m is the stored integer.
        var x = BN254Scalar.montgomerySquared
        var y = BN254Scalar.zero
        while true {
            while u.0 & 1 == 0 {
                u = BN254Scalar.shifted(u)
                x = x.halved
            }
            if u == (1, 0, 0, 0) { return x }
            while v.0 & 1 == 0 {
                v = BN254Scalar.shifted(v)
                y = y.halved
            }
            if v == (1, 0, 0, 0) { return y }
            let d = BN254Scalar.subtract(u.0, u.1, u.2, u.3, v.0, v.1, v.2, v.3)
            if d.4 {
                let e = BN254Scalar.subtract(v.0, v.1, v.2, v.3, u.0, u.1, u.2, u.3)
                v = (e.0, e.1, e.2, e.3)
                y = y - x
            } else {
                u = (d.0, d.1, d.2, d.3)
                x = x - y
            }
        }
    }

    @inline(__always)
    private static func shifted(_ a: (UInt64, UInt64, UInt64, UInt64)) -> (UInt64, UInt64, UInt64, UInt64) {
        (a.0 &>> 1 | a.1 &<< 63, a.1 &>> 1 | a.2 &<< 63, a.2 &>> 1 | a.3 &<< 63, a.3 &>> 1)
    }

    /// Half of the element: the stored integer, plus r if it is odd, shifted; no carry leaves 256 bits.
    private var halved: BN254Scalar {
        let odd = m0 & 1 == 1
        let s = BN254Scalar.add(
            m0, m1, m2, m3, odd ? BN254Scalar.r0 : 0, odd ? BN254Scalar.r1 : 0, odd ? BN254Scalar.r2 : 0,
            odd ? BN254Scalar.r3 : 0)
        let h = BN254Scalar.shifted(s)
        return .init(montgomery: h.0, h.1, h.2, h.3)
    }
}
