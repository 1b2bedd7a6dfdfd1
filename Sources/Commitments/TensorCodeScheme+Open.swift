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
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (sum, padded) = reduction.randomRows(of: vectors, wholeSum: true)
        let (rows, weights) = reduction.groupRows(of: vectors, padded: padded)
        let (gammas, random) = (reduction.gammas, reduction.random)
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
}
