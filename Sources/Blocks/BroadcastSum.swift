import Graphs
import Tensors

/// A sum of multiples of tensors, broadcast to one shape.
struct BroadcastSum {
    struct Term {
        let tensor: IntegerTensor
        let coefficient: Int64
        /// The dimensions of the shape that the tensor has.
        let rows: BroadcastRows
    }
    let shape: TensorShape
    private var terms: [Term] = []
    private var range: ClosedRange<Int64> = 0...0

    init(_ shape: TensorShape) { self.shape = shape }

    /// `axes`: the dimensions of the shape that the tensor has; nil for all.
    mutating func add(_ x: IntegerTensor, coefficient: Int64, axes: [Int]?) {
        let all = Array(shape.dimensions.indices)
        precondition(x.shape.count == (axes ?? all).reduce(1) { $0 * shape.dimensions[$1] })
        terms.append(Term(tensor: x, coefficient: coefficient, rows: BroadcastRows(shape, axes: [axes ?? all])))
        // Those of liars' tensors may leave 64 bits: sums are modulo 2^64.
        range = (try? Interval.add(range, Interval.scale(x.range, coefficient, "sum"), "sum")) ?? Int64.min...Int64.max
    }

    /// The sum in the storage that the ranges of its terms ask for, made some thousand entries at a time.
    func tensor() -> IntegerTensor {
        let result = IntegerTensor(uninitialized: shape, range: range)
        let to = result.storage.pointer
        Parallel.forEachChunk(shape.count, grain: 1 << 13) { chunk in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1 << 11) { values in
                let values = values.baseAddress!
                for first in stride(from: chunk.lowerBound, to: chunk.upperBound, by: 1 << 11) {
                    let block = first..<min(first + 1 << 11, chunk.upperBound)
                    values.update(repeating: 0, count: block.count)
                    for term in terms {
                        var sum = AddBroadcast(
                            range: block, rows: term.rows, operand: 0, coefficient: term.coefficient, out: values)
                        term.tensor.storage.visit(&sum)
                    }
                    to.narrow(values, block)
                }
            }
        }
        return withExtendedLifetime(result) { result }
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
