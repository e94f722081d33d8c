/*
 * parse_heap: the memory and the time of one run of a foreign parser.
 * cmark-gfm 0.29 and gumbo 0.10 take what hostile input makes them take: seconds
 * to minutes, gigabytes, and they end the process when malloc fails.  Here their
 * allocations are counted; over either bound the run is left at once and all
 * that it held is freed.
 * Lifetime: parse_heap_run, from its start to its end.
 * Threads:  a heap is one thread's; heaps of different threads are independent.
 * Blocking: never; the CPU time counted is the calling thread's own.
 */
#ifndef CONTENT_PARSE_HEAP_H
#define CONTENT_PARSE_HEAP_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct parse_heap;              /* opaque */

/* Calls work(heap, context) and frees everything that is left on the heap.
 * What the work wants to keep it copies elsewhere; it holds no lock and nothing
 * else that must be released while it calls anything below, since any of them
 * may not return.
 * ERR_TOO_LARGE: over PARSE_HEAP_MAX_BYTES or PARSE_CPU_MAX_MS.
 * ERR_NO_MEMORY: malloc failed.  Otherwise what `work` returned. */
NODISCARD enum err parse_heap_run(enum err (*work)(struct parse_heap *heap, void *context),
    void *context) NONNULL(1);

/* As calloc, realloc and free; never NULL. */
void *parse_heap_calloc(struct parse_heap *heap, size_t count, size_t size) NONNULL_ALL;
void *parse_heap_realloc(struct parse_heap *heap, void *p, size_t size) NONNULL(1);
void  parse_heap_free(struct parse_heap *heap, void *p) NONNULL(1);
/* Leaves the run when its time is over: for loops that allocate nothing. */
void  parse_heap_check(struct parse_heap *heap) NONNULL_ALL;

#endif
