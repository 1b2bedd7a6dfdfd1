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
        /// Leaves of a row. On level 0 a row need not be whole quads: it is padded when it is read.
        let inner: Int

        /// Levels from 0 on that are never stored.
        static var levels: Int { 2 }

        /// Nil where a segment is too small to be worth it, or, above the leaves, rows are not whole quads.
        init?(_ leaves: Leaves, level: Int, inner: Int) {
            let count = leaves.denominators[0].count
            guard level == 0 ? count >= 1 << 6 : level < Self.levels && inner % (4 << level) == 0 && count >= 1 << 10
            else { return nil }
            self.leaves = leaves
            self.level = level
            self.inner = inner
        }

        /// Leaves of segments with these compacted dimensions.
        init?(_ segments: [FractionLeaves<F>], dimensions: [Int]) {
            let inner = dimensions.last!
            precondition(dimensions.count == 1 || inner & (inner - 1) != 0)
            var numerators: [IntegerTensor] = []
            var denominators: [LookupDenominators<F>] = []
            for segment in segments {
                switch segment {
                case .fractions: return nil
                case .reciprocals(let d): denominators.append(d)
                case .multiples(let m, let d):
                    numerators.append(m)
                    denominators.append(d)
                }
            }
            precondition(numerators.isEmpty || numerators.count == denominators.count)
            let leaves =
                numerators.isEmpty ? Leaves.reciprocals(denominators) : Leaves.multiples(numerators, denominators)
            self.init(leaves, level: 0, inner: inner)
        }

        /// The layer above, where it is not stored either.
        var above: VirtualLayer? { VirtualLayer(leaves, level: level + 1, inner: inner) }

        /// Quads of entries of a segment, padding included.
        var quads: Int { leaves.denominators[0].count / inner * LeafQuads.perRow(inner >> level) }

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
                Swift.stride(from: 0, to: quads, by: pieceSize).map {
                    Piece(segment: segment, quads: $0..<min(quads, $0 + pieceSize))
                }
            }
        }

        /// Where one thread makes entries.
        final class Scratch {
            private let buffers = (0..<7).map { _ in AlignedBuffer<E>(uninitialized: VirtualLayer.capacity) }
            func pointer(_ i: Int) -> UnsafeMutablePointer<E> { buffers[i].pointer }
        }

        /// The leaves of a piece.
        private func leaves(_ piece: Piece) -> LeafQuads {
            LeafQuads(inner: inner, quads: piece.quads.lowerBound << level..<piece.quads.upperBound << level)
        }

        /// The even and the odd leaves of a piece of reciprocals apart, their denominators plus `shift`; padding is one.
        func halves(
            _ piece: Piece, shift: E, _ scratch: Scratch
        ) -> (even: UnsafeMutablePointer<E>, odd: UnsafeMutablePointer<E>) {
            let (even, odd) = (scratch.pointer(0), scratch.pointer(1))
            leaves.denominators[piece.segment].writeHalves(leaves(piece), shift: shift, even: even, odd: odd)
            return (even, odd)
        }

        /// Sums by pairs of a piece of reciprocals: numerators, and denominators minus one; of pairs that are padding, anything.
        private func reciprocalSums(
            _ piece: Piece, _ scratch: Scratch, p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>
        ) {
            let (even, odd) = halves(piece, shift: .zero, scratch)
            let leaves = leaves(piece)
            let count = leaves.count / 2
            // 1/a + 1/b = (a + b) / ab.
            F.add(even, odd, into: p, count: count)
            F.multiply(even, odd, into: q, count: count)
            let minusOnes = scratch.pointer(4)
            minusOnes.fill(-E.one, count: count)
            F.add(q, minusOnes, into: q, count: count)
            if leaves.inner & 1 == 0 { return }
            // 1/a + 0/1 = 1/a.
            leaves.forEachRow { row in
                if row.leaves.count & 1 == 1 { p[(row.at + row.leaves.count) / 2] = .one }
            }
        }

        /// Numerators, and denominators minus one, of a piece; of reciprocals at level 1.
        func fractions(
            _ piece: Piece, _ scratch: Scratch
        ) -> (p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>) {
            let (p, q) = (scratch.pointer(2), scratch.pointer(3))
            switch leaves {
            case .reciprocals:
                precondition(level == 1)
                reciprocalSums(piece, scratch, p: p, q: q)
                return (p, q)
            case .multiples(let numerators, let denominators):
                let leaves = leaves(piece)
                leaves.forEachRow { row in
                    let (p, q) = (p + row.at, q + row.at)
                    FractionalSum.write(
                        numerators[piece.segment], denominators[piece.segment], row.leaves, p: p, q: q)
                    for i in row.leaves.count..<row.padded { (p[i], q[i]) = (.zero, .zero) }
                }
                guard level == 1 else { return (p, q) }
                let (sumP, sumQ) = (scratch.pointer(0), scratch.pointer(1))
                F.addFractions(p: p, q: q, pOut: sumP, qOut: sumQ, pairs: leaves.count / 2)
                return (sumP, sumQ)
            }
        }

        /// Writes the sums by pairs of a piece; of pairs that are padding, anything.
        private func sums(
            _ piece: Piece, _ scratch: Scratch, p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>
        ) {
            if isOfProducts { return reciprocalSums(piece, scratch, p: p, q: q) }
            let from = fractions(piece, scratch)
            F.addFractions(p: from.p, q: from.q, pOut: p, qOut: q, pairs: 2 * piece.quads.count)
        }

        /// Writes the layer above, which is stored.
        func writeSums(to places: Places) {
            // Entries of a row, here and above.
            let entries = inner >> level
            let half = (entries + 1) / 2
            let perSegment = leaves.denominators[0].count / inner * half
            let pieces = pieces
            Parallel.forEach(pieces.count, state: { Scratch() }) { i, scratch in
                let piece = pieces[i]
                let first = piece.segment * perSegment
                let rows = LeafQuads(inner: entries, quads: piece.quads)
                if rows.isDense && places.isDense {
                    let to = first + 2 * piece.quads.lowerBound
                    return sums(piece, scratch, p: places.first + to, q: places.second + to)
                }
                let (p, q) = (scratch.pointer(5), scratch.pointer(6))
                sums(piece, scratch, p: p, q: q)
                rows.forEachRow { row in
                    places.put(
                        p + row.at / 2, q + row.at / 2, at: first + row.row * half + row.column / 2,
                        count: (row.leaves.count + 1) / 2)
                }
            }
        }
    }

    /// Numerators, minus integers, and denominators minus one of a range of leaves.
    static func write(
        _ numerators: IntegerTensor, _ denominators: LookupDenominators<F>, _ range: Range<Int>,
        p: UnsafeMutablePointer<E>, q: UnsafeMutablePointer<E>
    ) {
        LookupDenominators<F>(constant: .one, argument: numerators, factor: .zero, value: nil)
            .writeMinusOne(range, into: p)
        denominators.writeMinusOne(range, into: q)
    }
}
