import Fields
import Tensors
import Transcripts

extension FractionalSum {
    /// The sumcheck of one layer: sum over pairs x of eq(point, x) g(x) with
    /// `g = p0 (1 + q1) + p1 (1 + q0) + lambda (q0 + q1 + q0 q1)`.
    ///
    /// Where the numerators are one, p is the indicator of real entries, whose extension has a closed form, and with
    /// `u_b = q_b + 1 + p_b / lambda` it is `g = lambda u0 u1 - lambda - p0 p1 / lambda`: one product of two tables, whose
    /// padding is one, and sums that take logarithmic time.
    final class LayerRounds {
        private let outer: [E]
        private let lambda: E
        private let inverseLambda: E
        private var blocks: [ActiveBlock] = []
        /// Padded pairs in the blocks, by the count of the first round.
        private var offset = 0
        /// Nodes of segments that are down to one pair, (even, odd) one after the other.
        private var tailP: [E] = []
        private var tailQ: [E] = []

        /// A block with variables left. Weights are `eq(point, x)` over the variables above the current one, but for a
        /// factor that all blocks share.
        final class ActiveBlock {
            enum Tables {
                case fractions(p: FoldingTable<F>, q: FoldingTable<F>)
                case products(u0: FoldingTable<F>, u1: FoldingTable<F>)
                /// Before the first challenge: not stored, of products or of fractions.
                case virtual(VirtualLayer)
            }
            let copies: Int
            let variables: Int
            var tables: Tables
            let weights: Weights
            /// For products: the extension of p, and the sum of the copies' weights.
            var ones: OnesExtension<F>?
            let scale: E

            init(copies: Int, variables: Int, tables: Tables, weights: Weights, scale: E) {
                self.copies = copies
                self.variables = variables
                self.tables = tables
                self.weights = weights
                self.scale = scale
            }

            var all: [FoldingTable<F>] {
                switch tables {
                case .fractions(let p, let q): [p, q]
                case .products(let u0, let u1): [u0, u1]
                case .virtual: []
                }
            }
        }

        init(_ layer: Layer, at outer: [E], lambda: E) {
            self.outer = outer
            self.lambda = lambda
            inverseLambda = lambda.inverse() ?? .zero
            var singlesP: [E] = []
            var singlesQ: [E] = []
            for block in layer.blocks {
                var dimensions = block.dimensions
                dimensions[dimensions.count - 1] = (block.inner + 1) / 2
                while dimensions.last == 1 { dimensions.removeLast() }
                let variables = TensorShape(dimensions).variableCount
                let scales = Eq<F>.values(
                    Array(outer[variables...]), from: offset >> variables, count: block.copies)
                if variables == 0 {
                    let (p, q) = LayerRounds.pairs(block)
                    singlesP += p
                    singlesQ += q
                    continue
                }
                offset += block.copies << variables
                let point = Array(outer[..<variables])
                let tables: ActiveBlock.Tables
                switch block.content {
                case .fractions(let p, let q):
                    tables = .fractions(
                        p: FoldingTable(p, dimensions: [block.copies] + dimensions, unit: 2),
                        q: FoldingTable(q, dimensions: [block.copies] + dimensions, unit: 2))
                case .reciprocals(let segments):
                    if let leaves = VirtualLayer(.reciprocals(segments), level: 0, inner: block.inner) {
                        tables = .virtual(leaves)
                    } else {
                        let (u0, u1) = LayerRounds.products(block, segments, inverseLambda)
                        tables = .products(
                            u0: FoldingTable(u0, dimensions: [block.copies] + dimensions, padding: .one),
                            u1: FoldingTable(u1, dimensions: [block.copies] + dimensions, padding: .one))
                    }
                case .virtual(let layer): tables = .virtual(layer)
                }
                let weights = Weights(dimensions, point, scales)
                if case .virtual = tables {} else { weights.store() }
                let active = ActiveBlock(
                    copies: block.copies, variables: variables, tables: tables, weights: weights,
                    scale: scales.reduce(.zero) { $0 + $1 })
                if case .reciprocals = block.content { active.ones = OnesExtension(block.dimensions, point) }
                blocks.append(active)
            }
            layer.blocks = []
            tailP = singlesP + layer.tailP
            tailQ = singlesQ + layer.tailQ
        }

