import Fields
import Tensors
import Transcripts

extension TensorCodeScheme {
    public typealias ProverState = TensorCodeState

    @inlinable
    public func commit(_ vectors: [IntegerTensor]) throws -> (commitment: [UInt8], state: TensorCodeState) {
        try commit(vectors, tampering: nil)
    }

    /// The same, with a hook for tests: `tampering` changes the encoded matrix, `columnBytes` bytes a column, before it
    /// is hashed. Only for matrices that are kept.
    @inlinable
    package func commit(
        _ vectors: [IntegerTensor], tampering: ((UnsafeMutablePointer<UInt8>) -> Void)?
    ) throws -> (commitment: [UInt8], state: TensorCodeState) {
        try Statement.requireShapes(vectors, shapes)
        guard rowCount > 0 else { return ([], TensorCodeState(tree: nil, matrix: nil)) }
        let leaves = AlignedBuffer<Digest>(repeating: .zero, count: leafCount)
        var kept: AlignedBuffer<UInt8>?
        if bandRows >= rowCount {
            let matrix = encodedBand(0..<rowCount, of: vectors, prefix: nil)
            tampering?(matrix.pointer)
            hash.hashRows(matrix.pointer, rowBytes: columnBytes, rowCount: codeLength, into: leaves.pointer)
            kept = matrix
        } else {
            for first in stride(from: 0, to: rowCount, by: bandRows) {
                let rows = first..<min(first + bandRows, rowCount)
                let band = encodedBand(rows, of: vectors, prefix: first > 0 ? leaves : nil)
                hash.hashRows(
                    band.pointer, rowBytes: band.count / codeLength, rowCount: codeLength, into: leaves.pointer)
            }
        }
        let tree = MerkleTree(leaves: leaves, capHeight: 0, hash: hash)
        return (tree.cap.digestBytes, TensorCodeState(tree: tree, matrix: kept))
    }

    /// The code words of some rows, column after column, each column after its entry of `prefix`.
    @inlinable
    func encodedBand(
        _ rows: Range<Int>, of vectors: [IntegerTensor], prefix: AlignedBuffer<Digest>?
    ) -> AlignedBuffer<UInt8> {
        let size = F.Base.byteCount
        let skip = prefix == nil ? 0 : Digest.byteCount
        let rowBytes = skip + rows.count * size
        let band = AlignedBuffer<UInt8>(uninitialized: codeLength * rowBytes)
        if let prefix {
            for j in 0..<codeLength {
                UnsafeMutableRawPointer(band.pointer + j * rowBytes).storeBytes(of: prefix.pointer[j], as: Digest.self)
            }
        }
        let length = codeLength
        forEachEncodedBlock(rows, of: vectors) { block, values, stride in
            let width = block.count
            var target = UnsafeMutableRawPointer(band.pointer) + skip + (block.lowerBound - rows.lowerBound) * size
            for j in 0..<length {
                let entry = values + j * stride
                for i in 0..<width { entry[i].write(to: target + i * size) }
                target += rowBytes
            }
        }
        return band
    }

    /// Encodes rows block by block, on all threads. `body` gets the rows of a block and its code words, interleaved
    /// with the given stride.
    @inlinable
    func forEachEncodedBlock(
        _ rows: Range<Int>, of vectors: [IntegerTensor],
        _ body: (_ block: Range<Int>, _ values: UnsafePointer<F.Base>, _ stride: Int) -> Void
    ) {
        // A share for each thread, in whole lines of 16, unless the code prefers less.
        let share = (rows.count + Parallel.threadCount - 1) / Parallel.threadCount
        let width = min(Code.preferredWidth, (share + 15) & ~15)
        let blocks = (rows.count + width - 1) / width
        let workers = min(blocks, Parallel.threadCount)
        let columns = columnCount
        Parallel.forEach(workers) { worker in
            let values = AlignedBuffer<F.Base>(uninitialized: codeLength * width)
            let messages = AlignedBuffer<F.Base>(uninitialized: columns * width)
            for b in Swift.stride(from: worker, to: blocks, by: workers) {
                let first = rows.lowerBound + b * width
                let block = first..<min(first + width, rows.upperBound)
                for (i, row) in block.enumerated() {
                    layout.embedRow(F.self, row, of: vectors, owners: owners, into: messages.pointer + i * columns)
                }
                // Transposed in tiles that stay in the nearest cache.
                let tile = min(columns, 16)
                for start in Swift.stride(from: 0, to: columns, by: tile) {
                    for i in 0..<block.count {
                        let source = messages.pointer + i * columns + start
                        let target = values.pointer + start * width + i
                        for k in 0..<tile { target[k * width] = source[k] }
                    }
                }
                code.encode(interleaved: values.pointer, stride: width, width: block.count)
                body(block, values.pointer, width)
            }
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
        let tree = MerkleTree(leaves: leaves, capHeight: 0, hash: hash)
        guard tree.cap.digestBytes == commitment else {
            throw CommitmentError.wrongState("the leaves belong to another commitment")
        }
        return TensorCodeState(tree: tree, matrix: nil)
    }

    /// The bytes of the columns at `indices`, one after the other.
    @inlinable
    func columns(_ indices: [Int], of vectors: [IntegerTensor], state: TensorCodeState) -> AlignedBuffer<UInt8> {
        let bytes = columnBytes
        let output = AlignedBuffer<UInt8>(uninitialized: indices.count * bytes)
        if let matrix = state.matrix {
            for (q, j) in indices.enumerated() {
                (output.pointer + q * bytes).update(from: matrix.pointer + j * bytes, count: bytes)
            }
            return output
        }
        let size = F.Base.byteCount
        forEachEncodedBlock(0..<rowCount, of: vectors) { block, values, stride in
            for (q, j) in indices.enumerated() {
                let target = UnsafeMutableRawPointer(output.pointer) + q * bytes + block.lowerBound * size
                for i in 0..<block.count { values[j * stride + i].write(to: target + i * size) }
            }
        }
        return output
    }
}
