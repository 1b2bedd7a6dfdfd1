/// 16-bit matrices at AVX-512: three limbs of 11 bits. |limb| <= 2^10, so a dot product of pairs is at most 2^26 in
/// size and 31 of them stay below 2^31.
#if defined(__x86_64__)
#include "m31_combine.h"
#include "m31_vector_avx512.h"

#define COMBINE m31_combine_s16_avx512
#define E int16_t
#define LIMBS 3
#define LIMB_BITS 11
#define FLUSH 31

typedef __m512i S;
/// Even lanes, odd lanes.
typedef struct S64 {
    __m512i e, o;
} S64;

INLINE S s_zero(void) { return _mm512_setzero_si512(); }
INLINE S s_dot(S sum, V a, V b) { return _mm512_dpwssd_epi32(sum, a, b); }
INLINE V pairs(__m256i a, __m256i b) {
    const __m512i order = _mm512_set_epi16(
        47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1,
        32, 0);
    return _mm512_permutex2var_epi16(_mm512_castsi256_si512(a), order, _mm512_castsi256_si512(b));
}
INLINE V load_rows(const E *a, const E *b) {
    return pairs(_mm256_loadu_si256((const __m256i *)a), _mm256_loadu_si256((const __m256i *)b));
}
INLINE V load_rows_some(const E *a, const E *b, size_t count) {
    __mmask16 mask = mask_of(count);
    return pairs(_mm256_maskz_loadu_epi16(mask, a), _mm256_maskz_loadu_epi16(mask, b));
}
INLINE V load_row(const E *a) { return _mm512_loadu_si512(a); }
INLINE V load_row_some(const E *a, size_t count) {
    return _mm512_maskz_loadu_epi16((__mmask32)(((uint64_t)1 << count) - 1), a);
}
INLINE __m512i join(__m512i a, __m512i b, __m512i c) {
    // Signed multiplication by a power of two widens and shifts at once.
    return _mm512_add_epi64(
        _mm512_mul_epi32(a, _mm512_set1_epi64(1)),
        _mm512_add_epi64(
            _mm512_mul_epi32(b, _mm512_set1_epi64(1 << 11)), _mm512_mul_epi32(c, _mm512_set1_epi64(1 << 22))));
}
INLINE S64 s_join(const S *s) {
    return (S64){
        join(s[0], s[1], s[2]),
        join(_mm512_srli_epi64(s[0], 32), _mm512_srli_epi64(s[1], 32), _mm512_srli_epi64(s[2], 32))};
}
INLINE S64 s64_add(S64 a, S64 b) { return (S64){_mm512_add_epi64(a.e, b.e), _mm512_add_epi64(a.o, b.o)}; }
INLINE __m512i signed_fold(__m512i a) {
    return _mm512_add_epi64(_mm512_and_si512(a, _mm512_set1_epi64(M31_P)), _mm512_srai_epi64(a, 31));
}
INLINE S64 s64_fold(S64 a) { return (S64){signed_fold(a.e), signed_fold(a.o)}; }
INLINE int64_t s64_lane(const S64 *a, size_t lane) {
    int64_t v;
    memcpy(&v, (const char *)a + (lane % 2) * sizeof a->e + lane / 2 * 8, 8);
    return v;
}
INLINE int64_t s64_sum(const S64 *a) { return _mm512_reduce_add_epi64(_mm512_add_epi64(a->e, a->o)); }

#include "m31_combine16.h"
#endif
