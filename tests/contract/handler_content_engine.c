/*
 * The content engine over a real store, request by request through the whole
 * pipeline: what is written together, what is seen by whom, what is left behind.
 */
#include "tests/contract/content_rig.h"

#include <time.h>

TEST(a_draft_is_nowhere_for_readers)
{
	(void)state;
	struct str id = rig_create("/v1/blog", "{\"title\":\"Hidden\",\"category\":\"c\",\"tags\":[\"t\"]}");
	const char *const places[] = { rig_path("/v1/blog/*", id), "/v1/blog/hidden" };
	for (size_t i = 0; i < COUNT(places); i++)
		assert_row(rig_get(places[i]).status == 404, places[i]);
	const char *const lists[] = { "/v1/blog", "/v1/blog?category=c", "/v1/blog?tag=t",
		"/v1/blog?q=hidden", "/v1/blog/categories" };
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_row(rig_count(lists[i]) == 0, lists[i]);
}

TEST(a_published_item_is_everywhere)
{
	(void)state;
	struct str id = rig_create_published("/v1/blog",
	    "{\"title\":\"Shown\",\"category\":\"c\",\"tags\":[\"t\",\"u\"],\"body\":\"some *words*\"}");
	const char *const places[] = { rig_path("/v1/blog/*", id), "/v1/blog/shown" };
	for (size_t i = 0; i < COUNT(places); i++)
		assert_row(rig_get(places[i]).status == 200, places[i]);
	const char *const lists[] = { "/v1/blog", "/v1/blog?category=c", "/v1/blog?tag=u",
		"/v1/blog?category=c&tag=t", "/v1/blog?q=words", "/v1/blog?q=shown&tag=u",
		"/v1/blog/categories" };
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_row(rig_count(lists[i]) == 1, lists[i]);
	struct fixture_reply map = rig_get("/sitemap.xml");
	assert_true(str_contains(map.body, STR("https://site.example/v1/blog/shown")));
}

TEST(a_list_row_is_the_item_without_its_body)
{
	(void)state;
	struct str id = rig_create_published("/v1/blog", "{\"title\":\"One\",\"body\":\"text\"}");
	struct fixture_reply item = rig_get(rig_path("/v1/blog/*", id)), list = rig_get("/v1/blog");
	struct str cut = str_first(item.body, item.body.len - strlen(",\"body\":\"text\"}"));
	struct str row = arena_printf(&rig.arena, "{\"items\":[%.*s}],\"next_cursor\":null}", STR_ARG(cut));
	assert_str(list.body, row);
}

TEST(a_new_item_has_a_location_and_its_tag)
{
	(void)state;
	struct fixture_reply r = rig_edit("POST", "/v1/projects", "{\"name\":\"Tool\"}");
	rig_expect(&r, 201);
	struct str id = rig_string(&r, "id");
	assert_str(fixture_header(&r, "Location"), str_of(rig_path("/v1/projects/*", id)));
	struct fixture_reply again = rig_edit("GET", fixture_header(&r, "Location").ptr == NULL ? "" :
	    rig_path("/v1/projects/*", id), "");
	assert_str(again.body, r.body);
	assert_str(fixture_header(&again, "ETag"), fixture_header(&r, "ETag"));
}

TEST(unpublishing_takes_it_off_every_list)
{
	(void)state;
	struct str id = rig_create_published("/v1/projects",
	    "{\"name\":\"Tool\",\"technologies\":[\"C\",\"SQL\"]}");
	assert_int_equal(rig_count("/v1/projects/technologies"), 2);
	struct fixture_reply r = rig_edit("POST", rig_path("/v1/projects/*/unpublish", id), "");
	rig_expect(&r, 200);
	const char *const lists[] = { "/v1/projects", "/v1/projects?tag=C", "/v1/projects?q=tool",
		"/v1/projects/technologies" };
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_row(rig_count(lists[i]) == 0, lists[i]);
}

