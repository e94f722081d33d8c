#include "config/json_list.h"

#include "base/buf.h"

#define DEPTH_MAX       4
#define NAMES_MAX_BYTES 1024

bool json_entry_refuse(struct json_entry *r, const char *member, const char *why)
{
	if (r->reason.ptr == NULL)
		r->reason = arena_printf(r->arena, "%s: entry %zu: %s: %s", r->form->setting,
		    r->index + 1, member, why);
	return false;
}

static bool is_member(const struct json_list_form *form, struct str name)
{
	for (size_t i = 0; i < form->n_members; i++)
		if (str_eq(name, str_of(form->members[i].name)))
			return true;
	return false;
}

static bool check_name(void *context, struct json_member member)
{
	struct json_entry           *r = context;
	const struct json_list_form *form = r->form;
	struct buf                   names;

	if (is_member(form, member.name))
		return true;
	buf_init(&names, r->arena, NAMES_MAX_BYTES);
	for (size_t i = 0; i < form->n_members; i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : i + 1 < form->n_members ? ", " : " and ",
		    form->members[i].name);
	return json_entry_refuse(r, "it", arena_printf(r->arena,
	    "there is a member that is none; there are %s", buf_cstr(&names)).ptr);
}

static bool read_entry(struct json_entry *r, const struct json *entry)
{
	const struct json_list_form *form = r->form;

	if (json_type(entry) != JSON_OBJECT)
		return json_entry_refuse(r, "it", "expected an object");
	form->begin(r, entry);
	json_each(entry, check_name, r);
	for (size_t i = 0; i < form->n_members && r->reason.ptr == NULL; i++) {
		const struct json_entry_member *m = &form->members[i];
		const struct json              *v = json_get(entry, str_of(m->name));

		if (v == NULL && m->required)
			return json_entry_refuse(r, m->name, "it is missing");
		if (v != NULL && !m->read(r, v))
			return false;
	}
	return r->reason.ptr == NULL && form->add(r);
}

enum err json_list_read(struct arena *a, const struct json_list_form *form, struct str text,
    void *out, void *list, struct str *reason)
{
	const struct json *entries;
	struct json_error  error = { 0 };

	if (json_parse(a, text, DEPTH_MAX, &entries, &error) != OK ||
	    json_type(entries) != JSON_ARRAY) {
		*reason = arena_printf(a, "%s: expected a JSON list on one line, like %s%s%s",
		    form->setting, form->example, error.reason == NULL ? "" : ": ",
		    error.reason == NULL ? "" : error.reason);
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_length(entries); i++) {
		struct json_entry r = {
			.form = form, .arena = a, .index = i, .out = out, .list = list,
		};

		if (!read_entry(&r, json_at(entries, i))) {
			*reason = r.reason;
			return ERR_INVALID;
		}
	}
	return OK;
}
