// Goldilocks: Reed-Solomon codes, four columns at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include <stdlib.h>

typedef uint64_t u64;

#define LANES 4
#define WORDS 1
#define CACHE_BITS 13   /* 256 KiB */
#define SCRATCH_BITS 16 /* 2 MiB */
#define KERNEL AVX2 static

/// Canonical.
typedef v4 row;
typedef v4 twiddle;

AVX2_INLINE v4 first_lanes(size_t n) {
    return _mm256_cmpgt_epi64(gl4_set(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

AVX2_INLINE row row_load(const u64 *p, size_t n) {
    return n == 4 ? gl4_words(p) : _mm256_maskload_epi64((const long long *)p, first_lanes(n));
}

AVX2_INLINE void row_store(u64 *p, row x, size_t n) {
    if (n == 4)
        gl4_put(p, x);
    else
        _mm256_maskstore_epi64((long long *)p, first_lanes(n), x);
}

AVX2_INLINE void transpose4(row *a) {
    const v4 x0 = _mm256_unpacklo_epi64(a[0], a[1]), x1 = _mm256_unpackhi_epi64(a[0], a[1]);
    const v4 y0 = _mm256_unpacklo_epi64(a[2], a[3]), y1 = _mm256_unpackhi_epi64(a[2], a[3]);
    a[0] = _mm256_permute2x128_si256(x0, y0, 0x20);
    a[1] = _mm256_permute2x128_si256(x1, y1, 0x20);
    a[2] = _mm256_permute2x128_si256(x0, y0, 0x31);
    a[3] = _mm256_permute2x128_si256(x1, y1, 0x31);
}

AVX2_INLINE void rows_load(const u64 *p, row *x) {
    for (int i = 0; i < 4; i++) x[i] = gl4_words(p + 4 * i);
    transpose4(x);
}

AVX2_INLINE void rows_store(u64 *p, row *x) {
    transpose4(x);
    for (int i = 0; i < 4; i++) gl4_put(p + 4 * i, x[i]);
}

AVX2_INLINE twiddle tw_one(const u64 *table, size_t i) { return gl4_set(table[i]); }

AVX2_INLINE twiddle tw_many(const u64 *table, size_t i, size_t s) {
    table += i;
    return _mm256_setr_epi64x((long long)table[0], (long long)table[s], (long long)table[2 * s],
                              (long long)table[3 * s]);
}

AVX2_INLINE void butterfly(row *a, row *b, twiddle t) {
    const v4 y = gl4_mul(*b, t), x = *a;
    *a = gl4_add(x, y);
    *b = gl4_sub(x, y);
}

#include "ntt_wide.h"

AVX2 void goldilocks_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                 const u64 *table);
AVX2 void goldilocks_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                 const u64 *table) {
    encode_wide(values, stride, width, message_bits, log_inverse_rate, table);
}
#endif
