/* The reading half of json.h: json_scan says what the text is, json-c keeps it. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "base/json_tree.h"
#include "base/limits.h"

/* What json-c allocates, about: the document counts against the arena's bound
 * (a list of empty objects takes 300 times its text). */
enum {
	VALUE_COST  = 96,               /* a scalar */
	ARRAY_COST  = 256,
	OBJECT_COST = 1024,
	PLACE_COST  = 96,               /* a member's or an element's slot, doubling */
	ARRAY_FIRST = 8,                /* slots of a new array */
};

struct parser {
	struct json_scan scan;
	struct arena    *arena;
	struct buf       scratch;       /* strings and numbers that cannot stay in the text */
	json_object     *root;
	json_object     *open[JSON_DEPTH_MAX];  /* containers, the outermost first */
	unsigned         depth, max_depth;
	struct str      *name;          /* of the next value, when the innermost is an object */
	bool             fresh;         /* nothing stands in the innermost yet */
};

/* Functions of the parser give false with scan.reason when the text is wrong,
 * and without it when memory is. */

/* Hangs a value into the innermost container, which owns it from here on (NULL
 * is null); the root keeps it when there is none. */
static bool attach(struct parser *p, json_object *v)
{
	json_object *parent;

	if (p->depth == 0) {
		p->root = v;
		return true;
	}
	parent = p->open[p->depth - 1];
	if (json_object_is_type(parent, json_type_array))
		return json_object_array_add(parent, v) == 0;
	return json_tree_add(parent, p->name, v);
}

static bool attach_new(struct parser *p, json_object *v)
{
	if (v == NULL)
		return false;
	if (attach(p, v))
		return true;
	json_object_put(v);
	return false;
}

static bool parse_container(struct parser *p, bool object)
{
	json_object *v;

	if (p->depth == p->max_depth)
		return json_scan_fail(&p->scan, "nested too deeply");
	p->scan.at++;
	if (!arena_charge(p->arena, object ? OBJECT_COST : ARRAY_COST))
		return false;
	v = object ? json_tree_new_object() : json_object_new_array_ext(ARRAY_FIRST);
	if (!attach_new(p, v))
		return false;
	p->open[p->depth++] = v;
	p->fresh = true;
	return true;
}

static bool parse_string(struct parser *p)
{
	struct str s;

	if (!json_scan_string(&p->scan, &p->scratch, &s))
		return false;
	if (s.len > INT32_MAX)
		return json_scan_fail(&p->scan, "string too long");
	return arena_charge(p->arena, VALUE_COST + s.len) &&
	    attach_new(p, json_object_new_string_len(s.ptr, (int)s.len));
}

static json_object *new_integer(int64_t n, struct str text)
{
	json_object *v = json_object_new_int64(n);

	/* The one integer whose text its value does not give back. */
	if (v != NULL && str_eq(text, STR("-0")))
		json_object_set_userdata(v, (void *)(uintptr_t)"-0", NULL);
	return v;
}

/* strtod reads the "C" locale's point, the only one this program ever has. */
static bool parse_double(struct parser *p, struct str text)
{
	const char *copy;
	double      n;

	buf_reset(&p->scratch);
	buf_add(&p->scratch, text);
	copy = buf_cstr(&p->scratch);
	if (buf_failed(&p->scratch) || !arena_charge(p->arena, VALUE_COST + text.len))
		return false;
	n = strtod(copy, NULL);
	if (!isfinite(n)) {
		p->scan.at -= text.len;
		return json_scan_fail(&p->scan, "number out of range");
	}
	return attach_new(p, json_object_new_double_s(n, copy));
}

static bool parse_number(struct parser *p)
{
	struct str text;
	bool       integer;
	int64_t    n;

	if (!json_scan_number(&p->scan, &text, &integer))
		return false;
	if (!integer)
		return parse_double(p, text);
	if (!str_to_i64(text, &n)) {
		p->scan.at -= text.len;
		return json_scan_fail(&p->scan, "integer out of range");
	}
	return arena_charge(p->arena, VALUE_COST) && attach_new(p, new_integer(n, text));
}

static bool parse_bool(struct parser *p, bool b)
{
	return json_scan_word(&p->scan, b ? STR("true") : STR("false")) &&
	    arena_charge(p->arena, VALUE_COST) && attach_new(p, json_object_new_boolean(b));
}

