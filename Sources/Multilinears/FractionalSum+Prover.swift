import Fields
import Tensors
import Transcripts

extension FractionalSum {
    /// Proves that the leaves, given segment by segment, sum to zero, and returns the claims on them that remain. Buffers of
    /// fractions are consumed; reciprocals are read as integers several times and, but for small segments and odd rows, never
    /// exist as a whole layer, nor do their sums by pairs (`VirtualLayer`).
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func prove(
        _ layout: FractionLayout, _ leaves: [FractionLeaves<F>], transcript: ProverTranscript
    ) -> LeafClaim {
        var layers = [Layer(layout, leaves)]
        for _ in 0..<layout.variableCount { layers.append(layers.last!.next()) }
        let root = layers.removeLast()
        precondition(root.blocks.isEmpty && root.tailP.count <= 1)
        let rootQ = root.tailQ.first ?? .zero
        // A sum of zero has the numerator zero at the root: only the denominator is news.
        transcript.send("fraction root", [rootQ])
        var point: [E] = []
        var pClaim = E.zero
        var qClaim = rootQ
        while let layer = layers.popLast() {
            let lambda: E = transcript.challenge("fraction lambda")
            let rounds = LayerRounds(layer, at: point, lambda: lambda)
            let (x, finals) = rounds.prove(claim: pClaim + lambda * qClaim, transcript: transcript)
            transcript.send("fraction layer", finals)
            let b: E = transcript.challenge("fraction branch")
            pClaim = finals[0] + b * (finals[1] - finals[0])
            qClaim = finals[2] + b * (finals[3] - finals[2])
            point = [b] + x
        }
        return LeafClaim(point: point, numerator: pClaim, denominatorMinusOne: qClaim)
    }

    // MARK: The tree

    /// Neighbouring segments of one shape.
    struct Block {
        enum Content {
            /// Fractions p / (q + 1) in the layer's tables.
            case stored
            /// Leaves with the numerator one.
            case reciprocals([LookupDenominators<F>])
            /// Made when they are wanted.
            case virtual(VirtualLayer)
        }
        /// Of pairs of nodes: where they lie, or, of what is not stored, would lie.
        var rows: Rows
        /// Of a segment's nodes, all above 1.
        let dimensions: [Int]
        let content: Content

        init(copies: Int, dimensions: [Int], content: Content, start: Int = 0) {
            var pairs = dimensions
            pairs[pairs.count - 1] = (dimensions.last! + 1) / 2
            rows = Rows(copies: copies, dimensions: pairs, start: start)
            self.dimensions = dimensions
            self.content = content
        }

        var copies: Int { rows.copies }
        /// Nodes of the innermost dimension.
        var inner: Int { dimensions.last! }

        /// Dimensions of a segment in the layer above.
        var dimensionsAbove: [Int] {
            var above = dimensions
            above[above.count - 1] = (inner + 1) / 2
            return above.filter { $0 > 1 }
        }

        /// The content in the layer above, where that is virtual.
        var virtualSums: VirtualLayer? {
            switch content {
            case .stored: nil
            case .reciprocals(let segments): VirtualLayer(.reciprocals(segments), level: 1, inner: inner)
            case .virtual(let layer): VirtualLayer(layer.leaves, level: layer.level + 1, inner: inner << layer.level)
            }
        }

        /// Writes the sums of neighbours, of a block that is not stored, without padding.
        func writeSums(_ p: UnsafeMutablePointer<E>, _ q: UnsafeMutablePointer<E>) {
            switch content {
            case .stored: preconditionFailure("stored blocks are summed together")
            case .virtual(let layer): layer.writeSums(p, q)
            case .reciprocals(let segments):
                let perSegment = dimensions.dropLast().reduce((inner + 1) / 2, *)
                for (i, segment) in segments.enumerated() {
                    let (p, q) = (p + i * perSegment, q + i * perSegment)
                    inner & 1 == 0 ? sums(segment, p, q) : oddSums(segment, p, q)
                }
            }
        }

        private func sums(
            _ leaves: LookupDenominators<F>, _ p: UnsafeMutablePointer<E>, _ q: UnsafeMutablePointer<E>
        ) {
            let pairs = leaves.count / 2
            let size = min(pairs, 1 << 10)
            let constants = AlignedBuffer<E>(repeating: leaves.constant - .one, count: 2 * size)
            let ones = AlignedBuffer<E>(repeating: .one, count: 2 * size)
            let chunks = (pairs + size - 1) / size
            let workers = min(chunks, Parallel.threadCount)
            Parallel.forEach(workers) { worker in
                let scratch = AlignedBuffer<E>(uninitialized: 2 * size)
                for chunk in Swift.stride(from: worker, to: chunks, by: workers) {
                    let range = chunk * size..<min(pairs, (chunk + 1) * size)
                    leaves.write(
                        2 * range.lowerBound..<2 * range.upperBound, block: constants.pointer, into: scratch.pointer)
                    F.addFractions(
                        p: ones.pointer, q: scratch.pointer, pOut: p + range.lowerBound, qOut: q + range.lowerBound,
                        pairs: range.count)
                }
            }
        }

