/* 3x3 convolutions of WIDTH to WIDTH channels for training on a CPU: Winograd's F(4x4, 3x3) (Lavin and Gray,
   arXiv 1509.09308), forward, and the gradient for the weights. The gradient for the input is `convolve` with the
   weights turned and transposed. Activations are [n, h, w, WIDTH], h and w multiples of 4; transformed weights are
   [36, in, out]. Tiles are taken 36 at a time, so that what one thread works on stays in its second-level cache. */

#include <omp.h>
#include <stddef.h>
#include <string.h>

#ifdef __AVX512F__
enum { LANES = 16, VECTORS = WIDTH / LANES, BLOCK = VECTORS % 4 == 0 ? 4 : VECTORS % 3 == 0 ? 3 : VECTORS % 2 == 0 ? 2 : 1 };
#else
enum { LANES = 8, VECTORS = WIDTH / LANES, BLOCK = 2 };
#endif
/* Sums of ROWS tiles, or WROWS input channels, by BLOCK vectors are kept in registers. */
enum { TILE = 4, PATCH = 6, POINTS = PATCH * PATCH, CHUNK = 36, ROWS = 6, WROWS = 4 };
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int mask_vec __attribute__((vector_size(4 * LANES)));
typedef vec unaligned_vec __attribute__((aligned(4)));

static inline vec load(const float *p) { return *(const unaligned_vec *)p; }
static inline void store(float *p, vec v) { *(unaligned_vec *)p = v; }

typedef struct { int images, height, width, rows, columns, count; } Grid; /* rows and columns of tiles */

static Grid grid_of(int images, int height, int width) {
    int rows = height / TILE, columns = width / TILE;
    return (Grid){images, height, width, rows, columns, images * rows * columns};
}

/* The upper left pixel of tile number `tile`, and its image's first float. */
static inline size_t place(const Grid *g, int tile, int *y, int *x) {
    int image = tile / (g->rows * g->columns), rest = tile % (g->rows * g->columns);
    *y = rest / g->columns * TILE;
    *x = rest % g->columns * TILE;
    return (size_t)image * g->height * g->width * WIDTH;
}

/* One column of B^T d. */
static inline void input_points(const vec *d, int step, vec *o, int ostep) {
    vec a = d[0], b = d[step], c = d[2 * step], e = d[3 * step], f = d[4 * step], g = d[5 * step];
    vec low = f - 4 * c, high = e - 4 * b, even = f - c, odd = 2 * (e - b);
    o[0] = 4 * a - 5 * c + f;
    o[ostep] = low + high;
    o[2 * ostep] = low - high;
    o[3 * ostep] = even + odd;
    o[4 * ostep] = even - odd;
    o[5 * ostep] = 4 * b - 5 * e + g;
}

/* One column of A^T m. */
static inline void output_points(const vec *m, int step, vec *o, int ostep) {
    vec p = m[step] + m[2 * step], q = m[step] - m[2 * step], r = m[3 * step] + m[4 * step], s = m[3 * step] - m[4 * step];
    o[0] = m[0] + p + r;
    o[ostep] = q + 2 * s;
    o[2 * ostep] = p + 4 * r;
    o[3 * ostep] = q + 8 * s + m[5 * step];
}

/* One column of A y. */
static inline void gradient_points(const vec *y, int step, vec *o, int ostep) {
    vec a = y[0], b = y[step], c = y[2 * step], d = y[3 * step];
    vec even = a + c, odd = b + d, far = a + 4 * c, side = 2 * b + 8 * d;
    o[0] = a;
    o[ostep] = even + odd;
    o[2 * ostep] = even - odd;
    o[3 * ostep] = far + side;
    o[4 * ostep] = far - side;
    o[5 * ostep] = d;
}

