/// The portable level: the kernels of m31_kernels.h with one lane.
#include "m31.h"

#include <string.h>

#define KERNELS m31_portable
#define TARGET
#define LANES 1

/// A vector of LANES base elements.
typedef uint32_t V;
/// A vector prepared as an operand of products.
typedef uint64_t X;
/// Unreduced 64-bit sums, one a lane.
typedef uint64_t A;

#define INLINE static inline __attribute__((always_inline))

INLINE V v_load(const uint32_t *p) { return *p; }
INLINE void v_store(uint32_t *p, V a) { *p = a; }
INLINE V v_set1(uint32_t a) { return a; }
INLINE V v_min(V a, V b) { return a < b ? a : b; }
INLINE V v_add(V a, V b) { V s = a + b; return v_min(s, s - M31_P); }
INLINE V v_sub(V a, V b) { V d = a - b; return v_min(d, d + M31_P); }
INLINE X x_of(V a) { return a; }
INLINE X x_negative(X a) { return M31_P - a; }
INLINE X x_set1(uint32_t a) { return a; }
INLINE A a_zero(void) { return 0; }
INLINE A a_mul(X a, X b) { return a * b; }
INLINE A a_add(A a, A b) { return a + b; }
INLINE A a_fold(A a) { return (a & M31_P) + (a >> 31); }
INLINE V a_canonical(A a) { V s = (V)a_fold(a_fold(a)); return v_min(s, s - M31_P); }
INLINE uint32_t a_sum(A a) { return a_canonical(a); }
/// The product of base elements.
INLINE V v_factor(V a) { return a; }
INLINE V v_factor1(uint32_t a) { return a; }
INLINE V v_mul(V a, V factor) {
    uint64_t product = (uint64_t)a * factor;
    V s = (V)(product & M31_P) + (V)(product >> 31);
    return v_min(s, s - M31_P);
}
INLINE V v_mul1(V a, V factor) { return v_mul(a, factor); }
INLINE V v_mul1_from(const uint32_t *a, V factor) { return v_mul(*a, factor); }
INLINE V v_from_s8(const int8_t *p) { int32_t a = *p; return (V)(a < 0 ? a + (int32_t)M31_P : a); }
INLINE V v_from_s16(const int16_t *p) { int32_t a = *p; return (V)(a < 0 ? a + (int32_t)M31_P : a); }
/// -2^31 = -1 and 2^31 - 1 = 0 are the only values that need more than one step.
INLINE V v_from_s32(const int32_t *p) {
    uint32_t a = (uint32_t)*p;
    V s = (a >> 31) ? a + M31_P : a;  // in [-2^31 + p, p] mod 2^32, that is 2^32 - 1 for -2^31
    s = s == 0xffffffffu ? M31_P - 1 : s;
    return v_min(s, s - M31_P);
}
INLINE V v_from_s64(const int64_t *p) {
    int64_t a = *p % (int64_t)M31_P;
    return (V)(a < 0 ? a + (int64_t)M31_P : a);
}

typedef struct Q {
    V c[4];
} Q;

/// LANES elements as they lie in memory: base lanes in the order of the four words of each element.
INLINE Q r_load(const uint32_t *p) { return (Q){{p[0], p[1], p[2], p[3]}}; }
INLINE void r_store(uint32_t *p, Q a) { memcpy(p, a.c, 16); }
/// Between the order of memory and one vector a coordinate; its own inverse.
INLINE Q q_transpose(Q a) { return a; }
/// Elements 0, 2, 4... and 1, 3, 5... of 2 LANES elements.
INLINE void r_load_pairs(const uint32_t *p, Q *low, Q *high) {
    *low = r_load(p);
    *high = r_load(p + 4);
}
/// Elements 0, 4, 8..., then 1, 5, 9... and so on of 4 LANES elements.
INLINE void r_load_quads(const uint32_t *p, Q out[4]) {
    for (int i = 0; i < 4; i++) {
        out[i] = r_load(p + 4 * i);
    }
}
/// Of 4 LANES elements: those with bit 1 of the index clear, and those with it set, as two groups of 2 LANES.
INLINE void r_load_pairs_of_pairs(const uint32_t *p, Q low[2], Q high[2]) {
    low[0] = r_load(p);
    low[1] = r_load(p + 4);
    high[0] = r_load(p + 8);
    high[1] = r_load(p + 12);
}
/// A base vector in the order of lanes that `q_transpose(r_load)` has.
INLINE V v_load_as_q(const uint32_t *p) { return *p; }
/// Base elements 0, 2, 4... and 1, 3, 5... of 2 LANES in that order.
INLINE void v_load_pairs_as_q(const uint32_t *p, V *low, V *high) {
    *low = p[0];
    *high = p[1];
}
/// LANES base elements as extension elements, in the order of memory.
INLINE Q r_widen(const uint32_t *p) { return (Q){{*p, 0, 0, 0}}; }

/// The first `count < LANES` lanes only.
INLINE V v_load_some(const uint32_t *p, size_t count) { (void)count; return *p; }
INLINE void v_store_some(uint32_t *p, V a, size_t count) { (void)count; *p = a; }

#define LOG_LANES 0
/// Exchanges the register bit with bit `bit` of the lane index.
INLINE void v_exchange(V *a, V *b, int bit) { (void)a, (void)b, (void)bit; }
/// a0 b0 a1 b1 ... in two registers.
INLINE void v_interleave(V *a, V *b) { (void)a, (void)b; }
/// Lane i takes `p[i >> shift]`.
INLINE V v_load_spread(const uint32_t *p, int shift) { (void)shift; return *p; }
/// Lane i takes `p[(i >> shift) ^ 1]`; never asked for one lane.
INLINE V v_load_spread_swapped(const uint32_t *p, int shift) { (void)shift; return p[1]; }

#include "m31_kernels.h"
