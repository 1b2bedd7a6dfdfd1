/// Vectors over Mersenne-31 (p = 2^31 - 1) and its degree-4 extension QM31 = CM31[u]/(u^2 - 2 - i), CM31 =
/// M31[i]/(i^2 + 1).
///
/// A base element is a `uint32_t` in [0, p); an extension element four of them, the coordinates of 1, i, u, iu.
/// Pointers to vectors of either are `void *`, so that every caller's element type converts; they need the alignment
/// of `uint32_t` only. Inputs must be canonical, outputs are. Any count is allowed, zero included. Vectors do not
/// overlap, except that an output may be an input where it says so. Nothing here starts threads, except where it says
/// so.
#ifndef CSIMD_M31_H
#define CSIMD_M31_H

#include <stddef.h>
#include <stdint.h>

/// An extension element by value.
typedef struct csimd_qm31 {
    uint32_t c[4];
} csimd_qm31;

/// `out[i]` = image of `in[i]` in M31.
void csimd_m31_embed_s8(const int8_t *in, void *out, size_t count);
void csimd_m31_embed_s16(const int16_t *in, void *out, size_t count);
void csimd_m31_embed_s32(const int32_t *in, void *out, size_t count);
void csimd_m31_embed_s64(const int64_t *in, void *out, size_t count);
/// `out[i] += factor * a[i]` over M31.
void csimd_m31_add_scaled(const void *a, uint32_t factor, void *out, size_t count);

/// `out[i]` = the base element `a[i]` as an extension element.
void csimd_qm31_widen(const void *a, void *out, size_t count);
/// `out[i] = a[i] + b[i]`; `out` may be `a` or `b`.
void csimd_qm31_add(const void *a, const void *b, void *out, size_t count);
/// `out[i] = a[i] * b[i]`; `out` may be `a` or `b`.
void csimd_qm31_mul(const void *a, const void *b, void *out, size_t count);
/// `out[i] += factor * a[i]`.
void csimd_qm31_add_scaled(const void *a, csimd_qm31 factor, void *out, size_t count);
/// `out[i] = factor * a[i]`; `out` may be `a`.
void csimd_qm31_scale(const void *a, csimd_qm31 factor, void *out, size_t count);
/// `out[i] += factor * a[i]` for base elements `a`.
void csimd_qm31_add_scaled_base(const void *a, csimd_qm31 factor, void *out, size_t count);
/// Sum of `a[i] * b[i]`.
csimd_qm31 csimd_qm31_inner(const void *a, const void *b, size_t count);
/// Sum of `a[i] * b[i]` for base elements `a`.
csimd_qm31 csimd_qm31_inner_base(const void *a, const void *b, size_t count);
/// `table[i + size] = table[i] * r` and then `table[i] -= table[i + size]`, for `i < size`.
void csimd_qm31_expand(void *table, size_t size, csimd_qm31 r);

/// `out[i] = in[2i] + r (in[2i+1] - in[2i])` for `i < pairs`; `out` may be `in`.
void csimd_qm31_fold(const void *in, csimd_qm31 r, void *out, size_t pairs);
/// The same for base elements `in`; the outputs are extension elements and must not overlap the inputs.
void csimd_qm31_fold_base(const void *in, csimd_qm31 r, void *out, size_t pairs);
/// `out[2i+b] = in[4i+b] + r (in[4i+2+b] - in[4i+b])` for `i < quads`, `b` in 0, 1; `out` may be `in`.
void csimd_qm31_fold_pairs(const void *in, csimd_qm31 r, void *out, size_t quads);

/// `out[0]` = sum of `a[2i] b[2i]`, `out[1]` = sum of `(a[2i+1] - a[2i]) (b[2i+1] - b[2i])`.
void csimd_qm31_round2(const void *a, const void *b, size_t pairs, csimd_qm31 out[2]);
/// With a0, da = a[2i], a[2i+1] - a[2i] and so on: `out` = sums of `a0 b0 c0`, `(a0-da) (b0-db) (c0-dc)`, `da db dc`.
void csimd_qm31_round3(const void *a, const void *b, const void *c, size_t pairs, csimd_qm31 out[3]);
/// Sums of `w[i] a0 b0` and `w[i] da db`.
void csimd_qm31_round_weighted2(const void *w, const void *a, const void *b, size_t pairs, csimd_qm31 out[2]);
/// One round of a fractional sum-check: see `roundFractions` in Field.swift.
void csimd_qm31_round_fractions(
    const void *w, const void *p, const void *q, csimd_qm31 lambda, size_t quads, csimd_qm31 out[2]);
/// `p_out[i] = p0 + p1 + p0 q1 + p1 q0`, `q_out[i] = q0 + q1 + q0 q1` with 0, 1 the entries 2i, 2i+1; outputs may be
/// the inputs.
void csimd_qm31_add_fractions(const void *p, const void *q, void *p_out, void *q_out, size_t pairs);

/// `out[c] += sum over r of w[r] * m[r * columns + c]`. Runs on all threads. Returns 0, having done nothing, where the
/// level in use has no such kernel.
int csimd_qm31_combine_rows_s8(const int8_t *m, size_t rows, size_t columns, const void *w, void *out);
int csimd_qm31_combine_rows_s16(const int16_t *m, size_t rows, size_t columns, const void *w, void *out);
/// `out[r] = sum over c of w[c] * m[r * columns + c]`. Runs on all threads. Returns 0, having done nothing, where the
/// level in use has no such kernel.
int csimd_qm31_combine_columns_s8(const int8_t *m, size_t rows, size_t columns, const void *w, void *out);
int csimd_qm31_combine_columns_s16(const int16_t *m, size_t rows, size_t columns, const void *w, void *out);

/// `out[c * stride + r] = in[r * columns + c]` for `r < rows <= stride`, `c < columns`.
void csimd_m31_interleave(const void *in, size_t rows, size_t columns, void *out, size_t stride);

/// Stages `message_bits - 1 ... 0` of the circle FFT on 2^bits interleaved rows of `width` base elements, `stride`
/// apart. `twiddles[d]` points to the table of depth `d`, for `d <= bits - 2` (see CircleCode.swift, which also says
/// what a stage is). The rows above 2^message_bits start as copies of those below.
void csimd_m31_circle_encode(
    void *values, size_t stride, size_t width, unsigned message_bits, unsigned bits, const uint32_t *const *twiddles);
/// The same where no rows are wanted but `count` of them, `only`, rising; what other rows hold afterwards is left open.
void csimd_m31_circle_encode_at(
    void *values, size_t stride, size_t width, unsigned message_bits, unsigned bits, const uint32_t *const *twiddles,
    const uint32_t *only, size_t count);

#endif