TEST(an_edit_of_a_published_item_moves_its_rows_and_counts)
{
	(void)state;
	struct str id = rig_create_published("/v1/blog",
	    "{\"title\":\"A\",\"category\":\"old\",\"tags\":[\"x\",\"y\"]}");
	struct fixture_reply r = rig_edit("PATCH", rig_path("/v1/blog/*", id),
	    "{\"category\":\"new\",\"tags\":[\"y\",\"z\"]}");
	rig_expect(&r, 200);
	static const struct { const char *list; size_t items; } rows[] = {
		{ "/v1/blog", 1 }, { "/v1/blog?category=old", 0 }, { "/v1/blog?category=new", 1 },
		{ "/v1/blog?tag=x", 0 }, { "/v1/blog?tag=y", 1 }, { "/v1/blog?tag=z", 1 },
		{ "/v1/blog/categories", 1 },
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(rig_count(rows[i].list) == rows[i].items, rows[i].list);
}

TEST(a_renamed_item_frees_its_slug)
{
	(void)state;
	struct str id = rig_create_published("/v1/blog", "{\"title\":\"First\"}");
	struct fixture_reply r = rig_edit("PATCH", rig_path("/v1/blog/*", id), "{\"slug\":\"second\"}");
	rig_expect(&r, 200);
	assert_int_equal(rig_get("/v1/blog/first").status, 404);
	assert_int_equal(rig_get("/v1/blog/second").status, 200);
	r = rig_edit("POST", "/v1/blog", "{\"title\":\"Other\",\"slug\":\"first\"}");
	rig_expect(&r, 201);
}

TEST(a_taken_slug_is_a_conflict_that_names_it)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"A\",\"slug\":\"mine\"}");
	struct fixture_reply r = rig_edit("POST", "/v1/blog", "{\"title\":\"B\",\"slug\":\"mine\"}");
	rig_expect(&r, 409);
	assert_true(str_contains(rig_string(&r, "detail"), STR("\"mine\"")));
	struct str other = rig_create("/v1/blog", "{\"title\":\"B\"}");
	r = rig_edit("PATCH", rig_path("/v1/blog/*", other), "{\"slug\":\"mine\"}");
	rig_expect(&r, 409);
}

TEST(titles_that_repeat_get_slugs_of_their_own)
{
	(void)state;
	for (int i = 1; i <= 12; i++) {
		struct fixture_reply r = rig_edit("POST", "/v1/blog", "{\"title\":\"Same\"}");
		rig_expect(&r, 201);
		struct str slug = rig_string(&r, "slug");
		if (i == 1)
			assert_str(slug, STR("same"));
		else if (i <= 9)
			assert_str(slug, arena_printf(&rig.arena, "same-%d", i));
		else
			assert_int_equal(slug.len, strlen("same-") + 8);
	}
}

TEST(a_title_that_makes_a_reserved_slug_gets_a_number)
{
	(void)state;
	struct fixture_reply r = rig_edit("POST", "/v1/blog", "{\"title\":\"Categories\"}");
	rig_expect(&r, 201);
	assert_str(rig_string(&r, "slug"), STR("categories-2"));
	r = rig_edit("POST", "/v1/blog", "{\"title\":\"x\",\"slug\":\"categories\"}");
	rig_expect(&r, 422);
}

TEST(a_merge_patch_changes_what_it_names_and_null_clears)
{
	(void)state;
	struct str id = rig_create("/v1/blog",
	    "{\"title\":\"A\",\"excerpt\":\"e\",\"author\":\"me\",\"tags\":[\"t\"]}");
	struct fixture_reply r = rig_edit("PATCH", rig_path("/v1/blog/*", id), "{\"excerpt\":null}");
	rig_expect(&r, 200);
	const struct json *doc = fixture_json(&rig, &r);
	assert_int_equal(json_type(json_get(doc, STR("excerpt"))), JSON_NULL);
	assert_str(json_get_string(doc, "author"), STR("me"));
	assert_int_equal(json_length(json_get(doc, STR("tags"))), 1);
	assert_int_equal(json_get_int(doc, "version", 0), 2);
}

TEST(a_replacement_clears_what_it_leaves_out_and_keeps_the_slug)
{
	(void)state;
	struct str id = rig_create("/v1/blog", "{\"title\":\"A\",\"excerpt\":\"e\",\"body\":\"b\"}");
	struct fixture_reply r = rig_edit("PUT", rig_path("/v1/blog/*", id), "{\"title\":\"B\"}");
	rig_expect(&r, 200);
	const struct json *doc = fixture_json(&rig, &r);
	assert_int_equal(json_type(json_get(doc, STR("excerpt"))), JSON_NULL);
	assert_str(json_get_string(doc, "body"), STR(""));
	assert_str(json_get_string(doc, "slug"), STR("a"));
}