/* V [36, CHUNK, WIDTH]: the transformed neighbourhoods of `count` tiles; outside the image there is zero. */
static void transform_input(const float *x, const Grid *g, int first, int count, float *points) {
    for (int t = 0; t < count; t++) {
        int y0, x0;
        const float *image = x + place(g, first + t, &y0, &x0);
        for (int v = 0; v < VECTORS; v++) {
            vec d[POINTS], half[POINTS], full[POINTS];
            for (int i = 0; i < PATCH; i++)
                for (int j = 0; j < PATCH; j++) {
                    int row = y0 - 1 + i, column = x0 - 1 + j;
                    int inside = row >= 0 && row < g->height && column >= 0 && column < g->width;
                    d[i * PATCH + j] = inside ? load(image + ((size_t)row * g->width + column) * WIDTH + v * LANES) : (vec){};
                }
            for (int j = 0; j < PATCH; j++) input_points(d + j, PATCH, half + j, PATCH);
            for (int i = 0; i < PATCH; i++) input_points(half + i * PATCH, 1, full + i * PATCH, 1);
            for (int p = 0; p < POINTS; p++) store(points + ((size_t)p * CHUNK + t) * WIDTH + v * LANES, full[p]);
        }
    }
}

/* A dY A^T in the same layout, and the sum of dY added to `total`. */
static void transform_gradient(const float *dy, const Grid *g, int first, int count, float *points, float *total) {
    for (int v = 0; v < VECTORS; v++) {
        vec sum = load(total + v * LANES);
        for (int t = 0; t < count; t++) {
            int y0, x0;
            const float *image = dy + place(g, first + t, &y0, &x0);
            vec d[TILE * TILE], half[PATCH * TILE], full[POINTS];
            for (int i = 0; i < TILE; i++)
                for (int j = 0; j < TILE; j++)
                    sum += d[i * TILE + j] = load(image + ((size_t)(y0 + i) * g->width + x0 + j) * WIDTH + v * LANES);
            for (int j = 0; j < TILE; j++) gradient_points(d + j, TILE, half + j, TILE);
            for (int i = 0; i < PATCH; i++) gradient_points(half + i * TILE, 1, full + i * PATCH, 1);
            for (int p = 0; p < POINTS; p++) store(points + ((size_t)p * CHUNK + t) * WIDTH + v * LANES, full[p]);
        }
        store(total + v * LANES, sum);
    }
}

/* sums[t] = V[t] U for one of the 36 points. */
static void product(const float *points, const float *weights, float *sums, int count) {
    for (int t = 0; t < count; t += ROWS)
        for (int first = 0; first < WIDTH; first += BLOCK * LANES) {
            vec acc[ROWS][BLOCK] = {};
            for (int k = 0; k < WIDTH; k++)
                for (int v = 0; v < BLOCK; v++) {
                    vec u = load(weights + k * WIDTH + first + v * LANES);
                    for (int r = 0; r < ROWS; r++) acc[r][v] += points[(t + r) * WIDTH + k] * u;
                }
            for (int r = 0; r < ROWS; r++)
                for (int v = 0; v < BLOCK; v++) store(sums + (t + r) * WIDTH + first + v * LANES, acc[r][v]);
        }
}

/* dU += V^T dM for one of the 36 points. */
static void outer_product(const float *points, const float *gradients, float *weights, int count) {
    for (int k = 0; k < WIDTH; k += WROWS)
        for (int first = 0; first < WIDTH; first += BLOCK * LANES) {
            vec acc[WROWS][BLOCK];
            for (int r = 0; r < WROWS; r++)
                for (int v = 0; v < BLOCK; v++) acc[r][v] = load(weights + (k + r) * WIDTH + first + v * LANES);
            for (int t = 0; t < count; t++)
                for (int v = 0; v < BLOCK; v++) {
                    vec m = load(gradients + t * WIDTH + first + v * LANES);
                    for (int r = 0; r < WROWS; r++) acc[r][v] += points[t * WIDTH + k + r] * m;
                }
            for (int r = 0; r < WROWS; r++)
                for (int v = 0; v < BLOCK; v++) store(weights + (k + r) * WIDTH + first + v * LANES, acc[r][v]);
        }
}

