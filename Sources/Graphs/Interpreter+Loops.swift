import Synchronization
import Tensors

/// A loop that reads one tensor and writes another, written once for all pairs of element types.
///
/// `dispatch` picks the types once for each tensor; inside, everything is specialised.
protocol ElementLoop {
    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>)
}

extension ElementLoop {
    func dispatch(_ source: IntegerPointer, _ destination: IntegerPointer) {
        switch source {
        case .int8(let s): dispatch(s, destination)
        case .int16(let s): dispatch(s, destination)
        case .int32(let s): dispatch(s, destination)
        case .int64(let s): dispatch(s, destination)
        }
    }

    private func dispatch<S: SmallInteger>(_ source: UnsafeMutablePointer<S>, _ destination: IntegerPointer) {
        switch destination {
        case .int8(let d): run(source, d)
        case .int16(let d): run(source, d)
        case .int32(let d): run(source, d)
        case .int64(let d): run(source, d)
        }
    }
}

/// Elements that one task of a parallel loop handles at least.
let grainOfElements = 1 << 11

extension IntegerPointer {
    /// Index and value of the first of `count` entries that is outside `range`, or nil.
    func firstOutside(_ range: ClosedRange<Int64>, count: Int) -> (index: Int, value: Int64)? {
        struct Scan: IntegerVisitor {
            let range: ClosedRange<Int64>
            mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> (index: Int, value: Int64)? {
                let low = T(clamping: range.lowerBound)
                let high = T(clamping: range.upperBound)
                // A range that lies wholly beyond T clamps to one of T's ends, which it does not contain.
                let possible = range.contains(Int64(low)) && range.contains(Int64(high))
                let found = Atomic(Int.max)
                Parallel.forEachChunk(elements.count, grain: 1 << 15) { chunk in
                    for start in stride(from: chunk.lowerBound, to: chunk.upperBound, by: 4096) {
                        let end = min(start + 4096, chunk.upperBound)
                        // Extremes of the whole block: a loop that may end early is not vectorised.
                        var (least, greatest) = (elements[start], elements[start])
                        for i in start..<end {
                            least = min(least, elements[i])
                            greatest = max(greatest, elements[i])
                        }
                        guard !possible || least < low || greatest > high,
                            let first = (start..<end).first(where: { !range.contains(Int64(elements[$0])) })
                        else { continue }
                        _ = found.min(first, ordering: .relaxed)
                        return
                    }
                }
                let first = found.load(ordering: .relaxed)
                return first == Int.max ? nil : (first, Int64(elements[first]))
            }
        }
        var scan = Scan(range: range)
        return visit(count, &scan)
    }

    func leastIndexOfMaximum(count: Int) -> Int {
        struct Scan: IntegerVisitor {
            mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> Int {
                var best = 0
                for i in 1..<max(elements.count, 1) where elements[i] > elements[best] { best = i }
                return best
            }
        }
        var scan = Scan()
        return visit(count, &scan)
    }
}

/// Copies rows of `width` entries: row `i` of the destination is row `rows[i]` of the source.
struct CopyRows: ElementLoop {
    let rows: [Int]
    let width: Int

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        for (i, row) in rows.enumerated() {
            let from = source + row * width
            let to = destination + i * width
            for j in 0..<width { to[j] = D(truncatingIfNeeded: from[j]) }
        }
    }
}

/// The windows of an image; see `Operation.windows`.
struct Windows: ElementLoop {
    let input: [Int]
    let output: [Int]
    let size: Int
    let stride: Int
    let padding: Int

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        let (height, width, channels) = (input[0], input[1], input[2])
        let (columns, taps) = (output[1], size * size)
        Parallel.forEachChunk(output[0] * columns, grain: max(1, grainOfElements / (channels * taps))) { range in
            for position in range {
                let (i, j) = position.quotientAndRemainder(dividingBy: columns)
                let to = destination + position * channels * taps
                for t in 0..<taps {
                    let (y, x) = (stride * i + t / size - padding, stride * j + t % size - padding)
                    if y >= 0 && y < height && x >= 0 && x < width {
                        let from = source + (y * width + x) * channels
                        for c in 0..<channels { to[c * taps + t] = D(truncatingIfNeeded: from[c]) }
                    } else {
                        for c in 0..<channels { to[c * taps + t] = 0 }
                    }
                }
            }
        }
    }
}

