import Fields
import Tensors
import Transcripts

/// The leaves of a fractional sum: segments of fractions p/q, each with the shape of the tensor that it comes from.
///
/// Segments lie one after the other in one hypercube, largest first, so that each starts at a multiple of its own padded
/// size; a leaf's index is (position of the segment, padded index in the segment). Everything else is padding with the
/// fraction 0/1. Denominators are stored *minus one*, which makes the padding zero and the work proportional to real sizes.
public struct FractionLayout: Sendable {
    public let shapes: [TensorShape]
    /// Segment numbers, largest padded size first; ties in the order given.
    public let order: [Int]
    /// The first leaf of each segment (by segment number).
    public let offsets: [Int]
    /// Variables of the whole; at least 1.
    public let variableCount: Int
    /// Real leaves.
    public let leafCount: Int

    public init(_ shapes: [TensorShape]) {
        self.shapes = shapes
        order = shapes.indices.sorted { (shapes[$1].variableCount, $0) < (shapes[$0].variableCount, $1) }
        var offsets = [Int](repeating: 0, count: shapes.count)
        var next = 0
        for i in order {
            offsets[i] = next
            next += shapes[i].paddedCount
        }
        self.offsets = offsets
        variableCount = max(1, TensorShape.bits(max(next, 1)))
        leafCount = shapes.reduce(0) { $0 + $1.count }
    }

    /// The weight of a segment at a point, `eq(high coordinates, position)`, and the segment's own coordinates.
    public func restrict<F: ProofField>(
        _ segment: Int, _ point: [F.Challenge], field: F.Type = F.self
    ) -> (weight: F.Challenge, point: [F.Challenge]) {
        let own = shapes[segment].variableCount
        return (Eq<F>.value(point[own...], at: offsets[segment] >> own), Array(point[..<own]))
    }
}

/// A sum of fractions by the GKR protocol over a binary tree of additions: LogUp-GKR (Papini and Haboeck, ePrint 2023/1283).
///
/// Layer 0 holds the leaves, layer n the root; `(p0/q0) + (p1/q1) = (p0 q1 + p1 q0) / (q0 q1)`. A claim on one layer becomes,
/// by a sumcheck, a claim on the layer below it.
public enum FractionalSum<F: ProofField> {
    public typealias E = F.Challenge

    /// The claims on the leaves: `p(point)` and `q(point) - 1`.
    public struct LeafClaim {
        public let point: [E]
        public let numerator: E
        public let denominatorMinusOne: E
    }

    /// One layer of the tree: a block for each segment that is still larger than one node, and the tail of all others.
    final class Layer {
        /// Real dimensions of each block's nodes, in layout order.
        var dimensions: [[Int]] = []
        var p: [AlignedBuffer<E>] = []
        var q: [AlignedBuffer<E>] = []
        var tailP: [E] = []
        var tailQ: [E] = []
    }

    /// Proves that the leaves sum to zero, and returns the claims on them that remain. The buffers hold the leaves of each
    /// segment, compact; they are consumed (held only as long as the tree needs them).
    public static func prove(
        _ layout: FractionLayout, numerators: [AlignedBuffer<E>], denominatorsMinusOne: [AlignedBuffer<E>],
        transcript: ProverTranscript
    ) -> LeafClaim {
        var layers = build(layout, numerators, denominatorsMinusOne)
        let n = layout.variableCount
        let root = layers.removeLast()
        precondition(root.dimensions.isEmpty && root.tailP.count <= 1 && layers.count == n)
        let rootQ = root.tailQ.first ?? .zero
        // A sum of zero has the numerator zero at the root: only the denominator is news.
        transcript.send("fraction root", [rootQ])
        var point: [E] = []
        var pClaim = E.zero
        var qClaim = rootQ
        while let layer = layers.popLast() {
            let lambda: E = transcript.challenge("fraction lambda")
            let (x, finals) = proveLayer(
                layer, at: point, claim: pClaim + lambda * qClaim, lambda: lambda, transcript: transcript)
            transcript.send("fraction layer", finals)
            let b: E = transcript.challenge("fraction branch")
            pClaim = finals[0] + b * (finals[1] - finals[0])
            qClaim = finals[2] + b * (finals[3] - finals[2])
            point = [b] + x
        }
        return LeafClaim(point: point, numerator: pClaim, denominatorMinusOne: qClaim)
    }

