/*
 * The pipeline as a client meets it, with a small table of its own and no store
 * behind: each convention of the API that no endpoint has to care for.
 */
#include "base/time.h"
#include "tests/fixture.h"

static enum err hello(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "address", req->address);
	json_member_string(&w, "name", request_query(req, "name"));
	json_object_close(&w);
	response_json(res);
	response_etag(res, STR("01890a5d-ac96-774b-bcce-b302099a8057"), 3, "");
	res->modified_ms = 1700000000000;
	return OK;
}

static enum err take(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_name(&w, "got");
	json_put_value(&w, req->json);
	json_object_close(&w);
	response_json(res);
	return OK;
}

static enum err take_raw(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_int(&w, "bytes", (int64_t)req->body.len);
	json_object_close(&w);
	response_json(res);
	return OK;
}

static enum err to_come(const struct request *req, struct response *res)
{
	response_body(res, STR("{}"));
	res->modified_ms = req->now_ms + 3600000;
	return OK;
}

static enum err change(const struct request *req, struct response *res)
{
	uint64_t version;

	(void)res;
	return request_if_match(req, STR("01890a5d-ac96-774b-bcce-b302099a8057"), 3, &version);
}

static enum err pages(const struct request *req, struct response *res)
{
	struct json_writer w = response_page_open(res);

	json_put_string(&w, req->cursor.ptr == NULL ? STR("first") : req->cursor);
	response_page_close(req, res, &w, STR("position-1"), true);
	return OK;
}

static const struct field hello_query[] = {
	{ .name = "name", .type = FIELD_STRING, .max = 10, .otherwise = "\"world\"" },
	{ 0 },
};
static const struct schema hello_schema = { "HelloQuery", hello_query, false };
static const struct field body_fields[] = {
	{ .name = "title", .type = FIELD_STRING, .required = true, .max = 20 },
	{ .name = "count", .type = FIELD_INT, .min = 1, .max = 5 },
	{ .name = "tags", .type = FIELD_SLUG, .list = true, .max_items = 2 },
	{ 0 },
};
static const struct schema body_schema = { "Body", body_fields, false };
static const struct schema open_schema = { "OpenQuery", hello_query, true };
static const char *const raw_types[] = { "text/markdown", NULL };

#define ROW .scope = SCOPE_PUBLIC, .summary = "x"
static const struct route routes[] = {
	{ GET, "/hello", hello, ROW, .query = &hello_schema, .caching = CACHE_PUBLIC },
	{ GET, "/to-come", to_come, ROW, .caching = CACHE_PUBLIC },
	{ POST, "/things", take, ROW, .body = &body_schema },
	{ POST, "/raw", take_raw, ROW, .body_kind = BODY_RAW, .accepts = raw_types, .body_max_bytes = 64 },
	{ POST, "/form", take, ROW, .body = &body_schema, .body_kind = BODY_FORM, .body_max_bytes = 200 },
	{ POST, "/oauth", take, ROW, .body = &body_schema, .body_kind = BODY_FORM, .errors = ERRORS_OAUTH },
	{ POST, "/page", take, ROW, .body = &body_schema, .body_kind = BODY_FORM, .errors = ERRORS_PAGE },
	{ GET, "/open", hello, ROW, .query = &open_schema },
	{ DELETE, "/things", change, ROW, .conditional = true, .status = 204 },
	{ GET, "/pages", pages, ROW, .page = true, .reply = &body_schema },
	{ GET, "/secret", hello, .scope = SCOPE_CONTENT_WRITE, .summary = "x" },
};
static const struct handler handler = { .name = "test", .summary = "x", .routes = routes,
	.n_routes = COUNT(routes) };

static struct fixture f;

static struct fixture_reply sent(const char *const *settings, const struct fixture_request *r)
{
	fixture_open(&f, &handler, settings);
	return fixture_send(&f, r);
}

static int closed(void **state)
{
	(void)state;
	fixture_close(&f);
	return 0;
}

#define JSON_TYPE "CONTENT_TYPE=application/json"

