import Fields
import Tensors

extension FractionalSum {
    /// A layer of the tree that is not stored: level 0 are the leaves, level 1 their sums by pairs. Its entries are made from
    /// the integers, about a thousand leaves at a time, whenever they are wanted: for the layer above, for the first round of
    /// the layer's sumcheck, and for what its first challenge folds it to. The lowest layers are most of the tree, and fresh
    /// memory costs more than making them again.
    struct VirtualLayer {
        enum Leaves {
            /// Numerators are one.
            case reciprocals([LookupDenominators<F>])
            /// Numerators are minus these integers.
            case multiples([IntegerTensor], [LookupDenominators<F>])

            var denominators: [LookupDenominators<F>] {
                switch self {
                case .reciprocals(let d), .multiples(_, let d): d
                }
            }
        }
        let leaves: Leaves
        let level: Int
        /// Entries of a segment.
        let count: Int

        /// Levels from 0 on that are never stored.
        static var levels: Int { 2 }

        /// Nil where rows of `inner` leaves are not whole quads of the level, or a segment is too small to be worth it.
        init?(_ leaves: Leaves, level: Int, inner: Int) {
            guard level < Self.levels, inner % (4 << level) == 0, inner >= 8 << level,
                leaves.denominators[0].count >= 1 << 10
            else { return nil }
            self.leaves = leaves
            self.level = level
            count = leaves.denominators[0].count >> level
        }

        var segments: Int { leaves.denominators.count }

        /// Whether the first round is one of products, see `LayerRounds`.
        var isOfProducts: Bool { if case .reciprocals = leaves { level == 0 } else { false } }

        /// Leaves, or pairs of them, that a thread makes at a time.
        static var capacity: Int { 1 << 10 }

        /// Quads of entries that are made at a time.
        var pieceSize: Int {
            switch leaves {
            case .reciprocals: (Self.capacity / 2) >> level
            case .multiples: (Self.capacity / 4) >> level
            }
        }

        /// Some quads of one segment.
        struct Piece {
            let segment: Int
            let quads: Range<Int>
        }

        var pieces: [Piece] {
            (0..<segments).flatMap { segment in
                Swift.stride(from: 0, to: count / 4, by: pieceSize).map {
                    Piece(segment: segment, quads: $0..<min(count / 4, $0 + pieceSize))
                }
            }
        }

        /// Where one thread makes entries.
        final class Scratch {
            private let buffers = (0..<5).map { _ in AlignedBuffer<E>(uninitialized: VirtualLayer.capacity) }
            func pointer(_ i: Int) -> UnsafeMutablePointer<E> { buffers[i].pointer }
        }

        /// The even and the odd leaves of a piece of reciprocals apart, their denominators plus `shift`.
        func halves(
            _ piece: Piece, shift: E, _ scratch: Scratch
        ) -> (even: UnsafeMutablePointer<E>, odd: UnsafeMutablePointer<E>) {
            let (even, odd) = (scratch.pointer(0), scratch.pointer(1))
            leaves.denominators[piece.segment].writeHalves(
                4 * piece.quads.lowerBound << level..<4 * piece.quads.upperBound << level, shift: shift, even: even,
                odd: odd)
            return (even, odd)
        }

        /// Numerators, and denominators minus one, of a piece; of reciprocals at level 1.
        func fractions(
            _ piece: Piece, _ scratch: Scratch
        ) -> (p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>) {
            let count = 4 * piece.quads.count
            let (p, q) = (scratch.pointer(2), scratch.pointer(3))
            switch leaves {
            case .reciprocals:
                precondition(level == 1)
                // 1/a + 1/b = (a + b) / ab.
                let (even, odd) = halves(piece, shift: .zero, scratch)
                F.add(even, odd, into: p, count: count)
                F.multiply(even, odd, into: q, count: count)
                let minusOnes = scratch.pointer(4)
                minusOnes.fill(-E.one, count: count)
                F.add(q, minusOnes, into: q, count: count)
                return (p, q)
            case .multiples(let numerators, let denominators):
                let range = 4 * piece.quads.lowerBound << level..<4 * piece.quads.upperBound << level
                FractionalSum.write(numerators[piece.segment], denominators[piece.segment], range, p: p, q: q)
                guard level == 1 else { return (p, q) }
                let (sumP, sumQ) = (scratch.pointer(0), scratch.pointer(1))
                F.addFractions(p: p, q: q, pOut: sumP, qOut: sumQ, pairs: count)
                return (sumP, sumQ)
            }
        }

        /// Writes the layer above, segment by segment.
        func writeSums(_ p: UnsafeMutablePointer<E>, _ q: UnsafeMutablePointer<E>) {
            let half = count / 2
            let pieces = pieces
            Parallel.forEach(pieces.count, state: { Scratch() }) { i, scratch in
                let from = fractions(pieces[i], scratch)
                let o = pieces[i].segment * half + 2 * pieces[i].quads.lowerBound
                F.addFractions(
                    p: from.p, q: from.q, pOut: p + o, qOut: q + o, pairs: 2 * pieces[i].quads.count)
            }
        }
    }

    /// Numerators, minus integers, and denominators minus one of a range of leaves.
    static func write(
        _ numerators: IntegerTensor, _ denominators: LookupDenominators<F>, _ range: Range<Int>,
        p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>
    ) {
        p.fill(.zero, count: range.count)
        LookupDenominators<F>(constant: .zero, argument: numerators, factor: .zero, value: nil)
            .write(range, block: p, into: p)
        q.fill(denominators.constant - .one, count: range.count)
        denominators.write(range, block: q, into: q)
    }
}
