import Fields
import Tensors
import Transcripts

extension FractionalSum {
    /// Proves that the leaves, given segment by segment, sum to zero, and returns the claims on them that remain. Buffers of
    /// fractions are consumed; lookups and tables are read as integers several times and, but for segments of a few, never
    /// exist as a whole layer, nor, in larger segments of rows of eights, do their sums by pairs (`VirtualLayer`).
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
        /// Of pairs of nodes: where they lie, or, of what is not stored, would lie.
        var rows: Rows
        /// Of a segment's nodes, all above 1.
        let dimensions: [Int]
        /// Nil where the nodes are stored, as fractions p / (q + 1) in the layer's tables.
        let virtual: VirtualLayer?

        init(copies: Int, dimensions: [Int], virtual: VirtualLayer?, start: Int = 0) {
            var pairs = dimensions
            pairs[pairs.count - 1] = (dimensions.last! + 1) / 2
            rows = Rows(copies: copies, dimensions: pairs, start: start)
            self.dimensions = dimensions
            self.virtual = virtual
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
                if let layer = VirtualLayer(group, dimensions: dimensions) {
                    blocks.append(Block(copies: group.count, dimensions: dimensions, virtual: layer))
                    continue
                }
                stored.append((blocks.count, group))
                blocks.append(Block(copies: group.count, dimensions: dimensions, virtual: nil, start: size))
                size = blocks.last!.rows.end
            }
            p = AlignedBuffer(uninitialized: 2 * size)
            q = AlignedBuffer(uninitialized: 2 * size)
            for (i, leaves) in stored { place(leaves, in: blocks[i]) }
        }

        /// Stores a block of leaves.
        private func place(_ leaves: [FractionLeaves<F>], in block: Block) {
            let count = block.dimensions.reduce(1, *)
            let (p, q) = FractionalSum.fractions(leaves, count: count)
            let places = block.rows.nodePlaces(inner: block.inner, self.p.pointer, self.q.pointer)
            withExtendedLifetime((p, q)) {
                Parallel.forEachChunk(leaves.count * count, grain: 1 << 12) {
                    places.put(p.pointer + $0.lowerBound, q.pointer + $0.lowerBound, at: $0.lowerBound, count: $0.count)
                }
            }
        }

        /// The layer above.
        func next() -> Layer {
            let above = Layer()
            var moves: [Move] = []
            var made: [(layer: VirtualLayer, inner: Int, rows: Rows)] = []
            var size = 0
            for block in blocks {
                if let layer = block.virtual?.above {
                    above.blocks.append(
                        Block(copies: block.copies, dimensions: block.dimensionsAbove, virtual: layer))
                    continue
                }
                if block.rows.isBound {
                    let (p, q) = pairs(block)
                    add(p, q, above)
                    continue
                }
                var rows = block.rows
                let move = rows.halve(to: size)
                let dimensions = block.dimensionsAbove
                if let layer = block.virtual {
                    made.append((layer, dimensions.last!, rows))
                } else {
                    moves.append(move)
                }
                above.blocks.append(Block(copies: block.copies, dimensions: dimensions, virtual: nil, start: size))
                size = rows.end
            }
            above.p = AlignedBuffer(uninitialized: 2 * size)
            above.q = AlignedBuffer(uninitialized: 2 * size)
            for (layer, inner, rows) in made {
                layer.writeSums(to: rows.nodePlaces(inner: inner, above.p.pointer, above.q.pointer))
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

        /// Fractions of a block whose segments are pairs: these are stored.
        func pairs(_ block: Block) -> (p: [E], q: [E]) {
            let range = 2 * block.rows.start..<2 * block.rows.end
            return (Array(p.elements[range]), Array(q.elements[range]))
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
                d.writeMinusOne(range, into: q)
            case .multiples(let m, let d):
                write(m, d, range, p: p, q: q)
            }
        }
        return (p, q)
    }
}
