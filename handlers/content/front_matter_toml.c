#include "content/front_matter_source.h"
#include "content/toml_reader.h"

/* Behind the string that begins at s.ptr[0], a quote: TOML 1.0, "String". */
static size_t string_length(struct str s)
{
	char quote = s.ptr[0];
	bool multi_line = s.len >= 3 && s.ptr[1] == quote && s.ptr[2] == quote;

	for (size_t i = multi_line ? 3 : 1; i < s.len; i++) {
		if (s.ptr[i] == '\\' && quote == '"')
			i++;
		else if (s.ptr[i] == quote && !multi_line)
			return i + 1;
		else if (s.ptr[i] == quote && str_starts(str_from(s, i),
		    quote == '"' ? STR("\"\"\"") : STR("'''")))
			return i + 3;
		else if (s.ptr[i] == '\n' && !multi_line)
			return i;
	}
	return s.len;
}

/* Every dot of a dotted key is a table within a table, and toml++ walks and
 * frees those by recursion.  The first line that has too many of them; 0: none. */
static uint32_t line_of_many_dots(struct str text)
{
	uint32_t line = 1, dots = 0;

	for (size_t i = 0; i < text.len;) {
		struct str rest = str_from(text, i);
		size_t n = 1;

		if (rest.ptr[0] == '"' || rest.ptr[0] == '\'') {
			n = string_length(rest);
			for (size_t k = 0; k < n; k++)
				line += rest.ptr[k] == '\n';
		} else if (rest.ptr[0] == '#') {
			n = str_index(rest, '\n');
		} else if (rest.ptr[0] == '\n') {
			line++;
			dots = 0;
		} else if (rest.ptr[0] == '.' && ++dots > FRONT_MATTER_DOTS_MAX) {
			return line;
		}
		i += n;
	}
	return 0;
}

enum err front_matter_toml(const struct front_matter_source *s, struct buf *json)
{
	struct toml_error error = { 0, 0, "" };
	struct json_writer w;
	uint32_t line = line_of_many_dots(s->text);
	enum err e;

	if (line != 0)
		return front_matter_fail(s, line, 0, "TOML: nested too deep");
	json_begin(&w, json);
	e = toml_read(s->text, &w, &error);
	if (e == ERR_INVALID)
		return front_matter_fail(s, error.line, error.column, "TOML: %s", error.reason);
	return e;
}
