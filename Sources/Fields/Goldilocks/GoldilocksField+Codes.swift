import CSIMD

extension GoldilocksField {
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
