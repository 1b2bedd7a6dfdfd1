/// Products of 16-bit and 8-bit integers at AVX2.
#if defined(__x86_64__)
#include "gemm.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,sse4.1")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define LANES 8
#define ROWS 4
#define NAME gemm_s16_s8_avx2

typedef __m256i V;

INLINE V v_zero(void) { return _mm256_setzero_si256(); }
INLINE V v_word(uint32_t a) { return _mm256_set1_epi32((int32_t)a); }
INLINE V v_dot(V sum, V a, V b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
INLINE V v_load(const int32_t *p, size_t count) {
    V a = _mm256_setzero_si256();
    memcpy(&a, p, 4 * count);
    return a;
}
INLINE void v_store(int32_t *p, V a, size_t count) { memcpy(p, &a, 4 * count); }
INLINE V widened(const int8_t *p, size_t count) {
    int64_t bytes = 0;
    memcpy(&bytes, p, count);
    return _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes));
}
INLINE V v_pair(const int8_t *p, size_t p_count, const int8_t *q, size_t q_count) {
    return _mm256_blend_epi16(widened(p, p_count), _mm256_slli_epi32(widened(q, q_count), 16), 0xaa);
}

#include "gemm_rows.h"
#endif
