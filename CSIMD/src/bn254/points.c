// Multiples of points and their sums.
//
// Sums of many multiples are Pippenger's: the scalars are cut into windows of signed digits; the points of one window
// that have one digit meet in a bucket; the sum of the buckets times their digits is the window's. All additions, in
// the buckets and of the buckets, are of pairs of affine points, independent of each other, so that many share an
// inversion (`add_pairs`): some 6 products each instead of 11 to 16 in projective coordinates. A bucket is summed as a
// tree, so it does not matter how many points share it. The curve's endomorphism, which halves the scalars and doubles
// the points, would save no additions here, only doublings and buckets, which are a few percent.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/csimd_cpu.h"
#include "../../include/csimd_parallel.h"
#include "base.h"

typedef __int128 i128;

static add_pairs *current_kernel(void) {
#if defined(__x86_64__)
    if (csimd_current_level() == CSIMD_LEVEL_AVX512) return bn254_avx512_add_pairs;
#endif
    return bn254_portable_add_pairs;
}

static void *allocate(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 127) & ~(size_t)63);
    if (p == NULL) abort();
    return p;
}

// MARK: One point

/// (x / z^2, y / z^3); z = 0 is the identity.
typedef struct {
    fq x, y, z;
} jacobian;

static jacobian jacobian_double(jacobian p) {
    if (fq_is_zero(p.z)) return p;
    // "dbl-2009-l" of the Explicit-Formulas Database.
    const fq a = fq_square(p.x), b = fq_square(p.y), c = fq_square(b);
    fq d = fq_sub(fq_sub(fq_square(fq_add(p.x, b)), a), c);
    d = fq_add(d, d);
    const fq e = fq_add(fq_add(a, a), a);
    jacobian q;
    q.x = fq_sub(fq_square(e), fq_add(d, d));
    fq c8 = fq_add(c, c);
    c8 = fq_add(c8, c8);
    c8 = fq_add(c8, c8);
    q.y = fq_sub(fq_mul(e, fq_sub(d, q.x)), c8);
    q.z = fq_mul(p.y, p.z);
    q.z = fq_add(q.z, q.z);
    return q;
}

static jacobian jacobian_add(jacobian p, const point *b) {
    if (point_is_identity(b)) return p;
    if (fq_is_zero(p.z)) return (jacobian){b->x, b->y, fq_one};
    const fq zz = fq_square(p.z);
    const fq h = fq_sub(fq_mul(b->x, zz), p.x);
    const fq r = fq_sub(fq_mul(b->y, fq_mul(zz, p.z)), p.y);
    if (fq_is_zero(h)) {
        if (fq_is_zero(r)) return jacobian_double(p);
        return (jacobian){fq_one, fq_one, fq_zero};
    }
    const fq hh = fq_square(h), hhh = fq_mul(h, hh), v = fq_mul(p.x, hh);
    jacobian q;
    q.x = fq_sub(fq_sub(fq_square(r), hhh), fq_add(v, v));
    q.y = fq_sub(fq_mul(r, fq_sub(v, q.x)), fq_mul(p.y, hhh));
    q.z = fq_mul(p.z, h);
    return q;
}

static point jacobian_affine(jacobian p) {
    const fq inverse = fq_inverse(p.z), square = fq_square(inverse);
    return (point){fq_mul(p.x, square), fq_mul(p.y, fq_mul(square, inverse))};
}

void csimd_bn254_add_points(const void *a, const void *b, void *out) {
    const reference pair[2] = {refer(a, 0), refer(b, 0)};
    point sum;
    bn254_portable_add_pairs(pair, 1, &sum);
    memcpy(out, &sum, sizeof sum);
}

