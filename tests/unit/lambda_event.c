/*
 * Events of Lambda as CGI variables.  Attacks that are held off here:
 *   - a header that becomes a variable a handler trusts (claims, address, event source)
 *   - a header whose name with '_' is taken for the one with '-', or for a proxy's
 *   - a control byte in a header, which another program might take for a line's end
 *   - a request to the path that only scheduled and queue events are posted to
 *   - more headers, or longer ones, than a handler takes
 */
#include "test.h"

#include <stdlib.h>

#include "base/limits.h"
#include "lambda/event.h"

static struct arena arena;
static struct event event;
static struct str   reason;

#define HTTP(members) "{\"version\":\"2.0\",\"rawPath\":\"/x\"," members "}"
#define CONTEXT(more) "\"requestContext\":{\"http\":{\"method\":\"GET\",\"sourceIp\":\"203.0.113.7\"}" more "}"
#define REST(members) "{\"httpMethod\":\"GET\"," members "}"
#define IDENTITY(more) "\"requestContext\":{\"identity\":{\"sourceIp\":\"203.0.113.7\"}" more "}"
#define ELB "\"requestContext\":{\"elb\":{\"targetGroupArn\":\"arn\"}}"

static enum err read_with(const char *text, const char *base_path)
{
	const struct invocation invocation = { .request_id = STR("id-1"), .trace_id = STR("Root=1-a"),
	    .deadline_ms = 5000, .remaining_ms = 1000 };
	const struct json *document;
	struct json_error error;

	arena_clean(&arena);
	arena_init(&arena, ARENA_MAX_BYTES);
	reason = STR_NONE;
	assert_int_equal(json_parse(&arena, str_of(text), JSON_DEPTH_MAX, &document, &error), OK);
	return event_read(&arena, document, str_of(text), &invocation, str_of(base_path), &event,
	    &reason);
}

static enum err read(const char *text)
{
	return read_with(text, "");
}

static struct str variable(const char *name)
{
	return event_variable(&event, str_of(name));
}

TEST(each_kind_is_known_by_marks_of_its_own)
{
	(void)state;
	static const struct {
		const char     *name, *text;
		enum event_kind kind;
	} rows[] = {
		{ "HTTP API", HTTP(CONTEXT("")), EVENT_HTTP },
		{ "Function URL", HTTP(CONTEXT(",\"domainName\":\"abc.lambda-url.eu-west-1.on.aws\"")), EVENT_URL },
		{ "REST API", REST("\"resource\":\"/x\",\"path\":\"/x\"," IDENTITY("")), EVENT_REST },
		{ "HTTP API, payload 1.0",
		    REST("\"version\":\"1.0\",\"resource\":\"/x\",\"path\":\"/x\"," IDENTITY("")), EVENT_REST },
		{ "load balancer", REST("\"path\":\"/x\",\"headers\":{}," ELB), EVENT_ALB },
		{ "load balancer, multi", REST("\"path\":\"/x\",\"multiValueHeaders\":{}," ELB), EVENT_ALB_MULTI },
		{ "schedule", "{\"source\":\"aws.events\",\"detail-type\":\"Scheduled Event\",\"detail\":{}}", EVENT_BRIDGE },
		{ "queue", "{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"a\"}]}", EVENT_QUEUE },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(read(rows[i].text) == OK, rows[i].name);
		assert_row(event.kind == rows[i].kind, rows[i].name);
		assert_row(event.status == 0, rows[i].name);
	}
}

TEST(what_has_no_marks_is_refused)
{
	(void)state;
	static const char *const rows[] = {
		"{}", "[]", "null", "\"text\"", "1", "{\"Records\":[]}", "{\"Records\":{}}",
		"{\"Records\":[{\"eventSource\":\"aws:s3\"}]}",
		"{\"Records\":[{\"eventSource\":\"aws:sqs\"},{\"eventSource\":\"aws:s3\"}]}",
		"{\"source\":\"aws.events\"}", "{\"version\":\"2.0\"}", "{\"version\":\"2.0\",\"requestContext\":{\"http\":1}}",
		"{\"version\":\"3.0\"," CONTEXT("") "}", "{\"httpMethod\":\"GET\",\"path\":\"/\"}",
		"{\"requestContext\":{\"connectionId\":\"a\",\"routeKey\":\"$connect\"}}",
		"{\"version\":\"2.0\",\"type\":\"REQUEST\",\"routeArn\":\"arn\"}",
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(read(rows[i]) == ERR_UNSUPPORTED, rows[i]);
		assert_row(reason.len > 0, rows[i]);
	}
}

