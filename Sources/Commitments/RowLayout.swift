import Fields
import Tensors

/// How one vector lies in a matrix of `2^columnBits` columns.
///
/// The lowest `columnBits` variables of the vector's padded point number the columns; the others number rows. So the
/// evaluation at a point is (row weights) x matrix x (column weights), both of them eq tables. Only what is inside the
/// column part is padded: the dimensions outside keep their real sizes, and so does the dimension that the border
/// splits, which has `ceil(size / 2^low)` blocks.
///
/// The entries of a row are contiguous in the storage of the vector, because the innermost dimensions make up the row.
/// If one of them is no power of two, padding lies between *runs* of entries in the matrix, but not in storage.
///
/// A vector with fewer variables than `columnBits` is a single *block* of `2^variableCount` columns of a row that it
/// may share with others. The point that belongs to it is its own, continued by the bits of the block's number: eq at
/// those bits is 1 in the block and 0 outside, whatever else is in the row.
@usableFromInline
package struct RowLayout: Sendable {
    @usableFromInline package let columnBits: Int
    /// The first row, in the matrix.
    @usableFromInline package let firstRow: Int
    @usableFromInline package let rowCount: Int
    /// The first column, not 0 only for a vector that shares its row.
    @usableFromInline package let firstColumn: Int
    /// Whether the vector is a block inside a row: it has no row variables, and shares the row.
    @usableFromInline package let isBlock: Bool
    /// The variables of the vector that number columns: `columnBits`, fewer for a block.
    @usableFromInline package let columnVariables: Int
    /// Sizes and bits of the row dimensions, outermost first.
    @usableFromInline package let rowDimensions: [(size: Int, bits: Int)]
    /// Entries of a full row in storage.
    @usableFromInline package let rowEntries: Int
    /// Rows, and entries, to each index of the dimensions outside the one that is split.
    @usableFromInline package let blocksPerOuter: Int
    @usableFromInline package let entriesPerOuter: Int
    /// Entries between paddings; `rowEntries` where there is no padding inside.
    @usableFromInline package let runLength: Int
    /// The first column of each run, relative to `firstColumn`.
    @usableFromInline package let runColumns: [Int]

    /// The layout in whole rows from `firstRow` on, or, where `blockAt` is given, as a block from that column on.
    @usableFromInline
    package init(_ shape: TensorShape, columnBits: Int, firstRow: Int, blockAt: Int? = nil) {
        let dimensions = shape.dimensions
        let bits = shape.bits
        self.columnBits = columnBits
        self.firstRow = firstRow
        self.firstColumn = blockAt ?? 0
        self.isBlock = blockAt != nil
        let wanted = isBlock ? shape.variableCount : columnBits
        precondition(shape.variableCount >= wanted)
        self.columnVariables = wanted

        // The dimension that the border splits: `low` of its bits number columns.
        var split = dimensions.count
        var inner = 1
        var innerBits = 0
        while split > 0 && (innerBits + bits[split - 1] <= wanted) {
            split -= 1
            inner *= dimensions[split]
            innerBits += bits[split]
        }
        var columnDimensions = Array(dimensions[split...])
        var rows = (0..<split).map { (size: dimensions[$0], bits: bits[$0]) }
        var piece = 1
        var blocks = 1
        var entriesPerOuter = inner
        if split > 0 && innerBits < wanted {
            let low = wanted - innerBits
            let size = dimensions[split - 1]
            piece = 1 << low
            blocks = (size + piece - 1) >> low
            columnDimensions.insert(piece, at: 0)
            rows[split - 1] = (size: blocks, bits: bits[split - 1] - low)
            entriesPerOuter = size * inner
        }
        self.rowDimensions = rows
        self.rowCount = rows.reduce(1) { $0 * $1.size }
        self.rowEntries = piece * inner
        self.blocksPerOuter = blocks
        self.entriesPerOuter = entriesPerOuter

        // From the inside: dimensions without padding, and one more, make up a run.
        var run = 1
        var index = columnDimensions.count
        while index > 0 {
            index -= 1
            let size = columnDimensions[index]
            run *= size
            if size & (size - 1) != 0 { break }
        }
        var columns = [0]
        for d in columnDimensions[..<index] {
            columns = columns.flatMap { c in (0..<d).map { c << TensorShape.bits(d) | $0 } }
        }
        let runBits = columnDimensions[index...].reduce(0) { $0 + TensorShape.bits($1) }
        self.runLength = run
        self.runColumns = columns.map { $0 << runBits }
    }

    /// Whether the entries of a row are the first columns, in order.
    @inlinable package var isContiguous: Bool { runColumns.count == 1 }
    /// Whether all rows but the last have the same number of entries.
    @inlinable package var isDense: Bool {
        blocksPerOuter * rowEntries == entriesPerOuter || blocksPerOuter == rowCount
    }

    /// The entries of a row, by its number inside the vector.
    @inlinable
    package func entries(ofRow row: Int) -> Range<Int> {
        let (outer, block) = row.quotientAndRemainder(dividingBy: blocksPerOuter)
        let start = block * rowEntries
        let count = min(rowEntries, entriesPerOuter - start)
        return outer * entriesPerOuter + start..<outer * entriesPerOuter + start + count
    }

    /// Whether the last block of each outer index has fewer entries than the others.
    @inlinable package var hasPartialRows: Bool { blocksPerOuter * rowEntries != entriesPerOuter }
    /// Whether a row of the vector is such a block.
    @inlinable
    package func isPartial(row: Int) -> Bool { hasPartialRows && (row + 1) % blocksPerOuter == 0 }

    /// The columns of entries, as opposed to padding, in the rows of a part.
    @usableFromInline
    package func entryColumns(_ part: RowPart) -> [Range<Int>] {
        let count = part == .partial ? entriesPerOuter - (blocksPerOuter - 1) * rowEntries : rowEntries
        if isContiguous { return [firstColumn..<firstColumn + count] }
        return runColumns[..<(count / runLength)].map { firstColumn + $0..<firstColumn + $0 + runLength }
    }

    /// The column variables' part of a point.
    @inlinable
    package func columnPoint<E: Field>(_ point: [E]) -> [E] {
        let own = Array(point[..<columnVariables])
        guard isBlock else { return own }
        let number = firstColumn >> columnVariables
        return own + (0..<columnBits - columnVariables).map { number >> $0 & 1 == 1 ? .one : .zero }
    }

    /// `output[r] += scale * eq(row part of the point, r)` for the rows of the vector.
    @inlinable
    package func addRowWeights<F: ProofField>(
        _: F.Type, _ point: [F.Challenge], scale: F.Challenge, to output: UnsafeMutablePointer<F.Challenge>
    ) {
        var weights = [scale]
        var end = point.count
        for dimension in rowDimensions {
            let part = Array(point[end - dimension.bits..<end])
            end -= dimension.bits
            let table = AlignedBuffer<F.Challenge>(uninitialized: 1 << dimension.bits)
            F.expandEq(part, scale: .one, into: table.pointer)
            if weights.count == 1 {
                let first = weights[0]
                weights = (0..<dimension.size).map { first * table.pointer[$0] }
                continue
            }
            var next: [F.Challenge] = []
            next.reserveCapacity(weights.count * dimension.size)
            for w in weights {
                for i in 0..<dimension.size { next.append(w * table.pointer[i]) }
            }
            weights = next
        }
        for (r, w) in weights.enumerated() { output[r] += w }
    }
}

