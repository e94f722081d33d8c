/*
 * Header fields of RFC 8941: what its examples say, what a strict parser refuses, and
 * that a bound is one.
 */
#include "test.h"

#include "base/structured_field.h"

enum type { ITEM, LIST, DICTIONARY };

/* The canonical form of `raw`; absent when it is refused. */
static struct str canonical(struct arena *a, enum type type, struct str raw)
{
	struct sf_members members;
	struct sf_item    item;
	struct buf        out;

	buf_init(&out, a, 4 * SF_MAX_BYTES);
	if (type == ITEM && sf_read_item(a, raw, &item) == OK)
		sf_write_item(&out, &item);
	else if (type == LIST && sf_read_list(a, raw, &members) == OK)
		sf_write_list(&out, &members);
	else if (type == DICTIONARY && sf_read_dictionary(a, raw, &members) == OK)
		sf_write_dictionary(&out, &members);
	else
		return STR_NONE;
	assert_false(buf_failed(&out));
	return buf_str(&out);
}

/* NULL: as it came. */
static const struct {
	enum type   type;
	const char *raw, *canonical;
} good[] = {
	/* RFC 8941, section 3 */
	{ LIST, "sugar, tea, rum", NULL },
	{ LIST, "sugar,tea ,\trum", "sugar, tea, rum" },
	{ LIST, "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()", NULL },
	{ LIST, "(\"foo\"; a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1",
	  "(\"foo\";a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1" },
	{ LIST, "abc;a=1;b=2; cde_456, (ghi;jk=4 l);q=\"9\";r=w",
	  "abc;a=1;b=2;cde_456, (ghi;jk=4 l);q=\"9\";r=w" },
	{ ITEM, "1; a; b=?0", "1;a;b=?0" },
	{ DICTIONARY, "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:", NULL },
	{ DICTIONARY, "a=?0, b, c; foo=bar", "a=?0, b, c;foo=bar" },
	{ DICTIONARY, "rating=1.5, feelings=(joy sadness)", NULL },
	{ DICTIONARY, "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid", NULL },
	{ ITEM, "5; foo=bar", "5;foo=bar" },
	{ ITEM, "4.5", NULL },
	{ ITEM, "\"hello world\"", NULL },
	{ ITEM, "foo123/456", NULL },
	{ ITEM, ":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:", NULL },
	{ ITEM, "?1", NULL },
	/* section 4.2: what a parser lets through */
	{ LIST, "", NULL },
	{ DICTIONARY, "", NULL },
	{ DICTIONARY, "   ", "" },
	{ ITEM, "  1  ", "1" },
	{ LIST, "( 1  2 )", "(1 2)" },
	{ LIST, "();a", NULL },
	{ ITEM, "1;  a", "1;a" },
	{ ITEM, "1;a;b=2;a=3", "1;a=3;b=2" },
	{ DICTIONARY, "a=1, b, a=2;x", "a=2;x, b" },
	{ DICTIONARY, "a=?1", "a" },
	{ DICTIONARY, "a=?1;x, b;y=?1", "a;x, b;y" },
	{ DICTIONARY, "*k_-.*9=*t", NULL },
	{ DICTIONARY, "a=()", NULL },
	/* numbers */
	{ ITEM, "00042", "42" },
	{ ITEM, "-0", "0" },
	{ ITEM, "999999999999999", NULL },
	{ ITEM, "-999999999999999", NULL },
	{ ITEM, "999999999999.999", NULL },
	{ ITEM, "1.0", NULL },
	{ ITEM, "1.500", "1.5" },
	{ ITEM, "1.050", "1.05" },
	{ ITEM, "-0.001", NULL },
	{ ITEM, "-0.0", "0.0" },
	/* strings, tokens, bytes */
	{ ITEM, "\"\"", NULL },
	{ ITEM, "\"a\\\"b\\\\c\"", NULL },
	{ ITEM, "\" !#[]~\"", NULL },
	{ ITEM, "*a!#$%&'*+-.^_`|~:/9Z", NULL },
	{ ITEM, "::", NULL },
	{ ITEM, ":/+Ah:", NULL },
};

TEST(what_is_well_formed_is_read_and_written_canonically)
{
	struct arena a;

	(void)state;
	arena_init(&a, 16 << 20);
	for (size_t i = 0; i < COUNT(good); i++) {
		struct str wanted = str_of(good[i].canonical == NULL ? good[i].raw : good[i].canonical);
		struct str got = canonical(&a, good[i].type, str_of(good[i].raw));
		assert_row(got.ptr != NULL, good[i].raw);
		if (!str_eq(got, wanted))
			fail_msg("row \"%s\": %.*s", good[i].raw, STR_ARG(got));
		assert_row(str_eq(canonical(&a, good[i].type, got), got), good[i].raw);
	}
	arena_clean(&a);
}

