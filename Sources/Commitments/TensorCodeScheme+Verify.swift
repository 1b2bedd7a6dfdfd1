import Fields
import Tensors
import Transcripts

extension TensorCodeScheme {
    @inlinable
    public func verify(
        commitment: [UInt8], claims: [OpeningClaim<F.Challenge>], transcript: VerifierTranscript
    ) throws {
        try Statement.require(claims, shapes, commitment: commitment, byteCount: commitmentByteCount)
        Statement.absorb(commitment: commitment, claims: claims, into: transcript)
        guard claims.count > 0 else { return }
        let root = Digest(bytes: commitment)!
        let reduction = ClaimReduction<F>(layout, claims, transcript: transcript)
        let (point, product) = try ColumnSumcheck<F>.verify(
            sum: reduction.sum, variables: layout.columnBits, transcript: transcript)
        let values: [E] = try transcript.receive("row values", count: 1 + reduction.groupCount)
        let deltas: [E] = transcript.challenges("row batching", count: reduction.groupCount)

        let weights = AlignedBuffer<E>(uninitialized: columnCount)
        F.expandEq(point, scale: .one, into: weights.pointer)

        // What remains of the sumcheck, the value of the row sent, and its coefficients.
        guard reduction.product(values[1...], at: point, weights) == product else {
            throw VerificationError(check: "column sumcheck", detail: "the values of the rows do not give its last sum")
        }

        var rowValue = values[0]
        for (delta, value) in zip(deltas, values[1...]) { rowValue += delta * value }
        var coefficients = reduction.random
        reduction.addCoefficients(deltas, to: &coefficients)
        let row: [E] = try transcript.receive("row", count: columnCount)
        guard
            row.withUnsafeBufferPointer({ F.innerProduct($0.baseAddress!, weights.pointer, count: columnCount) })
                == rowValue
        else { throw VerificationError(check: "row value", detail: "the row sent has another value than claimed") }

        try checkColumns(root: root, row: row, coefficients: coefficients, transcript: transcript)
    }

    /// Reads the opened columns and checks the code word of `row` against their combinations.
    @inlinable
    func checkColumns(root: Digest, row: [E], coefficients: [E], transcript: VerifierTranscript) throws {
        let indices = transcript.distinctIndices("columns", count: queryCount, bound: codeLength)
        let bytes = try transcript.hint("opened columns", count: queryCount * columnBytes)
        let siblings = try transcript.hintDigests(
            "column siblings",
            count: MerkleTree.siblingCount(leafCount: leafCount, capHeight: 0, indices: indices))

        let degree = E.degree
        let word = AlignedBuffer<F.Base>(uninitialized: codeLength * degree)
        for i in 0..<columnCount {
            for k in 0..<degree { word.pointer[i * degree + k] = row[i].coordinate(k) }
        }
        code.encode(interleaved: word.pointer, stride: degree, width: degree)

        let leaves = bytes.withUnsafeBytes { columnLeaves($0.baseAddress!, count: indices.count) }
        try MerkleTree.verify(
            cap: [root], leafCount: leafCount, indices: indices, leaves: leaves, siblings: siblings, hash: hash)

        let column = AlignedBuffer<F.Base>(uninitialized: rowCount)
        try bytes.withUnsafeBytes { bytes in
            for (q, j) in indices.enumerated() {
                let start = bytes.baseAddress! + q * columnBytes
                for r in 0..<rowCount {
                    guard let entry = F.Base(canonical: start + r * F.Base.byteCount) else {
                        throw VerificationError(
                            check: "opened columns", detail: "entry \(r) of column \(j) is not canonical")
                    }
                    column.pointer[r] = entry
                }
                let expected = E(coordinates: (0..<degree).map { word.pointer[j * degree + $0] })
                let combined = coefficients.withUnsafeBufferPointer {
                    F.innerProduct(base: column.pointer, $0.baseAddress!, count: rowCount)
                }
                guard combined == expected else {
                    throw VerificationError(check: "column", detail: "column \(j) is not that of the row sent")
                }
            }
        }
    }

    /// The leaf digests of columns that lie one after the other.
    @inlinable
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
        joinBands(digests.pointer, columns: count, into: leaves.pointer)
        return leaves.array
    }
}
