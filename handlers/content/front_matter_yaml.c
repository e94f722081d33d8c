#include <math.h>
#include <stdlib.h>
#include <yaml.h>

#include "content/front_matter_source.h"

/* One collection that is open. */
struct frame {
	bool          mapping, wants_key;
	struct key   *keys;             /* of a mapping, to find one given twice */
};

struct key {
	struct str  name;
	struct key *next;
};

struct yaml_reader {
	const struct front_matter_source *source;
	yaml_parser_t                     parser;
	yaml_event_t                      event;
	struct json_writer                json;
	struct frame                      frames[FRONT_MATTER_DEPTH_MAX];
	unsigned                          depth, keys;
};

/* --- plain scalars: YAML 1.2, 10.3.2, core schema -------------------------- */

static const struct {
	struct str text, json;
} constants[] = {
	{ STR_INIT(""), STR_INIT("null") },         { STR_INIT("~"), STR_INIT("null") },
	{ STR_INIT("null"), STR_INIT("null") },     { STR_INIT("Null"), STR_INIT("null") },
	{ STR_INIT("NULL"), STR_INIT("null") },     { STR_INIT("true"), STR_INIT("true") },
	{ STR_INIT("True"), STR_INIT("true") },     { STR_INIT("TRUE"), STR_INIT("true") },
	{ STR_INIT("false"), STR_INIT("false") },   { STR_INIT("False"), STR_INIT("false") },
	{ STR_INIT("FALSE"), STR_INIT("false") },
};

static size_t digits(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	return n;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT32_MAX;
}

/* 0x1F and 0o17. */
static bool put_based_int(struct json_writer *w, struct str s)
{
	unsigned base = str_starts(s, STR("0x")) ? 16 : str_starts(s, STR("0o")) ? 8 : 0;
	uint64_t n = 0;

	if (base == 0 || s.len == 2 || s.len > 17)
		return false;
	for (size_t i = 2; i < s.len; i++) {
		unsigned digit = digit_value(s.ptr[i]);

		if (digit >= base)
			return false;
		n = n * base + digit;
	}
	if (n > INT64_MAX)
		return false;
	json_put_int(w, (int64_t)n);
	return true;
}

/* A decimal number in its parts, without its sign. */
struct decimal {
	bool       negative, point;
	struct str whole, fraction, exponent;   /* the exponent with its 'e' */
};

static bool split_decimal(struct str s, struct decimal *d)
{
	size_t n;

	*d = (struct decimal){ .negative = str_starts(s, STR("-")), .exponent = STR("") };
	s = str_from(s, d->negative || str_starts(s, STR("+")));
	d->whole = str_first(s, digits(s));
	s = str_from(s, d->whole.len);
	d->point = str_starts(s, STR("."));
	s = str_from(s, d->point);
	d->fraction = str_first(s, d->point ? digits(s) : 0);
	s = str_from(s, d->fraction.len);
	if (d->whole.len + d->fraction.len == 0)
		return false;
	if (str_is_empty(s))
		return true;
	n = s.len > 1 && (s.ptr[1] == '+' || s.ptr[1] == '-') ? 2 : 1;
	d->exponent = s;
	return (s.ptr[0] | 0x20) == 'e' && s.len > n && digits(str_from(s, n)) == s.len - n;
}

static bool is_finite(const char *text)
{
	return isfinite(strtod(text, NULL));
}

/* As JSON spells it; false for what JSON cannot hold or would change ("007"). */
static bool put_decimal(struct json_writer *w, struct str s)
{
	struct decimal d;
	char text[64];
	int n;

	if (s.len > 32 || !split_decimal(s, &d) || (d.whole.len > 1 && d.whole.ptr[0] == '0'))
		return false;
	if (!d.point && str_is_empty(d.exponent)) {
		int64_t number;

		if (!str_to_i64(str_from(s, s.ptr[0] == '+'), &number))
			return false;
		json_put_int(w, number);
		return true;
	}
	n = snprintf(text, sizeof(text), "%s%.*s%s%.*s%.*s", d.negative ? "-" : "",
	    STR_ARG(str_is_empty(d.whole) ? STR("0") : d.whole), d.point ? "." : "",
	    STR_ARG(d.point && str_is_empty(d.fraction) ? STR("0") : d.fraction),
	    STR_ARG(d.exponent));
	if (!is_finite(text))
		return false;
	json_put_raw(w, (struct str){ text, (size_t)n });
	return true;
}

static void put_plain(struct json_writer *w, struct str s)
{
	for (size_t i = 0; i < COUNT(constants); i++) {
		if (str_eq(s, constants[i].text)) {
			json_put_raw(w, constants[i].json);
			return;
		}
	}
	if (!put_based_int(w, s) && !put_decimal(w, s))
		json_put_string(w, s);
}

/* --- events ---------------------------------------------------------------- */

static enum err fail_here(const struct yaml_reader *y, const char *reason)
{
	const yaml_mark_t *at = &y->event.start_mark;

	return front_matter_fail(y->source, (uint32_t)at->line + 1, (uint32_t)at->column + 1,
	    "%s", reason);
}

/* Where a value may stand; closes a key's turn. */
static enum err before_value(struct yaml_reader *y)
{
	struct frame *f;

	if (y->depth == 0)
		return y->event.type == YAML_MAPPING_START_EVENT ? OK :
		    fail_here(y, "the front matter is no mapping of names to values");
	f = &y->frames[y->depth - 1];
	if (f->mapping && f->wants_key)
		return fail_here(y, "a name must be a plain text");
	f->wants_key = f->mapping;
	return OK;
}

