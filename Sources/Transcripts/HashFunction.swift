import CSIMD
import Tensors

/// The hash function of a backend: for Merkle leaves and inner nodes, and for the Fiat-Shamir transcript.
///
/// **Messages** (`hash`, `hashRows`) are hashed as the standards say: BLAKE3 in its plain mode, SHA-256 as in FIPS
/// 180-4.
///
/// **Inner nodes** (`hashPairs`) compress 64 bytes, two digests, with a single call of the compression function:
///
/// - `blake3`: the parent compression of BLAKE3 (flag `PARENT`, initial value as key, counter 0, length 64) *without*
///   the flag `ROOT`. Every message digest is the output of a compression *with* `ROOT`. Hence two different pairs
///   with one parent, or a message with the digest of a pair, are two different inputs to the compression function
///   with one 256-bit output: a collision of what BLAKE3 itself rests on.
/// - `sha256`: the compression function on the 64 bytes as one block, without padding, from the initial value IV' =
///   7a0f90c1 eecc54cd 8a94fe94 28aed97b 81e05134 dd30e754 e27e463e d4383010. IV' is made the way FIPS 180-4 (5.3.6)
///   makes those of SHA-512/t: the digest of `Assay Merkle node` (ASCII) under SHA-256 with every initial word
///   exclusive-ored with a5a5a5a5. Two pairs with one parent continue to a collision of SHA-256 so modified, on
///   messages that begin with that padded name. A message with the digest of a pair collides in the compression
///   function, unless its last chaining value is IV' itself, and then it has reached a fixed target, a preimage. (An
///   initial value that a message *can* reach, such as the SHA-256 chaining value after some prefix, would not do: a
///   leaf that begins with the prefix and whose last block is the pair with padding in its place would have the
///   digest of that pair.)
public enum HashFunction: String, Sendable, CaseIterable {
    case blake3
    case sha256

    /// The digest of a message, on the calling thread.
    public func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var digest = Digest.zero
        withUnsafeMutableBytes(of: &digest) { out in
            let output = out.baseAddress!.assumingMemoryBound(to: UInt8.self)
            // C wants a pointer even to nothing.
            let input = UnsafePointer(
                (bytes.baseAddress ?? UnsafeRawPointer(output)).assumingMemoryBound(to: UInt8.self))
            switch self {
            case .blake3: csimd_blake3(input, bytes.count, output)
            case .sha256: csimd_sha256(input, bytes.count, output)
            }
        }
        return digest
    }

    /// The digest of a message, on the calling thread.
    public func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }

    /// `into[i]` = the digest of row `i`, for `rowCount` rows of `rowBytes` bytes, one after the other in memory.
    /// Many rows at a time in vector lanes, on all threads. `data` and `into` must not overlap.
    public func hashRows(
        _ data: UnsafeRawPointer, rowBytes: Int, rowCount: Int, into digests: UnsafeMutablePointer<Digest>
    ) {
        precondition(rowBytes >= 0 && rowCount >= 0)
        // About 64 KiB for a turn, some 20 microseconds, and full vectors of rows.
        let wanted = (1 << 16) / max(rowBytes, 1)
        let grain = max((wanted + 15) & ~15, 16)
        Parallel.forEachChunk(rowCount, grain: grain) { range in
            let input = (data + range.lowerBound * rowBytes).assumingMemoryBound(to: UInt8.self)
            let output = UnsafeMutableRawPointer(digests + range.lowerBound).assumingMemoryBound(to: UInt8.self)
            switch self {
            case .blake3: csimd_blake3_rows(input, rowBytes, range.count, output)
            case .sha256: csimd_sha256_rows(input, rowBytes, range.count, output)
            }
        }
    }

    /// `into[i]` = the inner node over `nodes[2i]` and `nodes[2i + 1]`, for `pairCount` pairs. Many nodes at a time in
    /// vector lanes, on all threads. `nodes` and `into` must not overlap.
    public func hashPairs(
        _ nodes: UnsafePointer<Digest>, pairCount: Int, into parents: UnsafeMutablePointer<Digest>
    ) {
        precondition(pairCount >= 0)
        Parallel.forEachChunk(pairCount, grain: 2048) { range in
            let input = UnsafeRawPointer(nodes + 2 * range.lowerBound).assumingMemoryBound(to: UInt8.self)
            let output = UnsafeMutableRawPointer(parents + range.lowerBound).assumingMemoryBound(to: UInt8.self)
            switch self {
            case .blake3: csimd_blake3_pairs(input, range.count, output)
            case .sha256: csimd_sha256_pairs(input, range.count, output)
            }
        }
    }
}
