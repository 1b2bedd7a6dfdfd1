// Sums of many pairs of affine points, one at a time.
#include "base.h"

enum { BATCH = 256 };

void bn254_portable_add_pairs(const reference *pairs, size_t count, point *out) {
    // Of each pair: the denominator of the slope, and the product of all denominators before.
    fq denominators[BATCH], prefixes[BATCH];
    for (size_t first = 0; first < count; first += BATCH) {
        const size_t n = count - first < BATCH ? count - first : BATCH;
        const reference *refs = pairs + 2 * first;
        fq product = fq_one;
        for (size_t i = 0; i < n; i++) {
            const point *a = (const point *)(refs[2 * i] & ~(reference)1);
            const point *b = (const point *)(refs[2 * i + 1] & ~(reference)1);
            fq d = fq_sub(b->x, a->x);
            if (point_is_identity(a) || point_is_identity(b))
                d = fq_zero;
            else if (fq_is_zero(d)) {
                // Twice a point, or a point and its negative.
                const point p = dereference(refs[2 * i]), q = dereference(refs[2 * i + 1]);
                d = fq_equal(p.y, q.y) ? fq_add(p.y, p.y) : fq_zero;
            }
            denominators[i] = d;
            prefixes[i] = product;
            if (!fq_is_zero(d)) product = fq_mul(product, d);
        }
        fq inverse = fq_inverse(product);
        for (size_t i = n; i-- > 0;) {
            const point a = dereference(refs[2 * i]), b = dereference(refs[2 * i + 1]);
            point *z = out + first + i;
            if (fq_is_zero(denominators[i])) {
                *z = point_is_identity(&a) ? b : point_is_identity(&b) ? a : (point){fq_zero, fq_zero};
                continue;
            }
            const fq reciprocal = fq_mul(inverse, prefixes[i]);
            inverse = fq_mul(inverse, denominators[i]);
            fq numerator = fq_sub(b.y, a.y);
            if (fq_equal(a.x, b.x)) {
                const fq square = fq_square(a.x);
                numerator = fq_add(fq_add(square, square), square);
            }
            const fq slope = fq_mul(numerator, reciprocal);
            const fq x = fq_sub(fq_sub(fq_square(slope), a.x), b.x);
            z->y = fq_sub(fq_mul(slope, fq_sub(a.x, x)), a.y);
            z->x = x;
        }
    }
}
