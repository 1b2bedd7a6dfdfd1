import CSIMD

/// Loops over small integers that the C core has for each instruction set.
extension IntegerPointer {
    /// Splits `self[i] + addend = 2^shift h + limb` with `0 <= limb < 2^shift` and writes `limb` and `h + offset`, for `count`
    /// integers of 16 or 32 bits, into integers of at most 32, modulo their widths; sums are modulo 2^32. Returns whether every
    /// `h + offset` is in `range`.
    public func split(
        count: Int, addend: Int32, shift: Int, offset: Int32, range: ClosedRange<Int32>, limbs: IntegerPointer,
        quotients: IntegerPointer
    ) -> Bool {
        precondition(count >= 0 && (0...30).contains(shift))
        precondition([2, 4].contains(byteWidth) && limbs.byteWidth <= 4 && quotients.byteWidth <= 4)
        return csimd_split(
            address, Int32(byteWidth), count, addend, Int32(shift), offset, range.lowerBound, range.upperBound,
            UnsafeMutableRawPointer(mutating: limbs.address), Int32(limbs.byteWidth),
            UnsafeMutableRawPointer(mutating: quotients.address), Int32(quotients.byteWidth)) == 0
    }
}
