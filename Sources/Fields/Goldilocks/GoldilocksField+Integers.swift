import CSIMD
import Tensors

/// Small integers, vectors and matrices, by the kernels of CSIMD.
extension GoldilocksField {
    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<Goldilocks>
    ) {
        csimd_goldilocks_embed_base(input.baseAddress, Int32(MemoryLayout<T>.size), input.count, output)
    }

    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        csimd_goldilocks_embed(input.baseAddress, Int32(MemoryLayout<T>.size), input.count, output)
    }

    @inlinable
    public static func addScaled<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, by factor: GoldilocksExtension,
        to output: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        withUnsafePointer(to: factor) {
            csimd_goldilocks_add_scaled_integers(a.baseAddress, Int32(MemoryLayout<T>.size), a.count, $0, output)
        }
    }

    @inlinable
    public static func innerProduct<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, _ b: UnsafePointer<GoldilocksExtension>
    ) -> GoldilocksExtension {
        var sum = GoldilocksExtension.zero
        csimd_goldilocks_inner_product_integers(a.baseAddress, Int32(MemoryLayout<T>.size), a.count, b, &sum)
        return sum
    }

    @inlinable
    public static func fold<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, at r: GoldilocksExtension,
        into output: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        withUnsafePointer(to: r) {
            csimd_goldilocks_fold_integers(input.baseAddress, Int32(MemoryLayout<T>.size), input.count / 2, $0, output)
        }
    }

    @inlinable
    public static func combineRows<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<GoldilocksExtension>,
        addTo output: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        csimd_goldilocks_combine_rows(matrix, Int32(MemoryLayout<T>.size), rows, columns, weights, output)
    }

    @inlinable
    public static func combineColumns<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<GoldilocksExtension>,
        into output: UnsafeMutablePointer<GoldilocksExtension>
    ) {
        csimd_goldilocks_combine_columns(matrix, Int32(MemoryLayout<T>.size), rows, columns, weights, output)
    }

    @inlinable
    public static func innerProduct(
        base a: UnsafePointer<Goldilocks>, _ b: UnsafePointer<GoldilocksExtension>, count: Int
    ) -> GoldilocksExtension {
        var sum = GoldilocksExtension.zero
        csimd_goldilocks_inner_product_base(a, b, count, &sum)
        return sum
    }

    @inlinable
    public static func addScaled(
        base a: UnsafePointer<Goldilocks>, by factor: Goldilocks, to output: UnsafeMutablePointer<Goldilocks>,
        count: Int
    ) {
        withUnsafePointer(to: factor) { csimd_goldilocks_add_scaled_base(a, $0, output, count) }
    }
}
