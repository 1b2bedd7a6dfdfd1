#if defined(__x86_64__)

#include "../bn254/avx512_field.h"

#define LANES 8
#define TARGET AVX512

/// Limbs are not carried after sums, and values are below 32 r; S-boxes begin with `trim`.
typedef bn8 vec;

AVX512_INLINE vec add(vec a, vec b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_add_epi64(a.l[i], b.l[i]);
    return a;
}

AVX512_INLINE vec broadcast(const uint64_t *w) {
    return bn8_from_words(gl8_set(w[0]), gl8_set(w[1]), gl8_set(w[2]), gl8_set(w[3]));
}

/// Carried limbs, and below 1.4 r, for a below 32 r.
///
/// The quotient by r is estimated from the top limb l: floor(l K / 2^52) with K = floor(2^52 / (t + 1)), t being the
/// top limb of r, is not more than the quotient, and less by at most one and l / 2^52 < 0.39. Instead of q r, q 2^260 -
/// q r is added, and q 2^260 is where no limb is.
AVX512_INLINE vec trim(vec a) {
    // 2^260 - r.
    static const uint64_t negative[5] = {0xe0a6c0fffffff, 0xb786468f6ebc1, 0xe7ea7a2d7cc17, 0x5fd647afba497,
                                         0xfcf9bb18d1ece};
    const v8 q = _mm512_madd52hi_epu64(_mm512_setzero_si512(), a.l[4], gl8_set(84));
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_madd52lo_epu64(a.l[i], q, gl8_set(negative[i]));
    for (int i = 0; i < 4; i++) a.l[i + 1] = _mm512_madd52hi_epu64(a.l[i + 1], q, gl8_set(negative[i]));
    a = bn8_carry(a);
    a.l[4] = _mm512_and_si512(a.l[4], gl8_set(BN_MASK52));
    return a;
}

/// Below (0.19 a b + 1.13) r for factors a r and b r, carried. In an S-box that begins with 1.4 r the square is below
/// 1.5 r, and what follows below 1.55 r.
AVX512_INLINE vec multiply(vec a, vec b) {
    bn8_wide s = bn8_wide_zero();
    bn8_mac(&s, bn8_left(a), b);
    return bn8_wide_reduce(&s);
}

AVX512_INLINE vec from_words(const uint64_t w[4][LANES]) {
    return bn8_from_words(_mm512_loadu_si512(w[0]), _mm512_loadu_si512(w[1]), _mm512_loadu_si512(w[2]),
                          _mm512_loadu_si512(w[3]));
}

AVX512_INLINE void to_words(vec a, uint64_t w[4][LANES]) {
    v8 words[4];
    bn8_to_words(bn8_canon2(a), words);
    for (int k = 0; k < 4; k++) _mm512_storeu_si512(w[k], words[k]);
}

#include "poseidon2_bn254.h"

const struct csimd_lane_hash csimd_poseidon2_bn254_avx512 = {LANES, messages, pairs};

#endif
