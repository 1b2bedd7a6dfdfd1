// BN254 vectors, four elements at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include "../goldilocks/challenge_table.h"

#define LANES 4
#define WORDS 4
#define KERNEL AVX2 static
#define NAME(x) bn254_avx2_##x

typedef bn4 vec;
typedef bn4_factor fix;
typedef bn4_wide acc;

AVX2_INLINE vec load(const u64 *p) { return bn4_load(p); }
AVX2_INLINE void load2(const u64 *p, vec *v) {
    for (int i = 0; i < 2; i++) v[i] = bn4_load_strided(p + 4 * i, 2);
}
AVX2_INLINE void load4(const u64 *p, vec *v) {
    for (int i = 0; i < 4; i++) v[i] = bn4_load_strided(p + 4 * i, 4);
}
AVX2_INLINE void store(u64 *p, vec v) { bn4_store(p, v); }
AVX2_INLINE void store2(u64 *p, vec a, vec b) {
    bn4_store_strided(p, a, 2);
    bn4_store_strided(p + 4, b, 2);
}
AVX2_INLINE vec add(vec a, vec b) { return bn4_add(a, b); }
AVX2_INLINE vec sub(vec a, vec b) { return bn4_sub(a, b); }
AVX2_INLINE vec broadcast(const u64 *p) { return bn4_broadcast((bn_scalar){{p[0], p[1], p[2], p[3]}}); }
/// r minus the element.
AVX2_INLINE vec broadcast_negative(const u64 *p) { return bn4_sub(bn4_zero(), broadcast(p)); }
AVX2_INLINE fix make_fix(const u64 *p) { return bn4_to_factor(broadcast(p)); }
AVX2_INLINE acc acc_zero(void) { return bn4_wide_zero(); }
AVX2_INLINE void mac(acc *s, vec a, vec b) { bn4_mac(s, bn4_to_factor(a), bn4_to_factor(b)); }
AVX2_INLINE void mac_fix(acc *s, vec a, fix f) { bn4_mac(s, f, bn4_to_factor(a)); }
AVX2_INLINE void acc_add(acc *s, vec a) { bn4_wide_add(s, a); }
AVX2_INLINE vec reduce(acc *s) { return bn4_wide_reduce(s); }
AVX2_INLINE vec canon2(vec a) { return bn4_canon2(a); }
AVX2_INLINE vec canon4(vec a) { return bn4_canon4(a); }
AVX2_INLINE vec slim4(vec a) { return bn4_canon4(a); }
AVX2_INLINE vec product(vec a, vec b) {
    acc s = acc_zero();
    mac(&s, a, b);
    return reduce(&s);
}
AVX2_INLINE vec product_fix(vec a, fix f) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    return canon2(reduce(&s));
}
AVX2_INLINE vec product_fix_add(vec a, fix f, vec b) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    acc_add(&s, b); // below 0.38 + 1.13 + 1
    return canon4(reduce(&s));
}

#define TURNS 256
typedef acc total;
AVX2_INLINE total total_zero(void) { return acc_zero(); }
AVX2_INLINE void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
AVX2_INLINE void total_normalise(total *s) { bn4_wide_normalise(s); }
AVX2_INLINE void total_sum(total *s, u64 *sum) {
    u64 words[9];
    bn4_wide_sum(s, words);
    const bn_scalar x = bn_montgomery_reduce9(words);
    for (int i = 0; i < 4; i++) sum[i] = x.w[i];
}

#include "../goldilocks/challenge_kernels.h"
#endif