    public static func verify(_ layout: FractionLayout, transcript: VerifierTranscript) throws -> LeafClaim {
        let rootQ: E = try transcript.receiveOne("fraction root")
        guard rootQ + .one != .zero else {
            throw VerificationError(check: "fraction root", detail: "the denominator is zero")
        }
        var point: [E] = []
        var pClaim = E.zero
        var qClaim = rootQ
        for layer in 0..<layout.variableCount {
            let lambda: E = transcript.challenge("fraction lambda")
            let (x, left) = try Sumcheck<F>.verifyEqRounds(
                claim: pClaim + lambda * qClaim, at: point, transcript: transcript)
            let v: [E] = try transcript.receive("fraction layer", count: 4)
            let (p0, p1, q0, q1) = (v[0], v[1], v[2], v[3])
            guard p0 + p1 + p0 * q1 + p1 * q0 + lambda * (q0 + q1 + q0 * q1) == left else {
                throw VerificationError(
                    check: "fraction layer", detail: "layer \(layer) does not follow from the one below")
            }
            let b: E = transcript.challenge("fraction branch")
            pClaim = p0 + b * (p1 - p0)
            qClaim = q0 + b * (q1 - q0)
            point = [b] + x
        }
        return LeafClaim(point: point, numerator: pClaim, denominatorMinusOne: qClaim)
    }

    // MARK: The tree

    static func build(
        _ layout: FractionLayout, _ numerators: [AlignedBuffer<E>], _ denominators: [AlignedBuffer<E>]
    ) -> [Layer] {
        let leaves = Layer()
        for i in layout.order {
            let dimensions = layout.shapes[i].dimensions.filter { $0 > 1 }
            if dimensions.isEmpty {
                leaves.tailP.append(numerators[i].pointer[0])
                leaves.tailQ.append(denominators[i].pointer[0])
            } else {
                leaves.dimensions.append(dimensions)
                leaves.p.append(numerators[i])
                leaves.q.append(denominators[i])
            }
        }
        var layers = [leaves]
        for _ in 0..<layout.variableCount { layers.append(next(layers.last!)) }
        return layers
    }

    /// The layer above. Pads the layer's own blocks so that pairs are neighbours in memory.
    static func next(_ layer: Layer) -> Layer {
        let above = Layer()
        var singlesP: [E] = []
        var singlesQ: [E] = []
        for i in layer.dimensions.indices {
            var dimensions = layer.dimensions[i]
            if dimensions.last! & 1 == 1 {
                layer.p[i] = padded(layer.p[i], dimensions)
                layer.q[i] = padded(layer.q[i], dimensions)
                layer.dimensions[i][dimensions.count - 1] += 1
                dimensions = layer.dimensions[i]
            }
            let pairs = dimensions.reduce(1, *) / 2
            let p = AlignedBuffer<E>(uninitialized: pairs)
            let q = AlignedBuffer<E>(uninitialized: pairs)
            let (inP, inQ) = (layer.p[i], layer.q[i])
            Parallel.forEachChunk(pairs, grain: 1 << 11) { range in
                F.addFractions(
                    p: inP.pointer + 2 * range.lowerBound, q: inQ.pointer + 2 * range.lowerBound,
                    pOut: p.pointer + range.lowerBound, qOut: q.pointer + range.lowerBound, pairs: range.count)
            }
            dimensions[dimensions.count - 1] /= 2
            if dimensions.last == 1 { dimensions.removeLast() }
            if dimensions.isEmpty {
                singlesP.append(p.pointer[0])
                singlesQ.append(q.pointer[0])
            } else {
                above.dimensions.append(dimensions)
                above.p.append(p)
                above.q.append(q)
            }
        }
        above.tailP = singlesP
        above.tailQ = singlesQ
        if layer.tailP.count & 1 == 1 {
            layer.tailP.append(.zero)
            layer.tailQ.append(.zero)
        }
        for i in 0..<layer.tailP.count / 2 {
            let (p0, p1, q0, q1) = (
                layer.tailP[2 * i], layer.tailP[2 * i + 1], layer.tailQ[2 * i], layer.tailQ[2 * i + 1]
            )
            above.tailP.append(p0 + p1 + p0 * q1 + p1 * q0)
            above.tailQ.append(q0 + q1 + q0 * q1)
        }
        return above
    }

    static func padded(_ buffer: AlignedBuffer<E>, _ dimensions: [Int]) -> AlignedBuffer<E> {
        let inner = dimensions.last!
        let rows = dimensions.reduce(1, *) / inner
        let result = AlignedBuffer<E>(uninitialized: rows * (inner + 1))
        for r in 0..<rows {
            (result.pointer + r * (inner + 1)).update(from: buffer.pointer + r * inner, count: inner)
            result.pointer[r * (inner + 1) + inner] = .zero
        }
        return result
    }

    // MARK: One layer

    /// A unit of work of one round: some quadruples of one block.
    struct Piece {
        let block: Int
        let range: Range<Int>
    }

