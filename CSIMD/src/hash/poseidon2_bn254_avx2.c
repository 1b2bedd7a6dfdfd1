#if defined(__x86_64__)

#include "../bn254/avx2_field.h"

#define LANES 4
#define TARGET AVX2

/// Limbs are not carried after sums, and values are below 32 r; S-boxes begin with `trim`.
typedef bn4 vec;

AVX2_INLINE vec add(vec a, vec b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm256_add_epi64(a.l[i], b.l[i]);
    return a;
}

AVX2_INLINE vec broadcast(const uint64_t *w) { return bn4_broadcast((bn_scalar){{w[0], w[1], w[2], w[3]}}); }

/// Carried limbs, and below 1.001 r, for a below 32 r with limbs below 2^57.
///
/// The quotient by r is estimated from the upper half u < 2^23 of the top limb: floor(u K / 2^40) with K = floor(2^40 /
/// (t + 1)), t being the upper half of the top limb of r, is not more than the quotient, and what is lost before it is
/// rounded down is less than 0.001: by the lower halves of both limbs, by K rounded down, and by what the other limbs
/// carry. Instead of q r, q 2^256 - q r is added, and q 2^256 is where no limb is.
AVX2_INLINE vec trim(vec a) {
    const v4 u = _mm256_srli_epi64(a.l[4], 32);
    const v4 q = _mm256_srli_epi64(_mm256_mul_epu32(u, gl4_set((1ull << 40) / ((bn_r51[4] >> 32) + 1))), 40);
    UNROLL for (int i = 0; i < 5; i++) {
        const v4 low = _mm256_mul_epu32(q, gl4_set(bn_minus_r51[i] & 0xffffffff));
        const v4 high = _mm256_mul_epu32(q, gl4_set(bn_minus_r51[i] >> 32));
        a.l[i] = _mm256_add_epi64(a.l[i], _mm256_add_epi64(low, _mm256_slli_epi64(high, 32)));
    }
    a = bn4_carry(a);
    a.l[4] = _mm256_and_si256(a.l[4], gl4_set((1ull << 52) - 1));
    return a;
}

/// Below (0.19 a b + 1.22) r for factors a r and b r, carried. In an S-box that begins with 1.001 r the square is below
/// 1.42 r, its square below 1.61 r, and what follows below 1.53 r.
AVX2_INLINE vec multiply(vec a, vec b) {
    bn4_wide s = bn4_wide_zero();
    bn4_mac(&s, bn4_to_factor(a), bn4_to_factor(b));
    return bn4_wide_reduce(&s);
}

AVX2_INLINE vec from_words(const uint64_t w[4][LANES]) {
    return bn4_from_words(gl4_words(w[0]), gl4_words(w[1]), gl4_words(w[2]), gl4_words(w[3]));
}

AVX2_INLINE void to_words(vec a, uint64_t w[4][LANES]) {
    v4 words[4];
    bn4_to_words(bn4_canon2(a), words);
    for (int k = 0; k < 4; k++) gl4_put(w[k], words[k]);
}

#include "poseidon2_bn254.h"

const struct csimd_lane_hash csimd_poseidon2_bn254_avx2 = {LANES, messages, pairs};

#endif
