// BN254 vectors, eight elements at a time.
#if defined(__x86_64__)
#include "../goldilocks/challenge_table.h"
#include "avx512_field.h"

#define LANES 8
#define WORDS 4
#define KERNEL AVX512 static
#define NAME(x) bn254_avx512_##x

typedef bn8 vec;
/// A left factor.
typedef bn8 fix;
typedef bn8_wide acc;

AVX512_INLINE vec load(const u64 *p) { return bn8_load(p); }
AVX512_INLINE void load2(const u64 *p, vec *v) {
    for (int i = 0; i < 2; i++) v[i] = bn8_load_strided(p + 4 * i, 2);
}
AVX512_INLINE void load4(const u64 *p, vec *v) {
    for (int i = 0; i < 4; i++) v[i] = bn8_load_strided(p + 4 * i, 4);
}
// The lanes of a strided load are those of `load`, so results go where they belong.
AVX512_INLINE void store(u64 *p, vec v) { bn8_store(p, v); }
AVX512_INLINE void store2(u64 *p, vec a, vec b) {
    bn8_store_strided(p, a, 2);
    bn8_store_strided(p + 4, b, 2);
}
AVX512_INLINE vec add(vec a, vec b) { return bn8_add(a, b); }
AVX512_INLINE vec sub(vec a, vec b) { return bn8_sub(a, b); }
AVX512_INLINE vec broadcast(const u64 *p) {
    return bn8_from_words(gl8_set(p[0]), gl8_set(p[1]), gl8_set(p[2]), gl8_set(p[3]));
}
/// r minus the element.
AVX512_INLINE vec broadcast_negative(const u64 *p) {
    const v8 zero = _mm512_setzero_si512();
    return bn8_sub((bn8){{zero, zero, zero, zero, zero}}, broadcast(p));
}
AVX512_INLINE fix make_fix(const u64 *p) { return bn8_left(broadcast(p)); }
AVX512_INLINE acc acc_zero(void) { return bn8_wide_zero(); }
AVX512_INLINE void mac(acc *s, vec a, vec b) { bn8_mac(s, bn8_left(a), b); }
AVX512_INLINE void mac_fix(acc *s, vec a, fix f) { bn8_mac(s, f, a); }
AVX512_INLINE void acc_add(acc *s, vec a) { bn8_wide_add(s, a); }
AVX512_INLINE vec reduce(acc *s) { return bn8_wide_reduce(s); }
AVX512_INLINE vec canon2(vec a) { return bn8_canon2(a); }
AVX512_INLINE vec canon4(vec a) { return bn8_canon4(a); }
AVX512_INLINE vec slim4(vec a) { return a; }
AVX512_INLINE vec product(vec a, vec b) {
    acc s = acc_zero();
    mac(&s, a, b);
    return reduce(&s);
}
AVX512_INLINE vec product_fix(vec a, fix f) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    return canon2(reduce(&s));
}
AVX512_INLINE vec product_fix_add(vec a, fix f, vec b) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    acc_add(&s, b); // below 0.38 + 1.13 + 1
    return canon4(reduce(&s));
}

#define TURNS 256
typedef acc total;
AVX512_INLINE total total_zero(void) { return acc_zero(); }
AVX512_INLINE void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
AVX512_INLINE void total_normalise(total *s) { bn8_wide_normalise(s); }
AVX512_INLINE void total_sum(total *s, u64 *sum) {
    u64 words[9];
    bn8_wide_sum(s, words);
    const bn_scalar x = bn_reduce260(words);
    for (int i = 0; i < 4; i++) sum[i] = x.w[i];
}

#include "../goldilocks/challenge_kernels.h"
#endif
