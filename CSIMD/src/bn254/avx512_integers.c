// BN254: small integers, eight at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include "../goldilocks/integers_table.h"
#include "../goldilocks/ints_wide.h"

typedef uint64_t u64;

#define LANES 8
#define KERNEL AVX512
#define INLINE AVX512_INLINE
#define NAME(x) bn254_avx512_##x

/// 2^308 modulo r.
#define LIMB_FACTOR bn_two308
static const bn_scalar bn_two308 = {{0x59fe20dbdd9dc5fc, 0x0e6a05c149c00b0e, 0xd7b98f777ecca0fa, 0x1fb1c38e237dc211}};

typedef bn8 vec;
typedef bn8 small;
typedef v8 word;
/// Six columns of 52-bit weight.
typedef struct {
    v8 c[6];
} narrow;

AVX512_INLINE vec load(const u64 *p) { return bn8_load(p); }
AVX512_INLINE void store(u64 *p, vec x) { bn8_store(p, x); }
AVX512_INLINE vec broadcast(bn_scalar x) {
    return bn8_from_words(gl8_set(x.w[0]), gl8_set(x.w[1]), gl8_set(x.w[2]), gl8_set(x.w[3]));
}
AVX512_INLINE small make_small(vec x) { return x; }
AVX512_INLINE word zero_word(void) { return _mm512_setzero_si512(); }
AVX512_INLINE word difference(word a, word b, u64 offset) {
    return _mm512_add_epi64(_mm512_sub_epi64(a, b), gl8_set(offset));
}
AVX512_INLINE word ints(const void *p, int bytes, size_t i, u64 offset) {
    // The lanes of bn8_load: 0, 2, 1, 3, 4, 6, 5, 7.
    const v8 x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), ints8(p, bytes, i));
    return _mm512_add_epi64(x, gl8_set(offset));
}
AVX512_INLINE void ints_pairs(const void *p, int bytes, size_t i, word *even, word *odd) {
    const v8 a = ints8(p, bytes, i), b = ints8(p, bytes, i + 8);
    *even = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 4, 2, 6, 8, 12, 10, 14), b);
    *odd = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 5, 3, 7, 9, 13, 11, 15), b);
}

AVX512_INLINE narrow narrow_zero(void) {
    narrow s;
    for (int i = 0; i < 6; i++) s.c[i] = _mm512_setzero_si512();
    return s;
}

AVX512_INLINE void narrow_mac(narrow *s, word y, small f) {
    for (int j = 0; j < 5; j++) s->c[j] = _mm512_madd52lo_epu64(s->c[j], f.l[j], y);
    for (int j = 0; j < 5; j++) s->c[j + 1] = _mm512_madd52hi_epu64(s->c[j + 1], f.l[j], y);
}

AVX512_INLINE vec narrow_reduce(narrow s) {
    v8 *c = s.c;
    const v8 m = _mm512_madd52lo_epu64(_mm512_setzero_si512(), c[0], gl8_set(bn_k));
    for (int j = 0; j < 5; j++) c[j] = _mm512_madd52lo_epu64(c[j], m, gl8_set(bn_r52[j]));
    for (int j = 0; j < 5; j++) c[j + 1] = _mm512_madd52hi_epu64(c[j + 1], m, gl8_set(bn_r52[j]));
    bn8 x;
    x.l[0] = _mm512_add_epi64(c[1], _mm512_srli_epi64(c[0], 52));
    for (int i = 1; i < 5; i++) x.l[i] = c[1 + i];
    return x;
}

AVX512_INLINE vec plus(vec a, vec b) {
    for (int j = 0; j < 5; j++) a.l[j] = _mm512_add_epi64(a.l[j], b.l[j]);
    return a;
}
AVX512_INLINE vec canon4(vec x) { return bn8_canon4(bn8_carry(x)); }

AVX512 static bn_scalar columns_sum(const v8 *c, int columns) {
    bn8_wide s = bn8_wide_zero();
    for (int i = 0; i < columns; i++) s.c[i] = c[i];
    bn8_wide_normalise(&s);
    u64 words[9];
    bn8_wide_sum(&s, words);
    return bn_reduce9(words);
}
AVX512_INLINE bn_scalar narrow_sum(narrow s) { return columns_sum(s.c, 6); }
AVX512_INLINE bn_scalar vec_sum(vec x) { return columns_sum(x.l, 5); }

#define PLANES "../goldilocks/byte_planes.h"
#include "integer_kernels.h"
#endif