static const struct {
	enum type  type;
	struct str raw;
} bad[] = {
	{ ITEM, STR_INIT("") },
	{ ITEM, STR_INIT("   ") },
	{ ITEM, STR_INIT("\t1") },
	{ ITEM, STR_INIT("1\t") },
	{ ITEM, STR_INIT("1\n") },
	{ ITEM, STR_INIT("1\0") },
	{ ITEM, STR_INIT("1, 2") },
	{ ITEM, STR_INIT("(1)") },
	{ ITEM, STR_INIT("a b") },
	{ LIST, STR_INIT(",") },
	{ LIST, STR_INIT("1,") },
	{ LIST, STR_INIT("1, ") },
	{ LIST, STR_INIT(",1") },
	{ LIST, STR_INIT("1,,2") },
	{ LIST, STR_INIT("1 2") },
	{ LIST, STR_INIT("(1") },
	{ LIST, STR_INIT("(1,2)") },
	{ LIST, STR_INIT("(1\t2)") },
	{ LIST, STR_INIT("(1(2))") },
	{ LIST, STR_INIT("(\"a\"\"b\")") },
	{ LIST, STR_INIT("((1) 2)") },
	{ LIST, STR_INIT("1)") },
	{ LIST, STR_INIT("(1);") },
	{ DICTIONARY, STR_INIT("a=1,") },
	{ DICTIONARY, STR_INIT("a=") },
	{ DICTIONARY, STR_INIT("=1") },
	{ DICTIONARY, STR_INIT("a =1") },
	{ DICTIONARY, STR_INIT("a= 1") },
	{ DICTIONARY, STR_INIT("A=1") },
	{ DICTIONARY, STR_INIT("1=1") },
	{ DICTIONARY, STR_INIT("a=1 b=2") },
	{ DICTIONARY, STR_INIT("a=1;b=2;") },
	{ DICTIONARY, STR_INIT("a=1;B=2") },
	{ DICTIONARY, STR_INIT("a=1 ;b=2") },
	{ DICTIONARY, STR_INIT("a\xc3\xa9=1") },
	{ ITEM, STR_INIT("-") },
	{ ITEM, STR_INIT("--1") },
	{ ITEM, STR_INIT("- 1") },
	{ ITEM, STR_INIT("+1") },
	{ ITEM, STR_INIT("1.") },
	{ ITEM, STR_INIT(".1") },
	{ ITEM, STR_INIT("1..2") },
	{ ITEM, STR_INIT("1.2.3") },
	{ ITEM, STR_INIT("1.2345") },
	{ ITEM, STR_INIT("1e3") },
	{ ITEM, STR_INIT("1000000000000000") },
	{ ITEM, STR_INIT("1000000000000.0") },
	{ ITEM, STR_INIT("0000000000000001") },
	{ ITEM, STR_INIT("\"") },
	{ ITEM, STR_INIT("\"a") },
	{ ITEM, STR_INIT("\"a\\\"") },
	{ ITEM, STR_INIT("\"a\\") },
	{ ITEM, STR_INIT("\"\\a\"") },
	{ ITEM, STR_INIT("\"\\\n\"") },
	{ ITEM, STR_INIT("\"a\tb\"") },
	{ ITEM, STR_INIT("\"a\0b\"") },
	{ ITEM, STR_INIT("\"\x7f\"") },
	{ ITEM, STR_INIT("\"f\xc3\xbc\"") },
	{ ITEM, STR_INIT("'a'") },
	{ ITEM, STR_INIT("!a") },
	{ ITEM, STR_INIT("a\0") },
	{ ITEM, STR_INIT(":") },
	{ ITEM, STR_INIT(":aGVsbG8=") },
	{ ITEM, STR_INIT(":aGVsbG8:") },
	{ ITEM, STR_INIT(":aGVsb G8=:") },
	{ ITEM, STR_INIT(":_-Ah:") },
	{ ITEM, STR_INIT(":iZ==:") },
	{ ITEM, STR_INIT("?") },
	{ ITEM, STR_INIT("?2") },
	{ ITEM, STR_INIT("?true") },
	{ ITEM, STR_INIT("@1659578233") },
	{ ITEM, STR_INIT("%\"a\"") },
};

TEST(what_is_not_of_the_form_is_refused)
{
	struct sf_members members;
	struct sf_item    item;
	struct arena      a;
	enum err          e = OK;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(bad); i++) {
		switch (bad[i].type) {
		case ITEM: e = sf_read_item(&a, bad[i].raw, &item); break;
		case LIST: e = sf_read_list(&a, bad[i].raw, &members); break;
		case DICTIONARY: e = sf_read_dictionary(&a, bad[i].raw, &members); break;
		}
		assert_row(e == ERR_INVALID, bad[i].raw.ptr);
	}
	arena_clean(&a);
}

