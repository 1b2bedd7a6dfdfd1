import Fields
import Tensors

extension FractionalSum {
    /// How a stored block of a layer lies in the layer's tables: in rows of entries, each row with one more entry at its end
    /// where their number is odd. An entry of layer tables is a pair of nodes. Blocks lie one after the other, so that one
    /// loop goes through all of them, and only rows of an odd length need a look at the shape.
    struct Rows {
        /// Segments of one shape, one after the other.
        let copies: Int
        /// All of a segment, the first `waiting` of them outside the rows and not yet begun.
        private let dimensions: [Int]
        private var waiting: Int
        /// Rows, of all segments together.
        private(set) var count: Int
        /// Entries of a row but for padding; 1 when all variables are bound.
        private(set) var length = 1
        /// The first entry in the tables.
        private(set) var start: Int

        /// Segments with these dimensions of entries.
        init(copies: Int, dimensions: [Int], start: Int) {
            self.copies = copies
            self.dimensions = dimensions
            self.start = start
            waiting = dimensions.count
            count = dimensions.reduce(copies, *)
            skipBound()
        }

        private mutating func skipBound() {
            while length == 1 && waiting > 0 {
                waiting -= 1
                length = dimensions[waiting]
                count /= length
            }
        }

        /// No variables left: an entry a segment.
        var isBound: Bool { length == 1 }
        private var isPadded: Bool { length & 1 == 1 && !isBound }
        /// Entries from one row to the next.
        var stride: Int { isPadded ? length + 1 : length }
        /// Entries of all rows.
        var size: Int { count * stride }
        var end: Int { start + size }

        /// Binds the lowest variable: the rows then begin at `start`, in other tables or the same.
        mutating func halve(to start: Int) -> Move {
            var move = Move(from: self.start / 2, to: start, count: size / 2, row: 0)
            length = (length + 1) / 2
            skipBound()
            self.start = start
            if isPadded { move.row = length }
            return move
        }

        /// The places of entries, of `unit` elements each.
        func places(
            unit: Int, padding: E, _ first: UnsafeMutablePointer<E>, _ second: UnsafeMutablePointer<E>
        ) -> Places {
            Places(
                first: first + unit * start, second: second + unit * start, length: unit * length,
                stride: unit * stride, padding: padding)
        }

        /// The places of nodes of segments that have `inner` of them in the innermost dimension, not paired yet.
        func nodePlaces(
            inner: Int, _ p: UnsafeMutablePointer<E>, _ q: UnsafeMutablePointer<E>
        ) -> Places {
            Places(
                first: p + 2 * start, second: q + 2 * start, length: inner & 1 == 1 ? inner : 2 * length,
                stride: 2 * stride, padding: .zero)
        }
    }

    /// Where a block's elements lie in two tables: rows of `length` of them, one every `stride`, what is left of which is padding.
    struct Places {
        let first: UnsafeMutablePointer<E>
        let second: UnsafeMutablePointer<E>
        let length: Int
        let stride: Int
        let padding: E

        /// Whether elements that come without padding lie as they come.
        var isDense: Bool { length == stride }

        /// Puts elements where they belong, of which there are `index` before the first, padding not counted. The last element of
        /// a row brings the row's padding with it.
        func put(_ a: UnsafePointer<E>, _ b: UnsafePointer<E>, at index: Int, count: Int) {
            if isDense {
                (first + index).update(from: a, count: count)
                return (second + index).update(from: b, count: count)
            }
            var done = 0
            while done < count {
                let (row, column) = (index + done).quotientAndRemainder(dividingBy: length)
                let part = min(length - column, count - done)
                let to = row * stride + column
                (first + to).update(from: a + done, count: part)
                (second + to).update(from: b + done, count: part)
                if column + part == length {
                    for i in to + part..<(row + 1) * stride { (first[i], second[i]) = (padding, padding) }
                }
                done += part
            }
        }
    }

    /// Neighbouring pairs of entries that become single ones.
    struct Move {
        /// The first pair, and the first entry of the result.
        var from: Int
        var to: Int
        var count: Int
        /// Results of a row, behind each of which there is an entry of padding; 0 where there is none. Of a row that is cut, the
        /// last piece is one row and the others are none.
        var row: Int

        /// Pieces of these moves of about `grain` results each, an even number: neighbours without padding go together.
        static func pieces(_ moves: [Move], grain: Int) -> [Move] {
            // Weights lie by pairs of results.
            precondition(grain & 1 == 0)
            var pieces: [Move] = []
            var i = 0
            while i < moves.count {
                var move = moves[i]
                i += 1
                if move.row > grain {
                    for row in 0..<move.count / move.row {
                        for first in Swift.stride(from: 0, to: move.row, by: grain) {
                            let count = min(grain, move.row - first)
                            pieces.append(
                                Move(
                                    from: move.from + row * move.row + first,
                                    to: move.to + row * (move.row + 1) + first,
                                    count: count, row: first + count == move.row ? count : 0))
                        }
                    }
                    continue
                }
                if move.row > 0 {
                    let rows = max(1, grain / move.row)
                    for first in Swift.stride(from: 0, to: move.count / move.row, by: rows) {
                        pieces.append(
                            Move(
                                from: move.from + first * move.row, to: move.to + first * (move.row + 1),
                                count: min(rows * move.row, move.count - first * move.row), row: move.row))
                    }
                    continue
                }
                while i < moves.count, moves[i].row == 0, moves[i].from == move.from + move.count,
                    moves[i].to == move.to + move.count
                {
                    move.count += moves[i].count
                    i += 1
                }
                for first in Swift.stride(from: 0, to: move.count, by: grain) {
                    let count = min(grain, move.count - first)
                    pieces.append(Move(from: move.from + first, to: move.to + first, count: count, row: 0))
                }
            }
            return pieces
        }

        /// Calls `body(from, to, count)` for each row, or once for all where there is no padding, and `pad(to)` for padding.
        @inline(__always)
        func forEachRow(_ body: (Int, Int, Int) -> Void, pad: (Int) -> Void) {
            if row == 0 { return body(from, to, count) }
            for i in 0..<count / row {
                body(from + i * row, to + i * (row + 1), row)
                pad(to + i * (row + 1) + row)
            }
        }
    }
}