TEST(a_good_request_is_answered_with_validators)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/hello" });
	assert_int_equal(r.status, 200);
	assert_str(fixture_header(&r, "Status"), STR("200 OK"));
	assert_str(fixture_header(&r, "ETag"), STR("\"b302099a8057-3\""));
	assert_str(fixture_header(&r, "Last-Modified"), STR("Tue, 14 Nov 2023 22:13:20 GMT"));
	assert_str(fixture_header(&r, "Cache-Control"), STR("public, max-age=60"));
	assert_str(json_get_string(fixture_json(&f, &r), "name"), STR("world"));
}

TEST(security_headers_are_on_every_reply)
{
	static const char *const names[] = { "Strict-Transport-Security", "X-Content-Type-Options",
		"Referrer-Policy", "Content-Security-Policy", "Permissions-Policy", "X-Request-ID", "traceparent" };
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/nowhere" });
	assert_int_equal(r.status, 404);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_row(fixture_header(&r, names[i]).ptr != NULL, names[i]);
}

TEST(an_unknown_path_is_a_problem_with_the_request_id_as_instance)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/nowhere",
	    { "HTTP_X_REQUEST_ID=abc-1" } });
	const struct json *problem = fixture_json(&f, &r);
	assert_str(fixture_header(&r, "Content-Type"), STR("application/problem+json"));
	assert_str(json_get_string(problem, "instance"), STR("abc-1"));
	assert_str(json_get_string(problem, "type"), STR("/problems/not-found"));
	assert_int_equal(json_get_int(problem, "status", 0), 404);
	assert_str(fixture_header(&r, "X-Request-ID"), STR("abc-1"));
}

TEST(a_method_that_a_path_does_not_know_is_405_with_allow)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "PUT", "/things" });
	assert_int_equal(r.status, 405);
	assert_str(fixture_header(&r, "Allow"), STR("POST, DELETE, OPTIONS"));
}

TEST(a_method_nobody_knows_is_405)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "BREW", "/hello" });
	assert_int_equal(r.status, 405);
	assert_str(fixture_header(&r, "Allow"), STR("GET, HEAD, OPTIONS"));
}

TEST(options_answers_without_a_body)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "OPTIONS", "/things" });
	assert_int_equal(r.status, 204);
	assert_str(fixture_header(&r, "Allow"), STR("POST, DELETE, OPTIONS"));
	assert_int_equal(r.body.len, 0);
}

TEST(head_has_the_length_and_no_body)
{
	(void)state;
	struct fixture_reply get = sent(NULL, &(struct fixture_request){ "GET", "/hello" });
	struct fixture_reply head = fixture_send(&f, &(struct fixture_request){ "HEAD", "/hello" });
	assert_int_equal(head.status, 200);
	assert_int_equal(head.body.len, 0);
	assert_str(fixture_header(&head, "Content-Length"), fixture_header(&get, "Content-Length"));
}

TEST(a_matching_tag_is_not_modified)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/hello",
	    { "HTTP_IF_NONE_MATCH=W/\"b302099a8057-3\"" } });
	assert_int_equal(r.status, 304);
	assert_int_equal(r.body.len, 0);
	assert_null(fixture_header(&r, "Content-Type").ptr);
	assert_non_null(fixture_header(&r, "ETag").ptr);
}

TEST(a_date_counts_only_without_a_tag)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/hello",
	    { "HTTP_IF_MODIFIED_SINCE=Tue, 14 Nov 2023 22:13:20 GMT" } });
	assert_int_equal(r.status, 304);
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/hello",
	    { "HTTP_IF_MODIFIED_SINCE=Tue, 14 Nov 2023 22:13:20 GMT", "HTTP_IF_NONE_MATCH=\"other\"" } });
	assert_int_equal(r.status, 200);
}

TEST(a_date_to_come_is_shown_as_now_and_is_nobodys_304)
{
	char now[TIME_HTTP_SIZE];
	int64_t shown, before = time_now_ms();

	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/to-come" });
	assert_true(time_from_http(fixture_header(&r, "Last-Modified"), &shown));
	assert_true(shown >= before - 1000 && shown <= time_now_ms());
	time_to_http(time_now_ms() + 1000, now);
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/to-come",
	    { arena_printf(&f.arena, "HTTP_IF_MODIFIED_SINCE=%s", now).ptr } });
	assert_int_equal(r.status, 200);
}

