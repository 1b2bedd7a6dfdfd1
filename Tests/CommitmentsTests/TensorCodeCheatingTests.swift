import Commitments
import Fields
import Tensors
import TestSupport
import Testing
import Transcripts

/// Provers that lie inside the protocol, each in one place, consistently everywhere else.
struct CheatingProver<F: ProofField, Code: LinearCode> where Code.F == F {
    typealias S = TensorCodeScheme<F, Code>
    typealias E = F.Challenge
    let trial: OpeningTrial<S>
    let claims: [OpeningClaim<E>]

    /// Three vectors of their own rows, two of them claimed at one column point, and two that share a row.
    init(
        securityBits: Int = 100, _ options: CommitmentOptions, tampering: ((EncodedMatrix) -> Void)? = nil
    ) throws {
        var random = CommitmentTestGenerator(seed: 17)
        let int8: ClosedRange<Int64> = -128...127
        let vectors = [[60, 100], [70, 64], [33, 60], [5], [2, 2]].map { random.tensor($0, int8) }
        let scheme = try OpeningTrial<S>.scheme(
            vectors, securityBits: securityBits, hash: .blake3, options: options)
        let made = try scheme.commit(vectors, tampering: tampering)
        let trial = OpeningTrial(scheme, vectors, commitment: made.commitment, state: made.state)
        let point: [E] = random.point(14)
        claims = [
            trial.claim(0, at: Array(point[..<13])), trial.claim(1, at: Array(point[..<13])),
            trial.claim(2, at: random.point(12)), trial.claim(3, at: random.point(3)),
            trial.claim(4, at: random.point(2)),
        ]
        self.trial = trial
    }

    func rejection(
        lies: [OpeningClaim<E>]? = nil, _ change: (inout TensorCodeCheat<E>) -> Void = { _ in }
    ) -> VerificationError? {
        var cheat = TensorCodeCheat<E>()
        change(&cheat)
        let transcript = trial.transcriptOfProver()
        trial.scheme.open(
            trial.vectors, state: trial.state, claims: lies ?? claims, transcript: transcript, cheat: cheat)
        return trial.rejection(transcript.proof, lies ?? claims)
    }
}

/// Where rows are sent.
func checkCheatingProvers<F: ProofField, Code: LinearCode>(_: Code.Type) throws where Code.F == F {
    typealias E = F.Challenge
    typealias Prover = CheatingProver<F, Code>
    let sent = try #require(CommitmentOptions("switch=off:grinding=16"))
    let prover = try Prover(sent)
    #expect(prover.rejection() == nil)

    // A false claim with rows that make the sumcheck true: only the columns can tell.
    for i in prover.claims.indices {
        var lies = prover.claims
        lies[i] = OpeningClaim(vector: lies[i].vector, point: lies[i].point, value: lies[i].value + .one)
        #expect(prover.rejection(lies: lies)?.check == "column sumcheck")
        for group in 0..<2 {
            let error = prover.rejection(lies: lies) { cheat in
                cheat.groups = { rows, weights, gammas, _ in
                    // Whatever group: an entry whose weight can be inverted takes the difference.
                    let entry = (0..<rows[group].count).first { !weights[group][$0].isZero }!
                    rows[group][entry] += gammas[i] * weights[group][entry].inverse()!
                }
            }
            #expect(error?.check == "column")
        }
    }
    // Rows changed so that the sumcheck stays true.
    #expect(
        prover.rejection { cheat in
            cheat.groups = { rows, weights, _, _ in
                rows[0][0] += weights[0][1]
                rows[0][1] -= weights[0][0]
            }
        }?.check == "column")
    // Rows changed so that it does not.
    #expect(
        prover.rejection { cheat in cheat.groups = { rows, _, _, _ in rows[0][3] += .one } }?.check == "column sumcheck"
    )
    // A wrong random row.
    #expect(prover.rejection { cheat in cheat.randomRow = { row, _ in row[5] += .one } }?.check == "column")
    #expect(
        prover.rejection { cheat in
            cheat.randomRow = { row, _ in for i in 0..<row.count { row[i] = .zero } }
        }?.check == "column")
    // Wrong values: of the random row, and of two groups so that their sum is right.
    #expect(prover.rejection { cheat in cheat.values = { $0[0] += .one } }?.check == "row value")
    #expect(prover.rejection { cheat in cheat.values = { $0[1] += .one } }?.check == "column sumcheck")
    // A wrong row, of another value and of the same.
    #expect(prover.rejection { cheat in cheat.sentRow = { row, _ in row[0] += .one } }?.check == "row value")
    #expect(
        prover.rejection { cheat in
            cheat.sentRow = { row, weights in
                row[0] += weights[1]
                row[1] -= weights[0]
            }
        }?.check == "column")
    #expect(
        prover.rejection { cheat in cheat.sentRow = { row, _ in row = row.map { _ in .zero } } }?.check == "row value")

    // Less work than is due: 1 bit in place of 16.
    #expect(prover.rejection { $0.grindingBits = 1 }?.check == "column grinding")

    // Committed words off the code. Beyond the radius no opening passes; one wrong column passes where it is not
    // opened.
    let columns = prover.trial.scheme.encodedColumns
    let radius = prover.trial.scheme.code.outline.radius
    func tampered(_ count: Int, first: Int, row: Int) throws -> VerificationError? {
        try Prover(sent) { matrix in
            for j in 0..<count {
                let entry = matrix.entry(row, (first + j) % columns)
                (F.Base(canonical: entry)! + .one).write(to: entry)
            }
        }.rejection()
    }
    for (first, row) in [(0, 0), (columns / 3, 4)] {
        #expect(try tampered(radius + 1, first: first, row: row)?.check == "column")
        #expect(try tampered(columns, first: first, row: row)?.check == "column")
    }
    var accepted = 0
    for first in 0..<40 where try tampered(1, first: 7 * first, row: 0) == nil { accepted += 1 }
    let opened = Double(prover.trial.scheme.queries) / Double(columns)
    // Of 40 trials, each accepted with probability 1 - opened; five deviations on either side.
    let spread = 5 * (40 * opened * (1 - opened)).squareRoot()
    #expect(abs(Double(accepted) - 40 * (1 - opened)) <= spread + 1e-9, "\(accepted) of 40 with \(opened) opened")
}