TEST(marks_without_the_shape_are_an_error)
{
	(void)state;
	static const char *const rows[] = {
		"{\"version\":\"2.0\"," CONTEXT("") "}",                /* no path */
		"{\"version\":\"2.0\",\"rawPath\":1," CONTEXT("") "}",
		"{\"version\":\"2.0\",\"rawPath\":\"/\",\"requestContext\":{\"http\":{}}}",
		"{\"version\":\"2.0\",\"rawPath\":\"/\",\"requestContext\":{\"http\":{\"method\":\"G T\"}}}",
		"{\"source\":\"../admin\",\"detail-type\":\"a\",\"detail\":{}}",
		"{\"source\":\"\",\"detail-type\":\"a\",\"detail\":{}}",
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(read(rows[i]) == ERR_INVALID, rows[i]);
}

TEST(no_header_becomes_a_variable_that_is_trusted)
{
	(void)state;
	static const char *const rows[] = {
		"AUTHORIZER-CLAIM-sub", "AUTHORIZER_CLAIM_sub", "LAMBDA-EVENT-SOURCE", "LAMBDA_EVENT_SOURCE",
		"REMOTE-ADDR", "REMOTE_ADDR", "HTTPS", "REQUEST_METHOD", "GATEWAY_STAGE", "SCRIPT_NAME",
		"Proxy", "proxy", "Content-Length", "X\\u0000Y", "X Y", "", "X:Y", "HTTP_COOKIE",
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[512];
		snprintf(text, sizeof(text), HTTP("\"headers\":{\"%s\":\"forged\"}," CONTEXT("")), rows[i]);
		assert_row(read(text) == OK, rows[i]);
		for (size_t v = 0; v < event.count; v++)
			assert_row(!str_eq(event.list[v].value, STR("forged")) ||
			    (str_starts(event.list[v].name, STR("HTTP_")) &&
			    !str_eq(event.list[v].name, STR("HTTP_PROXY"))), rows[i]);
	}
}

TEST(a_name_with_an_underscore_is_no_header)
{
	(void)state;
	assert_int_equal(read(HTTP("\"headers\":{\"x_api_key\":\"forged\",\"x-api-key\":\"own\"}," CONTEXT(""))), OK);
	assert_str(variable("HTTP_X_API_KEY"), STR("own"));
	assert_int_equal(read(HTTP("\"headers\":{\"x_api_key\":\"forged\"}," CONTEXT(""))), OK);
	assert_null(variable("HTTP_X_API_KEY").ptr);
}

TEST(a_header_with_a_control_byte_is_a_bad_request)
{
	(void)state;
	static const char *const rows[] = { "a\\r\\nB: c", "a\\nb", "a\\u0000b", "a\\u007fb" };
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[512];
		snprintf(text, sizeof(text), HTTP("\"headers\":{\"x-a\":\"%s\"}," CONTEXT("")), rows[i]);
		assert_row(read(text) == OK && event.status == 400, rows[i]);
	}
	assert_int_equal(read(HTTP("\"headers\":{\"x-a\":\"a\\tb\"}," CONTEXT(""))), OK);
	assert_int_equal(event.status, 0);
}

TEST(too_many_headers_are_refused_and_so_are_long_ones)
{
	(void)state;
	char *text = malloc(65536);
	size_t n = (size_t)snprintf(text, 65536, "{\"version\":\"2.0\",\"rawPath\":\"/x\"," CONTEXT("") ",\"headers\":{\"a\":\"b\"");

	for (unsigned i = 0; i < VARIABLES_MAX; i++)
		n += (size_t)snprintf(text + n, 65536 - n, ",\"x-%u\":\"v\"", i);
	snprintf(text + n, 65536 - n, "}}");
	assert_int_equal(read(text), OK);
	assert_int_equal(event.status, 431);
	assert_true(event.count <= VARIABLES_MAX);
	n = (size_t)snprintf(text, 65536, HTTP("\"headers\":{\"a\":\"%*s\"}," CONTEXT("")), VARIABLE_MAX_BYTES + 1, "b");
	assert_true(n < 65536);
	assert_int_equal(read(text), OK);
	assert_int_equal(event.status, 431);
	free(text);
}