extension Operation {
    /// The dimensions of the windows of an image, [height, width, channels]; nil where there are none.
    static func windowDimensions(_ image: TensorShape, size: Int, stride: Int, padding: Int) -> [Int]? {
        let own = image.dimensions
        guard own.count == 3, (1...64).contains(size), (1...size).contains(stride), (0..<size).contains(padding),
            own[0] + 2 * padding >= size, own[1] + 2 * padding >= size
        else { return nil }
        return [
            (own[0] + 2 * padding - size) / stride + 1, (own[1] + 2 * padding - size) / stride + 1, own[2],
            size * size,
        ]
    }
}

/// The maximum of each row of `width` entries.
struct RowMaxima: ElementLoop {
    let width: Int
    let rows: Int

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        Parallel.forEachChunk(rows, grain: max(1, grainOfElements / width)) { range in
            for row in range {
                let from = source + row * width
                var best = from[0]
                for j in 1..<max(width, 1) { best = max(best, from[j]) }
                destination[row] = D(truncatingIfNeeded: best)
            }
        }
    }
}

/// Exact integer square roots of values in 0...2^62.
struct SquareRoots: ElementLoop {
    let count: Int

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        Parallel.forEachChunk(count, grain: grainOfElements) { range in
            for i in range { destination[i] = D(truncatingIfNeeded: Interval.squareRoot(Int64(source[i]))) }
        }
    }
}

/// A table as it is applied to many values: by a rule, where one makes all its entries, as what is computed needs no place in the
/// caches; else its entries in the type of a result.
struct NarrowTable: Sendable {
    enum Rule {
        /// The argument, brought into a range.
        case clamp(ClosedRange<Int64>)
        /// `floor((h^2 + half) / 2^shift)`, at most the limit, where h^2 + half fits 32 bits for every h of the domain.
        case square(shift: Int32, half: Int32, limit: Int32)
        case entries(IntegerBuffer, lowerBound: Int)
    }
    let rule: Rule

    init(_ table: LookupTable, for range: ClosedRange<Int64>) {
        if let rule = NarrowTable.clamp(table) ?? NarrowTable.square(table) {
            self.rule = rule
            return
        }
        let entries = IntegerBuffer(uninitialized: table.values.count, range: range)
        let values = AlignedBuffer(table.values)
        withExtendedLifetime((values, entries)) {
            Permute(copying: values.count).dispatch(.int32(values.pointer), entries.pointer)
        }
        rule = .entries(entries, lowerBound: Int(table.lowerBound))
    }

    private static func clamp(_ table: LookupTable) -> Rule? {
        let (least, greatest) = (table.range.lowerBound, table.range.upperBound)
        let isClamp = zip(table.domain, table.values).allSatisfy { Int64($1) == min(max($0, least), greatest) }
        return isClamp ? .clamp(table.range) : nil
    }

    private static func square(_ table: LookupTable) -> Rule? {
        let limit = Int32(table.range.upperBound)
        guard table.domain.lowerBound >= -1 << 15, table.domain.upperBound <= 1 << 15 else { return nil }
        for shift in Int32(0)...30 {
            let half: Int32 = shift == 0 ? 0 : 1 << (shift - 1)
            let isSquare = zip(table.domain, table.values).allSatisfy { h, value in
                value == min((Int32(h) * Int32(h) + half) >> shift, limit)
            }
            if isSquare { return .square(shift: shift, half: half, limit: limit) }
        }
        return nil
    }
}

/// `floor((x + 2^(shift-1)) / 2^shift)`, then a table. `W` is the type that the sum is computed in.
struct Requantise<W: SmallInteger>: ElementLoop {
    let count: Int
    let shift: Int
    let table: NarrowTable?

