import Fields
import Tensors

/// The multilinear extension of equality, `eq(a, b) = prod (a_i b_i + (1 - a_i)(1 - b_i))`, and sums of it that verifiers need.
public enum Eq<F: ProofField> {
    public typealias E = F.Challenge

    /// `eq(a, b)` for two points of equal length.
    @inlinable
    public static func value(_ a: [E], _ b: [E]) -> E {
        precondition(a.count == b.count)
        var product = E.one
        for i in 0..<a.count {
            let ab = a[i] * b[i]
            product *= ab + ab - a[i] - b[i] + E.one
        }
        return product
    }

    /// `eq(point, bits of index)`, bit 0 with `point[0]`.
    @inlinable
    public static func value(_ point: ArraySlice<E>, at index: Int) -> E {
        var product = E.one
        var bits = index
        for r in point {
            product *= bits & 1 == 1 ? r : E.one - r
            bits >>= 1
        }
        return product
    }

    /// The values at `count` indices from `start` on.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func values(_ point: [E], from start: Int, count: Int) -> [E] {
        guard count > 0 else { return [] }
        let low = min(point.count, TensorShape.bits(count))
        let table = table(Array(point[..<low]))
        var result: [E] = []
        result.reserveCapacity(count)
        var high = -1
        var scale = E.zero
        for i in start..<start + count {
            if i >> low != high {
                high = i >> low
                scale = value(point[low...], at: high)
            }
            result.append(scale * table.pointer[i & (1 << low - 1)])
        }
        return result
    }

    /// All `2^point.count` values.
    @inlinable
    public static func table(_ point: [E], scale: E = .one) -> AlignedBuffer<E> {
        let table = AlignedBuffer<E>(uninitialized: 1 << point.count)
        // Large ones in pieces: the table of the low coordinates, times each entry of that of the high ones.
        let low = 12
        if point.count <= low || Parallel.threadCount == 1 {
            F.expandEq(point, scale: scale, into: table.pointer)
            return table
        }
        let high = Eq<F>.table(Array(point[low...]), scale: scale)
        let lowPoint = Array(point[..<low])
        Parallel.forEach(high.count) {
            F.expandEq(lowPoint, scale: high.pointer[$0], into: table.pointer + $0 << low)
        }
        return table
    }

    /// The values at the real entries of a tensor, compact and row-major: the outer product of the dimensions' tables.
    @inlinable
    public static func table(_ shape: TensorShape, _ point: [E], scale: E = .one) -> AlignedBuffer<E> {
        var current = AlignedBuffer<E>(repeating: scale, count: 1)
        for (size, part) in zip(shape.dimensions, shape.split(point)) where size > 1 {
            let own = table(part)
            if current.count == 1 {
                let only = AlignedBuffer<E>(uninitialized: size)
                F.scale(own.pointer, by: current[0], into: only.pointer, count: size)
                current = only
                continue
            }
            let next = AlignedBuffer<E>(uninitialized: current.count * size)
            let outer = current
            Parallel.forEachChunk(outer.count, grain: max(1, 2048 / size)) { range in
                for i in range {
                    F.scale(own.pointer, by: outer.pointer[i], into: next.pointer + i * size, count: size)
                }
            }
            current = next
        }
        return current
    }

    /// The extension of "index < bound" at `point`: the sum of `eq(point, i)` over `0 <= i < bound`, in O(point.count).
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    @inlinable
    public static func prefixSum(_ point: [E], below bound: Int) -> E {
        precondition(bound >= 0 && bound <= 1 << point.count)
        if bound == 1 << point.count { return .one }
        // Walk from the top bit: where the bound's bit is 1, everything with a 0 there and an equal higher part is below it.
        var sum = E.zero
        var equal = E.one
        for i in Swift.stride(from: point.count - 1, through: 0, by: -1) {
            if bound >> i & 1 == 1 {
                sum += equal * (E.one - point[i])
                equal *= point[i]
            } else {
                equal *= E.one - point[i]
            }
        }
        return sum
    }

    /// The extension of a tensor of ones (zero on the padding) at a point.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    @inlinable
    public static func ones(_ shape: TensorShape, _ point: [E]) -> E {
        var product = E.one
        for (size, part) in zip(shape.dimensions, shape.split(point)) { product *= prefixSum(part, below: size) }
        return product
    }
}

/// Evaluations of tensors that are known in full.
public enum Evaluation<F: ProofField> {
    public typealias E = F.Challenge

    /// The extension of an integer tensor at a point: one pass over the integers as stored.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    @inlinable
    public static func of(_ tensor: IntegerTensor, at point: [E]) -> E {
        switch tensor.storage {
        case .int8(let b): of(b.elements, tensor.shape, point)
        case .int16(let b): of(b.elements, tensor.shape, point)
        case .int32(let b): of(b.elements, tensor.shape, point)
        case .int64(let b): of(b.elements, tensor.shape, point)
        }
    }

    @inlinable
    public static func of<T: SmallInteger>(_ values: UnsafeBufferPointer<T>, _ shape: TensorShape, _ point: [E]) -> E {
        precondition(values.count == shape.count)
        guard let columns = shape.dimensions.last else { return E(Int64(values[0])) }
        let parts = shape.split(point)
        let rows = shape.count / columns
        let inner = Eq<F>.table(parts.last!)
        let folded = AlignedBuffer<E>(uninitialized: rows)
        if rows < 4 {
            // Too few to be worth preparing the weights for (a table that a verifier evaluates is a single row).
            for r in 0..<rows {
                let row = UnsafeBufferPointer(rebasing: values[r * columns..<(r + 1) * columns])
                folded.pointer[r] = F.innerProduct(row, inner.pointer)
            }
        } else {
            F.combineColumns(
                values.baseAddress!, rows: rows, columns: columns, weights: inner.pointer, into: folded.pointer)
        }
        let outerShape = TensorShape(Array(shape.dimensions.dropLast()))
        let outer = Eq<F>.table(outerShape, TensorShape.join(parts.dropLast()))
        return F.innerProduct(folded.pointer, outer.pointer, count: rows)
    }

    /// The extension of the causal mask (1 where column > row) of real size rows x columns.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    @inlinable
    public static func causalMask(rows: Int, columns: Int, at point: [E]) -> E {
        let shape = TensorShape([rows, columns])
        let parts = shape.split(point)
        let row = Eq<F>.table(parts[0])
        let column = Eq<F>.table(parts[1])
        var sum = E.zero
        var tail = E.zero
        // tail = sum over columns > r of the column weights, r falling.
        var c = columns - 1
        for r in Swift.stride(from: rows - 1, through: 0, by: -1) {
            while c > r {
                tail += column.pointer[c]
                c -= 1
            }
            sum += row.pointer[r] * tail
        }
        return sum
    }
}
