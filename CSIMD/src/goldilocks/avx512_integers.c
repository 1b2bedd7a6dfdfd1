// Goldilocks: small integers and base-field vectors, eight at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include "integers_table.h"
#include "ints8.h"
#include "scalar.h"

typedef uint64_t u64;

INTEGER_KERNELS(goldilocks)

AVX512_INLINE v8 words8(const u64 *p) { return _mm512_loadu_si512(p); }

AVX512_INLINE void deinterleave(const u64 *p, v8 *c0, v8 *c1) {
    const v8 a = words8(p), b = words8(p + 8);
    *c0 = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
    *c1 = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
}

AVX512_INLINE void interleave(u64 *p, v8 c0, v8 c1) {
    _mm512_storeu_si512(p, _mm512_permutex2var_epi64(c0, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), c1));
    _mm512_storeu_si512(p + 8, _mm512_permutex2var_epi64(c0, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), c1));
}

AVX512_INLINE v8 image(v8 x) { return _mm512_mask_add_epi64(x, _mm512_movepi64_mask(x), x, gl8_set(GOLDILOCKS_P)); }

AVX512_INLINE size_t embed_base_of(const void *in, int bytes, size_t count, u64 *out) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) _mm512_storeu_si512(out + i, image(ints8(in, bytes, i)));
    return i;
}

AVX512_INLINE size_t embed_of(const void *in, int bytes, size_t count, u64 *out) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) interleave(out + 2 * i, image(ints8(in, bytes, i)), _mm512_setzero_si512());
    return i;
}

// factor (x + 2^31) - 2^31 factor, so that the integer is not negative.
AVX512_INLINE size_t add_scaled_of(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    v8 f[2], fh[2], k[2];
    for (int j = 0; j < 2; j++) {
        f[j] = gl8_set(factor[j]);
        fh[j] = gl8_set(factor[j] >> 52);
        k[j] = gl8_set(gl_sub(0, gl_mul(factor[j], 1ull << 31)));
    }
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const v8 y = _mm512_add_epi64(ints8(a, bytes, i), gl8_set(1ull << 31));
        v8 o[2];
        deinterleave(out + 2 * i, &o[0], &o[1]);
        for (int j = 0; j < 2; j++) {
            wide8 s = wide8_zero();
            wide8_mac_small(&s, y, f[j], fh[j]);
            wide8_add(&s, k[j]);
            wide8_add(&s, o[j]);
            o[j] = wide8_reduce(s);
        }
        interleave(out + 2 * i, o[0], o[1]);
    }
    return i;
}

// low + 2^31 + r (high - low + 2^32), less 2^31 + 2^32 r.
AVX512_INLINE size_t fold_of(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    v8 f[2], fh[2], k[2];
    for (int j = 0; j < 2; j++) {
        f[j] = gl8_set(r[j]);
        fh[j] = gl8_set(r[j] >> 52);
        k[j] = gl8_set(gl_sub(0, gl_add(gl_mul(r[j], 1ull << 32), j == 0 ? 1ull << 31 : 0)));
    }
    const v8 even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    size_t i = 0;
    for (; i + 8 <= pairs; i += 8) {
        const v8 a = ints8(in, bytes, 2 * i), b = ints8(in, bytes, 2 * i + 8);
        const v8 low = _mm512_permutex2var_epi64(a, even, b), high = _mm512_permutex2var_epi64(a, odd, b);
        const v8 y = _mm512_add_epi64(_mm512_sub_epi64(high, low), gl8_set(1ull << 32));
        v8 o[2];
        for (int j = 0; j < 2; j++) {
            wide8 s = wide8_zero();
            wide8_mac_small(&s, y, f[j], fh[j]);
            wide8_add(&s, k[j]);
            if (j == 0) s.s0 = _mm512_add_epi64(s.s0, _mm512_add_epi64(low, gl8_set(1ull << 31)));
            o[j] = wide8_reduce(s);
        }
        interleave(out + 2 * i, o[0], o[1]);
    }
    return i;
}

AVX512 static void sum_lanes(v8 a, u64 *sum) {
    u64 lanes[8];
    memcpy(lanes, &a, 64);
    *sum = 0;
    for (int i = 0; i < 8; i++) *sum = gl_add(*sum, lanes[i]);
}

// |x| times b or p - b.
AVX512_INLINE size_t inner_product_of(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    wide8 s[2] = {wide8_zero(), wide8_zero()};
    size_t i = 0;
    while (i + 8 <= count) {
        for (int turn = 0; turn < 256 && i + 8 <= count; turn++, i += 8) {
            const v8 x = ints8(a, bytes, i), y = _mm512_abs_epi64(x);
            const __mmask8 negative = _mm512_movepi64_mask(x);
            v8 w[2];
            deinterleave(b + 2 * i, &w[0], &w[1]);
            for (int j = 0; j < 2; j++) {
                const v8 f = _mm512_mask_sub_epi64(w[j], negative, gl8_set(GOLDILOCKS_P), w[j]);
                wide8_mac_small(&s[j], y, f, _mm512_srli_epi64(f, 52));
            }
        }
        for (int j = 0; j < 2; j++) wide8_normalise(&s[j]);
    }
    for (int j = 0; j < 2; j++) sum_lanes(wide8_reduce(s[j]), sum + j);
    return i;
}

