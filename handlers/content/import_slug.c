#include "content/import_slug.h"

#include "content/import_date.h"
#include "content/slug.h"

static const struct str endings[] = {
	STR_INIT(".md"), STR_INIT(".markdown"), STR_INIT(".mdown"), STR_INIT(".html"),
	STR_INIT(".htm"),
};

static const struct str indexes[] = {
	STR_INIT("index"), STR_INIT("_index"),
};

/* Jekyll's names for patterns of addresses. */
static const struct str patterns[] = {
	STR_INIT("date"), STR_INIT("pretty"), STR_INIT("ordinal"), STR_INIT("weekdate"),
	STR_INIT("none"),
};

static bool is_one_of(struct str s, const struct str *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(s, list[i]))
			return true;
	return false;
}

static struct str without_ending(struct str s)
{
	for (size_t i = 0; i < COUNT(endings); i++)
		if (str_ends(s, endings[i]))
			return str_first(s, s.len - endings[i].len);
	return s;
}

/* Takes the last segment off the end of *path. */
static struct str last_segment(struct str *path)
{
	size_t start;

	while (path->len > 0 && path->ptr[path->len - 1] == '/')
		path->len--;
	for (start = path->len; start > 0 && path->ptr[start - 1] != '/';)
		start--;
	struct str segment = str_from(*path, start);
	path->len = start;
	return segment;
}

/* The segment that names the page: not "index.html" but the folder it is in. */
static struct str page_name(struct str path)
{
	struct str name = without_ending(last_segment(&path));

	return is_one_of(name, indexes, COUNT(indexes)) ? last_segment(&path) : name;
}

struct str import_slug_of_address(struct arena *a, struct str address)
{
	if (str_index(address, ':') < address.len && !str_contains(address, STR("://")))
		return STR("");
	if (is_one_of(address, patterns, COUNT(patterns)))
		return STR("");
	return slug_from(a, page_name(str_first(address, str_index(address, '?'))));
}

struct str import_slug_of_file(struct arena *a, struct str path)
{
	struct str name = page_name(path), behind;
	int64_t ms;

	if (import_date_in_path(name, &ms, &behind) &&
	    (str_starts(behind, STR("-")) || str_starts(behind, STR("_"))) && behind.len > 1)
		name = str_from(behind, 1);
	return slug_from(a, name);
}
