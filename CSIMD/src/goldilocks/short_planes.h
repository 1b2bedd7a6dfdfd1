// Matrices of small integers times vectors of elements with AVX2's dot product of pairs of 16-bit integers. Shared with
// BN254. (AVX2's dot product of bytes saturates; byte_planes.h needs AVX-512 VNNI.)
//
// Weights are cut into signed limbs of 16 bits, LIMBS of them for all COORDINATES. An integer of several bytes is cut
// into signed bytes with a constant, as byte_planes.h says. A limb times a digit is at most 2^22 in size, so a 32-bit
// lane bears 2^9 pairs: 2 LIMBS instructions for 16 digits, and no reduction before the end.
//
// Included after WEIGHT_BYTES, COORDINATES, COORDINATE_BYTES, and
//   void shorts(const u64 *weight, int16_t *out)   the LIMBS limbs of a weight, least first, or of a congruent integer
//   void finish(...)                               as for byte_planes.h

#include "ints.h"
#include <stdlib.h>
#include <string.h>

#define WEIGHT_WORDS (WEIGHT_BYTES / 8)
#define LIMBS (WEIGHT_BYTES / 2)
#define COORDINATE_LIMBS (COORDINATE_BYTES / 2)
#define SHORTS_WORTH_THREADS 400000 /* instructions, 50 us: waking a thread costs some 10 us */

AVX2_INLINE v4 shorts_dot(v4 sum, v4 a, v4 b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }

/// The sums of digits t and limbs k as sums by exponents of 256.
static inline void shorts_finish(const int64_t *sums, int entry_bytes, u64 *out, const u64 *constant, int add) {
    const int exponents = COORDINATE_BYTES + entry_bytes - 1;
    int64_t total[COORDINATES * (COORDINATE_BYTES + 7)];
    memset(total, 0, sizeof total);
    for (int t = 0; t < entry_bytes; t++)
        for (int k = 0; k < LIMBS; k++)
            total[k / COORDINATE_LIMBS * exponents + 2 * (k % COORDINATE_LIMBS) + t] += sums[t * LIMBS + k];
    finish(total, exponents, out, constant, add);
}

// MARK: Rows: output[c] += sum over r of weights[r] matrix[r, c]

#define ROW_BLOCK 128 /* rows whose digits are packed at once: 16 KiB for 64 columns of bytes */

struct shorts_rows {
    const uint8_t *matrix;
    u64 *output;
    const u64 *constant;
    size_t rows, row_bytes, panels, chunk;
    int entry_bytes;
    /// For each pair of rows the pairs of their limbs.
    const int32_t *limbs;
};

AVX2_INLINE void shorts_pack_pair(const uint8_t *a, const uint8_t *b, __m128i flip, v4 *out) {
    for (int q = 0; q < 4; q++) {
        const __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(a + 16 * q)), flip);
        const __m128i y = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(b + 16 * q)), flip);
        out[2 * q] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(x, y));
        out[2 * q + 1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(x, y));
    }
}

AVX2_INLINE void shorts_add(int64_t *to, v4 lanes) {
    int64_t *half = to + 4;
    gl4_put((uint64_t *)to, _mm256_add_epi64(gl4_words((const uint64_t *)to),
                                             _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes))));
    gl4_put((uint64_t *)half, _mm256_add_epi64(gl4_words((const uint64_t *)half),
                                               _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1))));
}

