#if defined(__x86_64__)

#include "../goldilocks/avx512_field.h"

#define LANES 8
#define TARGET AVX512
typedef v8 vec;

AVX512_INLINE vec splat(uint64_t x) { return gl8_set(x); }
AVX512_INLINE vec add(vec a, vec b) { return gl8_add(a, b); }
AVX512_INLINE vec sub(vec a, vec b) { return gl8_sub(a, b); }
AVX512_INLINE vec half(vec a) {
    const vec shifted = _mm512_srli_epi64(a, 1);
    return _mm512_mask_add_epi64(shifted, _mm512_test_epi64_mask(a, gl8_set(1)), shifted,
                                 gl8_set(0x7fffffff80000001ull));
}
AVX512_INLINE vec multiply(vec a, vec b) { return gl8_mul(a, b); }
AVX512_INLINE vec load(const uint64_t *p) { return _mm512_loadu_si512(p); }
AVX512_INLINE void store(uint64_t *p, vec a) { _mm512_storeu_si512(p, a); }

#include "poseidon2_goldilocks.h"

const struct csimd_lane_hash csimd_poseidon2_goldilocks_avx512 = {LANES, messages, pairs};

#endif
