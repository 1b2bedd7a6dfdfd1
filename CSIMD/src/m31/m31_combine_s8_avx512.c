/// 8-bit matrices at AVX-512: four limbs of 8 bits, which `vpdpbusd` takes as its unsigned operand, the matrix being
/// the signed one. A dot product of four is at most 4 * 255 * 128 = 130,560 in size, so that 16,384 of them, 65,536
/// entries, stay below 2^31.
#if defined(__x86_64__)
#include "../cpu/avx512_sums.h"
#include "m31_combine.h"
#include "m31_vector_avx512.h"

enum {
    MOST = 65536,  ///< entries that 32-bit sums hold
    PANEL = 128,   ///< rows of a panel, which lies interleaved in the first-level cache
    WIDE = 16,     ///< blocks of 64 columns whose sums are kept at a time
    CHUNK = 2048,  ///< columns of a chunk of the other product, whose limbs stay in the second-level cache
};

/// Byte 16k + 4l + i is limb l of coordinate k of element i, for four elements.
INLINE V limbs_of_four(V elements) {
    static const uint8_t order[64] = {
        0, 16, 32, 48, 1, 17, 33, 49, 2,  18, 34, 50, 3,  19, 35, 51, 4,  20, 36, 52, 5,  21,
        37, 53, 6, 22, 38, 54, 7, 23, 39, 55, 8,  24, 40, 56, 9,  25, 41, 57, 10, 26, 42, 58,
        11, 27, 43, 59, 12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63};
    return _mm512_permutexvar_epi8(_mm512_loadu_si512(order), elements);
}

static size_t row_limb_bytes(size_t count) { return (count + 3) / 4 * 64; }

TARGET static void row_limbs(const uint32_t *w, size_t count, void *limbs) {
    char *out = limbs;
    for (size_t r = 0; r < count; r += 4, out += 64) {
        size_t words = count - r < 4 ? 4 * (count - r) : 16;
        v_store((uint32_t *)(void *)out, limbs_of_four(words < 16 ? v_load_some(w + 4 * r, words) : v_load(w + 4 * r)));
    }
}

static size_t column_limb_bytes(size_t count) { return (count + 63) / 64 * 1024; }

/// Blocks of 64 columns: sixteen vectors, number 4k + l with limb l of coordinate k of the 64.
TARGET static void column_limbs(const uint32_t *w, size_t count, void *limbs) {
    uint32_t *out = limbs;
    memset(limbs, 0, column_limb_bytes(count));
    for (size_t c = 0; c < count; c += 4) {
        uint32_t four[16];
        size_t words = count - c < 4 ? 4 * (count - c) : 16;
        v_store(four, limbs_of_four(words < 16 ? v_load_some(w + 4 * c, words) : v_load(w + 4 * c)));
        uint32_t *block = out + c / 64 * 256 + c % 64 / 4;
        for (int i = 0; i < 16; i++) {
            block[16 * i] = four[i];
        }
    }
}

/// a + 2^8 b + 2^16 c + 2^24 d of the even lanes, of size below 2^56, plus a multiple of p that makes it positive.
INLINE __m512i join(__m512i a, __m512i b, __m512i c, __m512i d) {
    __m512i ab = _mm512_add_epi64(
        _mm512_mul_epi32(a, _mm512_set1_epi64(1)), _mm512_mul_epi32(b, _mm512_set1_epi64(1 << 8)));
    __m512i cd = _mm512_add_epi64(
        _mm512_mul_epi32(c, _mm512_set1_epi64(1 << 16)), _mm512_mul_epi32(d, _mm512_set1_epi64(1 << 24)));
    return _mm512_add_epi64(_mm512_add_epi64(ab, cd), _mm512_set1_epi64((int64_t)M31_P << 26));
}

/// The limb sums of a coordinate back together, canonical.
INLINE V join_limbs(const V *sum) {
    V odd[4];
    for (int l = 0; l < 4; l++) {
        odd[l] = _mm512_srli_epi64(sum[l], 32);
    }
    return a_canonical((A){join(sum[0], sum[1], sum[2], sum[3]), join(odd[0], odd[1], odd[2], odd[3])});
}

/// Four rows by 64 columns into four vectors of 16 columns: word s of lane l of vector j has column 16l + 4j + s.
INLINE void interleave(V a, V b, V c, V d, V *out) {
    V ab0 = _mm512_unpacklo_epi8(a, b), ab1 = _mm512_unpackhi_epi8(a, b);
    V cd0 = _mm512_unpacklo_epi8(c, d), cd1 = _mm512_unpackhi_epi8(c, d);
    out[0] = _mm512_unpacklo_epi16(ab0, cd0);
    out[1] = _mm512_unpackhi_epi16(ab0, cd0);
    out[2] = _mm512_unpacklo_epi16(ab1, cd1);
    out[3] = _mm512_unpackhi_epi16(ab1, cd1);
}

