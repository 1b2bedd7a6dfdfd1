import Fields
import Tensors
import Transcripts

/// Commitments by tensor codes: vectors as rows of a matrix, rows encoded by a linear code, columns hashed into a
/// Merkle tree (Ames, Hazay, Ishai, Venkitasubramaniam, "Ligero", CCS 2017; Golovnev, Lee, Setty, Thaler, Wahby,
/// "Brakedown", ePrint 2021/1043; Xie, Zhang, Song, "Orion", ePrint 2022/1010).
///
/// ## The opening
///
/// Let M be the R x C matrix of all vectors, M* the R x n matrix of code words under the tree, E the challenge field.
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
/// 3. The prover sends these and V(rho), where V = t M.
/// 4. The verifier draws a coefficient delta_g for each group. The prover sends `Z = V + sum_g delta_g u_g` in clear.
/// 5. After some grinding the verifier draws distinct columns, and the prover opens them. Checked: Z(rho) is the same
///    combination of the values of step 3, and Enc(Z) = (t + sum_g delta_g coefficients of u_g) M* at each opened column.
///
/// One row serves proximity and evaluation, because its coefficients include t, which is uniform, drawn after the
/// commitment and independent of all else. That V is sent only as its value before delta and as a part of Z afterwards
/// saves a row.
///
/// ## Why it is sound
///
/// *Lines.* The code's line theorem: if more than a points of {u + z v : z in E} are within e of C, then u and v agree
/// with two code words outside one set of e columns.
///
/// *Spans.* If M* does not agree with a matrix of code words outside any e columns ("far"), then a random combination
/// of its rows is within e of C with probability at most (a + 1)/|E|. First, some row w0 of the span is far: otherwise
/// all of the span is within e; nearest code words are unique (2e < d) and, by the line theorem on each plane, linear
/// in the row; a column in which some row of M* is wrong is wrong in a random combination with probability 1 - 1/|E|,
/// so at most e/(1 - 1/|E|) < e + 1 columns are. Second, the lines through w0 partition the rest of the span, and each
/// has at most a points within e, or w0 would be: a fraction of at most a/(|E| - 1) <= (a + 1)/|E|. The same argument
/// with V* = t M* as w0 shows that V* + sum_g delta_g u*_g is near with probability at most (a + 1)/|E| over delta when
/// V* is far. (For Reed-Solomon over M31 code words form a subcode of the code C' of the theorem; a matrix near C' and
/// not near C has a random combination nearest to a word of C with probability 1/|E|, hence a = n + 1 there.)
///
/// *Far.* So if M* is far, Z* = (t + ...) M* is far from every code word but for an error of 2(a + 1)/|E|, and whatever
/// Z is sent, at least e + 1 columns of Enc(Z) are wrong.
///
/// *Near.* Otherwise M* agrees with code words of a unique matrix M' outside e columns. If Z is not (t + ...) M', then
/// Enc(Z) differs from that combination's code word in at least d columns, and from Z* in at least d - e >= e + 1.
///
/// Either way all queries miss with the hypergeometric probability of the budget, or Z = (t + ...) M'. Then the values
/// of step 3 are those of M' but for an error of 1/|E| over delta; and the sumcheck fails to show a false sum but for
/// 2c/|E|. The sum is false but for (c + 1)/|E| if M' has an entry in the padding (c/|E| for a row's padding to vanish
/// at sigma, 1/|E| over t), and but for 1/|E| over gamma if a claim on M' is false. M' lies in the base field: it
/// agrees with M*, which does, outside e < d columns, so coordinates of its rows other than the first are code words of
/// weight below d, zero. Each bound is for one round of challenges, after which the transcript is doomed, so the sum
/// also bounds the error of the Fiat-Shamir transform for each hash evaluation of a cheating prover; grinding multiplies the work
/// for a new set of columns.
///
/// ## Without sending the row
///
/// *Folded* (`RowOpening.folded`, "fri"): Z is not sent. Its value at rho, and that its code word has the combinations of the
/// columns as entries, are shown by folding (`FoldingProof`), whose word 0 those combinations are. "Far" and "near" are then
/// said of fibres of b columns: M* is a matrix of tuples of b R words over the n_1 = n / b positions of word 1, to be of the
/// Reed-Solomon code of dimension K_1 there, with e_1 = (n_1 - K_1) / 2 and a = n_1 by the line theorem for tuples. (No subcode
/// over M31: word 1 of a circle code is Reed-Solomon.) *Spans* and *Far* above apply as they stand, so Z* is far if M* is, and
/// `FoldingProof` rejects; if M* is near M', Z* is near the code word of (t + ...) M', and the proof is about that. M' lies in the
/// base field because e_1 is less than half the distance, fibre by fibre.
///
/// *Switched* (`RowOpening.switched`): Z is committed to by another code's word before the grinding for the columns. If that word is
/// not close to a code word, `FoldingProof` rejects; else it determines Z, as if Z had been sent. The combinations of the
/// opened columns, y_q, are absorbed, coefficients beta_q drawn, and the folds show Z(rho) + sum_q beta_q Enc(Z)_q = value +
/// sum_q beta_q y_q: a linear function of Z. If any y_q is not Enc(Z)_q, that is false but for 1/|E|.
public struct TensorCodeScheme<F: ProofField, Code: LinearCode>: CommitmentScheme where Code.F == F {
    public typealias E = F.Challenge

