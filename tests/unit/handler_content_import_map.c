/* Fields of posts, projects and certifications as Hugo, Jekyll and Zola write them. */
#include "test.h"

#include "base/arena.h"
#include "content/front_matter.h"
#include "content/import_date.h"
#include "content/import_map.h"
#include "content/slug.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_clean(&arena);
	return 0;
}

static enum err try_map(enum import_kind kind, const char *name, struct str file,
    struct str *fields, struct import_error *error)
{
	struct front_matter_error refused = { 0, 0, "" };
	struct front_matter read;

	if (front_matter_read(&arena, file, &read, &refused) != OK)
		fail_msg("%u:%u: %s", refused.line, refused.column, refused.reason);
	return import_map(&arena, kind, &(struct import_file){ str_of(name), read.document,
	    read.body }, fields, error);
}

static struct str must_map(enum import_kind kind, const char *name, struct str file)
{
	struct import_error error = { "", "" };
	struct str fields = STR_NONE;

	if (try_map(kind, name, file, &fields, &error) != OK)
		fail_msg("%s: %s", error.field, error.reason);
	return fields;
}

static const struct json *parsed(struct str text)
{
	struct json_error error;
	const struct json *v = NULL;

	assert_int_equal(json_parse(&arena, text, FRONT_MATTER_DEPTH_MAX, &v, &error), OK);
	return v;
}

/* A row's front matter, in JSON as it is shortest, and one field that it gives. */
struct row {
	const char *name, *document, *expected;     /* expected: JSON, or "" for absent */
};

static void check(enum import_kind kind, const char *field, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str file = arena_printf(&arena, "%s\n\nBody\n", rows[i].document);
		const struct json *v = json_get(parsed(must_map(kind, rows[i].name, file)),
		    str_of(field));
		struct buf got;

		buf_init(&got, &arena, 1u << 20);
		if (v != NULL)
			json_write(&got, v);
		if (!str_eq(buf_str(&got), str_of(rows[i].expected)))
			fail_msg("row \"%s\" %s: got %.*s", rows[i].name, rows[i].document,
			    STR_ARG(buf_str(&got)));
	}
}

TEST(maps_a_zola_post)
{
	(void)state;
	assert_str(must_map(IMPORT_BLOG, "Release-1.5@1.md", STR(
	    "+++\npath = \"2017/02/09/Release-1.5.1\"\ntitle = \"Announcing 1.5.1\"\n"
	    "authors = [\"Ann A\", \"Bob\"]\naliases = [\"releases/1.5.1\"]\n"
	    "[taxonomies]\ncategories = [\"news\", \"core\"]\ntags = [\"x\"]\n"
	    "[extra]\nrelease = true\nimage = \"https://x/i.png\"\n+++\n\nHello.\n")), STR(
	    "{\"title\":\"Announcing 1.5.1\",\"slug\":\"release-1-5-1\",\"body\":\"Hello.\\n\","
	    "\"category\":\"news\",\"tags\":[\"x\",\"core\"],\"cover_url\":\"https://x/i.png\","
	    "\"author\":\"Ann A, Bob\",\"status\":\"published\","
	    "\"published_at\":\"2017-02-09T00:00:00.000Z\"}"));
}

TEST(maps_a_jekyll_post)
{
	(void)state;
	assert_str(must_map(IMPORT_BLOG, "_posts/2019-03-04-my-first-post.markdown", STR(
	    "---\nlayout: post\ntitle:  \"My first post\"\nauthor: ann\ncategories: life work\n"
	    "tags: one two\npermalink: /:categories/:title/\n---\nShort *part*.\n\n<!--more-->\n"
	    "Long part.\n")), STR(
	    "{\"title\":\"My first post\",\"slug\":\"my-first-post\",\"excerpt\":\"Short part.\","
	    "\"body\":\"Short *part*.\\n\\n<!--more-->\\nLong part.\\n\",\"category\":\"life\","
	    "\"tags\":[\"one\",\"two\",\"work\"],\"author\":\"ann\",\"status\":\"published\","
	    "\"published_at\":\"2019-03-04T00:00:00.000Z\"}"));
}

TEST(maps_a_hugo_post)
{
	(void)state;
	assert_str(must_map(IMPORT_BLOG, "content/post/a-bundle/index.md", STR(
	    "---\ntitle: A bundle\ndate: 2021-05-06T07:08:09+02:00\ndraft: true\n"
	    "description: What it says\ncover:\n  image: cover.jpg\n  alt: none\n"
	    "categories: [dev]\nauthor:\n  name: Ann\n---\nText\n")), STR(
	    "{\"title\":\"A bundle\",\"slug\":\"a-bundle\",\"excerpt\":\"What it says\","
	    "\"body\":\"Text\\n\",\"category\":\"dev\","
	    "\"author\":\"Ann\",\"status\":\"draft\","
	    "\"published_at\":\"2021-05-06T05:08:09.000Z\"}"));
}

