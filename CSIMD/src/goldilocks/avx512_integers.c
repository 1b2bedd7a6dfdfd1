// Goldilocks: small integers and base-field vectors, eight at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include "integers_table.h"
#include "ints_wide.h"
#include "scalar.h"

typedef uint64_t u64;

#define LANES 8
#define KERNEL AVX512
#define INLINE AVX512_INLINE
#define NAME(x) goldilocks_avx512_##x
#define SMALL_BITS 52
#define TURNS 256

typedef v8 word;
typedef wide8 wide;
typedef struct {
    v8 low, high;
} small;

AVX512_INLINE word set(u64 x) { return gl8_set(x); }
AVX512_INLINE word words(const u64 *p) { return _mm512_loadu_si512(p); }
AVX512_INLINE void put(u64 *p, word x) { _mm512_storeu_si512(p, x); }
AVX512_INLINE word ints(const void *p, int bytes, size_t i) { return ints8(p, bytes, i); }

AVX512_INLINE void evens_and_odds(v8 a, v8 b, word *even, word *odd) {
    *even = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
    *odd = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
}

AVX512_INLINE void ints_pairs(const void *p, int bytes, size_t i, word *even, word *odd) {
    evens_and_odds(ints8(p, bytes, i), ints8(p, bytes, i + 8), even, odd);
}

AVX512_INLINE void split(const u64 *p, word *c) { evens_and_odds(words(p), words(p + 8), &c[0], &c[1]); }

AVX512_INLINE void join(u64 *p, const word *c) {
    put(p, _mm512_permutex2var_epi64(c[0], _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), c[1]));
    put(p + 8, _mm512_permutex2var_epi64(c[0], _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), c[1]));
}

AVX512_INLINE word plus(word a, word b) { return _mm512_add_epi64(a, b); }
AVX512_INLINE word minus(word a, word b) { return _mm512_sub_epi64(a, b); }
AVX512_INLINE word image(word x) {
    return _mm512_mask_add_epi64(x, _mm512_movepi64_mask(x), x, gl8_set(GOLDILOCKS_P));
}
AVX512_INLINE word absolute(word x) { return _mm512_abs_epi64(x); }
AVX512_INLINE word where_negative(word x, word a, word b) {
    return _mm512_mask_mov_epi64(b, _mm512_movepi64_mask(x), a);
}
AVX512_INLINE small make_small(u64 x) { return (small){gl8_set(x), gl8_set(x >> 52)}; }
AVX512_INLINE wide wide_zero(void) { return wide8_zero(); }
AVX512_INLINE void wide_mac(wide *s, word a, word b) { wide8_mac(s, a, b); }
AVX512_INLINE void wide_mac_small(wide *s, word a, small f) { wide8_mac_small(s, a, f.low, f.high); }
AVX512_INLINE void wide_mac_smalls(wide *s, word a, word b) { wide8_mac_small(s, a, b, _mm512_srli_epi64(b, 52)); }
AVX512_INLINE void wide_add(wide *s, word a) { wide8_add(s, a); }
AVX512_INLINE void wide_normalise(wide *s) { wide8_normalise(s); }
AVX512_INLINE word wide_reduce(wide s) { return wide8_reduce(s); }

#define PLANES "byte_planes.h"
#include "integer_kernels.h"
#endif
