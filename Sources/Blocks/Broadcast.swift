import Graphs
import Tensors

extension IntegerTensor {
    /// The sum of multiples of tensors, broadcast to one shape, in the storage that their ranges ask for. `axes`: the dimensions of
    /// the shape that a tensor has; nil for all.
    static func sum(
        _ shape: TensorShape, _ terms: [(tensor: IntegerTensor, coefficient: Int64, axes: [Int]?)]
    ) -> IntegerTensor {
        let all = Array(shape.dimensions.indices)
        var range: ClosedRange<Int64> = 0...0
        for term in terms {
            precondition(term.tensor.shape.count == (term.axes ?? all).reduce(1) { $0 * shape.dimensions[$1] })
            let own = try? Interval.scale(term.tensor.range, term.coefficient, "sum")
            // Those of liars' tensors may leave 64 bits: sums are modulo 2^64.
            range = (try? own.map { try Interval.add(range, $0, "sum") }) ?? Int64.min...Int64.max
        }
        let result = IntegerTensor(uninitialized: shape, range: range)
        let combination = Combination(
            terms.enumerated().map { Term($0, coefficient: $1.coefficient, axes: $1.axes ?? all) }, 0, shape)
        withExtendedLifetime((terms, result)) {
            terms.map(\.tensor.storage.pointer).withUnsafeBufferPointer {
                combination.run($0.baseAddress!, result.storage.pointer)
            }
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
