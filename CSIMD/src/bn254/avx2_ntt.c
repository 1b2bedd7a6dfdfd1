// BN254: Reed-Solomon codes, four columns at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

#define LANES 4
#define WORDS 4
#define CACHE_BITS 11   /* 320 KiB */
#define SCRATCH_BITS 14 /* 2.5 MiB */
#define KERNEL AVX2 static

/// In limbs, below 4r between levels (Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
typedef bn4 row;
typedef bn4_factor twiddle;

AVX2_INLINE row row_load(const u64 *p, size_t n) {
    if (n == 4) return bn4_load(p);
    u64 some[16];
    memset(some, 0, sizeof some);
    memcpy(some, p, n * 32);
    return bn4_load(some);
}

AVX2_INLINE void row_store(u64 *p, row x, size_t n) {
    x = bn4_canon4(x);
    if (n == 4) {
        bn4_store(p, x);
        return;
    }
    u64 some[16];
    bn4_store(some, x);
    memcpy(p, some, n * 32);
}

AVX2_INLINE void rows_load(const u64 *p, row *x) {
    for (int i = 0; i < 4; i++) x[i] = bn4_load_strided(p + 4 * i, 4);
}

AVX2_INLINE void rows_store(u64 *p, row *x) {
    for (int i = 0; i < 4; i++) bn4_store_strided(p + 4 * i, bn4_canon4(x[i]), 4);
}

AVX2_INLINE twiddle tw_one(const u64 *table, size_t i) {
    const u64 *p = table + 4 * i;
    return bn4_to_factor(bn4_broadcast((bn_scalar){{p[0], p[1], p[2], p[3]}}));
}

AVX2_INLINE twiddle tw_many(const u64 *table, size_t i, size_t s) {
    return bn4_to_factor(bn4_load_strided(table + 4 * i, s));
}

AVX2_INLINE void butterfly(row *a, row *b, twiddle t) {
    bn4_wide s = bn4_wide_zero();
    bn4_mac(&s, t, bn4_to_factor(*b));
    const bn4 y = bn4_wide_reduce(&s);                // below 0.19 * 4 + 1.22 < 2
    const bn4 x = bn4_reduce_once(*a, bn_minus_2r51); // below 2
    *a = bn4_add(x, y);                               // below 4
    *b = bn4_sub_lent(x, y, bn_lent_2r51);            // x - y + 2r, below 4
}

#include "../goldilocks/ntt_wide.h"

AVX2 void bn254_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                            const u64 *table);
AVX2 void bn254_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                            const u64 *table) {
    encode_wide(values, stride, width, message_bits, log_inverse_rate, table);
}
#endif
