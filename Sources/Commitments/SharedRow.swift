import Fields
import Tensors

/// A row of a matrix that several vectors share, read from their integers as they are stored: it is embedded some columns at a
/// time, where they are used.
struct SharedRow<F: ProofField> {
    typealias E = F.Challenge
    private let columnCount: Int
    /// By the first column.
    private let vectors: [(columns: Range<Int>, layout: RowLayout, storage: IntegerBuffer)]

    /// The row of this number in the matrix.
    init(_ row: Int, _ layout: MatrixLayout, of vectors: [IntegerTensor]) {
        columnCount = layout.columnCount
        self.vectors = layout.sharedRows[row - layout.ownRows].map { v in
            let own = layout.vectors[v]
            return (own.firstColumn..<own.firstColumn + 1 << own.columnVariables, own, vectors[v].storage)
        }
    }

    /// Writes the entries of some columns.
    func embed(_ columns: Range<Int>, into output: UnsafeMutablePointer<E>) {
        output.fill(.zero, count: columns.count)
        read(columns, .challenges(output))
    }

    /// Adds the entries of some columns times a factor.
    func addScaled(_ columns: Range<Int>, by factor: E, to sums: UnsafeMutablePointer<E>) {
        read(columns, .sums(sums, factor: factor))
    }

    /// Folds pairs of columns at `r`, through a block of `blockSize` entries.
    func fold(
        _ pairs: Range<Int>, at r: E, into output: UnsafeMutablePointer<E>, block: UnsafeMutablePointer<E>,
        blockSize: Int
    ) {
        for start in stride(from: pairs.lowerBound, to: pairs.upperBound, by: blockSize / 2) {
            let end = min(pairs.upperBound, start + blockSize / 2)
            embed(2 * start..<2 * end, into: block)
            F.fold(block, at: r, into: output + (start - pairs.lowerBound), pairs: end - start)
        }
    }

    /// All entries, for who needs to change them.
    var table: AlignedBuffer<E> {
        let table = AlignedBuffer<E>(uninitialized: columnCount)
        embed(0..<columnCount, into: table.pointer)
        return table
    }

    private func read(_ columns: Range<Int>, _ target: RowTarget<F>) {
        // The first vector that ends in these columns, by bisection.
        var (first, end) = (0, vectors.count)
        while first < end {
            let middle = (first + end) / 2
            if vectors[middle].columns.upperBound <= columns.lowerBound {
                first = middle + 1
            } else {
                end = middle
            }
        }
        while first < vectors.count, vectors[first].columns.lowerBound < columns.upperBound {
            var reader = RowReader<F>(vectors[first].layout, row: 0, columns: columns, target)
            vectors[first].storage.visit(&reader)
            first += 1
        }
    }
}
