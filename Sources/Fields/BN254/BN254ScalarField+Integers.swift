import CSIMD
import Tensors

/// Small integers, vectors and matrices, by the kernels of CSIMD.
extension BN254ScalarField {
    // Base and challenges are one type, so the two requirements called `embed` are one method here.
    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<BN254Scalar>
    ) {
        csimd_bn254_embed(input.baseAddress, Int32(MemoryLayout<T>.size), input.count, output)
    }

    @inlinable
    public static func addScaled<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, by factor: BN254Scalar, to output: UnsafeMutablePointer<BN254Scalar>
    ) {
        withUnsafePointer(to: factor) {
            csimd_bn254_add_scaled_integers(a.baseAddress, Int32(MemoryLayout<T>.size), a.count, $0, output)
        }
    }

    @inlinable
    public static func innerProduct<T: SmallInteger>(_ a: UnsafeBufferPointer<T>, _ b: UnsafePointer<BN254Scalar>)
        -> BN254Scalar
    {
        var sum = BN254Scalar.zero
        csimd_bn254_inner_product_integers(a.baseAddress, Int32(MemoryLayout<T>.size), a.count, b, &sum)
        return sum
    }

    @inlinable
    public static func fold<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, at r: BN254Scalar, into output: UnsafeMutablePointer<BN254Scalar>
    ) {
        withUnsafePointer(to: r) {
            csimd_bn254_fold_integers(input.baseAddress, Int32(MemoryLayout<T>.size), input.count / 2, $0, output)
        }
    }

    @inlinable
    public static func combineRows<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<BN254Scalar>,
        addTo output: UnsafeMutablePointer<BN254Scalar>
    ) {
        csimd_bn254_combine_rows(matrix, Int32(MemoryLayout<T>.size), rows, columns, weights, output)
    }

    @inlinable
    public static func combineColumns<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<BN254Scalar>,
        into output: UnsafeMutablePointer<BN254Scalar>
    ) {
        csimd_bn254_combine_columns(matrix, Int32(MemoryLayout<T>.size), rows, columns, weights, output)
    }

    // Base and challenges are one type: these are the operations on challenges.

    @inlinable
    public static func innerProduct(
        base a: UnsafePointer<BN254Scalar>, _ b: UnsafePointer<BN254Scalar>, count: Int
    ) -> BN254Scalar {
        innerProduct(a, b, count: count)
    }

    @inlinable
    public static func addScaled(
        base a: UnsafePointer<BN254Scalar>, by factor: BN254Scalar, to output: UnsafeMutablePointer<BN254Scalar>,
        count: Int
    ) {
        addScaled(a, by: factor, to: output, count: count)
    }
}
