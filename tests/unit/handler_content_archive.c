/*
 * Archives in and out, and what the reader holds off: paths that leave the folder,
 * links and devices, expansion without end, archives that are cut or no archives.
 */
#include "test.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "content/archive.h"
#include "content/content_limits.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 256u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_clean(&arena);
	return 0;
}

/* --- making them, some as no honest tool would ------------------------------ */

struct entry {
	const char  *name;
	unsigned     type;              /* AE_IFREG … */
	struct str   bytes;
	const char  *link;
};

static la_ssize_t append(struct archive *a, void *buf, const void *bytes, size_t len)
{
	(void)a;
	buf_bytes(buf, bytes, len);
	return (la_ssize_t)len;
}

static void put_entry(struct archive *a, const struct entry *e)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, e->name);
	archive_entry_set_filetype(entry, e->type);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (la_int64_t)e->bytes.len);
	if (e->link != NULL && e->type == AE_IFREG)
		archive_entry_set_hardlink(entry, e->link);
	else if (e->link != NULL)
		archive_entry_set_symlink(entry, e->link);
	assert_true(archive_write_header(a, entry) >= ARCHIVE_WARN);
	if (e->link == NULL)
		archive_write_data(a, e->bytes.ptr, e->bytes.len);
	archive_entry_free(entry);
}

static struct str made(const struct entry *entries, size_t count, int format, int filter)
{
	struct archive *a = archive_write_new();
	struct buf *out = ARENA_NEW(&arena, struct buf);

	buf_init(out, &arena, 100u << 20);
	assert_int_equal(archive_write_set_format(a, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open(a, out, NULL, append, NULL), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++)
		put_entry(a, &entries[i]);
	archive_write_free(a);
	return buf_str(out);
}

static const struct entry two[] = {
	{ "a.md", AE_IFREG, STR_INIT("one"), NULL },
	{ "d/b.md", AE_IFREG, STR_INIT("two"), NULL },
};

/* --- what a visit saw: "name=bytes;" or "name!;" for a refused one ----------- */

static enum err note(void *context, const struct archive_file *file)
{
	struct buf *seen = context;

	buf_add(seen, file->name);
	if (file->refused != NULL)
		BUF_LIT(seen, "!");
	else
		buf_printf(seen, "=%.*s", STR_ARG(str_first(file->bytes, 100)));
	BUF_LIT(seen, ";");
	return OK;
}

static enum err visit(struct str bytes, struct str *seen)
{
	const char *reason = NULL;
	struct buf out;
	enum err e;

