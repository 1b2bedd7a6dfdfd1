/// What the AVX2 kernels share.
#include "gemm.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,sse4.1")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define WIDTH 16
#define ROWS 2

typedef __m256i V;
typedef __m256i S;

INLINE S s_minus_one(void) { return _mm256_set1_epi32(-1); }
INLINE S s_dot(S sum, V a, V b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
INLINE int64_t s_total(S a) {
    __m256i s = _mm256_add_epi64(
        _mm256_cvtepi32_epi64(_mm256_castsi256_si128(a)), _mm256_cvtepi32_epi64(_mm256_extracti128_si256(a, 1)));
    __m128i t = _mm_add_epi64(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    return _mm_cvtsi128_si64(t) + _mm_extract_epi64(t, 1);
}
