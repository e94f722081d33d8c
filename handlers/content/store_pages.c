#include "content/store_pages.h"

#include <string.h>
#include <time.h>

void store_position_set(struct store_position *p, const struct store_item *item)
{
	p->pk_len = item->pk.len;
	p->sk_len = item->sk.len;
	memcpy(p->pk, item->pk.ptr, item->pk.len);
	memcpy(p->sk, item->sk.ptr, item->sk.len);
}

bool store_try_again(enum err err, unsigned tries)
{
	const struct timespec pause = {
		STORE_PAUSE_MS / 1000, STORE_PAUSE_MS % 1000 * 1000000L
	};

	if ((err != ERR_TIMEOUT && err != ERR_UNAVAILABLE && err != ERR_LIMITED) ||
	    tries >= STORE_TRIES)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

struct page {
	struct store_position *at;
	enum err             (*each)(void *context, const struct store_item *item);
	void                  *context;
	enum err               err;
	bool                   moved;
};

static bool visit(void *context, const struct store_item *item)
{
	struct page *page = context;

	page->err = page->each(page->context, item);
	if (page->err == OK)
		store_position_set(page->at, item);
	page->moved = true;
	return page->err == OK;
}

enum err store_pages(struct store_connection *c, struct store_position *from, int64_t now_ms,
    enum err (*each)(void *context, const struct store_item *item), void *context)
{
	struct page page = { .at = from, .each = each, .context = context };
	unsigned tries = 0;
	bool more = true;
	enum err err = OK;

	while (err == OK && more) {
		struct store_position last = *from;
		struct str pk = { last.pk, last.pk_len }, sk = { last.sk, last.sk_len };

		page.moved = false;
		err = store_scan(c, pk.len == 0 ? STR_NONE : pk, pk.len == 0 ? STR_NONE : sk,
		    STORE_PAGE, now_ms, visit, &page, &more);
		if (page.err != OK)
			return page.err;
		tries = page.moved ? 0 : tries + 1;
		if (err != OK && store_try_again(err, tries)) {
			err = OK;
			more = true;
		}
	}
	return err;
}
