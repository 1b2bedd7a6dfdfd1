#include "csimd_cpu.h"
#include "csimd_hash.h"
#include "sha256_internal.h"

#include <stdatomic.h>
#include <string.h>

enum { MAXIMUM_LANES = 16 };

// FIPS 180-4, 5.3.3.
static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

// The initial value of inner nodes, derived as csimd_hash.h says.
static const uint32_t node_initial[8] = {
    0x7a0f90c1, 0xeecc54cd, 0x8a94fe94, 0x28aed97b, 0x81e05134, 0xdd30e754, 0xe27e463e, 0xd4383010,
};

// Negative: not yet known. Asked of the processor once, as CPUID takes microseconds under a hypervisor.
static _Atomic int sha_extensions = -1;

void csimd_sha256_use_extensions(int use) {
    atomic_store_explicit(&sha_extensions, use ? -1 : 0, memory_order_relaxed);
}

static const struct csimd_sha256_kernels *kernels(void) {
#if defined(__x86_64__)
    csimd_level level = csimd_current_level();
    if (level != CSIMD_LEVEL_PORTABLE) {
        int sha = atomic_load_explicit(&sha_extensions, memory_order_relaxed);
        if (sha < 0) {
            sha = csimd_has_sha() != 0;
            atomic_store_explicit(&sha_extensions, sha, memory_order_relaxed);
        }
        if (sha) return &csimd_sha256_sha;
        return level == CSIMD_LEVEL_AVX512 ? &csimd_sha256_avx512 : &csimd_sha256_avx2;
    }
#endif
    return &csimd_sha256_portable;
}

/// Writes the last `length % 64` bytes, the padding and the length of a message to one or two blocks; returns how many.
static size_t write_tail(const uint8_t *rest, size_t length, uint8_t tail[128]) {
    size_t used = length % 64;
    size_t blocks = used < 56 ? 1 : 2;
    memset(tail, 0, 128);
    if (used > 0) memcpy(tail, rest, used);
    tail[used] = 0x80;
    uint64_t bits = (uint64_t)length * 8;
    for (int k = 0; k < 8; k++) tail[64 * blocks - 1 - (size_t)k] = (uint8_t)(bits >> 8 * k);
    return blocks;
}

void csimd_sha256(const uint8_t *data, size_t length, uint8_t *digest) {
    const struct csimd_sha256_kernels *k = kernels();
    uint32_t state[8];
    memcpy(state, initial, sizeof state);
    if (length >= 64) k->one(state, data, length / 64);
    uint8_t tail[128];
    size_t blocks = write_tail(length % 64 ? data + length / 64 * 64 : NULL, length, tail);
    k->one(state, tail, blocks);
    csimd_sha256_write_digest(state, digest);
}

/// One group of at most `lanes` rows; lanes without a row repeat the first.
static void hash_group(const struct csimd_sha256_kernels *k, const uint8_t *rows, size_t row_bytes, size_t count,
                       uint8_t *digests) {
    uint32_t state[MAXIMUM_LANES][8];
    const uint8_t *lane[MAXIMUM_LANES];
    for (size_t j = 0; j < k->lanes; j++) {
        lane[j] = rows + (j < count ? j : 0) * row_bytes;
        memcpy(state[j], initial, sizeof initial);
    }
    size_t whole = row_bytes / 64;
    if (whole > 0) k->many(state, lane, whole);
    uint8_t tail[MAXIMUM_LANES][128];
    size_t blocks = 0;
    for (size_t j = 0; j < k->lanes; j++) {
        if (j < count) blocks = write_tail(lane[j] + 64 * whole, row_bytes, tail[j]);
        lane[j] = tail[j < count ? j : 0];
    }
    k->many(state, lane, blocks);
    for (size_t j = 0; j < count; j++) csimd_sha256_write_digest(state[j], digests + 32 * j);
}

void csimd_sha256_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests) {
    const struct csimd_sha256_kernels *k = kernels();
    for (size_t i = 0; i < row_count; i += k->lanes) {
        size_t count = row_count - i < k->lanes ? row_count - i : k->lanes;
        if (count == 1) {
            csimd_sha256(rows + i * row_bytes, row_bytes, digests + 32 * i);
        } else {
            hash_group(k, rows + i * row_bytes, row_bytes, count, digests + 32 * i);
        }
    }
}

void csimd_sha256_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents) {
    const struct csimd_sha256_kernels *k = kernels();
    size_t i = 0;
    for (; i + k->lanes <= pair_count; i += k->lanes) k->nodes(nodes + 64 * i, node_initial, parents + 32 * i);
    size_t rest = pair_count - i;
    if (rest >= 2) {
        uint8_t in[64 * MAXIMUM_LANES], out[32 * MAXIMUM_LANES];
        memcpy(in, nodes + 64 * i, 64 * rest);
        memset(in + 64 * rest, 0, 64 * (k->lanes - rest));
        k->nodes(in, node_initial, out);
        memcpy(parents + 32 * i, out, 32 * rest);
    } else if (rest == 1) {
        uint32_t state[8];
        memcpy(state, node_initial, sizeof state);
        k->one(state, nodes + 64 * i, 1);
        csimd_sha256_write_digest(state, parents + 32 * i);
    }
}