TEST(values_are_of_their_kind)
{
	struct sf_item item;
	struct arena   a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(sf_read_item(&a, STR("-1.25;t=tok;b=:AQI=:;s=\"x\\\"\";i=-7;f=?0"), &item), OK);
	assert_int_equal(item.value.kind, SF_DECIMAL);
	assert_int_equal(item.value.number, -1250);
	assert_int_equal(item.parameters.count, 5);
	assert_int_equal(sf_parameter(&item.parameters, STR("t"))->kind, SF_TOKEN);
	assert_str(sf_parameter(&item.parameters, STR("t"))->text, STR("tok"));
	assert_str(sf_parameter(&item.parameters, STR("b"))->text, STR("\1\2"));
	assert_str(sf_parameter(&item.parameters, STR("s"))->text, STR("x\""));
	assert_int_equal(sf_parameter(&item.parameters, STR("i"))->number, -7);
	assert_int_equal(sf_parameter(&item.parameters, STR("f"))->number, 0);
	assert_null(sf_parameter(&item.parameters, STR("none")));
	arena_clean(&a);
}

TEST(a_repeated_key_is_told)
{
	struct sf_members m;
	struct arena      a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(sf_read_dictionary(&a, STR("a=1, b=2"), &m), OK);
	assert_false(m.repeated);
	assert_int_equal(sf_member(&m, STR("b"))->item.value.number, 2);
	assert_null(sf_member(&m, STR("c")));
	assert_int_equal(sf_read_dictionary(&a, STR("a=1, b=2, a=(3)"), &m), OK);
	assert_true(m.repeated);
	assert_int_equal(m.count, 2);
	assert_true(sf_member(&m, STR("a"))->is_inner);
	arena_clean(&a);
}

/* `count` numbered pieces "PREFIX000", each different, with `between` between them. */
static struct str many(struct arena *a, const char *open, size_t count, const char *prefix,
    const char *between, const char *close)
{
	struct buf out;

	buf_init(&out, a, 1 << 20);
	buf_add(&out, str_of(open));
	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%s%s%zu", i == 0 ? "" : between, prefix, i);
	buf_add(&out, str_of(close));
	return buf_str(&out);
}

TEST(what_is_over_a_bound_is_too_large)
{
	struct sf_members m;
	struct sf_item    item;
	struct arena      a;
	char              long_key[SF_KEY_MAX_BYTES + 2];

	(void)state;
	arena_init(&a, 64 << 20);
	assert_int_equal(sf_read_list(&a, many(&a, "", 1024, "", ",", ""), &m), OK);
	assert_int_equal(m.count, 1024);
	assert_int_equal(sf_read_list(&a, many(&a, "", 1025, "", ",", ""), &m), ERR_TOO_LARGE);
	assert_int_equal(sf_read_dictionary(&a, many(&a, "", 1024, "a", ",", ""), &m), OK);
	assert_int_equal(sf_read_dictionary(&a, many(&a, "", 1025, "a", ",", ""), &m), ERR_TOO_LARGE);
	assert_int_equal(sf_read_list(&a, many(&a, "(", 256, "", " ", ")"), &m), OK);
	assert_int_equal(m.list[0].n_inner, 256);
	assert_int_equal(sf_read_list(&a, many(&a, "(", 257, "", " ", ")"), &m), ERR_TOO_LARGE);
	assert_int_equal(sf_read_item(&a, many(&a, "1;", 256, "a", ";", ""), &item), OK);
	assert_int_equal(item.parameters.count, 256);
	assert_int_equal(sf_read_item(&a, many(&a, "1;", 257, "a", ";", ""), &item), ERR_TOO_LARGE);

	memset(long_key, 'k', sizeof(long_key));
	assert_int_equal(sf_read_dictionary(&a, (struct str){ long_key, SF_KEY_MAX_BYTES }, &m), OK);
	assert_int_equal(sf_read_dictionary(&a, (struct str){ long_key, SF_KEY_MAX_BYTES + 1 }, &m),
	    ERR_TOO_LARGE);
	char *text = arena_alloc(&a, SF_MAX_BYTES + 1);
	memset(text, ' ', SF_MAX_BYTES + 1);
	text[0] = '1';
	assert_int_equal(sf_read_item(&a, (struct str){ text, SF_MAX_BYTES }, &item), OK);
	assert_int_equal(sf_read_item(&a, (struct str){ text, SF_MAX_BYTES + 1 }, &item), ERR_TOO_LARGE);
	arena_clean(&a);
}

TEST(an_exhausted_arena_is_said)
{
	struct sf_members m;
	struct arena      all, little;

	(void)state;
	arena_init(&all, 1 << 20);
	arena_init(&little, 1024);
	assert_int_equal(sf_read_list(&little, many(&all, "", 500, "a;b=", ",", ""), &m), ERR_NO_MEMORY);
	arena_clean(&little);
	arena_clean(&all);
}

TEST_MAIN(
	RUN(what_is_well_formed_is_read_and_written_canonically),
	RUN(what_is_not_of_the_form_is_refused),
	RUN(values_are_of_their_kind),
	RUN(a_repeated_key_is_told),
	RUN(what_is_over_a_bound_is_too_large),
	RUN(an_exhausted_arena_is_said)
)
