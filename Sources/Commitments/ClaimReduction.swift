import Fields
import Multilinears
import Tensors
import Transcripts

/// The first half of an opening: all claims on the rows of a matrix, and that its padding is zero, become one claim on a
/// combination of rows at one point of the column variables. What a commitment to rows that is linear (a code word, a
/// multiple of group elements) has to open is then a single row.
///
/// Let M be the R x C matrix of all vectors, E the challenge field, c the number of column variables.
///
/// 1. Commitment and claims are absorbed. The verifier draws t in E^R, a coefficient gamma_i for each claim, and a
///    point sigma.
/// 2. Claims form groups of the shape `<u_g, w_g>`, u_g a combination of rows of M and w_g a weight of columns: claims
///    at one column point share `w_g = eq(point)`, with u_g the sum of gamma_i times their row combinations; claims on
///    vectors inside one shared row share `u_g` = that row, with w_g the sum of gamma_i eq(point_i). And for each
///    pattern of padding that rows have, u_g is the combination of these rows by t, and w_g is eq(sigma) on the padding
///    and 0 elsewhere: these products must vanish, because padding is zero. (Entries committed to in place of padding
///    would be a vector of another shape.) A sumcheck over the column variables reduces sum_g <u_g, w_g> = sum_i
///    gamma_i value_i to the values of all u_g at one point rho.
/// 3. The prover sends these; the verifier draws a coefficient delta_g for each group. What is left is the value of
///    sum_g delta_g u_g at rho.
///
/// If a false value is among those that the prover sends, what is left is false but for an error of 1/|E| over delta. The
/// sumcheck fails to show a false sum but for 2c/|E|. The sum is false but for (c + 1)/|E| if M has an entry in the
/// padding (c/|E| for a row's padding to vanish at sigma, 1/|E| over t), and but for 1/|E| over gamma if a claim is false.
struct ClaimReduction<F: ProofField> {
    typealias E = F.Challenge
    let layout: MatrixLayout
    let claims: [OpeningClaim<E>]
    let groups: ClaimGroups<E>
    let random: [E]
    let gammas: [E]
    let paddingPoint: [E]

