/// 16-bit products at AVX2.
#if defined(__x86_64__)
#include "gemm_avx2.h"

#define TILE gemm_s16_tile
#define NAME gemm_s16_avx2
#define E int16_t
#define OUT int64_t
#define FLUSH(tile) ((tile)->flush)

INLINE V load(const E *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE V load_some(const E *p, size_t count) {
    E some[WIDTH] = {0};
    memcpy(some, p, 2 * count);
    return load(some);
}

#include "gemm_pairs.h"

TARGET int gemm_largest_s16_avx2(const int16_t *a, size_t count) {
    V most = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        most = _mm256_max_epu16(most, _mm256_abs_epi16(load(a + i)));  // |-2^15| is 2^15 unsigned
    }
    most = _mm256_max_epu16(most, _mm256_abs_epi16(load_some(a + i, count - i)));
    uint16_t lanes[WIDTH];
    memcpy(lanes, &most, sizeof lanes);
    int largest = 0;
    for (int j = 0; j < WIDTH; j++) {
        largest = lanes[j] > largest ? lanes[j] : largest;
    }
    return largest;
}
#endif