AVX2 static void shorts_rows_panel(const struct shorts_rows *job, size_t panel) {
    const size_t start = 64 * panel, width = job->row_bytes - start < 64 ? job->row_bytes - start : 64;
    const __m128i flip = _mm_set1_epi64x((long long)digits_flip(job->entry_bytes));
    v4 packed[ROW_BLOCK / 2][8];
    int64_t sums[LIMBS][64];
    memset(sums, 0, sizeof sums);
    for (size_t block = 0; block < job->rows; block += ROW_BLOCK) {
        const size_t rows = job->rows - block < ROW_BLOCK ? job->rows - block : ROW_BLOCK;
        const size_t groups = (rows + 1) / 2;
        const uint8_t *row = job->matrix + block * job->row_bytes + start;
        for (size_t g = 0; g < groups; g++, row += 2 * job->row_bytes) {
            // The limbs of a missing row are zero.
            const uint8_t *next = 2 * g + 1 < rows ? row + job->row_bytes : row;
            if (width == 64) {
                shorts_pack_pair(row, next, flip, packed[g]);
            } else {
                uint8_t some[2][64] = {{0}};
                memcpy(some[0], row, width);
                memcpy(some[1], next, width);
                shorts_pack_pair(some[0], some[1], flip, packed[g]);
            }
        }
        const int32_t *limbs = job->limbs + block / 2 * LIMBS;
        for (size_t j = 0; 8 * j < width; j += 2) {
            for (int k = 0; k < LIMBS; k += 4) {
                v4 s[4][2];
                for (int i = 0; i < 4; i++) s[i][0] = s[i][1] = _mm256_setzero_si256();
                for (size_t g = 0; g < groups; g++) {
                    for (int i = 0; i < 4; i++) {
                        const v4 w = _mm256_set1_epi32(limbs[g * LIMBS + k + i]);
                        s[i][0] = shorts_dot(s[i][0], packed[g][j], w);
                        s[i][1] = shorts_dot(s[i][1], packed[g][j + 1], w);
                    }
                }
                for (int i = 0; i < 4; i++) {
                    shorts_add(&sums[k + i][8 * j], s[i][0]);
                    shorts_add(&sums[k + i][8 * j + 8], s[i][1]);
                }
            }
        }
    }
    const size_t e = (size_t)job->entry_bytes, first = start / e;
    for (size_t c = 0; c < width / e; c++) {
        int64_t entry[8 * LIMBS];
        for (size_t t = 0; t < e; t++)
            for (int k = 0; k < LIMBS; k++) entry[t * LIMBS + k] = sums[k][c * e + t];
        shorts_finish(entry, job->entry_bytes, job->output + WEIGHT_WORDS * (first + c), job->constant, 1);
    }
}

AVX2 static void shorts_rows_chunk(void *context, size_t index) {
    const struct shorts_rows *job = context;
    const size_t end = (index + 1) * job->chunk;
    for (size_t panel = index * job->chunk; panel < end && panel < job->panels; panel++) shorts_rows_panel(job, panel);
}

AVX2 static void combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                              const u64 *constant, u64 *out) {
    int16_t *limbs = calloc((rows + 1) / 2 * LIMBS, sizeof(int32_t));
    if (limbs == NULL) abort();
    for (size_t r = 0; r < rows; r++) {
        int16_t w[LIMBS];
        shorts(weights + WEIGHT_WORDS * r, w);
        for (size_t k = 0; k < LIMBS; k++) limbs[(r / 2 * LIMBS + k) * 2 + r % 2] = w[k];
    }
    struct shorts_rows job = {.matrix = matrix,
                              .output = out,
                              .constant = constant,
                              .rows = rows,
                              .row_bytes = columns * (size_t)bytes,
                              .entry_bytes = bytes,
                              .limbs = (const int32_t *)limbs};
    job.panels = (job.row_bytes + 63) / 64;
    const size_t pieces = 4 * (size_t)csimd_free_thread_count();
    job.chunk = (job.panels + pieces - 1) / pieces;
    parallel_if(job.rows * job.row_bytes / 8 * LIMBS > SHORTS_WORTH_THREADS, (job.panels + job.chunk - 1) / job.chunk,
                shorts_rows_chunk, &job);
    free(limbs);
}

// MARK: Columns: output[r] = sum over c of weights[c] matrix[r, c]

#define COLUMN_BLOCK 1024 /* columns taken at once: 2^9 pairs are 8 times as many */
#define ROW_TILE 16       /* rows that pass over the limbs of a block together */

struct shorts_columns {
    const uint8_t *matrix;
    const u64 *weights;
    u64 *output;
    const u64 *constant;
    size_t rows, columns, blocks;
    int entry_bytes;
    /// For each block of columns and limb, so many of them; zero past the last column.
    size_t plane;
    int16_t *limbs;
};

static void shorts_expand(void *context, size_t block) {
    const struct shorts_columns *job = context;
    int16_t *out = job->limbs + block * LIMBS * job->plane;
    const size_t first = block * COLUMN_BLOCK;
    for (size_t c = 0; c < job->plane; c++) {
        int16_t w[LIMBS] = {0};
        if (first + c < job->columns) shorts(job->weights + WEIGHT_WORDS * (first + c), w);
        for (size_t k = 0; k < LIMBS; k++) out[k * job->plane + c] = w[k];
    }
}

/// The digits of `count` entries, digit t from out + t COLUMN_BLOCK on.
AVX2_INLINE void shorts_digits_of(const uint8_t *p, int bytes, size_t count, int16_t *out) {
    const uint64_t flip = digits_flip(bytes);
    for (size_t i = 0; i < count; i++) {
        uint64_t x = 0;
        memcpy(&x, p + i * bytes, bytes);
        x ^= flip;
        for (int t = 0; t < bytes; t++) out[t * COLUMN_BLOCK + i] = (int8_t)(x >> (8 * t));
    }
}

