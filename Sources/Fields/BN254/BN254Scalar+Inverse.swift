import CSIMD

extension BN254Scalar {
    @inlinable
    public func inverse() -> BN254Scalar? {
        guard !isZero else { return nil }
        var result = BN254Scalar.zero
        withUnsafePointer(to: self) { csimd_bn254_inverse($0, &result) }
        return result
    }
}
