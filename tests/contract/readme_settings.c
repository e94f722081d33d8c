/*
 * The README's table of settings is the one that the settings' own rows make.  When
 * it is not, the test prints what belongs between the README's two markers.
 */
#include "base/arena.h"
#include "config/config.h"
#include "test.h"

#define FILE_MAX_BYTES (1u << 20)
#define BEGIN STR("<!-- settings:")
#define END   STR("<!-- end of settings -->")

static struct str read_file(struct arena *a, const char *path)
{
	char *text = arena_alloc(a, FILE_MAX_BYTES);
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("%s cannot be opened", path);
	size_t n = fread(text, 1, FILE_MAX_BYTES, file);
	fclose(file);
	return (struct str){ text, n };
}

/* Where `what` begins in `text`; its length when nowhere. */
static size_t find(struct str text, struct str what)
{
	size_t at = 0;

	while (at < text.len && !str_starts(str_from(text, at), what))
		at++;
	return at;
}

/* The lines between the line that begins with BEGIN and END. */
static struct str between_markers(struct str text)
{
	struct str rest = str_from(text, find(text, BEGIN));

	if (rest.len == 0 || find(rest, END) == rest.len)
		fail_msg("README.md has no markers");
	str_cut(&rest, '\n');
	return str_first(rest, find(rest, END));
}

TEST(readme_has_the_table_of_settings)
{
	struct arena a;
	struct buf table;

	(void)state;
	arena_init(&a, 4 * FILE_MAX_BYTES);
	buf_init(&table, &a, FILE_MAX_BYTES);
	config_markdown(&table);
	struct str shown = between_markers(read_file(&a, SOURCE_DIR "/README.md"));
	bool same = str_eq(shown, buf_str(&table));
	/* fail_msg would cut it. */
	if (!same)
		fputs(buf_cstr(&table), stdout);
	arena_clean(&a);
	assert_true(same);
}

TEST_MAIN(RUN(readme_has_the_table_of_settings))
