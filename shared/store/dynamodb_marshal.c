#include "store/dynamodb.h"

#include <stdio.h>

#include "base/crypto.h"
#include "base/json_scan.h"

/* --- writing --------------------------------------------------------------------- */

static void put_typed(struct json_writer *w, const char *name, const char *type, struct str text)
{
	json_name(w, name);
	json_object_open(w);
	json_member_string(w, type, text);
	json_object_close(w);
}

void dynamo_put_s(struct json_writer *w, const char *name, struct str s)
{
	put_typed(w, name, "S", s);
}

void dynamo_put_n(struct json_writer *w, const char *name, int64_t n)
{
	json_name(w, name);
	json_object_open(w);
	json_name(w, "N");
	json_put_raw(w, STR("\""));     /* numbers travel as text */
	buf_i64(w->out, n);
	buf_char(w->out, '"');
	json_object_close(w);
}

void dynamo_put_key(struct json_writer *w, const char *name, struct str pk, struct str sk)
{
	json_name(w, name);
	json_object_open(w);
	dynamo_put_s(w, "pk", pk);
	dynamo_put_s(w, "sk", sk);
	json_object_close(w);
}

static void put_bytes(struct json_writer *w, const char *name, struct str bytes)
{
	json_name(w, name);
	json_object_open(w);
	json_name(w, "B");
	json_put_raw(w, STR("\""));
	crypto_base64_add(w->out, bytes);
	buf_char(w->out, '"');
	json_object_close(w);
}

/* A body that is text as text, which people can read in the table; else its bytes. */
enum body_kind { BODY_NONE, BODY_TEXT, BODY_BYTES, BODY_PACKED };

static enum body_kind body_kind(const struct dynamo_row *row)
{
	if (row->packed.ptr != NULL)
		return BODY_PACKED;
	if (row->item.body.len == 0)
		return BODY_NONE;
	return str_is_utf8(row->item.body) ? BODY_TEXT : BODY_BYTES;
}

/* An attribute's name, or that of its value in an expression, which has a colon more. */
static const char *name_of(bool value, const char *with_colon)
{
	return value ? with_colon : with_colon + 1;
}

static void put_body(struct json_writer *w, const struct dynamo_row *row, enum body_kind kind,
    bool value)
{
	struct str body = row->item.body;

	switch (kind) {
	case BODY_NONE:
		break;
	case BODY_TEXT:
		dynamo_put_s(w, name_of(value, ":body"), body);
		break;
	case BODY_BYTES:
		put_bytes(w, name_of(value, ":raw"), body);
		break;
	case BODY_PACKED:
		dynamo_put_n(w, name_of(value, ":l"), (int64_t)body.len);
		put_bytes(w, name_of(value, ":z"), row->packed);
		break;
	}
}

/* Rounded up: DynamoDB must not sweep what is still alive. */
static int64_t seconds_of(int64_t ms)
{
	return ms / 1000 + (ms % 1000 != 0);
}

/* What a put says of an item, whatever there was before. */
static void put_given(struct json_writer *w, const struct dynamo_row *row, enum body_kind kind,
    bool value)
{
	const struct store_item *item = &row->item;

	if (item->index_pk.ptr != NULL) {
		dynamo_put_s(w, name_of(value, ":index_pk"), item->index_pk);
		dynamo_put_s(w, name_of(value, ":index_sk"), item->index_sk);
	}
	dynamo_put_n(w, name_of(value, ":n"), item->n);
	if (item->expires_ms != 0) {
		dynamo_put_n(w, name_of(value, ":x"), item->expires_ms);
		dynamo_put_n(w, name_of(value, ":ttl"), seconds_of(item->expires_ms));
	}
	if (row->token.ptr != NULL)
		dynamo_put_s(w, name_of(value, ":w"), row->token);
	put_body(w, row, kind, value);
}

static void put_attributes(struct json_writer *w, const struct dynamo_row *row)
{
	dynamo_put_s(w, "pk", row->item.pk);
	dynamo_put_s(w, "sk", row->item.sk);
	dynamo_put_n(w, "v", (int64_t)row->item.version);
	if (row->has_text)
		dynamo_put_n(w, "t", 1);
	if (row->item.text.len > 0)
		dynamo_put_s(w, "words", row->item.text);
	put_given(w, row, body_kind(row), false);
}

