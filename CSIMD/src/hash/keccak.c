#include "csimd_hash.h"
#include "keccak_internal.h"

static const struct csimd_lane_hash *kernels(void) {
    switch (csimd_current_level()) {
#if defined(__x86_64__)
    case CSIMD_LEVEL_AVX512:
        return &csimd_keccak256_avx512;
    case CSIMD_LEVEL_AVX2:
        return &csimd_keccak256_avx2;
#endif
    default:
        return &csimd_keccak256_portable;
    }
}

void csimd_keccak256(const uint8_t *data, size_t length, uint8_t *digest) {
    csimd_keccak256_portable.messages(&data, length, digest);
}

void csimd_keccak256_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests) {
    csimd_lane_hash_rows(kernels(), &csimd_keccak256_portable, rows, row_bytes, row_count, digests);
}

void csimd_keccak256_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents) {
    csimd_lane_hash_pairs(kernels(), &csimd_keccak256_portable, nodes, pair_count, parents);
}
