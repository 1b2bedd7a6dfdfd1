import CSIMD
import Tensors

/// Witnesses in M31, challenges in QM31, bulk operations from CSIMD (`csimd_m31.h`).
public enum Mersenne31: ProofField {
    public typealias Base = M31
    public typealias Challenge = QM31

    @inlinable public static var name: String { "m31" }
    @inlinable public static var modulus: [UInt64] { [0x7fff_ffff] }
    @inlinable public static var integerBound: Int64 { 0x3fff_ffff }
    /// p^4 is a little less than 2^124.
    @inlinable public static var challengeBits: Int { 123 }
    public static var maximumCodeBits: Int { CircleCode.maximumBits }
}

extension QM31 {
    @inlinable
    var word: csimd_qm31 { csimd_qm31(c: (a.real.value, a.imaginary.value, b.real.value, b.imaginary.value)) }

    @inlinable
    init(_ word: csimd_qm31) {
        self.init(
            M31(unchecked: word.c.0), M31(unchecked: word.c.1), M31(unchecked: word.c.2), M31(unchecked: word.c.3))
    }
}

// MARK: Vectors

extension Mersenne31 {
    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<M31>
    ) {
        guard let start = UnsafeRawPointer(input.baseAddress) else { return }
        // One of four branches remains after specialisation.
        switch T.bitWidth {
        case 8: csimd_m31_embed_s8(start.assumingMemoryBound(to: Int8.self), output, input.count)
        case 16: csimd_m31_embed_s16(start.assumingMemoryBound(to: Int16.self), output, input.count)
        case 32: csimd_m31_embed_s32(start.assumingMemoryBound(to: Int32.self), output, input.count)
        default: csimd_m31_embed_s64(start.assumingMemoryBound(to: Int64.self), output, input.count)
        }
    }

    /// Integers of one cache-sized piece, embedded; `body` gets the offset, the elements and how many there are. Even
    /// offsets, so that pairs stay together.
    @inlinable
    static func forEachEmbedded<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, _ body: (Int, UnsafePointer<M31>, Int) -> Void
    ) {
        guard !input.isEmpty else { return }
        withUnsafeTemporaryAllocation(of: M31.self, capacity: min(input.count, 1024)) { block in
            var offset = 0
            while offset < input.count {
                let count = min(1024, input.count - offset)
                embed(UnsafeBufferPointer(rebasing: input[offset..<offset + count]), into: block.baseAddress!)
                body(offset, UnsafePointer(block.baseAddress!), count)
                offset += count
            }
        }
    }

    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<QM31>
    ) {
        forEachEmbedded(input) { offset, block, count in csimd_qm31_widen(block, output + offset, count) }
    }

    @inlinable
    public static func add(
        _ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, into output: UnsafeMutablePointer<QM31>, count: Int
    ) {
        csimd_qm31_add(a, b, output, count)
    }

    @inlinable
    public static func multiply(
        _ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, into output: UnsafeMutablePointer<QM31>, count: Int
    ) {
        csimd_qm31_mul(a, b, output, count)
    }

    @inlinable
    public static func addScaled(
        _ a: UnsafePointer<QM31>, by factor: QM31, to output: UnsafeMutablePointer<QM31>, count: Int
    ) {
        csimd_qm31_add_scaled(a, factor.word, output, count)
    }

    @inlinable
    public static func scale(
        _ a: UnsafePointer<QM31>, by factor: QM31, into output: UnsafeMutablePointer<QM31>, count: Int
    ) {
        csimd_qm31_scale(a, factor.word, output, count)
    }

    @inlinable
    public static func addScaled<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, by factor: QM31, to output: UnsafeMutablePointer<QM31>
    ) {
        forEachEmbedded(a) { offset, block, count in
            csimd_qm31_add_scaled_base(block, factor.word, output + offset, count)
        }
    }

    @inlinable
    public static func innerProduct(_ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, count: Int) -> QM31 {
        QM31(csimd_qm31_inner(a, b, count))
    }

    @inlinable
    public static func innerProduct<T: SmallInteger>(_ a: UnsafeBufferPointer<T>, _ b: UnsafePointer<QM31>) -> QM31 {
        var sum = QM31.zero
        forEachEmbedded(a) { offset, block, count in sum += QM31(csimd_qm31_inner_base(block, b + offset, count)) }
        return sum
    }

    @inlinable
    public static func innerProduct(base a: UnsafePointer<M31>, _ b: UnsafePointer<QM31>, count: Int) -> QM31 {
        QM31(csimd_qm31_inner_base(a, b, count))
    }

    @inlinable
    public static func expandEq(_ point: [QM31], scale: QM31, into table: UnsafeMutablePointer<QM31>) {
        table[0] = scale
        for (i, r) in point.enumerated() { csimd_qm31_expand(table, 1 << i, r.word) }
    }

    @inlinable
    public static func addScaled(
        base a: UnsafePointer<M31>, by factor: M31, to output: UnsafeMutablePointer<M31>, count: Int
    ) {
        csimd_m31_add_scaled(a, factor.value, output, count)
    }

    /// A word in memory is its own canonical encoding.
    @inlinable
    public static func write(_ elements: UnsafePointer<M31>, count: Int, to bytes: UnsafeMutableRawPointer) {
        bytes.copyMemory(from: elements, byteCount: 4 * count)
    }

    public static func write(
        interleaved elements: UnsafePointer<M31>, stride elementStride: Int, width: Int, count: Int,
        to bytes: UnsafeMutableRawPointer, stride: Int
    ) {
        csimd_copy_pieces(elements, 4 * elementStride, bytes, stride, 4 * width, count)
    }

    public static func interleave(
        _ input: UnsafePointer<M31>, rows: Int, columns: Int, into output: UnsafeMutablePointer<M31>, stride: Int
    ) {
        precondition(rows <= stride)
        csimd_m31_interleave(input, rows, columns, output, stride)
    }

    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<M31>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int
    ) {
        let bits = messageBits + logInverseRate
        precondition(bits <= maximumCodeBits && width <= stride)
        csimd_m31_circle_encode(
            values, stride, width, UInt32(messageBits), UInt32(bits), CircleCode.twiddles(bits: bits))
    }

    /// Transforms only the blocks that lead to the positions.
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<M31>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int,
        only positions: [Int]
    ) {
        let bits = messageBits + logInverseRate
        precondition(bits <= maximumCodeBits && width <= stride)
        let only = positions.map { UInt32($0) }.sorted()
        // An empty array may have no address, which would mean all positions.
        guard !only.isEmpty else { return }
        csimd_m31_circle_encode_at(
            values, stride, width, UInt32(messageBits), UInt32(bits), CircleCode.twiddles(bits: bits), only, only.count)
    }

    /// The ordinate of the pair's points on the first level, their abscissa under the squaring maps on the others.
    public static func foldingFactor(codeBits: Int, level: Int, pair: Int) -> M31 {
        CircleCode.factor(codeBits: codeBits, level: level, pair: pair)
    }

    public static func foldingFactors(codeBits: Int, level: Int, position: Int, count: Int) -> [M31] {
        CircleCode.factors(codeBits: codeBits, level: level, position: position, count: count)
    }

    public static func foldingFactors(codeBits: Int, level: Int, into factors: UnsafeMutablePointer<M31>) {
        CircleCode.factors(codeBits: codeBits, level: level, into: factors)
    }
}

