#include "http/schema_types.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "access/address.h"
#include "base/id.h"
#include "base/time.h"

#define EMAIL_LOCAL_MAX 64              /* RFC 5321, 4.5.3.1.1 */
#define LABEL_MAX       63              /* RFC 1035, 2.3.4 */

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Says why and is false, for `return no(…)`. */
static bool PRINTF(2, 3) no(char why[SCHEMA_WHY_SIZE], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, SCHEMA_WHY_SIZE, fmt, args);
	va_end(args);
	return false;
}

int64_t field_max(const struct field *f)
{
	const struct schema_type *type = schema_type_of(f->type);

	if (f->max != 0)
		return f->max;
	return type == NULL || type->max == 0 ? INT64_MAX : type->max;
}

uint32_t field_max_items(const struct field *f)
{
	return f->max_items != 0 ? f->max_items : SCHEMA_LIST_ITEMS_MAX;
}

bool field_is_bounded(const struct field *f)
{
	return f->min != 0 || f->max != 0;
}

static bool length_fits(const struct field *f, size_t length, const char *unit,
    char why[SCHEMA_WHY_SIZE])
{
	int64_t n = (int64_t)length;

	if (n < f->min && f->min == 1)
		return no(why, "must not be empty");
	if (n < f->min)
		return no(why, "must be at least %" PRId64 " %s", f->min, unit);
	if (n > field_max(f))
		return no(why, "must be at most %" PRId64 " %s", field_max(f), unit);
	return true;
}

static bool check_string(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	if (str_index(text, '\0') < text.len)
		return no(why, "must not contain a NUL character");
	if (str_has_control(text))
		return no(why, "must be one line without control characters");
	return length_fits(f, str_code_points(text), "characters", why);
}

static bool has_control_but_lines(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F)
			return true;
	}
	return false;
}

static bool check_text(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	if (str_index(text, '\0') < text.len)
		return no(why, "must not contain a NUL character");
	if (has_control_but_lines(text))
		return no(why, "must not contain control characters other than tabs and line ends");
	return length_fits(f, text.len, "bytes", why);
}

static bool is_choice(const struct field *f, struct str text)
{
	for (size_t i = 0; f->choices[i] != NULL; i++)
		if (str_eq(text, str_of(f->choices[i])))
			return true;
	return false;
}

static bool check_enum(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	size_t used;

	if (is_choice(f, text))
		return true;
	used = (size_t)snprintf(why, SCHEMA_WHY_SIZE, "must be one of");
	for (size_t i = 0; f->choices[i] != NULL && used < SCHEMA_WHY_SIZE; i++)
		used += (size_t)snprintf(why + used, SCHEMA_WHY_SIZE - used, "%s %s",
		    i == 0 ? "" : ",", f->choices[i]);
	return false;
}

static bool is_slug(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool inner = i > 0 && i + 1 < s.len && s.ptr[i - 1] != '-';
		if (!is_lower_alnum(s.ptr[i]) && !(s.ptr[i] == '-' && inner))
			return false;
	}
	return s.len > 0;
}

static bool check_slug(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	if (!is_slug(text))
		return no(why, "must be lower-case letters and digits in words joined by single hyphens");
	return length_fits(f, text.len, "characters", why);
}

static bool check_uuid(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	(void)f;
	return id_is_uuid(text) || no(why, "must be a UUID");
}

static bool is_label(struct str s)
{
	if (s.len == 0 || s.len > LABEL_MAX || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
	return true;
}

/* A name of labels (RFC 1123, 2.1); one alone will do: "localhost". */
static bool is_host_name(struct str s)
{
	while (s.ptr != NULL)
		if (!is_label(str_cut(&s, '.')))
			return false;
	return true;
}

/* RFC 5322, 3.2.3: atoms joined by single dots. */
static bool is_dot_atom(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool inner = i > 0 && i + 1 < s.len && s.ptr[i - 1] != '.';
		if (!is_alnum(s.ptr[i]) && !is_one_of(s.ptr[i], "!#$%&'*+-/=?^_`{|}~") &&
		    !(s.ptr[i] == '.' && inner))
			return false;
	}
	return s.len > 0;
}

static bool is_email(struct str s)
{
	struct str domain = s, local = str_cut(&domain, '@');

	return domain.ptr != NULL && local.len <= EMAIL_LOCAL_MAX && is_dot_atom(local) &&
	    is_host_name(domain);
}

static bool check_email(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	if (!is_email(text))
		return no(why, "must be an e-mail address");
	return length_fits(f, text.len, "characters", why);
}

/* Every byte is one that RFC 3986 lets stand in a URI, every '%' an escape. */
static bool is_uri_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.ptr[i]) && !is_one_of(s.ptr[i], "-._~:/?#[]@!$&'()*+,;=%"))
			return false;
		if (s.ptr[i] == '%' && !(i + 2 < s.len &&
		    is_one_of(s.ptr[i + 1], "0123456789abcdefABCDEF") &&
		    is_one_of(s.ptr[i + 2], "0123456789abcdefABCDEF")))
			return false;
	}
	return true;
}