/// Some of the rows of a vector: all, those that are full, or the shorter ones where a block ends early.
@usableFromInline
package enum RowPart: Sendable {
    case all
    case full
    case partial
}

/// Sums of rows of one vector, from its integers as they are stored.
@usableFromInline
package struct RowCombination<F: ProofField>: IntegerVisitor {
    @usableFromInline package let layout: RowLayout
    /// The rows that count.
    @usableFromInline package let part: RowPart
    /// A weight for each row of the vector, those that do not count included.
    @usableFromInline package let weights: UnsafePointer<F.Challenge>
    /// One entry for each column of the matrix.
    @usableFromInline package let output: UnsafeMutablePointer<F.Challenge>

    @inlinable
    package init(
        _ layout: RowLayout, _ part: RowPart = .all, weights: UnsafePointer<F.Challenge>,
        addTo output: UnsafeMutablePointer<F.Challenge>
    ) {
        self.layout = layout
        self.part = part
        self.weights = weights
        self.output = output
    }

    @inlinable
    package mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        if layout.isContiguous {
            combine(elements, into: output + layout.firstColumn)
            return
        }
        let sums = AlignedBuffer<F.Challenge>(repeating: .zero, count: layout.rowEntries)
        combine(elements, into: sums.pointer)
        let (first, length) = (output + layout.firstColumn, layout.runLength)
        Parallel.forEachChunk(layout.runColumns.count, grain: max(1, 4096 / length)) { runs in
            for run in runs {
                let target = first + layout.runColumns[run]
                F.add(target, sums.pointer + run * length, into: target, count: length)
            }
        }
    }

    /// The same without the padding inside rows.
    @inlinable
    package func combine<T: SmallInteger>(
        _ elements: UnsafeBufferPointer<T>, into sums: UnsafeMutablePointer<F.Challenge>
    ) {
        let width = layout.rowEntries
        if layout.isDense {
            let full = elements.count / width
            if part != .partial { addRows(elements.baseAddress!, count: full, weights: weights, to: sums) }
            if full < layout.rowCount && part != .full {
                addRow(UnsafeBufferPointer(rebasing: elements[(full * width)...]), by: weights[full], to: sums)
            }
            return
        }
        // Rows of different lengths take turns: lay some of them out with zeros at the end, in the same narrow type.
        let batch = max(1, min(layout.rowCount, (1 << 20) / width))
        let rows = AlignedBuffer<T>(uninitialized: batch * width)
        let chosen = AlignedBuffer<F.Challenge>(uninitialized: batch)
        let numbers = (0..<layout.rowCount).filter {
            part == .all || (part == .full) == (layout.entries(ofRow: $0).count == width)
        }
        for start in stride(from: 0, to: numbers.count, by: batch) {
            let count = min(batch, numbers.count - start)
            Parallel.forEachChunk(count, grain: max(1, (1 << 14) / width)) { range in
                for k in range {
                    let entries = layout.entries(ofRow: numbers[start + k])
                    let row = rows.pointer + k * width
                    row.update(from: elements.baseAddress! + entries.lowerBound, count: entries.count)
                    (row + entries.count).fill(0, count: width - entries.count)
                    chosen.pointer[k] = weights[numbers[start + k]]
                }
            }
            addRows(rows.pointer, count: count, weights: chosen.pointer, to: sums)
        }
    }

    @inlinable
    package func addRow<T: SmallInteger>(
        _ row: UnsafeBufferPointer<T>, by weight: F.Challenge, to sums: UnsafeMutablePointer<F.Challenge>
    ) {
        Parallel.forEachChunk(row.count, grain: 1 << 12) { range in
            F.addScaled(UnsafeBufferPointer(rebasing: row[range]), by: weight, to: sums + range.lowerBound)
        }
    }

    @inlinable
    package func addRows<T: SmallInteger>(
        _ rows: UnsafePointer<T>, count: Int, weights: UnsafePointer<F.Challenge>,
        to sums: UnsafeMutablePointer<F.Challenge>
    ) {
        let width = layout.rowEntries
        if count == 1 {
            addRow(UnsafeBufferPointer(start: rows, count: width), by: weights[0], to: sums)
        } else if count > 1 {
            F.combineRows(rows, rows: count, columns: width, weights: weights, addTo: sums)
        }
    }
}

