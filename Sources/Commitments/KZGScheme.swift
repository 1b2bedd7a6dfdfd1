import Curves
import Fields
import Multilinears
import Tensors
import Transcripts

/// Commitments to polynomials by Kate, Zaverucha and Goldberg ("Constant-size commitments to polynomials and their
/// applications", ASIACRYPT 2010), over BN254, for multilinear extensions: "kzg".
///
/// ## Layout
///
/// Vectors are rows of one matrix with a power of two of columns, as for tensor codes. A row (a_0, a_1, ...) is committed to
/// as [sum_j a_j tau^j] in G1: a sum of multiples by small integers. One commitment for everything would be smaller by some
/// kilobytes, but an opening costs sums of multiples by full-sized scalars, as long as the polynomial; with rows it is that of
/// one row, a fraction of the committing, and the reference string is short. A commitment is linear, so the verifier gets
/// that of a combination of rows from those of the rows, by one sum of multiples.
///
/// ## The opening
///
/// 1. All claims, and that the padding is zero, become one claim: the combination Z of rows with known coefficients has the
///    value y at rho, a point of the column variables (`ClaimReduction`).
/// 2. Z as a univariate polynomial f_0 is folded along rho, by the method of Gemini (Bootle, Chiesa, Hu, Orru, ePrint
///    2022/420, section 2.4.2) in the form that takes values instead of coefficients, known as HyperKZG: f_(i+1)(X^2) =
///    (1 - rho_i) e + rho_i o with e and o the parts of f_i = e(X^2) + X o(X^2). The prover commits to f_1 to f_(n-1); f_n is
///    y.
/// 3. The verifier draws r, and the prover sends f_i(r) and f_i(-r) for all i, and f_0(r^2). The values at r^2 of the other
///    f_i follow from these, and that of f_n must be y.
/// 4. The verifier draws lambda. B = sum_i lambda^i f_i has known values at r, -r and r^2, those of a polynomial I of degree
///    at most 2. The prover commits to Q = (B - I) / S with S = (X^2 - r^2)(X - r^2).
/// 5. Checked: e([B - I], [1]) = e([Q], [S(tau)]). The verifier has [B] and [I] from the commitments and from [tau] and
///    [tau^2] in G1, and [S(tau)] from [tau], [tau^2] and [tau^3] in G2. Two pairings, whatever is opened.
///
/// ## Why it is sound
///
/// *Assumed* is the algebraic group model (Fuchsbauer, Kiltz, Loss, ePrint 2017/620) with the hardness of the discrete logarithm
/// given the reference string: whoever outputs a point of G1 knows it as a combination of the powers of tau, so as a
/// polynomial of bounded degree D; and of a polynomial other than zero, tau is no root that they can find. (A ceremony's file
/// has multiples of the powers by two more secrets, and points of its contributors. What is checked has no such part on the
/// verifier's side, so these parts of a prover's points must fulfil it by themselves, and those in tau alone as below.) So each commitment
/// binds to a polynomial, and step 5 shows that S divides B - I.
///
/// The matrix M of step 1 has as row the C lowest coefficients of its polynomial. Then, over the challenges:
/// f_i has the values claimed, for all i, but for n/|E| over lambda; f_(i+1) is the fold of f_i, for all i, as polynomials,
/// but for (2D + 1)/|E| over r (r = 0 and r^2 = 1 are refused). If it is, f_n, as a polynomial, is the sum over k of X^k times
/// the k-th block of C coefficients of f_0, as a multilinear polynomial at rho, and f_n = y says that the lowest block, the
/// combination of rows of M, is y at rho: higher coefficients change nothing, so no bound on degrees has to be proved. That
/// leaves the errors of step 1.
///
/// *How hard.* The best attack known on BN curves of this size is on the extension field of degree 12, by number field
/// sieves (Kim, Barbulescu, CRYPTO 2016). Of the published estimates that of Menezes, Sarkar and Singh (ePrint 2016/1102) is
/// 110 bits and that of Barbulescu and Duquesne ("Updating key size estimations for pairings", Journal of Cryptology 32,
/// 2019) 100 bits; these are estimates and no proofs. The budget takes the lower one, as an assumption, and no level above is
/// promised. (In the groups themselves: 2^127 by Pollard's rho, and some less by the powers of tau that are given: Cheon,
/// EUROCRYPT 2006.) Besides, tau must be forgotten: see `ReferenceString`. A key holds the part of the string that verifiers
/// need, so whoever makes a key chooses the string.
public struct KZGScheme: CommitmentScheme {
    public typealias F = BN254ScalarField
    public typealias E = BN254Scalar
    public typealias ProverState = KZGState

