/*
 * A request target of any bytes: what comes out is a path that a router may rely
 * on, and stays what it is; a query's pairs are text.
 */
#include <stdlib.h>

#include "http/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_plain(struct str s)
{
	return str_index(s, '%') == s.len && str_index(s, '?') == s.len && str_index(s, '#') == s.len;
}

static void check_path(struct arena *a, struct str path)
{
	struct str again, query;
	const char *reason = NULL;

	require(str_starts(path, STR("/")) && path.len <= PATH_MAX_BYTES);
	require(!str_contains(path, STR("//")));
	require(!str_contains(path, STR("/./")) && !str_ends(path, STR("/.")));
	require(!str_contains(path, STR("/../")) && !str_ends(path, STR("/..")));
	require(str_index(path, '\\') == path.len);
	require(!str_has_control(path) && str_is_utf8(path));
	/* What would be decoded a second time is another path then. */
	if (is_plain(path))
		require(path_normalize(a, path, &again, &query, &reason) == OK && str_eq(path, again));
}

static void check_query(struct arena *a, struct str raw)
{
	struct path_parameter list[QUERY_PARAMS_MAX];
	const char *reason = NULL;
	size_t count = 0;

	if (query_parse(a, raw, list, COUNT(list), &count, &reason) != OK) {
		require(reason != NULL);
		return;
	}
	require(count <= COUNT(list));
	for (size_t i = 0; i < count; i++) {
		require(str_is_utf8(list[i].name) && str_is_utf8(list[i].value));
		require(str_index(list[i].name, '\0') == list[i].name.len);
		require(str_index(list[i].value, '\0') == list[i].value.len);
		for (size_t j = 0; j < i; j++)
			require(!str_eq(list[i].name, list[j].name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str target = { size == 0 ? "" : (const char *)data, size }, path, query;
	const char *reason = NULL;
	struct arena a;

	arena_init(&a, 16u << 20);
	if (path_normalize(&a, target, &path, &query, &reason) == OK) {
		check_path(&a, path);
		check_query(&a, query);
	} else {
		require(reason != NULL);
	}
	check_query(&a, target);
	arena_clean(&a);
	return 0;
}
