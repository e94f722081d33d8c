#include "http/openapi_schema.h"

#include "base/limits.h"
#include "http/schema_types.h"

struct schema_use {
	const struct schema *schema;
	enum schema_variant  variant;
	bool                 request;
	struct schema_use   *next;
};

static const char *const variant_suffixes[VARIANT_COUNT] = {
	[VARIANT_WHOLE] = "",
	[VARIANT_PATCH] = "Patch",
	[VARIANT_PAGE] = "Page",
};

/* A patch goes into objects and replaces lists. */
static enum schema_variant inner_variant(const struct field *f, enum schema_variant outer)
{
	return outer == VARIANT_PATCH && !f->list ? VARIANT_PATCH : VARIANT_WHOLE;
}

/* What clients do not send is no part of a patch. */
static bool is_part(const struct field *f, enum schema_variant variant)
{
	return variant != VARIANT_PATCH || !f->read_only;
}

static struct schema_use *find_use(const struct schema_uses *u, const struct schema *s,
    enum schema_variant variant)
{
	for (struct schema_use *use = u->first; use != NULL; use = use->next)
		if (use->variant == variant && str_eq(str_of(use->schema->name), str_of(s->name)))
			return use;
	return NULL;
}

static struct schema_use *append_use(struct schema_uses *u, struct arena *a,
    const struct schema *s, enum schema_variant variant)
{
	struct schema_use *use = ARENA_NEW(a, struct schema_use);

	use->schema = s;
	use->variant = variant;
	if (u->last == NULL)
		u->first = use;
	else
		u->last->next = use;
	u->last = use;
	return use;
}

void schema_uses_add(struct schema_uses *u, struct arena *a, const struct schema *s,
    enum schema_variant variant, bool request)
{
	struct schema_use *use = find_use(u, s, variant);

	/* Known, and nothing new to say: also where a schema holds itself. */
	if (use != NULL && (use->request || !request))
		return;
	if (use == NULL)
		use = append_use(u, a, s, variant);
	use->request = request;
	if (variant == VARIANT_PAGE) {
		schema_uses_add(u, a, s, VARIANT_WHOLE, request);
		return;
	}
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (f->type == FIELD_OBJECT && is_part(f, variant))
			schema_uses_add(u, a, f->object, inner_variant(f, variant), request);
}

void schema_write_ref(struct arena *a, struct json_writer *w, const struct schema *s,
    enum schema_variant variant)
{
	json_object_open(w);
	json_member_string(w, "$ref", arena_printf(a, "#/components/schemas/%s%s", s->name,
	    variant_suffixes[variant]));
	json_object_close(w);
}

static void write_type(struct json_writer *w, const char *type, bool nullable)
{
	json_name(w, "type");
	if (!nullable) {
		json_put_string(w, str_of(type));
		return;
	}
	json_array_open(w);
	json_put_string(w, str_of(type));
	json_put_string(w, STR("null"));
	json_array_close(w);
}

static void write_choices(struct json_writer *w, const struct field *f, bool nullable)
{
	json_name(w, "enum");
	json_array_open(w);
	for (size_t i = 0; f->choices[i] != NULL; i++)
		json_put_string(w, str_of(f->choices[i]));
	if (nullable)
		json_put_null(w);
	json_array_close(w);
}

/* Bounds in bytes are given as characters: no fewer bytes hold as many. */
static void write_lengths(struct json_writer *w, const struct field *f,
    const struct schema_type *type, bool request)
{
	int64_t max = f->max != 0 ? f->max : request ? type->max : 0;

	if (f->min > 0 && f->type != FIELD_TEXT)
		json_member_int(w, "minLength", f->min);
	if (max > 0)
		json_member_int(w, "maxLength", max);
}

static void write_range(struct json_writer *w, const struct field *f)
{
	if (!field_is_bounded(f))
		return;
	json_member_int(w, "minimum", f->min);
	if (f->max != 0)
		json_member_int(w, "maximum", f->max);
}

static void write_scalar(struct json_writer *w, const struct field *f,
    const struct schema_type *type, bool nullable, bool request)
{
	const char *format = type->format == NULL && f->secret ? "password" : type->format;

	if (type->type != NULL)
		write_type(w, type->type, nullable);
	if (format != NULL)
		json_member_string(w, "format", str_of(format));
	if (type->pattern != NULL)
		json_member_string(w, "pattern", str_of(type->pattern));
	if (f->type == FIELD_ENUM)
		write_choices(w, f, nullable);
	if (type->json == JSON_STRING)
		write_lengths(w, f, type, request);
	else if (type->json == JSON_INT || type->json == JSON_DOUBLE)
		write_range(w, f);
}