void csimd_bn254_base_power(const void *a, const uint64_t *exponent, void *out) {
    // Windows of four bits.
    fq powers[16];
    powers[0] = fq_one;
    memcpy(&powers[1], a, sizeof(fq));
    for (int i = 2; i < 16; i++) powers[i] = fq_mul(powers[i - 1], powers[1]);
    fq z = fq_one;
    for (int shift = 252; shift >= 0; shift -= 4) {
        for (int i = 0; i < 4 && shift < 252; i++) z = fq_square(z);
        z = fq_mul(z, powers[exponent[shift / 64] >> shift % 64 & 15]);
    }
    memcpy(out, &z, sizeof z);
}

enum { CURVE_CHUNK = 1 << 12 };

typedef struct {
    const point *points;
    size_t count;
    size_t *found;
} curve_check;

static void check_chunk(void *context, size_t index) {
    const curve_check *t = context;
    const size_t first = index * CURVE_CHUNK;
    const size_t end = first + CURVE_CHUNK < t->count ? first + CURVE_CHUNK : t->count;
    t->found[index] = t->count;
    for (size_t i = first; i < end; i++) {
        const point p = t->points[i];
        const fq right = fq_add(fq_mul(fq_square(p.x), p.x), fq_three);
        if (!fq_equal(fq_square(p.y), right) && !point_is_identity(&p)) {
            t->found[index] = i;
            return;
        }
    }
}

size_t csimd_bn254_first_off_curve(const void *points, size_t count) {
    const size_t chunks = (count + CURVE_CHUNK - 1) / CURVE_CHUNK;
    if (chunks == 0) return 0;
    curve_check t = {points, count, allocate(chunks * sizeof(size_t))};
    csimd_parallel_for(chunks, check_chunk, &t);
    size_t found = count;
    for (size_t i = chunks; i-- > 0;)
        if (t.found[i] < count) found = t.found[i];
    free(t.found);
    return found;
}

// MARK: Many multiples of one point

enum { FIXED_BITS = 8, FIXED_WINDOWS = 256 / FIXED_BITS, FIXED_CHUNK = 1 << 10 };

typedef struct {
    add_pairs *kernel;
    /// Of each window the multiples 0, 1, ..., 255 times 2^(8 window).
    const point *table;
    const uint8_t *scalars;
    size_t count;
    point *out;
} fixed_task;

static void multiply_chunk(void *context, size_t index) {
    const fixed_task *t = context;
    const size_t first = index * FIXED_CHUNK;
    const size_t n = t->count - first < FIXED_CHUNK ? t->count - first : FIXED_CHUNK;
    point sums[FIXED_CHUNK];
    reference pairs[2 * FIXED_CHUNK];
    memset(sums, 0, sizeof sums);
    for (int w = 0; w < FIXED_WINDOWS; w++) {
        for (size_t i = 0; i < n; i++) {
            const int digit = t->scalars[32 * (first + i) + (size_t)w];
            pairs[2 * i] = refer(sums + i, 0);
            pairs[2 * i + 1] = refer(t->table + (w << FIXED_BITS) + digit, 0);
        }
        t->kernel(pairs, n, sums);
    }
    memcpy(t->out + first, sums, n * sizeof(point));
}

void csimd_bn254_multiply_point(const void *base, const void *scalars, size_t count, void *out) {
    if (count == 0) return;
    point *table = allocate(sizeof(point) * FIXED_WINDOWS << FIXED_BITS);
    point power;
    memcpy(&power, base, sizeof power);
    for (int w = 0; w < FIXED_WINDOWS; w++) {
        point *row = table + (w << FIXED_BITS);
        row[0] = (point){fq_zero, fq_zero};
        row[1] = power;
        for (int i = 2; i < 1 << FIXED_BITS; i++) csimd_bn254_add_points(row + i - 1, &power, row + i);
        csimd_bn254_add_points(row + (1 << FIXED_BITS) - 1, &power, &power);
    }
    fixed_task t = {current_kernel(), table, scalars, count, out};
    csimd_parallel_for((count + FIXED_CHUNK - 1) / FIXED_CHUNK, multiply_chunk, &t);
    free(table);
}

// MARK: Sums of multiples

