#if defined(__x86_64__)

#include "../goldilocks/avx2_field.h"

#define LANES 4
#define TARGET AVX2
typedef v4 vec;

AVX2_INLINE vec splat(uint64_t x) { return gl4_set(x); }
AVX2_INLINE vec add(vec a, vec b) { return gl4_add(a, b); }
AVX2_INLINE vec sub(vec a, vec b) { return gl4_sub(a, b); }
AVX2_INLINE vec half(vec a) {
    const vec odd = _mm256_sub_epi64(gl4_set(0), _mm256_and_si256(a, gl4_set(1)));
    return _mm256_add_epi64(_mm256_srli_epi64(a, 1), _mm256_and_si256(odd, gl4_set(0x7fffffff80000001ull)));
}
AVX2_INLINE vec multiply(vec a, vec b) { return gl4_mul(a, b); }
AVX2_INLINE vec load(const uint64_t *p) { return gl4_words(p); }
AVX2_INLINE void store(uint64_t *p, vec a) { gl4_put(p, a); }

#include "poseidon2_goldilocks.h"

const struct csimd_lane_hash csimd_poseidon2_goldilocks_avx2 = {LANES, messages, pairs};

#endif
