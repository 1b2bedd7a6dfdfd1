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
        var coefficients: [E] = transcript.challenges("random row", count: rowCount)
        let random = coefficients
        let gammas: [E] = transcript.challenges("claim batching", count: claims.count)
        let paddingPoint: [E] = transcript.challenges("padding point", count: layout.columnBits)
        let groups = ClaimGroups(claims, layout)
        let groupCount = groups.count + layout.paddings.count

        var sum = E.zero
        for (claim, gamma) in zip(claims, gammas) { sum += gamma * claim.value }
        let (point, product) = try ColumnSumcheck<F>.verify(
            sum: sum, variables: layout.columnBits, transcript: transcript)
        let values: [E] = try transcript.receive("row values", count: 1 + groupCount)
        let deltas: [E] = transcript.challenges("row batching", count: groupCount)

        let weights = AlignedBuffer<E>(uninitialized: columnCount)
        F.expandEq(point, scale: .one, into: weights.pointer)

        // What remains of the sumcheck, the value of the row sent, and its coefficients.
        var claimed = E.zero
        var rowValue = values[0]
        coefficients.withUnsafeMutableBufferPointer { coefficients in
            for (g, group) in groups.byPoint.enumerated() {
                claimed += values[1 + g] * eq(group.point, point)
                rowValue += deltas[g] * values[1 + g]
                for i in group.claims {
                    let vector = layout.vectors[claims[i].vector]
                    vector.addRowWeights(
                        F.self, claims[i].point, scale: deltas[g] * gammas[i],
                        to: coefficients.baseAddress! + vector.firstRow)
                }
            }
            for (k, group) in groups.byRow.enumerated() {
                let g = groups.byPoint.count + k
                var weight = E.zero
                for i in group.claims {
                    weight += gammas[i] * eq(layout.vectors[claims[i].vector].columnPoint(claims[i].point), point)
                }
                claimed += values[1 + g] * weight
                rowValue += deltas[g] * values[1 + g]
                coefficients[group.row] += deltas[g]
            }
        }
        for (k, weight) in paddingWeights(paddingPoint, weights).enumerated() {
            claimed += values[1 + groups.count + k] * weight
            rowValue += deltas[groups.count + k] * values[1 + groups.count + k]
        }
        addPaddingCoefficients(random, deltas[groups.count...], to: &coefficients)
        guard claimed == product else {
            throw VerificationError(check: "column sumcheck", detail: "the values of the rows do not give its last sum")
        }

        let row: [E] = try transcript.receive("row", count: columnCount)
        guard
            row.withUnsafeBufferPointer({ F.innerProduct($0.baseAddress!, weights.pointer, count: columnCount) })
                == rowValue
        else { throw VerificationError(check: "row value", detail: "the row sent has another value than claimed") }

        try checkColumns(root: root, row: row, coefficients: coefficients, transcript: transcript)
    }

    /// For each padding, the sum over its columns j of eq(paddingPoint, j) eq(point, j), given eq at the point.
    @inlinable
    func paddingWeights(_ paddingPoint: [E], _ eqAtPoint: AlignedBuffer<E>) -> [E] {
        guard layout.paddings.count > 0 else { return [] }
        let products = AlignedBuffer<E>(uninitialized: columnCount)
        F.expandEq(paddingPoint, scale: .one, into: products.pointer)
        F.multiply(products.pointer, eqAtPoint.pointer, into: products.pointer, count: columnCount)
        // Sums of beginnings, so that every run costs one subtraction.
        var sums = [E.zero]
        sums.reserveCapacity(columnCount + 1)
        for j in 0..<columnCount { sums.append(sums[j] + products.pointer[j]) }
        return layout.paddings.map { padding in
            padding.reduce(E.zero) { $0 + (sums[$1.upperBound] - sums[$1.lowerBound]) }
        }
    }

    /// Adds to each row's coefficient its random one times the delta of its padding.
    @inlinable
    func addPaddingCoefficients(_ random: [E], _ deltas: ArraySlice<E>, to coefficients: inout [E]) {
        let deltas = Array(deltas)
        func add(_ row: Int, _ padding: Int?) {
            if let padding { coefficients[row] += deltas[padding] * random[row] }
        }
        for (v, vector) in layout.vectors.enumerated() where !vector.isBlock {
            let paddings = layout.vectorPaddings[v]
            for r in 0..<vector.rowCount {
                let isPartial = vector.hasPartialRows && (r + 1) % vector.blocksPerOuter == 0
                add(vector.firstRow + r, isPartial ? paddings.partial : paddings.full)
            }
        }
        for (k, padding) in layout.sharedPaddings.enumerated() { add(layout.ownRows + k, padding) }
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

    /// The multilinear extension of equality.
    @inlinable
    func eq(_ a: [E], _ b: [E]) -> E {
        precondition(a.count == b.count)
        var product = E.one
        for (x, y) in zip(a, b) {
            let xy = x * y
            product *= E.one - x - y + xy + xy
        }
        return product
    }
}
