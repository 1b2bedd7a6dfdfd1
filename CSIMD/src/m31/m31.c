/// The interface of csimd_m31.h over the level in use.
#include "m31.h"

static const m31_kernels *kernels(void) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return &m31_avx512;
    case CSIMD_LEVEL_AVX2:
        return &m31_avx2;
    default:
        break;
    }
#endif
    return &m31_portable;
}

void csimd_m31_embed_s8(const int8_t *in, void *out, size_t count) { kernels()->embed_s8(in, out, count); }
void csimd_m31_embed_s16(const int16_t *in, void *out, size_t count) { kernels()->embed_s16(in, out, count); }
void csimd_m31_embed_s32(const int32_t *in, void *out, size_t count) { kernels()->embed_s32(in, out, count); }
void csimd_m31_embed_s64(const int64_t *in, void *out, size_t count) { kernels()->embed_s64(in, out, count); }
void csimd_m31_add_scaled(const void *a, uint32_t factor, void *out, size_t count) {
    kernels()->base_add_scaled(a, factor, out, count);
}
void csimd_qm31_widen(const void *a, void *out, size_t count) { kernels()->widen(a, out, count); }
void csimd_qm31_add(const void *a, const void *b, void *out, size_t count) { kernels()->add(a, b, out, count); }
void csimd_qm31_mul(const void *a, const void *b, void *out, size_t count) { kernels()->mul(a, b, out, count); }
void csimd_qm31_add_scaled(const void *a, csimd_qm31 factor, void *out, size_t count) {
    kernels()->add_scaled(a, factor, out, count);
}
void csimd_qm31_scale(const void *a, csimd_qm31 factor, void *out, size_t count) {
    kernels()->scale(a, factor, out, count);
}
void csimd_qm31_add_scaled_base(const void *a, csimd_qm31 factor, void *out, size_t count) {
    kernels()->add_scaled_base(a, factor, out, count);
}
csimd_qm31 csimd_qm31_inner(const void *a, const void *b, size_t count) { return kernels()->inner(a, b, count); }
csimd_qm31 csimd_qm31_inner_base(const void *a, const void *b, size_t count) {
    return kernels()->inner_base(a, b, count);
}
void csimd_qm31_expand(void *table, size_t size, csimd_qm31 r) { kernels()->expand(table, size, r); }
void csimd_qm31_fold(const void *in, csimd_qm31 r, void *out, size_t pairs) { kernels()->fold(in, r, out, pairs); }
void csimd_qm31_fold_base(const void *in, csimd_qm31 r, void *out, size_t pairs) {
    kernels()->fold_base(in, r, out, pairs);
}
void csimd_qm31_fold_pairs(const void *in, csimd_qm31 r, void *out, size_t quads) {
    kernels()->fold_pairs(in, r, out, quads);
}
void csimd_qm31_round2(const void *a, const void *b, size_t pairs, csimd_qm31 out[2]) {
    kernels()->round2(a, b, pairs, out);
}
void csimd_qm31_round3(const void *a, const void *b, const void *c, size_t pairs, csimd_qm31 out[3]) {
    kernels()->round3(a, b, c, pairs, out);
}
void csimd_qm31_round_weighted2(const void *w, const void *a, const void *b, size_t pairs, csimd_qm31 out[2]) {
    kernels()->round_weighted2(w, a, b, pairs, out);
}
void csimd_qm31_round_fractions(
    const void *w, const void *p, const void *q, csimd_qm31 lambda, size_t quads, csimd_qm31 out[2]) {
    kernels()->round_fractions(w, p, q, lambda, quads, out);
}
void csimd_qm31_add_fractions(const void *p, const void *q, void *p_out, void *q_out, size_t pairs) {
    kernels()->add_fractions(p, q, p_out, q_out, pairs);
}
void csimd_m31_interleave(const void *in, size_t rows, size_t columns, void *out, size_t stride) {
    kernels()->interleave(in, rows, columns, out, stride);
}
void csimd_m31_circle_encode(
    void *values, size_t stride, size_t width, unsigned message_bits, unsigned bits, const uint32_t *const *twiddles) {
    kernels()->circle_encode(values, stride, width, message_bits, bits, twiddles, NULL, 0);
}
void csimd_m31_circle_encode_at(
    void *values, size_t stride, size_t width, unsigned message_bits, unsigned bits, const uint32_t *const *twiddles,
    const uint32_t *only, size_t count) {
    kernels()->circle_encode(values, stride, width, message_bits, bits, twiddles, only, count);
}