/// Where rows are shown by folding, their own code words or another code's.
func checkFoldingCheats<F: ProofField, Code: LinearCode>(_: Code.Type, _ options: String) throws where Code.F == F {
    typealias E = F.Challenge
    typealias Prover = CheatingProver<F, Code>
    let options = try #require(CommitmentOptions(options))
    let prover = try Prover(options)
    #expect(prover.rejection() == nil)
    let opening = prover.trial.scheme.opening
    let plan: FoldingPlan
    let isSwitched: Bool
    switch opening {
    case .sent:
        Issue.record("the row is sent")
        return
    case .folded(let it): (plan, isSwitched) = (it, false)
    case .switched(let it): (plan, isSwitched) = (it, true)
    }
    #expect(plan.foldBits.count >= 3, "too small for words to be committed to")
    // Rows that are not those of the matrix: the entries known from the columns are not those of the word committed to, or
    // the sum that the verifier makes of them is not the prover's.
    let offRow = isSwitched ? "fold sumcheck" : "merkle cap"

    for i in prover.claims.indices {
        var lies = prover.claims
        lies[i] = OpeningClaim(vector: lies[i].vector, point: lies[i].point, value: lies[i].value + .one)
        #expect(prover.rejection(lies: lies)?.check == "column sumcheck")
        let error = prover.rejection(lies: lies) { cheat in
            cheat.groups = { rows, weights, gammas, _ in
                let entry = (0..<rows[0].count).first { !weights[0][$0].isZero }!
                rows[0][entry] += gammas[i] * weights[0][entry].inverse()!
            }
        }
        #expect(error?.check == offRow)
    }
    #expect(prover.rejection { cheat in cheat.randomRow = { row, _ in row[5] += .one } }?.check == offRow)
    #expect(prover.rejection { cheat in cheat.values = { $0[0] += .one } }?.check == "fold sumcheck")
    #expect(prover.rejection { cheat in cheat.values = { $0[1] += .one } }?.check == "column sumcheck")

    // Every message of the folds.
    for round in 0..<plan.messageBits - plan.finalBits {
        for k in 0..<2 {
            let error = prover.rejection { cheat in
                cheat.folding.round = { if $0 == round { $1[k] += .one } }
            }
            #expect(error?.check == "fold sumcheck")
        }
    }
    // Another message with the same inner product, whose folds are honest from there on.
    #expect(
        prover.rejection { cheat in
            cheat.folding.message = { message, weights in
                message[0] += weights[1]
                message[1] -= weights[0]
            }
        }?.check == "fold")
    #expect(prover.rejection { cheat in cheat.folding.final = { $0[0] += .one } }?.check == "fold sumcheck")
    #expect(
        prover.rejection { cheat in cheat.folding.final = { $0 = $0.map { _ in .zero } } }?.check == "fold sumcheck")

    // Less work than is due.
    #expect(prover.rejection { $0.folding.grindingBits = 1 }?.check == "grinding")
    if isSwitched && options.grindingBits != nil {
        #expect(prover.rejection { $0.grindingBits = 1 }?.check == "column grinding")
    }

    // Words off the code: everywhere, just beyond the radius, and in one place, which passes unless it is opened.
    func offWord(_ number: Int, entries: Int, first: Int) -> VerificationError? {
        func change(_ word: AlignedBuffer<E>) {
            for j in 0..<entries { word[(first + j) % word.count] += .one }
        }
        return prover.rejection { cheat in
            if number == 0 {
                cheat.switchedWord = change
            } else {
                cheat.folding.word = { if $0 == number { change($1) } }
            }
        }
    }
    for number in (isSwitched ? 0 : 1)..<plan.foldBits.count {
        let length = 1 << plan.codeBits(number)
        let next = 1 << plan.codeBits(number + 1)
        let radius = (next - next >> plan.logInverseRate) / 2
        let allowed: Set<String> = ["merkle cap", "fold"]
        for entries in [length, (radius + 1) << plan.foldBits[number]] {
            #expect(allowed.contains(offWord(number, entries: entries, first: length / 3)?.check ?? "accepted"))
        }
        // A fibre is opened if one of the positions above it is.
        let above = 1 << (plan.codeBits(1) - plan.codeBits(number + 1))
        var passes = 1.0
        for k in 0..<above { passes *= 1 - Double(plan.queryCount) / Double(plan.positionCount - k) }
        let trials = 12
        var accepted = 0
        for t in 0..<trials where offWord(number, entries: 1, first: t * length / trials) == nil { accepted += 1 }
        let spread = 5 * (Double(trials) * passes * (1 - passes)).squareRoot()
        #expect(abs(Double(accepted) - Double(trials) * passes) <= spread + 1.5, "\(accepted) of \(trials), \(passes)")
    }

    // Committed columns off the code, a whole fibre's worth beyond the radius.
    let columns = prover.trial.scheme.encodedColumns
    let radius: Int
    if isSwitched {
        radius = prover.trial.scheme.code.outline.radius
    } else {
        radius = (plan.positionCount - plan.positionCount >> plan.logInverseRate) / 2
    }
    for count in [(radius + 1) << (isSwitched ? 0 : plan.foldBits[0]), columns] {
        let error = try Prover(options) { matrix in
            for j in 0..<count {
                let entry = matrix.entry(0, (columns / 5 + j) % columns)
                (F.Base(canonical: entry)! + .one).write(to: entry)
            }
        }.rejection()
        #expect(error?.check == offRow)
    }
}

