/// 8-bit matrices at AVX2, widened to 16 bits: two limbs of 16 bits. |limb| <= 2^15, so a dot product of pairs is at
/// most 2^23 in size and 128 of them at most 2^30.
#if defined(__x86_64__)
#include "m31_combine_pairs_avx2.h"

#define COMBINE m31_combine_s8_avx2
#define E int8_t
#define LIMBS 2
#define LIMB_BITS 16
#define FLUSH 128

INLINE V load_rows(const E *a, const E *b) {
    return _mm256_cvtepi8_epi16(
        _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)a), _mm_loadl_epi64((const __m128i *)b)));
}
INLINE V load_rows_some(const E *a, const E *b, size_t count) {
    E x[8] = {0}, y[8] = {0};
    memcpy(x, a, count);
    memcpy(y, b, count);
    return load_rows(x, y);
}
INLINE V load_row(const E *a) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)a)); }
INLINE V load_row_some(const E *a, size_t count) {
    E x[16] = {0};
    memcpy(x, a, count);
    return load_row(x);
}
INLINE S64 s_join(const S *s) {
    return (S64){
        _mm256_add_epi64(shifted(s[0], 0), shifted(s[1], LIMB_BITS)),
        _mm256_add_epi64(
            shifted(_mm256_srli_epi64(s[0], 32), 0), shifted(_mm256_srli_epi64(s[1], 32), LIMB_BITS))};
}

#include "m31_combine16.h"
#endif
