#include "content/parse_heap.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "content/content_limits.h"

/* Asking the clock costs as much as ten allocations. */
#define CALLS_PER_CLOCK 64

struct block {
	alignas(max_align_t) struct block *next;
	struct block *previous;
	size_t        size;             /* behind this header */
};

struct parse_heap {
	struct block ring;              /* its neighbours are the first and the last */
	size_t       bytes;
	uint64_t     deadline_ns;
	unsigned     calls;
	enum err     why;
	jmp_buf      escape;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void leave(struct parse_heap *heap, enum err why)
{
	heap->why = why;
	longjmp(heap->escape, 1);
}

void parse_heap_check(struct parse_heap *heap)
{
	if (++heap->calls % CALLS_PER_CLOCK != 0)
		return;
	if (thread_cpu_ns() > heap->deadline_ns)
		leave(heap, ERR_TOO_LARGE);
}

static void link_block(struct parse_heap *heap, struct block *b)
{
	b->previous = &heap->ring;
	b->next = heap->ring.next;
	b->next->previous = b;
	heap->ring.next = b;
	heap->bytes += b->size;
}

static void unlink_block(struct parse_heap *heap, struct block *b)
{
	b->previous->next = b->next;
	b->next->previous = b->previous;
	heap->bytes -= b->size;
}

static void charge(struct parse_heap *heap, size_t size)
{
	parse_heap_check(heap);
	if (size > PARSE_HEAP_MAX_BYTES || heap->bytes > PARSE_HEAP_MAX_BYTES - size)
		leave(heap, ERR_TOO_LARGE);
}

void *parse_heap_calloc(struct parse_heap *heap, size_t count, size_t size)
{
	size_t total;
	struct block *b;

	if (__builtin_mul_overflow(count, size, &total))
		leave(heap, ERR_TOO_LARGE);
	charge(heap, total);
	b = calloc(1, sizeof(*b) + total);
	if (b == NULL)
		leave(heap, ERR_NO_MEMORY);
	b->size = total;
	link_block(heap, b);
	return b + 1;
}

void *parse_heap_realloc(struct parse_heap *heap, void *p, size_t size)
{
	struct block *old, *b;

	if (p == NULL)
		return parse_heap_calloc(heap, 1, size);
	charge(heap, size);
	old = (struct block *)p - 1;
	unlink_block(heap, old);
	b = realloc(old, sizeof(*b) + size);
	if (b == NULL) {
		link_block(heap, old);
		leave(heap, ERR_NO_MEMORY);
	}
	b->size = size;
	link_block(heap, b);
	return b + 1;
}

void parse_heap_free(struct parse_heap *heap, void *p)
{
	struct block *b;

	if (p == NULL)
		return;
	b = (struct block *)p - 1;
	unlink_block(heap, b);
	free(b);
}

static void free_all(struct parse_heap *heap)
{
	while (heap->ring.next != &heap->ring) {
		struct block *b = heap->ring.next;

		unlink_block(heap, b);
		free(b);
	}
}

enum err parse_heap_run(enum err (*work)(struct parse_heap *heap, void *context), void *context)
{
	struct parse_heap heap;
	enum err e;

	memset(&heap, 0, sizeof(heap));
	heap.ring.next = heap.ring.previous = &heap.ring;
	heap.deadline_ns = thread_cpu_ns() + PARSE_CPU_MAX_MS * UINT64_C(1000000);
	if (setjmp(heap.escape) == 0)
		e = work(&heap, context);
	else
		e = heap.why;
	free_all(&heap);
	return e;
}