TEST(every_write_takes_the_slug_for_the_id)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"A\"}");
	struct fixture_reply r = rig_edit("PATCH", "/v1/blog/a", "{\"title\":\"B\"}");
	rig_expect(&r, 200);
	r = rig_edit("POST", "/v1/blog/a/publish", "");
	rig_expect(&r, 200);
	r = rig_edit("DELETE", "/v1/blog/a", "");
	rig_expect(&r, 204);
}

TEST(a_stale_tag_is_refused_and_changes_nothing)
{
	(void)state;
	struct fixture_reply made = rig_edit("POST", "/v1/blog", "{\"title\":\"A\"}");
	struct str tag = fixture_header(&made, "ETag");
	const char *path = rig_path("/v1/blog/*", rig_string(&made, "id"));
	struct fixture_reply r = rig_edit_if("PATCH", path, "{\"title\":\"B\"}", tag);
	rig_expect(&r, 200);
	static const char *const methods[] = { "PATCH", "PUT", "DELETE" };
	for (size_t i = 0; i < COUNT(methods); i++)
		assert_row(rig_edit_if(methods[i], path, "{\"title\":\"C\"}", tag).status == 412, methods[i]);
	r = rig_edit("GET", path, "");
	assert_str(rig_string(&r, "title"), STR("B"));
}

TEST(the_tag_of_the_html_is_good_for_a_change)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"A\",\"body\":\"*x*\"}");
	struct fixture_reply r = rig_edit("GET", "/v1/blog/a?format=html", "");
	assert_str(rig_string(&r, "body_html"), STR("<p><em>x</em></p>\n"));
	r = rig_edit_if("PATCH", "/v1/blog/a", "{\"title\":\"B\"}", fixture_header(&r, "ETag"));
	rig_expect(&r, 200);
}

TEST(the_html_follows_the_body)
{
	(void)state;
	rig_create_published("/v1/blog", "{\"title\":\"A\",\"body\":\"one\"}");
	struct fixture_reply r = rig_get("/v1/blog/a?format=html");
	assert_str(rig_string(&r, "body_html"), STR("<p>one</p>\n"));
	r = rig_edit("PATCH", "/v1/blog/a", "{\"body\":\"two <script>x</script>\"}");
	rig_expect(&r, 200);
	for (int i = 0; i < 2; i++) {
		r = rig_get("/v1/blog/a?format=html");
		assert_true(str_contains(rig_string(&r, "body_html"), STR("two")));
		assert_false(str_contains(rig_string(&r, "body_html"), STR("script")));
	}
}

/* A time in so many milliseconds, as JSON {"publish_at"}. */
static const char *publication_in(int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(time_now_ms() + ms, text);
	return arena_printf(&rig.arena, "{\"publish_at\":\"%s\"}", text).ptr;
}

TEST(a_scheduled_item_is_seen_by_editors_alone)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"A\",\"category\":\"c\"}");
	struct fixture_reply r = rig_edit("POST", "/v1/blog/a/publish", publication_in(3600000));
	rig_expect(&r, 200);
	assert_str(rig_string(&r, "status"), STR("scheduled"));
	assert_int_equal(rig_get("/v1/blog/a").status, 404);
	assert_int_equal(rig_count("/v1/blog"), 0);
	assert_int_equal(rig_count("/v1/blog?category=c"), 0);
	assert_int_equal(rig_count("/v1/blog/categories"), 0);
	r = rig_edit("GET", "/v1/blog?status=scheduled", "");
	const struct json *items = json_get(fixture_json(&rig, &r), STR("items"));
	assert_str(json_get_string(json_at(items, 0), "status"), STR("scheduled"));
}

