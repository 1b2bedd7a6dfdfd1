/// The real dimensions of a tensor, outermost first (row-major), and how they become variables of a multilinear extension.
///
/// Each dimension `d` is padded *on its own* to the next power of two, `2^bits(d)`; padding is implicit: storage holds the
/// `count` real entries only. The extension of a tensor `X` with dimensions `(d1, ..., dk)` is a polynomial in
/// `variableCount` variables. A **point** lists its coordinates from the least significant bit of the innermost (last)
/// dimension to the most significant bit of the outermost (first): `point[0]` belongs to bit 0 of the last index.
public struct TensorShape: Hashable, Sendable, CustomStringConvertible {
    /// Real sizes, each at least 1. A scalar has no dimensions.
    public let dimensions: [Int]

    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 >= 1 }, "dimensions are positive")
        self.dimensions = dimensions
    }

    /// The number of real entries.
    @inlinable
    public var count: Int { dimensions.reduce(1, *) }
    /// Bits of each dimension, outermost first.
    @inlinable
    public var bits: [Int] { dimensions.map(TensorShape.bits) }
    /// The number of variables of the multilinear extension.
    @inlinable
    public var variableCount: Int { bits.reduce(0, +) }
    /// Entries with padding, `2^variableCount`.
    public var paddedCount: Int { 1 << variableCount }

    /// Bits needed to index `size` entries: ceil(log2(size)).
    @inlinable
    public static func bits(_ size: Int) -> Int {
        precondition(size >= 1)
        return Int.bitWidth - (size - 1).leadingZeroBitCount
    }

    /// The index of a real entry in the padded hypercube.
    public func paddedIndex(_ index: [Int]) -> Int {
        precondition(index.count == dimensions.count)
        var result = 0
        for (i, d) in zip(index, dimensions) { result = result << TensorShape.bits(d) | i }
        return result
    }

    /// Fewer dimensions with the same padded indices: a dimension outside one of 2^k entries makes one dimension with it,
    /// and dimensions of one entry vanish.
    public var compacted: [Int] {
        var result: [Int] = []
        for d in dimensions.reversed() {
            if let inner = result.last, inner & (inner - 1) == 0 {
                result[result.count - 1] = inner * d
            } else {
                result.append(d)
            }
        }
        return result.reversed().filter { $0 > 1 }
    }

    /// Whether entries in row-major order have the same padded indices, so that points mean the same.
    public func hasSameIndices(as other: TensorShape) -> Bool { compacted == other.compacted }

    /// The coordinates of a point that belong to each dimension, outermost dimension first; inside a dimension least
    /// significant bit first.
    @inlinable
    public func split<E>(_ point: [E]) -> [[E]] {
        precondition(point.count == variableCount)
        var parts: [[E]] = []
        var end = point.count
        for b in bits {
            parts.append(Array(point[end - b..<end]))
            end -= b
        }
        return parts
    }

    /// The inverse of `split`.
    @inlinable
    public static func join<E>(_ parts: [[E]]) -> [E] {
        var point: [E] = []
        point.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts.reversed() { point += part }
        return point
    }

    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