static void write_object(struct arena *a, struct json_writer *w, const struct field *f,
    bool nullable, enum schema_variant variant)
{
	if (!nullable) {
		json_member_string(w, "$ref", arena_printf(a, "#/components/schemas/%s%s",
		    f->object->name, variant_suffixes[variant]));
		return;
	}
	json_name(w, "anyOf");
	json_array_open(w);
	schema_write_ref(a, w, f->object, variant);
	json_object_open(w);
	write_type(w, "null", false);
	json_object_close(w);
	json_array_close(w);
}

/* The members that say what one value may be. */
static void write_value(struct arena *a, struct json_writer *w, const struct field *f,
    bool nullable, enum schema_variant variant, bool request)
{
	if (f->type == FIELD_OBJECT)
		write_object(a, w, f, nullable, inner_variant(f, variant));
	else if (schema_type_of(f->type) != NULL)
		write_scalar(w, f, schema_type_of(f->type), nullable, request);
}

static void write_list(struct arena *a, struct json_writer *w, const struct field *f,
    enum schema_variant variant, bool request)
{
	write_type(w, "array", f->nullable);
	json_name(w, "items");
	json_object_open(w);
	write_value(a, w, f, false, variant, request);
	json_object_close(w);
	if (request || f->max_items != 0)
		json_member_int(w, "maxItems", field_max_items(f));
}

static void write_field(struct arena *a, struct json_writer *w, const struct field *f,
    enum schema_variant variant, bool request)
{
	json_object_open(w);
	if (f->list)
		write_list(a, w, f, variant, request && !f->read_only);
	else
		write_value(a, w, f, f->nullable, variant, request && !f->read_only);
	if (f->help != NULL)
		json_member_string(w, "description", str_of(f->help));
	/* What a patch leaves out stays as it is. */
	if (f->otherwise != NULL && variant != VARIANT_PATCH) {
		json_name(w, "default");
		json_put_raw(w, str_of(f->otherwise));
	}
	if (f->read_only)
		json_member_bool(w, "readOnly", true);
	json_object_close(w);
}

void schema_write_parameter(struct arena *a, struct json_writer *w, const struct field *f)
{
	struct field bare = *f;

	bare.help = NULL;               /* the parameter itself says it */
	write_field(a, w, &bare, VARIANT_WHOLE, true);
}

static bool has_required(const struct schema *s)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (f->required)
			return true;
	return false;
}

static void write_required(struct json_writer *w, const struct schema *s)
{
	if (!has_required(s))
		return;
	json_name(w, "required");
	json_array_open(w);
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (f->required)
			json_put_string(w, str_of(f->name));
	json_array_close(w);
}

static void write_properties(struct arena *a, struct json_writer *w, const struct schema_use *use)
{
	const struct schema *s = use->schema;

	json_object_open(w);
	write_type(w, "object", false);
	if (use->variant == VARIANT_WHOLE)
		write_required(w, s);
	json_name(w, "properties");
	json_object_open(w);
	for (const struct field *f = s->fields; f->name != NULL; f++) {
		if (!is_part(f, use->variant))
			continue;
		json_name(w, f->name);
		write_field(a, w, f, use->variant, use->request);
	}
	json_object_close(w);
	if (!s->open)
		json_member_bool(w, "additionalProperties", false);
	json_object_close(w);
}

static void write_page(struct arena *a, struct json_writer *w, const struct schema *s)
{
	static const struct field next_cursor = {
		.name = "next_cursor", .type = FIELD_STRING, .nullable = true,
		.help = "What `cursor` takes for the next page; null on the last one.",
	};

	json_object_open(w);
	write_type(w, "object", false);
	json_name(w, "required");
	json_array_open(w);
	json_put_string(w, STR("items"));
	json_put_string(w, str_of(next_cursor.name));
	json_array_close(w);
	json_name(w, "properties");
	json_object_open(w);
	json_name(w, "items");
	json_object_open(w);
	write_type(w, "array", false);
	json_name(w, "items");
	schema_write_ref(a, w, s, VARIANT_WHOLE);
	json_member_int(w, "maxItems", LIST_LIMIT_MAX);
	json_object_close(w);
	json_name(w, next_cursor.name);
	write_field(a, w, &next_cursor, VARIANT_WHOLE, false);
	json_object_close(w);
	json_member_bool(w, "additionalProperties", false);
	json_object_close(w);
}

void schema_uses_write(const struct schema_uses *u, struct arena *a, struct json_writer *w)
{
	for (const struct schema_use *use = u->first; use != NULL; use = use->next) {
		json_name_str(w, arena_printf(a, "%s%s", use->schema->name,
		    variant_suffixes[use->variant]));
		if (use->variant == VARIANT_PAGE)
			write_page(a, w, use->schema);
		else
			write_properties(a, w, use);
	}
}
