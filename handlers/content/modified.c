#include "content/modified.h"

#include <stdatomic.h>

#include "base/time.h"

#define LAYOUT_VERSION 1
#define SECOND_MS      ((int64_t)1000)
#define DAY_MS         (86400 * SECOND_MS)
#define TIME_BITS      32       /* seconds since 1970, until 2106 */
#define TIME_MASK      ((UINT64_C(1) << TIME_BITS) - 1)

/* Above the seconds 32 bits of the snapshot's hash: a write is overlooked once in
 * four billion.  0 is no snapshot. */
struct word {
	_Atomic uint64_t state;
};

int64_t modified_after(int64_t before_s, int64_t now_s)
{
	if (before_s < now_s)
		return now_s;
	/* Nobody has been shown a date of the coming second yet.  Further ahead is what
	 * a clock leaves that was put back. */
	return before_s == now_s + 1 ? before_s : before_s + 1;
}

static struct word *word_of(const struct modified_watch *w)
{
	return w->segment.data;
}

enum err modified_watch_open(const char *state_dir, struct modified_watch *out)
{
	enum err e = segment_open(state_dir, "content", LAYOUT_VERSION, sizeof(struct word),
	    &out->segment);

	if (e == OK)
		atomic_fetch_and(&word_of(out)->state, TIME_MASK);
	return e;
}

void modified_watch_close(struct modified_watch *w)
{
	segment_close(&w->segment);
}

static uint64_t name_of(const struct store_snapshot *snapshot)
{
	if (snapshot == NULL)
		return 0;
	uint64_t hash = str_hash((struct str){ (const char *)snapshot->words,
	    sizeof(snapshot->words) }) >> (64 - TIME_BITS);
	return hash == 0 ? 1 : hash;
}

int64_t modified_watch_ms(const struct modified_watch *w, const struct store_snapshot *snapshot,
    int64_t now_ms)
{
	_Atomic uint64_t *state = &word_of(w)->state;
	uint64_t name = name_of(snapshot), known = atomic_load(state), met;

	do {
		if (name != 0 && known >> TIME_BITS == name)
			return (int64_t)(known & TIME_MASK) * SECOND_MS;
		met = (uint64_t)modified_after((int64_t)(known & TIME_MASK), now_ms / SECOND_MS);
	} while (!atomic_compare_exchange_weak(state, &known, name << TIME_BITS | met));
	return (int64_t)met * SECOND_MS;
}

int64_t modified_by_itself(const struct document_head *h)
{
	int64_t ms;

	if (str_compare(h->published_at, h->updated_at) <= 0 ||
	    !time_from_rfc3339(h->published_at, &ms))
		return 0;
	/* Who read just before it did so has the date of that second. */
	return (ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
}

int64_t modified_page_by_itself(const struct collection *c, const struct document_head *h,
    int64_t now_ms)
{
	int64_t appeared_ms = modified_by_itself(h), day_ms = now_ms / DAY_MS * DAY_MS;

	/* Any of them may have expired when the day began. */
	return c->expires && appeared_ms < day_ms ? day_ms : appeared_ms;
}
