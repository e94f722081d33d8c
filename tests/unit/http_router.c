#include "http/route.h"
#include "tests/test.h"

static enum err nothing(const struct request *req, struct response *res)
{
	(void)req;
	(void)res;
	return OK;
}

#define ROW(m, p) { .method = m, .path = p, .run = nothing, .scope = SCOPE_PUBLIC, .summary = "x" }

static const struct route table[] = {
	ROW(GET, "/v1/blog/{id}"),
	ROW(GET, "/v1/blog"),
	ROW(POST, "/v1/blog"),
	ROW(GET, "/v1/blog/categories"),
	ROW(DELETE, "/v1/blog/{id}"),
	ROW(GET, "/v1/blog/{id}/revisions/{version}"),
	ROW(GET, "/files/{rest*}"),
	ROW(GET, "/"),
};

static struct router *router;

static const struct route *matched(enum method m, const char *path, struct route_match *out)
{
	if (router == NULL)
		router = router_new(table, COUNT(table));
	router_match(router, m, str_of(path), out);
	return out->route;
}

TEST(literal_segment_wins_over_parameter)
{
	struct route_match m;
	(void)state;
	assert_ptr_equal(matched(GET, "/v1/blog/categories", &m), &table[3]);
}

TEST(literal_segment_answers_its_own_methods_alone)
{
	struct route_match m;
	(void)state;
	assert_null(matched(DELETE, "/v1/blog/categories", &m));
	assert_true(m.path_known);
	assert_int_equal(m.allowed, 1u << GET | 1u << HEAD | 1u << OPTIONS);
}

TEST(parameters_are_named_and_borrowed)
{
	struct route_match m;
	(void)state;
	assert_ptr_equal(matched(GET, "/v1/blog/a-b/revisions/7", &m), &table[5]);
	assert_int_equal(m.n_parameters, 2);
	assert_str(m.parameters[0].name, STR("id"));
	assert_str(m.parameters[0].value, STR("a-b"));
	assert_str(m.parameters[1].name, STR("version"));
	assert_str(m.parameters[1].value, STR("7"));
}

TEST(rest_parameter_takes_what_is_left)
{
	struct route_match m;
	(void)state;
	assert_ptr_equal(matched(GET, "/files/a/b/c.js", &m), &table[6]);
	assert_str(m.parameters[0].name, STR("rest"));
	assert_str(m.parameters[0].value, STR("a/b/c.js"));
}

TEST(head_is_answered_where_get_is)
{
	struct route_match m;
	(void)state;
	assert_ptr_equal(matched(HEAD, "/v1/blog", &m), &table[1]);
}

TEST(unknown_method_of_a_known_path_lists_what_is_allowed)
{
	struct route_match m;
	(void)state;
	assert_null(matched(PUT, "/v1/blog", &m));
	assert_true(m.path_known);
	assert_int_equal(m.allowed, 1u << GET | 1u << HEAD | 1u << POST | 1u << OPTIONS);
}

TEST(unknown_paths_match_nothing)
{
	static const char *const paths[] = {
		"/v1", "/v1/blo", "/v1/blogs", "/v1/blog/", "/v1/blog//", "/v1/blog/a/b", "/files/",
		"/v1/blog/a/revisions", "/v2/blog", "/files",
	};
	struct route_match m;
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		matched(GET, paths[i], &m);
		assert_row(!m.path_known, paths[i]);
	}
}

TEST(root_is_a_path)
{
	struct route_match m;
	(void)state;
	assert_ptr_equal(matched(GET, "/", &m), &table[7]);
}

TEST(prefixes_are_what_a_web_server_forwards)
{
	static const struct { const char *path, *prefix; } rows[] = {
		{ "/v1/blog/{id}", "/v1/blog" }, { "/v1/blog", "/v1/blog" },
		{ "/health/detailed", "/health" }, { "/.well-known/jwks.json", "/.well-known/jwks.json" },
		{ "/feed.xml", "/feed.xml" }, { "/", "/" }, { "/oauth2/token", "/oauth2" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(str_eq(route_prefix(rows[i].path), str_of(rows[i].prefix)), rows[i].path);
}

TEST(holes_in_a_table_are_named)
{
	static const struct route no_scope[] = { { .method = GET, .path = "/x", .run = nothing, .summary = "x" } };
	static const struct route twice[] = { ROW(GET, "/x"), ROW(GET, "/x") };
	static const struct route no_run[] = { { .method = GET, .path = "/x", .scope = SCOPE_PUBLIC, .summary = "x" } };
	(void)state;
	assert_string_equal(route_table_problem(no_scope, 1), "GET /x: no scope");
	assert_string_equal(route_table_problem(twice, 2), "GET /x: declared twice");
	assert_string_equal(route_table_problem(no_run, 1), "GET /x: no function");
	assert_null(route_table_problem(table, COUNT(table)));
}

#define FULL .path = "/x", .run = nothing, .summary = "x"

TEST(what_contradicts_itself_in_a_row_is_named)
{
	static const struct {
		const char  *problem;
		struct route row;
	} rows[] = {
		{ "method must be GET, POST, PUT, PATCH or DELETE",
		  { .method = HEAD, FULL, .scope = SCOPE_PUBLIC } },
		{ "path must begin with '/'", { .method = GET, .path = "x", .run = nothing,
		  .scope = SCOPE_PUBLIC, .summary = "x" } },
		{ "no summary", { .method = GET, .path = "/x", .run = nothing,
		  .scope = SCOPE_PUBLIC, .summary = "" } },
		{ "what anyone may call needs no session",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .session = true } },
		{ "only what an API key may call needs its signature",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .signature_required = true } },
		{ "a GET has no body",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .body = &schema_empty } },
		{ "a raw body needs its content types",
		  { .method = POST, FULL, .scope = SCOPE_PUBLIC, .body_kind = BODY_RAW } },
		{ "a form is a POST with a body schema",
		  { .method = PUT, FULL, .scope = SCOPE_PUBLIC, .body_kind = BODY_FORM,
		    .body = &schema_empty } },
		{ "a limit of its own needs its class",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .own_limit = true } },
		{ "a password is in a body, and its limits need their class",
		  { .method = POST, FULL, .scope = SCOPE_PUBLIC, .password = true,
		    .body = &schema_empty } },
		{ "only a POST creates",
		  { .method = PUT, FULL, .scope = SCOPE_PUBLIC, .creates = true } },
		{ "a page is a GET with a reply schema",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .page = true } },
		{ "If-Match goes with what changes a thing that is there",
		  { .method = GET, FULL, .scope = SCOPE_PUBLIC, .conditional = true } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *said = route_table_problem(&rows[i].row, 1);

		assert_row(said != NULL && str_ends(str_of(said), str_of(rows[i].problem)),
		    rows[i].problem);
	}
}

TEST_MAIN(RUN(literal_segment_wins_over_parameter),
    RUN(literal_segment_answers_its_own_methods_alone), RUN(parameters_are_named_and_borrowed),
    RUN(rest_parameter_takes_what_is_left), RUN(head_is_answered_where_get_is),
    RUN(unknown_method_of_a_known_path_lists_what_is_allowed), RUN(unknown_paths_match_nothing),
    RUN(root_is_a_path), RUN(prefixes_are_what_a_web_server_forwards),
    RUN(holes_in_a_table_are_named), RUN(what_contradicts_itself_in_a_row_is_named))
