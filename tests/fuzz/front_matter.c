/*
 * Front matter of any bytes: either refused with a line and a reason, or a
 * document that is mapped for each collection, and that export and import keep.
 */
#include <stdlib.h>

#include "content/front_matter.h"
#include "content/import_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct str map(struct arena *a, enum import_kind kind, const struct front_matter *read)
{
	struct import_file file = { STR("posts/2026-01-02-name.md"), read->document, read->body };
	struct import_error error = { "", "" };
	struct str fields = STR_NONE;
	enum err e = import_map(a, kind, &file, &fields, &error);

	require(e != ERR_INVALID || error.reason[0] != '\0');
	return e == OK ? fields : STR_NONE;
}

static void keep(struct arena *a, enum import_kind kind, struct str fields)
{
	struct front_matter_error error;
	struct json_error json_error;
	struct front_matter read;
	const struct json *item;
	struct buf file;

	require(json_parse(a, fields, FRONT_MATTER_DEPTH_MAX, &item, &json_error) == OK);
	buf_init(&file, a, 8u << 20);
	require(export_map(a, kind, item, &file) == OK);
	require(front_matter_read(a, buf_str(&file), &read, &error) == OK);
	require(str_eq(map(a, kind, &read), fields));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct front_matter_error error = { 0, 0, "" };
	struct front_matter read;
	struct arena a;
	enum err e;

	arena_init(&a, 64u << 20);
	e = front_matter_read(&a, (struct str){ size == 0 ? "" : (const char *)data, size }, &read,
	    &error);
	require(e != ERR_INVALID || (error.line > 0 && error.reason[0] != '\0'));
	for (enum import_kind kind = 0; e == OK && kind < IMPORT_KINDS; kind++) {
		struct str fields = map(&a, kind, &read);

		if (fields.ptr != NULL)
			keep(&a, kind, fields);
	}
	arena_clean(&a);
	return 0;
}