typedef struct {
    const float *bias, *residual; /* added before and after the activation; or null */
    const float *gate;            /* or null: then the result's own sign decides */
    float slope;                  /* of the activation where it is negative */
} Ending;

static void transform_output(const float *sums, const Grid *g, int first, int count, const Ending *e, float *y) {
    for (int t = 0; t < count; t++) {
        int y0, x0;
        size_t image = place(g, first + t, &y0, &x0);
        for (int v = 0; v < VECTORS; v++) {
            vec m[POINTS], half[TILE * PATCH], full[TILE * TILE];
            for (int p = 0; p < POINTS; p++) m[p] = load(sums + ((size_t)p * CHUNK + t) * WIDTH + v * LANES);
            for (int j = 0; j < PATCH; j++) output_points(m + j, PATCH, half + j, PATCH);
            for (int i = 0; i < TILE; i++) output_points(half + i * PATCH, 1, full + i * TILE, 1);
            for (int i = 0; i < TILE; i++)
                for (int j = 0; j < TILE; j++) {
                    size_t at = image + ((size_t)(y0 + i) * g->width + x0 + j) * WIDTH + v * LANES;
                    vec value = full[i * TILE + j];
                    if (e->bias) value += load(e->bias + v * LANES);
                    vec sign = e->gate ? load(e->gate + at) : value;
                    if (e->slope != 1) {
                        mask_vec negative = sign < 0;
                        value = (vec)(((mask_vec)value & ~negative) | ((mask_vec)(value * e->slope) & negative));
                    }
                    if (e->residual) value += load(e->residual + at);
                    store(y + at, value);
                }
        }
    }
}

/* Of each thread, kept between calls. */
static _Thread_local float points[POINTS * CHUNK * WIDTH] __attribute__((aligned(64)));
static _Thread_local float sums[POINTS * CHUNK * WIDTH] __attribute__((aligned(64)));
static _Thread_local float own[POINTS * WIDTH * WIDTH] __attribute__((aligned(64)));

void convolve(const float *x, const float *weights, const float *bias, const float *gate, const float *residual, float slope,
              float *y, int images, int height, int width, int threads) {
    Grid g = grid_of(images, height, width);
    Ending ending = {bias, residual, gate, slope};
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int first = 0; first < g.count; first += CHUNK) {
        int count = g.count - first < CHUNK ? g.count - first : CHUNK;
        transform_input(x, &g, first, count, points);
        for (int p = 0; p < POINTS; p++)
            product(points + p * CHUNK * WIDTH, weights + p * WIDTH * WIDTH, sums + p * CHUNK * WIDTH, count);
        transform_output(sums, &g, first, count, &ending, y);
    }
}

/* Adds to `weights` [36, in, out] and `bias` [out], which the caller has cleared. */
void weight_gradient(const float *x, const float *dy, float *weights, float *bias, int images, int height, int width,
                     int threads) {
    Grid g = grid_of(images, height, width);
#pragma omp parallel num_threads(threads)
    {
        float total[WIDTH] = {};
        memset(own, 0, sizeof own);
#pragma omp for schedule(static)
        for (int first = 0; first < g.count; first += CHUNK) {
            int count = g.count - first < CHUNK ? g.count - first : CHUNK;
            transform_input(x, &g, first, count, points);
            transform_gradient(dy, &g, first, count, sums, total);
            for (int p = 0; p < POINTS; p++)
                outer_product(points + p * CHUNK * WIDTH, sums + p * CHUNK * WIDTH, own + p * WIDTH * WIDTH, count);
        }
        /* In the order of the threads, so that the same number of threads gives the same sums. */
#pragma omp for ordered schedule(static, 1)
        for (int thread = 0; thread < omp_get_num_threads(); thread++) {
#pragma omp ordered
            {
                for (int i = 0; i < POINTS * WIDTH * WIDTH; i++) weights[i] += own[i];
                for (int i = 0; i < WIDTH; i++) bias[i] += total[i];
            }
        }
    }
}
