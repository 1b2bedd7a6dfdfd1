import CSIMD

extension BN254ScalarField {
    @inlinable
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<BN254Scalar>, stride: Int, width: Int, messageBits: Int,
        logInverseRate: Int
    ) {
        precondition(messageBits >= 0 && logInverseRate >= 0 && messageBits + logInverseRate <= maximumCodeBits)
        precondition(width <= stride)
        csimd_bn254_reed_solomon_encode(values, stride, width, Int32(messageBits), Int32(logInverseRate))
    }
}