/// What becomes of entries, with an element for each column that is read.
@usableFromInline
package enum RowTarget<F: ProofField> {
    /// They are written, as elements of the base field.
    case base(UnsafeMutablePointer<F.Base>)
    /// They are written, as challenges.
    case challenges(UnsafeMutablePointer<F.Challenge>)
    /// They are added, times a factor.
    case sums(UnsafeMutablePointer<F.Challenge>, factor: F.Challenge)
}

/// Reads some columns of a row of one vector, from the integers as they are stored. Padding is written as zeros
/// or left as it is.
@usableFromInline
package struct RowReader<F: ProofField>: IntegerVisitor {
    @usableFromInline package let layout: RowLayout
    /// The number of the row in the vector.
    @usableFromInline package let row: Int
    /// Columns of the matrix.
    @usableFromInline package let columns: Range<Int>
    @usableFromInline package let target: RowTarget<F>

    @inlinable
    package init(_ layout: RowLayout, row: Int, columns: Range<Int>, _ target: RowTarget<F>) {
        self.layout = layout
        self.row = row
        self.columns = columns
        self.target = target
    }

    @inlinable
    package mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        let entries = UnsafeBufferPointer(rebasing: elements[layout.entries(ofRow: row)])
        if layout.isContiguous {
            read(entries, at: layout.firstColumn)
            return
        }
        let own = (layout.firstColumn..<layout.firstColumn + 1 << layout.columnVariables).clamped(to: columns)
        if own.isEmpty { return }
        if layout.runLength >= 32 { return forEachRun(entries, in: own) { read($0, at: $1) } }
        // Short runs, with zeros between them, are laid out in the same narrow type first, some at a time.
        let size = min(1 << 12, own.count)
        withUnsafeTemporaryAllocation(of: T.self, capacity: size) { block in
            let block = block.baseAddress!
            for start in stride(from: own.lowerBound, to: own.upperBound, by: size) {
                let part = start..<min(start + size, own.upperBound)
                block.fill(0, count: part.count)
                forEachRun(entries, in: part) {
                    (block + ($1 - start)).update(from: $0.baseAddress!, count: $0.count)
                }
                read(UnsafeBufferPointer(start: block, count: part.count), at: start)
            }
        }
    }

    /// Calls `body` with what runs of entries have in common with some columns, and the first of its columns.
    @inlinable @inline(__always)
    package func forEachRun<T: SmallInteger>(
        _ entries: UnsafeBufferPointer<T>, in part: Range<Int>, _ body: (UnsafeBufferPointer<T>, Int) -> Void
    ) {
        let (length, count) = (layout.runLength, entries.count / layout.runLength)
        // Many columns have many runs: the first that ends in these by bisection.
        var (run, end) = (0, count)
        while run < end {
            let middle = (run + end) / 2
            if layout.firstColumn + layout.runColumns[middle] + length <= part.lowerBound {
                run = middle + 1
            } else {
                end = middle
            }
        }
        while run < count {
            let column = layout.firstColumn + layout.runColumns[run]
            if column >= part.upperBound { return }
            let common = (column..<column + length).clamped(to: part)
            let first = run * length + common.lowerBound - column
            body(UnsafeBufferPointer(rebasing: entries[first..<first + common.count]), common.lowerBound)
            run += 1
        }
    }

    /// Entries that lie in the row from a column on.
    @inlinable @inline(__always)
    package func read<T: SmallInteger>(_ entries: UnsafeBufferPointer<T>, at column: Int) {
        let part = (column..<column + entries.count).clamped(to: columns)
        if part.isEmpty { return }
        let entries = UnsafeBufferPointer(rebasing: entries[part.lowerBound - column..<part.upperBound - column])
        let offset = part.lowerBound - columns.lowerBound
        switch target {
        case .base(let output): F.embed(entries, into: output + offset)
        case .challenges(let output): F.embed(entries, into: output + offset)
        case .sums(let sums, let factor): F.addScaled(entries, by: factor, to: sums + offset)
        }
    }
}