TEST(a_scheduled_item_appears_at_its_time)
{
	struct timespec pause = { 0, 10 * 1000 * 1000 };

	(void)state;
	rig_create("/v1/blog", "{\"title\":\"A\",\"category\":\"c\"}");
	rig_edit("POST", "/v1/blog/a/publish", publication_in(300));
	assert_int_equal(rig_get("/v1/blog/a").status, 404);
	for (int i = 0; i < 500 && rig_get("/v1/blog/a").status != 200; i++)
		nanosleep(&pause, NULL);
	struct fixture_reply r = rig_get("/v1/blog/a");
	rig_expect(&r, 200);
	assert_str(rig_string(&r, "status"), STR("published"));
	assert_int_equal(rig_count("/v1/blog?category=c"), 1);
	assert_int_equal(rig_count("/v1/blog/categories"), 1);
}

TEST(a_page_that_is_kept_is_given_up_at_the_next_write_and_at_its_time)
{
	struct timespec pause = { 0, 10 * 1000 * 1000 };

	(void)state;
	rig_create_published("/v1/blog", "{\"title\":\"A\"}");
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_count("/v1/blog?limit=5"), 1);
	rig_create_published("/v1/blog", "{\"title\":\"B\"}");
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_count("/v1/blog?limit=5"), 2);
	rig_create("/v1/blog", "{\"title\":\"C\"}");
	rig_edit("POST", "/v1/blog/c/publish", publication_in(300));
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_count("/v1/blog?limit=5"), 2);
	for (int i = 0; i < 500 && rig_count("/v1/blog?limit=5") != 3; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(rig_count("/v1/blog?limit=5"), 3);
}

TEST(a_kept_page_is_the_page_that_was_made)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		rig_create_published("/v1/blog", arena_printf(&rig.arena, "{\"title\":\"p%d\"}", i).ptr);
	struct fixture_reply first = rig_get("/v1/blog?limit=2");
	for (int i = 0; i < 4; i++) {
		struct fixture_reply again = rig_get("/v1/blog?limit=2");
		assert_str(again.body, first.body);
		assert_str(fixture_header(&again, "ETag"), fixture_header(&first, "ETag"));
		assert_str(fixture_header(&again, "Link"), fixture_header(&first, "Link"));
	}
	assert_int_equal(rig_count("/v1/blog?limit=3"), 3);
}

TEST(publishing_again_changes_nothing)
{
	(void)state;
	rig_create_published("/v1/blog", "{\"title\":\"A\"}");
	struct fixture_reply first = rig_get("/v1/blog/a");
	struct fixture_reply r = rig_edit("POST", "/v1/blog/a/publish", "");
	rig_expect(&r, 200);
	assert_str(r.body, first.body);
}

TEST(a_certification_expires_by_itself)
{
	(void)state;
	rig_create_published("/v1/certifications", "{\"name\":\"Old\",\"expires_on\":\"2020-01-01\"}");
	rig_create_published("/v1/certifications", "{\"name\":\"New\",\"expires_on\":\"2999-01-01\"}");
	rig_create_published("/v1/certifications", "{\"name\":\"Lasting\"}");
	static const struct { const char *path; bool expired; } rows[] = {
		{ "/v1/certifications/old", true }, { "/v1/certifications/new", false },
		{ "/v1/certifications/lasting", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture_reply r = rig_get(rows[i].path);
		assert_row(json_get_bool(fixture_json(&rig, &r), "expired", !rows[i].expired) ==
		    rows[i].expired, rows[i].path);
	}
	struct fixture_reply list = rig_get("/v1/certifications");
	const struct json *items = json_get(fixture_json(&rig, &list), STR("items"));
	assert_true(json_get_bool(json_at(items, 2), "expired", false));
	assert_false(json_get_bool(json_at(items, 1), "expired", true));
}

TEST(dates_in_the_wrong_order_are_refused)
{
	(void)state;
	struct fixture_reply r = rig_edit("POST", "/v1/projects",
	    "{\"name\":\"A\",\"started_on\":\"2024-02-01\",\"ended_on\":\"2024-01-01\"}");
	rig_expect(&r, 422);
	const struct json *errors = json_get(fixture_json(&rig, &r), STR("errors"));
	assert_str(json_get_string(json_at(errors, 0), "pointer"), STR("/ended_on"));
}

TEST(a_status_filter_needs_an_editor)
{
	(void)state;
	static const char *const lists[] = { "/v1/blog?status=draft", "/v1/blog?status=published",
		"/v1/blog?status=all" };
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_row(rig_get(lists[i]).status == 401, lists[i]);
}

TEST(status_filters_tell_drafts_from_all)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"Draft\",\"category\":\"c\"}");
	rig_create_published("/v1/blog", "{\"title\":\"Shown\",\"category\":\"c\"}");
	static const struct { const char *list; size_t items; } rows[] = {
		{ "/v1/blog?status=draft", 1 }, { "/v1/blog?status=all", 2 },
		{ "/v1/blog?status=published", 1 }, { "/v1/blog?status=scheduled", 0 },
		{ "/v1/blog?status=all&q=draft", 1 }, { "/v1/blog?status=draft&q=shown", 0 },
		{ "/v1/blog?status=draft&category=c", 1 }, { "/v1/blog?status=all&category=none", 0 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture_reply r = rig_edit("GET", rows[i].list, "");
		assert_row(r.status == 200, rows[i].list);
		assert_row(json_length(json_get(fixture_json(&rig, &r), STR("items"))) == rows[i].items,
		    rows[i].list);
	}
}