        /// Fractions of a block whose segments are pairs.
        private static func pairs(_ block: Block) -> (p: [E], q: [E]) {
            switch block.content {
            case .fractions(let p, let q): return (p.array, q.array)
            case .reciprocals(let segments):
                let (p, q) = FractionalSum.fractions(segments.map { .reciprocals($0) }, count: 2)
                return (p.array, q.array)
            case .virtual: preconditionFailure("a virtual layer has more than a pair a segment")
            }
        }

        /// The tables u0 and u1 of leaves with the numerator one.
        private static func products(
            _ block: Block, _ segments: [LookupDenominators<F>], _ shift: E
        ) -> (AlignedBuffer<E>, AlignedBuffer<E>) {
            let inner = block.inner
            let half = (inner + 1) / 2
            let u0 = AlignedBuffer<E>(uninitialized: block.rows * half)
            let u1 = AlignedBuffer<E>(uninitialized: block.rows * half)
            let perSegment = block.rows / block.copies * half
            for (i, segment) in segments.enumerated() {
                let (even, odd) = (u0.pointer + i * perSegment, u1.pointer + i * perSegment)
                if inner & 1 == 0 {
                    let size = min(perSegment, 1 << 10)
                    let constants = AlignedBuffer<E>(repeating: segment.constant + shift, count: size)
                    Parallel.forEachChunk((perSegment + size - 1) / size, grain: 4) { chunks in
                        for c in chunks {
                            let (start, end) = (c * size, min(perSegment, (c + 1) * size))
                            segment.writeHalves(
                                2 * start..<2 * end, block: constants.pointer, even: even + start, odd: odd + start)
                        }
                    }
                    continue
                }
                // Rows of odd length: the last entry has no neighbour, so its pair is (entry, padding).
                let constants = AlignedBuffer<E>(repeating: segment.constant + shift, count: half)
                for r in 0..<segment.count / inner {
                    let (even, odd) = (even + r * half, odd + r * half)
                    segment.writeHalves(
                        r * inner..<(r + 1) * inner - 1, block: constants.pointer, even: even, odd: odd)
                    segment.write(
                        (r + 1) * inner - 1..<(r + 1) * inner, block: constants.pointer, into: even + half - 1)
                    odd[half - 1] = .one
                }
            }
            return (u0, u1)
        }

        /// `eq` over the variables above the first, for all copies: the outer product of the innermost dimension's table and
        /// that of all others, until it is stored.
        final class Weights {
            /// Of the product.
            private(set) var dimensions: [Int]
            private var inner: AlignedBuffer<E>
            private let rows: AlignedBuffer<E>
            private var stored: FoldingTable<F>?

            init(_ dimensions: [Int], _ point: [E], _ scales: [E]) {
                let half = (dimensions.last! + 1) / 2
                self.dimensions = [scales.count] + dimensions.dropLast() + [half]
                let parts = TensorShape(dimensions).split(point)
                inner = Eq<F>.table(Array(parts.last!.dropFirst()))
                let shape = TensorShape(Array(dimensions.dropLast()))
                let rest = Eq<F>.table(shape, TensorShape.join(parts.dropLast()))
                rows = AlignedBuffer<E>(uninitialized: scales.count * shape.count)
                for (i, scale) in scales.enumerated() {
                    F.scale(rest.pointer, by: scale, into: rows.pointer + i * shape.count, count: shape.count)
                }
            }

            var table: FoldingTable<F> { stored! }
            var pointer: UnsafeMutablePointer<E> { stored!.pointer }

            /// Writes a range of the product.
            func write(_ range: Range<Int>, into out: UnsafeMutablePointer<E>) {
                let width = dimensions.last!
                var i = range.lowerBound
                while i < range.upperBound {
                    let (row, column) = i.quotientAndRemainder(dividingBy: width)
                    let count = min(width - column, range.upperBound - i)
                    F.scale(
                        inner.pointer + column, by: rows.pointer[row], into: out + (i - range.lowerBound), count: count)
                    i += count
                }
            }

            func store() {
                let half = dimensions.last!
                let result = AlignedBuffer<E>(uninitialized: rows.count * half)
                Parallel.forEachChunk(rows.count, grain: max(1, 2048 / half)) { range in
                    for r in range {
                        F.scale(inner.pointer, by: rows.pointer[r], into: result.pointer + r * half, count: half)
                    }
                }
                stored = FoldingTable(result, dimensions: dimensions)
            }

