#include "docs/raw_json.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct raw_members *m)
{
	while (m->at < m->end && is_space(*m->at))
		m->at++;
}

static bool take(struct raw_members *m, char c)
{
	skip_space(m);
	if (m->at == m->end || *m->at != c)
		return false;
	m->at++;
	return true;
}

static bool fail(struct raw_members *m)
{
	m->broken = true;
	return false;
}

/* From behind its opening quote to behind its closing one. */
static bool skip_string(struct raw_members *m)
{
	while (m->at < m->end && *m->at != '"')
		m->at += *m->at == '\\' && m->end - m->at > 1 ? 2 : 1;
	if (m->at == m->end)
		return fail(m);
	m->at++;
	return true;
}

/* An object or a list, from its opening bracket to behind the one that closes it. */
static bool skip_brackets(struct raw_members *m)
{
	unsigned depth = 0;

	while (m->at < m->end) {
		char c = *m->at++;

		if (c == '"' && !skip_string(m))
			return false;
		if (c == '{' || c == '[')
			depth++;
		if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return fail(m);
}

static bool skip_value(struct raw_members *m, struct str *value)
{
	const char *begin;

	skip_space(m);
	begin = m->at;
	if (m->at == m->end)
		return fail(m);
	if (*m->at == '"') {
		m->at++;
		if (!skip_string(m))
			return false;
	} else if (*m->at == '{' || *m->at == '[') {
		if (!skip_brackets(m))
			return false;
	} else {
		while (m->at < m->end && strchr(",}]", *m->at) == NULL && !is_space(*m->at))
			m->at++;
	}
	*value = (struct str){ begin, (size_t)(m->at - begin) };
	return value->len > 0 || fail(m);
}

static struct raw_members open_brackets(struct str text, char bracket)
{
	struct raw_members m = { text.ptr, text.ptr + text.len, false, false };

	if (text.ptr == NULL || !take(&m, bracket))
		m.broken = true;
	return m;
}

/* Behind the end there is nothing. */
static bool finish(struct raw_members *m)
{
	m->ended = true;
	skip_space(m);
	if (m->at != m->end)
		m->broken = true;
	return false;
}

struct raw_members raw_members(struct str object)
{
	return open_brackets(object, '{');
}

struct raw_members raw_elements(struct str list)
{
	return open_brackets(list, '[');
}

bool raw_next(struct raw_members *m, struct str *name, struct str *value)
{
	const char *begin;

	if (m->broken || m->ended)
		return false;
	if (take(m, '}'))
		return finish(m);
	(void)take(m, ',');
	if (!take(m, '"'))
		return fail(m);
	begin = m->at;
	if (!skip_string(m))
		return false;
	*name = (struct str){ begin, (size_t)(m->at - 1 - begin) };
	if (str_contains(*name, STR("\\")) || !take(m, ':'))
		return fail(m);
	return skip_value(m, value);
}

bool raw_next_element(struct raw_members *m, struct str *value)
{
	if (m->broken || m->ended)
		return false;
	if (take(m, ']'))
		return finish(m);
	(void)take(m, ',');
	return skip_value(m, value);
}

struct str raw_get(struct str object, const char *name)
{
	struct raw_members m = raw_members(object);
	struct str         found, value;

	while (raw_next(&m, &found, &value))
		if (str_eq(found, str_of(name)))
			return value;
	return STR_NONE;
}

bool raw_is_object(struct str text)
{
	struct raw_members m = raw_members(text);
	struct str         name, value;

	while (raw_next(&m, &name, &value))
		continue;
	return !m.broken;
}
