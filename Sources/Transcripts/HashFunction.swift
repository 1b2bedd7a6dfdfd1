import CSIMD
import Tensors

/// The hash function of a backend: for Merkle leaves and inner nodes, and for the Fiat-Shamir transcript.
///
/// **Messages** (`hash`, `hashRows`) are hashed as the standards say: BLAKE3 in its plain mode, SHA-256 as in FIPS
/// 180-4, Keccak-256 as in the Keccak submission with padding 10*1 (as Ethereum uses it; SHA3-256 differs).
///
/// **Poseidon2** (Grassi, Khovratovich, Schofnegger, ePrint 2023/323) comes over three fields: Mersenne-31 with width
/// 16, x^5 and 8 + 14 rounds, and Goldilocks with width 8, x^7 and 8 + 22 rounds, both with the constants and matrices
/// that are Plonky3's defaults; BN254 with width 3, x^5 and 8 + 56 rounds as in HorizenLabs' reference. (All constants
/// are those of the Grain LFSR; `Experiments/poseidon2` makes them.) Messages go through a sponge in overwrite mode.
/// A block is 30 bytes as 8 elements of 30 bits, 31 bytes as 4 of 62 bits, or 62 bytes as 2 of 248 bits, little-endian,
/// the last block filled up with zeros; the capacity of 8, 4 or 1 elements starts with the length in bytes and the mark
/// 1. With the length there, padding is injective and no input begins another. The digest is the canonical encoding
/// of the first 8, 4 or 1 elements. It is *not* made of uniform bits: see `stretching`.
///
/// **Inner nodes** (`hashPairs`) compress 64 bytes, two digests, with a single call of the compression function or
/// permutation:
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
/// - `keccak256`: the Keccak sponge on the 64 bytes and a one bit, padded: one permutation. Those are 513 bits, which no
///   message of whole bytes is, so that two pairs with one parent, and a message with the digest of a pair, are
///   collisions of the same sponge on bit strings, with capacity 512.
/// - Poseidon2 over Mersenne-31 and Goldilocks: with l and r the elements of the two digests, r plus the *second* half
///   of the permutation P of (l, r), the truncation of x + P(x) that ePrint 2023/323 proposes. Without the sum P
///   could be inverted. The digest of a message is the *first* half of an image of P. So even where a message ends in
///   the state (l, r), its digest and the parent are different halves of the image, and if P behaves like a random
///   permutation, both being equal is as unlikely as any other collision.
/// - Poseidon2 over BN254: the first element of P(l, r, c), where c has the mark 2 where a message has 1. A message
///   reaches that state only if its capacity, 254 bits out of P, comes to be c.
///
/// Bytes of a pair that are no digests, because an element is not below the modulus, are hashed as a message with the
/// mark 3. (Reduced, they would be another pair with the same parent.)
public enum HashFunction: String, Sendable, CaseIterable {
    case blake3
    case sha256
    case keccak256
    case poseidon2M31 = "poseidon2-m31"
    case poseidon2Goldilocks = "poseidon2-goldilocks"
    case poseidon2BN254 = "poseidon2-bn254"

    /// What the hash is called where the field is known. (The raw value enters transcripts.)
    public var name: String {
        switch self {
        case .blake3, .sha256, .keccak256: rawValue
        case .poseidon2M31, .poseidon2Goldilocks, .poseidon2BN254: "poseidon2"
        }
    }

    /// The hashes for a backend over the field `m31`, `goldilocks` or `bn254`: those for bytes, then the Poseidon2 of
    /// that field if there is one. Their names differ.
    public static func choices(field: String) -> [HashFunction] {
        let own = HashFunction(rawValue: "poseidon2-\(field)")
        return [.blake3, .sha256, .keccak256] + (own.map { [$0] } ?? [])
    }