AVX2 static void shorts_digits(const uint8_t *p, int bytes, size_t count, int16_t *out) {
    switch (bytes) {
    case 1:
        shorts_digits_of(p, 1, count, out);
        break;
    case 2:
        shorts_digits_of(p, 2, count, out);
        break;
    case 4:
        shorts_digits_of(p, 4, count, out);
        break;
    default:
        shorts_digits_of(p, 8, count, out);
    }
}

AVX2_INLINE int64_t shorts_sum(v4 a) {
    const v4 s = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(a)),
                                  _mm256_cvtepi32_epi64(_mm256_extracti128_si256(a, 1)));
    const __m128i t = _mm_add_epi64(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    return _mm_cvtsi128_si64(t) + _mm_extract_epi64(t, 1);
}

AVX2 static void shorts_columns_tile(void *context, size_t tile) {
    const struct shorts_columns *job = context;
    const size_t first = tile * ROW_TILE, rows = job->rows - first < ROW_TILE ? job->rows - first : ROW_TILE;
    const size_t e = (size_t)job->entry_bytes;
    // Rows of digits: e for each row of the matrix, done four at a time.
    const size_t together = e < 4 ? 4 / e : 1;
    int16_t digits[8 * COLUMN_BLOCK];
    int64_t sums[8 * ROW_TILE][LIMBS];
    memset(digits, 0, sizeof digits);
    memset(sums, 0, sizeof sums);
    for (size_t block = 0; block < job->blocks; block++) {
        const int16_t *limbs = job->limbs + block * LIMBS * job->plane;
        const size_t start = block * COLUMN_BLOCK;
        const size_t width = job->columns - start < COLUMN_BLOCK ? job->columns - start : COLUMN_BLOCK;
        for (size_t r = 0; r < rows; r += together) {
            for (size_t i = 0; i < together && r + i < rows; i++)
                shorts_digits(job->matrix + ((first + r + i) * job->columns + start) * e, job->entry_bytes, width,
                              digits + i * e * COLUMN_BLOCK);
            // Behind the last row and the last column there are old digits, whose sums or limbs are not used.
            for (size_t d = 0; d < together * e; d += 4) {
                for (int k = 0; k < LIMBS; k += 2) {
                    v4 s[4][2];
                    for (int i = 0; i < 4; i++) s[i][0] = s[i][1] = _mm256_setzero_si256();
                    for (size_t c = 0; c < width; c += 16) {
                        const v4 w0 = gl4_words((const uint64_t *)(limbs + k * job->plane + c));
                        const v4 w1 = gl4_words((const uint64_t *)(limbs + (k + 1) * job->plane + c));
                        for (int i = 0; i < 4; i++) {
                            const v4 x = gl4_words((const uint64_t *)(digits + (d + i) * COLUMN_BLOCK + c));
                            s[i][0] = shorts_dot(s[i][0], x, w0);
                            s[i][1] = shorts_dot(s[i][1], x, w1);
                        }
                    }
                    for (size_t i = 0; i < 4; i++)
                        for (int j = 0; j < 2; j++) sums[r * e + d + i][k + j] += shorts_sum(s[i][j]);
                }
            }
        }
    }
    for (size_t r = 0; r < rows; r++)
        shorts_finish(sums[r * e], job->entry_bytes, job->output + WEIGHT_WORDS * (first + r), job->constant, 0);
}

AVX2 static void combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                                 const u64 *constant, u64 *out) {
    struct shorts_columns job = {.matrix = matrix,
                                 .weights = weights,
                                 .output = out,
                                 .constant = constant,
                                 .rows = rows,
                                 .columns = columns,
                                 .blocks = (columns + COLUMN_BLOCK - 1) / COLUMN_BLOCK,
                                 .entry_bytes = bytes};
    job.plane = job.blocks > 1 ? COLUMN_BLOCK : (columns + 15) / 16 * 16;
    job.limbs = malloc(job.blocks * job.plane * LIMBS * sizeof(int16_t));
    if (job.limbs == NULL) abort();
    const size_t work = job.columns * LIMBS / 8;
    parallel_if(job.columns * LIMBS > SHORTS_WORTH_THREADS, job.blocks, shorts_expand, &job);
    parallel_if(job.rows * (size_t)bytes * work > SHORTS_WORTH_THREADS, (job.rows + ROW_TILE - 1) / ROW_TILE,
                shorts_columns_tile, &job);
    free(job.limbs);
}