enum {
    /// Digits that a thread sorts into buckets at a time: their points, references and sums fit its cache.
    SEGMENT = 1 << 16,
    /// Sums between two calls of the kernel.
    FLUSH = 1 << 10,
    /// Neighbouring buckets that are summed one after the other, in parallel with other such runs.
    RUN = 16,
};

/// How the scalars of one vector are cut: `windows` digits of `bits` bits, each -2^(bits - 1) to 2^(bits - 1).
typedef struct {
    int bits;
    int windows;
} cut;

/// The digits of one window of some scalars, whose points make one set of buckets.
typedef struct {
    size_t vector;
    int window;
    /// Of the vector's scalars.
    size_t first, count;
} group;

typedef struct {
    size_t first_group, groups;
} task;

/// What one thread works with.
typedef struct workspace {
    struct workspace *next;
    int32_t *digits;
    /// Of each bucket: where its references begin, and how many they are.
    uint32_t *starts, *sizes;
    /// Buckets with two references or more.
    uint32_t *active;
    reference *references;
    reference *pairs;
    point *sums;
    point *buckets;
    point *reduction;
} workspace;

typedef struct {
    add_pairs *kernel;
    const point *points;
    const csimd_bn254_scalars *vectors;
    const cut *cuts;
    /// For vectors of 32-byte scalars, the scalars plus the offset of `offset_words`; else NULL.
    uint64_t **shifted;
    const group *groups;
    const task *tasks;
    /// The sum of each group.
    point *sums;
    size_t most_digits, most_buckets;
    _Atomic(workspace *) *slots;
    int slot_count;
} job;

/// Signed bits of the scalars: -2^(b - 1) <= s < 2^(b - 1).
static int signed_bits(const csimd_bn254_scalars *v) {
    uint64_t any[4] = {0, 0, 0, 0};
#define SCAN(type)                                                                                                     \
    for (size_t i = 0; i < v->count; i++) {                                                                            \
        const int64_t x = ((const type *)v->scalars)[i];                                                               \
        any[0] |= (uint64_t)(x ^ x >> 63);                                                                             \
    }
    switch (v->bytes) {
    case 1:
        SCAN(int8_t) break;
    case 2:
        SCAN(int16_t) break;
    case 4:
        SCAN(int32_t) break;
    case 8:
        SCAN(int64_t) break;
    default:
        for (size_t i = 0; i < 4 * v->count; i++) any[i & 3] |= ((const uint64_t *)v->scalars)[i];
    }
#undef SCAN
    for (int i = 3; i >= 0; i--)
        if (any[i] != 0) return 64 * i + 65 - __builtin_clzll(any[i]);
    return 1;
}

/// The cut with the fewest additions.
static cut best_cut(size_t count, int bits) {
    cut best = {1, bits};
    double least = 0;
    for (int c = 2; c <= 18; c++) {
        const int windows = (bits + c - 1) / c;
        const double cost = windows * ((double)count + 2.3 * (double)(1 << (c - 1)));
        if (c == 2 || cost < least) {
            least = cost;
            best = (cut){c, windows};
        }
    }
    return best;
}

/// Half a digit in every window but the top one. With it added, digits are the bits of a window less half a digit,
/// whatever is below them.
static void offset_words(cut c, uint64_t *words) {
    memset(words, 0, 32);
    for (int w = 0; w + 1 < c.windows; w++) {
        const int bit = c.bits * w + c.bits - 1;
        words[bit / 64] |= 1ull << bit % 64;
    }
}

enum { SHIFT_CHUNK = 1 << 14 };

typedef struct {
    const uint64_t *scalars;
    uint64_t *shifted;
    size_t count;
    uint64_t offset[4];
} shift_task;

static void shift_chunk(void *context, size_t index) {
    const shift_task *t = context;
    const size_t end = (index + 1) * SHIFT_CHUNK < t->count ? (index + 1) * SHIFT_CHUNK : t->count;
    for (size_t i = index * SHIFT_CHUNK; i < end; i++) {
        uint64_t carry = 0;
        for (int k = 0; k < 4; k++) t->shifted[4 * i + k] = bn_adc(t->scalars[4 * i + k], t->offset[k], &carry);
    }
}