TEST(maps_a_project)
{
	(void)state;
	assert_str(must_map(IMPORT_PROJECTS, "projects/thing.md", STR(
	    "---\ntitle: Thing\nsummary: It does\ntechnologies: [C, SQLite]\n"
	    "github: https://example.org/thing\nfeatured: yes\nstarted_on: 2020-01-02\n"
	    "ended_on: 2021-3-4\n---\nBody\n")), STR(
	    "{\"name\":\"Thing\",\"slug\":\"thing\",\"summary\":\"It does\",\"body\":\"Body\\n\","
	    "\"technologies\":[\"C\",\"SQLite\"],\"repository_url\":\"https://example.org/thing\","
	    "\"featured\":true,\"started_on\":\"2020-01-02\",\"ended_on\":\"2021-03-04\","
	    "\"status\":\"published\"}"));
}

TEST(maps_a_certification)
{
	(void)state;
	assert_str(must_map(IMPORT_CERTIFICATIONS, "certs/kube.md", STR(
	    "---\nname: Kube\nissuer: CNCF\ntype: cloud\ncredential_id: 0042\ndate: 2024-05-06\n"
	    "expires_on: 2027-05-06\n---\n")), STR(
	    "{\"name\":\"Kube\",\"slug\":\"kube\",\"issuer\":\"CNCF\",\"type\":\"cloud\","
	    "\"credential_id\":\"0042\",\"issued_on\":\"2024-05-06\",\"expires_on\":\"2027-05-06\","
	    "\"status\":\"published\",\"published_at\":\"2024-05-06T00:00:00.000Z\"}"));
}

TEST(finds_a_slug_for_every_file)
{
	static const struct row rows[] = {
		{ "x.md", "{\"slug\":\"Given Slug\"}", "\"given-slug\"" },
		{ "x.md", "{\"slug\":\"a\",\"path\":\"b\"}", "\"a\"" },
		{ "x.md", "{\"slug\":\"\",\"url\":\"/b/c.html\"}", "\"c\"" },
		{ "x.md", "{\"url\":\"/b/c/\"}", "\"c\"" },
		{ "x.md", "{\"permalink\":\"https://h/b/c/index.html?q=1\"}", "\"c\"" },
		{ "x.md", "{\"permalink\":\"/:title/\"}", "\"x\"" },
		{ "x.md", "{\"permalink\":\"pretty\"}", "\"x\"" },
		{ "x.md", "{\"path\":\"2017/02/09/Name-1.15.1\"}", "\"name-1-15-1\"" },
		{ "Name.1.43.1.md", "{}", "\"name-1-43-1\"" },
		{ "a/2020-01-02-name.md", "{}", "\"name\"" },
		{ "a/2020-01-02_name/index.md", "{}", "\"name\"" },
		{ "2020-01-02.md", "{}", "\"2020-01-02\"" },
		{ "a/_index.md", "{}", "\"a\"" },
		{ "index.md", "{\"title\":\"A Title\"}", "\"a-title\"" },
		{ "\xE6\xBC\xA2.md", "{\"title\":\"\xE6\xBC\xA2\"}", "\"item-3d8fc607\"" },
		{ "\xC3\x9C" "ber-Stra\xC3\x9F" "e.md", "{}", "\"ueber-strasse\"" },
	};

	(void)state;
	check(IMPORT_BLOG, "slug", rows, COUNT(rows));
}

