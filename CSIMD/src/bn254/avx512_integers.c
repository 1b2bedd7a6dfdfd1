// BN254: small integers, eight at a time.
//
// An integer times a field element needs no Montgomery product: y f 2^52 / 2^52 with y f 2^52 taken modulo r in advance
// is one limb times five, and one limb of Montgomery's reduction.
#if defined(__x86_64__)
#include "../goldilocks/integers_table.h"
#include "../goldilocks/ints8.h"
#include "avx512_field.h"

typedef uint64_t u64;

INTEGER_KERNELS(bn254)

/// 2^308 modulo r: bn_mul(x, this) = 2^52 x.
static const bn_scalar bn_two52 = {{0x59fe20dbdd9dc5fc, 0x0e6a05c149c00b0e, 0xd7b98f777ecca0fa, 0x1fb1c38e237dc211}};
static const bn_scalar bn_one = {{0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f}};

static bn_scalar scalar_at(const u64 *p) { return (bn_scalar){{p[0], p[1], p[2], p[3]}}; }

AVX512_INLINE bn8 broadcast_scalar(bn_scalar x) {
    return bn8_from_words(gl8_set(x.w[0]), gl8_set(x.w[1]), gl8_set(x.w[2]), gl8_set(x.w[3]));
}

/// 2^52 x in every lane: the factor of an integer.
AVX512_INLINE bn8 prepared(bn_scalar x) { return broadcast_scalar(bn_mul(x, bn_two52)); }

/// x times a power of two, negated.
static bn_scalar minus_shifted(bn_scalar x, int bits) {
    for (int i = 0; i < bits; i++) x = bn_add(x, x);
    return bn_sub((bn_scalar){{0, 0, 0, 0}}, x);
}

/// Six columns of 52-bit weight.
typedef struct {
    v8 c[6];
} narrow;

/// Adds y f for y < 2^52.
AVX512_INLINE void narrow_mac(narrow *s, v8 y, bn8 f) {
    for (int j = 0; j < 5; j++) s->c[j] = _mm512_madd52lo_epu64(s->c[j], f.l[j], y);
    for (int j = 0; j < 5; j++) s->c[j + 1] = _mm512_madd52hi_epu64(s->c[j + 1], f.l[j], y);
}

AVX512_INLINE narrow narrow_zero(void) {
    narrow s;
    for (int i = 0; i < 6; i++) s.c[i] = _mm512_setzero_si512();
    return s;
}

/// The sum over 2^52 modulo r, below sum / 2^52 + r.
AVX512_INLINE bn8 narrow_reduce(narrow s) {
    v8 *c = s.c;
    const v8 m = _mm512_madd52lo_epu64(_mm512_setzero_si512(), c[0], gl8_set(bn_k));
    for (int j = 0; j < 5; j++) c[j] = _mm512_madd52lo_epu64(c[j], m, gl8_set(bn_r52[j]));
    for (int j = 0; j < 5; j++) c[j + 1] = _mm512_madd52hi_epu64(c[j + 1], m, gl8_set(bn_r52[j]));
    bn8 x;
    x.l[0] = _mm512_add_epi64(c[1], _mm512_srli_epi64(c[0], 52));
    for (int i = 1; i < 5; i++) x.l[i] = c[1 + i];
    return x;
}

// (x + 2^31) - 2^31.
AVX512_INLINE size_t embed_of(const void *in, int bytes, size_t count, u64 *out) {
    const bn8 f = prepared(bn_one), k = broadcast_scalar(minus_shifted(bn_one, 31));
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        narrow s = narrow_zero();
        // The lanes of bn8_store: 0, 2, 1, 3, 4, 6, 5, 7.
        const v8 x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), ints8(in, bytes, i));
        narrow_mac(&s, _mm512_add_epi64(x, gl8_set(1ull << 31)), f);
        bn8_store(out + 4 * i, bn8_canon4(bn8_add(narrow_reduce(s), k))); // below 2.1
    }
    return i;
}

AVX512_INLINE size_t add_scaled_of(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    const bn8 f = prepared(scalar_at(factor)), k = broadcast_scalar(minus_shifted(scalar_at(factor), 31));
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        narrow s = narrow_zero();
        const v8 x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), ints8(a, bytes, i));
        narrow_mac(&s, _mm512_add_epi64(x, gl8_set(1ull << 31)), f);
        bn8 y = narrow_reduce(s);
        const bn8 o = bn8_load(out + 4 * i);
        for (int j = 0; j < 5; j++) y.l[j] = _mm512_add_epi64(_mm512_add_epi64(y.l[j], k.l[j]), o.l[j]);
        bn8_store(out + 4 * i, bn8_canon4(bn8_carry(y))); // below 3.1
    }
    return i;
}

// (low + 2^31) + (high - low + 2^32) r, less 2^31 and 2^32 r.
AVX512_INLINE size_t fold_of(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    const bn8 f = prepared(scalar_at(r)), one = prepared(bn_one);
    const bn8 k = broadcast_scalar(bn_add(minus_shifted(scalar_at(r), 32), minus_shifted(bn_one, 31)));
    const v8 even = _mm512_setr_epi64(0, 4, 2, 6, 8, 12, 10, 14), odd = _mm512_setr_epi64(1, 5, 3, 7, 9, 13, 11, 15);
    size_t i = 0;
    for (; i + 8 <= pairs; i += 8) {
        const v8 a = ints8(in, bytes, 2 * i), b = ints8(in, bytes, 2 * i + 8);
        const v8 low = _mm512_permutex2var_epi64(a, even, b), high = _mm512_permutex2var_epi64(a, odd, b);
        narrow s = narrow_zero();
        narrow_mac(&s, _mm512_add_epi64(_mm512_sub_epi64(high, low), gl8_set(1ull << 32)), f);
        narrow_mac(&s, _mm512_add_epi64(low, gl8_set(1ull << 31)), one);
        bn8_store(out + 4 * i, bn8_canon4(bn8_add(narrow_reduce(s), k))); // below 2.1
    }
    return i;
}

