#include "test.h"

#include "base/id.h"
#include "base/limits.h"
#include "http/trace.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static const struct {
	const char *header;
	const char *flags;              /* that go out; NULL: a trace begins here */
} parents[] = {
	{ "00-" TRACE "-" SPAN "-01", "01" },
	{ "00-" TRACE "-" SPAN "-00", "00" },
	{ " \t00-" TRACE "-" SPAN "-01\t ", "01" },
	{ "00-" TRACE "-" SPAN "-ff", "01" },
	{ "00-" TRACE "-" SPAN "-fe", "00" },
	{ "01-" TRACE "-" SPAN "-01", "01" },
	{ "cc-" TRACE "-" SPAN "-01-what-comes", "01" },
	{ "cc-" TRACE "-" SPAN "-01-", "01" },
	{ "cc-" TRACE "-" SPAN "-01.what", NULL },
	{ "00-" TRACE "-" SPAN "-01-what", NULL },
	{ "00-" TRACE "-" SPAN "-01-", NULL },
	{ "00-" TRACE "-" SPAN "-01.", NULL },
	{ "ff-" TRACE "-" SPAN "-01", NULL },
	{ "0-" TRACE "-" SPAN "-01", NULL },
	{ "0X-" TRACE "-" SPAN "-01", NULL },
	{ "00-00000000000000000000000000000000-" SPAN "-01", NULL },
	{ "00-" TRACE "-0000000000000000-01", NULL },
	{ "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", NULL },
	{ "00-" TRACE "-B7AD6B7169203331-01", NULL },
	{ "00-" TRACE "-" SPAN "-0A", NULL },
	{ "00-" TRACE "-" SPAN "-1", NULL },
	{ "00-" TRACE "-" SPAN "-", NULL },
	{ "00-" TRACE "-" SPAN, NULL },
	{ "00-" TRACE, NULL },
	{ "00_" TRACE "_" SPAN "_01", NULL },
	{ "00-.af7651916cd43dd8448eb211c80319c-" SPAN "-01", NULL },
	{ "00-" TRACE "1-" SPAN "-01", NULL },
	{ "00", NULL },
	{ "", NULL },
};

static bool is_hex_of(struct str s, size_t len)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr("0123456789abcdef", s.ptr[i]) == NULL)
			return false;
	return s.len == len;
}

TEST(a_well_formed_parent_is_continued_and_no_other)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(parents); i++) {
		struct str header = str_of(parents[i].header);
		struct trace t;
		trace_continue(&arena, &header, 1, NULL, 0, &t);
		bool continued = str_eq(t.trace_id, STR(TRACE));
		assert_row(continued == (parents[i].flags != NULL), parents[i].header);
		assert_row(continued == (t.parent.ptr != NULL), parents[i].header);
		assert_row(is_hex_of(t.trace_id, 32) && is_hex_of(t.span, 16), parents[i].header);
		if (continued)
			assert_str(t.flags, str_of(parents[i].flags));
	}
	arena_clean(&arena);
}

TEST(what_goes_out_names_our_span_in_the_callers_trace)
{
	struct str header = STR("cc-" TRACE "-" SPAN "-01-more");
	struct arena arena;
	struct trace t;

	(void)state;
	arena_init(&arena, 1 << 16);
	trace_continue(&arena, &header, 1, NULL, 0, &t);
	assert_str(t.parent, STR(SPAN));
	assert_false(str_eq(t.span, t.parent));
	assert_str(t.traceparent, arena_printf(&arena, "00-" TRACE "-%.*s-01", STR_ARG(t.span)));
	arena_clean(&arena);
}

