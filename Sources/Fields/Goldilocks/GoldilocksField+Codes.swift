import CSIMD

extension GoldilocksField {
    /// A word in memory is its own canonical encoding.
    @inlinable
    public static func write(_ elements: UnsafePointer<Goldilocks>, count: Int, to bytes: UnsafeMutableRawPointer) {
        bytes.copyMemory(from: elements, byteCount: 8 * count)
    }

    public static func write(
        interleaved elements: UnsafePointer<Goldilocks>, stride elementStride: Int, width: Int, count: Int,
        to bytes: UnsafeMutableRawPointer, stride: Int
    ) {
        csimd_copy_pieces(elements, 8 * elementStride, bytes, stride, 8 * width, count)
    }

    @inlinable
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<Goldilocks>, stride: Int, width: Int, messageBits: Int,
        logInverseRate: Int
    ) {
        precondition(messageBits >= 0 && logInverseRate >= 0 && messageBits + logInverseRate <= maximumCodeBits)
        precondition(width <= stride)
        csimd_goldilocks_reed_solomon_encode(values, stride, width, Int32(messageBits), Int32(logInverseRate))
    }
}