    let shapes: [CommittedShape]
    public let hash: HashFunction
    public let code: Code
    let layout: MatrixLayout
    let owners: [Int]
    /// How the combination of rows is shown.
    public let opening: RowOpening
    /// The number of columns that are opened.
    let queryCount: Int
    /// Bits of grinding before they are drawn; where code words are folded, that is the plan's.
    let grindingBits: Int
    /// log2 of the number of nodes of the commitment.
    let capHeight: Int
    let leafCount: Int
    /// Rows that are encoded and hashed together, a *band*: 256 bytes of each column, or what the code encodes at a time.
    /// The leaf of a column is the hash of the hashes of its bands, in order; of a single band, its hash.
    let bandRows: Int
    /// Whether the encoded matrix is kept until the opening, rather than encoded again.
    let keepsMatrix: Bool
    public let budget: SoundnessBudget
    public let parameterDescription: String

    public static var schemeName: String { Code.schemeName }
    public static var options: Set<CommitmentOptions.Key> { Code.options }

    /// The largest encoded matrix that stays in memory, in bytes.
    static var keptBytes: Int { 256 << 20 }

    public init(shapes: [CommittedShape], settings: CommitmentSettings) throws {
        try self.init(shapes: shapes, settings: settings, keptBytes: Self.keptBytes)
    }

    /// The same with another bound on memory, for tests.
    package init(shapes: [CommittedShape], settings: CommitmentSettings, keptBytes: Int) throws {
        try settings.options.require(only: Code.options, scheme: Code.schemeName)
        try Statement.requireNoPublicParameters(settings, scheme: Code.schemeName)
        let sizes = shapes.map(\.shape)
        func cheapest(_ bits: Int) -> TensorCodeParameters<F, Code>? {
            TensorCodeParameters.cheapest(shapes: sizes, securityBits: bits, options: settings.options)
        }
        guard let parameters = cheapest(settings.securityBits) else {
            // The highest level that can be had.
            var (nearest, above) = (0, settings.securityBits)
            while above - nearest > 1 {
                let middle = (nearest + above) / 2
                if cheapest(middle) == nil { above = middle } else { nearest = middle }
            }
            if nearest == 0 && !settings.options.isEmpty {
                throw CommitmentError.option(
                    "\(Code.schemeName) over \(F.name) has no code with \(settings.options) for vectors of this size")
            }
            throw CommitmentError.unreachableSecurity(
                scheme: Code.schemeName, requested: settings.securityBits, nearest: nearest)
        }
        try self.init(parameters, shapes: shapes, settings: settings, keptBytes: keptBytes)
    }

    /// The same with a code chosen by the caller and rows that are sent, for measurements of one code.
    public init(shapes: [CommittedShape], outline: CodeOutline, securityBits: Int, hash: HashFunction) throws {
        let rows = MatrixLayout.rowCount(shapes.map(\.shape), columnBits: outline.messageBits)
        guard
            let parameters = TensorCodeParameters<F, Code>(outline, rowCount: rows, securityBits: securityBits)
        else {
            throw CommitmentError.unreachableSecurity(
                scheme: Code.schemeName, requested: securityBits, nearest: 0)
        }
        try self.init(
            parameters, shapes: shapes, settings: CommitmentSettings(securityBits: securityBits, hash: hash),
            keptBytes: Self.keptBytes)
    }

