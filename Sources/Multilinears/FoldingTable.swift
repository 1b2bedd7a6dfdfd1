import Fields
import Tensors

/// A table of challenges over the real entries of a shape, folded one variable at a time from the lowest.
///
/// Padding is never stored but for one entry where the innermost dimension is odd when it is its turn to be halved, so the
/// work of all rounds together is proportional to the real size. `unit` consecutive challenges make one entry: 1 for plain
/// tables, 2 for the (even, odd) pairs of a GKR layer.
public final class FoldingTable<F: ProofField> {
    public typealias E = F.Challenge
    /// The dimensions left; the last is the one being halved.
    public private(set) var dimensions: [Int]
    public private(set) var buffer: AlignedBuffer<E>
    /// The buffer before the last fold, where the next one may go.
    private var spare: AlignedBuffer<E>?
    @usableFromInline let unit: Int
    /// What stands where the shape has no entry.
    let padding: E

    /// Takes the buffer over: folding overwrites it.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public init(_ buffer: AlignedBuffer<E>, dimensions: [Int], unit: Int = 1, padding: E = .zero) {
        precondition(unit == 1 || unit == 2)
        precondition(buffer.count >= dimensions.reduce(1, *) * unit)
        self.buffer = buffer
        self.dimensions = dimensions
        self.unit = unit
        self.padding = padding
    }

    /// Entries stored now.
    public var count: Int { dimensions.reduce(1, *) }
    /// Variables left.
    public var variableCount: Int { dimensions.reduce(0) { $0 + TensorShape.bits($1) } }
    public var pointer: UnsafeMutablePointer<E> { buffer.pointer }

    /// Makes the lowest variable the lowest bit of an even innermost dimension. Returns the number of pairs of entries.
    @discardableResult
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func prepare() -> Int {
        while dimensions.last == 1 { dimensions.removeLast() }
        guard let inner = dimensions.last else { return 0 }
        if inner & 1 == 1 {
            buffer = FoldingTable.padded(buffer, rows: count / inner, of: inner, unit: unit, padding: padding)
            dimensions[dimensions.count - 1] = inner + 1
        }
        return count / 2
    }

    /// Rows of `length` entries with one more at the end of each.
    static func padded(
        _ buffer: AlignedBuffer<E>, rows: Int, of length: Int, unit: Int = 1, padding: E = .zero
    ) -> AlignedBuffer<E> {
        let result = AlignedBuffer<E>(uninitialized: rows * (length + 1) * unit)
        Parallel.forEachChunk(rows, grain: max(1, (1 << 12) / length)) { range in
            for r in range {
                let target = result.pointer + r * (length + 1) * unit
                target.update(from: buffer.pointer + r * length * unit, count: length * unit)
                for u in 0..<unit { target[length * unit + u] = padding }
            }
        }
        return result
    }

    /// Binds the lowest variable to `r`. Call `prepare` first.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func fold(at r: E) { FoldingTable.fold([(self, r)]) }

    /// Binds the lowest variable of each table to its own challenge, on all threads. Call `prepare` of each first.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func fold(_ tables: [(table: FoldingTable<F>, at: E)]) {
        // In place is safe only in one piece; large tables go to a second buffer in pieces.
        let grain = 1 << 11
        let threads = Parallel.threadCount
        var pieces: [(from: UnsafeMutablePointer<E>, to: UnsafeMutablePointer<E>, count: Int, unit: Int, at: E)] = []
        var work = 0
        for (table, r) in tables {
            precondition(table.dimensions.last! & 1 == 0)
            let unit = table.unit
            let pairs = table.count / 2
            table.dimensions[table.dimensions.count - 1] /= 2
            let from = table.buffer.pointer
            work += pairs * unit
            if threads == 1 || pairs * unit < 2 * grain {
                pieces.append((from, from, pairs, unit, r))
                continue
            }
            let next: AlignedBuffer<E>
            if let spare = table.spare, spare.count >= pairs * unit {
                next = spare
            } else {
                next = AlignedBuffer(uninitialized: pairs * unit)
            }
            let to = next.pointer
            for start in Swift.stride(from: 0, to: pairs, by: grain / unit) {
                pieces.append(
                    (from + 2 * unit * start, to + unit * start, min(grain / unit, pairs - start), unit, r))
            }
            table.spare = table.buffer
            table.buffer = next
        }
        func one(_ k: Int) {
            let piece = pieces[k]
            if piece.unit == 1 {
                F.fold(piece.from, at: piece.at, into: piece.to, pairs: piece.count)
            } else {
                F.foldPairs(piece.from, at: piece.at, into: piece.to, quads: piece.count)
            }
        }
        if threads == 1 || work < 1 << 10 {
            for k in pieces.indices { one(k) }
        } else {
            Parallel.forEach(pieces.count, one)
        }
    }

    /// The single entry that is left when all variables are bound.
    public var final: E {
        precondition(count == 1)
        return buffer.pointer[0]
    }
}

/// The weights `eq(point, x)` over the variables above the lowest one, for the rounds of a sumcheck over a shape.
///
/// Kept as the outer product of the innermost dimension's table and that of all others, and multiplied out once a round.
public struct EqWeights<F: ProofField> {
    public typealias E = F.Challenge
    private var dimensions: [Int]
    private var parts: [[E]]
    private var outer: AlignedBuffer<E>
    private let scale: E

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public init(_ dimensions: [Int], point: [E], scale: E = .one) {
        self.dimensions = dimensions
        self.parts = TensorShape(dimensions).split(point)
        self.scale = scale
        outer = AlignedBuffer(repeating: scale, count: 1)
        enter()
    }

    private mutating func enter() {
        while dimensions.last == 1 {
            dimensions.removeLast()
            parts.removeLast()
        }
        let rest = TensorShape(Array(dimensions.dropLast()))
        outer = Eq<F>.table(rest, TensorShape.join(Array(parts.dropLast())), scale: scale)
    }

    /// The weights for the round that binds the lowest variable: one for each pair of entries of the prepared table.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func round() -> AlignedBuffer<E> {
        let half = (dimensions.last! + 1) / 2
        let inner = Eq<F>.table(Array(parts.last!.dropFirst()))
        if outer.count == 1 {
            F.scale(inner.pointer, by: outer.pointer[0], into: inner.pointer, count: half)
            return inner
        }
        let result = AlignedBuffer<E>(uninitialized: outer.count * half)
        let outer = outer
        Parallel.forEachChunk(outer.count, grain: max(1, 2048 / half)) { range in
            for i in range {
                F.scale(inner.pointer, by: outer.pointer[i], into: result.pointer + i * half, count: half)
            }
        }
        return result
    }

    /// Goes on to the next variable.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public mutating func advance() {
        dimensions[dimensions.count - 1] = (dimensions.last! + 1) / 2
        parts[parts.count - 1].removeFirst()
        if dimensions.last == 1 { enter() }
    }
}