    /// The binary logarithm of the work of a collision by the birthday attack, rounded down: half the bits of the
    /// digest, or of the capacity where that is less.
    ///
    /// With elements of a field that is half of 8 log2(2^31 - 1), of 4 log2(2^64 - 2^32 + 1) or of log2(r), which are
    /// 123.99..., 127.99... and 126.8.
    public var collisionBits: Int {
        switch self {
        case .blake3, .sha256, .keccak256: 128
        case .poseidon2M31: 123
        case .poseidon2Goldilocks: 127
        case .poseidon2BN254: 126
        }
    }

    /// The hash that makes uniform bits from a digest of this one: BLAKE3 where digests are field elements, whose
    /// encodings are not uniform (the top bit of 31 in 32 is always zero); else the hash itself.
    var stretching: HashFunction {
        switch self {
        case .blake3, .sha256, .keccak256: self
        case .poseidon2M31, .poseidon2Goldilocks, .poseidon2BN254: .blake3
        }
    }

    private typealias Rows = (UnsafePointer<UInt8>, Int, Int, UnsafeMutablePointer<UInt8>) -> Void
    private typealias Message = (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<UInt8>) -> Void

    /// The kernels: of one message, of rows, and of pairs, which has the form of the first.
    private var kernels: (message: Message, rows: Rows, pairs: Message) {
        switch self {
        case .blake3: (csimd_blake3, csimd_blake3_rows, csimd_blake3_pairs)
        case .sha256: (csimd_sha256, csimd_sha256_rows, csimd_sha256_pairs)
        case .keccak256: (csimd_keccak256, csimd_keccak256_rows, csimd_keccak256_pairs)
        case .poseidon2M31: (csimd_poseidon2_m31, csimd_poseidon2_m31_rows, csimd_poseidon2_m31_pairs)
        case .poseidon2Goldilocks:
            (csimd_poseidon2_goldilocks, csimd_poseidon2_goldilocks_rows, csimd_poseidon2_goldilocks_pairs)
        case .poseidon2BN254: (csimd_poseidon2_bn254, csimd_poseidon2_bn254_rows, csimd_poseidon2_bn254_pairs)
        }
    }

    /// The digest of a message, on the calling thread.
    public func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var digest = Digest.zero
        withUnsafeMutableBytes(of: &digest) { out in
            let output = out.baseAddress!.assumingMemoryBound(to: UInt8.self)
            // C wants a pointer even to nothing.
            let input = UnsafePointer(
                (bytes.baseAddress ?? UnsafeRawPointer(output)).assumingMemoryBound(to: UInt8.self))
            kernels.message(input, bytes.count, output)
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
        let (vector, turn) = (16, max(1, (1 << 12) / max(rowBytes, 1)))
        let kernels = self.kernels
        Parallel.forEachChunk((rowCount + vector - 1) / vector, grain: turn) { vectors in
            let first = vector * vectors.lowerBound
            let count = min(vector * vectors.upperBound, rowCount) - first
            let input = (data + first * rowBytes).assumingMemoryBound(to: UInt8.self)
            let output = UnsafeMutableRawPointer(digests + first).assumingMemoryBound(to: UInt8.self)
            kernels.rows(input, rowBytes, count, output)
        }
    }

    /// `into[i]` = the inner node over `nodes[2i]` and `nodes[2i + 1]`, for `pairCount` pairs. Many nodes at a time in
    /// vector lanes, on all threads. `nodes` and `into` must not overlap.
    public func hashPairs(
        _ nodes: UnsafePointer<Digest>, pairCount: Int, into parents: UnsafeMutablePointer<Digest>
    ) {
        precondition(pairCount >= 0)
        let kernels = self.kernels
        Parallel.forEachChunk(pairCount, grain: 2048) { range in
            let input = UnsafeRawPointer(nodes + 2 * range.lowerBound).assumingMemoryBound(to: UInt8.self)
            let output = UnsafeMutableRawPointer(parents + range.lowerBound).assumingMemoryBound(to: UInt8.self)
            kernels.pairs(input, range.count, output)
        }
    }
}
