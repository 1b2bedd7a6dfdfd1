/// 16-bit products at AVX-512.
#if defined(__x86_64__)
#include "gemm.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define WIDTH 32
#define ROWS 4

#define TILE gemm_s16_tile
#define NAME gemm_s16_avx512
#define E int16_t
#define OUT int64_t
#define FLUSH(tile) ((tile)->flush)

typedef __m512i V;
typedef __m512i S;

INLINE S s_minus_one(void) { return _mm512_set1_epi32(-1); }
INLINE S s_dot(S sum, V a, V b) { return _mm512_dpwssd_epi32(sum, a, b); }
INLINE int64_t s_total(S a) {
    return _mm512_reduce_add_epi64(_mm512_add_epi64(
        _mm512_mul_epi32(a, _mm512_set1_epi64(1)), _mm512_srai_epi64(a, 32)));
}
INLINE V load(const E *p) { return _mm512_loadu_si512(p); }
INLINE V load_some(const E *p, size_t count) {
    return _mm512_maskz_loadu_epi16((__mmask32)(((uint64_t)1 << count) - 1), p);
}

#include "gemm_pairs.h"
#endif