    /// `range`: that of `x`.
    static func run(
        _ x: IntegerPointer, _ range: ClosedRange<Int64>, count: Int, shift: Int, table: NarrowTable?,
        _ result: IntegerPointer
    ) where W == Int32 {
        let half: Int64 = shift == 0 ? 0 : 1 << (shift - 1)
        if x.byteWidth <= 4, shift < 32, range.upperBound + half <= Int64(Int32.max) {
            Requantise<Int32>(count: count, shift: shift, table: table).dispatch(x, result)
        } else {
            Requantise<Int64>(count: count, shift: shift, table: table).dispatch(x, result)
        }
    }

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        let half: W = shift == 0 ? 0 : 1 &<< W(truncatingIfNeeded: shift - 1)
        let bits = W(truncatingIfNeeded: shift)
        switch table?.rule {
        case nil:
            Parallel.forEachChunk(count, grain: grainOfElements) { range in
                for i in range {
                    destination[i] = D(truncatingIfNeeded: (W(truncatingIfNeeded: source[i]) &+ half) &>> bits)
                }
            }
        case .clamp(let range):
            let (low, high) = (W(truncatingIfNeeded: range.lowerBound), W(truncatingIfNeeded: range.upperBound))
            Parallel.forEachChunk(count, grain: grainOfElements) { range in
                for i in range {
                    let h = (W(truncatingIfNeeded: source[i]) &+ half) &>> bits
                    destination[i] = D(truncatingIfNeeded: min(max(h, low), high))
                }
            }
        case .square(let shift, let term, let limit):
            Parallel.forEachChunk(count, grain: grainOfElements) { range in
                for i in range {
                    let h = Int32(truncatingIfNeeded: (W(truncatingIfNeeded: source[i]) &+ half) &>> bits)
                    destination[i] = D(truncatingIfNeeded: min((h &* h &+ term) &>> shift, limit))
                }
            }
        case .entries(let buffer, let lowerBound):
            precondition(buffer.byteWidth == MemoryLayout<D>.size)
            // One type, whatever the dispatch says: `D` is that of the result, for which the table was made.
            let entries = buffer.pointer.address.assumingMemoryBound(to: D.self)
            let size = UInt(buffer.count)
            Parallel.forEachChunk(count, grain: grainOfElements) { range in
                for i in range {
                    let h = (W(truncatingIfNeeded: source[i]) &+ half) &>> bits
                    let row = UInt(bitPattern: Int(truncatingIfNeeded: h) &- lowerBound)
                    precondition(row < size, "a value is outside the table")
                    destination[i] = entries[Int(bitPattern: row)]
                }
            }
        }
    }
}

/// An output walked as rows: consecutive dimensions are merged where every operand either has both or lacks both, so that along a
/// row each operand is contiguous or constant.
package final class BroadcastRows: Sendable {
    /// Entries of a row.
    package let width: Int
    /// Merged outer dimensions, outermost first.
    private let outer: [Int]
    /// How many they index.
    let rows: Int
    /// Steps along the outer dimensions, those of the first operand first.
    private let steps: [Int]
    /// For each operand, whether it varies along a row.
    package let varies: [Bool]

    package init(_ shape: TensorShape, axes: [[Int]]) {
        var sizes: [Int] = []
        var presence: [[Bool]] = []
        for (axis, size) in shape.dimensions.enumerated() where size > 1 {
            let present = axes.map { $0.contains(axis) }
            if presence.last == present {
                sizes[sizes.count - 1] *= size
            } else {
                sizes.append(size)
                presence.append(present)
            }
        }
        if sizes.isEmpty {
            sizes = [1]
            presence = [axes.map { _ in true }]
        }
        width = sizes.last!
        varies = presence.last!
        outer = Array(sizes.dropLast())
        rows = outer.reduce(1, *)
        steps = axes.indices.flatMap { operand in
            var step = presence.last![operand] ? sizes.last! : 1
            var own: [Int] = []
            for (size, present) in zip(sizes, presence).dropLast().reversed() {
                own.append(present[operand] ? step : 0)
                if present[operand] { step *= size }
            }
            return Array(own.reversed())
        }
    }

    /// Where row `row` of an operand starts.
    package func offset(_ operand: Int, _ row: Int) -> Int {
        var rest = row
        var result = 0
        let first = operand * outer.count
        var axis = outer.count - 1
        while axis >= 0 {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: outer[axis])
            result += remainder * steps[first + axis]
            rest = quotient
            axis -= 1
        }
        return result
    }

    /// Calls `body(row, columns)` for pieces that cover all rows, in parallel.
    func forEachPiece(_ body: (Int, Range<Int>) -> Void) {
        let pieces = (width + grainOfElements - 1) / grainOfElements
        Parallel.forEachChunk(rows * pieces, grain: max(1, grainOfElements / width)) { range in
            for i in range {
                let (row, piece) = i.quotientAndRemainder(dividingBy: pieces)
                body(row, piece * grainOfElements..<min(width, (piece + 1) * grainOfElements))
            }
        }
    }
}