// MARK: Folds and sumcheck rounds

extension Mersenne31 {
    @inlinable
    public static func fold(
        _ input: UnsafePointer<QM31>, at r: QM31, into output: UnsafeMutablePointer<QM31>, pairs: Int
    ) {
        csimd_qm31_fold(input, r.word, output, pairs)
    }

    @inlinable
    public static func fold<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, at r: QM31, into output: UnsafeMutablePointer<QM31>
    ) {
        forEachEmbedded(input) { offset, block, count in
            csimd_qm31_fold_base(block, r.word, output + offset / 2, count / 2)
        }
    }

    @inlinable
    public static func foldPairs(
        _ input: UnsafePointer<QM31>, at r: QM31, into output: UnsafeMutablePointer<QM31>, quads: Int
    ) {
        csimd_qm31_fold_pairs(input, r.word, output, quads)
    }

    @inlinable
    static func results(_ body: (UnsafeMutablePointer<csimd_qm31>) -> Void) -> (QM31, QM31, QM31) {
        withUnsafeTemporaryAllocation(of: csimd_qm31.self, capacity: 3) { out in
            out.initialize(repeating: csimd_qm31())
            body(out.baseAddress!)
            return (QM31(out[0]), QM31(out[1]), QM31(out[2]))
        }
    }

    @inlinable
    public static func roundProduct2(
        _ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, pairs: Int
    ) -> (atZero: QM31, leading: QM31) {
        let (atZero, leading, _) = results { csimd_qm31_round2(a, b, pairs, $0) }
        return (atZero, leading)
    }

    @inlinable
    public static func roundProduct3(
        _ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, _ c: UnsafePointer<QM31>, pairs: Int
    ) -> (atZero: QM31, atMinusOne: QM31, leading: QM31) {
        let (atZero, atMinusOne, leading) = results { csimd_qm31_round3(a, b, c, pairs, $0) }
        return (atZero, atMinusOne, leading)
    }

    @inlinable
    public static func roundWeightedProduct2(
        weights: UnsafePointer<QM31>, _ a: UnsafePointer<QM31>, _ b: UnsafePointer<QM31>, pairs: Int
    ) -> (atZero: QM31, leading: QM31) {
        let (atZero, leading, _) = results { csimd_qm31_round_weighted2(weights, a, b, pairs, $0) }
        return (atZero, leading)
    }

    @inlinable
    public static func roundFractions(
        weights: UnsafePointer<QM31>, p: UnsafePointer<QM31>, q: UnsafePointer<QM31>, lambda: QM31, quads: Int
    ) -> (atZero: QM31, leading: QM31) {
        let (atZero, leading, _) = results { csimd_qm31_round_fractions(weights, p, q, lambda.word, quads, $0) }
        return (atZero, leading)
    }

    @inlinable
    public static func addFractions(
        p: UnsafePointer<QM31>, q: UnsafePointer<QM31>, pOut: UnsafeMutablePointer<QM31>,
        qOut: UnsafeMutablePointer<QM31>, pairs: Int
    ) {
        csimd_qm31_add_fractions(p, q, pOut, qOut, pairs)
    }
}