/// A prover who commits to a fourth entry in a vector of three, consistently, and claims it.
func checkPadding<F: ProofField, Code: LinearCode>(
    _: Code.Type, _ options: String? = nil, _ found: Set<String> = ["column"]
) throws where Code.F == F {
    let options = try options.map { try #require(CommitmentOptions($0)) } ?? CommitmentOptions()
    typealias S = TensorCodeScheme<F, Code>
    typealias E = F.Challenge
    for dimensions in [[3], [3, 3], [70, 101], [3, 601]] {
        let count = dimensions.reduce(1, *)
        let vector = IntegerTensor(
            shape: TensorShape(dimensions), range: -128...127, values: (0..<Int64(count)).map { ($0 * 7) % 100 })
        let scheme = try OpeningTrial<S>.scheme([vector], securityBits: 90, hash: .blake3, options: options)
        let layout = MatrixLayout([vector.shape], columnBits: scheme.code.outline.messageBits)
        // The last row ends in padding; what is put there belongs to a padded index.
        let row = layout.rowCount - 1
        let padding = try #require(
            layout.sharedPaddings.last ?? layout.vectorPaddings[0].partial ?? layout.vectorPaddings[0].full)
        let column = layout.paddings[padding].first!.lowerBound
        for junk in [0, 5] {
            let entry = F.Base(Int64(junk))
            // Linear: the code word of the row changes by that of the entry.
            let word = AlignedBuffer<F.Base>(repeating: .zero, count: scheme.code.outline.length)
            word[column] = entry
            scheme.code.encode(interleaved: word.pointer, stride: 1, width: 1)
            let made = try scheme.commit(
                [vector],
                tampering: { matrix in
                    for j in 0..<word.count {
                        let place = matrix.entry(row, j)
                        (F.Base(canonical: place)! + word[j]).write(to: place)
                    }
                })
            let trial = OpeningTrial(scheme, [vector], commitment: made.commitment, state: made.state)
            var random = CommitmentTestGenerator(seed: 8)
            let point: [E] = random.point(vector.shape.variableCount)
            let columnPart = layout.vectors[0].columnPoint(point)
            let weights = AlignedBuffer<E>(repeating: .zero, count: layout.rowCount)
            layout.vectors[0].addRowWeights(F.self, point, scale: .one, to: weights.pointer)
            let eq = AlignedBuffer<E>(uninitialized: layout.columnCount)
            F.expandEq(columnPart, scale: .one, into: eq.pointer)
            let truth = trial.claim(0, at: point)
            let claim = OpeningClaim(
                vector: 0, point: point, value: truth.value + weights[row] * eq[column].scaled(by: entry))

            var cheat = TensorCodeCheat<E>()
            cheat.groups = { rows, _, gammas, random in
                let share = layout.vectors[0].isBlock ? E.one : gammas[0] * weights[row]
                rows[0][column] += share.scaled(by: entry)
                rows[1 + padding][column] += random[row].scaled(by: entry)
            }
            cheat.randomRow = { sum, random in sum[column] += random[row].scaled(by: entry) }
            let transcript = trial.transcriptOfProver()
            scheme.open([vector], state: made.state, claims: [claim], transcript: transcript, cheat: cheat)
            let error = trial.rejection(transcript.proof, [claim])
            #expect(error?.check == (junk == 0 ? nil : "column sumcheck"), "\(dimensions)")

            // The same with the entry left out where padding is summed: the sumcheck is true, the columns are not.
            cheat.groups = { rows, _, gammas, _ in
                let share = layout.vectors[0].isBlock ? E.one : gammas[0] * weights[row]
                rows[0][column] += share.scaled(by: entry)
            }
            let second = trial.transcriptOfProver()
            scheme.open([vector], state: made.state, claims: [claim], transcript: second, cheat: cheat)
            let check = trial.rejection(second.proof, [claim])?.check
            #expect(junk == 0 ? check == nil : found.contains(check ?? "accepted"), "\(dimensions)")
        }
    }
}