    @usableFromInline let shapes: [CommittedShape]
    public let hash: HashFunction
    let layout: MatrixLayout
    let owners: [Int]
    /// The part of the reference string that the key holds.
    public let reference: VerifierReference
    public let budget: SoundnessBudget
    public let parameterDescription: String

    public static var schemeName: String { "kzg" }
    public static var options: Set<CommitmentOptions.Key> { [.columns] }

    /// The most powers of a reference string, as binary logarithm, in either group.
    static var mostPowerBits: Int { 29 }

    public static func makePublicParameters() throws -> [UInt8] { try ReferenceSource.verifier().encoded }

    public init(shapes: [CommittedShape], settings: CommitmentSettings) throws {
        let (securityBits, hash) = (settings.securityBits, settings.hash)
        try settings.options.require(only: Self.options, scheme: Self.schemeName)
        reference = try ReferenceSource.decode(settings.publicParameters)
        self.shapes = shapes
        self.hash = hash
        let sizes = shapes.map(\.shape)
        // No more columns than there are entries: the option is one for all commitments of a proof, small ones included.
        let padded = sizes.reduce(0) { $0 + $1.paddedCount }
        let columnBits =
            settings.options.columnBits.map { min($0, max(2, TensorShape.bits(max(padded, 1)))) }
            ?? Self.columnBits(sizes)
        guard (2...26).contains(columnBits), MatrixLayout.rowCount(sizes, columnBits: columnBits) <= 1 << 22 else {
            throw CommitmentError.option("\(Self.schemeName) cannot have \(1 << columnBits) columns here")
        }
        layout = MatrixLayout(shapes.map(\.shape), columnBits: columnBits)
        owners = layout.owners
        budget = Self.budget(columnBits: columnBits, reference)
        guard budget.totalBits >= Double(securityBits) else {
            throw CommitmentError.unreachableSecurity(
                scheme: Self.schemeName, requested: securityBits, nearest: budget.wholeBits)
        }
        parameterDescription =
            "\(Self.schemeName) \(F.name) \(hash.rawValue) columns 2^\(columnBits) rows \(layout.rowCount) reference "
            + "\(reference.label) \(hash.hash(reference.encoded)) shapes \(Statement.digest(shapes, hash: hash))"
    }

    /// The cheapest number of columns: a column costs the prover some 2 microseconds to open. A row costs 32 bytes of proof, and
    /// small proofs are what this scheme is for: a byte is worth 150 microseconds. Integers only: both sides get the same.
    static func columnBits(_ shapes: [TensorShape]) -> Int {
        let padded = shapes.reduce(0) { $0 + $1.paddedCount }
        let most = min(max(TensorShape.bits(max(padded, 1)), 2), 26)
        var best = (cost: Int.max, bits: 2)
        for bits in 2...most {
            let cost = 2400 * MatrixLayout.rowCount(shapes, columnBits: bits) + (1 << bits) + 8000 * bits
            if cost < best.cost { best = (cost, bits) }
        }
        return best.bits
    }

    private static func budget(columnBits n: Int, _ reference: VerifierReference) -> SoundnessBudget {
        // 2^253 < r.
        func bits(_ logarithm: Double) -> Double { 253.5 - logarithm }
        func log(_ count: Int) -> Double { Double(TensorShape.bits(count)) }
        var assumptions = [
            SoundnessBudget.Assumption(
                "discrete logarithms on BN254, in the algebraic group model: about 2^100 work (Barbulescu, Duquesne, J. Cryptology "
                    + "32, 2019; an estimate)", bits: 100),
            SoundnessBudget.Assumption("the secret of the reference string \(reference.label) was destroyed"),
        ]
        if reference.isInsecure {
            assumptions[1] = .init(
                "\(ReferenceString.insecureLabel) reference string: its secret is PUBLIC, anybody can prove anything",
                isFalse: true)
        }
        return SoundnessBudget(
            [
                .init(
                    name: "claim batching and padding", bits: bits(log(n + 1)),
                    theorem: "(c + 1) / |E|, independent coefficients, eq at a random point"),
                .init(name: "column sumcheck", bits: bits(log(2 * n)), theorem: "2 c / |E|"),
                .init(name: "row batching", bits: bits(0), theorem: "independent coefficients"),
                .init(
                    name: "folds", bits: bits(Double(mostPowerBits + 2)),
                    theorem:
                        "(2 D + 1) / |E|, polynomials of degree D < 2^\(mostPowerBits) that agree at a random point"),
                .init(name: "batched evaluations", bits: bits(log(n)), theorem: "n / |E|, powers of one challenge"),
            ], assumptions: assumptions)
    }

    /// The number of column variables, and of polynomials that an opening is about, for tests.
    package var foldCount: Int { layout.columnBits }

    public var commitmentByteCount: Int { layout.rowCount * G1.compressedByteCount }

    // MARK: Committing

