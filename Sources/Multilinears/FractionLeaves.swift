import Fields
import Tensors

/// The fractions of one segment of a fractional sum.
public enum FractionLeaves<F: ProofField> {
    public typealias E = F.Challenge

    /// Any: numerators, and denominators minus one, in the order of the segment's entries.
    case fractions(AlignedBuffer<E>, AlignedBuffer<E>)
    /// `1 / denominator`: what a lookup contributes.
    case reciprocals(LookupDenominators<F>)
    /// `-m / denominator` for integers m: what a table contributes.
    case multiples(IntegerTensor, LookupDenominators<F>)

    var isReciprocal: Bool { if case .reciprocals = self { true } else { false } }
}

/// `constant - argument - factor * value`, for integers argument and value that stay as they are stored.
public struct LookupDenominators<F: ProofField> {
    public typealias E = F.Challenge
    let constant: E
    let argument: IntegerTensor
    let factor: E
    let value: IntegerTensor?

    public init(constant: E, argument: IntegerTensor, factor: E, value: IntegerTensor?) {
        self.constant = constant
        self.argument = argument
        self.factor = factor
        self.value = value
    }

    var count: Int { argument.shape.count }

    /// Writes the denominators of a range of leaves minus one.
    func writeMinusOne(_ range: Range<Int>, into output: UnsafeMutablePointer<E>) {
        output.fill(constant - .one, count: range.count)
        var subtract = Subtract(range: range, factor: -E.one, output: output)
        argument.storage.visit(&subtract)
        if let value {
            subtract = Subtract(range: range, factor: -factor, output: output)
            value.storage.visit(&subtract)
        }
    }

    /// Writes denominators plus `shift`, those of even and of odd leaves apart. Where a leaf is padding it writes one.
    func writeHalves(
        _ leaves: LeafQuads, shift: E, even: UnsafeMutablePointer<E>, odd: UnsafeMutablePointer<E>
    ) {
        even.fill(constant + shift, count: leaves.count / 2)
        odd.update(from: even, count: leaves.count / 2)
        var subtract = SubtractHalves(leaves: leaves, factor: -E.one, even: even, odd: odd)
        argument.storage.visit(&subtract)
        if let value {
            subtract = SubtractHalves(leaves: leaves, factor: -factor, even: even, odd: odd)
            value.storage.visit(&subtract)
        }
        if leaves.isDense { return }
        leaves.forEachRow { row in
            for i in (row.at + row.leaves.count + 1) / 2..<(row.at + row.padded) / 2 { even[i] = .one }
            for i in (row.at + row.leaves.count) / 2..<(row.at + row.padded) / 2 { odd[i] = .one }
        }
    }

    private struct Subtract: IntegerVisitor {
        let range: Range<Int>
        let factor: E
        let output: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            F.addScaled(UnsafeBufferPointer(rebasing: elements[range]), by: factor, to: output)
        }
    }

    private struct SubtractHalves: IntegerVisitor {
        let leaves: LeafQuads
        let factor: E
        let even: UnsafeMutablePointer<E>
        let odd: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            let pairs = leaves.count / 2
            withUnsafeTemporaryAllocation(of: T.self, capacity: 2 * max(pairs, 1)) { halves in
                let (low, high) = (halves.baseAddress!, halves.baseAddress! + pairs)
                if leaves.isDense {
                    Halves.split(
                        elements.baseAddress! + 4 * leaves.quads.lowerBound, pairs: pairs, even: low, odd: high)
                } else {
                    // Integers of padding are zero: what becomes of them is overwritten.
                    leaves.forEachRow { row in
                        let (low, high) = (low + row.at / 2, high + row.at / 2)
                        let (from, whole) = (elements.baseAddress! + row.leaves.lowerBound, row.leaves.count / 2)
                        Halves.split(from, pairs: whole, even: low, odd: high)
                        for i in whole..<row.padded / 2 { (low[i], high[i]) = (0, 0) }
                        if row.leaves.count & 1 == 1 { low[whole] = from[2 * whole] }
                    }
                }
                F.addScaled(UnsafeBufferPointer(start: low, count: pairs), by: factor, to: even)
                F.addScaled(UnsafeBufferPointer(start: high, count: pairs), by: factor, to: odd)
            }
        }
    }
}

/// Some of a segment's leaves by fours: rows of leaves, each of them made up to whole quads by padding.
struct LeafQuads {
    /// Leaves of a row.
    let inner: Int
    /// In a segment, by the count of padded rows.
    let quads: Range<Int>

    /// Quads of a row.
    static func perRow(_ inner: Int) -> Int { (inner + 3) / 4 }
    /// Leaves with padding.
    var count: Int { 4 * quads.count }
    /// Whether there is no padding.
    var isDense: Bool { inner & 3 == 0 }

    /// A part of a row: its leaves in the segment, and where they begin in a table of these quads, in which it takes `padded`
    /// entries.
    struct Row {
        /// The number of the row, and of its first leaf here.
        let row: Int
        let column: Int
        let leaves: Range<Int>
        let at: Int
        let padded: Int
    }

    /// Parts of rows one after the other; all at once where there is no padding.
    @inline(__always)
    func forEachRow(_ body: (Row) -> Void) {
        if isDense {
            let leaves = 4 * quads.lowerBound..<4 * quads.upperBound
            let (row, column) = leaves.lowerBound.quotientAndRemainder(dividingBy: inner)
            return body(Row(row: row, column: column, leaves: leaves, at: 0, padded: count))
        }
        let perRow = LeafQuads.perRow(inner)
        var i = quads.lowerBound
        while i < quads.upperBound {
            let (row, column) = i.quotientAndRemainder(dividingBy: perRow)
            let end = min(i - column + perRow, quads.upperBound)
            let first = row * inner + 4 * column
            let padded = 4 * (end - i)
            body(
                Row(
                    row: row, column: 4 * column, leaves: first..<min(first + padded, (row + 1) * inner),
                    at: 4 * (i - quads.lowerBound),
                    padded: padded))
            i = end
        }
    }
}

/// Entries 2i and 2i + 1 apart.
enum Halves {
    @inline(__always)
    static func split<T: SmallInteger>(
        _ input: UnsafePointer<T>, pairs: Int, even: UnsafeMutablePointer<T>, odd: UnsafeMutablePointer<T>
    ) {
        for i in 0..<pairs {
            even[i] = input[2 * i]
            odd[i] = input[2 * i + 1]
        }
    }
}