TEST(a_search_without_a_word_is_refused)
{
	(void)state;
	struct fixture_reply r = rig_get("/v1/blog?q=%21%21");
	rig_expect(&r, 422);
}

TEST(revisions_hold_what_was_and_bring_it_back)
{
	(void)state;
	rig_create("/v1/blog", "{\"title\":\"One\",\"body\":\"first\"}");
	rig_edit("PATCH", "/v1/blog/one", "{\"body\":\"second\"}");
	rig_edit("PATCH", "/v1/blog/one", "{\"body\":\"third\",\"slug\":\"renamed\"}");
	struct fixture_reply r = rig_edit("GET", "/v1/blog/renamed/revisions", "");
	const struct json *items = json_get(fixture_json(&rig, &r), STR("items"));
	assert_int_equal(json_length(items), 2);
	assert_int_equal(json_get_int(json_at(items, 0), "version", 0), 2);
	r = rig_edit("GET", "/v1/blog/renamed/revisions/1", "");
	assert_str(rig_string(&r, "body"), STR("first"));
	r = rig_edit("POST", "/v1/blog/renamed/revisions/1/restore", "");
	rig_expect(&r, 200);
	assert_str(rig_string(&r, "body"), STR("first"));
	assert_str(rig_string(&r, "slug"), STR("one"));
	assert_int_equal(json_get_int(fixture_json(&rig, &r), "version", 0), 4);
	static const char *const none[] = { "/v1/blog/one/revisions/9", "/v1/blog/one/revisions/x",
		"/v1/blog/one/revisions/0", "/v1/blog/nobody/revisions" };
	for (size_t i = 0; i < COUNT(none); i++)
		assert_row(rig_edit("GET", none[i], "").status == 404, none[i]);
}

/* Twenty names, "a0" to "a19", as a JSON list. */
static const char *twenty(char letter)
{
	struct buf out;

	buf_init(&out, &rig.arena, 4096);
	for (int i = 0; i < LABELS_MAX; i++)
		buf_printf(&out, "%s\"%c%d\"", i == 0 ? "[" : ",", letter, i);
	buf_char(&out, ']');
	return buf_cstr(&out);
}

static bool count_row(void *context, const struct store_item *item)
{
	(void)item;
	++*(size_t *)context;
	return true;
}

static size_t rows_in(struct str pk)
{
	size_t n = 0;
	struct store_query query = { .pk = pk };

	assert_int_equal(store_query(rig.worker.store, &query, time_now_ms(), count_row, &n), OK);
	return n;
}

