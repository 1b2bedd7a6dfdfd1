import Fields
import Multilinears
import Tensors
import Transcripts

extension TensorCodeScheme {
    public func verify(
        commitment: [UInt8], claims: [OpeningClaim<F.Challenge>], transcript: VerifierTranscript
    ) throws {
        try Statement.require(claims, shapes, commitment: commitment, byteCount: commitmentByteCount)
        Statement.absorb(commitment: commitment, claims: claims, into: transcript)
        guard claims.count > 0 else { return }
        let cap = stride(from: 0, to: commitment.count, by: Digest.byteCount).map {
            Digest(bytes: commitment[$0..<$0 + Digest.byteCount])!
        }
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (point, product) = try ColumnSumcheck<F>.verify(
            sum: reduction.sum, variables: layout.columnBits, transcript: transcript)
        let values: [E] = try transcript.receive("row values", count: 1 + reduction.groupCount)
        let deltas: [E] = transcript.challenges("row batching", count: reduction.groupCount)

        // What remains of the sumcheck, the value of the row sent, and its coefficients.
        guard reduction.product(values[1...], at: point) == product else {
            throw VerificationError(check: "column sumcheck", detail: "the values of the rows do not give its last sum")
        }

        var rowValue = values[0]
        for (delta, value) in zip(deltas, values[1...]) { rowValue += delta * value }
        var coefficients = reduction.random
        reduction.addCoefficients(deltas, to: &coefficients)
        switch opening {
        case .sent:
            let row: [E] = try transcript.receive("row", count: columnCount)
            let weights = Eq<F>.table(point)
            guard
                row.withUnsafeBufferPointer({
                    F.innerProduct($0.baseAddress!, weights.pointer, count: columnCount)
                }) == rowValue
            else {
                throw VerificationError(check: "row value", detail: "the row sent has another value than claimed")
            }
            let indices = try drawColumns(transcript)
            let combined = try combinedColumns(indices, cap: cap, coefficients: coefficients, transcript: transcript)
            let expected = codeWord(of: AlignedBuffer(row))
            for (q, j) in indices.enumerated() where combined[q] != expected.pointer[j] {
                throw VerificationError(check: "column", detail: "column \(j) is not that of the row sent")
            }
        case .folded(let plan):
            let check = try FoldingProof<F>.receive(sum: rowValue, plan: plan, transcript: transcript) {
                eqLeft(point, boundTo: $0)
            }
            let fibres = try combinedColumns(
                fibreColumns(plan, check.positions), cap: cap, coefficients: coefficients, transcript: transcript)
            try FoldingProof<F>.follow(check, first: fibres, cap: nil, transcript: transcript)
        case .switched(let plan):
            let height = FoldingProof<F>.capHeight(plan.capBits, plan.positionCount)
            let rowCap = try transcript.receiveDigests("row commitment", count: 1 << height)
            let indices = try drawColumns(transcript)
            let combined = try combinedColumns(indices, cap: cap, coefficients: coefficients, transcript: transcript)
            transcript.absorb("column values", combined)
            let betas: [E] = transcript.challenges("column batching", count: indices.count)
            let sum = zip(betas, combined).reduce(rowValue) { $0 + $1.0 * $1.1 }
            let check = try FoldingProof<F>.receive(sum: sum, plan: plan, transcript: transcript) { bound in
                zip(eqLeft(point, boundTo: bound), code.columns(indices, weights: betas, boundTo: bound)).map {
                    $0 + $1
                }
            }
            try FoldingProof<F>.follow(check, first: nil, cap: rowCap, transcript: transcript)
        }
    }

    /// eq at `point` for all values of the variables that are left when the first are bound.
    func eqLeft(_ point: [E], boundTo bound: [E]) -> [E] {
        Eq<F>.table(
            Array(point[bound.count...]), scale: Eq<F>.value(Array(point[..<bound.count]), bound)
        ).array
    }

    /// The columns that must be opened.
    func drawColumns(_ transcript: VerifierTranscript) throws -> [Int] {
        try transcript.checkGrinding("column grinding", bits: grindingBits)
        return transcript.distinctIndices("columns", count: queryCount, bound: codeLength)
    }

    /// Reads the columns at `indices`, checks their Merkle proof, and combines their entries.
    func combinedColumns(
        _ indices: [Int], cap: [Digest], coefficients: [E], transcript: VerifierTranscript
    ) throws -> [E] {
        let bytes = try transcript.hint("opened columns", count: indices.count * columnBytes)
        let siblings = try transcript.hintDigests(
            "column siblings",
            count: MerkleTree.siblingCount(leafCount: leafCount, capHeight: capHeight, indices: indices))
        let leaves = bytes.withUnsafeBytes { columnLeaves($0.baseAddress!, count: indices.count) }
        try MerkleTree.verify(
            cap: cap, leafCount: leafCount, indices: indices, leaves: leaves, siblings: siblings, hash: hash)

        return try ColumnBytes<F>.combine(bytes, of: indices, coefficients)
    }

    /// The leaf digests of columns that lie one after the other.
    func columnLeaves(_ columns: UnsafeRawPointer, count: Int) -> [Digest] {
        let leaves = AlignedBuffer<Digest>(uninitialized: count)
        let digests = AlignedBuffer<Digest>(uninitialized: count * bandCount)
        let scratch = AlignedBuffer<Digest>(uninitialized: count)
        for band in 0..<bandCount {
            let rows = rows(ofBand: band)
            let bandBytes = rows.count * F.Base.byteCount
            let parts = AlignedBuffer<UInt8>(uninitialized: count * bandBytes)
            for q in 0..<count {
                UnsafeMutableRawPointer(parts.pointer + q * bandBytes).copyMemory(
                    from: columns + q * columnBytes + rows.lowerBound * F.Base.byteCount, byteCount: bandBytes)
            }
            hash.hashRows(parts.pointer, rowBytes: bandBytes, rowCount: count, into: scratch.pointer)
            for q in 0..<count { digests.pointer[q * bandCount + band] = scratch.pointer[q] }
        }
        if bandCount == 1 { return digests.array }
        joinBands(digests.pointer, columns: count, into: leaves.pointer)
        return leaves.array
    }
}

/// Columns as they are in proofs: canonical encodings of their entries.
private enum ColumnBytes<F: ProofField> {
    /// The combination of each column's entries, column after column in `bytes`; `indices` are for errors.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func combine(
        _ bytes: ArraySlice<UInt8>, of indices: [Int], _ coefficients: [F.Challenge]
    ) throws -> [F.Challenge] {
        let size = F.Base.byteCount
        let column = AlignedBuffer<F.Base>(uninitialized: coefficients.count)
        return try bytes.withUnsafeBytes { bytes in
            try indices.enumerated().map { q, j in
                let start = bytes.baseAddress! + q * coefficients.count * size
                for r in 0..<coefficients.count {
                    guard let entry = F.Base(canonical: start + r * size) else {
                        throw VerificationError(
                            check: "opened columns", detail: "entry \(r) of column \(j) is not canonical")
                    }
                    column.pointer[r] = entry
                }
                return coefficients.withUnsafeBufferPointer {
                    F.innerProduct(base: column.pointer, $0.baseAddress!, count: coefficients.count)
                }
            }
        }
    }
}
