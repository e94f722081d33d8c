#include "content/front_matter.h"

#include <stdarg.h>
#include <stdio.h>

#include "content/front_matter_source.h"

enum notation { YAML, TOML, JSON };

static const struct notation_row {
	struct str open, close, close_too;
	enum err (*read)(const struct front_matter_source *s, struct buf *json);
} notations[] = {
	[YAML] = { STR_INIT("---"), STR_INIT("---"), STR_INIT("..."), front_matter_yaml },
	[TOML] = { STR_INIT("+++"), STR_INIT("+++"), STR_INIT("+++"), front_matter_toml },
	[JSON] = { STR_INIT("{"), STR_INIT("}"), STR_INIT("}"), NULL },
};

enum err front_matter_fail(const struct front_matter_source *s, uint32_t line, uint32_t column,
    const char *fmt, ...)
{
	va_list args;

	s->error->line = s->line + line - 1;
	s->error->column = column;
	va_start(args, fmt);
	vsnprintf(s->error->reason, sizeof(s->error->reason), fmt, args);
	va_end(args);
	return ERR_INVALID;
}

/* --- the bytes ------------------------------------------------------------- */

/* Column of the first byte of `line` that is NUL or no UTF-8. */
static uint32_t bad_column(struct str line)
{
	size_t i = 0;

	while (i < line.len && line.ptr[i] != '\0') {
		size_t n = 1;

		while (n <= 4 && n <= line.len - i && !str_is_utf8(str_first(str_from(line, i), n)))
			n++;
		if (n > 4 || n > line.len - i)
			break;
		i += n;
	}
	return (uint32_t)i + 1;
}

static enum err check_bytes(struct front_matter_source *s, struct str file)
{
	if (str_is_utf8(file) && str_index(file, '\0') == file.len)
		return OK;
	for (uint32_t number = 1; file.ptr != NULL; number++) {
		struct str line = str_cut(&file, '\n');

		if (str_index(line, '\0') < line.len)
			return front_matter_fail(s, number, bad_column(line), "a NUL byte");
		if (!str_is_utf8(line))
			return front_matter_fail(s, number, bad_column(line),
			    "bytes that are not UTF-8");
	}
	return front_matter_fail(s, 1, 0, "bytes that are not UTF-8");
}

/* `text` with LF for CR LF where its first line says so. */
static enum err unify_line_ends(struct arena *a, struct str *text)
{
	size_t end = str_index(*text, '\n'), length = 0;
	char *to;

	if (end == text->len || end == 0 || text->ptr[end - 1] != '\r')
		return OK;
	to = arena_try(a, text->len);
	if (to == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < text->len; i++)
		if (text->ptr[i] != '\r' || i + 1 == text->len || text->ptr[i + 1] != '\n')
			to[length++] = text->ptr[i];
	*text = (struct str){ to, length };
	return OK;
}

/* --- where it begins and ends ---------------------------------------------- */

static struct str cut_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]) != NULL)
		line.len--;
	return line;
}

/* Takes white lines off the front of *rest; how many. */
static uint32_t skip_white_lines(struct str *rest)
{
	uint32_t lines = 0;

	for (;;) {
		struct str after = *rest;

		if (rest->ptr == NULL || !str_is_empty(str_trim(cut_line(&after))))
			return lines;
		*rest = after;
		lines++;
	}
}

static const struct notation_row *notation_of(struct str rest)
{
	struct str line = cut_line(&rest);

	if (str_starts(line, notations[JSON].open))
		return &notations[JSON];
	for (size_t i = 0; i < COUNT(notations); i++)
		if (str_eq(line, notations[i].open))
			return &notations[i];
	return NULL;
}

/* Splits *rest, behind the opening line, into s->text and what follows. */
static enum err split_lines(struct front_matter_source *s, const struct notation_row *n,
    struct str *rest)
{
	const char *start = rest->ptr;

