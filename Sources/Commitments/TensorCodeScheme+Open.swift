import Fields
import Tensors
import Transcripts

/// Ways for a test to cheat in `TensorCodeScheme.open`; each changes the prover's own copy before it is used or sent.
@usableFromInline
package struct TensorCodeCheat<E: Field> {
    /// The combinations of rows and the weights of columns, one a group, before the sumcheck, with the claims'
    /// coefficients and those of the random row.
    @usableFromInline package var groups:
        ((_ rows: [AlignedBuffer<E>], _ weights: [AlignedBuffer<E>], _ gammas: [E], _ random: [E]) -> Void)?
    /// The random combination V, with its coefficients.
    @usableFromInline package var randomRow: ((_ row: AlignedBuffer<E>, _ random: [E]) -> Void)?
    /// The values of step 3: V's, then a group's after the other.
    @usableFromInline package var values: ((_ values: inout [E]) -> Void)?
    /// The row Z that is sent, with the column weights at which the verifier evaluates it.
    @usableFromInline package var sentRow: ((_ row: inout [E], _ weights: AlignedBuffer<E>) -> Void)?

    @usableFromInline package init() {}
}

/// Claims grouped as the opening needs them.
@usableFromInline
struct ClaimGroups<E: Field> {
    /// Claims on vectors with rows of their own, by the column part of their point.
    @usableFromInline var byPoint: [(point: [E], claims: [Int])] = []
    /// Claims on vectors in shared rows, by row.
    @usableFromInline var byRow: [(row: Int, claims: [Int])] = []

    @inlinable var count: Int { byPoint.count + byRow.count }

    @inlinable
    init(_ claims: [OpeningClaim<E>], _ layout: MatrixLayout) {
        var points: [[E]: Int] = [:]
        var rows: [Int: Int] = [:]
        for (i, claim) in claims.enumerated() {
            let vector = layout.vectors[claim.vector]
            if vector.isBlock {
                if let group = rows[vector.firstRow] {
                    byRow[group].claims.append(i)
                } else {
                    rows[vector.firstRow] = byRow.count
                    byRow.append((vector.firstRow, [i]))
                }
            } else {
                let point = vector.columnPoint(claim.point)
                if let group = points[point] {
                    byPoint[group].claims.append(i)
                } else {
                    points[point] = byPoint.count
                    byPoint.append((point, [i]))
                }
            }
        }
    }
}

extension TensorCodeScheme {
    @inlinable
    public func open(
        _ vectors: [IntegerTensor], state: TensorCodeState, claims: [OpeningClaim<F.Challenge>],
        transcript: ProverTranscript
    ) {
        open(vectors, state: state, claims: claims, transcript: transcript, cheat: TensorCodeCheat())
    }

