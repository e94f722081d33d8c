/*
 * What a program answers, as what Lambda hands on.
 */
#include "test.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "lambda/reply.h"

static struct arena arena;

static struct str written(enum event_kind kind, bool gzip, struct str bytes)
{
	static struct event event;
	struct reply reply;
	struct buf out;

	arena_clean(&arena);
	arena_init(&arena, ARENA_MAX_BYTES);
	event.kind = kind;
	event.gzip = gzip;
	size_t head = reply_head_end(bytes);
	assert_true(head > 0);
	assert_int_equal(reply_read_head(str_first(bytes, head), &reply), OK);
	reply.body = str_from(bytes, head);
	buf_init(&out, &arena, 64 << 20);
	assert_int_equal(reply_write(&arena, &event, &reply, &out), OK);
	return buf_str(&out);
}

#define HEAD "Status: 201 Created\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n" \
	"Vary: A\r\nvary: B\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"

TEST(each_kind_has_its_own_form)
{
	(void)state;
	static const struct {
		enum event_kind kind;
		const char     *text;
	} rows[] = {
		{ EVENT_HTTP, "{\"statusCode\":201,\"headers\":{\"Content-Type\":\"text/plain\",\"Vary\":\"A, B\"},"
		    "\"cookies\":[\"a=1\",\"b=2\"],\"isBase64Encoded\":false,\"body\":\"ok\"}" },
		{ EVENT_REST, "{\"statusCode\":201,\"multiValueHeaders\":{\"Content-Type\":[\"text/plain\"],"
		    "\"Set-Cookie\":[\"a=1\",\"b=2\"],\"Vary\":[\"A\",\"B\"]},\"isBase64Encoded\":false,\"body\":\"ok\"}" },
		{ EVENT_ALB_MULTI, "{\"statusCode\":201,\"statusDescription\":\"201 Created\",\"multiValueHeaders\":"
		    "{\"Content-Type\":[\"text/plain\"],\"Set-Cookie\":[\"a=1\",\"b=2\"],\"Vary\":[\"A\",\"B\"]},"
		    "\"isBase64Encoded\":false,\"body\":\"ok\"}" },
		{ EVENT_ALB, "{\"statusCode\":201,\"statusDescription\":\"201 Created\",\"headers\":{\"Content-Type\":\"text/plain\","
		    "\"Vary\":\"A, B\",\"set-cookie\":\"a=1\",\"Set-cookie\":\"b=2\"},\"isBase64Encoded\":false,\"body\":\"ok\"}" },
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_str(written(rows[i].kind, false, STR(HEAD "ok")), str_of(rows[i].text));
}

TEST(a_head_is_read_as_cgi_says)
{
	(void)state;
	static const struct {
		const char *head;
		int         status;             /* 0: refused */
	} rows[] = {
		{ "Content-Type: text/plain\n\n", 200 }, { "Location: /x\r\n\r\n", 302 }, { "Status: 404\r\n\r\n", 404 },
		{ "Status: 599 Own\r\nA: b\r\n\r\n", 599 }, { "status: 204 No Content\n\n", 204 }, { "\r\n", 0 },
		{ "Status: 100 Continue\r\n\r\n", 0 }, { "Status: 600\r\n\r\n", 0 }, { "Status: abc\r\n\r\n", 0 },
		{ "Status:\r\n\r\n", 0 }, { "no colon\r\n\r\n", 0 }, { "A b: c\r\n\r\n", 0 }, { ": c\r\n\r\n", 0 },
		{ "A: b\rc\r\n\r\n", 0 }, { "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 0 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reply reply;
		enum err e = reply_read_head(str_of(rows[i].head), &reply);
		assert_row((e == OK ? reply.status : 0) == rows[i].status, rows[i].head);
	}
}

TEST(a_head_ends_at_its_empty_line)
{
	(void)state;
	assert_int_equal(reply_head_end(STR("A: b\r\n\r\nbody")), 8);
	assert_int_equal(reply_head_end(STR("A: b\n\nbody")), 6);
	assert_int_equal(reply_head_end(STR("A: b\n\r\nbody")), 7);
	assert_int_equal(reply_head_end(STR("A: b\r\n")), 0);
	assert_int_equal(reply_head_end(STR("A: b")), 0);
	assert_int_equal(reply_head_end(STR("")), 0);
	assert_int_equal(reply_head_end(STR("\r\n")), 2);
}

TEST(too_many_headers_are_too_large)
{
	(void)state;
	char head[REPLY_HEADERS_MAX * 8 + 64];
	struct reply reply;
	size_t n = 0;

	for (unsigned i = 0; i <= REPLY_HEADERS_MAX; i++)
		n += (size_t)snprintf(head + n, sizeof(head) - n, "A: b\r\n");
	assert_int_equal(reply_read_head((struct str){ head, n }, &reply), ERR_TOO_LARGE);
}

TEST(what_is_no_text_is_base64)
{
	(void)state;
	assert_true(str_ends(written(EVENT_HTTP, true, STR("A: b\n\n\xFF\xFE")), STR("\"isBase64Encoded\":true,\"body\":\"//4=\"}")));
	assert_true(str_ends(written(EVENT_HTTP, true, STR("A: b\n\na\0b")), STR("\"isBase64Encoded\":true,\"body\":\"YQBi\"}")));
	assert_true(str_ends(written(EVENT_HTTP, true, STR("Content-Encoding: br\n\nab")), STR("\"isBase64Encoded\":true,\"body\":\"YWI=\"}")));
	assert_true(str_ends(written(EVENT_HTTP, true, STR("A: b\n\n\xC3\xA4\"\n")), STR("\"isBase64Encoded\":false,\"body\":\"\xC3\xA4\\\"\\n\"}")));
}

static struct str long_reply(const char *head, size_t length)
{
	size_t n = strlen(head);
	char *text = test_malloc(n + length);

	memcpy(text, head, n);
	memset(text + n, 'a', length);
	return (struct str){ text, n + length };
}

TEST(long_text_is_compressed_for_who_takes_it)
{
	(void)state;
	static const struct {
		const char *name, *head;
		size_t      length;
		bool        takes, packed;
	} rows[] = {
		{ "text", "Content-Type: text/html\n\n", 1025, true, true },
		{ "JSON", "Content-Type: application/problem+json\n\n", 1025, true, true },
		{ "a client that does not", "Content-Type: text/html\n\n", 1025, false, false },
		{ "short", "Content-Type: text/html\n\n", 1024, true, false },
		{ "a picture", "Content-Type: image/png\n\n", 4096, true, false },
		{ "no type", "A: b\n\n", 4096, true, false },
		{ "packed already", "Content-Type: text/html\nContent-Encoding: br\n\n", 4096, true, false },
		{ "not to be changed", "Content-Type: text/html\nCache-Control: no-transform\n\n", 4096, true, false },
		{ "a part", "Status: 206\nContent-Type: text/html\n\n", 4096, true, false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str whole = long_reply(rows[i].head, rows[i].length);
		bool packed = str_contains(written(EVENT_HTTP, rows[i].takes, whole), STR("\"Content-Encoding\":\"gzip\",\"Vary\":\"Accept-Encoding\""));
		test_free((void *)whole.ptr);
		assert_row(packed == rows[i].packed, rows[i].name);
	}
}

TEST(what_was_compressed_is_the_same_again)
{
	(void)state;
	char plain[5000], back[5000];
	z_stream z = { 0 };

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)('a' + i * i % 26);
	arena_clean(&arena);
	arena_init(&arena, ARENA_MAX_BYTES);
	struct str packed = reply_gzip(&arena, (struct str){ plain, sizeof(plain) });
	assert_true(packed.ptr != NULL && packed.len < sizeof(plain));
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)packed.ptr;
	z.avail_in = (uInt)packed.len;
	z.next_out = (Bytef *)back;
	z.avail_out = sizeof(back);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_int_equal(z.total_out, sizeof(plain));
	assert_memory_equal(back, plain, sizeof(plain));
	assert_null(reply_gzip(&arena, STR("abc")).ptr);
}

TEST(what_is_over_the_bound_is_a_500)
{
	(void)state;
	struct str large = long_reply("Content-Type: image/png\n\n", REPLY_MAX_BYTES);
	assert_true(str_starts(written(EVENT_HTTP, false, large), STR("{\"statusCode\":500,")));
	test_free((void *)large.ptr);
	large = long_reply("Content-Type: image/png\n\n", ALB_REPLY_MAX_BYTES);
	assert_true(str_starts(written(EVENT_HTTP, false, large), STR("{\"statusCode\":200,")));
	assert_true(str_starts(written(EVENT_ALB, false, large), STR("{\"statusCode\":500,")));
	test_free((void *)large.ptr);
}

TEST(an_event_that_nobody_waits_for_gets_what_was_said)
{
	(void)state;
	assert_str(written(EVENT_QUEUE, true, STR("Content-Type: application/json\n\n{\"batchItemFailures\":[]}")),
	    STR("{\"batchItemFailures\":[]}"));
	assert_str(written(EVENT_BRIDGE, true, STR("Content-Type: text/plain\n\nfine")), STR("{}"));
	assert_str(written(EVENT_BRIDGE, true, STR("Status: 204\n\n")), STR("{}"));
}

TEST(a_prelude_has_all_but_the_body)
{
	(void)state;
	struct reply reply;
	struct buf out;

	arena_clean(&arena);
	arena_init(&arena, ARENA_MAX_BYTES);
	assert_int_equal(reply_read_head(STR(HEAD), &reply), OK);
	buf_init(&out, &arena, 65536);
	reply_write_prelude(&reply, &out);
	assert_str(buf_str(&out), STR("{\"statusCode\":201,\"headers\":{\"Content-Type\":\"text/plain\",\"Vary\":\"A, B\"},"
	    "\"cookies\":[\"a=1\",\"b=2\"]}"));
}

TEST_MAIN(RUN(each_kind_has_its_own_form), RUN(a_head_is_read_as_cgi_says), RUN(a_head_ends_at_its_empty_line),
    RUN(too_many_headers_are_too_large), RUN(what_is_no_text_is_base64), RUN(long_text_is_compressed_for_who_takes_it),
    RUN(what_was_compressed_is_the_same_again), RUN(what_is_over_the_bound_is_a_500),
    RUN(an_event_that_nobody_waits_for_gets_what_was_said), RUN(a_prelude_has_all_but_the_body))
