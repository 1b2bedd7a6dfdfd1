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
        // Digests of a column's bands, column after column; of a single band they are the leaves.
        let leaves = AlignedBuffer<Digest>(repeating: .zero, count: leafCount)
        let bandCount = self.bandCount  // divides; read for each column below
        let digests = bandCount == 1 ? leaves : AlignedBuffer<Digest>(uninitialized: length * bandCount)
        func hashBand(_ band: Int, _ bytes: UnsafePointer<UInt8>, _ columns: Range<Int>) {
            let rowBytes = rows(ofBand: band).count * F.Base.byteCount
            let first = columns.lowerBound
            if bandCount == 1 {
                return hash.hashRows(bytes, rowBytes: rowBytes, rowCount: columns.count, into: leaves.pointer + first)
            }
            let own = AlignedBuffer<Digest>(uninitialized: columns.count)
            hash.hashRows(bytes, rowBytes: rowBytes, rowCount: columns.count, into: own.pointer)
            let target = digests.pointer + first * bandCount + band
            for j in 0..<columns.count { target[j * bandCount] = own.pointer[j] }
        }
        /// Encodes a band and, some columns at a time, writes and hashes it: the band as bytes exists only where it is kept.
        func commitBand(_ band: Int, _ blocks: [EncodingBuffers<F>]) {
            let rows = rows(ofBand: band)
            let rowBytes = rows.count * F.Base.byteCount
            encodeBand(band, of: vectors, blocks)
            let grain = 1 << 10
            Parallel.forEachChunk(length, grain: grain) { columns in
                let scratch = AlignedBuffer<UInt8>(uninitialized: keeps ? 0 : grain * rowBytes)
                for first in stride(from: columns.lowerBound, to: columns.upperBound, by: grain) {
                    let part = first..<min(first + grain, columns.upperBound)
                    let bytes = keeps ? kept[band].pointer + first * rowBytes : scratch.pointer
                    writeColumns(part, rowCount: rows.count, blocks, into: bytes)
                    if tampering == nil { hashBand(band, bytes, part) }
                }
            }
        }
        // Many bands are handed out to the threads; of few, each is the work of all.
        if bandCount >= 2 * Parallel.threadCount {
            Parallel.forEach(
                bandCount, state: { bandBuffers(width: Code.preferredWidth) }, { commitBand($0, $1) })
        } else {
            let blocks = bandBuffers(width: sharedWidth)
            for band in 0..<bandCount { commitBand(band, blocks) }
        }
        let matrix = EncodedMatrix(
            bands: kept, bandRows: bandRows, columns: length, elementBytes: F.Base.byteCount)
        if let tampering {
            tampering(matrix)
            for band in 0..<bandCount { hashBand(band, kept[band].pointer, 0..<length) }
        }
        if bandCount > 1 { joinBands(digests.pointer, columns: length, into: leaves.pointer) }
        let tree = MerkleTree(leaves: leaves, capHeight: capHeight, hash: hash)
        return (tree.cap.digestBytes, TensorCodeState(tree: tree, matrix: keeps ? matrix : nil))
    }

    /// Leaves from the digests of the columns' bands.
    func joinBands(_ digests: UnsafePointer<Digest>, columns: Int, into leaves: UnsafeMutablePointer<Digest>) {
        hash.hashRows(digests, rowBytes: bandCount * Digest.byteCount, rowCount: columns, into: leaves)
    }

    /// Rows that are encoded at a time where all threads work on one band.
    var sharedWidth: Int {
        let share = (rowCount + Parallel.threadCount - 1) / Parallel.threadCount
        return min(Code.preferredWidth, (share + 3) & ~3)
    }

    /// Buffers for all rows of a band, `width` at a time.
    func bandBuffers(width: Int) -> [EncodingBuffers<F>] {
        (0..<(min(bandRows, rowCount) + width - 1) / width).map { _ in
            EncodingBuffers(rows: width, columns: columnCount, length: codeLength)
        }
    }

    /// The code words of a band's rows.
    func encodeBand(_ band: Int, of vectors: [IntegerTensor], _ blocks: [EncodingBuffers<F>]) {
        let rows = rows(ofBand: band)
        let width = blocks[0].width
        Parallel.forEach((rows.count + width - 1) / width) { k in
            let first = rows.lowerBound + k * width
            encode(first..<min(first + width, rows.upperBound), of: vectors, blocks[k])
        }
    }

    /// Some columns of a band of so many rows as canonical bytes, column after column.
    func writeColumns(
        _ columns: Range<Int>, rowCount: Int, _ blocks: [EncodingBuffers<F>], into bytes: UnsafeMutablePointer<UInt8>
    ) {
        let size = F.Base.byteCount
        let width = blocks[0].width
        for (k, first) in stride(from: 0, to: rowCount, by: width).enumerated() {
            let count = min(width, rowCount - first)
            F.write(
                interleaved: blocks[k].values.pointer + columns.lowerBound * width, stride: width, width: count,
                count: columns.count, to: UnsafeMutableRawPointer(bytes) + first * size, stride: rowCount * size)
        }
    }

    /// The code words of some rows, interleaved, in `work.values`; of some positions where these are given.
    func encode(
        _ block: Range<Int>, of vectors: [IntegerTensor], _ work: EncodingBuffers<F>, only positions: [Int]? = nil
    ) {
        // Some columns at a time, which stay in the second-level cache between the two.
        for start in stride(from: 0, to: columnCount, by: work.columns) {
            let columns = start..<start + work.columns
            for (i, row) in block.enumerated() {
                layout.embedRow(
                    F.self, row, columns: columns, of: vectors, owners: owners,
                    into: work.messages.pointer + i * columns.count)
            }
            F.interleave(
                work.messages.pointer, rows: block.count, columns: columns.count,
                into: work.values.pointer + start * work.width, stride: work.width)
        }
        if let positions {
            code.encode(interleaved: work.values.pointer, stride: work.width, width: block.count, only: positions)
        } else {
            code.encode(interleaved: work.values.pointer, stride: work.width, width: block.count)
        }
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
        let width = sharedWidth
        let blocks = (rowCount + width - 1) / width
        Parallel.forEach(
            blocks, state: { EncodingBuffers<F>(rows: width, columns: columnCount, length: codeLength) }
        ) { b, work in
            let block = b * width..<min((b + 1) * width, rowCount)
            encode(block, of: vectors, work, only: indices)
            for (q, j) in indices.enumerated() {
                let target = UnsafeMutableRawPointer(output.pointer) + q * bytes + block.lowerBound * size
                F.write(work.values.pointer + j * width, count: block.count, to: target)
            }
        }
        return output
    }
}

/// Where one thread encodes: some columns of some rows, and the rows' code words interleaved.
struct EncodingBuffers<F: ProofField> {
    let width: Int
    /// Columns at a time, a power of two.
    let columns: Int
    let messages: AlignedBuffer<F.Base>
    let values: AlignedBuffer<F.Base>

    init(rows: Int, columns: Int, length: Int) {
        width = rows
        self.columns = min(columns, (1 << 14) / F.Base.byteCount)
        messages = AlignedBuffer(uninitialized: rows * self.columns)
        values = AlignedBuffer(uninitialized: rows * length)
    }
}
