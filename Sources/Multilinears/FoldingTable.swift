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

    /// Rows of `length` entries with one more at the end of each: the same buffer where it is a single row with room.
    static func padded(
        _ buffer: AlignedBuffer<E>, rows: Int, of length: Int, unit: Int = 1, padding: E = .zero
    ) -> AlignedBuffer<E> {
        let (from, to) = (length * unit, (length + 1) * unit)
        if rows == 1 && buffer.count >= to {
            for u in from..<to { buffer.pointer[u] = padding }
            return buffer
        }
        let result = AlignedBuffer<E>(uninitialized: rows * to)
        Parallel.forEachChunk(rows * from, grain: 1 << 12) { range in
            var i = range.lowerBound
            while i < range.upperBound {
                let (row, column) = i.quotientAndRemainder(dividingBy: from)
                let count = min(from - column, range.upperBound - i)
                let target = result.pointer + row * to
                (target + column).update(from: buffer.pointer + i, count: count)
                if column + count == from {
                    for u in from..<to { target[u] = padding }
                }
                i += count
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
        let threads = Parallel.threadCount
        let work = tables.reduce(0) { $0 + $1.table.count / 2 * $1.table.unit }
        if threads == 1 || work < 1 << 9 {
            for (table, r) in tables {
                let pairs = table.halve()
                foldPiece(table.pointer, at: r, into: table.pointer, pairs: pairs, unit: table.unit)
            }
            return
        }
        // In place is safe only in one piece; large tables go to a second buffer in pieces.
        let grain = max(1 << 9, min(1 << 11, work / (4 * threads)))
        typealias Piece = (
            from: UnsafeMutablePointer<E>, to: UnsafeMutablePointer<E>, pairs: Int, unit: Int, at: E
        )
        var pieces: [Piece] = []
        pieces.reserveCapacity(work / grain + tables.count)
        for (table, r) in tables {
            let unit = table.unit
            let pairs = table.halve()
            let from = table.buffer.pointer
            if pairs * unit < 2 * grain {
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
        Parallel.forEach(pieces.count) { k in
            let piece = pieces[k]
            foldPiece(piece.from, at: piece.at, into: piece.to, pairs: piece.pairs, unit: piece.unit)
        }
    }

    /// Halves the innermost dimension, which must be even; returns the number of pairs that there were.
    private func halve() -> Int {
        let inner = dimensions.count - 1
        precondition(dimensions[inner] & 1 == 0)
        dimensions[inner] /= 2
        return count
    }

    private static func foldPiece(
        _ from: UnsafeMutablePointer<E>, at r: E, into to: UnsafeMutablePointer<E>, pairs: Int, unit: Int
    ) {
        if unit == 1 {
            F.fold(from, at: r, into: to, pairs: pairs)
        } else {
            F.foldPairs(from, at: r, into: to, quads: pairs)
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
/// Those of the next round are sums of neighbours, `eq(z, 0) + eq(z, 1) = 1`, which is twice a fold at 1/2: the table of
/// weights is folded with the others, and what is to be doubled is kept as a factor.
public struct EqWeights<F: ProofField> {
    public typealias E = F.Challenge
    private var dimensions: [Int]
    private var parts: [[E]]
    /// The weights of this round but for `factor`: one for each pair of entries of the prepared tables.
    private var table: FoldingTable<F>
    public private(set) var factor = E.one

    public init(_ dimensions: [Int], point: [E]) {
        self.dimensions = dimensions
        parts = TensorShape(dimensions).split(point)
        table = FoldingTable(AlignedBuffer(repeating: .one, count: 1), dimensions: [1, 1])
        make()
    }

    /// What is to be multiplied by `factor`, for each pair of entries of the prepared tables.
    public var pointer: UnsafeMutablePointer<E> { table.pointer }

    /// Makes the weights of this round: the outer product of those of all dimensions.
    private mutating func make() {
        while dimensions.last == 1 {
            dimensions.removeLast()
            parts.removeLast()
        }
        guard let size = dimensions.last else { return }
        let half = (size + 1) / 2
        let outer = Array(dimensions.dropLast())
        let point = parts.last!.dropFirst() + TensorShape.join(Array(parts.dropLast()))
        table = FoldingTable(
            Eq<F>.table(TensorShape(outer + [half]), Array(point)), dimensions: [outer.reduce(1, *), half])
        factor = .one
    }

    /// Whether the next weights come from these: an odd row lacks the neighbour of its last.
    private var halves: Bool { (dimensions.last! + 1) / 2 & 1 == 0 }

    /// What is to be folded with the tables of the round.
    public var fold: [(table: FoldingTable<F>, at: E)] { halves ? [(table, E.half)] : [] }

    /// Goes on to the next variable, after `fold`.
    public mutating func advance() {
        let halves = halves
        dimensions[dimensions.count - 1] = (dimensions.last! + 1) / 2
        parts[parts.count - 1].removeFirst()
        if halves {
            factor = factor.doubled
        } else {
            make()
        }
    }
}
