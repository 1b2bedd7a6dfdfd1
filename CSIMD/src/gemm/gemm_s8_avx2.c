/// 8-bit products at AVX2, widened to 16 bits as they are loaded.
#if defined(__x86_64__)
#include "gemm_avx2.h"

#define TILE gemm_s8_tile
#define NAME gemm_s8_avx2
#define E int8_t
#define OUT int32_t
/// 2^15 a pair.
#define FLUSH(tile) ((void)(tile), (size_t)65536)

INLINE V load(const E *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
INLINE V load_some(const E *p, size_t count) {
    E some[WIDTH] = {0};
    memcpy(some, p, count);
    return load(some);
}

#include "gemm_pairs.h"
#endif
