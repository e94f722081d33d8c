#include "http/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/schema_types.h"

#define NUMBER_TEXT_MAX   64            /* a longer number in a query is none */
#define POINTER_MAX_BYTES 4096          /* a longer pointer gives way to that of what holds it */

const struct schema schema_empty = {
	.name = "Empty", .fields = (const struct field[]){ { 0 } }
};

bool schema_has_secret(const struct schema *s)
{
	for (const struct field *f = s == NULL ? NULL : s->fields; f != NULL && f->name != NULL; f++)
		if (f->secret)
			return true;
	return false;
}

void field_errors_init(struct field_errors *e, struct arena *a)
{
	*e = (struct field_errors){ .arena = a };
}

void field_errors_add(struct field_errors *e, struct str pointer, const char *fmt, ...)
{
	char    detail[SCHEMA_WHY_SIZE];
	va_list args;

	if (e->count++ >= FIELD_ERRORS_MAX)
		return;
	if (e->list == NULL)
		e->list = ARENA_ARRAY(e->arena, FIELD_ERRORS_MAX, struct field_error);
	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	e->list[e->count - 1] = (struct field_error){
		arena_dup(e->arena, pointer), arena_dup(e->arena, str_of(detail)),
	};
}

/* Where in the document we are: links on the stack, made a pointer for an error. */
struct place {
	const struct place *above;      /* NULL: the whole document */
	bool                is_item;
	struct str          name;       /* of a member */
	size_t              index;      /* of an item */
};

/* A reference token of RFC 6901, section 3. */
static void add_token(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '~')
			BUF_LIT(out, "~0");
		else if (name.ptr[i] == '/')
			BUF_LIT(out, "~1");
		else
			buf_char(out, name.ptr[i]);
	}
}

static void add_place(struct buf *out, const struct place *p)
{
	if (p->above == NULL)
		return;
	add_place(out, p->above);
	buf_char(out, '/');
	if (p->is_item)
		buf_u64(out, p->index);
	else
		add_token(out, p->name);
}

static struct str pointer_to(struct arena *a, const struct place *p)
{
	for (; p != NULL; p = p->above) {
		struct buf out;
		buf_init(&out, a, POINTER_MAX_BYTES);
		add_place(&out, p);
		if (!buf_failed(&out))
			return buf_str(&out);
	}
	return STR("");
}

static void complain(struct field_errors *errors, const struct place *at, const char *why)
{
	if (errors->count < FIELD_ERRORS_MAX)
		field_errors_add(errors, pointer_to(errors->arena, at), "%s", why);
	else
		errors->count++;
}

struct checking {
	const struct schema *schema;
	enum schema_mode     mode;
	const struct place  *place;
	struct field_errors *errors;
};

static void check_object(const struct checking *c, const struct json *value);

static bool has_type(enum json_type wanted, const struct json *value)
{
	enum json_type type = json_type(value);

	if (wanted == JSON_DOUBLE)
		return type == JSON_DOUBLE || type == JSON_INT;
	return wanted == JSON_NULL || type == wanted;
}

/* One value against the type of its field, lists aside. */
static bool value_fits(const struct field *f, const struct schema_type *type,
    const struct json *value, char why[SCHEMA_WHY_SIZE])
{
	if (!has_type(type->json, value)) {
		snprintf(why, SCHEMA_WHY_SIZE, "%s", type->must_be);
		return false;
	}
	if (f->type == FIELD_INT)
		return schema_int_fits(f, json_int(value), why);
	if (f->type == FIELD_NUMBER)
		return schema_number_fits(f, json_double(value), why);
	return type->check == NULL || type->check(f, json_string(value), why);
}

static void check_value(const struct checking *c, const struct field *f, const struct json *value)
{
	const struct schema_type *type = schema_type_of(f->type);
	char why[SCHEMA_WHY_SIZE];

	if (type == NULL) {
		complain(c->errors, c->place, "cannot be set");
	} else if (!value_fits(f, type, value, why)) {
		complain(c->errors, c->place, why);
	} else if (f->type == FIELD_OBJECT) {
		struct checking inner = { f->object, c->mode, c->place, c->errors };
		check_object(&inner, value);
	}
}

