import Fields
import Multilinears
import Tensors
import Transcripts

/// Ways for a test to cheat in `TensorCodeScheme.open`; each changes the prover's own copy before it is used or sent.
package struct TensorCodeCheat<E: Field> {
    /// The combinations of rows and the weights of columns, one a group, before the sumcheck, with the claims'
    /// coefficients and those of the random row.
    package var groups:
        ((_ rows: [AlignedBuffer<E>], _ weights: [AlignedBuffer<E>], _ gammas: [E], _ random: [E]) -> Void)?
    /// The random combination V, with its coefficients.
    package var randomRow: ((_ row: AlignedBuffer<E>, _ random: [E]) -> Void)?
    /// The values of step 3: V's, then a group's after the other.
    package var values: ((_ values: inout [E]) -> Void)?
    /// The row Z that is sent, with the column weights at which the verifier evaluates it.
    package var sentRow: ((_ row: inout [E], _ weights: AlignedBuffer<E>) -> Void)?

    /// The word of the row, where it is committed to by itself.
    package var switchedWord: ((_ word: AlignedBuffer<E>) -> Void)?
    /// Bits of grinding for the columns, in place of those that are due.
    package var grindingBits: Int?
    /// The folds.
    package var folding = FoldingCheat<E>()

    package init() {}
}

extension TensorCodeScheme {
    public func open(
        _ vectors: [IntegerTensor], state: TensorCodeState, claims: [OpeningClaim<F.Challenge>],
        transcript: ProverTranscript
    ) {
        open(vectors, state: state, claims: claims, transcript: transcript, cheat: TensorCodeCheat())
    }

    package func open(
        _ vectors: [IntegerTensor], state: TensorCodeState, claims: [OpeningClaim<F.Challenge>],
        transcript: ProverTranscript, cheat: TensorCodeCheat<F.Challenge>
    ) {
        precondition(Statement.areWellFormed(claims, shapes), "a claim fits no committed vector")
        Statement.absorb(commitment: state.tree?.cap.digestBytes ?? [], claims: claims, into: transcript)
        guard claims.count > 0, state.tree != nil else { return }
        let columns = columnCount
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (sum, padded) = reduction.randomRows(of: vectors, wholeSum: true)
        var (rows, weights) = reduction.groupRows(of: vectors, padded: padded)
        let (gammas, random) = (reduction.gammas, reduction.random)
        if let lie = cheat.groups {
            rows = rows.map { .table($0.table) }
            lie(rows.map(\.table), weights.map(\.table), gammas, random)
        }
        cheat.randomRow?(sum, random)

        let (point, groupValues) = ColumnSumcheck<F>.prove(
            rows: rows, weights: weights, columns: columns, transcript: transcript)
        let eq = Eq<F>.table(point)
        var values = [FoldingProof<F>.innerProduct(sum, eq)] + groupValues
        cheat.values?(&values)
        transcript.send("row values", values)

        let deltas: [E] = transcript.challenges("row batching", count: rows.count)
        Parallel.forEachChunk(columns, grain: 1 << 12) { range in
            for (row, delta) in zip(rows, deltas) {
                row.addScaled(range, by: delta, to: sum.pointer + range.lowerBound)
            }
        }
        switch opening {
        case .sent:
            var sent = sum.array
            cheat.sentRow?(&sent, eq)
            transcript.send("row", sent)
            let indices = drawColumns(transcript, cheat: cheat)
            sendColumns(indices, of: vectors, state: state, transcript: transcript)
        case .folded(let plan):
            openFolded(
                plan, row: sum, weights: eq, vectors, state: state, transcript: transcript, cheat: cheat.folding)
        case .switched(let plan):
            openSwitched(
                plan, row: sum, weights: eq, vectors, state: state, transcript: transcript, cheat: cheat)
        }
    }