TEST(values_of_one_header_are_joined_and_cookies_by_semicolons)
{
	(void)state;
	assert_int_equal(read(REST("\"resource\":\"/x\",\"path\":\"/x\"," IDENTITY("") ",\"headers\":{\"X-A\":\"2\"},"
	    "\"multiValueHeaders\":{\"X-A\":[\"1\",\"2\"],\"Cookie\":[\"a=1\",\"b=2\"],\"x-b\":null}")), OK);
	assert_str(variable("HTTP_X_A"), STR("1, 2"));
	assert_str(variable("HTTP_COOKIE"), STR("a=1; b=2"));
	assert_int_equal(read(HTTP("\"cookies\":[\"a=1\",\"b=2\"],\"headers\":{\"cookie\":\"z=0\",\"X-A\":\"1\",\"x-a\":\"2\"}," CONTEXT(""))), OK);
	assert_str(variable("HTTP_COOKIE"), STR("z=0; a=1; b=2"));
	assert_str(variable("HTTP_X_A"), STR("1, 2"));
}

TEST(a_query_is_what_the_client_encoded_or_encoded_again)
{
	(void)state;
	assert_int_equal(read(HTTP("\"rawQueryString\":\"a=%20b&a=c+d&x[]=\\\"\"," CONTEXT(""))), OK);
	assert_str(variable("QUERY_STRING"), STR("a=%20b&a=c+d&x%5B%5D=%22"));
	assert_str(variable("REQUEST_URI"), STR("/x?a=%20b&a=c+d&x%5B%5D=%22"));
	assert_int_equal(read(REST("\"resource\":\"/x\",\"path\":\"/x\"," IDENTITY("") ",\"queryStringParameters\":{\"a\":\"2\"},"
	    "\"multiValueQueryStringParameters\":{\"a\":[\"1 &=\",\"2\"],\"\xC3\xA4\":[\"+%\"]}")), OK);
	assert_str(variable("QUERY_STRING"), STR("a=1%20%26%3D&a=2&%C3%A4=%2B%25"));
	assert_int_equal(read(REST("\"path\":\"/x\",\"headers\":{},\"queryStringParameters\":{\"a\":\"%20b\"}," ELB)), OK);
	assert_str(variable("QUERY_STRING"), STR("a=%20b"));
	assert_int_equal(read(REST("\"resource\":\"/x\",\"path\":\"/x\",\"queryStringParameters\":null," IDENTITY(""))), OK);
	assert_str(variable("REQUEST_URI"), STR("/x"));
}

