/* The head of a stored document: what a read must know, without parsing it. */
#include "content/document.h"

#include <string.h>

#include "base/id.h"
#include "base/time.h"

#define TIME_LEN (TIME_RFC3339_SIZE - 1)
#define DATE_LEN (TIME_DATE_SIZE - 1)
#define DAY_MS   ((int64_t)86400 * 1000)

/* Takes `literal` off the front. */
static bool take(struct str *rest, struct str literal)
{
	if (!str_starts(*rest, literal))
		return false;
	*rest = str_from(*rest, literal.len);
	return true;
}

/* What stands before the next quote, and the quote. */
static bool take_quoted(struct str *rest, struct str *out)
{
	size_t end = str_index(*rest, '"');

	if (end == rest->len)
		return false;
	*out = str_first(*rest, end);
	*rest = str_from(*rest, end + 1);
	return true;
}

static bool take_number(struct str *rest, uint64_t *out)
{
	size_t end = str_index(*rest, ',');

	if (!str_to_u64(str_first(*rest, end), out))
		return false;
	*rest = str_from(*rest, end);
	return true;
}

static bool take_time_or_null(struct str *rest, struct str *out)
{
	*out = STR_NONE;
	if (take(rest, STR("null")))
		return true;
	return take(rest, STR("\"")) && take_quoted(rest, out) && out->len == TIME_LEN;
}

bool document_head_read(struct str text, struct document_head *out)
{
	struct str rest = text;

	return take(&rest, STR("{\"id\":\"")) && take_quoted(&rest, &out->id) &&
	    out->id.len == ID_UUID_SIZE - 1 &&
	    take(&rest, STR(",\"version\":")) && take_number(&rest, &out->version) &&
	    take(&rest, STR(",\"status\":\"")) && take_quoted(&rest, &out->status) &&
	    take(&rest, STR(",\"published_at\":")) &&
	    take_time_or_null(&rest, &out->published_at) &&
	    take(&rest, STR(",\"created_at\":\"")) && take_quoted(&rest, &out->created_at) &&
	    out->created_at.len == TIME_LEN &&
	    take(&rest, STR(",\"updated_at\":\"")) && take_quoted(&rest, &out->updated_at) &&
	    out->updated_at.len == TIME_LEN &&
	    take(&rest, STR(",\"slug\":\"")) && take_quoted(&rest, &out->slug);
}

bool document_is_published(const struct document_head *h)
{
	return str_eq(h->status, STATUS_PUBLISHED) && h->published_at.ptr != NULL;
}

bool document_is_visible(const struct document_head *h, struct str now)
{
	return document_is_published(h) && str_compare(h->published_at, now) <= 0;
}

/* The place behind `name` in a text of ours.  A quote inside a JSON string is
 * escaped, so that what looks like a member is one. */
static const char *behind(struct str text, struct str name)
{
	const char *at = text.len < name.len ? NULL :
	    memmem(text.ptr, text.len, name.ptr, name.len);

	return at == NULL ? NULL : at + name.len;
}

#define EXPIRES_MEMBER STR(",\"expires_on\":\"")
#define EXPIRED_MEMBER STR(",\"expired\":")

/* The last day of validity, or absent. */
static struct str expires_on(struct str text)
{
	const char *at = behind(text, EXPIRES_MEMBER);

	if (at == NULL || (size_t)(text.ptr + text.len - at) < DATE_LEN)
		return STR_NONE;
	return (struct str){ at, DATE_LEN };
}

static bool is_expired(struct str text, struct str now)
{
	struct str day = expires_on(text);

	return day.ptr != NULL && str_compare(day, str_first(now, DATE_LEN)) < 0;
}

unsigned document_view(const struct collection *c, const struct document_head *h,
    struct str text, struct str now)
{
	unsigned view = VIEW_AS_STORED;

	if (document_is_published(h) && !document_is_visible(h, now))
		view |= VIEW_SCHEDULED;
	if (c->expires && is_expired(text, now))
		view |= VIEW_EXPIRED;
	return view;
}

struct str document_patch(struct arena *a, struct str text, unsigned view)
{
	struct document_head h;

	if ((view & (VIEW_SCHEDULED | VIEW_EXPIRED)) == 0)
		return text;
	struct str copy = arena_dup(a, text);
	char *bytes = (char *)copy.ptr;
	const char *expired = behind(text, EXPIRED_MEMBER);
	if ((view & VIEW_SCHEDULED) != 0 && document_head_read(text, &h))
		memcpy(bytes + (h.status.ptr - text.ptr), "scheduled", strlen("published"));
	/* A space behind a JSON value means nothing and keeps the length. */
	if ((view & VIEW_EXPIRED) != 0 && expired != NULL)
		memcpy(bytes + (expired - text.ptr), "true ", strlen("false"));
	return copy;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t document_modified_ms(const struct collection *c, const struct document_head *h,
    struct str text, struct str now)
{
	int64_t modified = 0, ms;

	if (time_from_rfc3339(h->updated_at, &ms))
		modified = ms;
	if (document_is_visible(h, now) && time_from_rfc3339(h->published_at, &ms))
		modified = later(modified, ms);
	if (c->expires && is_expired(text, now) && time_from_date(expires_on(text), &ms))
		modified = later(modified, ms + DAY_MS);
	return modified;
}

const char *document_variant(unsigned view)
{
	static const char *const names[] = {
		[VIEW_AS_STORED] = "",
		[VIEW_SCHEDULED] = "scheduled",
		[VIEW_EXPIRED] = "expired",
		[VIEW_SCHEDULED | VIEW_EXPIRED] = "scheduled-expired",
		[VIEW_HTML] = "html",
		[VIEW_HTML | VIEW_SCHEDULED] = "html-scheduled",
		[VIEW_HTML | VIEW_EXPIRED] = "html-expired",
		[VIEW_HTML | VIEW_SCHEDULED | VIEW_EXPIRED] = "html-scheduled-expired",
	};
	return view < COUNT(names) ? names[view] : "";
}
