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

    /// Neighbouring segments of one shape, `copies` of them, one after the other.
    struct Block {
        enum Content {
            /// Fractions p / (q + 1), compact.
            case fractions(p: AlignedBuffer<E>, q: AlignedBuffer<E>)
            /// Leaves with the numerator one.
            case reciprocals([LookupDenominators<F>])
            /// Made when they are wanted.
            case virtual(VirtualLayer)
        }
        let copies: Int
        /// Of a segment, all above 1.
        let dimensions: [Int]
        let content: Content

        /// Rows of the innermost dimension, in all copies together.
        var rows: Int { dimensions.dropLast().reduce(copies, *) }
        var inner: Int { dimensions.last! }

        /// The block with one zero at the end of each row where rows have an odd length.
        func evened() -> Block {
            guard case .fractions(let p, let q) = content, inner & 1 == 1 else { return self }
            return Block(
                copies: copies, dimensions: dimensions.dropLast() + [inner + 1],
                content: .fractions(
                    p: FoldingTable<F>.padded(p, rows: rows, of: inner),
                    q: FoldingTable<F>.padded(q, rows: rows, of: inner)))
        }

        /// The block of the next layer, without its values, where that is virtual.
        var virtualSums: VirtualLayer? {
            switch content {
            case .fractions: nil
            case .reciprocals(let segments): VirtualLayer(.reciprocals(segments), level: 1, inner: inner)
            case .virtual(let layer): VirtualLayer(layer.leaves, level: layer.level + 1, inner: inner << layer.level)
            }
        }

        /// The sums of neighbours, of a block whose rows are even or whose numerators are one.
        func sums() -> (p: AlignedBuffer<E>, q: AlignedBuffer<E>) {
            let half = (inner + 1) / 2
            let p = AlignedBuffer<E>(uninitialized: rows * half)
            let q = AlignedBuffer<E>(uninitialized: rows * half)
            switch content {
            case .fractions(let fromP, let fromQ):
                Parallel.forEachChunk(rows * half, grain: 1 << 11) { range in
                    F.addFractions(
                        p: fromP.pointer + 2 * range.lowerBound, q: fromQ.pointer + 2 * range.lowerBound,
                        pOut: p.pointer + range.lowerBound, qOut: q.pointer + range.lowerBound, pairs: range.count)
                }
            case .virtual(let layer): return layer.sums()
            case .reciprocals(let segments):
                let perSegment = rows / copies * half
                for (i, segment) in segments.enumerated() {
                    let (p, q) = (p.pointer + i * perSegment, q.pointer + i * perSegment)
                    inner & 1 == 0 ? sums(segment, p, q) : oddSums(segment, p, q)
                }
            }
            return (p, q)
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
        var tailP: [E] = []
        var tailQ: [E] = []

        init() {}

        init(_ layout: FractionLayout, _ leaves: [FractionLeaves<F>]) {
            precondition(leaves.count == layout.shapes.count)
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
                add(layout.order[first..<end].map { leaves[$0] }, dimensions)
                first = end
            }
        }

        private func add(_ leaves: [FractionLeaves<F>], _ dimensions: [Int]) {
            if leaves[0].isReciprocal && dimensions.count > 0 {
                let segments: [LookupDenominators<F>] = leaves.map {
                    guard case .reciprocals(let d) = $0 else { preconditionFailure() }
                    return d
                }
                blocks.append(
                    Block(copies: leaves.count, dimensions: dimensions, content: .reciprocals(segments)))
                return
            }
            if let layer = FractionalSum.virtualMultiples(leaves, inner: dimensions.last ?? 1) {
                blocks.append(Block(copies: leaves.count, dimensions: dimensions, content: .virtual(layer)))
                return
            }
            let (p, q) = FractionalSum.fractions(leaves, count: dimensions.reduce(1, *))
            if dimensions.isEmpty {
                tailP += p.elements
                tailQ += q.elements
            } else {
                blocks.append(
                    Block(copies: leaves.count, dimensions: dimensions, content: .fractions(p: p, q: q)))
            }
        }

        /// The layer above. Evens the layer's own rows, so that pairs are neighbours in memory.
        func next() -> Layer {
            let above = Layer()
            for i in blocks.indices {
                blocks[i] = blocks[i].evened()
                let block = blocks[i]
                var dimensions = block.dimensions
                dimensions[dimensions.count - 1] = (block.inner + 1) / 2
                if let layer = block.virtualSums {
                    above.blocks.append(
                        Block(copies: block.copies, dimensions: dimensions, content: .virtual(layer)))
                    continue
                }
                let (p, q) = block.sums()
                if dimensions.last == 1 { dimensions.removeLast() }
                if dimensions.isEmpty {
                    above.tailP += p.elements
                    above.tailQ += q.elements
                } else {
                    above.blocks.append(
                        Block(copies: block.copies, dimensions: dimensions, content: .fractions(p: p, q: q)))
                }
            }
            if tailP.count & 1 == 1 {
                tailP.append(.zero)
                tailQ.append(.zero)
            }
            let pairs = tailP.count / 2
            guard pairs > 0 else { return above }
            let p = AlignedBuffer<E>(uninitialized: pairs)
            let q = AlignedBuffer<E>(uninitialized: pairs)
            F.addFractions(p: tailP, q: tailQ, pOut: p.pointer, qOut: q.pointer, pairs: pairs)
            above.tailP += p.elements
            above.tailQ += q.elements
            return above
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
