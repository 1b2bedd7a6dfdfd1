import CSIMD
import Fields
import Tensors

/// Sums of multiples of points of G1, and multiples of one point, on all threads.
///
/// Pippenger's method with signed windows and affine buckets; the kernels are in `CSIMD/src/bn254/points.c`.
public enum MultiScalar {
    /// A vector of scalars, which the points from number `first` on are multiplied by. The memory must outlive the use.
    public struct Scalars {
        @usableFromInline let raw: csimd_bn254_scalars
        public var count: Int { raw.count }

        /// Signed integers.
        @inlinable
        public init<T: SmallInteger>(_ integers: UnsafeBufferPointer<T>, firstPoint: Int = 0) {
            raw = csimd_bn254_scalars(
                scalars: integers.baseAddress, bytes: Int32(T.bitWidth / 8), count: integers.count, first: firstPoint)
        }

        /// Canonical integers below r, each of four words, least significant first.
        @inlinable
        public init(words: UnsafeBufferPointer<UInt64>, firstPoint: Int = 0) {
            precondition(words.count % 4 == 0)
            raw = csimd_bn254_scalars(
                scalars: words.baseAddress, bytes: 32, count: words.count / 4, first: firstPoint)
        }
    }

    /// The sum of multiples for each vector of scalars.
    @inlinable
    public static func sums(_ vectors: [Scalars], points: UnsafeBufferPointer<G1>) -> [G1] {
        for v in vectors { precondition(v.raw.first >= 0 && v.raw.first + v.raw.count <= points.count) }
        guard vectors.count > 0 else { return [] }
        let raw = vectors.map(\.raw)
        return [G1](unsafeUninitializedCapacity: raw.count) { output, count in
            csimd_bn254_multiply_points(points.baseAddress, raw, raw.count, output.baseAddress)
            count = raw.count
        }
    }

    /// The sum of `scalars[i] * points[i]`.
    public static func sum(_ scalars: [BN254Scalar], _ points: [G1]) -> G1 {
        precondition(scalars.count == points.count)
        return points.withUnsafeBufferPointer { points in
            words(scalars).withUnsafeBufferPointer { sums([Scalars(words: $0)], points: points)[0] }
        }
    }

    /// `scalars[i] * point`.
    public static func multiples(of point: G1, by scalars: [BN254Scalar]) -> AlignedBuffer<G1> {
        let output = AlignedBuffer<G1>(uninitialized: scalars.count)
        withUnsafePointer(to: point) {
            csimd_bn254_multiply_point($0, words(scalars), scalars.count, output.pointer)
        }
        return output
    }

    /// The canonical integers, four words each.
    public static func words(_ scalars: some Collection<BN254Scalar>) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: 4 * scalars.count) { output, count in
            for scalar in scalars {
                (output[count], output[count + 1], output[count + 2], output[count + 3]) = scalar.words
                count += 4
            }
        }
    }

    /// The first point that is neither on the curve nor the identity. Coordinates must be below p.
    public static func firstOffCurve(_ points: UnsafeBufferPointer<G1>) -> Int? {
        let index = csimd_bn254_first_off_curve(points.baseAddress, points.count)
        return index < points.count ? index : nil
    }
}