    /// Draws the challenges of step 1; commitment and claims have been absorbed.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    init(_ layout: MatrixLayout, _ claims: [OpeningClaim<E>], transcript: Transcript) {
        self.layout = layout
        self.claims = claims
        random = transcript.challenges("random row", count: layout.rowCount)
        gammas = transcript.challenges("claim batching", count: claims.count)
        paddingPoint = transcript.challenges("padding point", count: layout.columnBits)
        groups = ClaimGroups(claims, layout)
    }

    var columnCount: Int { layout.columnCount }
    /// Groups of claims, then one for each padding.
    var groupCount: Int { groups.count + layout.paddings.count }

    // MARK: Prover

    /// The u_g and w_g of all groups; `padded` from `randomRows`.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    func groupRows(
        of vectors: [IntegerTensor], padded: [AlignedBuffer<E>]
    ) -> (rows: [GroupRow<F>], weights: [ColumnWeights<F>]) {
        let columns = columnCount
        let combinations = groups.byPoint.map { _ in AlignedBuffer<E>(uninitialized: columns) }
        Parallel.forEach(
            combinations.count,
            work: { g in
                byVector(groups.byPoint[g].claims, claims).reduce(columns) { $0 + vectors[$1.vector].shape.count }
            }
        ) { g in
            Parallel.forEachChunk(columns, grain: 1 << 14) {
                (combinations[g].pointer + $0.lowerBound).fill(.zero, count: $0.count)
            }
            addPointGroup(groups.byPoint[g].claims, of: vectors, to: combinations[g].pointer)
        }
        let shared = groups.byRow.map { GroupRow.shared(SharedRow<F>($0.row, layout, of: vectors)) }
        var weights: [ColumnWeights<F>] = groups.byPoint.map { .eq($0.point) }
        let tables = (0..<groups.byRow.count + padded.count).map { _ in AlignedBuffer<E>(uninitialized: columns) }
        let eq = padded.isEmpty ? AlignedBuffer<E>(uninitialized: 0) : Eq<F>.table(paddingPoint)
        Parallel.forEach(tables.count, work: { _ in columns }, large: .max) { k in
            let weight = tables[k].pointer
            if k < groups.byRow.count {
                writeRowGroupWeights(groups.byRow[k].claims, to: weight)
            } else {
                weight.fill(.zero, count: columns)
                for run in layout.paddings[k - groups.byRow.count] {
                    (weight + run.lowerBound).update(from: eq.pointer + run.lowerBound, count: run.count)
                }
            }
        }
        weights += tables.map { .table($0) }
        return (combinations.map { .table($0) } + shared + padded.map { .table($0) }, weights)
    }

    /// Adds the combination of rows of claims at one column point.
    private func addPointGroup(_ members: [Int], of vectors: [IntegerTensor], to row: UnsafeMutablePointer<E>) {
        let parts = byVector(members, claims)
        addParts(parts.count, work: { vectors[parts[$0].vector].shape.count }, to: row) { k, target in
            let vectorLayout = layout.vectors[parts[k].vector]
            let rowWeights = AlignedBuffer<E>(repeating: .zero, count: vectorLayout.rowCount)
            for i in parts[k].claims {
                vectorLayout.addRowWeights(F.self, claims[i].point, scale: gammas[i], to: rowWeights.pointer)
            }
            var combination = RowCombination<F>(vectorLayout, weights: rowWeights.pointer, addTo: target)
            vectors[parts[k].vector].storage.visit(&combination)
        }
    }

    /// Has `add` add parts to a row, on all threads: parts of much work one after the other, for loops inside them; the others
    /// to a row of each thread's own first, because they have columns in common.
    private func addParts(
        _ count: Int, work: (Int) -> Int, to row: UnsafeMutablePointer<E>,
        _ add: (Int, UnsafeMutablePointer<E>) -> Void
    ) {
        let columns = columnCount
        let large = (0..<count).filter { work($0) >= 1 << 19 }
        let small = (0..<count).filter { work($0) < 1 << 19 }.sorted { work($0) > work($1) }
        for k in large { add(k, row) }
        if small.count < 2 || Parallel.threadCount == 1 || small.reduce(0, { $0 + work($1) }) < columns {
            for k in small { add(k, row) }
            return
        }
        Parallel.forEach(
            small.count, state: { AlignedBuffer<E>(repeating: .zero, count: columns) },
            finish: { F.add(row, $0.pointer, into: row, count: columns) }, { add(small[$0], $1.pointer) })
    }

    /// Writes the weights of columns of claims on vectors in one shared row.
    private func writeRowGroupWeights(_ members: [Int], to weight: UnsafeMutablePointer<E>) {
        var end = 0
        for part in byVector(members, claims).sorted(by: {
            layout.vectors[$0.vector].firstColumn < layout.vectors[$1.vector].firstColumn
        }) {
            let vectorLayout = layout.vectors[part.vector]
            let (target, count) = (weight + vectorLayout.firstColumn, 1 << vectorLayout.columnVariables)
            (weight + end).fill(.zero, count: vectorLayout.firstColumn - end)
            end = vectorLayout.firstColumn + count
            F.expandEq(claims[part.claims[0]].point, scale: gammas[part.claims[0]], into: target)
            if part.claims.count == 1 { continue }
            let other = AlignedBuffer<E>(uninitialized: count)
            for i in part.claims.dropFirst() {
                F.expandEq(claims[i].point, scale: gammas[i], into: other.pointer)
                F.add(target, other.pointer, into: target, count: count)
            }
        }
        (weight + end).fill(.zero, count: columnCount - end)
    }

    /// The combination of rows with random coefficients: the part of each padding, and the sum of all; without
    /// `wholeSum`, rows that have no padding are left out of that.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    func randomRows(
        of vectors: [IntegerTensor], wholeSum: Bool
    ) -> (sum: AlignedBuffer<E>, padded: [AlignedBuffer<E>]) {
        let columns = columnCount
        let sum = AlignedBuffer<E>(repeating: .zero, count: columns)
        let padded = layout.paddings.map { _ in AlignedBuffer<E>(repeating: .zero, count: columns) }
        // What goes to each target; the last one is the sum.
        var parts = [[(vector: Int, part: RowPart)]](repeating: [], count: padded.count + 1)
        func add(_ v: Int, _ part: RowPart, _ padding: Int?) {
            if padding != nil || wholeSum { parts[padding ?? padded.count].append((v, part)) }
        }
        for (v, vector) in layout.vectors.enumerated() where !vector.isBlock {
            let paddings = layout.vectorPaddings[v]
            add(v, vector.hasPartialRows ? .full : .all, paddings.full)
            if vector.hasPartialRows { add(v, .partial, paddings.partial) }
        }
        for (row, padding) in zip(layout.sharedRows, layout.sharedPaddings) {
            for v in row { add(v, .all, padding) }
        }
        random.withUnsafeBufferPointer { random in
            guard let random = random.baseAddress else { return }
            Parallel.forEach(parts.count, work: { parts[$0].reduce(0) { $0 + vectors[$1.vector].shape.count } }) { k in
                let part = parts[k]
                addParts(
                    part.count, work: { vectors[part[$0].vector].shape.count },
                    to: (k < padded.count ? padded[k] : sum).pointer
                ) { i, target in
                    let v = part[i].vector
                    var combination = RowCombination<F>(
                        layout.vectors[v], part[i].part, weights: random + layout.vectors[v].firstRow, addTo: target)
                    vectors[v].storage.visit(&combination)
                }
            }
        }
        Parallel.forEachChunk(columns, grain: 1 << 12) { range in
            let target = sum.pointer + range.lowerBound
            for part in padded { F.add(target, part.pointer + range.lowerBound, into: target, count: range.count) }
        }
        return (sum, padded)
    }

    /// Claims, given by their numbers, by vector; vectors in the order in which they first appear.
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

    // MARK: Verifier

    /// What the sumcheck is to show.
    var sum: E {
        var sum = E.zero
        for (claim, gamma) in zip(claims, gammas) { sum += gamma * claim.value }
        return sum
    }

    /// The sum over groups of u_g w_g at the point, given the values of the u_g. Needs no table of the columns, so that the
    /// verifier's memory is that of the layout.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    func product(_ values: ArraySlice<E>, at point: [E]) -> E {
        let values = Array(values)
        var product = E.zero
        for (g, group) in groups.byPoint.enumerated() { product += values[g] * Eq<F>.value(group.point, point) }
        for (k, group) in groups.byRow.enumerated() {
            var weight = E.zero
            for i in group.claims {
                weight += gammas[i] * Eq<F>.value(layout.vectors[claims[i].vector].columnPoint(claims[i].point), point)
            }
            product += values[groups.byPoint.count + k] * weight
        }
        for (k, weight) in paddingWeights(at: point).enumerated() {
            product += values[groups.count + k] * weight
        }
        return product
    }

    /// Adds the coefficients of the rows of M in sum_g delta_g u_g.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    func addCoefficients(_ deltas: [E], to coefficients: inout [E]) {
        coefficients.withUnsafeMutableBufferPointer { coefficients in
            for (g, group) in groups.byPoint.enumerated() {
                for i in group.claims {
                    let vector = layout.vectors[claims[i].vector]
                    vector.addRowWeights(
                        F.self, claims[i].point, scale: deltas[g] * gammas[i],
                        to: coefficients.baseAddress! + vector.firstRow)
                }
            }
            for (k, group) in groups.byRow.enumerated() { coefficients[group.row] += deltas[groups.byPoint.count + k] }
        }
        addPaddingCoefficients(random, deltas[groups.count...], to: &coefficients)
    }

    /// For each padding, the sum over its columns j of eq(paddingPoint, j) eq(point, j).
    func paddingWeights(at point: [E]) -> [E] {
        layout.paddings.map { padding in
            var sums = EqPrefixSums(paddingPoint, point)
            var weight = E.zero
            for run in padding {
                let below = sums.below(run.lowerBound)
                weight += sums.below(run.upperBound) - below
            }
            return weight
        }
    }

    /// Adds to each row's coefficient its random one times the delta of its padding.
    func addPaddingCoefficients(_ random: [E], _ deltas: ArraySlice<E>, to coefficients: inout [E]) {
        let deltas = Array(deltas)
        func add(_ row: Int, _ padding: Int?) {
            if let padding { coefficients[row] += deltas[padding] * random[row] }
        }
        for (v, vector) in layout.vectors.enumerated() where !vector.isBlock {
            let paddings = layout.vectorPaddings[v]
            for r in 0..<vector.rowCount {
                add(vector.firstRow + r, vector.isPartial(row: r) ? paddings.partial : paddings.full)
            }
        }
        for (k, padding) in layout.sharedPaddings.enumerated() { add(layout.ownRows + k, padding) }
    }
}

