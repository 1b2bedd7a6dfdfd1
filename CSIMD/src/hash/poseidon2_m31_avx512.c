#if defined(__x86_64__)

#include "../m31/m31_vector_avx512.h"

typedef V vec;

INLINE vec splat(uint32_t x) { return v_set1(x); }
INLINE vec add(vec a, vec b) { return v_add(a, b); }
INLINE vec sub(vec a, vec b) { return v_sub(a, b); }
INLINE vec multiply(vec a, vec b) { return v_mul(a, v_factor(b)); }
INLINE vec load(const uint32_t *p) { return v_load(p); }
INLINE void store(uint32_t *p, vec a) { v_store(p, a); }
INLINE vec times_power(vec a, int k) {
    // (a & b) | c in one instruction.
    return _mm512_ternarylogic_epi32(_mm512_slli_epi32(a, (unsigned)k), v_set1(M31_P),
                                     _mm512_srli_epi32(a, (unsigned)(31 - k)), 0xea);
}

#include "poseidon2_m31.h"

const struct csimd_lane_hash csimd_poseidon2_m31_avx512 = {LANES, messages, pairs};

#endif