/// Two matrices of code words that differ in one entry of the message, and provers who commit to one in between: it has the
/// columns of the second where `count` of those lie in which the two differ, else of the first. They claim what either gives.
func checkNearWords<F: ProofField, Code: LinearCode>(_: Code.Type, _ options: String) throws where Code.F == F {
    typealias S = TensorCodeScheme<F, Code>
    typealias E = F.Challenge
    let options = try #require(CommitmentOptions(options))
    // Without padding, so that there is one group of claims and nothing else.
    let vector = IntegerTensor(
        shape: TensorShape([64, 128]), range: -128...127, values: (0..<8192).map { ($0 * 7) % 100 })
    let scheme = try OpeningTrial<S>.scheme([vector], securityBits: 100, hash: .blake3, options: options)
    let layout = MatrixLayout([vector.shape], columnBits: scheme.code.outline.messageBits)
    // In a folded word the radius is one of fibres.
    var (radius, fibre) = (scheme.code.outline.radius, 1)
    if case .folded(let plan) = scheme.opening {
        radius = (plan.positionCount - plan.positionCount >> plan.logInverseRate) / 2
        fibre = 1 << plan.foldBits[0]
    }
    let entry = (row: 0, column: 5)
    let word = AlignedBuffer<F.Base>(repeating: .zero, count: scheme.encodedColumns)
    word[entry.column] = .one
    scheme.code.encode(interleaved: word.pointer, stride: 1, width: 1)
    let fibres = (0..<word.count / fibre).map { Array($0 * fibre..<($0 + 1) * fibre) }.filter { columns in
        columns.contains { !word[$0].isZero }
    }
    #expect(fibres.count > 2 * radius)

    var random = CommitmentTestGenerator(seed: 23)
    let point: [E] = random.point(vector.shape.variableCount)
    let weights = AlignedBuffer<E>(repeating: .zero, count: layout.rowCount)
    layout.vectors[0].addRowWeights(F.self, point, scale: .one, to: weights.pointer)
    let eq = AlignedBuffer<E>(uninitialized: layout.columnCount)
    F.expandEq(layout.vectors[0].columnPoint(point), scale: .one, into: eq.pointer)
    let change = weights[entry.row] * eq[entry.column]
    /// What the verifier says to the claim that the second matrix gives, or the first.
    func rejection(_ count: Int, first: Int = 0, second: Bool) throws -> VerificationError? {
        let made = try scheme.commit(
            [vector],
            tampering: { matrix in
                for k in 0..<count {
                    for j in fibres[(first + k) % fibres.count] {
                        let place = matrix.entry(entry.row, j)
                        (F.Base(canonical: place)! + word[j]).write(to: place)
                    }
                }
            })
        let trial = OpeningTrial(scheme, [vector], commitment: made.commitment, state: made.state)
        let value = trial.claim(0, at: point).value
        let claim = OpeningClaim(vector: 0, point: point, value: second ? value + change : value)
        var cheat = TensorCodeCheat<E>()
        if second {
            cheat.groups = { rows, _, gammas, _ in rows[0][entry.column] += gammas[0] * weights[entry.row] }
            cheat.randomRow = { row, random in row[entry.column] += random[entry.row] }
        }
        let transcript = trial.transcriptOfProver()
        scheme.open([vector], state: made.state, claims: [claim], transcript: transcript, cheat: cheat)
        return trial.rejection(transcript.proof, [claim])
    }
    let checks: Set<String>
    switch scheme.opening {
    case .sent: checks = ["column"]
    case .folded: checks = ["merkle cap", "fold"]
    case .switched: checks = ["fold sumcheck"]
    }
    // The matrices themselves: each gives its own claim and not the other.
    for second in [false, true] {
        #expect(try rejection(second ? fibres.count : 0, second: second) == nil)
        #expect(checks.contains(try rejection(second ? 0 : fibres.count, second: second)?.check ?? "accepted"))
    }
    // Within the radius of the one, just outside, as far from both, within the radius of the other.
    for first in [0, fibres.count / 3] {
        for count in [radius, radius + 1, fibres.count / 2, fibres.count - radius] {
            for second in [false, true] {
                let check = try rejection(count, first: first, second: second)?.check ?? "accepted"
                #expect(checks.contains(check), "\(check): \(count) of \(fibres.count), \(second)")
            }
        }
    }
}