TEST(stage_and_mapping_do_not_reach_the_path)
{
	(void)state;
#define V2(path, key, context) "{\"version\":\"2.0\",\"rawPath\":\"" path "\",\"routeKey\":\"" key "\"," CONTEXT(context) "}"
#define V1(resource, path, proxy) REST("\"resource\":\"" resource "\",\"path\":\"" path "\",\"pathParameters\":{\"proxy\":\"" proxy "\"}," IDENTITY(",\"stage\":\"prod\""))
#define OWN ",\"apiId\":\"a1\",\"domainName\":\"a1.execute-api.eu-west-1.amazonaws.com\""
	static const struct {
		const char *text, *base, *path;
	} rows[] = {
		{ V2("/prod/v1/blog", "$default", ",\"stage\":\"prod\"" OWN), "", "/v1/blog" },
		{ V2("/prod", "$default", ",\"stage\":\"prod\"" OWN), "", "/" },
		{ V2("/production/x", "$default", ",\"stage\":\"prod\"" OWN), "", "/production/x" },
		{ V2("/v1/blog", "$default", ",\"stage\":\"$default\"" OWN), "", "/v1/blog" },
		{ V2("/prod/x", "$default", ",\"stage\":\"prod\",\"apiId\":\"a1\",\"domainName\":\"api.example.com\""), "", "/prod/x" },
		{ V2("/api/v1/blog/7", "GET /v1/blog/{id}", ""), "", "/v1/blog/7" },
		{ V2("/v1/blog", "ANY /{proxy+}", ""), "", "/v1/blog" },
		{ V2("/api/v1/blog", "$default", ""), "/api/", "/v1/blog" },
		{ V2("/apix/v1/blog", "$default", ""), "/api", "/apix/v1/blog" },
		{ V1("/{proxy+}", "/v1/blog", "v1/blog"), "", "/v1/blog" },
		{ V1("/{proxy+}", "/api/v1/blog", "v1/blog"), "", "/v1/blog" },
		{ V1("/{proxy+}", "/api/v1/blog/", "v1/blog"), "", "/v1/blog/" },
		{ V1("/{proxy+}", "/api/v1/a%20b", "v1/a b"), "", "/v1/a%20b" },
		{ V1("/v1/{proxy+}", "/api/v1/blog/7", "blog/7"), "", "/v1/blog/7" },
		{ V1("/{proxy+}", "/other/place", "v1/blog"), "", "/other/place" },
		{ V1("/v1/blog/{id}", "/api/v1/blog/7", ""), "", "/v1/blog/7" },
		{ V1("/", "/api", ""), "", "/" },
		{ V1("/", "/", ""), "", "/" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(read_with(rows[i].text, rows[i].base) == OK, rows[i].text);
		assert_str(variable("REQUEST_URI"), str_of(rows[i].path));
	}
}

TEST(a_path_that_cannot_be_routed_is_answered_by_its_status)
{
	(void)state;
	static const struct {
		const char *path;
		int         status;
	} rows[] = {
		{ "/a/../../b", 400 }, { "/a%2fb", 400 }, { "/a%", 400 }, { "/a%00", 400 }, { "/events", 404 },
		{ "/events/aws.sqs", 404 }, { "//events//x", 404 }, { "/%65vents/x", 404 }, { "/x/../events/y", 404 },
		{ "/eventsource", 0 }, { "/a b", 0 }, { "/a?b", 0 }, { "", 0 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "{\"version\":\"2.0\",\"rawPath\":\"%s\"," CONTEXT("") "}", rows[i].path);
		assert_row(read(text) == OK && event.status == rows[i].status, rows[i].path);
	}
	assert_int_equal(read("{\"version\":\"2.0\",\"rawPath\":\"/a?b c\"," CONTEXT("") "}"), OK);
	assert_str(variable("REQUEST_URI"), STR("/a%3Fb%20c"));
}

TEST(the_address_is_the_context_s_and_never_a_header_s)
{
	(void)state;
	assert_int_equal(read(HTTP("\"headers\":{\"x-forwarded-for\":\"192.0.2.9\"}," CONTEXT(""))), OK);
	assert_str(variable("REMOTE_ADDR"), STR("203.0.113.7"));
	assert_int_equal(read(REST("\"path\":\"/\",\"headers\":{\"x-forwarded-for\":\"192.0.2.9\",\"x-forwarded-proto\":\"http\"}," ELB)), OK);
	assert_null(variable("REMOTE_ADDR").ptr);
	assert_str(variable("HTTP_X_FORWARDED_FOR"), STR("192.0.2.9"));
	assert_null(variable("HTTPS").ptr);
}

TEST(what_each_authorizer_says_has_a_prefix_of_its_own)
{
	(void)state;
	assert_int_equal(read(HTTP(CONTEXT(",\"authorizer\":{\"jwt\":{\"claims\":{\"sub\":\"s\",\"exp\":17,\"custom:role\":\"r\",\"custom_role\":\"other\","
	    "\"a=b\":\"no\",\"\":\"no\"},\"scopes\":[\"a\",\"b\"]},\"lambda\":{\"tenant\":\"t\",\"ok\":true},\"iam\":{\"userArn\":\"u\"}}"))), OK);
	assert_str(variable("AUTHORIZER_CLAIM_sub"), STR("s"));
	assert_str(variable("AUTHORIZER_CLAIM_exp"), STR("17"));
	assert_str(variable("AUTHORIZER_CLAIM_custom:role"), STR("r"));
	assert_str(variable("AUTHORIZER_CLAIM_custom_role"), STR("other"));
	assert_null(variable("AUTHORIZER_CLAIM_a=b").ptr);
	assert_null(variable("AUTHORIZER_CLAIM_").ptr);
	assert_str(variable("AUTHORIZER_SCOPES"), STR("a b"));
	assert_str(variable("AUTHORIZER_CONTEXT_tenant"), STR("t"));
	assert_str(variable("AUTHORIZER_CONTEXT_ok"), STR("true"));
	assert_str(variable("AUTHORIZER_IAM_userArn"), STR("u"));
	assert_int_equal(read(REST("\"resource\":\"/x\",\"path\":\"/x\"," IDENTITY(",\"authorizer\":{\"principalId\":\"p\",\"claims\":{\"sub\":\"s\"}}"))), OK);
	assert_str(variable("AUTHORIZER_CONTEXT_principalId"), STR("p"));
	assert_str(variable("AUTHORIZER_CLAIM_sub"), STR("s"));
	assert_null(variable("AUTHORIZER_CONTEXT_claims").ptr);
}

TEST(bodies_are_decoded_when_the_event_says_so)
{
	(void)state;
	assert_int_equal(read(HTTP("\"body\":\"/wD+\",\"isBase64Encoded\":true," CONTEXT(""))), OK);
	assert_int_equal(event.body.len, 3);
	assert_memory_equal(event.body.ptr, "\xFF\0\xFE", 3);
	assert_str(variable("CONTENT_LENGTH"), STR("3"));
	assert_int_equal(read(HTTP("\"body\":\"/wD+\",\"isBase64Encoded\":false," CONTEXT(""))), OK);
	assert_str(event.body, STR("/wD+"));
	assert_int_equal(read(HTTP("\"body\":\"/w\",\"isBase64Encoded\":true," CONTEXT(""))), OK);
	assert_int_equal(event.status, 400);
	assert_int_equal(read(HTTP("\"body\":null," CONTEXT(""))), OK);
	assert_int_equal(event.body.len, 0);
}

TEST(the_invocation_is_told_and_its_trace_wins)
{
	(void)state;
	assert_int_equal(read(HTTP("\"headers\":{\"x-amzn-trace-id\":\"Root=client\",\"x-request-id\":\"mine\"}," CONTEXT(""))), OK);
	assert_str(variable("HTTP_X_AMZN_TRACE_ID"), STR("Root=1-a"));
	assert_str(variable("HTTP_X_REQUEST_ID"), STR("mine"));
	assert_str(variable("LAMBDA_REQUEST_ID"), STR("id-1"));
	assert_str(variable("LAMBDA_REMAINING_MS"), STR("1000"));
	assert_int_equal(read(HTTP(CONTEXT(""))), OK);
	assert_str(variable("HTTP_X_REQUEST_ID"), STR("id-1"));
}

TEST(gzip_is_taken_when_the_list_says_so)
{
	(void)state;
	static const struct {
		const char *list;
		bool        takes;
	} rows[] = {
		{ "gzip", true }, { "br, GZIP;q=0.5", true }, { "*", true }, { "x-gzip", true }, { "br", false },
		{ "gzip;q=0", false }, { "gzip; q=0.000", false }, { "*;q=0", false }, { "gzip;q=0, *", false },
		{ "gzip;q=0.001", true }, { "", false }, { "identity", false }, { "gzipped", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), HTTP("\"headers\":{\"accept-encoding\":\"%s\"}," CONTEXT("")), rows[i].list);
		assert_row(read(text) == OK && event.gzip == rows[i].takes, rows[i].list);
	}
}

TEST_MAIN(RUN(each_kind_is_known_by_marks_of_its_own), RUN(what_has_no_marks_is_refused),
    RUN(marks_without_the_shape_are_an_error), RUN(no_header_becomes_a_variable_that_is_trusted),
    RUN(a_name_with_an_underscore_is_no_header), RUN(a_header_with_a_control_byte_is_a_bad_request), RUN(too_many_headers_are_refused_and_so_are_long_ones),
    RUN(values_of_one_header_are_joined_and_cookies_by_semicolons),
    RUN(a_query_is_what_the_client_encoded_or_encoded_again), RUN(stage_and_mapping_do_not_reach_the_path),
    RUN(a_path_that_cannot_be_routed_is_answered_by_its_status),
    RUN(the_address_is_the_context_s_and_never_a_header_s),
    RUN(what_each_authorizer_says_has_a_prefix_of_its_own), RUN(bodies_are_decoded_when_the_event_says_so),
    RUN(the_invocation_is_told_and_its_trace_wins), RUN(gzip_is_taken_when_the_list_says_so))