    @inlinable
    package func open(
        _ vectors: [IntegerTensor], state: TensorCodeState, claims: [OpeningClaim<F.Challenge>],
        transcript: ProverTranscript, cheat: TensorCodeCheat<F.Challenge>
    ) {
        precondition(Statement.areWellFormed(claims, shapes), "a claim fits no committed vector")
        Statement.absorb(commitment: state.tree?.cap.digestBytes ?? [], claims: claims, into: transcript)
        guard claims.count > 0, let tree = state.tree else { return }
        let columns = columnCount
        let random: [E] = transcript.challenges("random row", count: rowCount)
        let gammas: [E] = transcript.challenges("claim batching", count: claims.count)
        let paddingPoint: [E] = transcript.challenges("padding point", count: layout.columnBits)

        // Rows of the groups, their weights, and the random row.
        let groups = ClaimGroups(claims, layout)
        var rows: [AlignedBuffer<E>] = []
        var weights: [ColumnWeights<F>] = []
        for group in groups.byPoint {
            let row = AlignedBuffer<E>(repeating: .zero, count: columns)
            for (vector, members) in byVector(group.claims, claims) {
                let vectorLayout = layout.vectors[vector]
                let rowWeights = AlignedBuffer<E>(repeating: .zero, count: vectorLayout.rowCount)
                for i in members {
                    vectorLayout.addRowWeights(F.self, claims[i].point, scale: gammas[i], to: rowWeights.pointer)
                }
                var combination = RowCombination<F>(vectorLayout, weights: rowWeights.pointer, addTo: row.pointer)
                vectors[vector].storage.visit(&combination)
            }
            rows.append(row)
            weights.append(.eq(group.point))
        }
        for group in groups.byRow {
            let row = AlignedBuffer<E>(repeating: .zero, count: columns)
            var one = E.one
            for v in layout.sharedRows[group.row - layout.ownRows] {
                var combination = RowCombination<F>(layout.vectors[v], weights: &one, addTo: row.pointer)
                vectors[v].storage.visit(&combination)
            }
            rows.append(row)
            let weight = AlignedBuffer<E>(repeating: .zero, count: columns)
            let scratch = AlignedBuffer<E>(uninitialized: columns)
            for i in group.claims {
                let vectorLayout = layout.vectors[claims[i].vector]
                let target = weight.pointer + vectorLayout.firstColumn
                F.expandEq(claims[i].point, scale: gammas[i], into: scratch.pointer)
                F.add(target, scratch.pointer, into: target, count: 1 << vectorLayout.columnVariables)
            }
            weights.append(.table(weight))
        }
        let (sum, paddedSums) = randomRows(random, of: vectors)
        if paddedSums.count > 0 {
            let eq = AlignedBuffer<E>(uninitialized: columns)
            F.expandEq(paddingPoint, scale: .one, into: eq.pointer)
            for (padded, padding) in zip(paddedSums, layout.paddings) {
                let weight = AlignedBuffer<E>(repeating: .zero, count: columns)
                for run in padding {
                    (weight.pointer + run.lowerBound).update(from: eq.pointer + run.lowerBound, count: run.count)
                }
                rows.append(padded)
                weights.append(.table(weight))
            }
        }
        cheat.groups?(rows, weights.map(\.table), gammas, random)
        cheat.randomRow?(sum, random)

        let (point, groupValues) = ColumnSumcheck<F>.prove(rows: rows, weights: weights, transcript: transcript)
        let eq = AlignedBuffer<E>(uninitialized: columns)
        F.expandEq(point, scale: .one, into: eq.pointer)
        var values = [F.innerProduct(sum.pointer, eq.pointer, count: columns)] + groupValues
        cheat.values?(&values)
        transcript.send("row values", values)

        let deltas: [E] = transcript.challenges("row batching", count: rows.count)
        for (row, delta) in zip(rows, deltas) {
            F.addScaled(row.pointer, by: delta, to: sum.pointer, count: columns)
        }
        var sent = sum.array
        cheat.sentRow?(&sent, eq)
        transcript.send("row", sent)

        let indices = transcript.distinctIndices("columns", count: queryCount, bound: codeLength)
        let opened = self.columns(indices, of: vectors, state: state)
        transcript.hint(raw: UnsafeRawBufferPointer(opened.elements))
        transcript.hint(digests: tree.open(indices))
    }

    /// The combination of all rows with random coefficients, and its part from the rows of each padding.
    @inlinable
    func randomRows(_ random: [E], of vectors: [IntegerTensor]) -> (sum: AlignedBuffer<E>, padded: [AlignedBuffer<E>]) {
        let columns = columnCount
        let sum = AlignedBuffer<E>(repeating: .zero, count: columns)
        let padded = layout.paddings.map { _ in AlignedBuffer<E>(repeating: .zero, count: columns) }
        random.withUnsafeBufferPointer { random in
            func add(_ v: Int, _ part: RowPart, _ padding: Int?) {
                var combination = RowCombination<F>(
                    layout.vectors[v], part, weights: random.baseAddress! + layout.vectors[v].firstRow,
                    addTo: (padding.map { padded[$0] } ?? sum).pointer)
                vectors[v].storage.visit(&combination)
            }
            for (v, vector) in layout.vectors.enumerated() where !vector.isBlock {
                let paddings = layout.vectorPaddings[v]
                add(v, vector.hasPartialRows ? .full : .all, paddings.full)
                if vector.hasPartialRows { add(v, .partial, paddings.partial) }
            }
            for (row, padding) in zip(layout.sharedRows, layout.sharedPaddings) {
                for v in row { add(v, .all, padding) }
            }
        }
        for part in padded { F.add(sum.pointer, part.pointer, into: sum.pointer, count: columns) }
        return (sum, padded)
    }