TEST(finds_when_it_was_published)
{
	static const struct row rows[] = {
		{ "x.md", "{\"published_at\":\"2020-01-02T03:04:05.678Z\",\"date\":\"2021-01-01\"}",
		  "\"2020-01-02T03:04:05.678Z\"" },
		{ "x.md", "{\"date\":\"2021-01-01\"}", "\"2021-01-01T00:00:00.000Z\"" },
		{ "x.md", "{\"publishDate\":\"2021-01-01\"}", "\"2021-01-01T00:00:00.000Z\"" },
		{ "x.md", "{\"published\":\"2021-01-01\"}", "\"2021-01-01T00:00:00.000Z\"" },
		{ "x.md", "{\"date\":\"2021-01-01\",\"publishDate\":\"2999-01-01\"}",
		  "\"2999-01-01T00:00:00.000Z\"" },
		{ "x.md", "{\"published\":true}", "" },
		{ "x.md", "{\"permalink\":\"/2021/02/03/x/\"}", "\"2021-02-03T00:00:00.000Z\"" },
		{ "blog/2021/02/03/x.md", "{}", "\"2021-02-03T00:00:00.000Z\"" },
		{ "2021-02-03-x.md", "{}", "\"2021-02-03T00:00:00.000Z\"" },
		{ "2021-02-30-x.md", "{}", "" },
		{ "2021-02-03-x.md", "{\"published_at\":null}", "" },
		{ "x.md", "{}", "" },
	};

	(void)state;
	check(IMPORT_BLOG, "published_at", rows, COUNT(rows));
}

TEST(tells_drafts_from_published_ones)
{
	static const struct row rows[] = {
		{ "x.md", "{}", "\"published\"" },
		{ "x.md", "{\"draft\":true}", "\"draft\"" },
		{ "x.md", "{\"draft\":\"true\"}", "\"draft\"" },
		{ "x.md", "{\"draft\":false}", "\"published\"" },
		{ "x.md", "{\"published\":false}", "\"draft\"" },
		{ "_drafts/x.md", "{}", "\"draft\"" },
		{ "a/_drafts/x.md", "{}", "\"draft\"" },
		{ "x.md", "{\"status\":\"draft\"}", "\"draft\"" },
		{ "x.md", "{\"status\":\"published\",\"draft\":true}", "\"published\"" },
		{ "x.md", "{\"status\":\"scheduled\"}", "\"published\"" },
	};

	(void)state;
	check(IMPORT_BLOG, "status", rows, COUNT(rows));
}

TEST(takes_tags_in_every_shape)
{
	static const struct row rows[] = {
		{ "x.md", "{\"tags\":[\"a b\",\"c\",\"a b\",\"\"]}", "[\"a b\",\"c\"]" },
		{ "x.md", "{\"tags\":\"a b\"}", "[\"a\",\"b\"]" },
		{ "x.md", "{\"tags\":\"a b, c\"}", "[\"a b\",\"c\"]" },
		{ "x.md", "{\"keywords\":\"a b\"}", "[\"a b\"]" },
		{ "x.md", "{\"tags\":[1.5,true]}", "[\"1.5\",\"true\"]" },
		{ "x.md", "{\"tags\":[],\"keywords\":\"k\"}", "[]" },
		{ "x.md", "{\"category\":\"a\",\"categories\":[\"a\",\"b\"]}", "[\"b\"]" },
		{ "x.md", "{\"categories\":[\"a\",\"b\"],\"tags\":[\"b\",\"t\"]}", "[\"b\",\"t\"]" },
		{ "x.md", "{\"tags\":null}", "" },
		{ "x.md", "{}", "" },
	};

	(void)state;
	check(IMPORT_BLOG, "tags", rows, COUNT(rows));
}

TEST(leaves_out_what_is_empty)
{
	static const struct row rows[] = {
		{ "x.md", "{\"author\":\"\"}", "" },
		{ "x.md", "{\"author\":null,\"authors\":[\"a\"]}", "" },
		{ "x.md", "{\"authors\":[]}", "" },
		{ "x.md", "{\"authors\":[{\"name\":\"A\"},\"B\"]}", "\"A, B\"" },
	};

	(void)state;
	check(IMPORT_BLOG, "author", rows, COUNT(rows));
}

TEST(takes_the_excerpt_in_front_of_the_marker)
{
	static const struct row rows[] = {
		{ "x.md", "{}\nA *b*\n\n<!-- more -->\nc", "\"A b\"" },
		{ "x.md", "{}\n<b>A</b> <!--more--> c", "\"A\"" },
		{ "x.md", "{\"excerpt\":\"given\"}\nA <!--more--> c", "\"given\"" },
		{ "x.md", "{\"excerpt\":\"\"}\nA <!--more--> c", "\"\"" },
		{ "x.md", "{\"excerpt\":null}\nA <!--more--> c", "" },
		{ "x.md", "{}\n<!--more--> c", "" },
		{ "x.md", "{}\nA <!--less--> c", "" },
	};

	(void)state;
	check(IMPORT_BLOG, "excerpt", rows, COUNT(rows));
}

