#include "../../include/csimd_bn254.h"
#include "../../include/csimd_cpu.h"
#include "../goldilocks/challenge_table.h"
#include "scalar.h"

extern const struct challenge_table bn254_portable_challenge;
extern const struct challenge_table bn254_avx2_challenge;
extern const struct challenge_table bn254_avx512_challenge;

static inline const struct challenge_table *wide_table(void) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return &bn254_avx512_challenge;
    case CSIMD_LEVEL_AVX2:
        return &bn254_avx2_challenge;
    default:
        break;
    }
#endif
    return NULL;
}

static inline void sum_add(u64 *a, const u64 *b) {
    const bn_scalar s = bn_add((bn_scalar){{a[0], a[1], a[2], a[3]}}, (bn_scalar){{b[0], b[1], b[2], b[3]}});
    for (int i = 0; i < 4; i++) a[i] = s.w[i];
}

#define WORDS 4
#define PUBLIC(x) csimd_bn254_##x
#define PORTABLE() (&bn254_portable_challenge)
#define WIDE() wide_table()
#include "../goldilocks/challenge_dispatch.h"