/// A prover who commits to entries in encodings that are not canonical, in every column, and opens them as they are.
func checkEncodings<F: ProofField, Code: LinearCode>(_: Code.Type, _ options: String) throws where Code.F == F {
    typealias Prover = CheatingProver<F, Code>
    let options = try #require(CommitmentOptions(options))
    let width = F.Base.byteCount
    let columns = try Prover(options).trial.scheme.encodedColumns
    for row in [0, 3] {
        var sameElement = 0
        let prover = try Prover(options) { matrix in
            for j in 0..<columns {
                let place = UnsafeMutableBufferPointer(start: matrix.entry(row, j), count: width)
                let wrong = notCanonical(Array(place), modulus: F.modulus)
                // The modulus itself stands in for what has no second encoding.
                if wrong != notCanonical([UInt8](repeating: 0, count: width), modulus: F.modulus) { sameElement += 1 }
                _ = place.update(from: wrong)
            }
        }
        let error = prover.rejection()
        #expect(error?.check == "opened columns" && error?.detail.contains("not canonical") == true, "row \(row)")
        // Of Goldilocks 1 in 2^32 elements has a second encoding.
        #expect(width == 8 || sameElement > columns / 2)
    }
}

/// The leaf of a column that is hashed in bands; columns that are kept, and columns that are encoded again.
func checkBands<F: ProofField, Code: LinearCode>(_: Code.Type) throws where Code.F == F {
    typealias S = TensorCodeScheme<F, Code>
    var random = CommitmentTestGenerator(seed: 3)
    let vectors = [[90, 100], [3]].map { random.tensor($0, -128...127) }
    let shapes = vectors.map { CommittedShape(shape: $0.shape, range: $0.range) }
    let settings = CommitmentSettings(securityBits: 80, hash: .blake3)
    let keeping = try S(shapes: shapes, settings: settings)
    let encodingAgain = try S(shapes: shapes, settings: settings, keptBytes: 1)
    #expect(keeping.parameterDescription == encodingAgain.parameterDescription)
    #expect(try keeping.commit(vectors).commitment == encodingAgain.commit(vectors).commitment)
    for scheme in [keeping, encodingAgain] {
        let trial = try OpeningTrial(scheme, vectors)
        let claims = [trial.claim(0, at: random.point(14)), trial.claim(1, at: random.point(2))]
        let proof = trial.prove(claims)
        #expect(trial.rejection(proof, claims) == nil)
        for i in stride(from: proof.bytes.count - 1, to: 0, by: -proof.bytes.count / 50) {
            var wrong = proof
            wrong.bytes[i] ^= 4
            #expect(trial.rejection(wrong, claims) != nil)
        }
        let state = try scheme.restoreState(
            scheme.encodeState(trial.state), vectors: vectors, commitment: trial.commitment)
        #expect(OpeningTrial(scheme, vectors, commitment: trial.commitment, state: state).prove(claims) == proof)
    }
}