/// Adds one panel to the sums of one block of 64 columns: `sums[4 (4k + l) + j]`. Meanwhile fetches a line of each row
/// of the next panel, whose first is at `next`: one every sixteen products, as all at once would wait for each other.
INLINE void rows_panel(const V *panel, size_t fours, const uint32_t *limbs, V *sums, uintptr_t next, size_t stride) {
    for (int k = 0; k < 4; k++) {
        V sum[16];
        for (int i = 0; i < 16; i++) {
            sum[i] = sums[16 * k + i];
        }
        for (size_t f = 0; f < fours; f++) {
            _mm_prefetch((const char *)(next + (4 * f + (size_t)k) * stride), _MM_HINT_T0);
            for (int l = 0; l < 4; l++) {
                V limb = v_set1(limbs[16 * f + 4 * (size_t)k + (size_t)l]);
                for (int j = 0; j < 4; j++) {
                    sum[4 * l + j] = _mm512_dpbusd_epi32(sum[4 * l + j], limb, panel[4 * f + (size_t)j]);
                }
            }
        }
        for (int i = 0; i < 16; i++) {
            sums[16 * k + i] = sum[i];
        }
    }
}

/// Adds the sums of a block to `count` <= 64 outputs.
INLINE void rows_finish(const V *sums, uint32_t *out, size_t count) {
    V natural[4][4];
    for (int k = 0; k < 4; k++) {
        V v[4];
        for (int j = 0; j < 4; j++) {
            V limbs[4] = {sums[16 * k + j], sums[16 * k + 4 + j], sums[16 * k + 8 + j], sums[16 * k + 12 + j]};
            v[j] = join_limbs(limbs);
        }
        // Lane l of v[j] to lane j of natural[l]: columns 16l ... 16l + 15 in order.
        V a = _mm512_shuffle_i64x2(v[0], v[1], 0x44), b = _mm512_shuffle_i64x2(v[0], v[1], 0xee);
        V c = _mm512_shuffle_i64x2(v[2], v[3], 0x44), d = _mm512_shuffle_i64x2(v[2], v[3], 0xee);
        natural[0][k] = _mm512_shuffle_i64x2(a, c, 0x88);
        natural[1][k] = _mm512_shuffle_i64x2(a, c, 0xdd);
        natural[2][k] = _mm512_shuffle_i64x2(b, d, 0x88);
        natural[3][k] = _mm512_shuffle_i64x2(b, d, 0xdd);
    }
    for (size_t l = 0; l < 4 && 16 * l < count; l++) {
        Q q;
        for (int k = 0; k < 4; k++) {
            q.c[k] = to_q_order(natural[l][k]);
        }
        q = q_transpose(q);
        size_t words = 4 * (count - 16 * l);
        for (size_t i = 0; i < 4 && 16 * i < words; i++) {
            uint32_t *o = out + 64 * l + 16 * i;
            if (words - 16 * i >= 16) {
                v_store(o, v_add(v_load(o), q.c[i]));
            } else {
                size_t rest = words - 16 * i;
                v_store_some(o, v_add(v_load_some(o, rest), q.c[i]), rest);
            }
        }
    }
}

TARGET static void rows_kernel(
    const void *matrix, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out) {
    V sums[WIDE][64];
    V panel[PANEL];
    for (size_t first = 0; first < rows; first += MOST) {
        size_t most = rows - first < MOST ? rows - first : MOST;
        for (size_t start = 0; start < columns; start += 64 * WIDE) {
            size_t width = columns - start < 64 * WIDE ? columns - start : 64 * WIDE;
            size_t blocks = (width + 63) / 64;
            memset(sums, 0, blocks * sizeof sums[0]);
            for (size_t r = first; r < first + most; r += PANEL) {
                size_t height = first + most - r < PANEL ? first + most - r : PANEL;
                size_t fours = (height + 3) / 4;
                for (size_t b = 0; b < blocks; b++) {
                    const int8_t *m = (const int8_t *)matrix + r * stride + start + 64 * b;
                    size_t here = width - 64 * b < 64 ? width - 64 * b : 64;
                    __mmask64 mask = ~(__mmask64)0 >> (64 - here);
                    for (size_t f = 0; f < fours; f++) {
                        V row[4];
                        for (size_t i = 0; i < 4; i++) {
                            row[i] = _mm512_setzero_si512();
                            if (4 * f + i < height) row[i] = _mm512_maskz_loadu_epi8(mask, m + (4 * f + i) * stride);
                        }
                        interleave(row[0], row[1], row[2], row[3], panel + 4 * f);
                    }
                    // The rows' next block, or the first of the rows below. (An address that need not exist.)
                    uintptr_t next = b + 1 < blocks ? (uintptr_t)m + 64 : (uintptr_t)m - 64 * b + PANEL * stride;
                    rows_panel(panel, fours, (const uint32_t *)limbs + 4 * r, sums[b], next, stride);
                }
            }
            for (size_t b = 0; b < blocks; b++) {
                rows_finish(sums[b], out + 4 * (start + 64 * b), width - 64 * b < 64 ? width - 64 * b : 64);
            }
        }
    }
}

