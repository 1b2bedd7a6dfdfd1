import Fields
import Tensors

/// A table of challenges over the real entries of a shape, folded one variable at a time from the lowest.
///
/// Padding is never stored but for one entry where the innermost dimension is odd when it is its turn to be halved, so the
/// work of all rounds together is proportional to the real size.
///
/// A table of integers stays as it is stored until the first fold, and never is a table of challenges of the same size:
/// `entries` embeds some of it for the first round, and the fold reads integers.
public final class FoldingTable<F: ProofField> {
    public typealias E = F.Challenge
    /// The dimensions left; the last is the one being halved.
    public private(set) var dimensions: [Int]
    private var buffer: AlignedBuffer<E>
    /// In place of `buffer` before the first fold.
    private var integers: IntegerRows<F>?
    /// The buffer before the last fold, where the next one may go.
    private var spare: AlignedBuffer<E>?

    /// Takes the buffer over: folding overwrites it.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public init(_ buffer: AlignedBuffer<E>, dimensions: [Int]) {
        precondition(buffer.count >= dimensions.reduce(1, *))
        self.buffer = buffer
        self.dimensions = dimensions
    }

    /// Reads integers as they are stored; `dimensions` has as many entries.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public init(_ integers: IntegerTensor, dimensions: [Int]) {
        precondition(integers.shape.count == dimensions.reduce(1, *))
        buffer = AlignedBuffer(uninitialized: 0)
        self.dimensions = dimensions
        self.integers = IntegerRows(tensor: integers, paddedRow: nil)
    }

    /// Entries, and padding that `prepare` has added.
    public var count: Int { dimensions.reduce(1, *) }
    /// Variables left.
    public var variableCount: Int { dimensions.reduce(0) { $0 + TensorShape.bits($1) } }
    /// The entries, which are challenges.
    public var pointer: UnsafeMutablePointer<E> {
        precondition(!isInteger)
        return buffer.pointer
    }

    /// Whether the entries are integers still.
    var isInteger: Bool { integers != nil }

    /// Integers that are embedded at a time. Blocks of two tables are in the first-level cache.
    static var blockSize: Int { 1 << 9 }

    /// The entries of some pairs: where they lie, or, of at most `blockSize` integers, embedded in a block, by its number.
    @inline(__always)
    func entries(
        _ pairs: Range<Int>, _ blocks: UnsafeMutablePointer<E>?, _ number: Int
    ) -> UnsafeMutablePointer<E> {
        guard let integers else { return buffer.pointer + 2 * pairs.lowerBound }
        assert(2 * pairs.count <= FoldingTable.blockSize)
        let block = blocks! + number * FoldingTable.blockSize
        integers.embed(2 * pairs.lowerBound..<2 * pairs.upperBound, into: block)
        return block
    }

    /// Makes the lowest variable the lowest bit of an even innermost dimension. Returns the number of pairs of entries.
    @discardableResult
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func prepare() -> Int {
        while dimensions.last == 1 { dimensions.removeLast() }
        guard let inner = dimensions.last else { return 0 }
        if inner & 1 == 1 {
            if let tensor = integers?.tensor {
                integers = IntegerRows(tensor: tensor, paddedRow: inner)
            } else {
                buffer = FoldingTable.padded(buffer, rows: count / inner, of: inner)
            }
            dimensions[dimensions.count - 1] = inner + 1
        }
        return count / 2
    }

    /// Rows of `length` entries with a zero at the end of each: the same buffer where it is a single row with room.
    private static func padded(_ buffer: AlignedBuffer<E>, rows: Int, of length: Int) -> AlignedBuffer<E> {
        if rows == 1 && buffer.count > length {
            buffer.pointer[length] = .zero
            return buffer
        }
        let result = AlignedBuffer<E>(uninitialized: rows * (length + 1))
        Parallel.forEachChunk(rows * length, grain: 1 << 12) { range in
            var i = range.lowerBound
            while i < range.upperBound {
                let (row, column) = i.quotientAndRemainder(dividingBy: length)
                let count = min(length - column, range.upperBound - i)
                let target = result.pointer + row * (length + 1)
                (target + column).update(from: buffer.pointer + i, count: count)
                if column + count == length { target[length] = .zero }
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
        let work = tables.reduce(0) { $0 + $1.table.count / 2 }
        if threads == 1 || work < 1 << 9 {
            for (table, r) in tables { table.halve(at: r, inPlace: true).fold() }
            return
        }
        // In place is safe only in one piece; large tables go to a second buffer in pieces.
        let grain = max(1 << 9, min(1 << 11, work / (4 * threads)))
        var pieces: [Piece] = []
        pieces.reserveCapacity(work / grain + tables.count)
        for (table, r) in tables {
            let isSmall = table.count / 2 < 2 * grain
            var rest = table.halve(at: r, inPlace: isSmall)
            while !isSmall && rest.pairs.count > grain { pieces.append(rest.removeFirst(grain)) }
            pieces.append(rest)
        }
        Parallel.forEach(pieces.count) { pieces[$0].fold() }
    }

    /// Some pairs of a table that are folded.
    private struct Piece {
        let integers: IntegerRows<F>?
        let from: UnsafeMutablePointer<E>
        let to: UnsafeMutablePointer<E>
        var pairs: Range<Int>
        let r: E

        /// Cuts off so many pairs.
        mutating func removeFirst(_ count: Int) -> Piece {
            var first = self
            first.pairs = pairs.prefix(count)
            pairs.removeFirst(count)
            return first
        }

        func fold() {
            let to = to + pairs.lowerBound
            if let integers { return integers.fold(pairs, at: r, into: to) }
            F.fold(from + 2 * pairs.lowerBound, at: r, into: to, pairs: pairs.count)
        }
    }

    /// Halves the innermost dimension, which must be even, and returns what is to be done for it. Integers are never folded
    /// in place.
    private func halve(at r: E, inPlace: Bool) -> Piece {
        let inner = dimensions.count - 1
        precondition(dimensions[inner] & 1 == 0)
        dimensions[inner] /= 2
        let pairs = count
        let (integers, old) = (integers, buffer)
        if integers != nil || !inPlace {
            if let spare, spare.count >= pairs {
                buffer = spare
            } else {
                // Room for the padding of one row.
                buffer = AlignedBuffer(uninitialized: pairs + 1)
            }
            spare = integers == nil ? old : nil
            self.integers = nil
        }
        return Piece(integers: integers, from: old.pointer, to: buffer.pointer, pairs: 0..<pairs, r: r)
    }

    /// The single entry that is left when all variables are bound.
    public var final: E {
        precondition(count == 1)
        guard let integers else { return buffer.pointer[0] }
        return E(integers.tensor.storage[0])
    }
}

/// Integers in rows.
private struct IntegerRows<F: ProofField> {
    typealias E = F.Challenge
    let tensor: IntegerTensor
    /// The odd number of integers of a row, behind each of which there is a zero; nil where nothing is added.
    let paddedRow: Int?

    /// Integers with padding that are gathered at a time.
    static var blockSize: Int { 1 << 10 }

    /// Writes the images of a range of entries, padding included.
    func embed(_ entries: Range<Int>, into output: UnsafeMutablePointer<E>) {
        var visitor = Embed(rows: self, entries: entries, output: output)
        tensor.storage.visit(&visitor)
    }

    /// Writes a range of pairs of entries, folded.
    func fold(_ pairs: Range<Int>, at r: E, into output: UnsafeMutablePointer<E>) {
        var visitor = Fold(rows: self, pairs: pairs, r: r, output: output)
        tensor.storage.visit(&visitor)
    }

    private struct Embed: IntegerVisitor {
        let rows: IntegerRows
        let entries: Range<Int>
        let output: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            rows.read(entries, elements) { F.embed($0, into: output + $1) }
        }
    }

    private struct Fold: IntegerVisitor {
        let rows: IntegerRows
        let pairs: Range<Int>
        let r: E
        let output: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            rows.read(2 * pairs.lowerBound..<2 * pairs.upperBound, elements) {
                F.fold($0, at: r, into: output + $1 / 2)
            }
        }
    }

    /// Calls `body` with the integers of a range of entries and with where they begin in it: all at once, or, where there is
    /// padding, block by block.
    @inline(__always)
    private func read<T: SmallInteger>(
        _ entries: Range<Int>, _ elements: UnsafeBufferPointer<T>, _ body: (UnsafeBufferPointer<T>, Int) -> Void
    ) {
        guard let length = paddedRow else { return body(UnsafeBufferPointer(rebasing: elements[entries]), 0) }
        let size = min(IntegerRows.blockSize, entries.count)
        withUnsafeTemporaryAllocation(of: T.self, capacity: size) { block in
            for start in stride(from: entries.lowerBound, to: entries.upperBound, by: max(1, size)) {
                let count = min(size, entries.upperBound - start)
                var (row, column) = start.quotientAndRemainder(dividingBy: length + 1)
                var i = 0
                while i < count {
                    let integers = min(length - column, count - i)
                    (block.baseAddress! + i).update(
                        from: elements.baseAddress! + (row * length + column), count: integers)
                    i += integers
                    if i < count {
                        block[i] = 0
                        i += 1
                    }
                    (row, column) = (row + 1, 0)
                }
                body(UnsafeBufferPointer(start: block.baseAddress!, count: count), start - entries.lowerBound)
            }
        }
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