@Suite struct TensorCodeCheatingTests {
    @Test func reedSolomon() throws {
        try checkCheatingProvers(ReedSolomonCode<Mersenne31>.self)
        try checkCheatingProvers(ReedSolomonCode<GoldilocksField>.self)
        try checkCheatingProvers(ReedSolomonCode<BN254ScalarField>.self)
    }

    @Test func expander() throws {
        try checkCheatingProvers(ExpanderCode<Mersenne31>.self)
        try checkCheatingProvers(ExpanderCode<GoldilocksField>.self)
        try checkCheatingProvers(ExpanderCode<BN254ScalarField>.self)
    }

    @Test func padding() throws {
        try checkPadding(ReedSolomonCode<Mersenne31>.self, "switch=off")
        try checkPadding(ReedSolomonCode<GoldilocksField>.self, "switch=off")
        try checkPadding(ReedSolomonCode<BN254ScalarField>.self, "switch=off")
        try checkPadding(ExpanderCode<Mersenne31>.self, "switch=off")
        try checkPadding(ExpanderCode<GoldilocksField>.self, "switch=off")
        try checkPadding(ExpanderCode<BN254ScalarField>.self, "switch=off")
        try checkPadding(FoldedReedSolomonCode<Mersenne31>.self, nil, ["merkle cap", "fold"])
        try checkPadding(FoldedReedSolomonCode<BN254ScalarField>.self, nil, ["merkle cap", "fold"])
        try checkPadding(FoldedReedSolomonCode<GoldilocksField>.self, nil, ["merkle cap", "fold"])
        try checkPadding(ReedSolomonCode<Mersenne31>.self, "switch=on", ["fold sumcheck"])
        try checkPadding(ReedSolomonCode<BN254ScalarField>.self, "switch=on", ["fold sumcheck"])
        try checkPadding(ExpanderCode<GoldilocksField>.self, "switch=on", ["fold sumcheck"])
    }

    @Test func folded() throws {
        try checkFoldingCheats(FoldedReedSolomonCode<Mersenne31>.self, "rate=1/4:columns=8192:arity=2")
        try checkFoldingCheats(FoldedReedSolomonCode<GoldilocksField>.self, "columns=4096:arity=2:cap=16")
        try checkFoldingCheats(FoldedReedSolomonCode<BN254ScalarField>.self, "rate=1/2:columns=4096:arity=2")
    }

    @Test func switched() throws {
        try checkFoldingCheats(ReedSolomonCode<Mersenne31>.self, "columns=4096:arity=2:grinding=16:switch=on")
        try checkFoldingCheats(ReedSolomonCode<GoldilocksField>.self, "columns=4096:arity=2:switch=on")
        try checkFoldingCheats(ReedSolomonCode<BN254ScalarField>.self, "columns=4096:arity=2:switch=on")
        try checkFoldingCheats(ExpanderCode<Mersenne31>.self, "columns=4096:arity=2:switch=on")
        try checkFoldingCheats(ExpanderCode<GoldilocksField>.self, "columns=4096:arity=2:grinding=16:switch=on")
    }

