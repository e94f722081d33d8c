#include "net/mail_template.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"

#define ARENA_BYTES     ((size_t)MAIL_KINDS * 4 * MAIL_TEMPLATE_MAX_BYTES)
#define SUBJECT         "Subject:"
#define SUBJECT_MAX     200

static const char *const kinds[] = {
	[MAIL_CONFIRM] = "confirm",
	[MAIL_RESET] = "reset",
	[MAIL_ALREADY_REGISTERED] = "already-registered",
	[MAIL_PASSWORD_CHANGED] = "password-changed",
	[MAIL_TOTP_CHANGED] = "totp-changed",
	[MAIL_NEW_SIGN_IN] = "new-sign-in",
	[MAIL_PROVIDER_LINKED] = "provider-linked",
	[MAIL_KEY_LEAKED] = "key-leaked",
};
static_assert(COUNT(kinds) == MAIL_KINDS, "a file for each kind");

static const struct str variables[] = {
	[MAIL_PRODUCT] = STR_INIT("product"),
	[MAIL_LINK] = STR_INIT("link"),
	[MAIL_CODE] = STR_INIT("code"),
	[MAIL_MINUTES] = STR_INIT("minutes"),
	[MAIL_NAME] = STR_INIT("name"),
	[MAIL_PROVIDER] = STR_INIT("provider"),
	[MAIL_KEY] = STR_INIT("key"),
	[MAIL_TIME] = STR_INIT("time"),
};
static_assert(COUNT(variables) == MAIL_VARIABLES, "a name for each variable");

const char *mail_kind_name(enum mail_kind kind)
{
	return (size_t)kind < COUNT(kinds) ? kinds[kind] : "";
}

void mail_templates_open(struct mail_templates *t, struct str directory)
{
	*t = (struct mail_templates){ .directory = STR_NONE };
	pthread_mutex_init(&t->reading, NULL);
	arena_init(&t->arena, ARENA_BYTES);
	t->directory = arena_dup(&t->arena, directory);
}

void mail_templates_close(struct mail_templates *t)
{
	pthread_mutex_destroy(&t->reading);
	arena_clean(&t->arena);
}

/* --- variables ---------------------------------------------------------------------- */

/* Index of `what` in `s`; s.len: nowhere. */
static size_t find(struct str s, struct str what)
{
	size_t i = 0;

	while (i < s.len && !str_starts(str_from(s, i), what))
		i++;
	return i;
}

static bool is_variable(struct str name, enum mail_variable *out)
{
	for (size_t i = 0; i < COUNT(variables); i++) {
		if (str_eq(variables[i], name)) {
			*out = (enum mail_variable)i;
			return true;
		}
	}
	return false;
}

/*
 * Takes what stands before the next variable off the front of *rest into *before,
 * and the variable after it: true.  False when there is none, or (*bad is its name)
 * one that does not exist.
 */
static bool next_variable(struct str *rest, struct str *before, enum mail_variable *which,
    struct str *bad)
{
	size_t open = find(*rest, STR("{{"));
	struct str name = str_from(*rest, open + 2);
	size_t close = find(name, STR("}}"));

	*bad = STR_NONE;
	*before = str_first(*rest, open);
	*rest = str_from(*rest, open);
	if (rest->len == 0)
		return false;
	if (close == name.len || !is_variable(str_first(name, close), which)) {
		*bad = str_first(name, close < 40 ? close : 40);
		return false;
	}
	*rest = str_from(name, close + 2);
	return true;
}

static void add_escaped(struct buf *out, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		switch (value.ptr[i]) {
		case '&':
			BUF_LIT(out, "&amp;");
			break;
		case '<':
			BUF_LIT(out, "&lt;");
			break;
		case '>':
			BUF_LIT(out, "&gt;");
			break;
		case '"':
			BUF_LIT(out, "&quot;");
			break;
		case '\'':
			BUF_LIT(out, "&#39;");
			break;
		default:
			buf_char(out, value.ptr[i]);
		}
	}
}