/* "example.com", "192.0.2.1:8080", "[2001:db8::1]:80". */
static bool is_authority(struct str s)
{
	bool           bracketed = str_starts(s, STR("["));
	size_t         end = str_index(s, bracketed ? ']' : ':');
	struct str     host = bracketed ? str_from(str_first(s, end), 1) : str_first(s, end);
	struct str     port = str_from(s, bracketed ? end + 1 : end);
	struct address address;
	uint64_t       number;

	if (bracketed && (end == s.len || str_index(host, ':') == host.len ||
	    !address_parse(host, &address)))
		return false;
	if (!bracketed && !is_host_name(host))
		return false;
	if (port.len == 0)
		return true;
	return port.ptr[0] == ':' && str_to_u64(str_from(port, 1), &number) && number <= 65535;
}

/* What is wrong with `s` as an absolute web address, or NULL. */
static const char *url_problem(struct str s)
{
	size_t     scheme = str_index(s, ':');
	struct str rest = str_from(s, scheme), authority;
	size_t     end = 3;

	if (!str_eq_nocase(str_first(s, scheme), STR("http")) &&
	    !str_eq_nocase(str_first(s, scheme), STR("https")))
		return "must begin with http:// or https://";
	if (!str_starts(rest, STR("://")))
		return "must begin with http:// or https://";
	while (end < rest.len && !is_one_of(rest.ptr[end], "/?#"))
		end++;
	authority = str_from(str_first(rest, end), 3);
	if (str_index(authority, '@') < authority.len)
		return "must not contain a user name or password";
	if (!is_authority(authority))
		return "must name a host";
	if (!is_uri_text(str_from(rest, end)))
		return "must be a URL: percent-encode spaces and characters that are not ASCII";
	return NULL;
}

static bool check_url(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	const char *problem = url_problem(text);

	if (problem != NULL)
		return no(why, "%s", problem);
	return length_fits(f, text.len, "bytes", why);
}

static bool check_date(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	int64_t ms;

	(void)f;
	return time_from_date(text, &ms) || no(why, "must be a date: YYYY-MM-DD");
}

static bool check_time(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE])
{
	int64_t ms;

	(void)f;
	return time_from_rfc3339(text, &ms) ||
	    no(why, "must be a time as RFC 3339 has it: 2026-01-02T03:04:05Z");
}

bool schema_int_fits(const struct field *f, int64_t n, char why[SCHEMA_WHY_SIZE])
{
	if (field_is_bounded(f) && n < f->min)
		return no(why, "must be at least %" PRId64, f->min);
	if (field_is_bounded(f) && n > field_max(f))
		return no(why, "must be at most %" PRId64, field_max(f));
	return true;
}

bool schema_number_fits(const struct field *f, double n, char why[SCHEMA_WHY_SIZE])
{
	if (field_is_bounded(f) && n < (double)f->min)
		return no(why, "must be at least %" PRId64, f->min);
	if (field_is_bounded(f) && n > (double)field_max(f))
		return no(why, "must be at most %" PRId64, field_max(f));
	return true;
}

static const struct schema_type types[] = {
	[FIELD_STRING] = { JSON_STRING, "must be a string", 200, check_string,
	    "string", NULL, NULL },
	[FIELD_TEXT] = { JSON_STRING, "must be a string", 1 << 20, check_text,
	    "string", NULL, NULL },
	[FIELD_INT] = { JSON_INT, "must be an integer", 0, NULL, "integer", "int64", NULL },
	[FIELD_NUMBER] = { JSON_DOUBLE, "must be a number", 0, NULL, "number", "double", NULL },
	[FIELD_BOOL] = { JSON_BOOL, "must be true or false", 0, NULL, "boolean", NULL, NULL },
	[FIELD_ENUM] = { JSON_STRING, "must be a string", 0, check_enum, "string", NULL, NULL },
	[FIELD_SLUG] = { JSON_STRING, "must be a string", 96, check_slug,
	    "string", NULL, "^[a-z0-9]+(-[a-z0-9]+)*$" },
	[FIELD_UUID] = { JSON_STRING, "must be a string", 0, check_uuid, "string", "uuid", NULL },
	[FIELD_URL] = { JSON_STRING, "must be a string", 2048, check_url, "string", "uri", NULL },
	[FIELD_EMAIL] = { JSON_STRING, "must be a string", 254, check_email,
	    "string", "email", NULL },
	[FIELD_DATE] = { JSON_STRING, "must be a string", 0, check_date, "string", "date", NULL },
	[FIELD_TIME] = { JSON_STRING, "must be a string", 0, check_time,
	    "string", "date-time", NULL },
	[FIELD_OBJECT] = { JSON_OBJECT, "must be an object", 0, NULL, "object", NULL, NULL },
	[FIELD_ANY] = { JSON_NULL, "", 0, NULL, NULL, NULL, NULL },
};

const struct schema_type *schema_type_of(enum field_type type)
{
	size_t i = (size_t)type;

	return i < COUNT(types) && types[i].must_be != NULL ? &types[i] : NULL;
}