// MARK: Matrices

extension Mersenne31 {
    @inlinable
    public static func combineRows<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<QM31>,
        addTo output: UnsafeMutablePointer<QM31>
    ) {
        let start = UnsafeRawPointer(matrix)
        let done: Int32
        switch T.bitWidth {
        case 8:
            done = csimd_qm31_combine_rows_s8(
                start.assumingMemoryBound(to: Int8.self), rows, columns, weights, output)
        case 16:
            done = csimd_qm31_combine_rows_s16(
                start.assumingMemoryBound(to: Int16.self), rows, columns, weights, output)
        default: done = 0
        }
        if done != 0 { return }
        Parallel.forEachChunk(columns, grain: 64) { range in
            for r in 0..<rows {
                let row = UnsafeBufferPointer(start: matrix + r * columns + range.lowerBound, count: range.count)
                addScaled(row, by: weights[r], to: output + range.lowerBound)
            }
        }
    }

    @inlinable
    public static func combineColumns<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<QM31>,
        into output: UnsafeMutablePointer<QM31>
    ) {
        let start = UnsafeRawPointer(matrix)
        let done: Int32
        switch T.bitWidth {
        case 8:
            done = csimd_qm31_combine_columns_s8(
                start.assumingMemoryBound(to: Int8.self), rows, columns, weights, output)
        case 16:
            done = csimd_qm31_combine_columns_s16(
                start.assumingMemoryBound(to: Int16.self), rows, columns, weights, output)
        default: done = 0
        }
        if done != 0 { return }
        Parallel.forEachChunk(rows, grain: max(1, 4096 / max(1, columns))) { range in
            for r in range {
                output[r] = innerProduct(UnsafeBufferPointer(start: matrix + r * columns, count: columns), weights)
            }
        }
    }
}