/// Sums of eq(a, j) eq(b, j) over all j below a bound. Bounds that rise cost amortised constant time where they are dense,
/// the number of variables where they are not.
struct EqPrefixSums<E: Field> {
    /// The factors of a bit that is 0 and of one that is 1, and the product of their sums over all bits below each.
    let zeros: [E]
    let ones: [E]
    let totals: [E]
    /// For the bound seen last, from bit `i` upwards: the sum of what differs from it there, the product of what does not.
    var sums: [E]
    var equals: [E]
    var last = -1

    init(_ a: [E], _ b: [E]) {
        zeros = zip(a, b).map { (E.one - $0) * (E.one - $1) }
        ones = zip(a, b).map { $0 * $1 }
        var totals = [E.one]
        for (zero, one) in zip(zeros, ones) { totals.append(totals[totals.count - 1] * (zero + one)) }
        self.totals = totals
        sums = [E](repeating: .zero, count: a.count + 1)
        equals = [E](repeating: .one, count: a.count + 1)
    }

    mutating func below(_ bound: Int) -> E {
        let variables = zeros.count
        if bound >> variables > 0 { return totals[variables] }
        var level = variables
        if last >= 0 {
            if last == bound { return sums[0] }
            level = Int.bitWidth - (last ^ bound).leadingZeroBitCount
        }
        last = bound
        for i in stride(from: level - 1, through: 0, by: -1) {
            if bound >> i & 1 == 1 {
                sums[i] = sums[i + 1] + equals[i + 1] * zeros[i] * totals[i]
                equals[i] = equals[i + 1] * ones[i]
            } else {
                sums[i] = sums[i + 1]
                equals[i] = equals[i + 1] * zeros[i]
            }
        }
        return sums[0]
    }
}

