#include "serve/record.h"

#include <string.h>

#include "test.h"

#define BEGIN(role)   "\1\1\0\1\0\10\0\0\0" role "\1\0\0\0\0\0"
#define PARAMS        "\1\4\0\1\0\4\4\0\1\1AB\0\0\0\0"
#define PARAMS_END    "\1\4\0\1\0\0\0\0"
#define INPUT         "\1\5\0\1\0\3\1\0abc\0"
#define INPUT_END     "\1\5\0\1\0\0\0\0"
#define OTHER_END     "\1\5\0\2\0\0\0\0"
#define REQUEST       BEGIN("\1") PARAMS PARAMS_END INPUT INPUT_END

static const struct {
	const char       *name;
	struct str        bytes;
	enum opening_kind kind;
	size_t            size;
	bool              more;
} openings[] = {
	{ "nothing", STR_INIT(""), OPENING_SHORT, 0, false },
	{ "half a header", STR_INIT("\1\1\0"), OPENING_SHORT, 0, false },
	{ "a header alone", STR_INIT("\1\1\0\1\0\10\0\0"), OPENING_SHORT, 0, false },
	{ "half a role", STR_INIT("\1\1\0\1\0\10\0\0\0"), OPENING_SHORT, 0, false },
	{ "a request that has begun", STR_INIT(BEGIN("\1")), OPENING_REQUEST, 0, false },
	{ "a request without its input", STR_INIT(BEGIN("\1") PARAMS PARAMS_END), OPENING_REQUEST, 0, false },
	{ "a request but for its last byte", STR_INIT(BEGIN("\1") PARAMS_END "\1\5\0\1\0\0\0"), OPENING_REQUEST, 0, false },
	{ "a whole request", STR_INIT(REQUEST), OPENING_REQUEST, sizeof(REQUEST) - 1, false },
	{ "the end of another's input", STR_INIT(BEGIN("\1") OTHER_END), OPENING_REQUEST, 0, false },
	{ "two requests", STR_INIT(REQUEST REQUEST), OPENING_REQUEST, sizeof(REQUEST) - 1, true },
	{ "a byte behind", STR_INIT(REQUEST "\1"), OPENING_REQUEST, sizeof(REQUEST) - 1, true },
	{ "an end whose padding is missing", STR_INIT(BEGIN("\1") "\1\5\0\1\0\0\3\0"), OPENING_REQUEST, 0, false },
	{ "an end with padding", STR_INIT(BEGIN("\1") "\1\5\0\1\0\0\3\0xyz"), OPENING_REQUEST, 27, false },
	{ "an authorizer", STR_INIT(BEGIN("\2") PARAMS), OPENING_ROLE, 0, false },
	{ "a filter", STR_INIT(BEGIN("\3")), OPENING_ROLE, 0, false },
	{ "role 0", STR_INIT(BEGIN("\0")), OPENING_ROLE, 0, false },
	{ "a begin of 7 bytes", STR_INIT("\1\1\0\1\0\7\0\0\0\1\0\0\0\0\0"), OPENING_BROKEN, 0, false },
	{ "a begin of 65,535 bytes", STR_INIT("\1\1\0\1\377\377\0\0\0\1"), OPENING_BROKEN, 0, false },
	{ "get values", STR_INIT("\1\11\0\0\0\0\0\0"), OPENING_MANAGEMENT, 0, false },
	{ "a begin of request 0", STR_INIT("\1\1\0\0\0\10\0\0\0\1\0\0\0\0\0\0"), OPENING_MANAGEMENT, 0, false },
	{ "an unknown type", STR_INIT("\1\143\0\0\0\0\0\0"), OPENING_MANAGEMENT, 0, false },
	{ "an abort", STR_INIT("\1\2\0\1\0\0\0\0"), OPENING_STRAY, 0, false },
	{ "input", STR_INIT(INPUT), OPENING_STRAY, 0, false },
	{ "another version", STR_INIT("\2\1\0\1\0\10\0\0"), OPENING_BROKEN, 0, false },
	{ "another version's first byte", STR_INIT("\0"), OPENING_BROKEN, 0, false },
	{ "HTTP", STR_INIT("GET / HTTP/1.1\r\n\r\n"), OPENING_BROKEN, 0, false },
};

TEST(what_a_connection_says_is_told_from_its_first_bytes)
{
	struct opening o;

	(void)state;
	for (size_t i = 0; i < COUNT(openings); i++) {
		record_opening(openings[i].bytes, &o);
		assert_row(o.kind == openings[i].kind, openings[i].name);
		assert_row(o.size == openings[i].size, openings[i].name);
		assert_row(o.more == openings[i].more, openings[i].name);
	}
}

