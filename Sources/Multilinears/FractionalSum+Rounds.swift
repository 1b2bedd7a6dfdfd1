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
        /// Largest first, and so last those that will be bound next.
        private var blocks: [ActiveBlock] = []
        private var fractions: Tables
        private var products: Tables
        /// Padded pairs in the blocks, by the count of the first round.
        private var offset = 0
        /// Nodes of segments that are down to one pair, (even, odd) one after the other.
        private var tailP: [E] = []
        private var tailQ: [E] = []

        /// A block with variables left.
        struct ActiveBlock {
            let copies: Int
            let variables: Int
            /// Where its entries lie in the tables, from the first challenge on if it is virtual before.
            var rows: Rows
            let isOfProducts: Bool
            /// Before the first challenge: not stored.
            var virtual: VirtualLayer?
            var weights: Weights?
            /// For products: the extension of p, and the sum of the copies' weights.
            var ones: OnesExtension<F>?
            var scale = E.zero
        }

        /// The entries of all stored blocks of one kind, and for each pair of entries its weight: `eq(point, x)` over the
        /// variables above the current one, but for a factor that all blocks share.
        struct Tables {
            /// Numerators and denominators minus one of pairs of nodes, or u0 and u1.
            var first: AlignedBuffer<E>
            var second: AlignedBuffer<E>
            /// Elements of an entry.
            let unit: Int
            let padding: E
            var weights = AlignedBuffer<E>(uninitialized: 0)
            /// Tables before the last fold, where the next one may go.
            var spare: (AlignedBuffer<E>, AlignedBuffer<E>, AlignedBuffer<E>)?
            /// Of the stored blocks.
            var entries = 0

            /// Other tables, for so many entries.
            mutating func renew(_ entries: Int) {
                let old = (first, second, weights)
                if let spare, spare.0.count >= unit * entries, spare.2.count >= (entries + 1) / 2 {
                    (first, second, weights) = spare
                } else {
                    first = AlignedBuffer(uninitialized: unit * entries)
                    second = AlignedBuffer(uninitialized: unit * entries)
                    weights = AlignedBuffer(uninitialized: (entries + 1) / 2)
                }
                spare = Parallel.threadCount == 1 ? nil : old
            }

            /// Binds the lowest variable for some entries of `from`, which may be these tables when all moves are done in
            /// order. Weights go on to the variable after the next: their entries for zero there, but for the shared factor.
            func fold(_ move: Move, at r: E, from: Tables) {
                let (a, b, w) = (from.first.pointer, from.second.pointer, from.weights.pointer)
                let (toA, toB, toW) = (first.pointer, second.pointer, weights.pointer)
                move.forEachRow { from, to, count in
                    if unit == 1 {
                        F.fold(a + 2 * from, at: r, into: toA + to, pairs: count)
                        F.fold(b + 2 * from, at: r, into: toB + to, pairs: count)
                    } else {
                        F.foldPairs(a + 4 * from, at: r, into: toA + 2 * to, quads: count)
                        F.foldPairs(b + 4 * from, at: r, into: toB + 2 * to, quads: count)
                    }
                    let weights = toW + to / 2
                    for i in 0..<(count + 1) / 2 { weights[i] = w[from + 2 * i] }
                } pad: { to in
                    for i in unit * to..<unit * (to + 1) { (toA[i], toB[i]) = (padding, padding) }
                }
            }
        }

        init(_ layer: Layer, at outer: [E], lambda: E) {
            self.outer = outer
            self.lambda = lambda
            inverseLambda = lambda.inverse() ?? .zero
            var entries = 0
            var shapes: [(dimensions: [Int], offset: Int)] = []
            for block in layer.blocks {
                if block.rows.isBound {
                    let (p, q) = layer.pairs(block)
                    tailP += p
                    tailQ += q
                    continue
                }
                var dimensions = block.dimensions
                dimensions[dimensions.count - 1] = (block.inner + 1) / 2
                while dimensions.last == 1 { dimensions.removeLast() }
                let variables = TensorShape(dimensions).variableCount
                let isOfProducts = block.virtual?.isOfProducts ?? false
                var active = ActiveBlock(
                    copies: block.copies, variables: variables, rows: block.rows, isOfProducts: isOfProducts,
                    virtual: block.virtual)
                if isOfProducts {
                    active.ones = OnesExtension(block.dimensions, Array(outer[..<variables]))
                } else if active.virtual == nil {
                    entries = block.rows.end
                }
                shapes.append((dimensions, offset))
                offset += block.copies << variables
                blocks.append(active)
            }
            tailP += layer.tailP
            tailQ += layer.tailQ
            let (p, q) = layer.take()
            fractions = Tables(first: p, second: q, unit: 2, padding: .zero, entries: entries)
            let none = AlignedBuffer<E>(uninitialized: 0)
            products = Tables(first: none, second: none, unit: 1, padding: .one)
            makeWeights(shapes)
        }

        /// The first weights: of virtual blocks as outer products, of all others written out.
        private func makeWeights(_ shapes: [(dimensions: [Int], offset: Int)]) {
            let made = Parallel.map(
                blocks.count, work: { blocks[$0].copies * shapes[$0].dimensions.reduce(0, max) }
            ) { i in
                let (copies, variables) = (blocks[i].copies, blocks[i].variables)
                let scales = Eq<F>.values(
                    Array(outer[variables...]), from: shapes[i].offset >> variables, count: copies)
                return (
                    Weights(shapes[i].dimensions, Array(outer[..<variables]), scales),
                    scales.reduce(.zero) { $0 + $1 }
                )
            }
            fractions.weights = AlignedBuffer(uninitialized: fractions.entries / 2)
            var tasks: [WeightPiece] = []
            for i in blocks.indices {
                blocks[i].scale = made[i].1
                if blocks[i].virtual != nil {
                    blocks[i].weights = made[i].0
                } else {
                    tasks += made[i].0.pieces(into: fractions.weights.pointer + blocks[i].rows.start / 2)
                }
            }
            LayerRounds.write(tasks)
        }

        /// Some of a block's weights, to be written out.
        struct WeightPiece {
            let weights: Weights
            let range: Range<Int>
            let to: UnsafeMutablePointer<E>
        }

        private static func write(_ pieces: [WeightPiece]) {
            Parallel.forEach(pieces.count, work: { pieces[$0].range.count }) {
                pieces[$0].weights.write(pieces[$0].range, into: pieces[$0].to)
            }
        }

        /// `eq` over the variables above the first, for all copies: the outer product of the innermost dimension's table and
        /// that of all others.
        struct Weights {
            private let inner: AlignedBuffer<E>
            /// Entries of `inner` in use.
            private var width: Int
            /// Nil where there is a single row, whose scale is in `inner`.
            private let rows: AlignedBuffer<E>?
            /// Entries of `rows` in use, and of each of its own rows.
            private var rowCount = 1
            private var rowWidth: Int

            init(_ dimensions: [Int], _ point: [E], _ scales: [E]) {
                width = (dimensions.last! + 1) / 2
                let parts = TensorShape(dimensions).split(point)
                let own = Array(parts.last!.dropFirst())
                let shape = TensorShape(Array(dimensions.dropLast()))
                rowWidth = shape.dimensions.last ?? 1
                if dimensions.count == 1 && scales.count == 1 {
                    inner = Eq<F>.table(own, scale: scales[0])
                    rows = nil
                    return
                }
                inner = Eq<F>.table(own)
                let rest = Eq<F>.table(shape, TensorShape.join(parts.dropLast()))
                rowCount = scales.count * shape.count
                let rows = AlignedBuffer<E>(uninitialized: rowCount)
                for (i, scale) in scales.enumerated() {
                    F.scale(rest.pointer, by: scale, into: rows.pointer + i * shape.count, count: shape.count)
                }
                self.rows = rows
            }

            /// Writes a range of the product.
            func write(_ range: Range<Int>, into out: UnsafeMutablePointer<E>) {
                guard let rows else { return out.update(from: inner.pointer + range.lowerBound, count: range.count) }
                if width == 1 {
                    return F.scale(
                        rows.pointer + range.lowerBound, by: inner.pointer[0], into: out, count: range.count)
                }
                var i = range.lowerBound
                while i < range.upperBound {
                    let (row, column) = i.quotientAndRemainder(dividingBy: width)
                    let count = min(width - column, range.upperBound - i)
                    F.scale(
                        inner.pointer + column, by: rows.pointer[row], into: out + (i - range.lowerBound), count: count)
                    i += count
                }
            }

            /// All of the product in pieces.
            func pieces(into out: UnsafeMutablePointer<E>) -> [WeightPiece] {
                let count = rowCount * width
                return Swift.stride(from: 0, to: count, by: 1 << 11).map {
                    WeightPiece(weights: self, range: $0..<min(count, $0 + 1 << 11), to: out + $0)
                }
            }

            /// The weights of the variable after the next: the entries for zero there, but for the factor. They are to be moved
            /// (`moveHalves`) before the first is written.
            var halved: Weights {
                var half = self
                if width > 1 {
                    half.width = (width + 1) / 2
                } else if rows != nil {
                    // It is the lowest of the dimension outside.
                    half.rowWidth = (rowWidth + 1) / 2
                    half.rowCount = rowCount / rowWidth * half.rowWidth
                }
                return half
            }

            /// Moves entries to where those of `halved` are, in the same memory.
            func moveHalves() {
                let half = halved
                if width > 1 {
                    for i in 0..<half.width { inner.pointer[i] = inner.pointer[2 * i] }
                } else if let rows {
                    for row in 0..<rowCount / rowWidth {
                        for i in 0..<half.rowWidth {
                            rows.pointer[row * half.rowWidth + i] = rows.pointer[row * rowWidth + 2 * i]
                        }
                    }
                }
            }
        }

        /// A unit of work of one round: some pairs of entries of the tables, or of a virtual block.
        private struct Piece {
            var isOfProducts: Bool
            let range: Range<Int>
            var virtual: (block: Int, piece: VirtualLayer.Piece)?
        }

        /// Room for a thread to make entries of virtual layers and their weights.
        private final class Scratch {
            let entries = VirtualLayer.Scratch()
            let weights = AlignedBuffer<E>(uninitialized: VirtualLayer.capacity / 2)
        }

        /// The pieces of a block that is virtual, and how many quads a segment has.
        private func virtualPieces(_ i: Int, _ layer: VirtualLayer) -> [Piece] {
            let quads = layer.quads
            return layer.pieces.map {
                Piece(
                    isOfProducts: layer.isOfProducts,
                    range: $0.segment * quads + $0.quads.lowerBound..<$0.segment * quads + $0.quads.upperBound,
                    virtual: (i, $0))
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
            for i in blocks.indices where blocks[i].virtual != nil { pieces += virtualPieces(i, blocks[i].virtual!) }
            for (isOfProducts, entries) in [(false, fractions.entries), (true, products.entries)] {
                for start in Swift.stride(from: 0, to: entries / 2, by: 1 << 10) {
                    pieces.append(Piece(isOfProducts: isOfProducts, range: start..<min(entries / 2, start + 1 << 10)))
                }
            }
            var (plain, product) = ((atZero: E.zero, leading: E.zero), (atZero: E.zero, leading: E.zero))
            if pieces.count == 1 && pieces[0].virtual == nil {
                let sums = sums(pieces[0])
                if pieces[0].isOfProducts { product = sums } else { plain = sums }
            } else {
                var results = [(atZero: E, leading: E)](repeating: (.zero, .zero), count: pieces.count)
                results.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return }
                    let out = SendablePointer(base)
                    Parallel.forEach(pieces.count, state: { nil as Scratch? }) { k, scratch in
                        out.pointer[k] = pieces[k].virtual == nil ? sums(pieces[k]) : virtualSums(pieces[k], &scratch)
                    }
                }
                for (piece, sums) in zip(pieces, results) {
                    if piece.isOfProducts {
                        product = (product.atZero + sums.atZero, product.leading + sums.leading)
                    } else {
                        plain = (plain.atZero + sums.atZero, plain.leading + sums.leading)
                    }
                }
            }
            var (weights, onesAtZero, onesLeading) = (E.zero, E.zero, E.zero)
            for i in blocks.indices where blocks[i].isOfProducts {
                let sums = blocks[i].ones!.sums()
                weights += blocks[i].scale * sums.weights
                onesAtZero += blocks[i].scale * sums.atZero
                onesLeading += blocks[i].scale * sums.leading
            }
            return (
                factor * (plain.atZero + lambda * product.atZero) - lambda * weights - inverseLambda * onesAtZero,
                factor * (plain.leading + lambda * product.leading) - inverseLambda * onesLeading
            )
        }

        private func sums(_ piece: Piece) -> (atZero: E, leading: E) {
            let (o, count) = (piece.range.lowerBound, piece.range.count)
            if piece.isOfProducts {
                return F.roundWeightedProduct2(
                    weights: products.weights.pointer + o, products.first.pointer + 2 * o,
                    products.second.pointer + 2 * o, pairs: count)
            }
            return F.roundFractions(
                weights: fractions.weights.pointer + o, p: fractions.first.pointer + 4 * o,
                q: fractions.second.pointer + 4 * o, lambda: lambda, quads: count)
        }

        private func virtualSums(_ piece: Piece, _ scratch: inout Scratch?) -> (atZero: E, leading: E) {
            let own = scratch ?? Scratch()
            scratch = own
            let (i, part) = piece.virtual!
            let layer = blocks[i].virtual!
            blocks[i].weights!.write(piece.range, into: own.weights.pointer)
            if piece.isOfProducts {
                let u = layer.halves(part, shift: inverseLambda, own.entries)
                return F.roundWeightedProduct2(
                    weights: own.weights.pointer, u.even, u.odd, pairs: piece.range.count)
            }
            let from = layer.fractions(part, own.entries)
            return F.roundFractions(
                weights: own.weights.pointer, p: from.p, q: from.q, lambda: lambda, quads: piece.range.count)
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
            // Where everything goes.
            var (moves, productMoves): ([Move], [Move]) = ([], [])
            var (size, productSize) = (0, 0)
            var virtual: [Int] = []
            for i in blocks.indices {
                let ofProducts = blocks[i].isOfProducts
                let move = blocks[i].rows.halve(to: ofProducts ? productSize : size)
                if ofProducts { productSize = blocks[i].rows.end } else { size = blocks[i].rows.end }
                if blocks[i].virtual != nil {
                    virtual.append(i)
                } else if ofProducts {
                    productMoves.append(move)
                } else {
                    moves.append(move)
                }
            }
            let work = 2 * fractions.entries + products.entries
            if virtual.isEmpty && (Parallel.threadCount == 1 || work < 1 << 10) {
                for piece in Move.pieces(moves, grain: 1 << 40) { fractions.fold(piece, at: r, from: fractions) }
                for piece in Move.pieces(productMoves, grain: 1 << 40) { products.fold(piece, at: r, from: products) }
            } else {
                let grain = max(1 << 7, min(1 << 9, work / (8 * Parallel.threadCount))) * 2
                let (from, fromProducts) = (fractions, products)
                fractions.renew(size)
                products.renew(productSize)
                let (to, toProducts) = (fractions, products)
                let pieces = Move.pieces(moves, grain: grain)
                let productPieces = Move.pieces(productMoves, grain: 2 * grain)
                let first = foldFirst(virtual)
                let layers = blocks.map(\.virtual)
                for i in virtual { blocks[i].virtual = nil }
                Parallel.forEach(
                    first.halves.count + first.pieces.count + productPieces.count + pieces.count,
                    state: { nil as VirtualLayer.Scratch? }
                ) { k, scratch in
                    var k = k
                    if k < first.halves.count { return first.halves[k].moveHalves() }
                    k -= first.halves.count
                    if k < first.pieces.count {
                        let own = scratch ?? VirtualLayer.Scratch()
                        scratch = own
                        let (piece, places) = first.pieces[k]
                        return foldVirtual(piece, layers[piece.virtual!.block]!, at: r, places, own)
                    }
                    k -= first.pieces.count
                    if k < productPieces.count { return toProducts.fold(productPieces[k], at: r, from: fromProducts) }
                    to.fold(pieces[k - productPieces.count], at: r, from: from)
                }
                LayerRounds.write(first.weights)
            }
            fractions.entries = size
            products.entries = productSize
            for i in blocks.indices where blocks[i].isOfProducts { blocks[i].ones!.fold(at: r) }
            LayerRounds.foldTail(&tailP, at: r)
            LayerRounds.foldTail(&tailQ, at: r)
            joinTail(round)
        }

        /// What the first challenge does to virtual blocks: pieces of work, and weights that are written after them.
        private struct FirstFold {
            var pieces: [(piece: Piece, places: Places)] = []
            /// Weights that are to be halved before they are written.
            var halves: [Weights] = []
            var weights: [WeightPiece] = []
        }

        /// Makes these blocks stored ones, whose entries are yet to be written.
        private func foldFirst(_ virtual: [Int]) -> FirstFold {
            var work = FirstFold()
            for i in virtual {
                let rows = blocks[i].rows
                let tables = blocks[i].isOfProducts ? products : fractions
                let places = rows.places(
                    unit: tables.unit, padding: tables.padding, tables.first.pointer, tables.second.pointer)
                for piece in virtualPieces(i, blocks[i].virtual!) { work.pieces.append((piece, places)) }
                let weights = blocks[i].weights!
                work.halves.append(weights)
                work.weights += weights.halved.pieces(into: tables.weights.pointer + rows.start / 2)
                blocks[i].weights = nil
            }
            return work
        }

        /// Writes what a piece of a virtual block is folded to.
        private func foldVirtual(
            _ piece: Piece, _ layer: VirtualLayer, at r: E, _ places: Places, _ scratch: VirtualLayer.Scratch
        ) {
            let (o, count) = (piece.range.lowerBound, piece.range.count)
            let part = piece.virtual!.piece
            if piece.isOfProducts {
                let u = layer.halves(part, shift: inverseLambda, scratch)
                let (first, second) = places.isDense ? (places.first + o, places.second + o) : (u.even, u.odd)
                F.fold(u.even, at: r, into: first, pairs: count)
                F.fold(u.odd, at: r, into: second, pairs: count)
                if !places.isDense { places.put(first, second, at: o, count: count) }
            } else {
                let from = layer.fractions(part, scratch)
                let (p, q) = places.isDense ? (places.first + 2 * o, places.second + 2 * o) : (from.p, from.q)
                F.foldPairs(from.p, at: r, into: p, quads: count)
                F.foldPairs(from.q, at: r, into: q, quads: count)
                if !places.isDense { places.put(p, q, at: 2 * o, count: 2 * count) }
            }
        }

        /// Blocks that are down to one pair a segment join the tail in front; they are the last ones, being the smallest.
        private func joinTail(_ round: Int) {
            var (singlesP, singlesQ): ([E], [E]) = ([], [])
            while let block = blocks.last, block.variables == round + 1 {
                let start = block.rows.start
                var (p, q): ([E], [E]) = ([], [])
                if block.isOfProducts {
                    let (p0, p1) = block.ones!.values
                    for i in start..<start + block.copies {
                        p += [p0, p1]
                        q += [
                            products.first.pointer[i] - .one - inverseLambda * p0,
                            products.second.pointer[i] - .one - inverseLambda * p1,
                        ]
                    }
                    products.entries = start
                } else {
                    p = Array(UnsafeBufferPointer(start: fractions.first.pointer + 2 * start, count: 2 * block.copies))
                    q = Array(UnsafeBufferPointer(start: fractions.second.pointer + 2 * start, count: 2 * block.copies))
                    fractions.entries = start
                }
                singlesP = p + singlesP
                singlesQ = q + singlesQ
                offset -= block.copies << block.variables
                blocks.removeLast()
            }
            guard !singlesP.isEmpty else { return }
            tailP = singlesP + tailP
            tailQ = singlesQ + tailQ
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
