#include "http/cors.h"

static bool is_origin(struct str s)
{
	struct str host;

	if (str_starts(s, STR("https://")))
		host = str_from(s, 8);
	else if (str_starts(s, STR("http://")))
		host = str_from(s, 7);
	else
		return false;
	return host.len > 0 && str_index(host, '/') == host.len && str_index(host, '*') == host.len;
}

enum err cors_parse(struct str list, struct cors *out, struct str *bad)
{
	*out = (struct cors){ 0 };
	while (list.ptr != NULL) {
		struct str piece = str_cut(&list, ',');
		while (piece.ptr != NULL) {
			struct str one = str_trim(str_cut(&piece, ' '));
			if (one.len == 0)
				continue;
			*bad = one;
			if (!is_origin(one) || out->count == CORS_ORIGINS_MAX)
				return ERR_INVALID;
			out->origins[out->count++] = one;
		}
	}
	return OK;
}

bool cors_allows(const struct cors *c, struct str origin)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->origins[i], origin))
			return true;
	return false;
}
