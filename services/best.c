#include "services/best.h"

static void sift_down(struct best_found *heap, size_t n, struct best_found f)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && best_worse(&heap[child + 1], &heap[child])) child++;
        if (!best_worse(&heap[child], &f)) break;
        heap[at] = heap[child];
    }
    heap[at] = f;
}

static void sift_up(struct best_found *heap, size_t at, struct best_found f)
{
    for (; at > 0 && best_worse(&f, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = f;
}

void best_put(struct best *b, struct best_found f)
{
    if (b->n < b->max)
        sift_up(b->at, b->n++, f);
    else
        sift_down(b->at, b->n, f);
}

size_t best_sort(struct best *b)
{
    for (size_t n = b->n; n > 1; n--) {
        struct best_found worst = b->at[0], last = b->at[n - 1];
        sift_down(b->at, n - 1, last);
        b->at[n - 1] = worst;
    }
    return b->n;
}
