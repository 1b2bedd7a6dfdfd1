/// 16-bit matrices at AVX2: three limbs of 11 bits. |limb| <= 2^10, so a dot product of pairs is at most 2^26 in size
/// and 31 of them stay below 2^31.
#if defined(__x86_64__)
#include "m31_combine_pairs_avx2.h"

#define COMBINE m31_combine_s16_avx2
#define E int16_t
#define LIMBS 3
#define LIMB_BITS 11
#define FLUSH 31

INLINE V load_rows(const E *a, const E *b) {
    __m128i x = _mm_loadu_si128((const __m128i *)a), y = _mm_loadu_si128((const __m128i *)b);
    return _mm256_set_m128i(_mm_unpackhi_epi16(x, y), _mm_unpacklo_epi16(x, y));
}
INLINE V load_rows_some(const E *a, const E *b, size_t count) {
    E x[8] = {0}, y[8] = {0};
    memcpy(x, a, count * sizeof(E));
    memcpy(y, b, count * sizeof(E));
    return load_rows(x, y);
}
INLINE V load_row(const E *a) { return _mm256_loadu_si256((const __m256i *)a); }
INLINE V load_row_some(const E *a, size_t count) {
    E x[16] = {0};
    memcpy(x, a, count * sizeof(E));
    return load_row(x);
}
INLINE __m256i join(__m256i a, __m256i b, __m256i c) {
    return _mm256_add_epi64(shifted(a, 0), _mm256_add_epi64(shifted(b, LIMB_BITS), shifted(c, 2 * LIMB_BITS)));
}
INLINE S64 s_join(const S *s) {
    return (S64){
        join(s[0], s[1], s[2]),
        join(_mm256_srli_epi64(s[0], 32), _mm256_srli_epi64(s[1], 32), _mm256_srli_epi64(s[2], 32))};
}

#include "m31_combine16.h"
#endif
