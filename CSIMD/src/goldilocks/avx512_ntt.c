// Goldilocks: Reed-Solomon codes, eight columns at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

#define LANES 8
#define WORDS 1
#define CACHE_BITS 12   /* 256 KiB */
#define SCRATCH_BITS 16 /* 4 MiB */
#define KERNEL AVX512 static

/// Any 64-bit words; canonical in memory.
typedef v8 row;
/// A factor t and u = 2^32 t, and their upper halves (whose own upper halves are anything).
typedef struct {
    v8 t, t_high, u, u_high;
} twiddle;

AVX512_INLINE v8 canonical(v8 x) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, gl8_set(0xffffffff00000001ull))); }

AVX512_INLINE row row_load(const u64 *p, size_t n) {
    return n == 8 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi64((__mmask8)((1u << n) - 1), p);
}

AVX512_INLINE void row_store(u64 *p, row x, size_t n) {
    x = canonical(x);
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
    for (int i = 0; i < 8; i++) _mm512_storeu_si512(p + 8 * i, canonical(x[i]));
}

// The table holds t and u side by side. Words are read at odd halves too, so that all four parts are loads that also
// broadcast; the last reads four bytes beyond its entry.
AVX512_INLINE v8 broadcast(const u64 *table, size_t halves) {
    u64 word;
    memcpy(&word, (const uint32_t *)table + halves, sizeof word);
    return gl8_set(word);
}

AVX512_INLINE twiddle tw_one(const u64 *table, size_t i) {
    return (twiddle){broadcast(table, 4 * i), broadcast(table, 4 * i + 1), broadcast(table, 4 * i + 2),
                     broadcast(table, 4 * i + 3)};
}

AVX512_INLINE twiddle tw_many(const u64 *table, size_t i, size_t s) {
    const v8 lanes = _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), gl8_set(2 * s));
    const v8 t = _mm512_i64gather_epi64(lanes, table + 2 * i, 8), high = _mm512_srli_epi64(t, 32);
    // Cheaper than a second gather: the lower half, shifted, plus 2^64 = 2^32 - 1 times the upper half.
    const v8 upper = _mm512_sub_epi64(_mm512_slli_epi64(high, 32), high);
    v8 u = _mm512_add_epi64(_mm512_slli_epi64(t, 32), upper);
    u = _mm512_mask_add_epi64(u, _mm512_cmplt_epu64_mask(u, upper), u, gl8_set(0xffffffffull));
    return (twiddle){t, high, u, _mm512_srli_epi64(u, 32)};
}

/// The canonical b t, for any 64-bit b.
///
/// With b = low + 2^32 high the product is low t + high u = s0 + 2^32 s1, two products of half words in each sum. What
/// carries out of s0 weighs 2^64 = 2^32 - 1 = e, what carries out of s1 weighs 2^96 = -1, and 2^32 s1 is the lower half
/// of s1, shifted, plus e times the upper half.
///
/// The subtraction of that -1 never wraps around: it would from a word of zero only, hence from s0 = 0 and s1 = 2^64.
/// The latter needs low and high, so the former says that t and u are multiples of 2^32; but u = e (t / 2^32) is one
/// only for t = 0, where s1 = 0.
AVX512_INLINE v8 product(v8 b, twiddle w) {
    const v8 e = gl8_set(0xffffffffull), high = _mm512_srli_epi64(b, 32);
    const v8 p0 = _mm512_mul_epu32(b, w.t), p1 = _mm512_mul_epu32(b, w.t_high);
    const v8 s0 = _mm512_add_epi64(p0, _mm512_mul_epu32(high, w.u));
    const v8 s1 = _mm512_add_epi64(p1, _mm512_mul_epu32(high, w.u_high));
    const __mmask8 carry0 = _mm512_cmplt_epu64_mask(s0, p0), carry1 = _mm512_cmplt_epu64_mask(s1, p1);
    // At most e^2, so there is room for one e more.
    v8 upper = _mm512_sub_epi64(_mm512_andnot_si512(e, s1), _mm512_srli_epi64(s1, 32));
    upper = _mm512_mask_add_epi64(upper, carry0, upper, e);
    v8 r = _mm512_add_epi64(s0, upper);
    r = _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, upper), r, e);
    const v8 lower = _mm512_slli_epi64(s1, 32);
    r = _mm512_add_epi64(r, lower);
    r = _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, lower), r, e);
    return canonical(_mm512_mask_sub_epi64(r, carry1, r, gl8_set(1)));
}

/// A sum or difference of any word and a canonical one takes a single correction.
AVX512_INLINE void butterfly(row *a, row *b, twiddle t) {
    const v8 y = product(*b, t), x = *a, e = gl8_set(0xffffffffull);
    const v8 sum = _mm512_add_epi64(x, y), difference = _mm512_sub_epi64(x, y);
    *a = _mm512_mask_add_epi64(sum, _mm512_cmplt_epu64_mask(sum, y), sum, e);
    *b = _mm512_mask_sub_epi64(difference, _mm512_cmplt_epu64_mask(x, y), difference, e);
}

#include "ntt_wide.h"

AVX512 void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                     const u64 *table);
AVX512 void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                                     const u64 *table) {
    encode_wide(values, stride, width, message_bits, log_inverse_rate, table);
}
#endif
