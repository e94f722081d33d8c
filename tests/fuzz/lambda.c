/*
 * Any JSON as an event of Lambda, and any bytes as what a program answers to it: no
 * header is a variable that handlers trust, and what goes out is JSON.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "lambda/event.h"
#include "lambda/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of what a client sends nothing may be under another name. */
static void check(const struct event *e)
{
	static const struct str trusted[] = { STR_INIT("HTTP_PROXY"), STR_INIT("HTTP_TRANSFER_ENCODING"),
	    STR_INIT("HTTP_CONTENT_LENGTH") };

	for (size_t i = 0; i < COUNT(trusted); i++)
		if (event_variable(e, trusted[i]).ptr != NULL)
			abort();
	for (size_t i = 0; i < e->count; i++)
		if (str_starts(e->list[i].name, STR("HTTP_")) && e->status == 0 &&
		    memchr(e->list[i].value.ptr, '\n', e->list[i].value.len) != NULL &&
		    !str_eq(e->list[i].name, STR("HTTP_X_AMZN_TRACE_ID")))
			abort();
}

static void answer(struct arena *a, const struct event *e, struct str bytes)
{
	const struct json *document;
	struct json_error error;
	struct reply reply;
	struct buf out;
	size_t head = reply_head_end(bytes);

	if (head == 0 || reply_read_head(str_first(bytes, head), &reply) != OK)
		return;
	reply.body = str_from(bytes, head);
	buf_init(&out, a, 4 << 20);
	if (reply_write(a, e, &reply, &out) != OK)
		return;
	if (event_is_http(e->kind) &&
	    json_parse(a, buf_str(&out), JSON_DEPTH_MAX, &document, &error) != OK)
		abort();
}

/* The event ends at the first NUL, and the answer stands behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event e;
	const struct invocation invocation = { .request_id = STR("id"), .deadline_ms = 2 };
	struct str all = { (const char *)data, size };
	size_t end = str_index(all, '\0');
	const struct json *document;
	struct json_error error;
	struct str reason;
	struct arena a;

	arena_init(&a, ARENA_MAX_BYTES);
	if (json_parse(&a, str_first(all, end), JSON_DEPTH_MAX, &document, &error) == OK &&
	    event_read(&a, document, str_first(all, end), &invocation, STR("/api"), &e, &reason) == OK) {
		check(&e);
		answer(&a, &e, str_from(all, end + 1));
	}
	arena_clean(&a);
	return 0;
}