/// A sum of broadcast terms, computed modulo 2^w, where w is the output's width.
package struct Combination {
    let terms: [Term]
    let constant: Int64
    let rows: BroadcastRows

    package init(_ terms: [Term], _ constant: Int64, _ shape: TensorShape) {
        self.terms = terms
        self.constant = constant
        rows = BroadcastRows(shape, axes: terms.map(\.axes))
    }

    package func run(_ operands: UnsafePointer<IntegerPointer>, _ result: IntegerPointer) {
        for (index, term) in terms.enumerated() {
            AddTerm(rows: rows, index: index, coefficient: term.coefficient, constant: constant)
                .dispatch(operands[index], result)
        }
    }

    /// `out = constant + coefficient * x` for the first term, `out += coefficient * x` for the others.
    private struct AddTerm: ElementLoop {
        let rows: BroadcastRows
        let index: Int
        let coefficient: Int64
        let constant: Int64

        func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
            let factor = D(truncatingIfNeeded: coefficient)
            let start = D(truncatingIfNeeded: constant)
            let varies = rows.varies[index]
            rows.forEachPiece { row, columns in
                let from = source + rows.offset(index, row)
                let to = destination + row * rows.width
                if !varies {
                    let value = factor &* D(truncatingIfNeeded: from[0])
                    if index == 0 {
                        for j in columns { to[j] = start &+ value }
                    } else {
                        for j in columns { to[j] &+= value }
                    }
                } else if index == 0 {
                    for j in columns { to[j] = start &+ factor &* D(truncatingIfNeeded: from[j]) }
                } else if factor == 1 {
                    for j in columns { to[j] &+= D(truncatingIfNeeded: from[j]) }
                } else {
                    for j in columns { to[j] &+= factor &* D(truncatingIfNeeded: from[j]) }
                }
            }
        }
    }
}

/// `floor(numerator / denominator)`, checked against the promise of the node.
struct Division {
    let node: Node
    let rows: BroadcastRows
    /// The denominator's entries.
    let denominators: Int

    /// `shape`: the node's, or that of some rows of it.
    init(_ node: Node, _ shape: TensorShape, _ axes: [Int]) {
        self.node = node
        rows = BroadcastRows(shape, axes: [Array(shape.dimensions.indices), axes])
        denominators = axes.reduce(1) { $0 * shape.dimensions[$1] }
    }

