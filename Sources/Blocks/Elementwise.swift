import Graphs
import Tensors

/// A sum of multiples of tensors, broadcast to one shape, in 64-bit integers.
final class Elementwise {
    let shape: TensorShape
    let values: AlignedBuffer<Int64>

    init(_ shape: TensorShape) {
        self.shape = shape
        values = AlignedBuffer(repeating: 0, count: shape.count)
    }

    func add(_ x: IntegerTensor, coefficient: Int64, axes: [Int]?) {
        precondition(axes != nil || x.shape.count == shape.count)
        let rows = BroadcastRows(shape, axes: [axes ?? Array(shape.dimensions.indices)])
        forEachChunk {
            var sum = AddBroadcast(
                range: $0, rows: rows, operand: 0, coefficient: coefficient, out: values.pointer + $0.lowerBound)
            x.storage.visit(&sum)
        }
    }

    private func forEachChunk(_ body: (Range<Int>) -> Void) {
        Parallel.forEachChunk(values.count, grain: 1 << 14, body)
    }

    /// The values in the narrowest storage for the range that they have.
    func tensor() -> IntegerTensor {
        var low = Int64.max
        var high = Int64.min
        for v in values.elements {
            low = min(low, v)
            high = max(high, v)
        }
        let result = IntegerTensor(uninitialized: shape, range: low...high)
        withExtendedLifetime(result) {
            let to = result.storage.pointer
            forEachChunk { to.narrow(values.pointer + $0.lowerBound, $0) }
        }
        return result
    }
}

/// Adds the entries of a range of a multiple of a tensor, broadcast to a shape.
struct AddBroadcast<A: SmallInteger>: IntegerVisitor {
    let range: Range<Int>
    let rows: BroadcastRows
    /// Which of those that `rows` is for.
    let operand: Int
    let coefficient: A
    let out: UnsafeMutablePointer<A>

    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        let coefficient = self.coefficient
        // Coefficients are powers of two, mostly, and vectors of 32-bit products need more than the least of processors.
        let isShift = coefficient.magnitude.nonzeroBitCount == 1
        let bits = A(truncatingIfNeeded: coefficient.trailingZeroBitCount)
        let varies = rows.varies[operand]
        var i = range.lowerBound
        while i < range.upperBound {
            let (row, column) = i.quotientAndRemainder(dividingBy: rows.width)
            let count = min(rows.width - column, range.upperBound - i)
            let from = elements.baseAddress! + rows.offset(operand, row)
            let to = out + (i - range.lowerBound)
            if !varies {
                let value = coefficient &* A(truncatingIfNeeded: from[0])
                for j in 0..<count { to[j] &+= value }
            } else if isShift && coefficient > 0 {
                for j in 0..<count { to[j] &+= A(truncatingIfNeeded: from[column + j]) &<< bits }
            } else if isShift {
                for j in 0..<count { to[j] &-= A(truncatingIfNeeded: from[column + j]) &<< bits }
            } else {
                for j in 0..<count { to[j] &+= coefficient &* A(truncatingIfNeeded: from[column + j]) }
            }
            i += count
        }
    }
}

extension IntegerPointer {
    /// Writes values, which fit, to a range.
    func narrow<A: SmallInteger>(_ values: UnsafePointer<A>, _ range: Range<Int>) {
        func write<T: SmallInteger>(_ to: UnsafeMutablePointer<T>) {
            for i in 0..<range.count { to[i] = T(truncatingIfNeeded: values[i]) }
        }
        switch self {
        case .int8(let p): write(p + range.lowerBound)
        case .int16(let p): write(p + range.lowerBound)
        case .int32(let p): write(p + range.lowerBound)
        case .int64(let p): write(p + range.lowerBound)
        }
    }
}