	while (rest->ptr != NULL) {
		const char *line_start = rest->ptr;
		struct str line = cut_line(rest);

		if (str_eq(line, n->close) || str_eq(line, n->close_too)) {
			s->text = (struct str){ start, (size_t)(line_start - start) };
			return OK;
		}
	}
	return front_matter_fail(s, 0, 0, "the front matter that begins here has no closing %.*s",
	    STR_ARG(n->close));
}

/* Length of the JSON value at the front by its brackets, 0 when they do not
 * match; whether it is JSON is for json_parse to say. */
static size_t json_extent(struct str text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* The same for JSON, whose delimiters belong to the text. */
static enum err split_json(struct front_matter_source *s, struct str *rest)
{
	size_t length = json_extent(*rest);
	struct str behind;

	/* Without an end, all of it: then json_parse says where it breaks. */
	s->text = str_first(*rest, length == 0 ? rest->len : length);
	*rest = str_from(*rest, s->text.len);
	behind = cut_line(rest);
	if (length != 0 && !str_is_empty(behind))
		return front_matter_fail(s, 1, 0,
		    "text behind the closing } of the JSON front matter");
	return OK;
}

/* --- reading --------------------------------------------------------------- */

/* Our own JSON cannot be malformed, but may be too deep. */
static enum err read_by_way_of_json(const struct front_matter_source *s,
    const struct notation_row *n, const struct json **document)
{
	struct json_error error = { 0 };
	struct buf json;
	enum err e;

	buf_init(&json, s->arena, 8 * FRONT_MATTER_MAX_BYTES);
	e = n->read(s, &json);
	if (e != OK)
		return e;
	if (buf_failed(&json))
		return ERR_NO_MEMORY;
	e = json_parse(s->arena, buf_str(&json), FRONT_MATTER_DEPTH_MAX, document, &error);
	if (e == ERR_INVALID)
		return front_matter_fail(s, 1, 0, "%s", error.reason);
	return e;
}

static enum err read_json(const struct front_matter_source *s, const struct json **document)
{
	struct json_error error = { 0 };
	enum err e = json_parse(s->arena, s->text, FRONT_MATTER_DEPTH_MAX, document, &error);

	if (e == ERR_INVALID)
		return front_matter_fail(s, error.line, error.column, "%s", error.reason);
	return e;
}

static enum err read_block(struct front_matter_source *s, const struct notation_row *n,
    struct str *rest, const struct json **document)
{
	enum err e;

	if (n->read == NULL) {
		e = split_json(s, rest);
	} else {
		cut_line(rest);
		s->line++;
		e = split_lines(s, n, rest);
	}
	if (e != OK)
		return e;
	if (s->text.len > FRONT_MATTER_MAX_BYTES)
		return front_matter_fail(s, 1, 0, "the front matter is over %d bytes",
		    FRONT_MATTER_MAX_BYTES);
	return n->read == NULL ? read_json(s, document) : read_by_way_of_json(s, n, document);
}

static struct str body_of(struct str rest)
{
	if (rest.ptr == NULL)
		return STR("");
	return str_starts(rest, STR("\n")) ? str_from(rest, 1) : rest;
}

enum err front_matter_read(struct arena *a, struct str file, struct front_matter *out,
    struct front_matter_error *error)
{
	struct front_matter_source s = { .arena = a, .line = 1, .error = error };
	struct str rest = str_starts(file, STR("\xEF\xBB\xBF")) ? str_from(file, 3) : file;
	const struct json *document = NULL;
	const struct notation_row *n;
	enum err e = check_bytes(&s, rest);

	if (e == OK)
		e = unify_line_ends(a, &rest);
	if (e != OK)
		return e;
	s.line += skip_white_lines(&rest);
	n = notation_of(rest);
	if (n == NULL) {
		s.line = 1;
		return front_matter_fail(&s, 1, 0, "no front matter: the file begins with "
		    "none of --- (YAML), +++ (TOML) and { (JSON)");
	}
	e = read_block(&s, n, &rest, &document);
	if (e == OK)
		*out = (struct front_matter){ document, body_of(rest) };
	return e;
}