/* False: a variable in it has no value. */
static bool fill_line(struct buf *out, struct str line, const struct mail_values *values, bool html)
{
	struct str before, bad;
	enum mail_variable which;

	while (next_variable(&line, &before, &which, &bad)) {
		buf_add(out, before);
		if (values->of[which].len == 0)
			return false;
		if (html)
			add_escaped(out, values->of[which]);
		else
			buf_add(out, values->of[which]);
	}
	buf_add(out, before);
	return true;
}

void mail_template_fill(struct buf *out, struct str text, const struct mail_values *values,
    bool html)
{
	while (text.len > 0) {
		size_t before = out->len;
		struct str line = str_first(text, str_index(text, '\n') + 1);
		text = str_from(text, line.len);
		if (!fill_line(out, line, values, html))
			buf_truncate(out, before);
	}
}

/* --- files -------------------------------------------------------------------------- */

static enum err read_file(struct mail_templates *t, const char *path, struct str *out)
{
	struct buf text;
	size_t n;

	FILE *f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	buf_init(&text, &t->arena, MAIL_TEMPLATE_MAX_BYTES);
	if (!buf_reserve(&text, MAIL_TEMPLATE_MAX_BYTES)) {
		fclose(f);
		return ERR_NO_MEMORY;
	}
	n = fread(text.ptr, 1, MAIL_TEMPLATE_MAX_BYTES, f);
	bool whole = feof(f) != 0 && ferror(f) == 0;
	fclose(f);
	*out = (struct str){ text.ptr, n };
	return whole ? OK : ERR_TOO_LARGE;
}

static const char *problem(struct str text, struct str *bad)
{
	struct str before;
	enum mail_variable which;

	*bad = STR_NONE;
	if (!str_is_utf8(text))
		return "it is not UTF-8";
	while (next_variable(&text, &before, &which, bad))
		continue;
	return bad->ptr == NULL ? NULL : "there is no variable of that name";
}

static enum err load_file(struct mail_templates *t, enum mail_kind kind, const char *ending,
    struct arena *a, struct str *out, struct str *reason)
{
	struct str path = arena_printf(a, "%.*s/%s.%s", STR_ARG(t->directory), mail_kind_name(kind),
	    ending);
	struct str bad;

	enum err e = read_file(t, path.ptr, out);
	if (e != OK) {
		*reason = arena_printf(a, "%.*s: %s", STR_ARG(path), err_text(e));
		return e;
	}
	const char *wrong = problem(*out, &bad);
	if (wrong == NULL)
		return OK;
	*reason = arena_printf(a, "%.*s: \"%.*s\": %s", STR_ARG(path), STR_ARG(bad), wrong);
	return ERR_CORRUPT;
}

/* Takes the subject and the empty line after it off the text. */
static bool cut_subject(struct mail_template *template)
{
	struct str rest = template->text, line = str_cut(&rest, '\n');

	if (!str_starts(line, STR(SUBJECT)) || rest.ptr == NULL)
		return false;
	template->subject = str_trim(str_from(line, strlen(SUBJECT)));
	template->text = str_starts(rest, STR("\n")) ? str_from(rest, 1) : rest;
	return template->subject.len > 0 && template->subject.len <= SUBJECT_MAX;
}

static enum err load(struct mail_templates *t, enum mail_kind kind, struct arena *a,
    struct str *reason)
{
	struct mail_template template = { .loaded = true };

	enum err e = load_file(t, kind, "txt", a, &template.text, reason);
	if (e == OK)
		e = load_file(t, kind, "html", a, &template.html, reason);
	if (e == OK && !cut_subject(&template)) {
		*reason = arena_printf(a, "%.*s/%s.txt: expected a first line \"" SUBJECT " …\"",
		    STR_ARG(t->directory), mail_kind_name(kind));
		e = ERR_CORRUPT;
	}
	if (e == OK)
		t->of[kind] = template;
	return e;
}

enum err mail_templates_get(struct mail_templates *t, enum mail_kind kind, struct arena *a,
    const struct mail_template **out, struct str *reason)
{
	enum err e = OK;

	pthread_mutex_lock(&t->reading);
	if (!t->of[kind].loaded)
		e = load(t, kind, a, reason);
	pthread_mutex_unlock(&t->reading);
	*out = &t->of[kind];
	return e;
}