    func run(_ numerator: IntegerPointer, _ denominator: IntegerPointer, _ result: IntegerPointer) throws {
        if let (index, value) = denominator.firstOutside(1...Int64.max, count: denominators) {
            throw GraphError(node: node.name, "the denominator's entry \(index) is \(value), not positive")
        }
        let failed = withUnsafeTemporaryAllocation(of: Bool.self, capacity: rows.rows) { failures -> Int? in
            failures.initialize(repeating: false)
            let start = failures.baseAddress!
            let isNarrow = numerator.byteWidth <= 4 && denominator.byteWidth <= 4
            if isNarrow && !rows.varies[1] {
                ByReciprocals(rows: rows, promise: node.range, denominator: denominator, failures: start)
                    .dispatch(numerator, result)
            } else if isNarrow {
                Loop<Int32>(rows: rows, promise: node.range, denominator: denominator, failures: start)
                    .dispatch(numerator, result)
            } else {
                Loop<Int64>(rows: rows, promise: node.range, denominator: denominator, failures: start)
                    .dispatch(numerator, result)
            }
            return failures.firstIndex(of: true)
        }
        guard let row = failed else { return }
        for j in 0..<rows.width {
            let index = row * rows.width + j
            let d = denominator[rows.offset(1, row) + (rows.varies[1] ? j : 0)]
            let quotient = Division.floor(numerator[index], d)
            if !node.range.contains(quotient) {
                throw GraphError(
                    node: node.name,
                    "the quotient \(numerator[index]) / \(d) = \(quotient) at entry \(index) is outside the range"
                        + " \(node.range) that the node promises")
            }
        }
    }

    static func floor<W: SmallInteger>(_ n: W, _ d: W) -> W {
        let (quotient, remainder) = n.quotientAndRemainder(dividingBy: d)
        return remainder < 0 ? quotient &- 1 : quotient
    }

    /// One denominator a row, all integers of 32 bits: by its reciprocal, as processors divide one integer at a time.
    private struct ByReciprocals: ElementLoop {
        let rows: BroadcastRows
        let promise: ClosedRange<Int64>
        let denominator: IntegerPointer
        /// Those of the rows.
        let failures: UnsafeMutablePointer<Bool>

        func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
            let low = Int32(clamping: promise.lowerBound)
            let high = Int32(clamping: promise.upperBound)
            // Every quotient is between the ends of 32 bits: a promise beyond one of them holds nothing.
            let isPossible = promise.contains(Int64(low)) && promise.contains(Int64(high))
            // The sum with this has units of 1, and the nearest integer in its last bits.
            let units = 0x1.8p52
            rows.forEachPiece { row, columns in
                let from = source + row * rows.width
                let to = destination + row * rows.width
                let d = Int32(truncatingIfNeeded: denominator[rows.offset(1, row)])
                let reciprocal = 1 / Double(d)
                var outside: Int32 = 0
                for j in columns {
                    let n = Int32(truncatingIfNeeded: from[j])
                    // Two roundings are off by less than 2^-20 / d, so that |n - d nearest| <= d / 2 + 2^-20, and below d: the
                    // floor is the nearest integer, or one less where that is above n / d.
                    let nearest = Int32(truncatingIfNeeded: (Double(n) * reciprocal + units).bitPattern)
                    let rest = n &- nearest &* d
                    let quotient = nearest &+ rest &>> 31
                    outside |= (quotient < low ? 1 : 0) | (quotient > high ? 1 : 0)
                    to[j] = D(truncatingIfNeeded: quotient)
                }
                if outside != 0 || !isPossible { failures[row] = true }
            }
        }
    }

    private struct Loop<W: SmallInteger>: ElementLoop {
        let rows: BroadcastRows
        let promise: ClosedRange<Int64>
        let denominator: IntegerPointer
        /// Those of the rows.
        let failures: UnsafeMutablePointer<Bool>

        func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
            let low = promise.lowerBound
            let high = promise.upperBound
            let varies = rows.varies[1]
            rows.forEachPiece { row, columns in
                let from = source + row * rows.width
                let to = destination + row * rows.width
                let start = rows.offset(1, row)
                var d = W(truncatingIfNeeded: denominator[start])
                var outside = false
                for j in columns {
                    if varies { d = W(truncatingIfNeeded: denominator[start + j]) }
                    let quotient = Int64(Division.floor(W(truncatingIfNeeded: from[j]), d))
                    outside = outside || quotient < low || quotient > high
                    to[j] = D(truncatingIfNeeded: quotient)
                }
                if outside { failures[row] = true }
            }
        }
    }
}