            /// Goes on to the variable after the next, as `fold` does with weights that are stored, and stores those.
            func storeHalf() {
                let half = (dimensions.last! + 1) / 2
                for i in 0..<half { inner.pointer[i] = inner.pointer[2 * i] }
                dimensions[dimensions.count - 1] = half
                store()
            }
        }

        /// A unit of work of one round: some pairs of pairs of one block.
        private struct Piece {
            let block: Int
            let range: Range<Int>
            var virtual: VirtualLayer.Piece?
        }

        /// Room for a thread to make entries of virtual layers and their weights.
        private final class Scratch {
            let entries = VirtualLayer.Scratch()
            let weights = AlignedBuffer<E>(uninitialized: 512)
        }

        /// The pieces of a block that is virtual, and how many quads a segment has.
        private func virtualPieces(_ i: Int, _ layer: VirtualLayer) -> [Piece] {
            let quads = layer.count / 4
            return layer.pieces.map {
                Piece(
                    block: i,
                    range: $0.segment * quads + $0.quads.lowerBound..<$0.segment * quads + $0.quads.upperBound,
                    virtual: $0)
            }
        }

        func prove(claim: E, transcript: ProverTranscript) -> (point: [E], finals: [E]) {
            var point: [E] = []
            var claim = claim
            // What the weights of the blocks lack.
            var factor = E.one
            let inverses = Sumcheck<F>.inverses(outer)
            let complements = Sumcheck<F>.inverses(outer.map { E.one - $0 })
            for round in 0..<outer.count {
                let low = outer[round]
                var (atZero, leading) = blockSums(factor)
                let tail = tailSums(round)
                atZero += tail.atZero
                leading += tail.leading
                // The point is random: that a coordinate is zero, which would need another message, has probability
                // 1 / |E| and costs no more than a proof that is not accepted.
                let atOne = (claim - (E.one - low) * atZero) * inverses[round]
                transcript.send("sumcheck round", [atZero, leading])
                let r: E = transcript.challenge("sumcheck challenge")
                claim = Sumcheck<F>.quadratic(atZero: atZero, atOne: atOne, leading: leading, at: r)
                point.append(r)
                fold(at: r, round: round)
                if round + 1 < outer.count {
                    factor *= complements[round + 1]
                }
            }
            if tailP.isEmpty { (tailP, tailQ) = ([.zero, .zero], [.zero, .zero]) }
            precondition(blocks.isEmpty && tailP.count == 2)
            return (point, [tailP[0], tailP[1], tailQ[0], tailQ[1]])
        }

        private func blockSums(_ factor: E) -> (atZero: E, leading: E) {
            var pieces: [Piece] = []
            for (i, block) in blocks.enumerated() {
                if case .virtual(let layer) = block.tables {
                    pieces += virtualPieces(i, layer)
                    continue
                }
                var quads = 0
                for table in block.all { quads = table.prepare() }
                for start in Swift.stride(from: 0, to: quads, by: 1 << 10) {
                    pieces.append(Piece(block: i, range: start..<min(quads, start + 1 << 10)))
                }
            }
            var results = [(atZero: E, leading: E)](repeating: (.zero, .zero), count: pieces.count)
            let work = pieces.reduce(0) { $0 + $1.range.count }
            results.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                let base = SendablePointer(start)
                let (blocks, lambda, inverseLambda) = (blocks, lambda, inverseLambda)
                func one(_ k: Int, _ scratch: inout Scratch?) {
                    let block = blocks[pieces[k].block]
                    let o = pieces[k].range.lowerBound
                    let count = pieces[k].range.count
                    switch block.tables {
                    case .fractions(let p, let q):
                        base.pointer[k] = F.roundFractions(
                            weights: block.weights.pointer + o, p: p.pointer + 4 * o, q: q.pointer + 4 * o,
                            lambda: lambda, quads: count)
                    case .products(let u0, let u1):
                        base.pointer[k] = F.roundWeightedProduct2(
                            weights: block.weights.pointer + o, u0.pointer + 2 * o, u1.pointer + 2 * o, pairs: count)
                    case .virtual(let layer):
                        let own = scratch ?? Scratch()
                        scratch = own
                        block.weights.write(pieces[k].range, into: own.weights.pointer)
                        if layer.isOfProducts {
                            let u = layer.halves(pieces[k].virtual!, shift: inverseLambda, own.entries)
                            base.pointer[k] = F.roundWeightedProduct2(
                                weights: own.weights.pointer, u.even, u.odd, pairs: count)
                        } else {
                            let from = layer.fractions(pieces[k].virtual!, own.entries)
                            base.pointer[k] = F.roundFractions(
                                weights: own.weights.pointer, p: from.p, q: from.q, lambda: lambda, quads: count)
                        }
                    }
                }
                if work < 1 << 10 {
                    var scratch: Scratch?
                    for k in pieces.indices { one(k, &scratch) }
                } else {
                    Parallel.forEach(pieces.count, state: { nil as Scratch? }, one)
                }
            }
            var (plain, products) = ((E.zero, E.zero), (E.zero, E.zero))
            for (piece, result) in zip(pieces, results) {
                if blocks[piece.block].ones == nil {
                    plain = (plain.0 + result.atZero, plain.1 + result.leading)
                } else {
                    products = (products.0 + result.atZero, products.1 + result.leading)
                }
            }
            var (weights, onesAtZero, onesLeading) = (E.zero, E.zero, E.zero)
            for block in blocks {
                guard let sums = block.ones?.sums() else { continue }
                weights += block.scale * sums.weights
                onesAtZero += block.scale * sums.atZero
                onesLeading += block.scale * sums.leading
            }
            return (
                factor * (plain.0 + lambda * products.0) - lambda * weights - inverseLambda * onesAtZero,
                factor * (plain.1 + lambda * products.1) - inverseLambda * onesLeading
            )
        }