/// The digits of `count` scalars of a group from number `first` of the vector on.
static void extract_digits(const job *j, const group *g, size_t first, size_t count, int32_t *digits) {
    const csimd_bn254_scalars *v = j->vectors + g->vector;
    const cut c = j->cuts[g->vector];
    const int shift = c.bits * g->window, top = g->window + 1 == c.windows;
    const int32_t half = top ? 0 : 1 << (c.bits - 1);
    if (v->bytes == 32) {
        const uint64_t *s = j->shifted[g->vector] + 4 * first + shift / 64;
        const int low = shift % 64;
        const uint64_t mask = (1ull << c.bits) - 1;
        const int two = low + c.bits > 64 && shift / 64 < 3;
        for (size_t i = 0; i < count; i++) {
            uint64_t x = s[4 * i] >> low;
            if (two) x |= s[4 * i + 1] << (64 - low);
            // Above the top window there is nothing.
            digits[i] = (int32_t)(x & mask) - half;
        }
        return;
    }
    uint64_t words[4];
    offset_words(c, words);
    const i128 offset = (i128)words[0]; // windows but the top one end below 2^64
    const int32_t mask = top ? -1 : (int32_t)((1u << c.bits) - 1);
#define EXTRACT(type, wide)                                                                                            \
    for (size_t i = 0; i < count; i++)                                                                                 \
        digits[i] = ((int32_t)(((wide)((const type *)v->scalars)[first + i] + (wide)offset) >> shift) & mask) - half;  \
    break;
    switch (v->bytes) {
    case 1:
        EXTRACT(int8_t, int64_t)
    case 2:
        EXTRACT(int16_t, int64_t)
    case 4:
        EXTRACT(int32_t, int64_t)
    default:
        EXTRACT(int64_t, i128)
    }
#undef EXTRACT
}

/// Sums the references of each bucket: `active` lists the buckets that have two or more. Afterwards each has one.
static void sum_buckets(const job *j, workspace *s, size_t active) {
    point *out = s->sums;
    while (active > 0) {
        size_t left = 0, pending = 0;
        for (size_t k = 0; k < active; k++) {
            const uint32_t b = s->active[k];
            reference *r = s->references + s->starts[b];
            const uint32_t size = s->sizes[b];
            for (uint32_t i = 0; i + 1 < size; i += 2) {
                s->pairs[2 * pending] = r[i];
                s->pairs[2 * pending + 1] = r[i + 1];
                __builtin_prefetch((const void *)r[i]);
                __builtin_prefetch((const void *)r[i + 1]);
                r[i / 2] = refer(out + pending, 0);
                if (++pending == FLUSH) {
                    j->kernel(s->pairs, FLUSH, out);
                    out += FLUSH;
                    pending = 0;
                }
            }
            if (size & 1) r[size / 2] = r[size - 1];
            s->sizes[b] = (size + 1) / 2;
            s->active[left] = b;
            left += s->sizes[b] > 1;
        }
        j->kernel(s->pairs, pending, out);
        out += pending;
        active = left;
    }
}

