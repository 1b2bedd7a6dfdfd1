import Fields
import Tensors
import Transcripts

extension TensorCodeScheme {
    public typealias ProverState = TensorCodeState

    public func commit(_ vectors: [IntegerTensor]) throws -> (commitment: [UInt8], state: TensorCodeState) {
        try commit(vectors, tampering: nil)
    }

    /// The same, with a hook for tests: `tampering` changes the encoded matrix before it is hashed.
    package func commit(
        _ vectors: [IntegerTensor], tampering: ((EncodedMatrix) -> Void)?
    ) throws -> (commitment: [UInt8], state: TensorCodeState) {
        try Statement.requireShapes(vectors, shapes)
        guard rowCount > 0 else { return ([], TensorCodeState(tree: nil, matrix: nil)) }
        let length = codeLength
        let keeps = keepsMatrix || tampering != nil
        var kept: [AlignedBuffer<UInt8>] = []
        if keeps {
            kept = (0..<bandCount).map {
                AlignedBuffer(uninitialized: length * rows(ofBand: $0).count * F.Base.byteCount)
            }
        }
        // Digests of a column's bands, column after column.
        let digests = AlignedBuffer<Digest>(uninitialized: length * bandCount)
        func hashBand(_ band: Int, _ bytes: UnsafePointer<UInt8>, _ scratch: UnsafeMutablePointer<Digest>) {
            hash.hashRows(
                bytes, rowBytes: rows(ofBand: band).count * F.Base.byteCount, rowCount: length, into: scratch)
            let target = digests.pointer + band
            for j in 0..<length { target[j * bandCount] = scratch[j] }
        }
        Parallel.forEach(
            bandCount,
            state: {
                (
                    work: EncodingBuffers<F>(rows: Code.preferredWidth, columns: columnCount, length: length),
                    band: AlignedBuffer<UInt8>(uninitialized: keeps ? 0 : length * bandRows * F.Base.byteCount),
                    digests: AlignedBuffer<Digest>(uninitialized: length)
                )
            }
        ) { band, own in
            let bytes = keeps ? kept[band].pointer : own.band.pointer
            encodeBand(band, of: vectors, own.work, into: bytes)
            if tampering == nil { hashBand(band, bytes, own.digests.pointer) }
        }
        let matrix = EncodedMatrix(
            bands: kept, bandRows: bandRows, columns: length, elementBytes: F.Base.byteCount)
        if let tampering {
            tampering(matrix)
            let scratch = AlignedBuffer<Digest>(uninitialized: length)
            for band in 0..<bandCount { hashBand(band, kept[band].pointer, scratch.pointer) }
        }
        let leaves = AlignedBuffer<Digest>(repeating: .zero, count: leafCount)
        joinBands(digests.pointer, columns: length, into: leaves.pointer)
        let tree = MerkleTree(leaves: leaves, capHeight: capHeight, hash: hash)
        return (tree.cap.digestBytes, TensorCodeState(tree: tree, matrix: keeps ? matrix : nil))
    }

    /// Leaves from the digests of the columns' bands.
    func joinBands(_ digests: UnsafePointer<Digest>, columns: Int, into leaves: UnsafeMutablePointer<Digest>) {
        if bandCount == 1 {
            leaves.update(from: digests, count: columns)
        } else {
            hash.hashRows(digests, rowBytes: bandCount * Digest.byteCount, rowCount: columns, into: leaves)
        }
    }

    /// The code words of a band's rows, column after column.
    func encodeBand(
        _ band: Int, of vectors: [IntegerTensor], _ work: EncodingBuffers<F>, into bytes: UnsafeMutablePointer<UInt8>
    ) {
        let rows = rows(ofBand: band)
        let rowBytes = rows.count * F.Base.byteCount
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: work.width) {
            let block = first..<min(first + work.width, rows.upperBound)
            encode(block, of: vectors, work)
            var target = UnsafeMutableRawPointer(bytes) + (first - rows.lowerBound) * F.Base.byteCount
            for j in 0..<codeLength {
                F.write(work.values.pointer + j * work.width, count: block.count, to: target)
                target += rowBytes
            }
        }
    }

    /// The code words of some rows, interleaved, in `work.values`.
    func encode(_ block: Range<Int>, of vectors: [IntegerTensor], _ work: EncodingBuffers<F>) {
        let columns = columnCount
        for (i, row) in block.enumerated() {
            layout.embedRow(F.self, row, of: vectors, owners: owners, into: work.messages.pointer + i * columns)
        }
        F.interleave(
            work.messages.pointer, rows: block.count, columns: columns, into: work.values.pointer, stride: work.width)
        code.encode(interleaved: work.values.pointer, stride: work.width, width: block.count)
    }

    public func encodeState(_ state: TensorCodeState) -> [UInt8] {
        guard let tree = state.tree else { return [] }
        return (0..<codeLength).map { tree.leaf($0) }.digestBytes
    }

    public func restoreState(
        _ bytes: [UInt8], vectors: [IntegerTensor], commitment: [UInt8]
    ) throws -> TensorCodeState {
        try Statement.requireShapes(vectors, shapes)
        let expected = rowCount == 0 ? 0 : codeLength * Digest.byteCount
        guard bytes.count == expected, commitment.count == commitmentByteCount else {
            throw CommitmentError.wrongState("\(bytes.count) bytes where \(expected) are expected")
        }
        guard rowCount > 0 else { return TensorCodeState(tree: nil, matrix: nil) }
        let leaves = AlignedBuffer<Digest>(repeating: .zero, count: leafCount)
        bytes.withUnsafeBytes {
            UnsafeMutableRawPointer(leaves.pointer).copyMemory(from: $0.baseAddress!, byteCount: expected)
        }
        let tree = MerkleTree(leaves: leaves, capHeight: capHeight, hash: hash)
        guard tree.cap.digestBytes == commitment else {
            throw CommitmentError.wrongState("the leaves belong to another commitment")
        }
        return TensorCodeState(tree: tree, matrix: nil)
    }

    /// The bytes of the columns at `indices`, one after the other.
    func columns(_ indices: [Int], of vectors: [IntegerTensor], state: TensorCodeState) -> AlignedBuffer<UInt8> {
        let bytes = columnBytes
        let output = AlignedBuffer<UInt8>(uninitialized: indices.count * bytes)
        if let matrix = state.matrix {
            for (q, j) in indices.enumerated() { matrix.copyColumn(j, to: output.pointer + q * bytes) }
            return output
        }
        let size = F.Base.byteCount
        let width = Code.preferredWidth
        let blocks = (rowCount + width - 1) / width
        Parallel.forEach(
            blocks, state: { EncodingBuffers<F>(rows: width, columns: columnCount, length: codeLength) }
        ) { b, work in
            let block = b * width..<min((b + 1) * width, rowCount)
            encode(block, of: vectors, work)
            for (q, j) in indices.enumerated() {
                let target = UnsafeMutableRawPointer(output.pointer) + q * bytes + block.lowerBound * size
                F.write(work.values.pointer + j * width, count: block.count, to: target)
            }
        }
        return output
    }
}

/// Where one thread encodes: some rows, and their code words interleaved.
struct EncodingBuffers<F: ProofField> {
    let width: Int
    let messages: AlignedBuffer<F.Base>
    let values: AlignedBuffer<F.Base>

    init(rows: Int, columns: Int, length: Int) {
        width = rows
        messages = AlignedBuffer(uninitialized: rows * columns)
        values = AlignedBuffer(uninitialized: rows * length)
    }
}