        /// Stores what the first challenge folds a virtual block to.
        private func foldVirtual(_ i: Int, _ layer: VirtualLayer, at r: E) {
            let block = blocks[i]
            let pieces = virtualPieces(i, layer)
            let quads = layer.segments * layer.count / 4
            let unit = layer.isOfProducts ? 1 : 2
            let a = AlignedBuffer<E>(uninitialized: unit * quads)
            let b = AlignedBuffer<E>(uninitialized: unit * quads)
            let inverseLambda = inverseLambda
            Parallel.forEach(pieces.count, state: { VirtualLayer.Scratch() }) { k, scratch in
                let (o, count) = (pieces[k].range.lowerBound, pieces[k].range.count)
                if unit == 1 {
                    let u = layer.halves(pieces[k].virtual!, shift: inverseLambda, scratch)
                    F.fold(u.even, at: r, into: a.pointer + o, pairs: count)
                    F.fold(u.odd, at: r, into: b.pointer + o, pairs: count)
                } else {
                    let from = layer.fractions(pieces[k].virtual!, scratch)
                    F.foldPairs(from.p, at: r, into: a.pointer + 2 * o, quads: count)
                    F.foldPairs(from.q, at: r, into: b.pointer + 2 * o, quads: count)
                }
            }
            let dimensions = block.weights.dimensions
            if unit == 1 {
                block.tables = .products(
                    u0: FoldingTable(a, dimensions: dimensions, padding: .one),
                    u1: FoldingTable(b, dimensions: dimensions, padding: .one))
            } else {
                block.tables = .fractions(
                    p: FoldingTable(a, dimensions: dimensions, unit: 2),
                    q: FoldingTable(b, dimensions: dimensions, unit: 2))
            }
            block.weights.storeHalf()
        }

        private func tailSums(_ round: Int) -> (atZero: E, leading: E) {
            guard !tailP.isEmpty else { return (.zero, .zero) }
            while tailP.count & 3 != 0 {
                tailP.append(.zero)
                tailQ.append(.zero)
            }
            let weights = Eq<F>.values(
                Array(outer[(round + 1)...]), from: offset >> (round + 1), count: tailP.count / 4)
            return F.roundFractions(weights: weights, p: tailP, q: tailQ, lambda: lambda, quads: weights.count)
        }

        private static func foldTail(_ tail: inout [E], at r: E) {
            let quads = tail.count / 4
            guard quads > 0 else { return }
            tail.withUnsafeMutableBufferPointer {
                F.foldPairs($0.baseAddress!, at: r, into: $0.baseAddress!, quads: quads)
            }
            tail.removeLast(2 * quads)
        }