/// Adds to the buckets of a task what scalars number `skip` to `skip + count` of each of its groups put there.
static void fill_buckets(const job *j, workspace *s, const task *t, size_t skip, size_t count, int is_first) {
    const group *groups = j->groups + t->first_group;
    const int bits = j->cuts[groups[0].vector].bits;
    const size_t size = (size_t)1 << (bits - 1), buckets = t->groups * size;
    memset(s->sizes, 0, buckets * sizeof(uint32_t));
    size_t total = 0;
    for (size_t g = 0; g < t->groups; g++) {
        const size_t n = groups[g].count - skip < count ? groups[g].count - skip : count;
        extract_digits(j, groups + g, groups[g].first + skip, n, s->digits + total);
        uint32_t *sizes = s->sizes + g * size; // of digit 1
        for (size_t i = 0; i < n; i++) {
            const int32_t d = s->digits[total + i];
            if (d != 0) sizes[(d < 0 ? -d : d) - 1]++;
        }
        total += n;
    }
    uint32_t start = 0;
    size_t active = 0;
    for (size_t b = 0; b < buckets; b++) {
        s->starts[b] = start;
        if (s->sizes[b] == 0) continue;
        if (!is_first && !point_is_identity(s->buckets + b)) {
            // What the bucket holds is one more point; it goes first.
            s->references[start] = refer(s->buckets + b, 0);
            s->sizes[b]++;
            start += s->sizes[b];
            s->starts[b]++; // moved back below
        } else {
            start += s->sizes[b];
        }
    }
    // Starts move on as references are put in place.
    total = 0;
    for (size_t g = 0; g < t->groups; g++) {
        const size_t n = groups[g].count - skip < count ? groups[g].count - skip : count;
        const point *points = j->points + j->vectors[groups[g].vector].first + groups[g].first + skip;
        uint32_t *starts = s->starts + g * size; // of digit 1
        for (size_t i = 0; i < n; i++) {
            const int32_t d = s->digits[total + i];
            if (d != 0) s->references[starts[(d < 0 ? -d : d) - 1]++] = refer(points + i, d < 0);
        }
        total += n;
    }
    for (size_t b = 0; b < buckets; b++) {
        s->starts[b] -= s->sizes[b];
        if (s->sizes[b] > 1) s->active[active++] = (uint32_t)b;
    }
    sum_buckets(j, s, active);
    for (size_t b = 0; b < buckets; b++) {
        if (s->sizes[b] == 0) {
            if (is_first) s->buckets[b] = (point){fq_zero, fq_zero};
        } else {
            s->buckets[b] = dereference(s->references[s->starts[b]]);
        }
    }
}

/// out[g] = sum over i < size of (i + 1) buckets[g size + i], for a size that is a power of two.
///
/// Runs of RUN buckets are summed from their upper ends: with R_s the sum of run s and A_s the sum of its buckets by
/// their places in it, the total is that of all A_s and RUN times the sum of s R_s, which is the same problem for R_1,
/// R_2 and so on.
static void reduce_buckets(const job *j, reference *pairs, const point *buckets, size_t groups, size_t size,
                           point *memory, point *out) {
    if (size == 1) {
        memcpy(out, buckets, groups * sizeof(point));
        return;
    }
    const size_t run = size < RUN ? size : RUN, runs = size / run, lanes = groups * runs;
    point *sums = memory, *weighted = memory + lanes;
    memset(sums, 0, 2 * lanes * sizeof(point));
    for (size_t i = run; i-- > 0;) {
        for (size_t k = 0; k < lanes; k++) {
            pairs[2 * k] = refer(sums + k, 0);
            pairs[2 * k + 1] = refer(buckets + k * run + i, 0);
        }
        j->kernel(pairs, lanes, sums);
        for (size_t k = 0; k < lanes; k++) {
            pairs[2 * k] = refer(weighted + k, 0);
            pairs[2 * k + 1] = refer(sums + k, 0);
        }
        j->kernel(pairs, lanes, weighted);
    }
    // The upper halves of each group's weighted sums onto the lower ones.
    for (size_t half = runs / 2; half > 0; half /= 2) {
        for (size_t g = 0; g < groups; g++)
            for (size_t k = 0; k < half; k++) {
                pairs[2 * (g * half + k)] = refer(weighted + g * 2 * half + k, 0);
                pairs[2 * (g * half + k) + 1] = refer(weighted + g * 2 * half + half + k, 0);
            }
        // Sum number i goes to place i, which no later pair reads.
        j->kernel(pairs, groups * half, weighted + lanes);
        memcpy(weighted, weighted + lanes, groups * half * sizeof(point));
    }
    if (runs == 1) {
        memcpy(out, weighted, groups * sizeof(point));
        return;
    }
    for (size_t g = 0; g < groups; g++) {
        memmove(sums + g * runs, sums + g * runs + 1, (runs - 1) * sizeof(point));
        sums[g * runs + runs - 1] = (point){fq_zero, fq_zero};
    }
    point *rest = weighted + groups;
    reduce_buckets(j, pairs, sums, groups, runs, rest + groups, rest);
    for (size_t k = 1; k < run; k *= 2) {
        for (size_t g = 0; g < groups; g++) pairs[2 * g] = pairs[2 * g + 1] = refer(rest + g, 0);
        j->kernel(pairs, groups, rest);
    }
    for (size_t g = 0; g < groups; g++) {
        pairs[2 * g] = refer(rest + g, 0);
        pairs[2 * g + 1] = refer(weighted + g, 0);
    }
    j->kernel(pairs, groups, out);
}

