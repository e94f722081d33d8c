#include "content/import_date.h"

#include <stdio.h>

#include "base/time.h"

struct parts {
	unsigned   year, month, day, hour, minute, second;
	struct str fraction;            /* with its point */
	char       sign;                /* of the offset */
	unsigned   offset_hour, offset_minute;
};

/* Takes `least` to `most` digits off the front of *s. */
static bool take_number(struct str *s, size_t least, size_t most, unsigned *out)
{
	size_t n = 0;

	*out = 0;
	while (n < most && n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
		*out = *out * 10 + (unsigned)(s->ptr[n++] - '0');
	*s = str_from(*s, n);
	return n >= least;
}

static bool take_char(struct str *s, char c)
{
	if (str_is_empty(*s) || s->ptr[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool take_day(struct str *s, struct parts *p, char separator, size_t least)
{
	return take_number(s, 4, 4, &p->year) && take_char(s, separator) &&
	    take_number(s, least, 2, &p->month) && take_char(s, separator) &&
	    take_number(s, least, 2, &p->day);
}

static bool take_time(struct str *s, struct parts *p)
{
	size_t n = 1;

	if (!take_number(s, 1, 2, &p->hour) || !take_char(s, ':') ||
	    !take_number(s, 2, 2, &p->minute))
		return false;
	if (!take_char(s, ':'))
		return true;
	if (!take_number(s, 2, 2, &p->second))
		return false;
	if (str_is_empty(*s) || s->ptr[0] != '.')
		return true;
	while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
		n++;
	p->fraction = str_first(*s, n < 10 ? n : 10);
	*s = str_from(*s, n);
	return n > 1;
}

static bool take_offset(struct str *s, struct parts *p)
{
	if (str_is_empty(*s) || str_eq_nocase(*s, STR("Z")) || str_eq_nocase(*s, STR("UTC"))) {
		*s = STR("");
		return true;
	}
	p->sign = s->ptr[0];
	if (p->sign != '+' && p->sign != '-')
		return false;
	*s = str_from(*s, 1);
	if (!take_number(s, 2, 2, &p->offset_hour))
		return false;
	take_char(s, ':');
	return str_is_empty(*s) || take_number(s, 2, 2, &p->offset_minute);
}

/* RFC 3339 has the last word on which of them exist. */
static bool to_ms(const struct parts *p, int64_t *ms)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u%.*s%c%02u:%02u",
	    p->year, p->month, p->day, p->hour, p->minute, p->second, STR_ARG(p->fraction),
	    p->sign, p->offset_hour, p->offset_minute);

	return time_from_rfc3339((struct str){ text, (size_t)n }, ms);
}

bool import_date_parse(struct str text, int64_t *ms)
{
	struct parts p = { .sign = '+', .fraction = STR("") };
	struct str s = str_trim(text);

	if (!take_day(&s, &p, '-', 1))
		return false;
	if (!str_is_empty(s)) {
		if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
			return false;
		s = str_trim(s);
		if (!take_time(&s, &p))
			return false;
		s = str_trim(s);
		if (!take_offset(&s, &p) || !str_is_empty(s))
			return false;
	}
	return to_ms(&p, ms);
}

/* Behind a day in a path comes the end, or no further digit. */
static bool day_at(struct str s, char separator, int64_t *ms, struct str *behind)
{
	struct parts p = { .sign = '+', .fraction = STR("") };

	if (!take_day(&s, &p, separator, 2) || !to_ms(&p, ms))
		return false;
	if (!str_is_empty(s) && s.ptr[0] >= '0' && s.ptr[0] <= '9')
		return false;
	if (behind != NULL)
		*behind = s;
	return true;
}

bool import_date_in_path(struct str path, int64_t *ms, struct str *behind)
{
	for (size_t i = 0; i < path.len; i++) {
		struct str rest = str_from(path, i);

		if (i > 0 && path.ptr[i - 1] != '/')
			continue;
		if (day_at(rest, '/', ms, behind) || day_at(rest, '-', ms, behind))
			return true;
	}
	return false;
}