    private init(
        _ parameters: TensorCodeParameters<F, Code>, shapes: [CommittedShape], settings: CommitmentSettings,
        keptBytes: Int
    ) throws {
        let sizes = shapes.map(\.shape)
        let securityBits = settings.securityBits
        self.shapes = shapes
        self.hash = settings.hash
        self.code = try Code(parameters.outline, failureBits: securityBits + 5)
        self.layout = MatrixLayout(sizes, columnBits: parameters.outline.messageBits)
        self.owners = layout.owners
        self.opening = parameters.opening
        if case .folded(let plan) = opening {
            self.queryCount = plan.queryCount << plan.foldBits[0]
            self.grindingBits = 0
        } else {
            self.queryCount = parameters.queries.count
            self.grindingBits = parameters.grindingBits
        }
        self.budget = parameters.budget + code.budget
        precondition(layout.rowCount == parameters.rowCount)
        guard budget.totalBits >= Double(securityBits) else {
            throw CommitmentError.unreachableSecurity(
                scheme: Code.schemeName, requested: securityBits, nearest: budget.wholeBits)
        }
        let length = parameters.outline.length
        self.leafCount = 1 << TensorShape.bits(length)
        self.capHeight = min(settings.options.capBits ?? 0, TensorShape.bits(length))
        self.bandRows = max(Code.preferredWidth, 256 / F.Base.byteCount)
        self.keepsMatrix = !Code.isCheaperThanMemory && layout.rowCount * F.Base.byteCount * length <= keptBytes
        self.parameterDescription =
            "\(Code.schemeName) \(F.name) \(hash.rawValue) \(code.description) rows \(layout.rowCount) columns "
            + "\(queryCount)\(grindingBits > 0 ? " grinding \(grindingBits)" : "") cap \(capHeight) bands of \(bandRows)"
            + (opening.plan.map { " \($0)" } ?? "") + " shapes \(Statement.digest(shapes, hash: hash))"
    }

    public var commitmentByteCount: Int { layout.rowCount == 0 ? 0 : Digest.byteCount << capHeight }

    /// The number of columns that an opening shows.
    public var queries: Int { queryCount }

    /// Columns of the encoded matrix, for tests that tamper with it.
    package var encodedColumns: Int { codeLength }

    var rowCount: Int { layout.rowCount }
    var columnCount: Int { layout.columnCount }
    var codeLength: Int { code.outline.length }
    var columnBytes: Int { layout.rowCount * F.Base.byteCount }
    var bandCount: Int { (rowCount + bandRows - 1) / bandRows }
    func rows(ofBand band: Int) -> Range<Int> { band * bandRows..<min((band + 1) * bandRows, rowCount) }
}

/// Code words as canonical bytes: in each band of rows, column after column.
public struct EncodedMatrix: Sendable {
    let bands: [AlignedBuffer<UInt8>]
    let bandRows: Int
    let columns: Int
    let elementBytes: Int

    init(bands: [AlignedBuffer<UInt8>], bandRows: Int, columns: Int, elementBytes: Int) {
        self.bands = bands
        self.bandRows = bandRows
        self.columns = columns
        self.elementBytes = elementBytes
    }

    /// The entry at a row and column.
    package func entry(_ row: Int, _ column: Int) -> UnsafeMutablePointer<UInt8> {
        let band = bands[row / bandRows]
        return band.pointer + column * (band.count / columns) + row % bandRows * elementBytes
    }

    /// Writes a whole column.
    func copyColumn(_ column: Int, to target: UnsafeMutablePointer<UInt8>) {
        var target = target
        for band in bands {
            let bytes = band.count / columns
            target.update(from: band.pointer + column * bytes, count: bytes)
            target += bytes
        }
    }
}

/// What the prover keeps: the tree and, where encoding again would be dear, the encoded matrix.
public struct TensorCodeState: Sendable {
    /// Nil for a commitment to no vectors.
    let tree: MerkleTree?
    let matrix: EncodedMatrix?

    init(tree: MerkleTree?, matrix: EncodedMatrix?) {
        self.tree = tree
        self.matrix = matrix
    }
}

/// Orion-style commitments with a Reed-Solomon code, "orion".
public typealias OrionScheme<F: ProofField> = TensorCodeScheme<F, ReedSolomonCode<F>>

/// Interleaved Reed-Solomon code words that are folded, "fri".
public typealias FRIScheme<F: ProofField> = TensorCodeScheme<F, FoldedReedSolomonCode<F>>