static workspace *take_workspace(job *j) {
    // A workspace that another task has given back, or a new one; there are as many as threads.
    for (int i = 0; i < j->slot_count; i++) {
        workspace *s = atomic_exchange(&j->slots[i], NULL);
        if (s != NULL) return s;
    }
    workspace *s = allocate(sizeof(workspace));
    const size_t digits = j->most_digits, buckets = j->most_buckets;
    s->digits = allocate(digits * sizeof(int32_t));
    s->starts = allocate(buckets * sizeof(uint32_t));
    s->sizes = allocate(buckets * sizeof(uint32_t));
    s->active = allocate(buckets * sizeof(uint32_t));
    s->references = allocate((digits + buckets) * sizeof(reference));
    s->pairs = allocate(2 * (FLUSH > buckets ? FLUSH : buckets) * sizeof(reference));
    s->sums = allocate((digits + buckets) * sizeof(point));
    s->buckets = allocate(buckets * sizeof(point));
    s->reduction = allocate((4 * buckets + 64) * sizeof(point));
    return s;
}

static void free_workspace(workspace *s) {
    free(s->digits);
    free(s->starts);
    free(s->sizes);
    free(s->active);
    free(s->references);
    free(s->pairs);
    free(s->sums);
    free(s->buckets);
    free(s->reduction);
    free(s);
}

static void give_workspace(job *j, workspace *s) {
    for (int i = 0; i < j->slot_count; i++) {
        workspace *none = NULL;
        if (atomic_compare_exchange_strong(&j->slots[i], &none, s)) return;
    }
    free_workspace(s);
}

static void run_task(void *context, size_t index) {
    job *j = context;
    const task *t = j->tasks + index;
    const group *groups = j->groups + t->first_group;
    workspace *s = take_workspace(j);
    const int bits = j->cuts[groups[0].vector].bits;
    const size_t size = (size_t)1 << (bits - 1);
    if (t->groups == 1) {
        for (size_t skip = 0; skip == 0 || skip < groups[0].count; skip += SEGMENT)
            fill_buckets(j, s, t, skip, SEGMENT, skip == 0);
    } else {
        fill_buckets(j, s, t, 0, SEGMENT, 1);
    }
    reduce_buckets(j, s->pairs, s->buckets, t->groups, size, s->reduction, j->sums + t->first_group);
    give_workspace(j, s);
}

typedef struct {
    const job *j;
    /// Of each vector the first of its groups, window by window; and the end.
    const size_t *first_groups;
    point *out;
} finish_task;

/// Puts the windows of one vector together.
static void finish_vector(void *context, size_t index) {
    const finish_task *t = context;
    const cut c = t->j->cuts[index];
    jacobian sum = {fq_one, fq_one, fq_zero};
    size_t g = t->first_groups[index + 1];
    for (int w = c.windows - 1; w >= 0; w--) {
        for (int i = 0; i < c.bits; i++) sum = jacobian_double(sum);
        while (g > t->first_groups[index] && t->j->groups[g - 1].window == w) sum = jacobian_add(sum, t->j->sums + --g);
    }
    t->out[index] = jacobian_affine(sum);
}