/// Claims grouped as the opening needs them.
struct ClaimGroups<E: Field> {
    /// Claims on vectors with rows of their own, by the column part of their point.
    var byPoint: [(point: [E], claims: [Int])] = []
    /// Claims on vectors in shared rows, by row.
    var byRow: [(row: Int, claims: [Int])] = []

    var count: Int { byPoint.count + byRow.count }

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

/// The weights of columns in a group.
enum ColumnWeights<F: ProofField> {
    case table(AlignedBuffer<F.Challenge>)
    /// eq at a point: made of factors when it is needed rather than kept, which halves the memory of an opening.
    case eq([F.Challenge])

    var table: AlignedBuffer<F.Challenge> {
        switch self {
        case .table(let table): table
        case .eq(let point): Eq<F>.table(point)
        }
    }
}

/// The u_g of a group.
enum GroupRow<F: ProofField> {
    typealias E = F.Challenge
    case table(AlignedBuffer<E>)
    /// As it is stored.
    case shared(SharedRow<F>)

    /// All entries.
    var table: AlignedBuffer<E> {
        switch self {
        case .table(let table): table
        case .shared(let row): row.table
        }
    }

    /// Adds the entries of some columns times a factor.
    func addScaled(_ columns: Range<Int>, by factor: E, to sums: UnsafeMutablePointer<E>) {
        switch self {
        case .table(let table):
            F.addScaled(table.pointer + columns.lowerBound, by: factor, to: sums, count: columns.count)
        case .shared(let row): row.addScaled(columns, by: factor, to: sums)
        }
    }
}

/// A group in the sumcheck over columns: what is left of u_g and of w_g.
private struct SumcheckGroup<F: ProofField> {
    typealias E = F.Challenge
    /// Entries that are folded, and multiplied in the next round, at a time: in the first-level cache.
    static var chunkBits: Int { 10 }

