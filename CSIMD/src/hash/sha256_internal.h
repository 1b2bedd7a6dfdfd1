/// What the SHA-256 kernels of one instruction set offer to the dispatcher.
#ifndef CSIMD_SHA256_INTERNAL_H
#define CSIMD_SHA256_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Kernels that work on `lanes` inputs at a time, always all of them: where there are fewer the caller repeats one.
struct csimd_sha256_kernels {
    size_t lanes;
    /// One message: `state` after `blocks` more 64-byte blocks.
    void (*one)(uint32_t state[8], const uint8_t *data, size_t blocks);
    /// `lanes` messages: `state[i]` after `blocks` more blocks from `input[i]`.
    void (*many)(uint32_t state[][8], const uint8_t *const *input, size_t blocks);
    /// Digests of `lanes` messages of one unpadded block each, one after the other, from the state `initial`.
    void (*nodes)(const uint8_t *blocks, const uint32_t initial[8], uint8_t *digests);
};

extern const struct csimd_sha256_kernels csimd_sha256_portable;
extern const struct csimd_sha256_kernels csimd_sha256_sha;
extern const struct csimd_sha256_kernels csimd_sha256_avx2;
extern const struct csimd_sha256_kernels csimd_sha256_avx512;

void csimd_sha256_portable_one(uint32_t state[8], const uint8_t *data, size_t blocks);

/// The state in the byte order of digests: big-endian words.
static inline void csimd_sha256_write_digest(const uint32_t state[8], uint8_t *digest) {
    for (int i = 0; i < 8; i++) {
        uint8_t bytes[4] = {(uint8_t)(state[i] >> 24), (uint8_t)(state[i] >> 16), (uint8_t)(state[i] >> 8),
                            (uint8_t)state[i]};
        memcpy(digest + 4 * i, bytes, 4);
    }
}

/// The round constants (FIPS 180-4, 4.2.2).
extern const uint32_t csimd_sha256_constants[64];

#endif
