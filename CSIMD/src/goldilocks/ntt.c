// Goldilocks: Reed-Solomon codes.
#include "../../include/csimd_cpu.h"
#include "../../include/csimd_goldilocks.h"
#include "scalar.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

#define ELEMENT u64
#define WORDS 1
static inline u64 el_load(const u64 *p) { return *p; }
static inline void el_store(u64 *p, u64 x) { *p = x; }
static inline u64 el_add(u64 a, u64 b) { return gl_add(a, b); }
static inline u64 el_sub(u64 a, u64 b) { return gl_sub(a, b); }
static inline u64 el_mul(u64 a, u64 b) { return gl_mul(a, b); }
/// 7^((p - 1) / 2^bits).
static u64 el_root(int bits) {
    u64 root = 0x185629dcda58878c;
    for (int i = bits; i < 32; i++) root = gl_mul(root, root);
    return root;
}

#include "ntt.h"

void goldilocks_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                            const u64 *table);
void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                              const u64 *table);

void csimd_goldilocks_reed_solomon_encode(void *values, size_t stride, size_t width, int message_bits,
                                          int log_inverse_rate) {
    const int bits = message_bits + log_inverse_rate;
    if (width == 0) return;
    const u64 *table = twiddle_table(bits > 0 ? bits - 1 : 0);
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        goldilocks_avx512_encode(values, stride, width, message_bits, log_inverse_rate, table);
        return;
    case CSIMD_LEVEL_AVX2:
        goldilocks_avx2_encode(values, stride, width, message_bits, log_inverse_rate, table);
        return;
    default:
        break;
    }
#endif
    encode_portable(values, stride, width, message_bits, log_inverse_rate, table);
}
