#include "base/limits.h"
#include "lambda/field.h"
#include "lambda/reply.h"

/* Of the connection, not of the reply (RFC 9110, 7.6.1); lengths are Lambda's to say. */
static const struct str left_out[] = {
	STR_INIT("connection"), STR_INIT("content-length"), STR_INIT("keep-alive"),
	STR_INIT("proxy-authenticate"), STR_INIT("proxy-connection"), STR_INIT("status"), STR_INIT("te"),
	STR_INIT("trailer"), STR_INIT("transfer-encoding"), STR_INIT("upgrade"),
};

size_t reply_head_end(struct str bytes)
{
	size_t begin = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] != '\n')
			continue;
		size_t end = i > begin && bytes.ptr[i - 1] == '\r' ? i - 1 : i;
		if (end == begin)
			return i + 1;
		begin = i + 1;
	}
	return 0;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return s.len > 0;
}

/* "404 Not Found" */
static bool read_status(struct str value, int *status)
{
	uint64_t n;

	if (!str_to_u64(str_first(value, str_index(value, ' ')), &n) || n < 200 || n > 599)
		return false;
	*status = (int)n;
	return true;
}

static enum err read_line(struct str line, struct reply *out)
{
	size_t colon = str_index(line, ':');
	struct str name = str_first(line, colon), value = str_trim(str_from(line, colon + 1));

	if (colon == line.len || !is_token(name) || !field_is_value(value))
		return ERR_INVALID;
	if (str_eq_nocase(name, STR("status")) && !read_status(value, &out->status))
		return ERR_INVALID;
	if (field_is_one_of(name, left_out, COUNT(left_out)))
		return OK;
	if (out->count == REPLY_HEADERS_MAX)
		return ERR_TOO_LARGE;
	out->list[out->count++] = (struct reply_header){ name, value };
	return OK;
}

enum err reply_read_head(struct str head, struct reply *out)
{
	*out = (struct reply){ .body = STR("") };
	while (head.ptr != NULL) {
		struct str line = str_cut(&head, '\n');
		if (str_ends(line, STR("\r")))
			line.len--;
		if (line.len == 0)
			break;
		enum err e = read_line(line, out);
		if (e != OK)
			return e;
	}
	if (out->status == 0 && out->count == 0)
		return ERR_INVALID;
	/* RFC 3875, 6.3.2 and 6.3.3 */
	if (out->status == 0)
		out->status = reply_header(out, STR("Location")).ptr != NULL ? 302 : 200;
	return OK;
}

struct str reply_header(const struct reply *r, struct str name)
{
	for (size_t i = 0; i < r->count; i++)
		if (str_eq_nocase(r->list[i].name, name))
			return r->list[i].value;
	return STR_NONE;
}
