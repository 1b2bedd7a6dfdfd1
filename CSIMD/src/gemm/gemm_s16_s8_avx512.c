/// Products of 16-bit and 8-bit integers at AVX-512.
#if defined(__x86_64__)
#include "gemm.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define LANES 16
#define ROWS 8
#define NAME gemm_s16_s8_avx512

typedef __m512i V;

INLINE __mmask16 mask_of(size_t count) { return (__mmask16)(((uint32_t)1 << count) - 1); }
INLINE V v_zero(void) { return _mm512_setzero_si512(); }
INLINE V v_word(uint32_t a) { return _mm512_set1_epi32((int32_t)a); }
INLINE V v_dot(V sum, V a, V b) { return _mm512_dpwssd_epi32(sum, a, b); }
INLINE V v_load(const int32_t *p, size_t count) { return _mm512_maskz_loadu_epi32(mask_of(count), p); }
INLINE void v_store(int32_t *p, V a, size_t count) { _mm512_mask_storeu_epi32(p, mask_of(count), a); }
INLINE V widened(const int8_t *p, size_t count) {
    return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask_of(count), p));
}
INLINE V v_pair(const int8_t *p, size_t p_count, const int8_t *q, size_t q_count) {
    return _mm512_mask_blend_epi16(0xaaaaaaaa, widened(p, p_count), _mm512_slli_epi32(widened(q, q_count), 16));
}

#include "gemm_rows.h"
#endif
