#include "http/path.h"
#include "http/percent.h"

/* A raw path is at most this long: every byte of the decoded one as an escape. */
#define RAW_PATH_MAX_BYTES (3 * PATH_MAX_BYTES)

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool percent_byte(struct str s, size_t at, unsigned char *byte)
{
	int high, low;

	if (s.len - at < 3)
		return false;
	high = hex_value(s.ptr[at + 1]);
	low = hex_value(s.ptr[at + 2]);
	if (high < 0 || low < 0)
		return false;
	*byte = (unsigned char)(high << 4 | low);
	return true;
}

/* "http://host:port/path" without what is before the path; an origin-form target
 * as it is. */
static struct str strip_authority(struct str target)
{
	static const struct str schemes[] = { STR_INIT("http://"), STR_INIT("https://") };

	for (size_t i = 0; i < COUNT(schemes); i++) {
		if (!str_eq_nocase(str_first(target, schemes[i].len), schemes[i]))
			continue;
		target = str_from(target, schemes[i].len);
		target = str_from(target, str_index(target, '/'));
		return target.len > 0 ? target : STR("/");
	}
	return target;
}

/* One decoded byte of a path, or why there is none. */
static const char *byte_problem(unsigned char byte, bool escaped)
{
	if (byte < 0x20 || byte == 0x7F)
		return "control byte in the path";
	if (byte == '\\')
		return "backslash in the path";
	if (byte == '/' && escaped)
		return "encoded slash in the path";
	return NULL;
}

/* Percent-decodes `raw` into `out`, which has raw.len bytes. */
static const char *decode(struct str raw, char *out, size_t *out_len)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		unsigned char byte = (unsigned char)raw.ptr[i];
		bool escaped = byte == '%';
		if (escaped && !percent_byte(raw, i, &byte))
			return "bad percent escape in the path";
		i += escaped ? 2 : 0;
		const char *problem = byte_problem(byte, escaped);
		if (problem != NULL)
			return problem;
		out[n++] = (char)byte;
	}
	*out_len = n;
	return str_is_utf8((struct str){ out, n }) ? NULL : "invalid UTF-8 in the path";
}

/* Back to behind the slash before the last segment; false at the root. */
static bool drop_segment(const char *path, size_t *len)
{
	if (*len <= 1)
		return false;
	(*len)--;
	while (path[*len - 1] != '/')
		(*len)--;
	return true;
}

/*
 * In place: empty and "." segments go, ".." takes the one before it along.
 * What is written always ends in '/' when a segment begins, so that "/a/." and
 * "/a/b/.." become "/a/" (RFC 3986, 5.2.4).  False: ".." at the root.
 */
static bool remove_dot_segments(char *path, size_t *len)
{
	struct str rest = { path + 1, *len - 1 };
	size_t     written = 1;

	while (rest.ptr != NULL) {
		struct str segment = str_cut(&rest, '/');
		bool       last = rest.ptr == NULL;
		if (str_eq(segment, STR("..")) && !drop_segment(path, &written))
			return false;
		if (segment.len == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
			continue;
		memmove(path + written, segment.ptr, segment.len);
		written += segment.len;
		if (!last)
			path[written++] = '/';
	}
	*len = written;
	return true;
}

static enum err refuse(enum err e, const char *why, const char **reason)
{
	*reason = why;
	return e;
}

enum err path_normalize(struct arena *a, struct str target, struct str *path,
    struct str *query, const char **reason)
{
	struct str  whole = str_first(target, str_index(target, '#'));
	size_t      mark = str_index(whole, '?');
	struct str  raw = strip_authority(str_first(whole, mark));
	const char *problem;
	char       *out;
	size_t      len;

	if (!str_starts(raw, STR("/")))
		return refuse(ERR_INVALID, "the path does not start with a slash", reason);
	if (raw.len > RAW_PATH_MAX_BYTES)
		return refuse(ERR_TOO_LARGE, "the path is too long", reason);
	out = arena_alloc(a, raw.len);
	problem = decode(raw, out, &len);
	if (problem != NULL)
		return refuse(ERR_INVALID, problem, reason);
	if (len > PATH_MAX_BYTES)
		return refuse(ERR_TOO_LARGE, "the path is too long", reason);
	if (!remove_dot_segments(out, &len))
		return refuse(ERR_INVALID, "the path leaves the root", reason);
	*path = (struct str){ out, len };
	*query = mark < whole.len ? str_from(whole, mark + 1) : STR_NONE;
	return OK;
}