    /// u_g, and what it is folded into: u_g itself is not overwritten, its folds are.
    private var row: GroupRow<F>
    private var next: AlignedBuffer<E>
    /// What `next` is folded into; nil for itself.
    private var later: AlignedBuffer<E>?

    private enum Weights {
        case table(AlignedBuffer<E>, next: AlignedBuffer<E>)
        /// eq at a point; the factor is that of the coordinates that are bound.
        case eq([E], bound: E)
    }
    private var weights: Weights

    /// `isCut`: threads fold pieces of it at the same time, so never in place.
    init(_ row: GroupRow<F>, _ weights: ColumnWeights<F>, columns: Int, isCut: Bool) {
        self.row = row
        next = AlignedBuffer(uninitialized: columns / 2)
        later = isCut ? AlignedBuffer(uninitialized: columns / 4) : nil
        switch weights {
        case .eq(let point): self.weights = .eq(point, bound: .one)
        case .table(let table):
            self.weights = .table(table, next: isCut ? AlignedBuffer(uninitialized: table.count / 2) : table)
        }
    }

    /// Binds the coordinate of a round.
    mutating func bind(_ round: Int, _ r: E) {
        guard case .eq(let point, let bound) = weights else { return }
        let product = point[round] * r
        weights = .eq(point, bound: bound * (product + product - point[round] - r + E.one))
    }

    /// What has been folded takes the place of what it was folded from.
    mutating func turn() {
        row = .table(next)
        if let free = later { (next, later) = (free, next) }
        if case .table(let table, let folded) = weights { weights = .table(folded, next: table) }
    }

    /// Folds to the entries of a range, if there is something to fold at, and returns their part of the message of the round:
    /// s(0) and the coefficient of X^2. The range starts at a multiple of 2^chunkBits.
    func pass(
        _ range: Range<Int>, of entries: Int, round: Int, at r: E?
    ) -> (atZero: E, leading: E) {
        withUnsafeTemporaryAllocation(of: E.self, capacity: blockSize) { block in
            pass(range, of: entries, round: round, at: r, block: block.baseAddress)
        }
    }

    /// Entries of a shared row that are embedded at a time.
    private var blockSize: Int { if case .shared = row { 1 << SumcheckGroup.chunkBits } else { 0 } }

    private func pass(
        _ range: Range<Int>, of entries: Int, round: Int, at r: E?, block: UnsafeMutablePointer<E>?
    ) -> (atZero: E, leading: E) {
        let lowBits = min(SumcheckGroup.chunkBits, entries.trailingZeroBitCount)
        switch weights {
        case .table(let table, let next):
            let factors = (r == nil ? table : next).pointer
            return sum(range) { start, count in
                if let r { F.fold(table.pointer + 2 * start, at: r, into: factors + start, pairs: count) }
                return F.roundProduct2(chunk(start, count, at: r, block), factors + start, pairs: count / 2)
            }
        case .eq(let point, let bound):
            // Of the indices in a chunk, and a factor for each chunk.
            let low = AlignedBuffer<E>(uninitialized: 1 << lowBits)
            let high = AlignedBuffer<E>(uninitialized: entries >> lowBits)
            F.expandEq(Array(point[round..<round + lowBits]), scale: .one, into: low.pointer)
            F.expandEq(Array(point[(round + lowBits)...]), scale: bound, into: high.pointer)
            return withExtendedLifetime((low, high)) {
                sum(range) { start, count in
                    let (atZero, leading) = F.roundProduct2(
                        chunk(start, count, at: r, block), low.pointer, pairs: count / 2)
                    let factor = high.pointer[start >> lowBits]
                    return (factor * atZero, factor * leading)
                }
            }
        }
    }

