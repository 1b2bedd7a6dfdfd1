// BN254: Reed-Solomon codes.
#include "../../include/csimd_bn254.h"
#include "../../include/csimd_cpu.h"
#include "scalar.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

#define ELEMENT bn_scalar
#define WORDS 4
static inline bn_scalar el_load(const u64 *p) { return (bn_scalar){{p[0], p[1], p[2], p[3]}}; }
static inline void el_store(u64 *p, bn_scalar x) { p[0] = x.w[0], p[1] = x.w[1], p[2] = x.w[2], p[3] = x.w[3]; }
static inline bn_scalar el_add(bn_scalar a, bn_scalar b) { return bn_add(a, b); }
static inline bn_scalar el_sub(bn_scalar a, bn_scalar b) { return bn_sub(a, b); }
static inline bn_scalar el_mul(bn_scalar a, bn_scalar b) { return bn_mul(a, b); }
/// 5^((r - 1) / 2^bits).
static bn_scalar el_root(int bits) {
    bn_scalar root = {{0x636e735580d13d9c, 0xa22bf3742445ffd6, 0x56452ac01eb203d8, 0x1860ef942963f9e7}};
    for (int i = bits; i < 28; i++) root = bn_mul(root, root);
    return root;
}

#include "../goldilocks/ntt.h"

void bn254_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                       const u64 *table);
void bn254_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                         const u64 *table);

void csimd_bn254_reed_solomon_encode(void *values, size_t stride, size_t width, int message_bits,
                                     int log_inverse_rate) {
    const int bits = message_bits + log_inverse_rate;
    if (width == 0) return;
    const u64 *table = twiddle_table(bits > 0 ? bits - 1 : 0);
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        bn254_avx512_encode(values, stride, width, message_bits, log_inverse_rate, table);
        return;
    case CSIMD_LEVEL_AVX2:
        bn254_avx2_encode(values, stride, width, message_bits, log_inverse_rate, table);
        return;
    default:
        break;
    }
#endif
    encode_portable(values, stride, width, message_bits, log_inverse_rate, table);
}