void dynamo_put_item(struct json_writer *w, const struct dynamo_row *row)
{
	json_name(w, "Item");
	json_object_open(w);
	put_attributes(w, row);
	json_object_close(w);
}

/* An attribute that an item may have or not. */
struct optional {
	const char *name;
	bool        there;
};

/* "SET …,#x=:x REMOVE #raw,… ADD v :one": some of the names are words of DynamoDB's. */
static void put_update(struct json_writer *w, const struct optional *attributes, size_t n)
{
	const char *between = " REMOVE ";

	json_name(w, "UpdateExpression");
	json_put_raw(w, STR("\"SET n=:n,w=:w"));
	for (size_t i = 0; i < n; i++)
		if (attributes[i].there)
			buf_printf(w->out, ",#%s=:%s", attributes[i].name, attributes[i].name);
	for (size_t i = 0; i < n; i++) {
		if (attributes[i].there)
			continue;
		buf_printf(w->out, "%s#%s", between, attributes[i].name);
		between = ",";
	}
	BUF_LIT(w->out, " ADD v :one\"");
}

static void put_names(struct json_writer *w, const struct optional *attributes, size_t n)
{
	char alias[16];

	json_name(w, "ExpressionAttributeNames");
	json_object_open(w);
	for (size_t i = 0; i < n; i++) {
		snprintf(alias, sizeof(alias), "#%s", attributes[i].name);
		json_member_string(w, alias, str_of(attributes[i].name));
	}
	json_object_close(w);
}

void dynamo_put_overwrite(struct json_writer *w, const struct dynamo_row *row, int64_t now_ms)
{
	const struct store_item *item = &row->item;
	enum body_kind kind = body_kind(row);
	const struct optional attributes[] = {
		{ "index_pk", item->index_pk.ptr != NULL },
		{ "index_sk", item->index_pk.ptr != NULL },
		{ "x", item->expires_ms != 0 }, { "ttl", item->expires_ms != 0 },
		{ "body", kind == BODY_TEXT }, { "raw", kind == BODY_BYTES },
		{ "l", kind == BODY_PACKED }, { "z", kind == BODY_PACKED },
	};

	dynamo_put_key(w, "Key", item->pk, item->sk);
	put_update(w, attributes, COUNT(attributes));
	json_member_string(w, "ConditionExpression", STR("attribute_exists(pk) AND"
	    " (attribute_not_exists(x) OR x>:now) AND attribute_not_exists(t)"));
	put_names(w, attributes, COUNT(attributes));
	json_name(w, "ExpressionAttributeValues");
	json_object_open(w);
	dynamo_put_n(w, ":now", now_ms);
	dynamo_put_n(w, ":one", 1);
	put_given(w, row, kind, true);
	json_object_close(w);
}

size_t dynamo_item_size(const struct dynamo_row *row)
{
	const struct store_item *item = &row->item;
	/* Names, and numbers at their longest. */
	const size_t rest = 184;

	return rest + item->pk.len + item->sk.len + item->index_pk.len + item->index_sk.len +
	    (row->packed.ptr != NULL ? row->packed.len : item->body.len) + item->text.len;
}

/* --- reading: one pass over the reply, strings borrowed where nothing is escaped ----- */

struct reader {
	struct json_scan s;
	struct arena    *a;
	bool             no_memory;
};

/* Into memory of its own: others may be read before it is used. */
static bool take_text(struct reader *r, struct str *out)
{
	struct buf scratch;

	buf_init(&scratch, r->a, REPLY_MAX_BYTES);
	if (json_scan_string(&r->s, &scratch, out))
		return true;
	r->no_memory = r->no_memory || r->s.reason == NULL;
	return false;
}

static bool open_container(struct reader *r, char bracket)
{
	json_scan_space(&r->s);
	return json_scan_take(&r->s, bracket) || json_scan_fail(&r->s, "another type");
}

/* Goes to the next element; false at the end of the container (taken), or when what
 * stands there is wrong (r->s.reason). */
static bool next_element(struct reader *r, char bracket, bool *first)
{
	bool begins = *first;

	*first = false;
	json_scan_space(&r->s);
	if (json_scan_take(&r->s, bracket))
		return false;
	if (!begins && !json_scan_take(&r->s, ','))
		return json_scan_fail(&r->s, "expected a comma");
	json_scan_space(&r->s);
	return true;
}