TEST(if_match_of_an_old_version_is_412)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "DELETE", "/things",
	    { "HTTP_IF_MATCH=\"b302099a8057-2\"" } });
	assert_int_equal(r.status, 412);
	r = fixture_send(&f, &(struct fixture_request){ "DELETE", "/things",
	    { "HTTP_IF_MATCH=\"b302099a8057-3\"" } });
	assert_int_equal(r.status, 204);
}

TEST(all_field_errors_come_at_once_with_pointers)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/things", { JSON_TYPE },
	    STR("{\"count\":9,\"tags\":[\"ok\",\"Not OK\"],\"extra\":1}") });
	const struct json *errors = json_get(fixture_json(&f, &r), STR("errors"));
	assert_int_equal(r.status, 422);
	assert_int_equal(json_length(errors), 4);
	for (size_t i = 0; i < json_length(errors); i++)
		assert_true(json_get_string(json_at(errors, i), "pointer").ptr[0] == '/');
}

TEST(malformed_json_is_400_with_line_and_column)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/things", { JSON_TYPE },
	    STR("{\n \"title\": tru\n}") });
	assert_int_equal(r.status, 400);
	struct str detail = json_get_string(fixture_json(&f, &r), "detail");
	assert_true(str_contains(detail, STR("line 2, column")));
}

TEST(a_body_that_is_no_json_type_is_415)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/things",
	    { "CONTENT_TYPE=text/plain" }, STR("{}") });
	assert_int_equal(r.status, 415);
	r = fixture_send(&f, &(struct fixture_request){ "POST", "/things",
	    { "CONTENT_TYPE=Application/JSON; charset=utf-8" }, STR("{\"title\":\"x\"}") });
	assert_int_equal(r.status, 200);
}

TEST(a_body_over_the_routes_limit_is_413)
{
	char big[65];
	(void)state;
	memset(big, 'x', sizeof(big));
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/raw",
	    { "CONTENT_TYPE=text/markdown" }, { big, sizeof(big) } });
	assert_int_equal(r.status, 413);
	r = fixture_send(&f, &(struct fixture_request){ "POST", "/raw",
	    { "CONTENT_TYPE=text/markdown" }, { big, 64 } });
	assert_int_equal(r.status, 200);
}

TEST(an_unknown_query_name_is_an_error)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/hello?nme=x" });
	assert_int_equal(r.status, 422);
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/hello?name=01234567890" });
	assert_int_equal(r.status, 422);
}

TEST(a_target_that_cannot_be_read_is_400)
{
	static const char *const targets[] = { "/%zz", "/a%00b", "/a%2Fb", "", "*", "/../x", "/\xff" };
	(void)state;
	fixture_open(&f, &handler, NULL);
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct fixture_reply r = fixture_send(&f, &(struct fixture_request){ "GET", targets[i] });
		assert_row(r.status == 400, targets[i]);
	}
}

TEST(dot_segments_and_doubled_slashes_are_resolved)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "//x/%2e%2e/./hello" });
	assert_int_equal(r.status, 200);
}

TEST(a_scope_that_is_missing_asks_for_sign_in)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/secret" });
	assert_int_equal(r.status, 401);
	assert_str(fixture_header(&r, "WWW-Authenticate"), STR("Bearer"));
}

TEST(a_page_links_to_the_next_one)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/pages?limit=5",
	    { "HTTP_HOST=api.test" } });
	struct str cursor = json_get_string(fixture_json(&f, &r), "next_cursor");
	assert_str(fixture_header(&r, "Link"), arena_printf(&f.arena,
	    "<http://api.test/pages?limit=5&cursor=%.*s>; rel=\"next\"", STR_ARG(cursor)));
	r = fixture_send(&f, &(struct fixture_request){ "GET",
	    arena_printf(&f.arena, "/pages?cursor=%.*s", STR_ARG(cursor)).ptr });
	assert_str(json_string(json_at(json_get(fixture_json(&f, &r), STR("items")), 0)), STR("position-1"));
}

