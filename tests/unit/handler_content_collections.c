/* The tables of the handler: no hole, no field that is named and not there. */
#include "content/content.h"
#include "content/item_slug.h"
#include "test.h"

int content_main(int argc, char **argv);
#define main content_main
#include "content/content.c"
#undef main

static bool has_field(const struct schema *s, const char *name)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

TEST(the_route_table_has_no_hole)
{
	(void)state;
	const char *problem = route_table_problem(routes, COUNT(routes));
	if (problem != NULL)
		fail_msg("%s", problem);
}

TEST(every_write_needs_the_scope_and_costs_more)
{
	(void)state;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (routes[i].method == GET)
			continue;
		assert_row(routes[i].scope == SCOPE_CONTENT_WRITE, routes[i].summary);
		assert_row(routes[i].cost >= 5, routes[i].summary);
	}
}

TEST(roles_name_fields_that_are_there)
{
	(void)state;
	for (size_t i = 0; collection_at(i) != NULL; i++) {
		const struct collection *c = collection_at(i);
		const char *const names[] = { c->title, c->excerpt, c->body, c->group, c->labels,
			c->starts_on, c->ends_on, c->timed ? "reading_minutes" : NULL,
			c->expires ? "expired" : NULL };
		for (size_t k = 0; k < COUNT(names); k++)
			assert_row(names[k] == NULL || has_field(c->schema, names[k]), names[k]);
		const char *const filters[] = { c->group_filter, c->label_filter, "q", "status" };
		for (size_t k = 0; k < COUNT(filters); k++)
			assert_row(filters[k] == NULL || has_field(c->filters, filters[k]), filters[k]);
		assert_row((c->group == NULL) == (c->group_filter == NULL), c->name);
		assert_row((c->labels == NULL) == (c->label_filter == NULL), c->name);
		assert_row((c->counts_labels ? c->labels : c->group) != NULL, c->name);
	}
}

TEST(fields_have_a_type_and_a_bound)
{
	(void)state;
	for (size_t i = 0; collection_at(i) != NULL; i++) {
		for (const struct field *f = collection_at(i)->schema->fields; f->name != NULL; f++) {
			assert_row(f->type != FIELD_UNSET, f->name);
			bool is_text = f->type == FIELD_STRING || f->type == FIELD_TEXT;
			assert_row(!is_text || f->read_only || f->max > 0, f->name);
		}
	}
}

TEST(partitions_are_told_apart)
{
	(void)state;
	for (size_t i = 0; collection_at(i) != NULL; i++) {
		const struct collection *c = collection_at(i);
		const struct str keys[] = { c->documents, c->slugs, c->all, c->drafts, c->published, c->facets };
		for (size_t k = 0; k < COUNT(keys); k++) {
			assert_row(str_starts(keys[k], str_of(c->name)), c->name);
			for (size_t j = 0; j < k; j++)
				assert_row(!str_eq(keys[k], keys[j]), c->name);
		}
		assert_ptr_equal(collection_named(str_of(c->name)), c);
	}
	assert_null(collection_named(STR("none")));
}

TEST(slugs_of_titles)
{
	static const struct { const char *title, *slug; } rows[] = {
		{ "Hello, World!", "hello-world" },
		{ "R\xC3\xA9sum\xC3\xA9", "resume" },
		{ "\xE6\x97\xA5\xE6\x9C\xAC", "blog-cf2abf0c" },
		{ "!!!", "blog-e84c538e" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str slug = item_slug_of(&a, &collection_blog, str_of(rows[i].title));
		if (!str_eq(slug, str_of(rows[i].slug)))
			fail_msg("%s: %.*s, not %s", rows[i].title, STR_ARG(slug), rows[i].slug);
	}
	arena_clean(&a);
}

TEST(a_long_title_leaves_room_for_an_ending)
{
	struct arena a;
	char title[300];

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(title); i++)
		title[i] = i % 7 == 6 ? ' ' : 'a';
	struct str slug = item_slug_of(&a, &collection_blog, (struct str){ title, sizeof(title) });
	assert_true(slug_is_valid(slug));
	assert_true(str_ends(slug, STR("-aaaaaa")));
	struct str numbered = item_slug_numbered(&a, slug, SLUG_NUMBER_MAX + 1,
	    STR("01890a5d-ac96-774b-bcce-b302099a8057"));
	assert_true(slug_is_valid(numbered));
	assert_true(str_ends(numbered, STR("-099a8057")));
	memset(title, 'x', SLUG_MAX_BYTES);
	struct str ended = item_slug_ended(&a, (struct str){ title, SLUG_MAX_BYTES }, STR("2024-01-01"));
	assert_true(slug_is_valid(ended));
	arena_clean(&a);
}

TEST_MAIN(RUN(the_route_table_has_no_hole), RUN(every_write_needs_the_scope_and_costs_more),
    RUN(roles_name_fields_that_are_there), RUN(fields_have_a_type_and_a_bound),
    RUN(partitions_are_told_apart), RUN(slugs_of_titles),
    RUN(a_long_title_leaves_room_for_an_ending))
