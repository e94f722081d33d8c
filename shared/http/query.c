#include "http/path.h"
#include "http/percent.h"

/* Whether `s` stands for itself, so that no copy is needed. */
static bool is_plain(struct str s)
{
	return str_index(s, '%') == s.len && str_index(s, '+') == s.len;
}

/* One name or value decoded, or why it is none. */
static const char *decode(struct arena *a, struct str raw, struct str *out)
{
	char  *bytes = arena_alloc(a, raw.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		unsigned char byte = (unsigned char)raw.ptr[i];
		if (byte == '+')
			byte = ' ';
		if (raw.ptr[i] == '%') {
			if (!percent_byte(raw, i, &byte))
				return "bad percent escape";
			i += 2;
		}
		bytes[n++] = (char)byte;
	}
	bytes[n] = '\0';
	*out = (struct str){ bytes, n };
	return NULL;
}

static const char *read_part(struct arena *a, struct str raw, struct str *out)
{
	const char *problem = NULL;

	if (is_plain(raw))
		*out = raw.ptr == NULL ? STR("") : raw;
	else
		problem = decode(a, raw, out);
	if (problem != NULL)
		return problem;
	if (str_index(*out, '\0') < out->len)
		return "NUL byte";
	return str_is_utf8(*out) ? NULL : "invalid UTF-8";
}

static bool is_named(const struct path_parameter *list, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(list[i].name, name))
			return true;
	return false;
}

static const char *read_pair(struct arena *a, struct str pair, struct path_parameter *out)
{
	struct str  value = pair, name = str_cut(&value, '=');
	const char *problem = read_part(a, name, &out->name);

	return problem != NULL ? problem : read_part(a, value, &out->value);
}

enum err form_parse(struct arena *a, struct str raw, struct path_parameter *list,
    size_t room, size_t *count, const char **reason)
{
	size_t n = 0;

	while (raw.ptr != NULL) {
		struct path_parameter parameter;
		struct str pair = str_cut(&raw, '&');
		if (pair.len == 0)
			continue;
		if (n == room) {
			*reason = "too many parameters";
			return ERR_TOO_LARGE;
		}
		*reason = read_pair(a, pair, &parameter);
		if (*reason == NULL && is_named(list, n, parameter.name))
			*reason = "a name given twice";
		if (*reason != NULL)
			return ERR_INVALID;
		list[n++] = parameter;
	}
	*reason = NULL;
	*count = n;
	return OK;
}

enum err query_parse(struct arena *a, struct str raw, struct path_parameter *list,
    size_t room, size_t *count, const char **reason)
{
	if (raw.len > QUERY_MAX_BYTES) {
		*reason = "too long";
		return ERR_TOO_LARGE;
	}
	return form_parse(a, raw, list, room, count, reason);
}