TEST(a_forged_cursor_is_a_field_error)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/pages?cursor=AAAA" });
	assert_int_equal(r.status, 422);
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/pages?limit=101" });
	assert_int_equal(r.status, 422);
}

TEST(a_listed_origin_may_read_and_others_may_not)
{
	static const char *const settings[] = { "CORS_ORIGINS=https://a.test", NULL };
	(void)state;
	struct fixture_reply r = sent(settings, &(struct fixture_request){ "GET", "/hello",
	    { "HTTP_ORIGIN=https://a.test" } });
	assert_str(fixture_header(&r, "Access-Control-Allow-Origin"), STR("https://a.test"));
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/hello", { "HTTP_ORIGIN=https://b.test" } });
	assert_null(fixture_header(&r, "Access-Control-Allow-Origin").ptr);
	r = fixture_send(&f, &(struct fixture_request){ "OPTIONS", "/things",
	    { "HTTP_ORIGIN=https://a.test", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST" } });
	assert_str(fixture_header(&r, "Access-Control-Allow-Methods"), STR("POST, DELETE, OPTIONS"));
}

TEST(forwarded_addresses_count_from_trusted_peers_only)
{
	static const char *const settings[] = { "TRUSTED_PROXIES=10.0.0.0/8", NULL };
	(void)state;
	struct fixture_reply r = sent(settings, &(struct fixture_request){ "GET", "/hello",
	    { "REMOTE_ADDR=10.1.2.3", "HTTP_X_FORWARDED_FOR=198.51.100.7" } });
	assert_str(json_get_string(fixture_json(&f, &r), "address"), STR("198.51.100.7"));
	r = fixture_send(&f, &(struct fixture_request){ "GET", "/hello",
	    { "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.7" } });
	assert_str(json_get_string(fixture_json(&f, &r), "address"), STR("192.0.2.1"));
}

TEST(public_url_is_the_origin_whatever_host_says)
{
	static const char *const settings[] = { "PUBLIC_URL=https://api.example.com", NULL };
	(void)state;
	struct fixture_reply r = sent(settings, &(struct fixture_request){ "GET", "/pages",
	    { "HTTP_HOST=evil.test" } });
	assert_true(str_starts(fixture_header(&r, "Link"), STR("<https://api.example.com/pages?")));
}

TEST(a_host_that_is_none_does_not_reach_a_link)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/pages",
	    { "HTTP_HOST=a>; rel=x" } });
	assert_true(str_starts(fixture_header(&r, "Link"), STR("<http://localhost/pages?")));
}

#define FORM_TYPE "CONTENT_TYPE=application/x-www-form-urlencoded"

static const struct {
	const char *target, *body;
	uint16_t    status;
	const char *says;
} forms[] = {
	{ "/form", "title=a+b%21&count=3", 200, "" },
	{ "/form", "count=2&title=x&count=3", 400, "a name given twice" },
	{ "/form", "title=%zz", 400, "bad percent escape" },
	{ "/form", "title=%FF", 400, "invalid UTF-8" },
	{ "/form", "title=%00", 400, "NUL byte" },
	{ "/form", "", 422, "/title" },
	{ "/form", "title=", 422, "is required" },
	{ "/form", "title=x&count=three", 422, "/count" },
	{ "/form", "title=x&count=9", 422, "/count" },
	{ "/form", "title=x&wings=2", 422, "/wings" },
	{ "/form", "title=x&tags=a", 422, "/tags" },
	{ "/form", "title=x&a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=0&k=1&l=2&m=3&n=4&o=5&p=6&q=7&r=8&s=9&t=0"
	    "&u=1&v=2&w=3&x=4&y=5&z=6&aa=7&bb=8&cc=9&dd=0&ee=1&ff=2", 400, "too many parameters" },
};

TEST(a_form_is_checked_like_a_document)
{
	(void)state;
	fixture_open(&f, &handler, NULL);
	for (size_t i = 0; i < COUNT(forms); i++) {
		struct fixture_request r = { "POST", forms[i].target, { FORM_TYPE }, str_of(forms[i].body) };
		struct fixture_reply reply = fixture_send(&f, &r);
		assert_row(reply.status == forms[i].status, forms[i].body);
		assert_row(str_contains(reply.body, str_of(forms[i].says)), forms[i].body);
	}
}

