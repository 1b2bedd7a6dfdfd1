// The external layer of Poseidon2 for widths that are multiples of four: circ(2 M, M, ..., M) with the matrix
// M = circ(2, 3, 1, 1), over add(x, y) and vec (Plonky3's choice of M, which takes 9 additions).

TARGET static inline __attribute__((always_inline)) void external(vec s[WIDTH]) {
    vec sum[4];
#pragma clang loop unroll(full)
    for (int b = 0; b < WIDTH; b += 4) {
        vec *x = s + b;
        const vec x01 = add(x[0], x[1]), x23 = add(x[2], x[3]), all = add(x01, x23);
        const vec all1 = add(all, x[1]), all3 = add(all, x[3]);
        const vec y0 = add(all1, x01), y1 = add(all1, add(x[2], x[2]));
        const vec y2 = add(all3, x23), y3 = add(all3, add(x[0], x[0]));
        x[0] = y0, x[1] = y1, x[2] = y2, x[3] = y3;
        for (int k = 0; k < 4; k++) sum[k] = b == 0 ? x[k] : add(sum[k], x[k]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < WIDTH; i++) s[i] = add(s[i], sum[i % 4]);
}
