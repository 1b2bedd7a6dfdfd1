/// SHA-256, BLAKE3, Keccak-256 and Poseidon2: one message, many equal-length rows, and the inner nodes of Merkle trees.
/// All on the calling thread.
///
/// Every digest is 32 bytes. Inputs need no alignment and must not overlap outputs.
///
/// Inner nodes are one compression for 64 bytes (two digests) and live apart from the hash of any message:
///
/// - SHA-256: the compression function of FIPS 180-4, 6.2.2, on the 64 bytes as one block, without padding, from an
///   initial value of its own. That value is derived as FIPS 180-4, 5.3.6, derives those of SHA-512/t: it is the
///   digest of the 17 ASCII bytes `Assay Merkle node` under SHA-256 with each word of its initial value
///   exclusive-ored with 0xa5a5a5a5.
/// - BLAKE3: the parent-node compression of the BLAKE3 specification, 2.4 and 2.5, (initial value as key, counter 0,
///   block length 64, flag PARENT) without the flag ROOT, which the last compression of every message carries.
/// - Keccak-256: the same sponge on the 513 bits that are the 64 bytes and a one, which are no whole number of bytes.
#ifndef CSIMD_HASH_H
#define CSIMD_HASH_H

#include <stddef.h>
#include <stdint.h>

/// The SHA-256 digest of `length` bytes (FIPS 180-4).
void csimd_sha256(const uint8_t *data, size_t length, uint8_t *digest);

/// `digests[i] = SHA-256(row i)` for `row_count` rows of `row_bytes` bytes each, one after the other.
void csimd_sha256_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);

/// `parents[i] = node(nodes[2i], nodes[2i + 1])` for `pair_count` pairs of digests.
void csimd_sha256_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);

/// Whether SHA-256 may use the SHA extensions where csimd_has_sha() says that they are there (at first it may): without
/// them it uses plain vectors of the level in use. For tests. Not to be called while kernels run.
void csimd_sha256_use_extensions(int use);

/// The 32-byte BLAKE3 digest of `length` bytes in the plain hash mode.
void csimd_blake3(const uint8_t *data, size_t length, uint8_t *digest);

/// `digests[i] = BLAKE3(row i)` for `row_count` rows of `row_bytes` bytes each, one after the other.
void csimd_blake3_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);

/// `parents[i] = node(nodes[2i], nodes[2i + 1])` for `pair_count` pairs of digests.
void csimd_blake3_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);

/// The Keccak-256 digest of `length` bytes: the Keccak of the competition, padded with 10*1, as Ethereum uses it, and
/// not the SHA3-256 of FIPS 202.
void csimd_keccak256(const uint8_t *data, size_t length, uint8_t *digest);

/// `digests[i] = Keccak-256(row i)` for `row_count` rows of `row_bytes` bytes each, one after the other.
void csimd_keccak256_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);

/// `parents[i] = node(nodes[2i], nodes[2i + 1])` for `pair_count` pairs of digests.
void csimd_keccak256_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);

/// Poseidon2 (ePrint 2023/323), the same three functions for each field. A digest is the canonical little-endian
/// encoding of 8, 4 or 1 elements.
///
/// A message goes through a sponge in overwrite mode: blocks of 30 bytes as 8 elements of 30 bits, of 31 bytes as 4
/// elements of 62 bits, of 62 bytes as 2 of 248 bits, least significant first, the last filled up with zeros; the
/// capacity starts with the length and a mark.
///
/// The parent of two digests l and r is r plus the second half of the permutation of (l, r), for Mersenne-31 and
/// Goldilocks; the first element of the permutation of (l, r, mark) for BN254. If an element of the 64 bytes is not
/// canonical, they are hashed as a message with a mark of its own.
void csimd_poseidon2_m31(const uint8_t *data, size_t length, uint8_t *digest);
void csimd_poseidon2_m31_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);
void csimd_poseidon2_m31_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);
void csimd_poseidon2_goldilocks(const uint8_t *data, size_t length, uint8_t *digest);
void csimd_poseidon2_goldilocks_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);
void csimd_poseidon2_goldilocks_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);
void csimd_poseidon2_bn254(const uint8_t *data, size_t length, uint8_t *digest);
void csimd_poseidon2_bn254_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests);
void csimd_poseidon2_bn254_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents);

#endif
