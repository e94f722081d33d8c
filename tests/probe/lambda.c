/*
 * The verbs of Lambda's codec: an event in, CGI variables out; a reply in, Lambda's out.
 */
#include "base/crypto.h"
#include "lambda/event.h"
#include "lambda/reply.h"
#include "probe/verb.h"

static bool read_event(struct call *c, struct event **out)
{
	const struct invocation invocation = {
		.request_id = json_get_string(c->in, "request_id"),
		.trace_id = json_get_string(c->in, "trace_id"),
	};
	const struct json *document = json_get(c->in, STR("event"));
	struct str base_path, reason = STR("no memory");
	struct buf text;

	*out = arena_zero(c->arena, 1, sizeof(**out));
	if (document == NULL)
		return refuse(c, STR("event must be there"));
	if (!read_optional_text(c, "base_path", &base_path))
		return false;
	buf_init(&text, c->arena, ANSWER_MAX_BYTES);
	json_write(&text, document);
	if (event_read(c->arena, document, buf_str(&text), &invocation, base_path, *out, &reason) != OK)
		return refuse(c, reason);
	return true;
}

static void put_base64(struct call *c, struct str bytes)
{
	struct str text = crypto_base64(c->arena, bytes);

	json_put_string(&c->w, text.ptr == NULL ? STR("") : text);
}

bool event_verb(struct call *c)
{
	struct event *e;

	if (!read_event(c, &e))
		return false;
	if (e->status != 0)
		return refuse(c, arena_printf(c->arena, "%d: %s", e->status, e->detail));
	json_object_open(&c->w);
	json_member_string(&c->w, "kind", event_kind_name(e->kind));
	json_member_string(&c->w, "path", e->path);
	json_name(&c->w, "variables");
	json_object_open(&c->w);
	for (size_t i = 0; i < e->count; i++) {
		json_name_str(&c->w, e->list[i].name);
		json_put_string(&c->w, e->list[i].value);
	}
	json_object_close(&c->w);
	json_name(&c->w, "body_base64");
	put_base64(c, e->body);
	json_object_close(&c->w);
	return true;
}

/* A head as a handler writes it. */
static bool read_head(struct call *c, struct buf *head)
{
	const struct json *list = json_get(c->in, STR("headers"));
	int64_t status = json_get_int(c->in, "status", 0);

	buf_init(head, c->arena, REPLY_HEAD_MAX_BYTES);
	buf_printf(head, "Status: %lld\r\n", (long long)status);
	if (list != NULL && json_type(list) != JSON_ARRAY && json_type(list) != JSON_NULL)
		return refuse(c, STR("headers must be a list of pairs"));
	for (size_t i = 0; list != NULL && i < json_length(list); i++) {
		const struct json *pair = json_at(list, i);
		if (json_type(pair) != JSON_ARRAY || json_length(pair) != 2)
			return refuse(c, STR("headers must be a list of pairs"));
		buf_add(head, json_string(json_at(pair, 0)));
		BUF_LIT(head, ": ");
		buf_add(head, json_string(json_at(pair, 1)));
		BUF_LIT(head, "\r\n");
	}
	BUF_LIT(head, "\r\n");
	return !buf_failed(head) || refuse(c, STR("the headers are too long"));
}

bool reply_verb(struct call *c)
{
	struct event *e;
	struct reply reply;
	struct buf head, out;
	struct str body;

	if (!read_event(c, &e) || !read_head(c, &head) || !read_bytes(c, "body", &body))
		return false;
	if (reply_read_head(buf_str(&head), &reply) != OK)
		return refuse(c, STR("a handler may not answer so"));
	reply.body = body;
	buf_init(&out, c->arena, ANSWER_MAX_BYTES);
	if (reply_write(c->arena, e, &reply, &out) != OK)
		return refuse(c, STR("no memory"));
	json_put_raw(&c->w, buf_str(&out));
	return true;
}
