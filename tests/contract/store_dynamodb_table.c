/*
 * What is DynamoDB's own in the store: the table, refusals at the start, what calls cost,
 * and what lies in the table that nobody asked for.  What happens when calls fail is
 * tested in store_dynamodb.c.
 */
#include "store_dynamodb_rig.h"

#include "base/json.h"
#include "store/dynamodb.h"

/* --- the table ------------------------------------------------------------------------- */

static enum err try_open(struct rig *rig, const char *url, struct str *reason)
{
	struct store *s = NULL;

	*reason = STR_NONE;
	return store_open(&rig->arena, str_of(url), &rig->config, rig->metrics, &s, reason);
}

TEST(a_table_that_is_not_there_is_refused_with_what_would_do)
{
	struct rig rig;
	struct str reason;

	(void)state;
	begin(&rig);
	assert_int_equal(try_open(&rig, "dynamodb:nobody", &reason), ERR_NOT_FOUND);
	assert_true(str_contains(reason, STR("--create-table")));
	rig_close(&rig);
}

TEST(a_name_that_no_table_can_have_is_refused)
{
	static const char *const urls[] = { "dynamodb:", "dynamodb:ab", "dynamodb:a/b/c",
		"dynamodb:quiver table", "dynamodb:arn:aws:x" };
	struct rig rig;
	struct str reason;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(urls); i++) {
		assert_row(try_open(&rig, urls[i], &reason) == ERR_INVALID, urls[i]);
		assert_row(str_contains(reason, STR("dynamodb:quiver")), urls[i]);
	}
	rig_close(&rig);
}

TEST(keys_that_are_not_good_are_refused_at_the_start)
{
	struct rig rig;
	struct str reason;

	(void)state;
	begin(&rig);
	rig.config.aws_secret_access_key = STR("another-secret");
	assert_int_equal(try_open(&rig, rig.url, &reason), ERR_FORBIDDEN);
	assert_false(str_contains(reason, STR("another-secret")));
	assert_true(str_contains(reason, STR("DynamoDB, table")));
	rig_close(&rig);
}

TEST(nobody_at_the_endpoint_is_refused_within_the_deadline)
{
	struct rig rig;
	struct str reason;
	uint64_t began;

	(void)state;
	begin(&rig);
	rig.config.dynamodb_endpoint = STR("http://127.0.0.1:1");
	began = time_monotonic_ns();
	assert_int_equal(try_open(&rig, rig.url, &reason), ERR_UNAVAILABLE);
	assert_true(time_monotonic_ns() - began < (STORE_DEADLINE_MS + SLACK_MS) * 1000000ull);
	rig_close(&rig);
}

TEST(a_table_is_made_once)
{
	struct rig rig;
	struct str reason = STR_NONE;

	(void)state;
	begin(&rig);
	rig_put(&rig, rig_item("p", "s", "{}"));
	assert_int_equal(store_create(&rig.arena, str_of(rig.url), &rig.config, rig.metrics,
	    &reason), ERR_EXISTS);
	assert_true(str_contains(reason, STR("is there already")));
	assert_true(rig_has(&rig, "p", "s"));
	rig_close(&rig);
}

TEST(sqlite_needs_no_table_to_be_made)
{
	struct rig rig;
	struct str reason = STR_NONE;
	struct buf text;

	(void)state;
	rig_open(&rig, 0);
	buf_init(&text, &rig.arena, 1 << 16);
	assert_int_equal(store_create(&rig.arena, str_of(rig.url), &rig.config, rig.metrics,
	    &reason), ERR_UNSUPPORTED);
	assert_int_equal(store_describe_table(str_of(rig.url), &text), ERR_UNSUPPORTED);
	rig_close(&rig);
}

TEST(the_table_is_printed_as_it_is_made)
{
	struct json_error error;
	const struct json *table, *properties;
	struct arena a;
	struct buf text;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	buf_init(&text, &a, 1 << 16);
	assert_int_equal(store_describe_table(STR("dynamodb:quiver"), &text), OK);
	assert_int_equal(json_parse(&a, buf_str(&text), JSON_DEPTH_MAX, &table, &error), OK);
	assert_str(json_get_string(table, "Type"), STR("AWS::DynamoDB::Table"));
	properties = json_get(table, STR("Properties"));
	assert_str(json_get_string(properties, "TableName"), STR("quiver"));
	assert_str(json_get_string(properties, "BillingMode"), STR("PAY_PER_REQUEST"));
	assert_int_equal(json_length(json_get(properties, STR("KeySchema"))), 2);
	assert_str(json_get_string(json_get(properties, STR("TimeToLiveSpecification")),
	    "AttributeName"), STR("ttl"));
	arena_clean(&a);
}

/* --- what a call costs -------------------------------------------------------------------- */

static int64_t calls_of(struct rig *rig)
{
	static const char *const all[] = { "GetItem", "PutItem", "UpdateItem", "DeleteItem",
		"BatchGetItem", "Query", "TransactWriteItems" };
	struct json_error error;
	const struct json *counts;
	char text[512];
	int64_t sum = 0;

	dynamodb_child_control("/_calls", "", text, sizeof(text));
	assert_int_equal(json_parse(&rig->arena, str_of(text), 4, &counts, &error), OK);
	for (size_t i = 0; i < COUNT(all); i++)
		sum += json_get_int(counts, all[i], 0);
	return sum;
}