static void check_list(const struct checking *c, const struct field *f, const struct json *value)
{
	size_t n = json_length(value);
	char   why[SCHEMA_WHY_SIZE];

	if (json_type(value) != JSON_ARRAY) {
		complain(c->errors, c->place, "must be a list");
		return;
	}
	if (n > field_max_items(f)) {
		snprintf(why, sizeof(why), "must have at most %u items", field_max_items(f));
		complain(c->errors, c->place, why);
		return;
	}
	/* A merge patch replaces a list as a whole: its objects must be whole too. */
	for (size_t i = 0; i < n; i++) {
		struct place    item = { .above = c->place, .is_item = true, .index = i };
		struct checking inner = { c->schema, SCHEMA_WHOLE, &item, c->errors };
		check_value(&inner, f, json_at(value, i));
	}
}

static const struct field *find_field(const struct schema *s, struct str name)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (str_eq(str_of(f->name), name))
			return f;
	return NULL;
}

static bool check_member(void *context, struct json_member member)
{
	const struct checking *outer = context;
	const struct field    *f = find_field(outer->schema, member.name);
	struct place    place = { .above = outer->place, .name = member.name };
	struct checking c = { outer->schema, outer->mode, &place, outer->errors };

	if (f == NULL) {
		if (!outer->schema->open)
			complain(c.errors, &place, "is not a field of this");
	} else if (f->read_only) {
		complain(c.errors, &place, "is set by the server");
	} else if (json_type(member.value) == JSON_NULL && f->type != FIELD_ANY) {
		if (!f->nullable)
			complain(c.errors, &place, "must not be null");
	} else if (f->list) {
		check_list(&c, f, member.value);
	} else {
		check_value(&c, f, member.value);
	}
	return true;
}

static void check_required(const struct checking *c, const struct json *value)
{
	for (const struct field *f = c->schema->fields; f->name != NULL; f++) {
		struct place missing = { .above = c->place, .name = str_of(f->name) };
		if (f->required && !f->read_only && json_get(value, missing.name) == NULL)
			complain(c->errors, &missing, "is required");
	}
}

static void check_object(const struct checking *c, const struct json *value)
{
	struct checking copy = *c;

	json_each(value, check_member, &copy);
	if (c->mode == SCHEMA_WHOLE)
		check_required(c, value);
}

void schema_check(const struct schema *s, enum schema_mode mode, const struct json *body,
    struct field_errors *errors)
{
	struct place    root = { .above = NULL };
	struct checking c = { s, mode, &root, errors };

	if (json_type(body) != JSON_OBJECT)
		complain(errors, &root, "must be an object");
	else
		check_object(&c, body);
}

static bool int_text_fits(const struct field *f, struct str value, char why[SCHEMA_WHY_SIZE])
{
	int64_t n;

	if (str_to_i64(value, &n))
		return schema_int_fits(f, n, why);
	snprintf(why, SCHEMA_WHY_SIZE, "must be an integer");
	return false;
}

static bool is_bool_text(struct str value)
{
	return str_eq(value, STR("true")) || str_eq(value, STR("false")) ||
	    str_eq(value, STR("1")) || str_eq(value, STR("0"));
}

/* A JSON number: strtod alone would take "inf", " 1" and "0x1p3". */
static bool number_text_fits(const struct field *f, struct str value, char why[SCHEMA_WHY_SIZE])
{
	char   text[NUMBER_TEXT_MAX] = "", *end = text;
	double n = 0;

	if (value.len > 0 && value.len < sizeof(text)) {
		memcpy(text, value.ptr, value.len);
		text[value.len] = '\0';
		if (strspn(text, "0123456789.eE+-") == value.len && text[0] != '+')
			n = strtod(text, &end);
	}
	if (end == text || *end != '\0' || !isfinite(n)) {
		snprintf(why, SCHEMA_WHY_SIZE, "must be a number");
		return false;
	}
	return schema_number_fits(f, n, why);
}

static bool text_fits(const struct field *f, struct str value, char why[SCHEMA_WHY_SIZE])
{
	const struct schema_type *type = schema_type_of(f->type);

	if (f->type == FIELD_INT)
		return int_text_fits(f, value, why);
	if (f->type == FIELD_NUMBER)
		return number_text_fits(f, value, why);
	if (f->type == FIELD_ANY || (f->type == FIELD_BOOL && is_bool_text(value)))
		return true;
	if (type != NULL && type->check != NULL)
		return type->check(f, value, why);
	snprintf(why, SCHEMA_WHY_SIZE, "%s", type == NULL ? "cannot be set" : type->must_be);
	return false;
}

void schema_check_text(const struct field *f, struct str value, struct str pointer,
    struct field_errors *errors)
{
	char why[SCHEMA_WHY_SIZE];

	if (!text_fits(f, value, why))
		field_errors_add(errors, pointer, "%s", why);
}