void csimd_bn254_multiply_points(const void *points, const csimd_bn254_scalars *vectors, size_t count, void *out) {
    if (count == 0) return;
    const int threads = csimd_thread_count();
    cut *cuts = allocate(count * sizeof(cut));
    uint64_t **shifted = allocate(count * sizeof(uint64_t *));
    size_t *first_groups = allocate((count + 1) * sizeof(size_t));
    size_t windows = 0, all_digits = 0;
    for (size_t i = 0; i < count; i++) {
        cuts[i] = best_cut(vectors[i].count, signed_bits(vectors + i));
        windows += (size_t)cuts[i].windows;
        all_digits += (size_t)cuts[i].windows * vectors[i].count;
        shifted[i] = NULL;
        if (vectors[i].bytes == 32) {
            const size_t n = vectors[i].count;
            shifted[i] = allocate(32 * n);
            shift_task t = {vectors[i].scalars, shifted[i], n, {0, 0, 0, 0}};
            offset_words(cuts[i], t.offset);
            csimd_parallel_for((n + SHIFT_CHUNK - 1) / SHIFT_CHUNK, shift_chunk, &t);
        }
    }

    // A group for each window, or several of different points where there would be too few for all threads.
    const size_t wanted = threads == 1 ? 1 : (4 * (size_t)threads + windows - 1) / windows;
    // Several groups make one task, so that inversions are shared, but not so many that a thread has nothing to do.
    const size_t share = all_digits / (2 * (size_t)threads) + FLUSH;
    const size_t most_joined = share < SEGMENT ? share : SEGMENT;
    group *groups = allocate(windows * wanted * sizeof(group));
    task *tasks = allocate(windows * wanted * sizeof(task));
    size_t group_count = 0, task_count = 0, most_digits = 0, most_buckets = 0, digits = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t n = vectors[i].count, size = (size_t)1 << (cuts[i].bits - 1);
        size_t parts = n / (8 * size + SEGMENT);
        parts = parts < 1 ? 1 : parts > wanted ? wanted : parts;
        first_groups[i] = group_count;
        for (int w = 0; w < cuts[i].windows; w++)
            for (size_t p = 0; p < parts; p++) {
                const size_t first = n * p / parts, part = n * (p + 1) / parts - first;
                // It joins the task before if its buckets have the same size and there is room.
                const int joins = task_count > 0 && digits + part <= most_joined &&
                                  cuts[groups[tasks[task_count - 1].first_group].vector].bits == cuts[i].bits &&
                                  (tasks[task_count - 1].groups + 1) * size <= SEGMENT;
                if (!joins) {
                    tasks[task_count++] = (task){group_count, 0};
                    digits = 0;
                }
                digits += part;
                groups[group_count++] = (group){i, w, first, part};
                const size_t own = ++tasks[task_count - 1].groups;
                const size_t segment = digits < SEGMENT ? digits : SEGMENT;
                if (segment > most_digits) most_digits = segment;
                if (own * size > most_buckets) most_buckets = own * size;
            }
    }
    first_groups[count] = group_count;

    point *sums = allocate(group_count * sizeof(point));
    _Atomic(workspace *) *slots = allocate((size_t)threads * sizeof(*slots));
    for (int i = 0; i < threads; i++) atomic_init(&slots[i], NULL);
    job j = {current_kernel(), points,       vectors, cuts,   shifted, groups, tasks, sums,
             most_digits,      most_buckets, slots,   threads};
    csimd_parallel_for(task_count, run_task, &j);
    point *results = allocate(count * sizeof(point));
    finish_task f = {&j, first_groups, results};
    csimd_parallel_for(count, finish_vector, &f);
    memcpy(out, results, count * sizeof(point));

    for (int i = 0; i < threads; i++)
        if (slots[i] != NULL) free_workspace(slots[i]);
    for (size_t i = 0; i < count; i++) free(shifted[i]);
    free(cuts);
    free(shifted);
    free(first_groups);
    free(groups);
    free(tasks);
    free(sums);
    free(slots);
    free(results);
}