/// How all vectors of a commitment share one matrix: the rows of the vectors with at least `columnBits` variables in
/// the order of the vectors, then rows filled with blocks, largest first, so that each block is aligned to its size.
@usableFromInline
package struct MatrixLayout: Sendable {
    @usableFromInline package let columnBits: Int
    @usableFromInline package let vectors: [RowLayout]
    /// Rows of vectors that have their rows to themselves.
    @usableFromInline package let ownRows: Int
    /// The vectors in each shared row; the first of these rows is row `ownRows`.
    @usableFromInline package let sharedRows: [[Int]]
    /// The patterns of padding that rows have, each a list of columns without entries; none is empty.
    @usableFromInline package let paddings: [[Range<Int>]]
    /// For each vector with rows of its own, the padding of its full and of its partial rows; nil where there is none.
    @usableFromInline package let vectorPaddings: [(full: Int?, partial: Int?)]
    /// The padding of each shared row.
    @usableFromInline package let sharedPaddings: [Int?]

    @inlinable package var rowCount: Int { ownRows + sharedRows.count }
    @inlinable package var columnCount: Int { 1 << columnBits }

    @usableFromInline
    package init(_ shapes: [TensorShape], columnBits: Int) {
        self.columnBits = columnBits
        var layouts = [RowLayout?](repeating: nil, count: shapes.count)
        var next = 0
        for (i, shape) in shapes.enumerated() where shape.variableCount >= columnBits {
            let layout = RowLayout(shape, columnBits: columnBits, firstRow: next)
            next += layout.rowCount
            layouts[i] = layout
        }
        self.ownRows = next
        let small = shapes.indices.filter { shapes[$0].variableCount < columnBits }
            .sorted { (shapes[$1].variableCount, $0) < (shapes[$0].variableCount, $1) }
        var position = 0
        var shared: [[Int]] = []
        for i in small {
            let row = position >> columnBits
            if row == shared.count { shared.append([]) }
            shared[row].append(i)
            layouts[i] = RowLayout(
                shapes[i], columnBits: columnBits, firstRow: next + row, blockAt: position & (1 << columnBits - 1))
            position += shapes[i].paddedCount
        }
        self.sharedRows = shared
        let vectors = layouts.map { $0! }
        self.vectors = vectors

        var paddings: [[Range<Int>]] = []
        var numbers: [[Range<Int>]: Int] = [:]
        func number(_ entries: [Range<Int>]) -> Int? {
            var padding: [Range<Int>] = []
            var end = 0
            for run in entries.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                if run.lowerBound > end { padding.append(end..<run.lowerBound) }
                end = run.upperBound
            }
            if end < 1 << columnBits { padding.append(end..<1 << columnBits) }
            if padding.isEmpty { return nil }
            if let known = numbers[padding] { return known }
            numbers[padding] = paddings.count
            paddings.append(padding)
            return paddings.count - 1
        }
        self.vectorPaddings = vectors.map { layout in
            if layout.isBlock { return (nil, nil) }
            return (
                number(layout.entryColumns(.full)), layout.hasPartialRows ? number(layout.entryColumns(.partial)) : nil
            )
        }
        self.sharedPaddings = shared.map { row in number(row.flatMap { vectors[$0].entryColumns(.full) }) }
        self.paddings = paddings
    }

    /// The number of rows that `init` would find, at less cost.
    @usableFromInline
    package static func rowCount(_ shapes: [TensorShape], columnBits: Int) -> Int {
        var rows = 0
        var small = 0
        for shape in shapes {
            if shape.variableCount < columnBits {
                small += shape.paddedCount
                continue
            }
            var innerBits = 0
            var count = 1
            for d in shape.dimensions.reversed() {
                let bits = TensorShape.bits(d)
                let low = min(max(columnBits - innerBits, 0), bits)
                count *= (d + (1 << low) - 1) >> low
                innerBits += bits
            }
            rows += count
        }
        return rows + (small + (1 << columnBits) - 1) >> columnBits
    }

    /// Writes some columns of a row of the matrix, padding included, as field elements, from the integers as they are stored.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    @inlinable
    package func embedRow<F: ProofField>(
        _: F.Type, _ row: Int, columns: Range<Int>, of vectors: [IntegerTensor], owners: [Int],
        into output: UnsafeMutablePointer<F.Base>
    ) {
        let padding = padding(ofRow: row, owners: owners)
        // Many short runs, as between filters of 3 x 3, take longer than all columns.
        if padding.count > 8 {
            output.fill(.zero, count: columns.count)
        } else {
            for run in padding where run.overlaps(columns) {
                let part = run.clamped(to: columns)
                (output + (part.lowerBound - columns.lowerBound)).fill(.zero, count: part.count)
            }
        }
        for i in row < ownRows ? [owners[row]] : sharedRows[row - ownRows] {
            let vector = self.vectors[i]
            let own = vector.firstColumn..<vector.firstColumn + 1 << vector.columnVariables
            guard own.overlaps(columns) else { continue }
            var reader = RowReader<F>(vector, row: row - vector.firstRow, columns: columns, .base(output))
            vectors[i].storage.visit(&reader)
        }
    }

    /// The columns of a row that have no entries.
    @usableFromInline
    func padding(ofRow row: Int, owners: [Int]) -> [Range<Int>] {
        let number: Int?
        if row < ownRows {
            let vector = vectors[owners[row]]
            let isPartial = vector.isPartial(row: row - vector.firstRow)
            number = isPartial ? vectorPaddings[owners[row]].partial : vectorPaddings[owners[row]].full
        } else {
            number = sharedPaddings[row - ownRows]
        }
        return number.map { paddings[$0] } ?? []
    }

    /// The vector that each row below `ownRows` belongs to.
    @usableFromInline
    package var owners: [Int] {
        var owners = [Int](repeating: 0, count: ownRows)
        for (i, layout) in vectors.enumerated() where !layout.isBlock {
            for r in layout.firstRow..<layout.firstRow + layout.rowCount { owners[r] = i }
        }
        return owners
    }
}