TEST(a_form_of_another_type_or_over_its_bound_is_refused)
{
	char long_body[300];

	(void)state;
	fixture_open(&f, &handler, NULL);
	memset(long_body, 'x', sizeof(long_body));
	struct fixture_request json = { "POST", "/form", { JSON_TYPE }, STR("{\"title\":\"x\"}") };
	struct fixture_request large = { "POST", "/form", { FORM_TYPE }, { long_body, sizeof(long_body) } };
	assert_int_equal(fixture_send(&f, &json).status, 415);
	assert_int_equal(fixture_send(&f, &large).status, 413);
}

TEST(an_oauth_error_says_error_and_description_and_400)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/oauth", { FORM_TYPE },
	    STR("title=x&title=y") });
	const struct json *error = fixture_json(&f, &r);
	assert_int_equal(r.status, 400);
	assert_str(fixture_header(&r, "Content-Type"), STR("application/json"));
	assert_str(fixture_header(&r, "Cache-Control"), STR("no-store"));
	assert_str(json_get_string(error, "error"), STR("invalid_request"));
	assert_true(str_contains(json_get_string(error, "error_description"), STR("given twice")));
}

TEST(an_error_page_shows_what_a_client_sent_as_text)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "POST", "/page", { FORM_TYPE },
	    STR("title=x&%3Cscript%3E=1") });
	assert_int_equal(r.status, 422);
	assert_str(fixture_header(&r, "Content-Type"), STR("text/html; charset=utf-8"));
	assert_true(str_contains(fixture_header(&r, "Content-Security-Policy"), STR("default-src 'none'; style-src 'sha256-")));
	assert_true(str_contains(fixture_header(&r, "Content-Security-Policy"), STR("frame-ancestors 'none'")));
	assert_false(str_contains(r.body, STR("<script")));
	assert_true(str_contains(r.body, STR("&lt;script&gt;")));
}

TEST(an_open_query_lets_other_names_through)
{
	(void)state;
	struct fixture_reply r = sent(NULL, &(struct fixture_request){ "GET", "/open?name=x&else=1" });
	assert_int_equal(r.status, 200);
}

#define CASE(name) cmocka_unit_test_teardown(name, closed)
TEST_MAIN(CASE(a_good_request_is_answered_with_validators), CASE(security_headers_are_on_every_reply),
    CASE(an_unknown_path_is_a_problem_with_the_request_id_as_instance),
    CASE(a_method_that_a_path_does_not_know_is_405_with_allow), CASE(a_method_nobody_knows_is_405),
    CASE(options_answers_without_a_body), CASE(head_has_the_length_and_no_body),
    CASE(a_matching_tag_is_not_modified), CASE(a_date_counts_only_without_a_tag),
    CASE(a_date_to_come_is_shown_as_now_and_is_nobodys_304),
    CASE(if_match_of_an_old_version_is_412), CASE(all_field_errors_come_at_once_with_pointers),
    CASE(malformed_json_is_400_with_line_and_column), CASE(a_body_that_is_no_json_type_is_415),
    CASE(a_body_over_the_routes_limit_is_413), CASE(an_unknown_query_name_is_an_error),
    CASE(a_target_that_cannot_be_read_is_400), CASE(dot_segments_and_doubled_slashes_are_resolved),
    CASE(a_scope_that_is_missing_asks_for_sign_in), CASE(a_page_links_to_the_next_one),
    CASE(a_forged_cursor_is_a_field_error), CASE(a_listed_origin_may_read_and_others_may_not),
    CASE(forwarded_addresses_count_from_trusted_peers_only),
    CASE(public_url_is_the_origin_whatever_host_says), CASE(a_host_that_is_none_does_not_reach_a_link),
    CASE(a_form_is_checked_like_a_document), CASE(a_form_of_another_type_or_over_its_bound_is_refused),
    CASE(an_oauth_error_says_error_and_description_and_400),
    CASE(an_error_page_shows_what_a_client_sent_as_text), CASE(an_open_query_lets_other_names_through))