    public func commit(_ vectors: [IntegerTensor]) throws -> (commitment: [UInt8], state: KZGState) {
        try Statement.requireShapes(vectors, shapes)
        guard layout.rowCount > 0 else { return ([], KZGState(commitment: [], string: nil)) }
        let string = try ReferenceSource.string(for: reference, size: layout.columnCount)
        var commitment: [UInt8] = []
        commitment.reserveCapacity(commitmentByteCount)
        // Rows with padding inside are laid out in memory; some at a time.
        let batch = max(16, (1 << 22) / layout.columnCount)
        for first in stride(from: 0, to: layout.rowCount, by: batch) {
            var scalars: [RowScalars] = []
            var starts: [Int] = []
            for row in first..<min(first + batch, layout.rowCount) {
                starts.append(scalars.count)
                scalars += rowScalars(row, of: vectors)
            }
            let sums = withExtendedLifetime(scalars) {
                string.withPoints { MultiScalar.sums(scalars.map(\.scalars), points: $0) }
            }
            for (start, end) in zip(starts, starts.dropFirst() + [sums.count]) {
                commitment += sums[start..<end].dropFirst().reduce(sums[start]) { $0 + $1 }.compressed
            }
        }
        return (commitment, KZGState(commitment: commitment, string: string))
    }

    /// The integers of one row of the matrix, in a vector for each of the types that they are stored in.
    private func rowScalars(_ row: Int, of vectors: [IntegerTensor]) -> [RowScalars] {
        if row < layout.ownRows {
            let vector = layout.vectors[owners[row]]
            var visitor = OwnRowScalars(layout: vector, row: row - vector.firstRow, columns: layout.columnCount)
            return [vectors[owners[row]].storage.visit(&visitor)]
        }
        let members = Dictionary(grouping: layout.sharedRows[row - layout.ownRows]) { vectors[$0].storage.byteWidth }
        return members.sorted { $0.key < $1.key }.map { width, members in
            switch width {
            case 1: sharedScalars(members, of: vectors, Int8.self)
            case 2: sharedScalars(members, of: vectors, Int16.self)
            case 4: sharedScalars(members, of: vectors, Int32.self)
            default: sharedScalars(members, of: vectors, Int64.self)
            }
        }
    }

    /// The integers of blocks of one type, by increasing columns, with zeros between them.
    private func sharedScalars<T: SmallInteger>(
        _ members: [Int], of vectors: [IntegerTensor], _: T.Type
    ) -> RowScalars {
        let last = layout.vectors[members.last!]
        let columns = layout.vectors[members[0]].firstColumn..<last.firstColumn + 1 << last.columnVariables
        let buffer = AlignedBuffer<T>(repeating: 0, count: columns.count)
        for v in members {
            var visitor = BlockEntries(layout: layout.vectors[v], first: columns.lowerBound, output: buffer.pointer)
            vectors[v].storage.visit(&visitor)
        }
        return RowScalars(scalars: .init(buffer.elements, firstPoint: columns.lowerBound), owner: buffer)
    }

    public func encodeState(_ state: KZGState) -> [UInt8] { [] }

    public func restoreState(
        _ bytes: [UInt8], vectors: [IntegerTensor], commitment: [UInt8]
    ) throws -> KZGState {
        try Statement.requireShapes(vectors, shapes)
        guard bytes.isEmpty, commitment.count == commitmentByteCount else {
            throw CommitmentError.wrongState("KZG commitments keep nothing")
        }
        guard layout.rowCount > 0 else { return KZGState(commitment: [], string: nil) }
        return KZGState(
            commitment: commitment, string: try ReferenceSource.string(for: reference, size: layout.columnCount))
    }

    // MARK: Opening

    public func open(
        _ vectors: [IntegerTensor], state: KZGState, claims: [OpeningClaim<BN254Scalar>], transcript: ProverTranscript
    ) {
        open(vectors, state: state, claims: claims, transcript: transcript, cheat: KZGCheat())
    }

    package func open(
        _ vectors: [IntegerTensor], state: KZGState, claims: [OpeningClaim<BN254Scalar>], transcript: ProverTranscript,
        cheat: KZGCheat
    ) {
        precondition(Statement.areWellFormed(claims, shapes), "a claim fits no committed vector")
        Statement.absorb(commitment: state.commitment, claims: claims, into: transcript)
        guard claims.count > 0, let string = state.string else { return }
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (_, padded) = reduction.randomRows(of: vectors, wholeSum: false)
        var (rows, weights) = reduction.groupRows(of: vectors, padded: padded)
        if let lie = cheat.groups {
            rows = rows.map { .table($0.table) }
            lie(rows.map(\.table), weights.map(\.table), reduction.gammas)
        }
        var (point, values) = ColumnSumcheck<F>.prove(
            rows: rows, weights: weights, columns: layout.columnCount, transcript: transcript)
        cheat.values?(&values)
        transcript.send("row values", values)
        let deltas: [E] = transcript.challenges("row batching", count: rows.count)
        let row = AlignedBuffer<E>(repeating: .zero, count: layout.columnCount)
        Parallel.forEachChunk(layout.columnCount, grain: 1 << 11) { range in
            for (groupRow, delta) in zip(rows, deltas) {
                groupRow.addScaled(range, by: delta, to: row.pointer + range.lowerBound)
            }
        }
        GeminiOpening.prove(row, at: point, string: string, transcript: transcript, cheat: cheat)
    }