static bool parse_value(struct parser *p)
{
	json_scan_space(&p->scan);
	switch (json_scan_peek(&p->scan)) {
	case '{':
		return parse_container(p, true);
	case '[':
		return parse_container(p, false);
	case '"':
		return parse_string(p);
	case 't':
		return parse_bool(p, true);
	case 'f':
		return parse_bool(p, false);
	case 'n':
		return json_scan_word(&p->scan, STR("null")) && attach(p, NULL);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return parse_number(p);
	}
	return json_scan_fail(&p->scan, p->scan.at == p->scan.end ?
	    "the text ends too early" : "expected a value");
}

/* A copy of the name in the arena, its bytes behind it; after looking for another
 * like it. */
static bool keep_name(struct parser *p, struct str name, const char *where)
{
	char *bytes;

	if (json_tree_find(p->open[p->depth - 1], name) != NULL) {
		p->scan.at = where;
		return json_scan_fail(&p->scan, "duplicate name");
	}
	p->name = arena_try(p->arena, sizeof(*p->name) + name.len);
	if (p->name == NULL)
		return false;
	bytes = (char *)(p->name + 1);
	if (name.len > 0)
		memcpy(bytes, name.ptr, name.len);
	*p->name = (struct str){ bytes, name.len };
	return true;
}

static bool parse_name(struct parser *p)
{
	const char *where;
	struct str  name;

	json_scan_space(&p->scan);
	where = p->scan.at;
	if (json_scan_peek(&p->scan) != '"')
		return json_scan_fail(&p->scan, "expected a name in quotes");
	if (!json_scan_string(&p->scan, &p->scratch, &name) || !keep_name(p, name, where))
		return false;
	json_scan_space(&p->scan);
	if (!json_scan_take(&p->scan, ':'))
		return json_scan_fail(&p->scan, "expected ':'");
	return true;
}

/* After a value: closes what ends here, then goes to where the next one begins. */
static bool parse_between(struct parser *p)
{
	while (p->depth > 0) {
		bool object = json_object_is_type(p->open[p->depth - 1], json_type_object);

		json_scan_space(&p->scan);
		if (json_scan_take(&p->scan, object ? '}' : ']')) {
			p->depth--;
			p->fresh = false;
			continue;
		}
		if (!p->fresh && !json_scan_take(&p->scan, ','))
			return json_scan_fail(&p->scan, object ?
			    "expected ',' or '}'" : "expected ',' or ']'");
		p->fresh = false;
		return arena_charge(p->arena, PLACE_COST) && (!object || parse_name(p));
	}
	return true;
}

static bool parse_document(struct parser *p)
{
	do {
		if (!parse_value(p) || !parse_between(p))
			return false;
	} while (p->depth > 0);
	json_scan_space(&p->scan);
	return p->scan.at == p->scan.end ||
	    json_scan_fail(&p->scan, "more text after the value");
}

static void locate(struct str text, const struct json_scan *s, struct json_error *error)
{
	*error = (struct json_error){ .line = 1, .column = 1, .reason = s->reason };
	for (const char *at = text.ptr; at < s->at; at++) {
		error->column++;
		if (*at == '\n') {
			error->line++;
			error->column = 1;
		}
	}
}

static void put_document(void *root)
{
	json_object_put(root);
}

enum err json_parse(struct arena *a, struct str text, unsigned max_depth,
    const struct json **out, struct json_error *error)
{
	struct parser p = {
		.scan = { .at = text.ptr, .end = str_from(text, text.len).ptr },
		.arena = a,
		.max_depth = max_depth < JSON_DEPTH_MAX ? max_depth : JSON_DEPTH_MAX,
	};
	bool          good;

	buf_init(&p.scratch, NULL, text.len);
	good = parse_document(&p);
	buf_clean(&p.scratch);
	if (!good) {
		json_object_put(p.root);
		if (p.scan.reason == NULL)
			return ERR_NO_MEMORY;
		locate(text, &p.scan, error);
		return ERR_INVALID;
	}
	if (p.root != NULL)
		arena_defer(a, put_document, p.root);
	*out = json_tree_value(p.root);
	return OK;
}
