#include "bytes.h"
#include "csimd_hash.h"
#include "poseidon2_internal.h"

#include <stddef.h>

/// A field's kernels, for each level; null on other processors.
struct field {
    const struct csimd_lane_hash *portable, *avx2, *avx512;
    void (*foreign)(const uint8_t *nodes, uint8_t *parent);
    /// Whether 64 bytes are two digests: all elements below p.
    int (*canonical)(const uint8_t *nodes);
};

static int canonical_m31(const uint8_t *nodes) {
    int beyond = 0;
    for (int i = 0; i < 64; i += 8) {
        const uint64_t two = load_word64(nodes + i);
        beyond |= (uint32_t)two >= 0x7fffffff;
        beyond |= (uint32_t)(two >> 32) >= 0x7fffffff;
    }
    return !beyond;
}

static int canonical_goldilocks(const uint8_t *nodes) {
    int beyond = 0;
    for (int i = 0; i < 64; i += 8) beyond |= load_word64(nodes + i) >= 0xffffffff00000001;
    return !beyond;
}

static int canonical_bn254(const uint8_t *nodes) {
    static const uint64_t r[4] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029};
    for (int half = 0; half < 2; half++) {
        unsigned long long borrow = 0;
        for (int i = 0; i < 4; i++) {
            __builtin_subcll(load_word64(nodes + 32 * half + 8 * i), r[i], borrow, &borrow);
        }
        if (!borrow) return 0;
    }
    return 1;
}

#if defined(__x86_64__)
#define AVX2(x) &x
#define AVX512(x) &x
#else
#define AVX2(x) NULL
#define AVX512(x) NULL
#endif

static const struct field m31 = {&csimd_poseidon2_m31_portable, AVX2(csimd_poseidon2_m31_avx2),
                                 AVX512(csimd_poseidon2_m31_avx512), csimd_poseidon2_m31_foreign, canonical_m31};
static const struct field goldilocks = {&csimd_poseidon2_goldilocks_portable, AVX2(csimd_poseidon2_goldilocks_avx2),
                                        AVX512(csimd_poseidon2_goldilocks_avx512), csimd_poseidon2_goldilocks_foreign,
                                        canonical_goldilocks};
static const struct field bn254 = {&csimd_poseidon2_bn254_portable, AVX2(csimd_poseidon2_bn254_avx2),
                                   AVX512(csimd_poseidon2_bn254_avx512), csimd_poseidon2_bn254_foreign,
                                   canonical_bn254};

static const struct csimd_lane_hash *kernels(const struct field *field) {
    const csimd_level level = csimd_current_level();
    if (level >= CSIMD_LEVEL_AVX512 && field->avx512 != NULL) return field->avx512;
    if (level >= CSIMD_LEVEL_AVX2 && field->avx2 != NULL) return field->avx2;
    return field->portable;
}

static void hash_pairs(const struct field *field, const uint8_t *nodes, size_t count, uint8_t *parents) {
    csimd_lane_hash_pairs(kernels(field), field->portable, nodes, count, parents);
    // For a pair that is not canonical the kernels give no error, and no digest.
    for (size_t i = 0; i < count; i++) {
        if (!field->canonical(nodes + 64 * i)) field->foreign(nodes + 64 * i, parents + 32 * i);
    }
}

#define FUNCTIONS(field)                                                                                               \
    void csimd_poseidon2_##field(const uint8_t *data, size_t length, uint8_t *digest) {                                \
        field.portable->messages(&data, length, digest);                                                               \
    }                                                                                                                  \
    void csimd_poseidon2_##field##_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests) {   \
        csimd_lane_hash_rows(kernels(&field), field.portable, rows, row_bytes, row_count, digests);                    \
    }                                                                                                                  \
    void csimd_poseidon2_##field##_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents) {                  \
        hash_pairs(&field, nodes, pair_count, parents);                                                                \
    }

FUNCTIONS(m31)
FUNCTIONS(goldilocks)
FUNCTIONS(bn254)
