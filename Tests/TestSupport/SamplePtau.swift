import Curves
import Fields
import Tensors

/// A `.ptau` file as snarkjs writes it, for a given tau: 2^(power + 1) - 1 powers in G1 and 2^power in G2, after a section that
/// readers skip, with `padding` bytes. Powers in G2 after the first `different` are left zero.
public func samplePtau(power: Int, g2 different: Int = .max, tau: BN254Scalar, padding: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = Array("ptau".utf8)
    func append<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    append(UInt32(1))
    append(UInt32(4))
    append(UInt32(1))
    append(UInt64(44))
    append(UInt32(32))
    for word in [BN254Base.p0, BN254Base.p1, BN254Base.p2, BN254Base.p3] { append(word) }
    append(UInt32(power))
    append(UInt32(power))
    append(UInt32(7))
    append(UInt64(padding))
    bytes += [UInt8](repeating: 1, count: padding)
    let powers = tau.powers((2 << power) - 1)
    append(UInt32(2))
    append(UInt64(64 * powers.count))
    for p in MultiScalar.multiples(of: .generator, by: powers).array { withUnsafeBytes(of: p) { bytes += $0 } }
    append(UInt32(3))
    append(UInt64(128 << power))
    for (i, t) in powers[..<(1 << power)].enumerated() {
        withUnsafeBytes(of: i < different ? G2.generator.multiplied(by: t) : .identity) { bytes += $0 }
    }
    return bytes
}