/* What lies under a key of the engine's own. */
static enum err look_inside(struct rig *rig, const char *pk, const char *sk)
{
	struct dynamo_connection c = { .store = NULL };
	struct dynamo_row row;
	struct str reason;
	enum err err;

	assert_int_equal(dynamo_store_new(&rig->arena, str_of(strchr(rig->url, ':') + 1),
	    &rig->config, rig->metrics, &c.store, &reason), OK);
	c.client = aws_client_new(c.store->service);
	err = dynamo_get(&c, &rig->arena, (struct dynamo_key){ str_of(pk), str_of(sk) }, false,
	    time_monotonic_ns() + STORE_DEADLINE_MS * 1000000ull, &row);
	aws_client_free(c.client);
	dynamo_store_free(c.store);
	return err;
}

TEST(an_item_restored_without_text_leaves_no_words_of_the_one_before)
{
	struct store_item items[40];
	char keys[COUNT(items)][8];
	struct rig rig;
	size_t failed;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(items); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%02zu", i);
		items[i] = (struct store_item){ .pk = STR("p"), .sk = str_of(keys[i]), .version = 1,
		    .text = STR("word") };
	}
	assert_int_equal(store_restore(rig.c, items, COUNT(items), &failed), OK);
	assert_int_equal(look_inside(&rig, STORE_RESERVED "p", "00"), OK);
	for (size_t i = 0; i < COUNT(items); i++)
		items[i].text = i == 7 ? STR("other") : STR_NONE;
	/* Broken off in the middle, and done again. */
	fault("{\"operation\":\"BatchWriteItem\",\"skip\":2,\"status\":400,"
	    "\"type\":\"ValidationException\"}");
	assert_int_not_equal(store_restore(rig.c, items, COUNT(items), &failed), OK);
	dynamodb_child_control("/_reset", "", NULL, 0);
	assert_int_equal(store_restore(rig.c, items, COUNT(items), &failed), OK);
	for (size_t i = 0; i < COUNT(items); i++)
		assert_row(look_inside(&rig, STORE_RESERVED "p", keys[i]) ==
		    (i == 7 ? OK : ERR_NOT_FOUND), keys[i]);
	assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .match = STR("other") }),
	    STR("07"));
	rig_close(&rig);
}

TEST(an_operation_takes_as_few_calls_as_it_says)
{
	static const struct row {
		const char            *name;
		struct store_op        op;
		enum store_durability  durability;
		int64_t                calls;
	} rows[] = {
		{ "create, relaxed", { STORE_PUT, STORE_ABSENT, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("1") } }, STORE_RELAXED, 1 },
		{ "create, durable", { STORE_PUT, STORE_ABSENT, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("2") } }, STORE_DURABLE, 1 },
		{ "replace a version", { STORE_PUT, STORE_VERSION, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("1"), .version = 1 } }, STORE_DURABLE, 1 },
		{ "put over whatever", { STORE_PUT, STORE_ALWAYS, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("1") } }, STORE_DURABLE, 2 },
		{ "a counter's first", { STORE_ADD, STORE_ALWAYS, { .pk = STR_INIT("c"),
		    .sk = STR_INIT("1"), .n = 1 } }, STORE_RELAXED, 3 },
		{ "a counter's next", { STORE_ADD, STORE_ALWAYS, { .pk = STR_INIT("c"),
		    .sk = STR_INIT("1"), .n = 1 } }, STORE_RELAXED, 1 },
		{ "a counter, durable", { STORE_ADD, STORE_ALWAYS, { .pk = STR_INIT("c"),
		    .sk = STR_INIT("1"), .n = 1 } }, STORE_DURABLE, 2 },
		{ "check", { STORE_CHECK, STORE_PRESENT, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("1") } }, STORE_DURABLE, 1 },
		{ "delete", { STORE_DELETE, STORE_ALWAYS, { .pk = STR_INIT("a"),
		    .sk = STR_INIT("1") } }, STORE_RELAXED, 1 },
	};
	struct rig rig;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_result result;
		int64_t before = calls_of(&rig);
		assert_row(store_write(rig.c, &rows[i].op, 1, rows[i].durability, NOW, &result) ==
		    OK, rows[i].name);
		assert_row(calls_of(&rig) - before == rows[i].calls, rows[i].name);
	}
	rig_close(&rig);
}

TEST(a_page_takes_one_call)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	for (char c = 'a'; c < 'k'; c++)
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = { &c, 1 } });
	int64_t before = calls_of(&rig);
	assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .limit = 3,
	    .after = STR("b") }), STR("c d e"));
	assert_int_equal(calls_of(&rig) - before, 1);
	rig_close(&rig);
}

TEST_MAIN(
	RUN(a_table_that_is_not_there_is_refused_with_what_would_do),
	RUN(a_name_that_no_table_can_have_is_refused),
	RUN(keys_that_are_not_good_are_refused_at_the_start),
	RUN(nobody_at_the_endpoint_is_refused_within_the_deadline),
	RUN(a_table_is_made_once), RUN(sqlite_needs_no_table_to_be_made),
	RUN(the_table_is_printed_as_it_is_made),
	RUN(an_item_restored_without_text_leaves_no_words_of_the_one_before),
	RUN(an_operation_takes_as_few_calls_as_it_says), RUN(a_page_takes_one_call)
)
