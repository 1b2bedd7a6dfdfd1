/// What both AVX2 matrix kernels use: dot products of pairs, 64-bit sums.
#include "m31_combine.h"
#include "m31_vector_avx2.h"

typedef __m256i S;
/// Even lanes, odd lanes.
typedef struct S64 {
    __m256i e, o;
} S64;

INLINE S s_zero(void) { return _mm256_setzero_si256(); }
INLINE S s_dot(S sum, V a, V b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
INLINE S64 s64_add(S64 a, S64 b) { return (S64){_mm256_add_epi64(a.e, b.e), _mm256_add_epi64(a.o, b.o)}; }
INLINE __m256i signed_fold(__m256i a) {
    // There is no arithmetic shift of 64-bit lanes: add 2^62 before the shift, take 2^31 away after it.
    __m256i high = _mm256_srli_epi64(_mm256_add_epi64(a, _mm256_set1_epi64x((long long)1 << 62)), 31);
    high = _mm256_sub_epi64(high, _mm256_set1_epi64x((long long)1 << 31));
    return _mm256_add_epi64(_mm256_and_si256(a, _mm256_set1_epi64x(M31_P)), high);
}
INLINE S64 s64_fold(S64 a) { return (S64){signed_fold(a.e), signed_fold(a.o)}; }
INLINE int64_t s64_lane(const S64 *a, size_t lane) {
    int64_t v;
    memcpy(&v, (const char *)a + (lane % 2) * sizeof a->e + lane / 2 * 8, 8);
    return v;
}
INLINE int64_t s64_sum(const S64 *a) {
    int64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi64(a->e, a->o));
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}
/// Even lanes times a power of two, widened.
INLINE __m256i shifted(__m256i a, int bits) { return _mm256_mul_epi32(a, _mm256_set1_epi64x((long long)1 << bits)); }