    @Test func nearWords() throws {
        try checkNearWords(ReedSolomonCode<Mersenne31>.self, "switch=off:columns=1024")
        try checkNearWords(ReedSolomonCode<Mersenne31>.self, "switch=on:columns=1024")
        try checkNearWords(ReedSolomonCode<GoldilocksField>.self, "switch=off:columns=1024")
        try checkNearWords(ReedSolomonCode<GoldilocksField>.self, "switch=on:columns=1024")
        try checkNearWords(ReedSolomonCode<BN254ScalarField>.self, "switch=off:columns=1024")
        try checkNearWords(ReedSolomonCode<BN254ScalarField>.self, "switch=on:columns=1024")
        try checkNearWords(ExpanderCode<Mersenne31>.self, "switch=off:columns=2048")
        try checkNearWords(ExpanderCode<Mersenne31>.self, "switch=on:columns=2048")
        try checkNearWords(ExpanderCode<GoldilocksField>.self, "switch=off:columns=1024")
        try checkNearWords(ExpanderCode<GoldilocksField>.self, "switch=on:columns=1024")
        try checkNearWords(ExpanderCode<BN254ScalarField>.self, "switch=off:columns=512")
        try checkNearWords(ExpanderCode<BN254ScalarField>.self, "switch=on:columns=512")
        try checkNearWords(FoldedReedSolomonCode<Mersenne31>.self, "columns=1024:arity=4:grinding=8")
        try checkNearWords(FoldedReedSolomonCode<GoldilocksField>.self, "columns=1024:arity=4:grinding=8")
        try checkNearWords(FoldedReedSolomonCode<BN254ScalarField>.self, "columns=1024:arity=4:grinding=8")
    }

    @Test func encodings() throws {
        try checkEncodings(ReedSolomonCode<Mersenne31>.self, "switch=off")
        try checkEncodings(ReedSolomonCode<Mersenne31>.self, "switch=on")
        try checkEncodings(FoldedReedSolomonCode<Mersenne31>.self, "grinding=0")
        try checkEncodings(ExpanderCode<Mersenne31>.self, "switch=off")
        try checkEncodings(ReedSolomonCode<GoldilocksField>.self, "switch=off")
        try checkEncodings(FoldedReedSolomonCode<GoldilocksField>.self, "grinding=0")
        try checkEncodings(ExpanderCode<GoldilocksField>.self, "switch=off")
        try checkEncodings(ReedSolomonCode<BN254ScalarField>.self, "switch=off")
        try checkEncodings(FoldedReedSolomonCode<BN254ScalarField>.self, "grinding=0")
        try checkEncodings(ExpanderCode<BN254ScalarField>.self, "switch=off")
    }

    @Test func bands() throws {
        try checkBands(ExpanderCode<Mersenne31>.self)
        try checkBands(ReedSolomonCode<Mersenne31>.self)
        try checkBands(ReedSolomonCode<GoldilocksField>.self)
        try checkBands(ReedSolomonCode<BN254ScalarField>.self)
        try checkBands(FoldedReedSolomonCode<BN254ScalarField>.self)
    }

    /// Levels that a field does not reach are refused, and the nearest one is right.
    @Test func unreachableLevels() throws {
        func nearest<F: ProofField>(_: F.Type, _ dimensions: [Int], _ bits: Int) -> Int? {
            let shapes = [CommittedShape(shape: TensorShape(dimensions), range: -128...127)]
            do {
                _ = try OrionScheme<F>(shapes: shapes, securityBits: bits, hash: .blake3)
                return nil
            } catch CommitmentError.unreachableSecurity(_, _, let nearest) {
                return nearest
            } catch {
                return -1
            }
        }
        for (name, level) in [
            ("m31", { nearest(Mersenne31.self, [1000, 1500], $0) }),
            ("goldilocks", { nearest(GoldilocksField.self, [1000, 1500], $0) }),
        ] {
            let reached = try #require(level(128), "\(name) should not reach 128 bits")
            #expect((105...127).contains(reached))
            #expect(level(reached) == nil)
            #expect(level(reached + 1) == reached)
        }
        #expect(nearest(BN254ScalarField.self, [1000, 1500], 128) == nil)
    }
}
