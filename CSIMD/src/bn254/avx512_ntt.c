// BN254: Reed-Solomon codes, eight columns at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

#define LANES 8
#define WORDS 4
#define CACHE_BITS 10   /* 320 KiB */
#define SCRATCH_BITS 14 /* 5 MiB */
#define KERNEL AVX512 static

/// In limbs, below 4r between levels (Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
typedef bn8 row;
/// A left factor.
typedef bn8 twiddle;

AVX512_INLINE row row_load(const u64 *p, size_t n) {
    if (n == 8) return bn8_load(p);
    u64 some[32];
    memset(some, 0, sizeof some);
    memcpy(some, p, n * 32);
    return bn8_load(some);
}

AVX512_INLINE void row_store(u64 *p, row x, size_t n) {
    x = bn8_canon4(x);
    if (n == 8) {
        bn8_store(p, x);
        return;
    }
    u64 some[32];
    bn8_store(some, x);
    memcpy(p, some, n * 32);
}

AVX512_INLINE void rows_load(const u64 *p, row *x) {
    for (int i = 0; i < 8; i++) x[i] = bn8_load_strided(p + 4 * i, 8);
}

AVX512_INLINE void rows_store(u64 *p, row *x) {
    for (int i = 0; i < 8; i++) bn8_store_strided(p + 4 * i, bn8_canon4(x[i]), 8);
}

AVX512_INLINE twiddle tw_one(const u64 *table, size_t i) {
    const u64 *p = table + 4 * i;
    return bn8_left(bn8_from_words(gl8_set(p[0]), gl8_set(p[1]), gl8_set(p[2]), gl8_set(p[3])));
}

AVX512_INLINE twiddle tw_many(const u64 *table, size_t i, size_t s) {
    return bn8_left(bn8_load_strided(table + 4 * i, s));
}

AVX512_INLINE void butterfly(row *a, row *b, twiddle t) {
    bn8_wide s = bn8_wide_zero();
    bn8_mac(&s, t, *b);
    const bn8 y = bn8_wide_reduce(&s);          // below 0.19 * 4 + 1.13 < 2
    const bn8 x = bn8_reduce_once(*a, bn_2r52); // below 2
    *a = bn8_add(x, y);                         // below 4
    bn8 d;
    for (int i = 0; i < 5; i++) d.l[i] = _mm512_add_epi64(_mm512_sub_epi64(x.l[i], y.l[i]), gl8_set(bn_2r52[i]));
    *b = bn8_carry(d); // x - y + 2r, below 4
}

#include "../goldilocks/ntt_wide.h"

AVX512 void bn254_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                const u64 *table);
AVX512 void bn254_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                const u64 *table) {
    encode_wide(values, stride, width, message_bits, log_inverse_rate, table);
}
#endif