        private func oddSums(
            _ leaves: LookupDenominators<F>, _ p: UnsafeMutablePointer<E>, _ q: UnsafeMutablePointer<E>
        ) {
            let half = (inner + 1) / 2
            let constants = AlignedBuffer<E>(repeating: leaves.constant - .one, count: inner)
            let ones = AlignedBuffer<E>(repeating: .one, count: inner + 1)
            ones.pointer[inner] = .zero
            let scratch = AlignedBuffer<E>(repeating: .zero, count: inner + 1)
            for r in 0..<leaves.count / inner {
                leaves.write(r * inner..<(r + 1) * inner, block: constants.pointer, into: scratch.pointer)
                F.addFractions(p: ones.pointer, q: scratch.pointer, pOut: p + r * half, qOut: q + r * half, pairs: half)
            }
        }
    }

    /// One layer of the tree: blocks of segments that are still larger than one node, then the nodes of all others.
    final class Layer {
        var blocks: [Block] = []
        /// Numerators, and denominators minus one, of the stored blocks.
        private(set) var p = AlignedBuffer<E>(uninitialized: 0)
        private(set) var q = AlignedBuffer<E>(uninitialized: 0)
        var tailP: [E] = []
        var tailQ: [E] = []

        init() {}

        init(_ layout: FractionLayout, _ leaves: [FractionLeaves<F>]) {
            precondition(leaves.count == layout.shapes.count)
            var stored: [(block: Int, leaves: [FractionLeaves<F>])] = []
            var size = 0
            var first = 0
            while first < layout.order.count {
                let segment = layout.order[first]
                let dimensions = layout.shapes[segment].compacted
                var end = first + 1
                while end < layout.order.count, leaves[layout.order[end]].isReciprocal == leaves[segment].isReciprocal,
                    layout.shapes[layout.order[end]].compacted == dimensions
                {
                    end += 1
                }
                let group = layout.order[first..<end].map { leaves[$0] }
                first = end
                if dimensions.isEmpty {
                    let (p, q) = FractionalSum.fractions(group, count: 1)
                    tailP += p.elements
                    tailQ += q.elements
                    continue
                }
                let content = Layer.content(group, inner: dimensions.last!)
                if case .stored = content { stored.append((blocks.count, group)) }
                blocks.append(Block(copies: group.count, dimensions: dimensions, content: content, start: size))
                if case .stored = content { size = blocks.last!.rows.end }
            }
            p = AlignedBuffer(uninitialized: 2 * size)
            q = AlignedBuffer(uninitialized: 2 * size)
            for (i, leaves) in stored { place(leaves, in: blocks[i]) }
        }

        private static func content(_ leaves: [FractionLeaves<F>], inner: Int) -> Block.Content {
            if leaves[0].isReciprocal {
                return .reciprocals(
                    leaves.map {
                        guard case .reciprocals(let d) = $0 else { preconditionFailure() }
                        return d
                    })
            }
            if let layer = FractionalSum.virtualMultiples(leaves, inner: inner) { return .virtual(layer) }
            return .stored
        }

        /// Stores a block of leaves.
        private func place(_ leaves: [FractionLeaves<F>], in block: Block) {
            let (p, q) = FractionalSum.fractions(leaves, count: block.dimensions.reduce(1, *))
            place(p, q, block.dimensions, block.rows)
        }

        /// Stores nodes that come without padding, of segments with these dimensions.
        private func place(_ p: AlignedBuffer<E>, _ q: AlignedBuffer<E>, _ dimensions: [Int], _ rows: Rows) {
            let inner = dimensions.last!
            for (from, table) in [(p, self.p), (q, self.q)] {
                var from = from
                if inner & 1 == 1 {
                    let count = dimensions.dropLast().reduce(rows.copies, *)
                    from = FoldingTable<F>.padded(from, rows: count, of: inner)
                }
                withExtendedLifetime(from) {
                    rows.place(from.pointer, unit: 2, padding: .zero, in: table.pointer)
                }
            }
        }

        /// The layer above.
        func next() -> Layer {
            let above = Layer()
            var moves: [Move] = []
            var made: [(block: Block, rows: Rows)] = []
            var size = 0
            for block in blocks {
                if let layer = block.virtualSums {
                    above.blocks.append(
                        Block(copies: block.copies, dimensions: block.dimensionsAbove, content: .virtual(layer)))
                    continue
                }
                if block.rows.isBound {
                    let (p, q) = pairs(block)
                    add(p, q, above)
                    continue
                }
                var rows = block.rows
                let move = rows.halve(to: size)
                if case .stored = block.content { moves.append(move) } else { made.append((block, rows)) }
                above.blocks.append(
                    Block(copies: block.copies, dimensions: block.dimensionsAbove, content: .stored, start: size))
                size = rows.end
            }
            above.p = AlignedBuffer(uninitialized: 2 * size)
            above.q = AlignedBuffer(uninitialized: 2 * size)
            for (block, rows) in made {
                let dimensions = block.dimensionsAbove
                if dimensions.last! & 1 == 0 {
                    rows.fill([above.p, above.q], unit: 2, padding: .zero) { block.writeSums($0[0], $0[1]) }
                    continue
                }
                let count = dimensions.reduce(block.copies, *)
                let p = AlignedBuffer<E>(uninitialized: count)
                let q = AlignedBuffer<E>(uninitialized: count)
                block.writeSums(p.pointer, q.pointer)
                above.place(p, q, dimensions, rows)
            }
            sum(moves, above)
            if tailP.count & 1 == 1 {
                tailP.append(.zero)
                tailQ.append(.zero)
            }
            add(tailP, tailQ, above)
            return above
        }