TEST(two_parents_are_none)
{
	struct str headers[] = { STR("00-" TRACE "-" SPAN "-01"), STR("00-" TRACE "-" SPAN "-01") };
	struct str joined = STR("00-" TRACE "-" SPAN "-01, 00-" TRACE "-" SPAN "-01");
	struct str state_header = STR("a=1");
	struct arena arena;
	struct trace t;

	(void)state;
	arena_init(&arena, 1 << 16);
	trace_continue(&arena, headers, 2, &state_header, 1, &t);
	assert_false(str_eq(t.trace_id, STR(TRACE)));
	assert_null(t.state.ptr);
	trace_continue(&arena, &joined, 1, NULL, 0, &t);
	assert_false(str_eq(t.trace_id, STR(TRACE)));
	arena_clean(&arena);
}

TEST(every_trace_and_span_is_new)
{
	struct str seen[64];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(seen); i++) {
		struct trace t;
		trace_continue(&arena, NULL, 0, NULL, 0, &t);
		seen[i] = t.traceparent;
		assert_int_equal(t.traceparent.len, 55);
		assert_str(t.flags, STR("00"));
		for (size_t j = 0; j < i; j++) {
			assert_false(str_eq(str_first(seen[j], 35), str_first(seen[i], 35)));
			assert_false(str_eq(str_from(seen[j], 36), str_from(seen[i], 36)));
		}
	}
	arena_clean(&arena);
}

#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10
#define X240 X50 X50 X50 X50 X10 X10 X10 X10

static const struct {
	const char *first, *second;     /* two headers; NULL: no second */
	const char *out;                /* NULL: dropped */
} states[] = {
	{ "foo=1", NULL, "foo=1" },
	{ "foo=1,bar=2", NULL, "foo=1,bar=2" },
	{ "foo=1", "bar=2", "foo=1,bar=2" },
	{ "foo=1,", "", "foo=1" },
	{ "", "foo=1", "foo=1" },
	{ " foo=1 \t , \t bar=2 ", NULL, "foo=1,bar=2" },
	{ "foo=1,,bar=2", NULL, "foo=1,bar=2" },
	{ "foo=1,foo=2", NULL, "foo=1" },
	{ "foo=1,bar=2", "foo=3", "foo=1,bar=2" },
	{ "a*b-c_d/e0=1", NULL, "a*b-c_d/e0=1" },
	{ "0tenant@vendor=1", NULL, "0tenant@vendor=1" },
	{ "foo=a b!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", NULL, "foo=a b!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~" },
	{ X240 "xxxxxxxxxxxxxxxx=1", NULL, X240 "xxxxxxxxxxxxxxxx=1" },
	{ X240 "xxxxxxxxxxxxxxxxx=1", NULL, NULL },
	{ X240 "x@vvvvvvvvvvvvvv=1", NULL, X240 "x@vvvvvvvvvvvvvv=1" },
	{ X240 "xx@v=1", NULL, NULL },
	{ "t@vvvvvvvvvvvvvvv=1", NULL, NULL },
	{ "foo=" X240 "xxxxxxxxxxxxxxxx", NULL, "foo=" X240 "xxxxxxxxxxxxxxxx" },
	{ "foo=" X240 "xxxxxxxxxxxxxxxxx", NULL, NULL },
	{ "", NULL, NULL },
	{ "foo", NULL, NULL },
	{ "foo=", NULL, NULL },
	{ "=1", NULL, NULL },
	{ "foo =1", NULL, NULL },
	{ "foo= ", NULL, NULL },
	{ "FOO=1", NULL, NULL },
	{ "foo.bar=1", NULL, NULL },
	{ "0foo=1", NULL, NULL },
	{ "foo@=1", NULL, NULL },
	{ "@foo=1", NULL, NULL },
	{ "foo@@bar=1", NULL, NULL },
	{ "foo@bar@baz=1", NULL, NULL },
	{ "foo@0bar=1", NULL, NULL },
	{ "foo=bar=baz", NULL, NULL },
	{ "foo=\x7F", NULL, NULL },
	{ "foo=caf\xC3\xA9", NULL, NULL },
	{ "foo=a\tb", NULL, NULL },
	{ "foo=1,BAR=2", NULL, NULL },
};

