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

/// The entries of `twiddle_table(bits)`, each followed by 2^32 times itself, and one word more, built on first use and
/// kept.
static const u64 *twiddle_pairs(int bits) {
    static _Atomic(u64 *) tables[33];
    u64 *pairs = atomic_load_explicit(&tables[bits], memory_order_acquire);
    if (pairs != NULL) return pairs;
    const u64 *table = twiddle_table(bits);
    const size_t size = (size_t)1 << bits;
    pairs = malloc((2 * size + 1) * sizeof(u64));
    if (pairs == NULL) abort();
    pairs[2 * size] = 0;
    for (size_t i = 0; i < size; i++) {
        pairs[2 * i] = table[i];
        pairs[2 * i + 1] = gl_mul(table[i], (u64)1 << 32);
    }
    u64 *expected = NULL;
    if (!atomic_compare_exchange_strong_explicit(&tables[bits], &expected, pairs, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        free(pairs); // another thread was first
        return expected;
    }
    return pairs;
}

void goldilocks_avx2_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                            const u64 *table);
void goldilocks_avx512_encode(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                              const u64 *table);

void csimd_goldilocks_reed_solomon_encode(void *values, size_t stride, size_t width, int message_bits,
                                          int log_inverse_rate) {
    const int bits = message_bits + log_inverse_rate;
    if (width == 0) return;
    const int table_bits = bits > 0 ? bits - 1 : 0;
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        goldilocks_avx512_encode(values, stride, width, message_bits, log_inverse_rate, twiddle_pairs(table_bits));
        return;
    case CSIMD_LEVEL_AVX2:
        goldilocks_avx2_encode(values, stride, width, message_bits, log_inverse_rate, twiddle_table(table_bits));
        return;
    default:
        break;
    }
#endif
    encode_portable(values, stride, width, message_bits, log_inverse_rate, twiddle_table(table_bits));
}