AVX512 size_t goldilocks_avx512_embed_base(const void *in, int bytes, size_t count, u64 *out) {
    BY_SIZE(bytes, embed_base_of, (in, 1, count, out), (in, 2, count, out), (in, 4, count, out));
}
AVX512 size_t goldilocks_avx512_embed(const void *in, int bytes, size_t count, u64 *out) {
    BY_SIZE(bytes, embed_of, (in, 1, count, out), (in, 2, count, out), (in, 4, count, out));
}
AVX512 size_t goldilocks_avx512_add_scaled_integers(const void *a, int bytes, size_t count, const u64 *factor,
                                                    u64 *out) {
    BY_SIZE(bytes, add_scaled_of, (a, 1, count, factor, out), (a, 2, count, factor, out), (a, 4, count, factor, out));
}
AVX512 size_t goldilocks_avx512_fold_integers(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    BY_SIZE(bytes, fold_of, (in, 1, pairs, r, out), (in, 2, pairs, r, out), (in, 4, pairs, r, out));
}
AVX512 size_t goldilocks_avx512_inner_product_integers(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    BY_SIZE(bytes, inner_product_of, (a, 1, count, b, sum), (a, 2, count, b, sum), (a, 4, count, b, sum));
}

AVX512 size_t goldilocks_avx512_inner_product_base(const u64 *a, const u64 *b, size_t count, u64 *sum) {
    wide8 s[2] = {wide8_zero(), wide8_zero()};
    size_t i = 0;
    while (i + 8 <= count) {
        for (int turn = 0; turn < 256 && i + 8 <= count; turn++, i += 8) {
            const v8 x = words8(a + i);
            v8 w[2];
            deinterleave(b + 2 * i, &w[0], &w[1]);
            for (int j = 0; j < 2; j++) wide8_mac(&s[j], x, w[j]);
        }
        for (int j = 0; j < 2; j++) wide8_normalise(&s[j]);
    }
    for (int j = 0; j < 2; j++) sum_lanes(wide8_reduce(s[j]), sum + j);
    return i;
}

AVX512 size_t goldilocks_avx512_add_scaled_base(const u64 *a, const u64 *factor, u64 *out, size_t count) {
    const v8 f = gl8_set(*factor);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        wide8 s = wide8_zero();
        wide8_mac(&s, words8(a + i), f);
        wide8_add(&s, words8(out + i));
        _mm512_storeu_si512(out + i, wide8_reduce(s));
    }
    return i;
}

// Sums of digits, |sums[e]| < 2^42, to an element.
static void finish(const int64_t *sums, int exponents, u64 *out, const u64 *constant, int add) {
    for (int c = 0; c < 2; c++, sums += exponents) {
        __int128 low = 0; // below 2^42 * 2^57
        for (int k = 0; k < 8; k += 2) low += (sums[k] + sums[k + 1] * 256) * ((__int128)1 << (8 * k));
        u64 x = gl_from_int128(low);
        if (exponents > 8) {
            __int128 high = 0;
            for (int e = exponents - 1; e >= 8; e--) high = high * 256 + sums[e];
            x = gl_add(x, gl_mul(gl_from_int128(high), GOLDILOCKS_EPSILON));
        }
        x = gl_add(x, constant[c]);
        out[c] = add ? gl_add(out[c], x) : x;
    }
}

#define WEIGHT_BYTES 16
#define COORDINATES 2
#define COORDINATE_BYTES 8
#include "byte_planes.h"

AVX512 void goldilocks_avx512_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns,
                                           const u64 *weights, const u64 *constant, u64 *out) {
    planes_combine_rows((struct planes_rows){.matrix = matrix,
                                             .weights = (const uint8_t *)weights,
                                             .output = out,
                                             .constant = constant,
                                             .rows = rows,
                                             .row_bytes = columns * (size_t)bytes,
                                             .entry_bytes = bytes});
}

AVX512 void goldilocks_avx512_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns,
                                              const u64 *weights, const u64 *constant, u64 *out) {
    planes_combine_columns((struct planes_columns){.matrix = matrix,
                                                   .weights = (const uint8_t *)weights,
                                                   .output = out,
                                                   .constant = constant,
                                                   .rows = rows,
                                                   .columns = columns,
                                                   .entry_bytes = bytes});
}
#endif