    /// Claims, given by their numbers, by vector; vectors in the order in which they first appear.
    @inlinable
    func byVector(_ members: [Int], _ claims: [OpeningClaim<E>]) -> [(vector: Int, claims: [Int])] {
        var result: [(vector: Int, claims: [Int])] = []
        var places: [Int: Int] = [:]
        for i in members {
            if let place = places[claims[i].vector] {
                result[place].claims.append(i)
            } else {
                places[claims[i].vector] = result.count
                result.append((claims[i].vector, [i]))
            }
        }
        return result
    }
}

/// The weights of columns in a group.
@usableFromInline
enum ColumnWeights<F: ProofField> {
    case table(AlignedBuffer<F.Challenge>)
    /// eq at a point: made anew for each round rather than kept, which halves the memory of an opening.
    case eq([F.Challenge])

    @inlinable
    var table: AlignedBuffer<F.Challenge> {
        switch self {
        case .table(let table): return table
        case .eq(let point):
            let table = AlignedBuffer<F.Challenge>(uninitialized: 1 << point.count)
            F.expandEq(point, scale: .one, into: table.pointer)
            return table
        }
    }
}

/// The sumcheck for sum over groups of <u_g, w_g>, over the column variables, lowest first.
@usableFromInline
enum ColumnSumcheck<F: ProofField> {
    @usableFromInline typealias E = F.Challenge

    /// Proves the sum and returns the point with the values of the rows there. Tables of weights are overwritten.
    @inlinable
    static func prove(
        rows: [AlignedBuffer<E>], weights: [ColumnWeights<F>], transcript: ProverTranscript
    ) -> (point: [E], values: [E]) {
        var size = rows[0].count
        let halves = rows.map { _ in AlignedBuffer<E>(uninitialized: size / 2) }
        let partial = AlignedBuffer<E>(uninitialized: 2 * rows.count)
        // eq of the coordinates that are bound, for each group.
        var bound = [E](repeating: .one, count: rows.count)
        var point: [E] = []
        while size > 1 {
            let pairs = size / 2
            let round = point.count
            let current = point.isEmpty ? rows : halves
            let factors = bound
            forEachGroup(rows.count, size: size) { g in
                let table: AlignedBuffer<E>
                switch weights[g] {
                case .table(let known): table = known
                case .eq(let coordinates):
                    table = AlignedBuffer(uninitialized: size)
                    F.expandEq(Array(coordinates[round...]), scale: factors[g], into: table.pointer)
                }
                let message = F.roundProduct2(current[g].pointer, table.pointer, pairs: pairs)
                partial.pointer[2 * g] = message.atZero
                partial.pointer[2 * g + 1] = message.leading
            }
            var atZero = E.zero
            var leading = E.zero
            for g in 0..<rows.count {
                atZero += partial.pointer[2 * g]
                leading += partial.pointer[2 * g + 1]
            }
            transcript.send("column round", [atZero, leading])
            let r: E = transcript.challenge("column point")
            point.append(r)
            for g in 0..<rows.count {
                if case .eq(let coordinates) = weights[g] {
                    let product = coordinates[round] * r
                    bound[g] *= product + product - coordinates[round] - r + E.one
                }
            }
            forEachGroup(rows.count, size: size) { g in
                F.fold(current[g].pointer, at: r, into: halves[g].pointer, pairs: pairs)
                if case .table(let table) = weights[g] {
                    F.fold(table.pointer, at: r, into: table.pointer, pairs: pairs)
                }
            }
            size = pairs
        }
        return (point, halves.map { $0.pointer[0] })
    }

    /// On all threads where that pays.
    @inlinable
    static func forEachGroup(_ count: Int, size: Int, _ body: (Int) -> Void) {
        if count * size < 1 << 12 {
            for g in 0..<count { body(g) }
        } else {
            Parallel.forEach(count, body)
        }
    }

    /// Reads the rounds and returns the point with what the sum of products must be there.
    @inlinable
    static func verify(sum: E, variables: Int, transcript: VerifierTranscript) throws -> (point: [E], value: E) {
        var value = sum
        var point: [E] = []
        for _ in 0..<variables {
            let message: [E] = try transcript.receive("column round", count: 2)
            let r: E = transcript.challenge("column point")
            // s(0) + s(1) = value, and s(X) = s(0) + (s(1) - s(0) - l) X + l X^2.
            let (atZero, leading) = (message[0], message[1])
            let linear = value - atZero.doubled - leading
            value = atZero + r * (linear + r * leading)
            point.append(r)
        }
        return (point, value)
    }
}