TEST(the_largest_change_and_the_largest_deletion_are_one_transaction)
{
	(void)state;
	struct str id = rig_create_published("/v1/projects",
	    arena_printf(&rig.arena, "{\"name\":\"A\",\"technologies\":%s}", twenty('a')).ptr);
	for (int i = 0; i <= REVISIONS_MAX; i++) {
		struct fixture_reply r = rig_edit("PATCH", "/v1/projects/a",
		    arena_printf(&rig.arena, "{\"technologies\":%s}", twenty((char)('b' + i % 2))).ptr);
		rig_expect(&r, 200);
	}
	struct fixture_reply r = rig_edit("PATCH", "/v1/projects/a",
	    arena_printf(&rig.arena, "{\"slug\":\"z\",\"technologies\":%s}", twenty('z')).ptr);
	rig_expect(&r, 200);
	struct str revisions = placement_revisions(&rig.arena, &collection_projects, id);
	assert_int_equal(rows_in(revisions), REVISIONS_MAX);
	assert_int_equal(rig_count("/v1/projects/technologies"), LABELS_MAX);
	r = rig_edit("DELETE", "/v1/projects/z", "");
	rig_expect(&r, 204);
	assert_int_equal(rows_in(revisions), 0);
}

TEST(deletion_leaves_nothing_behind)
{
	(void)state;
	struct str id = rig_create_published("/v1/blog",
	    "{\"title\":\"A\",\"category\":\"c\",\"tags\":[\"t\"],\"body\":\"b\"}");
	rig_get("/v1/blog/a?format=html");
	rig_edit("PATCH", "/v1/blog/a", "{\"title\":\"B\"}");
	struct fixture_reply r = rig_edit("DELETE", rig_path("/v1/blog/*", id), "");
	rig_expect(&r, 204);
	const struct collection *c = &collection_blog;
	const struct str partitions[] = { c->documents, c->slugs, c->all, c->published,
		placement_group(&rig.arena, c, STR("c")), placement_label(&rig.arena, c, STR("t")),
		placement_revisions(&rig.arena, c, id), placement_rendering(&rig.arena, c, id) };
	for (size_t i = 0; i < COUNT(partitions); i++)
		assert_row(rows_in(partitions[i]) == 0, arena_cstr(&rig.arena, partitions[i]));
	assert_int_equal(rig_count("/v1/blog/categories"), 0);
	assert_int_equal(rig_edit("DELETE", rig_path("/v1/blog/*", id), "").status, 404);
}

TEST(a_creation_repeated_with_its_key_makes_one_item)
{
	(void)state;
	struct fixture_reply one = rig_edit_as("POST", "/v1/blog", "CONTENT_TYPE=application/json",
	    STR("{\"title\":\"A\"}"), "HTTP_IDEMPOTENCY_KEY=k-1");
	struct fixture_reply two = rig_edit_as("POST", "/v1/blog", "CONTENT_TYPE=application/json",
	    STR("{\"title\":\"A\"}"), "HTTP_IDEMPOTENCY_KEY=k-1");
	rig_expect(&two, 201);
	assert_str(two.body, one.body);
	assert_str(fixture_header(&two, "Location"), fixture_header(&one, "Location"));
	assert_int_equal(rows_in(collection_blog.documents), 1);
}

static struct fixture_reply import_keyed(const char *target, const char *lines, const char *key)
{
	return rig_edit_as("POST", target, "CONTENT_TYPE=application/x-ndjson", str_of(lines), key);
}