    /// A chunk of what is left of u_g, folded to if there is something to fold at.
    private func chunk(
        _ start: Int, _ count: Int, at r: E?, _ block: UnsafeMutablePointer<E>?
    ) -> UnsafeMutablePointer<E> {
        let folded = next.pointer + start
        switch (row, r) {
        case (.table(let row), nil): return row.pointer + start
        case (.table(let row), let r?): F.fold(row.pointer + 2 * start, at: r, into: folded, pairs: count)
        case (.shared(let row), nil):
            row.embed(start..<start + count, into: block!)
            return block!
        case (.shared(let row), let r?):
            row.fold(start..<start + count, at: r, into: folded, block: block!, blockSize: blockSize)
        }
        return folded
    }

    /// The entry that is left when all variables are bound.
    var value: E { row.table[0] }

    /// The sum over chunks.
    @inline(__always)
    private func sum(
        _ range: Range<Int>, _ chunk: (_ start: Int, _ count: Int) -> (atZero: E, leading: E)
    ) -> (atZero: E, leading: E) {
        var (atZero, leading) = (E.zero, E.zero)
        let most = 1 << SumcheckGroup.chunkBits
        for start in stride(from: range.lowerBound, to: range.upperBound, by: most) {
            let sum = chunk(start, min(most, range.upperBound - start))
            atZero += sum.atZero
            leading += sum.leading
        }
        return (atZero, leading)
    }
}

/// The sumcheck for sum over groups of <u_g, w_g>, over the column variables, lowest first.
enum ColumnSumcheck<F: ProofField> {
    typealias E = F.Challenge

    /// Proves the sum, over rows of so many columns, and returns the point with the values of the rows there. Tables of weights
    /// are overwritten.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func prove(
        rows: [GroupRow<F>], weights: [ColumnWeights<F>], columns size: Int, transcript: ProverTranscript
    ) -> (point: [E], values: [E]) {
        let chunkBits = SumcheckGroup<F>.chunkBits
        // Few groups are cut into pieces, for all threads. A piece is not folded in place, where others still read.
        let threads = Parallel.freeThreadCount
        let mostPieces = threads == 1 ? 1 : (4 * threads + rows.count - 1) / rows.count
        var groups = zip(rows, weights).map { row, weight in
            SumcheckGroup<F>(row, weight, columns: size, isCut: mostPieces > 1 && size >> chunkBits > 1)
        }
        var point: [E] = []
        var (atZero, leading) = (E.zero, E.zero)
        /// Folds at the last coordinate, if there is one, to so many entries, and sums the next round.
        func pass(_ entries: Int) {
            let pieces = max(1, min(mostPieces, entries >> (chunkBits + 1)))
            let sums = AlignedBuffer<E>(uninitialized: 2 * pieces * groups.count)
            func one(_ task: Int) {
                let (g, piece) = task.quotientAndRemainder(dividingBy: pieces)
                // Whole chunks.
                let chunks = max(1, entries >> chunkBits)
                let from = (chunks * piece / pieces) << chunkBits
                let to = min(entries, (chunks * (piece + 1) / pieces) << chunkBits)
                let sum = groups[g].pass(from..<to, of: entries, round: point.count, at: point.last)
                sums.pointer[2 * task] = sum.atZero
                sums.pointer[2 * task + 1] = sum.leading
            }
            if groups.count * entries < 1 << 11 {
                for g in groups.indices { one(g) }
            } else {
                Parallel.forEach(pieces * groups.count, one)
            }
            (atZero, leading) = (E.zero, E.zero)
            for task in 0..<pieces * groups.count {
                atZero += sums.pointer[2 * task]
                leading += sums.pointer[2 * task + 1]
            }
            if !point.isEmpty { for g in groups.indices { groups[g].turn() } }
        }
        var entries = size
        pass(entries)
        while entries > 1 {
            transcript.send("column round", [atZero, leading])
            let r: E = transcript.challenge("column point")
            for g in groups.indices { groups[g].bind(point.count, r) }
            point.append(r)
            entries /= 2
            pass(entries)
        }
        return (point, groups.map(\.value))
    }

    /// Reads the rounds and returns the point with what the sum of products must be there.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
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