    /// The columns to open.
    func drawColumns(_ transcript: ProverTranscript, cheat: TensorCodeCheat<E>) -> [Int] {
        transcript.grind("column grinding", bits: cheat.grindingBits ?? grindingBits)
        return transcript.distinctIndices("columns", count: queryCount, bound: codeLength)
    }

    /// The columns at `indices`, with their Merkle proof.
    func sendColumns(
        _ indices: [Int], of vectors: [IntegerTensor], state: TensorCodeState, transcript: ProverTranscript
    ) {
        let opened = columns(indices, of: vectors, state: state)
        transcript.hint(raw: UnsafeRawBufferPointer(opened.elements))
        transcript.hint(digests: state.tree!.open(indices))
    }

    /// The columns above positions of the first word after the matrix.
    func fibreColumns(_ plan: FoldingPlan, _ positions: [Int]) -> [Int] {
        positions.flatMap { $0 << plan.foldBits[0]..<($0 + 1) << plan.foldBits[0] }
    }

    /// Shows that the row has its code word and its value at the point of `weights` by folding its code word, whose entries are
    /// combinations of the columns.
    func openFolded(
        _ plan: FoldingPlan, row: AlignedBuffer<E>, weights: AlignedBuffer<E>, _ vectors: [IntegerTensor],
        state: TensorCodeState, transcript: ProverTranscript, cheat: FoldingCheat<E>
    ) {
        let word = FoldingProof<F>.encode(
            row, messageBits: plan.messageBits, logInverseRate: plan.logInverseRate)
        let folds = FoldingProof<F>.prove(
            message: row, weights: weights, word: word, tree: nil, plan: plan, transcript: transcript, cheat: cheat)
        sendColumns(fibreColumns(plan, folds.positions), of: vectors, state: state, transcript: transcript)
        folds.write(to: transcript)
    }

    /// Commits to the row with the plan's code, opens columns, and shows by folding that the row has its value at the point of
    /// `weights` and that its code word has the combinations of the columns as entries.
    func openSwitched(
        _ plan: FoldingPlan, row: AlignedBuffer<E>, weights: AlignedBuffer<E>, _ vectors: [IntegerTensor],
        state: TensorCodeState, transcript: ProverTranscript, cheat: TensorCodeCheat<E>
    ) {
        // Both code words of the row at the same time.
        var made: AlignedBuffer<E>?
        var madeOwn: AlignedBuffer<E>?
        Parallel.forEach(2) {
            if $0 == 0 {
                made = FoldingProof<F>.encode(
                    row, messageBits: plan.messageBits, logInverseRate: plan.logInverseRate)
            } else {
                madeOwn = codeWord(of: row)
            }
        }
        let (word, ownWord) = (made!, madeOwn!)
        cheat.switchedWord?(word)
        let tree = FoldingProof<F>.commit(
            word, foldBits: plan.foldBits[0], capBits: plan.capBits, hash: transcript.hash)
        transcript.send("row commitment", digests: tree.cap)
        let indices = drawColumns(transcript, cheat: cheat)
        sendColumns(indices, of: vectors, state: state, transcript: transcript)
        let combinations = indices.map { ownWord.pointer[$0] }
        transcript.absorb("column values", combinations)
        let betas: [E] = transcript.challenges("column batching", count: indices.count)
        code.addColumns(indices, weights: betas, to: weights.pointer)
        let folds = FoldingProof<F>.prove(
            message: row, weights: weights, word: word, tree: tree, plan: plan, transcript: transcript,
            cheat: cheat.folding)
        folds.write(to: transcript)
    }

    /// A row's code word.
    func codeWord(of row: AlignedBuffer<E>) -> AlignedBuffer<E> {
        let word = AlignedBuffer<E>(uninitialized: codeLength)
        word.pointer.update(from: row.pointer, count: columnCount)
        word.pointer.withMemoryRebound(to: F.Base.self, capacity: codeLength * E.degree) {
            code.encode(interleaved: $0, stride: E.degree, width: E.degree)
        }
        return word
    }
}