/// The sum of the lanes of `columns` columns as an integer in nine words.
AVX512 static bn_scalar narrow_sum(const v8 *c, int columns) {
    bn8_wide s = bn8_wide_zero();
    for (int i = 0; i < columns; i++) s.c[i] = c[i];
    bn8_wide_normalise(&s);
    u64 words[9];
    bn8_wide_sum(&s, words);
    return bn_reduce9(words);
}

// The sum of (x + 2^31) b less 2^31 times the sum of b. A column gains less than 2 * 2^52 a turn: 2^63 in 1024 turns.
AVX512_INLINE size_t inner_product_of(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    bn_scalar total = {{0, 0, 0, 0}};
    size_t i = 0;
    while (i + 8 <= count) {
        narrow s = narrow_zero();
        v8 plain[5];
        for (int j = 0; j < 5; j++) plain[j] = _mm512_setzero_si512();
        for (int turn = 0; turn < 1024 && i + 8 <= count; turn++, i += 8) {
            const v8 x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), ints8(a, bytes, i));
            const bn8 w = bn8_load(b + 4 * i);
            narrow_mac(&s, _mm512_add_epi64(x, gl8_set(1ull << 31)), w);
            for (int j = 0; j < 5; j++) plain[j] = _mm512_add_epi64(plain[j], w.l[j]);
        }
        total = bn_add(total, narrow_sum(s.c, 6));
        total = bn_add(total, minus_shifted(narrow_sum(plain, 5), 31));
    }
    for (int j = 0; j < 4; j++) sum[j] = total.w[j];
    return i;
}

AVX512 size_t bn254_avx512_embed(const void *in, int bytes, size_t count, u64 *out) {
    BY_SIZE(bytes, embed_of, (in, 1, count, out), (in, 2, count, out), (in, 4, count, out));
}
AVX512 size_t bn254_avx512_add_scaled_integers(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    BY_SIZE(bytes, add_scaled_of, (a, 1, count, factor, out), (a, 2, count, factor, out), (a, 4, count, factor, out));
}
AVX512 size_t bn254_avx512_fold_integers(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    BY_SIZE(bytes, fold_of, (in, 1, pairs, r, out), (in, 2, pairs, r, out), (in, 4, pairs, r, out));
}
AVX512 size_t bn254_avx512_inner_product_integers(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    BY_SIZE(bytes, inner_product_of, (a, 1, count, b, sum), (a, 2, count, b, sum), (a, 4, count, b, sum));
}

// Sums of digits, |sums[e]| < 2^42, to an element.
static void finish(const int64_t *sums, int exponents, u64 *out, const u64 *constant, int add) {
    bn_scalar x;
    __int128 carry = 0;
    for (int i = 0; i < 4; i++, sums += 8) {
        __int128 t = carry;
        for (int k = 0; k < 8; k += 2) t += (sums[k] + sums[k + 1] * 256) * ((__int128)1 << (8 * k)); // below 2^100
        x.w[i] = (u64)t;
        carry = t >> 64;
    }
    x = bn_reduce_signed(x, (int64_t)carry); // below 2^36 in size
    if (exponents > 32) {
        __int128 high = 0; // below 2^42 * 2^49
        for (int e = exponents - 33; e >= 0; e--) high = high * 256 + sums[e];
        const unsigned __int128 size = high < 0 ? -(unsigned __int128)high : (unsigned __int128)high;
        const bn_scalar y = bn_mul((bn_scalar){{(u64)size, (u64)(size >> 64), 0, 0}}, bn_r_squared); // times 2^256
        x = high < 0 ? bn_sub(x, y) : bn_add(x, y);
    }
    x = bn_add(x, (bn_scalar){{constant[0], constant[1], constant[2], constant[3]}});
    if (add) x = bn_add(x, scalar_at(out));
    for (int j = 0; j < 4; j++) out[j] = x.w[j];
}

#define WEIGHT_BYTES 32
#define COORDINATES 1
#define COORDINATE_BYTES 32
#include "../goldilocks/byte_planes.h"

AVX512 void bn254_avx512_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                                      const u64 *constant, u64 *out) {
    planes_combine_rows((struct planes_rows){.matrix = matrix,
                                             .weights = (const uint8_t *)weights,
                                             .output = out,
                                             .constant = constant,
                                             .rows = rows,
                                             .row_bytes = columns * (size_t)bytes,
                                             .entry_bytes = bytes});
}

AVX512 void bn254_avx512_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                                         const u64 *constant, u64 *out) {
    planes_combine_columns((struct planes_columns){.matrix = matrix,
                                                   .weights = (const uint8_t *)weights,
                                                   .output = out,
                                                   .constant = constant,
                                                   .rows = rows,
                                                   .columns = columns,
                                                   .entry_bytes = bytes});
}
#endif