static bool next_member(struct reader *r, bool *first, struct str *name)
{
	if (!next_element(r, '}', first) || !take_text(r, name))
		return false;
	json_scan_space(&r->s);
	if (!json_scan_take(&r->s, ':'))
		return json_scan_fail(&r->s, "expected a colon");
	json_scan_space(&r->s);
	return true;
}

static bool is_sound(const struct reader *r)
{
	return r->s.reason == NULL && !r->no_memory;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as `depth` allows */
static bool skip_value(struct reader *r, unsigned depth)
{
	struct str text;
	bool first = true, integer;

	switch (json_scan_peek(&r->s)) {
	case '"':
		return take_text(r, &text);
	case 't':
		return json_scan_word(&r->s, STR("true"));
	case 'f':
		return json_scan_word(&r->s, STR("false"));
	case 'n':
		return json_scan_word(&r->s, STR("null"));
	case '{':
	case '[':
		break;
	default:
		return json_scan_number(&r->s, &text, &integer);
	}
	if (depth == 0)
		return json_scan_fail(&r->s, "nested too deeply");
	if (json_scan_take(&r->s, '[')) {
		while (next_element(r, ']', &first))
			if (!skip_value(r, depth - 1))
				return false;
		return is_sound(r);
	}
	if (!open_container(r, '{'))
		return false;
	while (next_member(r, &first, &text))
		if (!skip_value(r, depth - 1))
			return false;
	return is_sound(r);
}

/* {"S":"text"}: *text is absent for types that hold none. */
static bool take_value(struct reader *r, struct str *type, struct str *text)
{
	bool first = true;

	*text = STR_NONE;
	*type = STR_NONE;
	if (!open_container(r, '{') || !next_member(r, &first, type))
		return json_scan_fail(&r->s, "expected a value with its type");
	if (json_scan_peek(&r->s) == '"' ? !take_text(r, text) : !skip_value(r, JSON_DEPTH_MAX))
		return false;
	json_scan_space(&r->s);
	return json_scan_take(&r->s, '}') || json_scan_fail(&r->s, "more than a value");
}

/* NULL: none that holds a string. */
static struct str *string_of(struct dynamo_row *row, struct str name)
{
	const struct { struct str name, *at; } strings[] = {
		{ STR("body"), &row->item.body }, { STR("pk"), &row->item.pk },
		{ STR("sk"), &row->item.sk }, { STR("index_pk"), &row->item.index_pk },
		{ STR("index_sk"), &row->item.index_sk }, { STR("words"), &row->item.text },
		{ STR("w"), &row->token },
	};

	for (size_t i = 0; i < COUNT(strings); i++)
		if (str_eq(name, strings[i].name))
			return strings[i].at;
	return NULL;
}

static bool keep_number(struct dynamo_row *row, struct str name, struct str text)
{
	if (str_eq(name, STR("n")))
		return str_to_i64(text, &row->item.n);
	if (str_eq(name, STR("v")))
		return str_to_u64(text, &row->item.version);
	if (str_eq(name, STR("x")))
		return str_to_i64(text, &row->item.expires_ms);
	if (str_eq(name, STR("l")))
		return str_to_u64(text, &row->unpacked_bytes);
	if (str_eq(name, STR("t")))
		row->has_text = true;
	return true;                    /* an attribute of somebody else's */
}

static bool keep_bytes(struct reader *r, struct str *at, struct str text)
{
	enum err err = crypto_base64_decode(r->a, text, at);

	r->no_memory = r->no_memory || err == ERR_NO_MEMORY;
	return err == OK || json_scan_fail(&r->s, "no base64");
}

static bool keep(struct reader *r, struct dynamo_row *row, struct str name, struct str type,
    struct str text)
{
	struct str *at;

	if (text.ptr == NULL)
		return true;
	if (str_eq(type, STR("N")))
		return keep_number(row, name, text) || json_scan_fail(&r->s, "a number out of bounds");
	if (str_eq(type, STR("B")) && (str_eq(name, STR("raw")) || str_eq(name, STR("z"))))
		return keep_bytes(r, str_eq(name, STR("z")) ? &row->packed : &row->item.body, text);
	at = string_of(row, name);
	if (at != NULL && str_eq(type, STR("S")))
		*at = text;
	return true;
}

static bool take_item(struct reader *r, struct dynamo_row *row)
{
	struct str name, type, text;
	bool first = true;

	*row = (struct dynamo_row){ .has_text = false };
	if (!open_container(r, '{'))
		return false;
	while (next_member(r, &first, &name))
		if (!take_value(r, &type, &text) || !keep(r, row, name, type, text))
			return false;
	return is_sound(r);
}

static struct dynamo_row *add_row(struct reader *r, struct dynamo_row **list, size_t *n,
    size_t *capacity)
{
	size_t more = *capacity == 0 ? 8 : *capacity * 2;
	struct dynamo_row *grown;

	if (*n == *capacity) {
		grown = arena_grow(r->a, *list, *capacity * sizeof(**list), more * sizeof(**list));
		if (grown == NULL) {
			r->no_memory = true;
			return NULL;
		}
		*list = grown;
		*capacity = more;
	}
	return &(*list)[(*n)++];
}

static bool take_row(struct reader *r, struct dynamo_rows *out)
{
	struct dynamo_row *row = add_row(r, &out->list, &out->n, &out->capacity);

	return row != NULL && take_item(r, row);
}

static bool take_list(struct reader *r, struct dynamo_rows *out)
{
	bool first = true;

	if (!open_container(r, '['))
		return false;
	while (next_element(r, ']', &first))
		if (!take_row(r, out))
			return false;
	return is_sound(r);
}

/* {"TABLE":[…]} */
static bool take_responses(struct reader *r, struct dynamo_rows *out)
{
	struct str table;
	bool first = true;

	if (!open_container(r, '{'))
		return false;
	while (next_member(r, &first, &table))
		if (!take_list(r, out))
			return false;
	return is_sound(r);
}

/* {"TABLE":{"Keys":[…],…}} */
static bool take_unprocessed(struct reader *r, struct dynamo_rows *out)
{
	struct dynamo_rows keys = { .list = NULL };
	struct str name;
	bool first = true, inner = true;

	if (!open_container(r, '{'))
		return false;
	while (next_member(r, &first, &name)) {
		if (!open_container(r, '{'))
			return false;
		while (next_member(r, &inner, &name))
			if (str_eq(name, STR("Keys")) ? !take_list(r, &keys)
			    : !skip_value(r, JSON_DEPTH_MAX))
				return false;
		inner = true;
	}
	out->left = keys.list;
	out->n_left = keys.n;
	return is_sound(r);
}

/* As it stands, to be sent back; absent when it is "{}". */
static bool take_raw(struct reader *r, struct str *out)
{
	const char *begin = r->s.at;

	if (!skip_value(r, JSON_DEPTH_MAX))
		return false;
	*out = (struct str){ begin, (size_t)(r->s.at - begin) };
	if (str_eq(*out, STR("{}")))
		*out = STR_NONE;
	return true;
}

static bool take_part(struct reader *r, struct str name, struct dynamo_rows *out)
{
	if (str_eq(name, STR("Item")) || str_eq(name, STR("Attributes")))
		return take_row(r, out);
	if (str_eq(name, STR("Items")))
		return take_list(r, out);
	if (str_eq(name, STR("LastEvaluatedKey")))
		return take_raw(r, &out->last_key);
	if (str_eq(name, STR("Responses")))
		return take_responses(r, out);
	if (str_eq(name, STR("UnprocessedKeys")))
		return take_unprocessed(r, out);
	if (str_eq(name, STR("UnprocessedItems")))
		return take_raw(r, &out->unprocessed);
	return skip_value(r, JSON_DEPTH_MAX);
}

enum err dynamo_read_rows(struct arena *a, struct str reply, struct dynamo_rows *out)
{
	struct reader r = { .s = { .at = reply.ptr, .end = reply.ptr + reply.len }, .a = a };
	struct str name;
	bool first = true;

	*out = (struct dynamo_rows){ .list = NULL };
	if (!open_container(&r, '{'))
		return ERR_INVALID;
	while (next_member(&r, &first, &name))
		if (!take_part(&r, name, out))
			break;
	if (r.no_memory)
		return ERR_NO_MEMORY;
	return r.s.reason == NULL ? OK : ERR_INVALID;
}