static enum err put_key(struct yaml_reader *y, struct frame *f, struct str name)
{
	struct arena *a = y->source->arena;
	struct key *key = ARENA_NEW(a, struct key);

	for (const struct key *k = f->keys; k != NULL; k = k->next)
		if (str_eq(k->name, name))
			return front_matter_fail(y->source, (uint32_t)y->event.start_mark.line + 1,
			    (uint32_t)y->event.start_mark.column + 1, "\"%.*s\" is given twice",
			    STR_ARG(str_first(name, 64)));
	if (++y->keys > FRONT_MATTER_KEYS_MAX)
		return fail_here(y, "too many names");
	*key = (struct key){ arena_dup(a, name), f->keys };
	f->keys = key;
	f->wants_key = false;
	json_name_str(&y->json, name);
	return OK;
}

static enum err on_scalar(struct yaml_reader *y)
{
	const yaml_char_t *tag = y->event.data.scalar.tag;
	struct str s = { (const char *)y->event.data.scalar.value, y->event.data.scalar.length };
	bool text = tag != NULL || y->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	enum err e;

	if (tag != NULL && strcmp((const char *)tag, "!") != 0 &&
	    strcmp((const char *)tag, YAML_STR_TAG) != 0)
		return fail_here(y, "tags are not taken here");
	if (y->depth > 0 && y->frames[y->depth - 1].mapping && y->frames[y->depth - 1].wants_key)
		return put_key(y, &y->frames[y->depth - 1], s);
	e = before_value(y);
	if (e != OK)
		return e;
	if (text)
		json_put_string(&y->json, s);
	else
		put_plain(&y->json, s);
	return OK;
}

static enum err open_frame(struct yaml_reader *y, bool mapping)
{
	enum err e = before_value(y);

	if (e != OK)
		return e;
	if (y->depth == FRONT_MATTER_DEPTH_MAX)
		return fail_here(y, "nested too deep");
	y->frames[y->depth++] = (struct frame){ mapping, mapping, NULL };
	if (mapping)
		json_object_open(&y->json);
	else
		json_array_open(&y->json);
	return OK;
}

static enum err on_mapping(struct yaml_reader *y)
{
	if (y->event.data.mapping_start.tag != NULL)
		return fail_here(y, "tags are not taken here");
	return open_frame(y, true);
}

static enum err on_sequence(struct yaml_reader *y)
{
	if (y->event.data.sequence_start.tag != NULL)
		return fail_here(y, "tags are not taken here");
	return open_frame(y, false);
}

static enum err on_end(struct yaml_reader *y)
{
	if (y->frames[--y->depth].mapping)
		json_object_close(&y->json);
	else
		json_array_close(&y->json);
	return OK;
}

static enum err on_alias(struct yaml_reader *y)
{
	return fail_here(y, "aliases are not taken here");
}

static enum err on_nothing(struct yaml_reader *y)
{
	(void)y;
	return OK;
}

static enum err (*const on_event[])(struct yaml_reader *) = {
	[YAML_NO_EVENT] = on_nothing,
	[YAML_STREAM_START_EVENT] = on_nothing,
	[YAML_STREAM_END_EVENT] = on_nothing,
	[YAML_DOCUMENT_START_EVENT] = on_nothing,
	[YAML_DOCUMENT_END_EVENT] = on_nothing,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping,
	[YAML_MAPPING_END_EVENT] = on_end,
};

static uint32_t line_at(struct str text, size_t offset)
{
	uint32_t line = 1;

	for (size_t i = 0; i < offset && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}

static enum err fail_in_parser(const struct yaml_reader *y)
{
	const yaml_parser_t *p = &y->parser;
	const char *problem = p->problem == NULL ? "malformed" : p->problem;

	if (p->error == YAML_MEMORY_ERROR)
		return ERR_NO_MEMORY;
	if (p->error == YAML_READER_ERROR)
		return front_matter_fail(y->source, line_at(y->source->text, p->problem_offset), 0,
		    "YAML: %s", problem);
	return front_matter_fail(y->source, (uint32_t)p->problem_mark.line + 1,
	    (uint32_t)p->problem_mark.column + 1, "YAML: %s%s%s", problem,
	    p->context == NULL ? "" : ", ", p->context == NULL ? "" : p->context);
}

static enum err run(struct yaml_reader *y, struct buf *json)
{
	bool ended = false;
	enum err e = OK;

	while (e == OK && !ended) {
		if (!yaml_parser_parse(&y->parser, &y->event))
			return fail_in_parser(y);
		ended = y->event.type == YAML_STREAM_END_EVENT;
		if (y->event.type == YAML_DOCUMENT_START_EVENT && json->len > 0)
			e = fail_here(y, "a second document");
		else
			e = on_event[y->event.type](y);
		yaml_event_delete(&y->event);
	}
	if (e == OK && json->len == 0)
		BUF_LIT(json, "{}");    /* Jekyll's files often have no fields at all */
	return e;
}

enum err front_matter_yaml(const struct front_matter_source *s, struct buf *json)
{
	struct yaml_reader y = { .source = s };
	enum err e;

	if (!yaml_parser_initialize(&y.parser))
		return ERR_NO_MEMORY;
	yaml_parser_set_encoding(&y.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y.parser, (const unsigned char *)s->text.ptr, s->text.len);
	json_begin(&y.json, json);
	e = run(&y, json);
	yaml_parser_delete(&y.parser);
	return e;
}
