#include "net/breaker.h"

#include <stdatomic.h>

#include "base/id.h"

/*
 * The word: when the next probe is due (40 bits, ms since the machine started),
 * how often it was opened or probed in vain (8 bits; 0: it is closed), and how many
 * calls failed in a row while closed (16 bits).  Closed by a probe and not yet confirmed
 * by a call, it has in place of the time how often it had been opened.
 */
#define COUNT_BITS      16
#define COUNT_MASK      UINT64_C(0xFFFF)
#define OPENS_BITS      8
#define OPENS_MASK      UINT64_C(0xFF)

static uint64_t word_of(uint64_t due_ms, uint64_t opens, uint64_t failures)
{
	return due_ms << (COUNT_BITS + OPENS_BITS) | opens << COUNT_BITS | failures;
}

static uint64_t due_of(uint64_t word) { return word >> (COUNT_BITS + OPENS_BITS); }
static uint64_t opens_of(uint64_t word) { return word >> COUNT_BITS & OPENS_MASK; }
static uint64_t failures_of(uint64_t word) { return word & COUNT_MASK; }

/* Doubled with each, and of that between three quarters and five. */
static uint64_t delay_ms(uint64_t opens)
{
	uint64_t most = BREAKER_FIRST_MS, random;

	for (uint64_t i = 1; i < opens && most < BREAKER_MAX_MS; i++)
		most *= 2;
	if (most > BREAKER_MAX_MS)
		most = BREAKER_MAX_MS;
	id_random(&random, sizeof(random));
	return most * 3 / 4 + random % (most / 2 + 1);
}

static uint64_t opened(uint64_t opens, uint64_t now_ms)
{
	return word_of(now_ms + delay_ms(opens), opens < OPENS_MASK ? opens : OPENS_MASK, 0);
}

/* No delay is longer than twice the longest: such a word is of another start. */
static uint64_t wait_of(uint64_t word, uint64_t now_ms)
{
	uint64_t due_ms = due_of(word);

	return opens_of(word) == 0 || due_ms <= now_ms || due_ms - now_ms > 2 * BREAKER_MAX_MS ?
	    0 : due_ms - now_ms;
}

static bool swap(struct breaker *b, uint64_t *expected, uint64_t desired)
{
	return atomic_compare_exchange_strong_explicit(&b->word, expected, desired,
	    memory_order_acq_rel, memory_order_acquire);
}

enum breaker_state breaker_ask(struct breaker *b, uint64_t now_ms)
{
	uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire);

	if (opens_of(word) == 0)
		return BREAKER_CLOSED;
	if (wait_of(word, now_ms) > 0)
		return BREAKER_OPEN;
	return swap(b, &word, opened(opens_of(word) + 1, now_ms)) ? BREAKER_PROBE : BREAKER_OPEN;
}

bool breaker_failed(struct breaker *b, uint64_t now_ms)
{
	uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire);

	while (opens_of(word) == 0) {
		uint64_t failures = failures_of(word) + 1;
		bool     opens = failures >= BREAKER_FAILURES;

		if (swap(b, &word, opens ? opened(due_of(word) + 1, now_ms) :
		    word_of(0, 0, failures)))
			return opens;
	}
	return false;
}

/* What was sent before it opened says nothing of now. */
bool breaker_succeeded(struct breaker *b, bool probe)
{
	uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire);

	while (word != 0 && (probe || opens_of(word) == 0)) {
		bool was_open = opens_of(word) != 0;

		if (swap(b, &word, was_open ?
		    word_of(opens_of(word), 0, BREAKER_FAILURES - 1) : 0))
			return was_open;
	}
	return false;
}

uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms)
{
	return wait_of(atomic_load_explicit(&b->word, memory_order_acquire), now_ms);
}

bool breaker_is_closed(const struct breaker *b)
{
	return opens_of(atomic_load_explicit(&b->word, memory_order_relaxed)) == 0;
}