TEST(an_import_repeated_with_its_key_gives_its_first_report)
{
	static const struct { const char *lines, *key; } rows[] = {
		{ "{\"title\":\"A\"}\n", "HTTP_IDEMPOTENCY_KEY=one-in" },
		{ "{}\n", "HTTP_IDEMPOTENCY_KEY=none-in" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture_reply replies[2];
		for (size_t k = 0; k < 2; k++) {
			replies[k] = import_keyed("/v1/content/import", rows[i].lines, rows[i].key);
			rig_expect(&replies[k], 200);
		}
		assert_str(replies[1].body, replies[0].body);
		assert_str(fixture_header(&replies[1], "Idempotent-Replayed"), STR("true"));
	}
}

TEST(the_key_of_an_import_is_for_its_body_type_and_query)
{
	static const char *const key = "HTTP_IDEMPOTENCY_KEY=k-2", *const a = "{\"title\":\"A\"}";

	(void)state;
	struct fixture_reply first = import_keyed("/v1/content/import", a, key);
	rig_expect(&first, 200);
	struct fixture_reply others[] = {
		import_keyed("/v1/content/import", "{\"title\":\"B\"}", key),
		import_keyed("/v1/content/import?collection=projects", a, key),
		rig_edit_as("POST", "/v1/content/import", "CONTENT_TYPE=text/markdown", str_of(a), key),
	};
	for (size_t i = 0; i < COUNT(others); i++)
		rig_expect(&others[i], 422);
	assert_int_equal(rows_in(collection_blog.documents), 1);
}

TEST(pages_meet_every_item_once_while_others_write)
{
	(void)state;
	for (int i = 0; i < 12; i++)
		rig_create_published("/v1/blog", arena_printf(&rig.arena, "{\"title\":\"p%d\"}", i).ptr);
	const char *target = "/v1/blog?limit=5";
	size_t old = 0, pages = 0;
	while (target != NULL) {
		struct fixture_reply r = rig_get(target);
		const struct json *page = fixture_json(&rig, &r), *items = json_get(page, STR("items"));
		for (size_t i = 0; i < json_length(items); i++)
			old += json_get_string(json_at(items, i), "title").ptr[0] == 'p';
		rig_create_published("/v1/blog", arena_printf(&rig.arena, "{\"title\":\"n%zu\"}", pages++).ptr);
		struct str next = json_get_string(page, "next_cursor");
		target = next.ptr == NULL ? NULL : rig_path("/v1/blog?limit=5&cursor=*", next);
	}
	assert_int_equal(old, 12);
	assert_int_equal(pages, 3);
}

TEST(reading_minutes_are_those_of_the_words)
{
	struct buf body;

	(void)state;
	buf_init(&body, &rig.arena, 65536);
	for (int i = 0; i < 3 * WORDS_PER_MINUTE; i++)
		BUF_LIT(&body, "word ");
	struct str id = rig_create("/v1/blog",
	    arena_printf(&rig.arena, "{\"title\":\"A\",\"body\":\"%s\"}", buf_cstr(&body)).ptr);
	struct fixture_reply r = rig_edit("GET", rig_path("/v1/blog/*", id), "");
	assert_int_equal(json_get_int(fixture_json(&rig, &r), "reading_minutes", 0), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)
TEST_MAIN(CASE(a_draft_is_nowhere_for_readers), CASE(a_published_item_is_everywhere),
    CASE(a_list_row_is_the_item_without_its_body), CASE(a_new_item_has_a_location_and_its_tag),
    CASE(unpublishing_takes_it_off_every_list),
    CASE(an_edit_of_a_published_item_moves_its_rows_and_counts),
    CASE(a_renamed_item_frees_its_slug), CASE(a_taken_slug_is_a_conflict_that_names_it),
    CASE(titles_that_repeat_get_slugs_of_their_own),
    CASE(a_title_that_makes_a_reserved_slug_gets_a_number),
    CASE(a_merge_patch_changes_what_it_names_and_null_clears),
    CASE(a_replacement_clears_what_it_leaves_out_and_keeps_the_slug),
    CASE(every_write_takes_the_slug_for_the_id),
    CASE(a_stale_tag_is_refused_and_changes_nothing),
    CASE(the_tag_of_the_html_is_good_for_a_change), CASE(the_html_follows_the_body),
    CASE(a_scheduled_item_is_seen_by_editors_alone),
    CASE(a_scheduled_item_appears_at_its_time),
    CASE(a_page_that_is_kept_is_given_up_at_the_next_write_and_at_its_time),
    CASE(a_kept_page_is_the_page_that_was_made), CASE(publishing_again_changes_nothing),
    CASE(a_certification_expires_by_itself), CASE(dates_in_the_wrong_order_are_refused),
    CASE(a_status_filter_needs_an_editor), CASE(status_filters_tell_drafts_from_all),
    CASE(a_search_without_a_word_is_refused),
    CASE(revisions_hold_what_was_and_bring_it_back),
    CASE(the_largest_change_and_the_largest_deletion_are_one_transaction),
    CASE(deletion_leaves_nothing_behind), CASE(a_creation_repeated_with_its_key_makes_one_item),
    CASE(an_import_repeated_with_its_key_gives_its_first_report),
    CASE(the_key_of_an_import_is_for_its_body_type_and_query),
    CASE(pages_meet_every_item_once_while_others_write),
    CASE(reading_minutes_are_those_of_the_words))