        private func fold(at r: E, round: Int) {
            // Weights go on to the variable after the next: their entries for zero there, but for the shared factor.
            var tables: [(table: FoldingTable<F>, at: E)] = []
            for (i, block) in blocks.enumerated() {
                if case .virtual(let layer) = block.tables {
                    foldVirtual(i, layer, at: r)
                    continue
                }
                for table in block.all { tables.append((table, r)) }
                if block.variables > round + 1 {
                    block.weights.table.prepare()
                    tables.append((block.weights.table, .zero))
                }
            }
            FoldingTable.fold(tables)
            for i in blocks.indices { blocks[i].ones?.fold(at: r) }
            LayerRounds.foldTail(&tailP, at: r)
            LayerRounds.foldTail(&tailQ, at: r)
            // Blocks that are down to one pair a segment join the tail in front; they are the last ones, being the smallest.
            var singlesP: [E] = []
            var singlesQ: [E] = []
            while let block = blocks.last, block.variables == round + 1 {
                let count = 2 * block.copies
                switch block.tables {
                case .fractions(let p, let q):
                    singlesP = Array(UnsafeBufferPointer(start: p.pointer, count: count)) + singlesP
                    singlesQ = Array(UnsafeBufferPointer(start: q.pointer, count: count)) + singlesQ
                case .products(let u0, let u1):
                    let (p0, p1) = block.ones!.values
                    var (p, q): ([E], [E]) = ([], [])
                    for i in 0..<block.copies {
                        p += [p0, p1]
                        q += [
                            u0.pointer[i] - .one - inverseLambda * p0, u1.pointer[i] - .one - inverseLambda * p1,
                        ]
                    }
                    singlesP = p + singlesP
                    singlesQ = q + singlesQ
                case .virtual: preconditionFailure("virtual layers are stored from their first challenge on")
                }
                offset -= block.copies << block.variables
                blocks.removeLast()
            }
            if !singlesP.isEmpty {
                tailP = singlesP + tailP
                tailQ = singlesQ + tailQ
            }
        }
    }
}

/// The extension of the indicator of a shape's entries, split at the lowest bit of the innermost dimension into p0 and p1,
/// as the variables above are bound one by one: along each dimension it is one everywhere but at the last entry.
struct OnesExtension<F: ProofField> {
    typealias E = F.Challenge
    /// Outer dimensions, not yet begun, and the coordinates of the sumcheck's point that belong to them.
    private var waiting: [(size: Int, part: [E])]
    /// The dimension being bound: its entries, the last of them of p0 and p1, and the coordinates left.
    private var count: Int
    private var last: (E, E)
    private var part: [E]
    /// From dimensions that are bound.
    private var bound: (E, E) = (.one, .one)

    /// `dimensions` are those of the entries, `point` that of the pairs.
    init(_ dimensions: [Int], _ point: [E]) {
        var halved = dimensions
        halved[halved.count - 1] = (dimensions.last! + 1) / 2
        waiting = Array(zip(halved, TensorShape(halved).split(point)))
        (count, part) = waiting.removeLast()
        last = (.one, dimensions.last! & 1 == 0 ? .one : .zero)
        skipBound()
    }

    private mutating func skipBound() {
        while count == 1 {
            bound = (bound.0 * last.0, bound.1 * last.1)
            last = (.one, .one)
            guard !waiting.isEmpty else { return }
            (count, part) = waiting.removeLast()
        }
    }

    /// Sums over the pairs of the current variable, with the weights eq of the variables above it: of the weights, of
    /// p0 p1 where the variable is zero, and of the leading coefficient of p0 p1.
    func sums() -> (weights: E, atZero: E, leading: E) {
        var outer = E.one
        for (size, part) in waiting { outer *= Eq<F>.prefixSum(part, below: size) }
        let pairs = (count + 1) / 2
        let above = Array(part.dropFirst())
        let before = Eq<F>.prefixSum(above, below: pairs - 1)
        let weight = Eq<F>.value(above[...], at: pairs - 1)
        let product = bound.0 * bound.1 * outer
        if count & 1 == 0 {
            let slope = (last.0 - .one) * (last.1 - .one)
            return (outer * (before + weight), product * (before + weight), product * weight * slope)
        }
        let end = last.0 * last.1
        return (outer * (before + weight), product * (before + weight * end), product * weight * end)
    }

    mutating func fold(at r: E) {
        func folded(_ last: E) -> E { count & 1 == 0 ? E.one + r * (last - .one) : (E.one - r) * last }
        last = (folded(last.0), folded(last.1))
        count = (count + 1) / 2
        part.removeFirst()
        skipBound()
    }

    /// p0 and p1 when all variables are bound.
    var values: (E, E) { bound }
}