/// Words 4k + l, limb l of coordinate k, into an extension element: stored where `first`, otherwise added.
INLINE void columns_finish(V sums, uint32_t *out, int first) {
    const __m512i even = _mm512_setr_epi64(1, 1 << 16, 1, 1 << 16, 1, 1 << 16, 1, 1 << 16);
    __m512i v = _mm512_add_epi64(
        _mm512_mul_epi32(sums, even),
        _mm512_mul_epi32(_mm512_srli_epi64(sums, 32), _mm512_slli_epi64(even, 8)));
    // Both halves of a coordinate; size below 2^56, then positive.
    v = _mm512_add_epi64(v, _mm512_shuffle_epi32(v, 0x4e));
    v = _mm512_add_epi64(v, _mm512_set1_epi64((int64_t)M31_P << 26));
    v = fold64(fold64(v));  // at most p + 8
    __m128i q = _mm512_castsi512_si128(_mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), v_once(v)));
    if (!first) {
        __m128i p = _mm_set1_epi32((int)M31_P);
        q = _mm_add_epi32(q, _mm_loadu_si128((const __m128i *)out));
        q = _mm_min_epu32(q, _mm_sub_epi32(q, p));
    }
    _mm_storeu_si128((__m128i *)out, q);
}

/// `height` <= 4 rows by up to CHUNK columns, added to sixteen sums a row.
INLINE void columns_block(
    const int8_t *m, size_t stride, int height, size_t columns, const V *limbs, V sums[4]) {
    V all[4][16];
    for (int k = 0; k < 4; k++) {
        V sum[4][4];
        for (int r = 0; r < 4; r++) {
            for (int l = 0; l < 4; l++) {
                sum[r][l] = _mm512_setzero_si512();
            }
        }
        size_t c = 0;
        const V *limb = limbs + 4 * k;
        for (; c + 64 <= columns; c += 64, limb += 16) {
            for (int r = 0; r < height; r++) {
                V row = _mm512_loadu_si512(m + (size_t)r * stride + c);
                for (int l = 0; l < 4; l++) {
                    sum[r][l] = _mm512_dpbusd_epi32(sum[r][l], limb[l], row);
                }
            }
        }
        if (c < columns) {
            __mmask64 mask = ~(__mmask64)0 >> (64 - (columns - c));
            for (int r = 0; r < height; r++) {
                V row = _mm512_maskz_loadu_epi8(mask, m + (size_t)r * stride + c);
                for (int l = 0; l < 4; l++) {
                    sum[r][l] = _mm512_dpbusd_epi32(sum[r][l], limb[l], row);
                }
            }
        }
        for (int r = 0; r < height; r++) {
            for (int l = 0; l < 4; l++) {
                all[r][4 * k + l] = sum[r][l];
            }
        }
    }
    for (int r = 0; r < height; r++) {
        sums[r] = _mm512_add_epi32(sums[r], avx512_sum_lanes(all[r]));
    }
}

TARGET static void columns_kernel(
    const void *matrix, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out) {
    enum { TALL = 64 };
    V sums[TALL];
    for (size_t start = 0; start < rows; start += TALL) {
        size_t height = rows - start < TALL ? rows - start : TALL;
        size_t first = 0;
        do {
            size_t most = columns - first < MOST ? columns - first : MOST;
            memset(sums, 0, sizeof sums);
            for (size_t c = first; c < first + most; c += CHUNK) {
                size_t width = first + most - c < CHUNK ? first + most - c : CHUNK;
                const V *chunk = (const V *)limbs + c / 64 * 16;
                const int8_t *m = (const int8_t *)matrix + start * stride + c;
                size_t r = 0;
                for (; r + 4 <= height; r += 4) {
                    columns_block(m + r * stride, stride, 4, width, chunk, sums + r);
                }
                for (; r < height; r++) {
                    columns_block(m + r * stride, stride, 1, width, chunk, sums + r);
                }
            }
            for (size_t r = 0; r < height; r++) {
                columns_finish(sums[r], out + 4 * (start + r), first == 0);
            }
            first += most;
        } while (first < columns);
    }
}

const m31_combine m31_combine_s8_avx512 = {
    .block = 64,
    .row_limb_bytes = row_limb_bytes,
    .column_limb_bytes = column_limb_bytes,
    .row_limbs = row_limbs,
    .column_limbs = column_limbs,
    .rows = rows_kernel,
    .columns = columns_kernel,
    .row_step = 4,
};
#endif
