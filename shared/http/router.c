/*
 * A table of some forty rows: each is cut into its segments once, and matching
 * compares segment by segment.  Rows stand in the order in which they win: at
 * the first segment where two differ, a literal before a parameter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/route.h"

#define SEGMENTS_MAX 8          /* of a route's path; route tables are ours */

struct pattern {
	const struct route *route;
	struct str          segments[SEGMENTS_MAX];     /* "{id}" with its braces */
	unsigned            n_segments;
	struct str          literal;    /* what comes before the first parameter */
	bool                rest;       /* the last one takes what is left */
};

struct router {
	const struct route *routes;
	size_t              n_routes;
	struct pattern      patterns[];
};

static bool is_parameter(struct str segment)
{
	return segment.len > 2 && segment.ptr[0] == '{';
}

static struct str parameter_name(struct str segment)
{
	struct str name = { segment.ptr + 1, segment.len - 2 };

	if (str_ends(name, STR("*")))
		name.len--;
	return name;
}

static void pattern_cut(struct pattern *p, const struct route *route)
{
	struct str rest = str_from(str_of(route->path), 1);

	p->route = route;
	p->literal = str_first(str_of(route->path), str_index(str_of(route->path), '{'));
	while (rest.ptr != NULL) {
		if (p->n_segments == SEGMENTS_MAX) {
			fprintf(stderr, "route %s has over %d segments\n", route->path, SEGMENTS_MAX);
			abort();
		}
		p->segments[p->n_segments++] = str_cut(&rest, '/');
	}
	p->rest = str_ends(p->segments[p->n_segments - 1], STR("*}"));
}

/* How much a segment takes: nothing left, one literal, any one, all that is left. */
static int segment_class(const struct pattern *p, unsigned i)
{
	if (i >= p->n_segments)
		return 0;
	if (!is_parameter(p->segments[i]))
		return 1;
	return p->rest && i + 1 == p->n_segments ? 3 : 2;
}

/* Compares as words of classes, so that it is an order; between equals the
 * table's own. */
static int pattern_order(const void *left, const void *right)
{
	const struct pattern *a = left, *b = right;

	for (unsigned i = 0; i < SEGMENTS_MAX; i++) {
		int ca = segment_class(a, i), cb = segment_class(b, i);
		if (ca != cb)
			return ca - cb;
	}
	return a->route < b->route ? -1 : a->route > b->route;
}

struct router *router_new(const struct route *routes, size_t n_routes)
{
	const char *problem = route_table_problem(routes, n_routes);
	if (problem != NULL) {
		fprintf(stderr, "route table: %s\n", problem);
		abort();
	}
	struct router *r = calloc(1, sizeof(*r) + n_routes * sizeof(r->patterns[0]));
	if (r == NULL)
		abort();
	r->routes = routes;
	r->n_routes = n_routes;
	for (size_t i = 0; i < n_routes; i++)
		pattern_cut(&r->patterns[i], &routes[i]);
	qsort(r->patterns, n_routes, sizeof(r->patterns[0]), pattern_order);
	return r;
}

void router_free(struct router *r)
{
	free(r);
}

/* The next segment of *rest; an absent rest has none. */
static bool pattern_matches(const struct pattern *p, struct str path, struct route_match *m)
{
	struct str rest = str_from(path, 1);

	/* Nearly every row ends here, before anything is cut. */
	if (!str_starts(path, p->literal))
		return false;
	m->n_parameters = 0;
	for (unsigned i = 0; i < p->n_segments; i++) {
		if (rest.ptr == NULL)
			return false;
		bool last = i + 1 == p->n_segments;
		struct str want = p->segments[i];
		struct str got = last && p->rest ? rest : str_cut(&rest, '/');
		if (last && p->rest)
			rest = STR_NONE;
		if (!is_parameter(want)) {
			if (!str_eq(want, got))
				return false;
			continue;
		}
		if (got.len == 0 || m->n_parameters == PATH_PARAMS_MAX)
			return false;
		m->parameters[m->n_parameters++] =
		    (struct path_parameter){ parameter_name(want), got };
	}
	return rest.ptr == NULL;
}

/* What a row answers: GET answers HEAD, and every known path OPTIONS. */
static uint32_t row_methods(const struct route *route)
{
	uint32_t methods = 1u << route->method | 1u << OPTIONS;

	return route->method == GET ? methods | 1u << HEAD : methods;
}

/* The first row that matches decides which path it is; other rows count when they
 * have the same one: "/v1/blog/categories" does not answer what only
 * "/v1/blog/{id}" does. */
void router_match(const struct router *r, enum method method, struct str path,
    struct route_match *out)
{
	const char *known = NULL;
	struct route_match m;

	*out = (struct route_match){ 0 };
	for (size_t i = 0; i < r->n_routes; i++) {
		const struct pattern *p = &r->patterns[i];
		if (!pattern_matches(p, path, &m))
			continue;
		if (known != NULL && strcmp(known, p->route->path) != 0)
			continue;
		known = p->route->path;
		uint32_t methods = row_methods(p->route);
		out->path_known = true;
		out->allowed |= methods;
		if (out->route != NULL || method == OPTIONS || (methods & 1u << method) == 0)
			continue;
		out->route = p->route;
		out->n_parameters = m.n_parameters;
		for (size_t k = 0; k < m.n_parameters; k++)
			out->parameters[k] = m.parameters[k];
	}
}

size_t router_index(const struct router *r, const struct route *route)
{
	return (size_t)(route - r->routes);
}
