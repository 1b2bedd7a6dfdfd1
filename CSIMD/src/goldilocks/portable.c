// Goldilocks, one element at a time.
#include "challenge_table.h"
#include "scalar.h"

typedef unsigned __int128 u128;

#define LANES 1
#define WORDS 2
#define KERNEL static
#define NAME(x) goldilocks_portable_##x

typedef struct {
    u64 c0, c1;
} vec;
typedef struct {
    u64 c0, c1, seven;
} fix;
/// A sum of 128-bit products: low + 2^128 high.
typedef struct {
    u128 low;
    u64 high;
} wide;
/// Sums of products of coordinates: 0 by 0, 1 by 1 and mixed.
typedef struct {
    wide even, odd, mixed;
} acc;

static inline vec load(const u64 *p) { return (vec){p[0], p[1]}; }
static inline void load2(const u64 *p, vec *v) { v[0] = load(p), v[1] = load(p + 2); }
static inline void load4(const u64 *p, vec *v) { load2(p, v), load2(p + 4, v + 2); }
static inline void store(u64 *p, vec v) { p[0] = v.c0, p[1] = v.c1; }
static inline void store2(u64 *p, vec a, vec b) { store(p, a), store(p + 2, b); }
static inline vec add(vec a, vec b) { return (vec){gl_add(a.c0, b.c0), gl_add(a.c1, b.c1)}; }
static inline vec sub(vec a, vec b) { return (vec){gl_sub(a.c0, b.c0), gl_sub(a.c1, b.c1)}; }
static inline vec broadcast(const u64 *p) { return load(p); }
static inline vec broadcast_negative(const u64 *p) { return sub((vec){0, 0}, load(p)); }
static inline fix make_fix(const u64 *p) { return (fix){p[0], p[1], gl_mul(7, p[1])}; }
static inline acc acc_zero(void) { return (acc){{0, 0}, {0, 0}, {0, 0}}; }
static inline void wide_add(wide *s, u128 x) {
    s->low += x;
    s->high += s->low < x;
}
static inline u64 wide_reduce(wide s) {
    // 2^128 = -2^32, and high < 2^31: there are fewer than 2^31 terms.
    return gl_sub(gl_reduce128(s.low), s.high << 32);
}
static inline void mac(acc *s, vec a, vec b) {
    wide_add(&s->even, (u128)a.c0 * b.c0);
    wide_add(&s->odd, (u128)a.c1 * b.c1);
    wide_add(&s->mixed, (u128)a.c0 * b.c1);
    wide_add(&s->mixed, (u128)a.c1 * b.c0);
}
static inline void mac_fix(acc *s, vec a, fix f) {
    wide_add(&s->even, (u128)a.c0 * f.c0);
    wide_add(&s->even, (u128)a.c1 * f.seven);
    wide_add(&s->mixed, (u128)a.c0 * f.c1);
    wide_add(&s->mixed, (u128)a.c1 * f.c0);
}
static inline void acc_add(acc *s, vec a) {
    wide_add(&s->even, a.c0);
    wide_add(&s->mixed, a.c1);
}
static inline vec reduce(acc *s) {
    return (vec){gl_reduce128((u128)wide_reduce(s->odd) * 7 + wide_reduce(s->even)), wide_reduce(s->mixed)};
}
static inline vec canon2(vec a) { return a; }
static inline vec canon4(vec a) { return a; }
static inline vec slim4(vec a) { return a; }
static inline vec product(vec a, vec b) {
    acc s = acc_zero();
    mac(&s, a, b);
    return reduce(&s);
}
static inline vec product_fix(vec a, fix f) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    return canon2(reduce(&s));
}
static inline vec product_fix_add(vec a, fix f, vec b) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    acc_add(&s, b); // below 0.38 + 1.13 + 1
    return canon4(reduce(&s));
}

#define TURNS 256
typedef acc total;
static inline total total_zero(void) { return acc_zero(); }
static inline void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
static inline void total_normalise(total *s) { (void)s; }
static inline void total_sum(total *s, u64 *sum) { store(sum, reduce(s)); }

#include "challenge_kernels.h"
