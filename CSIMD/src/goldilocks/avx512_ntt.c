// Goldilocks: Reed-Solomon codes, eight columns at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include <stdlib.h>

typedef uint64_t u64;

#define LANES 8
#define WORDS 1
#define SCRATCH_BITS 12 /* 256 KiB */
#define KERNEL AVX512 static

/// Canonical.
typedef v8 row;
typedef v8 twiddle;

AVX512_INLINE row row_load(const u64 *p, size_t n) {
    return n == 8 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi64((__mmask8)((1u << n) - 1), p);
}

AVX512_INLINE void row_store(u64 *p, row x, size_t n) {
    if (n == 8)
        _mm512_storeu_si512(p, x);
    else
        _mm512_mask_storeu_epi64(p, (__mmask8)((1u << n) - 1), x);
}

AVX512_INLINE void transpose8(row *a) {
    v8 b[8], c[8];
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        c[i] = _mm512_shuffle_i64x2(b[i], b[i + 2], 0x88);
        c[2 + i] = _mm512_shuffle_i64x2(b[i], b[i + 2], 0xdd);
        c[4 + i] = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0x88);
        c[6 + i] = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_i64x2(c[i], c[4 + i], 0x88);
        a[4 + i] = _mm512_shuffle_i64x2(c[i], c[4 + i], 0xdd);
    }
}

AVX512_INLINE void rows_load(const u64 *p, row *x) {
    for (int i = 0; i < 8; i++) x[i] = _mm512_loadu_si512(p + 8 * i);
    transpose8(x);
}

AVX512_INLINE void rows_store(u64 *p, row *x) {
    transpose8(x);
    for (int i = 0; i < 8; i++) _mm512_storeu_si512(p + 8 * i, x[i]);
}

AVX512_INLINE twiddle tw_one(const u64 *table, size_t i) { return gl8_set(table[i]); }

AVX512_INLINE twiddle tw_many(const u64 *table, size_t i, size_t s) {
    const v8 lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_i64gather_epi64(_mm512_mullo_epi64(lanes, gl8_set(s)), table + i, 8);
}

AVX512_INLINE void butterfly(row *a, row *b, twiddle t) {
    const v8 y = gl8_mul(*b, t), x = *a;
    *a = gl8_add(x, y);
    *b = gl8_sub(x, y);
}

#include "ntt_wide.h"

AVX512 void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                     const u64 *table);
AVX512 void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                     const u64 *table) {
    encode_wide(values, stride, width, message_bits, log_inverse_rate, table);
}
#endif
