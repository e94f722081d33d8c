/* What one change writes: which rows appear, move and go, and on which conditions. */
#include "content/change.h"
#include "content/name_set.h"
#include "test.h"

#define ID   "01890a5d-ac96-774b-bcce-b302099a8057"
#define WHEN "2024-03-01T12:00:00.000Z"

static struct arena a;
static struct change change;

static int begin(void **state)
{
	(void)state;
	arena_init(&a, 16 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_clean(&a);
	return 0;
}

static struct document document_of(const char *fields, bool published, uint64_t version)
{
	struct document d = { .collection = &collection_blog, .head = { .id = STR(ID),
		.version = version, .slug = STR("s"), .status = published ? STATUS_PUBLISHED : STATUS_DRAFT,
		.published_at = published ? STR(WHEN) : STR_NONE, .created_at = STR(WHEN), .updated_at = STR(WHEN) } };
	struct json_error error;

	assert_int_equal(json_parse(&a, str_of(fields), JSON_DEPTH_MAX, &d.over, &error), OK);
	return d;
}

static struct stored stored_of(const struct document *d)
{
	struct document_text text;
	struct stored s;

	assert_int_equal(document_compose(&a, d, &text), OK);
	assert_int_equal(stored_read(&a, text.full, &s), OK);
	return s;
}

/* "PUT blog#all/ID" of each operation, in a line. */
static struct str told(void)
{
	static const char *const verbs[] = { "put", "delete", "add", "check" };
	struct buf out;

	buf_init(&out, &a, 65536);
	for (size_t i = 0; i < change.n_ops; i++) {
		const struct store_op *op = &change.ops[i];
		buf_printf(&out, "%s%s %.*s/%.*s", i == 0 ? "" : "\n", verbs[op->verb],
		    STR_ARG(op->item.pk), STR_ARG(op->item.sk));
		if (op->verb == STORE_ADD)
			buf_printf(&out, " %+d", (int)op->item.n);
		if (op->condition == STORE_ABSENT)
			BUF_LIT(&out, " if absent");
		if (op->condition == STORE_VERSION)
			buf_printf(&out, " if version %u", (unsigned)op->item.version);
	}
	return buf_str(&out);
}

TEST(a_creation_takes_the_id_and_the_slug_if_they_are_free)
{
	struct document d = document_of("{\"title\":\"t\",\"category\":\"c\"}", false, 1);

	(void)state;
	assert_int_equal(change_of(&a, &d, NULL, &change), OK);
	assert_str(told(), STR("put blog/" ID " if absent\nput blog#slug/s if absent\nput blog#all/" ID));
	assert_str(change.ops[2].item.index_pk, STR("blog#draft"));
	assert_int_equal(change.slug_op, 1);
}

TEST(publication_puts_it_on_its_lists_and_counts_it)
{
	struct document was = document_of("{\"title\":\"t\",\"category\":\"c\",\"tags\":[\"x\"]}", false, 1);
	struct stored before = stored_of(&was);
	struct document d = document_of("{\"title\":\"t\",\"category\":\"c\",\"tags\":[\"x\"]}", true, 2);

	(void)state;
	assert_int_equal(change_of(&a, &d, &before, &change), OK);
	assert_str(told(), STR("put blog/" ID " if version 1\nput blog#slug/s\nput blog#all/" ID "\n"
	    "put blog#published/" WHEN "#" ID "\nput blog#category#c/" WHEN "#" ID "\n"
	    "put blog#tag#x/" WHEN "#" ID "\nadd blog#facets/c +1\nput blog#" ID "#rev/0000000001"));
	assert_null(change.ops[2].item.index_pk.ptr);
}

TEST(an_edit_touches_only_what_it_moves)
{
	struct document was = document_of("{\"title\":\"t\",\"category\":\"c\",\"tags\":[\"x\",\"y\"]}", true, 2);
	struct stored before = stored_of(&was);
	struct document d = document_of("{\"title\":\"t\",\"category\":\"d\",\"tags\":[\"y\"]}", true, 3);

	(void)state;
	d.head.slug = STR("r");
	assert_int_equal(change_of(&a, &d, &before, &change), OK);
	assert_str(told(), STR("put blog/" ID " if version 2\nput blog#slug/r if absent\ndelete blog#slug/s\n"
	    "put blog#all/" ID "\nput blog#published/" WHEN "#" ID "\nput blog#category#d/" WHEN "#" ID "\n"
	    "put blog#tag#y/" WHEN "#" ID "\ndelete blog#category#c/" WHEN "#" ID "\n"
	    "delete blog#tag#x/" WHEN "#" ID "\nadd blog#facets/d +1\nadd blog#facets/c -1\n"
	    "put blog#" ID "#rev/0000000002"));
}

TEST(another_time_of_publication_moves_every_row)
{
	struct document was = document_of("{\"title\":\"t\",\"category\":\"c\"}", true, 2);
	struct stored before = stored_of(&was);
	struct document d = document_of("{\"title\":\"t\",\"category\":\"c\"}", true, 3);

	(void)state;
	d.head.published_at = STR("2025-01-01T00:00:00.000Z");
	assert_int_equal(change_of(&a, &d, &before, &change), OK);
	assert_true(str_contains(told(), STR("put blog#published/2025-01-01T00:00:00.000Z#" ID)));
	assert_true(str_contains(told(), STR("delete blog#published/" WHEN "#" ID)));
	assert_true(str_contains(told(), STR("delete blog#category#c/" WHEN "#" ID)));
	assert_false(str_contains(told(), STR("add ")));
}

TEST(the_oldest_revision_goes_when_there_are_too_many)
{
	struct document was = document_of("{\"title\":\"t\"}", false, REVISIONS_MAX + 3);
	struct stored before = stored_of(&was);
	struct document d = document_of("{\"title\":\"u\"}", false, REVISIONS_MAX + 4);

	(void)state;
	assert_int_equal(change_of(&a, &d, &before, &change), OK);
	assert_true(str_ends(told(), STR("delete blog#" ID "#rev/0000000003")));
}

TEST(a_deletion_takes_everything_with_it)
{
	struct document was = document_of("{\"title\":\"t\",\"category\":\"c\"}", true, 3);
	struct stored before = stored_of(&was);

	(void)state;
	change_deletion(&a, &collection_blog, &before, &change);
	assert_str(told(), STR("delete blog/" ID " if version 3\ndelete blog#slug/s\ndelete blog#all/" ID "\n"
	    "delete blog#" ID "#html/html\ndelete blog#published/" WHEN "#" ID "\n"
	    "delete blog#category#c/" WHEN "#" ID "\nadd blog#facets/c -1\n"
	    "delete blog#" ID "#rev/0000000002\ndelete blog#" ID "#rev/0000000001"));
}

TEST(names_are_met_once)
{
	struct name_set set;
	char name[16];

	(void)state;
	name_set_init(&set, &a);
	assert_null(name_set_where(&set, STR("x")).ptr);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_row(name_set_meet(&set, str_of(name), str_of(name)).ptr == NULL, name);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_str(name_set_meet(&set, str_of(name), STR("again")), str_of(name));
		assert_str(name_set_where(&set, str_of(name)), str_of(name));
	}
	assert_null(name_set_where(&set, STR("x")).ptr);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
TEST_MAIN(CASE(a_creation_takes_the_id_and_the_slug_if_they_are_free),
    CASE(publication_puts_it_on_its_lists_and_counts_it), CASE(an_edit_touches_only_what_it_moves),
    CASE(another_time_of_publication_moves_every_row),
    CASE(the_oldest_revision_goes_when_there_are_too_many),
    CASE(a_deletion_takes_everything_with_it), CASE(names_are_met_once))