TEST(skips_foreign_values_of_another_type)
{
	static const struct row rows[] = {
		{ "x.md", "{\"image\":{\"feature\":\"http://x/f\"}}", "\"http://x/f\"" },
		{ "x.md", "{\"image\":[\"a\"],\"extra\":{\"image\":\"http://x/e\"}}", "\"http://x/e\"" },
		{ "x.md", "{\"cover_url\":\"c.png\",\"image\":\"i.png\"}", "\"c.png\"" },
	};

	(void)state;
	check(IMPORT_BLOG, "cover_url", rows, COUNT(rows));
}

TEST(passes_over_a_picture_within_the_generators_site)
{
	static const struct row rows[] = {
		{ "x.md", "{\"image\":\"/i.png\"}", "" },
		{ "x.md", "{\"cover\":{\"image\":\"cover.jpg\"}}", "" },
		{ "x.md", "{\"image\":\"../i.png\",\"extra\":{\"cover\":\"https://x/c\"}}",
		  "\"https://x/c\"" },
	};

	(void)state;
	check(IMPORT_BLOG, "cover_url", rows, COUNT(rows));
}

TEST(refuses_what_nothing_can_be_made_of)
{
	static const struct {
		enum import_kind kind;
		const char      *document, *field;
	} rows[] = {
		{ IMPORT_BLOG, "{\"title\":[\"a\"]}", "title" },
		{ IMPORT_BLOG, "{\"title\":\"a\\u0000b\"}", "title" },
		{ IMPORT_BLOG, "{\"tags\":[[\"a\"]]}", "tags" },
		{ IMPORT_BLOG, "{\"date\":\"yesterday\"}", "published_at" },
		{ IMPORT_BLOG, "{\"published_at\":5}", "published_at" },
		{ IMPORT_BLOG, "{\"status\":\"gone\"}", "status" },
		{ IMPORT_PROJECTS, "{\"featured\":\"maybe\"}", "featured" },
		{ IMPORT_PROJECTS, "{\"started_on\":\"2020-13-01\"}", "started_on" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct import_error error = { "", "" };
		struct str fields;

		assert_row(try_map(rows[i].kind, "x.md", str_of(rows[i].document), &fields,
		    &error) == ERR_INVALID, rows[i].document);
		assert_row(strcmp(error.field, rows[i].field) == 0, rows[i].document);
		assert_row(error.reason[0] != '\0', rows[i].document);
	}
}

TEST(bounds_lists)
{
	struct import_error error = { "", "" };
	struct str fields;
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1u << 20);
	BUF_LIT(&b, "---\ntags:\n");
	for (unsigned i = 0; i <= IMPORT_LIST_MAX; i++)
		buf_printf(&b, "- t%u\n", i);
	BUF_LIT(&b, "---\n");
	assert_int_equal(try_map(IMPORT_BLOG, "x.md", buf_str(&b), &fields, &error), ERR_TOO_LARGE);
	assert_string_equal(error.field, "tags");
}