    public func verify(
        commitment: [UInt8], claims: [OpeningClaim<BN254Scalar>], transcript: VerifierTranscript
    ) throws {
        try Statement.require(claims, shapes, commitment: commitment, byteCount: commitmentByteCount)
        Statement.absorb(commitment: commitment, claims: claims, into: transcript)
        guard claims.count > 0 else { return }
        let points = try GeminiOpening.points(commitment, "kzg commitment")
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (point, product) = try ColumnSumcheck<F>.verify(
            sum: reduction.sum, variables: layout.columnBits, transcript: transcript)
        let values: [E] = try transcript.receive("row values", count: reduction.groupCount)
        let deltas: [E] = transcript.challenges("row batching", count: reduction.groupCount)
        guard reduction.product(values[...], at: point) == product else {
            throw VerificationError(check: "column sumcheck", detail: "the values of the rows do not give its last sum")
        }
        var coefficients = [E](repeating: .zero, count: layout.rowCount)
        reduction.addCoefficients(deltas, to: &coefficients)
        let value = zip(deltas, values).reduce(E.zero) { $0 + $1.0 * $1.1 }
        try GeminiOpening.verify(
            rows: points, coefficients: coefficients, at: point, value: value, reference: reference,
            transcript: transcript)
    }
}

/// What the prover keeps: the commitment, and the reference string for openings.
public struct KZGState: Sendable {
    let commitment: [UInt8]
    /// Nil for a commitment to no vectors.
    let string: ReferenceString?
}

/// Ways for a test to cheat in `KZGScheme.open`; each changes the prover's own copy before it is used or sent.
package struct KZGCheat {
    /// The combinations of rows and the weights of columns, one a group, before the sumcheck, with the claims' coefficients.
    package var groups:
        (
            (_ rows: [AlignedBuffer<BN254Scalar>], _ weights: [AlignedBuffer<BN254Scalar>], _ gammas: [BN254Scalar]) ->
                Void
        )?
    /// The values of the rows at the point.
    package var values: ((inout [BN254Scalar]) -> Void)?
    /// The folds f_0 to f_(n-1), with the point.
    package var folds: (([AlignedBuffer<BN254Scalar>], [BN254Scalar]) -> Void)?
    /// The commitments to f_1 to f_(n-1), and the quotient's, as bytes.
    package var foldCommitments: ((inout [UInt8]) -> Void)?
    package var quotient: ((inout [UInt8]) -> Void)?
    /// f_i(r) and f_i(-r) one after the other, then f_0(r^2).
    package var evaluations: ((inout [BN254Scalar]) -> Void)?

    package init() {}
}

/// The integers of a row, in memory that `owner` keeps alive (or a vector's storage does).
private struct RowScalars {
    let scalars: MultiScalar.Scalars
    let owner: (any Sendable)?
}

/// The scalars of one row of a vector with rows of its own: as they are stored if there is no padding inside.
private struct OwnRowScalars: IntegerVisitor {
    let layout: RowLayout
    let row: Int
    let columns: Int

    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> RowScalars {
        let entries = UnsafeBufferPointer(rebasing: elements[layout.entries(ofRow: row)])
        if layout.isContiguous { return RowScalars(scalars: .init(entries), owner: nil) }
        let buffer = AlignedBuffer<T>(repeating: 0, count: columns)
        for run in 0..<entries.count / layout.runLength {
            (buffer.pointer + layout.runColumns[run]).update(
                from: entries.baseAddress! + run * layout.runLength, count: layout.runLength)
        }
        return RowScalars(scalars: .init(buffer.elements), owner: buffer)
    }
}

/// Writes the entries of a block, stored as `Output`, to its columns from column `first` on.
private struct BlockEntries<Output: SmallInteger>: IntegerVisitor {
    let layout: RowLayout
    let first: Int
    let output: UnsafeMutablePointer<Output>

    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        for (i, value) in elements.enumerated() {
            let (run, offset) = i.quotientAndRemainder(dividingBy: layout.runLength)
            output[layout.firstColumn - first + layout.runColumns[run] + offset] = Output(truncatingIfNeeded: value)
        }
    }
}
