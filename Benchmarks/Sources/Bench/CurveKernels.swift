import Curves
import Fields
import Tensors

/// Sums of multiples of points of BN254, and the pairing.
func curveKernels() -> [Kernel] {
    // Multiples of the generator by 1, 2, 4, ...: as good as random points for the time.
    func points(_ count: Int) -> AlignedBuffer<G1> {
        var scalars: [BN254Scalar] = []
        var scalar = BN254Scalar.one
        for _ in 0..<count {
            scalars.append(scalar)
            scalar = scalar + scalar
        }
        return MultiScalar.multiples(of: .generator, by: scalars)
    }
    func kernel<T: SmallInteger>(_ name: String, _ bits: Int, _: T.Type, mask: T) -> Kernel {
        Kernel(name: "bn254.multiScalar/\(name), 2^\(bits)", count: 1 << bits, unit: "point", threads: true) {
            let points = points(1 << bits)
            let scalars = integers(1 << bits, T.self)
            for i in 0..<scalars.count { scalars.pointer[i] &= mask }
            return Run { consume(MultiScalar.sums([.init(scalars.elements)], points: points.elements)[0]) }
        }
    }
    return [16, 18].map { bits in
        Kernel(name: "bn254.multiScalar/random, 2^\(bits)", count: 1 << bits, unit: "point", threads: true) {
            let points = points(1 << bits)
            let words = integers(4 << bits, UInt64.self)
            // Below 2^253, so canonical.
            for i in 0..<1 << bits { words.pointer[4 * i + 3] &= (1 << 61) - 1 }
            return Run { consume(MultiScalar.sums([.init(words: words.elements)], points: points.elements)[0]) }
        }
    } + [
        kernel("8 bits signed", 20, Int8.self, mask: -1), kernel("20 bits", 20, Int32.self, mask: (1 << 20) - 1),
        Kernel(name: "bn254.pairing/one", count: 1, unit: "pairing") {
            Run { consume(Pairing.pair(.generator, .generator)) }
        },
    ]
}