TEST(imports_its_own_export_unchanged)
{
	static const struct {
		enum import_kind kind;
		const char      *item;
	} rows[] = {
		{ IMPORT_BLOG, "{\"title\":\"T: \\\"x\\\"\",\"slug\":\"t-x\",\"excerpt\":\"\","
		  "\"body\":\"\\n\\r\\nA <!--more--> b\",\"category\":\"c, d\",\"tags\":[\"e f\",\"g, h\"],"
		  "\"cover_url\":\"https://x/y\",\"author\":\"A, B\",\"status\":\"published\","
		  "\"published_at\":\"2020-01-02T03:04:05.678Z\"}" },
		{ IMPORT_BLOG, "{\"title\":\"2024\",\"slug\":\"n\",\"body\":\"A <!--more--> b\","
		  "\"status\":\"draft\"}" },
		{ IMPORT_PROJECTS, "{\"name\":\"true\",\"slug\":\"p\",\"summary\":\"~\",\"body\":\"\","
		  "\"technologies\":[\"C, C++\"],\"featured\":false,\"started_on\":\"2020-01-02\","
		  "\"status\":\"draft\"}" },
		{ IMPORT_CERTIFICATIONS, "{\"name\":\"N\",\"slug\":\"c\",\"credential_id\":\"007\","
		  "\"issued_on\":\"2020-01-02\",\"status\":\"published\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf file;

		buf_init(&file, &arena, 1u << 20);
		assert_int_equal(export_map(&arena, rows[i].kind, parsed(str_of(rows[i].item)),
		    &file), OK);
		assert_str(must_map(rows[i].kind, "2001-02-03-other.md", buf_str(&file)),
		    str_of(rows[i].item));
	}
}

TEST(exports_only_the_fields_of_its_kind)
{
	struct buf file;

	(void)state;
	buf_init(&file, &arena, 1u << 20);
	assert_int_equal(export_map(&arena, IMPORT_CERTIFICATIONS,
	    parsed(STR("{\"id\":\"x\",\"name\":\"N\",\"expired\":true,\"version\":3}")), &file), OK);
	assert_true(str_contains(buf_str(&file), STR("name: \"N\"\n")));
	assert_false(str_contains(buf_str(&file), STR("expired:")));
	assert_false(str_contains(buf_str(&file), STR("version:")));
}

TEST(reads_dates_as_people_write_them)
{
	static const struct {
		const char *text;
		int64_t     s;          /* -1: none */
	} rows[] = {
		{ "1970-01-02", 86400 },                { "1970-1-2", 86400 },
		{ "1970-01-01T00:01:02Z", 62 },         { "1970-01-01 00:01:02", 62 },
		{ "1970-01-01 00:01", 60 },             { "1970-01-01 1:00:00", 3600 },
		{ "1970-01-01 01:00:00 +0100", 0 },     { "1970-01-01 01:00:00 +01:00", 0 },
		{ "1970-01-01T00:00:00-01", 3600 },     { "1970-01-01 00:00:01 UTC", 1 },
		{ "1970-01-01t00:00:01.999999z", 1 },   { " 1970-01-02 ", 86400 },
		{ "1970-02-30", -1 },                   { "1970", -1 },
		{ "1970-01", -1 },                      { "70-01-01", -1 },
		{ "1970-01-01x", -1 },                  { "1970-01-01T", -1 },
		{ "1970-01-01T25:00:00Z", -1 },         { "1970-01-01T00:00:00+", -1 },
		{ "1970-01-01T00:00:00 CET", -1 },      { "1970-01-01T00:00:00.Z", -1 },
		{ "", -1 },                             { "1970-01-01T00:00:00Zx", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = -1000;
		bool is = import_date_parse(str_of(rows[i].text), &ms);

		assert_row(is == (rows[i].s >= 0), rows[i].text);
		assert_row(!is || ms / 1000 == rows[i].s, rows[i].text);
	}
}

TEST(makes_slugs)
{
	static const struct {
		const char *text, *slug;
	} rows[] = {
		{ "Hello, World!", "hello-world" },     { "  a  ", "a" },
		{ "Rust's 1.0", "rusts-1-0" },          { "--a--b--", "a-b" },
		{ "\xC3\x89t\xC3\xA9", "ete" },         { "C++", "c" },
		{ "\xE6\xBC\xA2", "" },                 { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(str_eq(slug_from(&arena, str_of(rows[i].text)), str_of(rows[i].slug)),
		    rows[i].text);
}

TEST(makes_slugs_that_are_valid_and_short)
{
	char text[1000];
	struct str slug;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 128 == 127 ? ' ' : 'A';
	slug = slug_from(&arena, (struct str){ text, sizeof(text) });
	assert_true(slug_is_valid(slug));
	assert_true(slug.len <= SLUG_MAX_BYTES);
	assert_true(str_eq(slug_from(&arena, slug), slug));
}

TEST(knows_a_valid_slug)
{
	(void)state;
	assert_true(slug_is_valid(STR("a-1")));
	assert_false(slug_is_valid(STR("")));
	assert_false(slug_is_valid(STR("-a")));
	assert_false(slug_is_valid(STR("a-")));
	assert_false(slug_is_valid(STR("a--b")));
	assert_false(slug_is_valid(STR("A")));
	assert_false(slug_is_valid(STR("a\0")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(CASE(maps_a_zola_post), CASE(maps_a_jekyll_post), CASE(maps_a_hugo_post),
    CASE(maps_a_project), CASE(maps_a_certification), CASE(finds_a_slug_for_every_file),
    CASE(finds_when_it_was_published), CASE(tells_drafts_from_published_ones),
    CASE(takes_tags_in_every_shape), CASE(leaves_out_what_is_empty),
    CASE(takes_the_excerpt_in_front_of_the_marker), CASE(skips_foreign_values_of_another_type),
    CASE(passes_over_a_picture_within_the_generators_site),
    CASE(refuses_what_nothing_can_be_made_of), CASE(bounds_lists),
    CASE(imports_its_own_export_unchanged), CASE(exports_only_the_fields_of_its_kind),
    CASE(reads_dates_as_people_write_them), CASE(makes_slugs),
    CASE(makes_slugs_that_are_valid_and_short), CASE(knows_a_valid_slug))