	buf_init(&out, &arena, 64u << 20);
	e = archive_read(bytes, note, &out, &reason);
	*seen = buf_str(&out);
	assert_true(e == OK || reason != NULL);
	return e;
}

TEST(reads_every_tar_and_compression)
{
	static const struct {
		const char *name;
		int         format, filter;
	} rows[] = {
		{ "ustar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE },
		{ "pax", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE },
		{ "gnutar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE },
		{ "gzip", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP },
		{ "zstd", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD },
		{ "xz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str bytes = made(two, COUNT(two), rows[i].format, rows[i].filter), seen;

		assert_row(visit(bytes, &seen) == OK, rows[i].name);
		assert_row(str_eq(seen, STR("a.md=one;d/b.md=two;")), rows[i].name);
		assert_row(archive_is_likely(bytes), rows[i].name);
	}
}

TEST(refuses_bad_names_one_by_one)
{
	static const struct entry entries[] = {
		{ "../up.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "a/../../up.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "/abs.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "a\nb.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "bad\xFF.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "./ok.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "a..b.md", AE_IFREG, STR_INIT("x"), NULL },
	};
	struct str seen;

	(void)state;
	assert_int_equal(visit(made(entries, COUNT(entries), ARCHIVE_FORMAT_TAR_GNUTAR,
	    ARCHIVE_FILTER_NONE), &seen), OK);
	assert_str(seen, STR("../up.md!;a/../../up.md!;/abs.md!;a\nb.md!;bad\xFF.md!;ok.md=x;"
	    "a..b.md=x;"));
}

TEST(reads_names_in_utf8)
{
	static const struct entry entries[] = {
		{ "\xC3\xBC/\xE6\xBC\xA2.md", AE_IFREG, STR_INIT("x"), NULL },
	};
	struct str seen;

	(void)state;
	assert_int_equal(visit(made(entries, 1, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE),
	    &seen), OK);
	assert_str(seen, STR("\xC3\xBC/\xE6\xBC\xA2.md=x;"));
}

TEST(passes_over_what_is_no_visible_file)
{
	static const struct entry entries[] = {
		{ "dir/", AE_IFDIR, STR_INIT(""), NULL },
		{ "soft", AE_IFLNK, STR_INIT(""), "/etc/passwd" },
		{ "fifo", AE_IFIFO, STR_INIT(""), NULL },
		{ "device", AE_IFCHR, STR_INIT(""), NULL },
		{ "._a.md", AE_IFREG, STR_INIT("x"), NULL },
		{ ".hidden/a.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "a.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "hard", AE_IFREG, STR_INIT(""), "a.md" },
		{ "empty.md", AE_IFREG, STR_INIT(""), NULL },
	};
	struct str seen;

	(void)state;
	assert_int_equal(visit(made(entries, COUNT(entries), ARCHIVE_FORMAT_TAR_USTAR,
	    ARCHIVE_FILTER_NONE), &seen), OK);
	assert_str(seen, STR("a.md=x;empty.md=;"));
}

TEST(refuses_a_file_that_is_too_large_and_goes_on)
{
	const size_t size = ARCHIVE_FILE_MAX_BYTES + 1;
	const struct entry entries[] = {
		{ "big.md", AE_IFREG, { arena_zero(&arena, 1, size), size }, NULL },
		{ "a.md", AE_IFREG, STR_INIT("x"), NULL },
	};
	struct str seen;

	(void)state;
	assert_int_equal(visit(made(entries, 2, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP),
	    &seen), OK);
	assert_str(seen, STR("big.md!;a.md=x;"));
}

TEST(takes_a_file_of_exactly_the_bound)
{
	char *bytes = arena_zero(&arena, 1, ARCHIVE_FILE_MAX_BYTES);
	const struct entry entry = { "a.md", AE_IFREG, { bytes, ARCHIVE_FILE_MAX_BYTES }, NULL };
	struct str seen;

	(void)state;
	memset(bytes, 'x', ARCHIVE_FILE_MAX_BYTES);
	assert_int_equal(visit(made(&entry, 1, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP),
	    &seen), OK);
	assert_true(str_starts(seen, STR("a.md=xxx")));
}

TEST(stops_at_a_bomb)
{
	const size_t size = ARCHIVE_MAX_BYTES + 1;
	const struct entry entries[] = {
		{ "a.md", AE_IFREG, STR_INIT("x"), NULL },
		{ "bomb", AE_IFREG, { arena_zero(&arena, 1, size), size }, NULL },
		{ "b.md", AE_IFREG, STR_INIT("x"), NULL },
	};
	struct str seen;

	(void)state;
	assert_int_equal(visit(made(entries, COUNT(entries), ARCHIVE_FORMAT_TAR_USTAR,
	    ARCHIVE_FILTER_GZIP), &seen), ERR_TOO_LARGE);
	assert_str(seen, STR("a.md=x;"));
}

TEST(stops_at_too_many_entries)
{
	struct entry *entries = ARENA_ARRAY(&arena, ARCHIVE_ENTRIES_MAX + 1, struct entry);
	struct str seen;

	(void)state;
	for (size_t i = 0; i <= ARCHIVE_ENTRIES_MAX; i++)
		entries[i] = (struct entry){ "d/", AE_IFDIR, STR_INIT(""), NULL };
	assert_int_equal(visit(made(entries, ARCHIVE_ENTRIES_MAX + 1, ARCHIVE_FORMAT_TAR_USTAR,
	    ARCHIVE_FILTER_GZIP), &seen), ERR_TOO_LARGE);
}

/* At whatever byte it is cut: what came whole before is visited, and the end is an error. */
TEST(visits_what_stands_before_the_cut)
{
	struct str whole = made(two, COUNT(two), ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
	static const struct {
		size_t      length;
		const char *seen;
	} rows[] = {
		{ 0, "" }, { 100, "" }, { 512, "" }, { 514, "" }, { 1024, "a.md=one;" },
		{ 1100, "a.md=one;" }, { 1537, "a.md=one;" }, { 2048, "a.md=one;d/b.md=two;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str seen;

		if (visit(str_first(whole, rows[i].length), &seen) == OK)
			fail_msg("%zu bytes are taken for the whole", rows[i].length);
		if (!str_eq(seen, str_of(rows[i].seen)))
			fail_msg("%zu bytes: saw %.*s", rows[i].length, STR_ARG(seen));
	}
}

TEST(reports_a_cut_compression)
{
	struct str whole = made(two, COUNT(two), ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP);
	struct str seen;

	(void)state;
	assert_int_equal(visit(str_first(whole, whole.len / 2), &seen), ERR_INVALID);
}

TEST(refuses_what_is_no_tar)
{
	static const struct str rows[] = {
		STR_INIT(""), STR_INIT("---\ntitle: x\n---\n"), STR_INIT("PK\x03\x04zip"),
		STR_INIT("\x1F\x8B"), STR_INIT("#mtree\n./a type=file content=/etc/passwd\n"),
	};
	struct str seen;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(visit(rows[i], &seen), ERR_INVALID);
}

TEST(does_not_take_markdown_for_an_archive)
{
	(void)state;
	assert_false(archive_is_likely(STR("---\ntitle: x\n---\nustar\n")));
	assert_false(archive_is_likely(STR("")));
}

static enum err stop(void *context, const struct archive_file *file)
{
	(void)file;
	++*(int *)context;
	return ERR_STALE;
}

TEST(ends_with_the_error_of_a_visit)
{
	const char *reason;
	int visits = 0;

	(void)state;
	assert_int_equal(archive_read(made(two, COUNT(two), ARCHIVE_FORMAT_TAR_USTAR,
	    ARCHIVE_FILTER_NONE), stop, &visits, &reason), ERR_STALE);
	assert_int_equal(visits, 1);
}

/* --- writing --------------------------------------------------------------- */

static enum err collect(void *context, struct str bytes)
{
	buf_add(context, bytes);
	return OK;
}

TEST(reads_what_it_wrote)
{
	struct archive_writer *w;
	struct buf out;
	struct str seen;

	(void)state;
	buf_init(&out, &arena, 1u << 20);
	w = archive_writer_open(&arena, collect, &out);
	assert_non_null(w);
	assert_int_equal(archive_writer_add(w, "blog/a.md", 1700000000123, STR("one")), OK);
	assert_int_equal(archive_writer_add(w, "blog/b.md", 0, STR("")), OK);
	assert_int_equal(archive_writer_close(w), OK);
	assert_int_equal(visit(buf_str(&out), &seen), OK);
	assert_str(seen, STR("blog/a.md=one;blog/b.md=;"));
}

TEST(writes_only_plain_names)
{
	static const char *const names[] = { "", "a b", "\xC3\xBC.md", "a\nb" };
	struct archive_writer *w;
	struct buf out;

	(void)state;
	buf_init(&out, &arena, 1u << 20);
	w = archive_writer_open(&arena, collect, &out);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_row(archive_writer_add(w, names[i], 0, STR("x")) == ERR_INVALID, names[i]);
	assert_int_equal(archive_writer_close(w), OK);
}

TEST(writes_an_empty_archive)
{
	struct archive_writer *w;
	struct buf out;
	struct str seen;

	(void)state;
	buf_init(&out, &arena, 1u << 20);
	w = archive_writer_open(&arena, collect, &out);
	assert_int_equal(archive_writer_close(w), OK);
	assert_int_equal(visit(buf_str(&out), &seen), OK);
	assert_str(seen, STR(""));
}

TEST(writes_piece_by_piece)
{
	char *bytes = arena_zero(&arena, 1, 100000);
	struct archive_writer *w;
	struct buf out;

	(void)state;
	buf_init(&out, &arena, 1u << 20);
	w = archive_writer_open(&arena, collect, &out);
	assert_int_equal(archive_writer_add(w, "a.md", 0, (struct str){ bytes, 100000 }), OK);
	assert_true(out.len > 50000);
	assert_int_equal(archive_writer_close(w), OK);
}

static enum err full(void *context, struct str bytes)
{
	(void)bytes;
	return ++*(int *)context > 1 ? ERR_IO : OK;
}

TEST(keeps_the_first_error_of_the_sink)
{
	char *bytes = arena_zero(&arena, 1, 100000);
	struct archive_writer *w;
	int calls = 0;

	(void)state;
	w = archive_writer_open(&arena, full, &calls);
	assert_int_equal(archive_writer_add(w, "a.md", 0, (struct str){ bytes, 100000 }), ERR_IO);
	assert_int_equal(archive_writer_add(w, "b.md", 0, STR("x")), ERR_IO);
	assert_int_equal(archive_writer_close(w), ERR_IO);
	assert_int_equal(calls, 2);
}

TEST(is_closed_with_its_arena)
{
	struct archive_writer *w;
	struct buf out;

	(void)state;        /* the leak checker is who fails this */
	buf_init(&out, NULL, 1u << 20);
	w = archive_writer_open(&arena, collect, &out);
	assert_int_equal(archive_writer_add(w, "a.md", 0, STR("x")), OK);
	arena_reset(&arena);
	buf_clean(&out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(CASE(reads_every_tar_and_compression), CASE(refuses_bad_names_one_by_one),
    CASE(reads_names_in_utf8), CASE(passes_over_what_is_no_visible_file),
    CASE(refuses_a_file_that_is_too_large_and_goes_on), CASE(takes_a_file_of_exactly_the_bound),
    CASE(stops_at_a_bomb), CASE(stops_at_too_many_entries),
    CASE(visits_what_stands_before_the_cut), CASE(reports_a_cut_compression),
    CASE(refuses_what_is_no_tar), CASE(does_not_take_markdown_for_an_archive),
    CASE(ends_with_the_error_of_a_visit), CASE(reads_what_it_wrote),
    CASE(writes_only_plain_names), CASE(writes_an_empty_archive), CASE(writes_piece_by_piece),
    CASE(keeps_the_first_error_of_the_sink), CASE(is_closed_with_its_arena))
