/*
 * Attacks held off: a changed position, a changed signature, a cursor of another
 * list or another installation, a cut-off one, one that is not base64url, an
 * over-long one, and a position that slides into its context.
 */
#include "base/limits.h"
#include "http/cursor.h"
#include "tests/test.h"

static const uint8_t key[SECRET_BYTES] = { 1, 2, 3 };
static const uint8_t other_key[SECRET_BYTES] = { 3, 2, 1 };
static struct arena arena;

static struct str fresh(void)
{
	arena_init(&arena, ARENA_MAX_BYTES);
	return cursor_make(&arena, key, STR("/v1/blog"), STR("2026-01-02#id"));
}

static enum err opened(struct str cursor, struct str context, const uint8_t *with, struct str *out)
{
	*out = STR_NONE;
	return cursor_open(&arena, with, context, cursor, out);
}

TEST(a_cursor_opens_to_its_position)
{
	struct str position, cursor = fresh();
	(void)state;
	assert_int_equal(opened(cursor, STR("/v1/blog"), key, &position), OK);
	assert_str(position, STR("2026-01-02#id"));
	arena_clean(&arena);
}

TEST(a_cursor_of_another_list_is_refused)
{
	struct str position, cursor = fresh();
	(void)state;
	assert_int_equal(opened(cursor, STR("/v1/projects"), key, &position), ERR_INVALID);
	arena_clean(&arena);
}

TEST(a_cursor_of_another_installation_is_refused)
{
	struct str position, cursor = fresh();
	(void)state;
	assert_int_equal(opened(cursor, STR("/v1/blog"), other_key, &position), ERR_INVALID);
	arena_clean(&arena);
}

TEST(every_changed_byte_is_noticed)
{
	struct str position, cursor = fresh();
	(void)state;
	for (size_t i = 0; i < cursor.len; i++) {
		struct str changed = arena_dup(&arena, cursor);
		((char *)changed.ptr)[i] = changed.ptr[i] == 'A' ? 'B' : 'A';
		assert_int_equal(opened(changed, STR("/v1/blog"), key, &position), ERR_INVALID);
	}
	arena_clean(&arena);
}

TEST(every_cut_is_noticed)
{
	struct str position, cursor = fresh();
	(void)state;
	for (size_t i = 0; i < cursor.len; i++)
		assert_int_equal(opened(str_first(cursor, i), STR("/v1/blog"), key, &position), ERR_INVALID);
	arena_clean(&arena);
}

TEST(junk_is_refused)
{
	static const char *const junk[] = { "", "!", "====", "AAAA", "a b", "../../etc/passwd" };
	char lots[CURSOR_MAX_BYTES + 2];
	struct str position;
	(void)state;
	fresh();
	for (size_t i = 0; i < COUNT(junk); i++)
		assert_row(opened(str_of(junk[i]), STR("/v1/blog"), key, &position) == ERR_INVALID, junk[i]);
	memset(lots, 'A', sizeof(lots));
	assert_int_equal(opened((struct str){ lots, sizeof(lots) }, STR("/v1/blog"), key, &position),
	    ERR_INVALID);
	arena_clean(&arena);
}

TEST(context_and_position_do_not_slide_into_each_other)
{
	struct str position;
	(void)state;
	fresh();
	struct str cursor = cursor_make(&arena, key, STR("/v1/blo"), STR("gX"));
	assert_int_equal(opened(cursor, STR("/v1/blog"), key, &position), ERR_INVALID);
	arena_clean(&arena);
}

TEST_MAIN(RUN(a_cursor_opens_to_its_position), RUN(a_cursor_of_another_list_is_refused),
    RUN(a_cursor_of_another_installation_is_refused), RUN(every_changed_byte_is_noticed),
    RUN(every_cut_is_noticed), RUN(junk_is_refused),
    RUN(context_and_position_do_not_slide_into_each_other))
