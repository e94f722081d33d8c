/*
 * A header field of any bytes, as each of its three forms: what was read, written and
 * read again is written the same.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/structured_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum form { ITEM, LIST, DICTIONARY };

static enum err rewrite(struct arena *a, enum form form, struct str text, struct buf *out)
{
	struct sf_members members = { 0 };
	struct sf_item    item = { 0 };
	enum err          e;

	buf_init(out, a, 8 * SF_MAX_BYTES);
	if (form == ITEM) {
		e = sf_read_item(a, text, &item);
		if (e == OK)
			sf_write_item(out, &item);
		return e;
	}
	e = form == LIST ? sf_read_list(a, text, &members) : sf_read_dictionary(a, text, &members);
	if (e == OK && form == LIST)
		sf_write_list(out, &members);
	else if (e == OK)
		sf_write_dictionary(out, &members);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str   text = { (const char *)data, size };
	struct arena a;
	struct buf   first, second;

	for (enum form form = ITEM; form <= DICTIONARY; form++) {
		arena_init(&a, ARENA_MAX_BYTES);
		if (rewrite(&a, form, text, &first) == OK) {
			/* Canonical space between members may make it longer than it came. */
			if (buf_failed(&first))
				abort();
			if (first.len <= SF_MAX_BYTES &&
			    (rewrite(&a, form, buf_str(&first), &second) != OK ||
			    !str_eq(buf_str(&first), buf_str(&second))))
				abort();
		}
		arena_clean(&a);
	}
	return 0;
}