TEST(a_well_formed_tracestate_is_passed_on)
{
	struct str parent = STR("00-" TRACE "-" SPAN "-01");
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(states); i++) {
		struct str headers[] = { str_of(states[i].first), str_of(states[i].second) };
		struct trace t;
		trace_continue(&arena, &parent, 1, headers, states[i].second == NULL ? 1 : 2, &t);
		assert_str(t.trace_id, STR(TRACE));
		if (!str_eq(t.state, str_of(states[i].out)))
			fail_msg("row \"%s\": got \"%.*s\"", states[i].first, STR_ARG(t.state));
		assert_row((t.state.ptr == NULL) == (states[i].out == NULL), states[i].first);
	}
	arena_clean(&arena);
}

static struct str members(struct arena *a, int n)
{
	struct str list = STR("");

	for (int i = 0; i < n; i++)
		list = arena_printf(a, "%.*sm%d=%d,", STR_ARG(list), i, i);
	return list;
}

TEST(a_tracestate_has_at_most_32_members)
{
	struct str parent = STR("00-" TRACE "-" SPAN "-01");
	struct arena arena;
	struct trace t;

	(void)state;
	arena_init(&arena, 1 << 20);
	struct str most = members(&arena, 32), more = members(&arena, 33);
	trace_continue(&arena, &parent, 1, &most, 1, &t);
	assert_str(t.state, str_first(most, most.len - 1));
	trace_continue(&arena, &parent, 1, &more, 1, &t);
	assert_null(t.state.ptr);
	assert_str(t.trace_id, STR(TRACE));
	arena_clean(&arena);
}

TEST(without_a_trace_its_state_means_nothing)
{
	struct str parent = STR("junk"), vendor = STR("foo=1");
	struct arena arena;
	struct trace t;

	(void)state;
	arena_init(&arena, 1 << 16);
	trace_continue(&arena, &parent, 1, &vendor, 1, &t);
	assert_null(t.state.ptr);
	arena_clean(&arena);
}

static const struct {
	const char *given;
	bool        kept;
} ids[] = {
	{ "a", true }, { "Az09._-", true }, { "0af7651916cd43dd8448eb211c80319c", true },
	{ "", false }, { "a b", false }, { "a\nb", false }, { "a/b", false }, { "a\"b", false },
	{ "caf\xC3\xA9", false }, { "<script>", false }, { "a\x7F", false },
};

TEST(a_request_id_is_the_clients_when_it_is_harmless)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct str id = trace_request_id(&arena, str_of(ids[i].given), 1700000000000);
		assert_row(str_eq(id, str_of(ids[i].given)) == ids[i].kept, ids[i].given);
		assert_row(ids[i].kept || id_is_uuid(id), ids[i].given);
	}
	assert_true(id_is_uuid(trace_request_id(&arena, STR_NONE, 1700000000000)));
	arena_clean(&arena);
}

TEST(a_request_id_has_at_most_128_characters)
{
	char text[REQUEST_ID_MAX + 1];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	memset(text, 'a', sizeof(text));
	assert_int_equal(trace_request_id(&arena, (struct str){ text, REQUEST_ID_MAX }, 0).len,
	    REQUEST_ID_MAX);
	assert_true(id_is_uuid(trace_request_id(&arena, (struct str){ text, REQUEST_ID_MAX + 1 }, 0)));
	arena_clean(&arena);
}

TEST_MAIN(RUN(a_well_formed_parent_is_continued_and_no_other),
    RUN(what_goes_out_names_our_span_in_the_callers_trace),
    RUN(two_parents_are_none),
    RUN(every_trace_and_span_is_new),
    RUN(a_well_formed_tracestate_is_passed_on),
    RUN(a_tracestate_has_at_most_32_members),
    RUN(without_a_trace_its_state_means_nothing),
    RUN(a_request_id_is_the_clients_when_it_is_harmless),
    RUN(a_request_id_has_at_most_128_characters))