        /// Sums of neighbours of stored blocks.
        private func sum(_ moves: [Move], _ above: Layer) {
            let (fromP, fromQ) = (p.pointer, q.pointer)
            let (toP, toQ) = (above.p.pointer, above.q.pointer)
            func one(_ piece: Move) {
                piece.forEachRow { from, to, count in
                    F.addFractions(
                        p: fromP + 4 * from, q: fromQ + 4 * from, pOut: toP + 2 * to, qOut: toQ + 2 * to,
                        pairs: 2 * count)
                } pad: { to in
                    for i in 2 * to..<2 * to + 2 { (toP[i], toQ[i]) = (.zero, .zero) }
                }
            }
            let pieces = Move.pieces(moves, grain: 1 << 10)
            if moves.reduce(0, { $0 + $1.count }) <= 1 << 10 {
                for piece in pieces { one(piece) }
            } else {
                Parallel.forEach(pieces.count) { one(pieces[$0]) }
            }
        }

        /// Sums of nodes, which are nodes of the tail.
        private func add(_ p: [E], _ q: [E], _ above: Layer) {
            let pairs = p.count / 2
            guard pairs > 0 else { return }
            let sumP = AlignedBuffer<E>(uninitialized: pairs)
            let sumQ = AlignedBuffer<E>(uninitialized: pairs)
            F.addFractions(p: p, q: q, pOut: sumP.pointer, qOut: sumQ.pointer, pairs: pairs)
            above.tailP += sumP.elements
            above.tailQ += sumQ.elements
        }

        /// Fractions of a block whose segments are pairs.
        func pairs(_ block: Block) -> (p: [E], q: [E]) {
            switch block.content {
            case .stored:
                let range = 2 * block.rows.start..<2 * block.rows.end
                return (Array(p.elements[range]), Array(q.elements[range]))
            case .reciprocals(let segments):
                let (p, q) = FractionalSum.fractions(segments.map { .reciprocals($0) }, count: 2)
                return (p.array, q.array)
            case .virtual: preconditionFailure("a virtual layer has more than a pair a segment")
            }
        }

        /// Lets go of what is stored, for one who goes on with it alone.
        func take() -> (p: AlignedBuffer<E>, q: AlignedBuffer<E>) {
            defer {
                p = AlignedBuffer(uninitialized: 0)
                q = AlignedBuffer(uninitialized: 0)
                blocks = []
            }
            return (p, q)
        }
    }

    /// The layer of these leaves where they are all multiples, and large enough.
    static func virtualMultiples(_ leaves: [FractionLeaves<F>], inner: Int) -> VirtualLayer? {
        var numerators: [IntegerTensor] = []
        var denominators: [LookupDenominators<F>] = []
        for case .multiples(let m, let d) in leaves {
            numerators.append(m)
            denominators.append(d)
        }
        guard numerators.count == leaves.count else { return nil }
        return VirtualLayer(.multiples(numerators, denominators), level: 0, inner: inner)
    }

    /// Numerators and denominators minus one of some segments of `count` entries each, one after the other.
    static func fractions(
        _ leaves: [FractionLeaves<F>], count: Int
    ) -> (p: AlignedBuffer<E>, q: AlignedBuffer<E>) {
        if leaves.count == 1, case .fractions(let p, let q) = leaves[0] {
            precondition(p.count == count && q.count == count)
            return (p, q)
        }
        let p = AlignedBuffer<E>(uninitialized: leaves.count * count)
        let q = AlignedBuffer<E>(uninitialized: leaves.count * count)
        let size = min(count, 1 << 12)
        let chunks = (count + size - 1) / size
        Parallel.forEach(leaves.count * chunks) { k in
            let (i, chunk) = k.quotientAndRemainder(dividingBy: chunks)
            let range = chunk * size..<min(count, (chunk + 1) * size)
            let start = i * count + range.lowerBound
            let (p, q) = (p.pointer + start, q.pointer + start)
            switch leaves[i] {
            case .fractions(let fromP, let fromQ):
                p.update(from: fromP.pointer + range.lowerBound, count: range.count)
                q.update(from: fromQ.pointer + range.lowerBound, count: range.count)
            case .reciprocals(let d):
                p.fill(.one, count: range.count)
                q.fill(d.constant - .one, count: range.count)
                d.write(range, block: q, into: q)
            case .multiples(let m, let d):
                write(m, d, range, p: p, q: q)
            }
        }
        return (p, q)
    }
}