TEST(a_whole_request_is_seen_as_such_at_no_byte_before_its_last)
{
	const struct str whole = STR(REQUEST);
	struct opening o;

	(void)state;
	for (size_t n = 0; n <= whole.len; n++) {
		record_opening(str_first(whole, n), &o);
		assert_int_equal(o.size > 0, n == whole.len);
	}
}

TEST(a_header_is_read_as_it_was_written)
{
	const struct record_header h = { .type = FCGI_STDOUT, .id = 0xabcd, .length = 0xfffe, .padding = 7 };
	unsigned char bytes[FCGI_HEADER_LEN];

	(void)state;
	record_header_write(h, bytes);
	struct record_header back = record_header_read(bytes);
	assert_int_equal(bytes[0], FCGI_VERSION_1);
	assert_int_equal(back.type, h.type);
	assert_int_equal(back.id, h.id);
	assert_int_equal(back.length, h.length);
	assert_int_equal(back.padding, h.padding);
}

TEST(the_end_of_a_request_says_how_it_ended)
{
	unsigned char bytes[16];

	(void)state;
	assert_int_equal(record_end_request(258, FCGI_UNKNOWN_ROLE, bytes), 16);
	assert_memory_equal(bytes, "\1\3\1\2\0\10\0\0\0\0\0\0\3\0\0\0", 16);
}

TEST(an_unknown_type_is_named)
{
	unsigned char bytes[16];

	(void)state;
	assert_int_equal(record_unknown_type(99, bytes), 16);
	assert_memory_equal(bytes, "\1\13\0\0\0\10\0\0\143\0\0\0\0\0\0\0", 16);
}

#define CONNS "\16\0FCGI_MAX_CONNS"
#define REQS  "\15\0FCGI_MAX_REQS"
#define MPXS  "\17\0FCGI_MPXS_CONNS"

static const struct {
	const char *name;
	struct str  asked, told;
} values[] = {
	{ "nothing", STR_INIT(""), STR_INIT("") },
	{ "all", STR_INIT(CONNS REQS MPXS), STR_INIT("\16\4FCGI_MAX_CONNS8192\15\4FCGI_MAX_REQS8192\17\1FCGI_MPXS_CONNS0") },
	{ "one", STR_INIT(MPXS), STR_INIT("\17\1FCGI_MPXS_CONNS0") },
	{ "one twice", STR_INIT(MPXS MPXS), STR_INIT("\17\1FCGI_MPXS_CONNS0") },
	{ "a name unknown", STR_INIT("\4\0NOPE" MPXS), STR_INIT("\17\1FCGI_MPXS_CONNS0") },
	{ "with a value", STR_INIT("\17\2FCGI_MPXS_CONNS99" REQS), STR_INIT("\17\1FCGI_MPXS_CONNS0\15\4FCGI_MAX_REQS8192") },
	{ "a length of four bytes", STR_INIT("\200\0\0\17\0FCGI_MPXS_CONNS"), STR_INIT("\17\1FCGI_MPXS_CONNS0") },
	{ "4 GB", STR_INIT("\377\377\377\377\377\377\377\377A" MPXS), STR_INIT("") },
	{ "a length cut short", STR_INIT("\200\0"), STR_INIT("") },
	{ "a name cut short", STR_INIT("\17\0FCGI_MPXS"), STR_INIT("") },
	{ "a value cut short", STR_INIT("\17\11FCGI_MPXS_CONNS0"), STR_INIT("") },
};

TEST(values_that_are_asked_for_are_told_once)
{
	unsigned char out[RECORD_VALUES_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		size_t n = record_values(values[i].asked, 8192, out);
		struct record_header h = record_header_read(out);
		struct str told = { (const char *)out + FCGI_HEADER_LEN, n - FCGI_HEADER_LEN };
		assert_row(h.type == FCGI_GET_VALUES_RESULT && h.id == 0, values[i].name);
		assert_row(h.length == told.len, values[i].name);
		assert_row(str_eq(told, values[i].told), values[i].name);
	}
}

TEST_MAIN(
	RUN(what_a_connection_says_is_told_from_its_first_bytes),
	RUN(a_whole_request_is_seen_as_such_at_no_byte_before_its_last),
	RUN(a_header_is_read_as_it_was_written),
	RUN(the_end_of_a_request_says_how_it_ended),
	RUN(an_unknown_type_is_named),
	RUN(values_that_are_asked_for_are_told_once)
)
