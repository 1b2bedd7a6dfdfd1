/// What the BLAKE3 kernels of one instruction set offer to the dispatcher.
#ifndef CSIMD_BLAKE3_INTERNAL_H
#define CSIMD_BLAKE3_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

enum {
    CSIMD_BLAKE3_CHUNK_START = 1,
    CSIMD_BLAKE3_CHUNK_END = 2,
    CSIMD_BLAKE3_PARENT = 4,
    CSIMD_BLAKE3_ROOT = 8,
    CSIMD_BLAKE3_CHUNK_BYTES = 1024,
};

/// Kernels that work on `lanes` inputs at a time, always all of them: where there are fewer inputs the caller repeats
/// one.
struct csimd_blake3_kernels {
    size_t lanes;
    /// Full hashes of `lanes` messages of `length` bytes.
    void (*messages)(const uint8_t *const *input, size_t length, uint8_t *digests);
    /// Chaining values of `lanes` full chunks that lie one after the other, the first being chunk number `counter`.
    /// Not for the only chunk of a message.
    void (*chunks)(const uint8_t *data, uint64_t counter, uint8_t *digests);
    /// Chaining values of `lanes` parents whose 64-byte blocks lie one after the other. `flags` is PARENT, or PARENT
    /// with ROOT.
    void (*parents)(const uint8_t *blocks, uint32_t flags, uint8_t *digests);
};

extern const struct csimd_blake3_kernels csimd_blake3_portable;
extern const struct csimd_blake3_kernels csimd_blake3_avx2;
extern const struct csimd_blake3_kernels csimd_blake3_avx512;

/// One chunk of at most 1,024 bytes of a message of more than one chunk, portable.
void csimd_blake3_portable_chunk(const uint8_t *data, size_t length, uint64_t counter, uint8_t *digest);

#endif