    static func proveLayer(
        _ layer: Layer, at outer: [E], claim: E, lambda: E, transcript: ProverTranscript
    ) -> (point: [E], finals: [E]) {
        // The sumcheck runs over the pairs of this layer: a block's dimensions lose their lowest bit.
        var p: [FoldingTable<F>] = []
        var q: [FoldingTable<F>] = []
        var weights: [EqWeights<F>] = []
        var tailP = layer.tailP
        var tailQ = layer.tailQ
        var offset = 0  // of the next block, in pairs
        var singlesP: [E] = []
        var singlesQ: [E] = []
        for i in layer.dimensions.indices {
            var dimensions = layer.dimensions[i]
            dimensions[dimensions.count - 1] /= 2
            while dimensions.last == 1 { dimensions.removeLast() }
            let variables = TensorShape(dimensions).variableCount
            if variables == 0 {
                singlesP += [layer.p[i].pointer[0], layer.p[i].pointer[1]]
                singlesQ += [layer.q[i].pointer[0], layer.q[i].pointer[1]]
                continue
            }
            p.append(FoldingTable(layer.p[i], dimensions: dimensions, unit: 2))
            q.append(FoldingTable(layer.q[i], dimensions: dimensions, unit: 2))
            weights.append(
                EqWeights(
                    dimensions, point: Array(outer[..<variables]),
                    scale: Eq<F>.value(outer[variables...], at: offset >> variables)))
            offset += 1 << variables
        }
        layer.p = []
        layer.q = []
        tailP = singlesP + tailP
        tailQ = singlesQ + tailQ

        var point: [E] = []
        var claim = claim
        for round in 0..<outer.count {
            let low = outer[round]
            var pieces: [Piece] = []
            var blockWeights: [AlignedBuffer<E>] = []
            for i in p.indices {
                let quads = p[i].prepare()
                q[i].prepare()
                blockWeights.append(weights[i].round())
                for start in Swift.stride(from: 0, to: quads, by: 1 << 11) {
                    pieces.append(Piece(block: i, range: start..<min(quads, start + 1 << 11)))
                }
            }
            var results = [(atZero: E, leading: E)](repeating: (.zero, .zero), count: pieces.count)
            results.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                let base = SendablePointer(start)
                let (p, q) = (p, q)
                Parallel.forEach(pieces.count) { k in
                    let piece = pieces[k]
                    let o = piece.range.lowerBound
                    base.pointer[k] = F.roundFractions(
                        weights: blockWeights[piece.block].pointer + o, p: p[piece.block].pointer + 4 * o,
                        q: q[piece.block].pointer + 4 * o, lambda: lambda, quads: piece.range.count)
                }
            }
            var atZero = E.zero
            var leading = E.zero
            for r in results {
                atZero += r.atZero
                leading += r.leading
            }
            // The tail: pairs of nodes of all small segments, from `offset` on.
            let pairOffset = offset >> round
            while tailP.count & 3 != 0 {
                tailP.append(.zero)
                tailQ.append(.zero)
            }
            if !tailP.isEmpty {
                let high = Array(outer[(round + 1)...])
                let tailWeights = (0..<tailP.count / 4).map { Eq<F>.value(high[...], at: (pairOffset >> 1) + $0) }
                let t = F.roundFractions(
                    weights: tailWeights, p: tailP, q: tailQ, lambda: lambda, quads: tailP.count / 4)
                atZero += t.atZero
                leading += t.leading
            }
            let atOne = (claim - (E.one - low) * atZero) * (low.inverse() ?? .zero)
            transcript.send("sumcheck round", [atZero, atOne, leading])
            let r: E = transcript.challenge("sumcheck challenge")
            claim = Sumcheck<F>.quadratic(atZero: atZero, atOne: atOne, leading: leading, at: r)
            point.append(r)

            let tables = p + q
            let small = tables.indices.filter { tables[$0].count < 1 << 13 }
            for i in tables.indices where tables[i].count >= 1 << 13 { tables[i].fold(at: r) }
            Parallel.forEach(small.count) { tables[small[$0]].fold(at: r) }
            for i in 0..<tailP.count / 4 {
                for b in 0..<2 {
                    tailP[2 * i + b] = tailP[4 * i + b] + r * (tailP[4 * i + 2 + b] - tailP[4 * i + b])
                    tailQ[2 * i + b] = tailQ[4 * i + b] + r * (tailQ[4 * i + 2 + b] - tailQ[4 * i + b])
                }
            }
            tailP.removeLast(tailP.count / 2)
            tailQ.removeLast(tailQ.count / 2)
            // Blocks that are down to one pair join the tail in front; they are the last ones, being the smallest.
            singlesP = []
            singlesQ = []
            while let last = p.last, last.variableCount == 0 {
                singlesP = [last.pointer[0], last.pointer[1]] + singlesP
                singlesQ = [q.last!.pointer[0], q.last!.pointer[1]] + singlesQ
                p.removeLast()
                q.removeLast()
                weights.removeLast()
                offset -= 1 << (round + 1)
            }
            tailP = singlesP + tailP
            tailQ = singlesQ + tailQ
            for i in weights.indices { weights[i].advance() }
        }
        if tailP.isEmpty { (tailP, tailQ) = ([.zero, .zero], [.zero, .zero]) }
        precondition(p.isEmpty && tailP.count == 2)
        return (point, [tailP[0], tailP[1], tailQ[0], tailQ[1]])
    }
}
