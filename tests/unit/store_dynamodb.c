/*
 * What the DynamoDB engine makes of lists and replies, without I/O: plans, conditions,
 * items as JSON, and what is read back.
 */
#include "test.h"

#include "store/dynamodb.h"

#define NOW INT64_C(1700000000000)

/* The parts of a list, each as "Verb {members}", by lines; after `rows` were read into
 * the slots that asked for it. */
static struct str parts_of(struct arena *a, const struct store_op *ops, size_t n,
    const struct dynamo_row *row)
{
	struct dynamo_plan p;
	struct json_writer w;
	struct buf out;

	buf_init(&out, a, 1 << 16);
	dynamo_plan_begin(&p, a, ops, n, STORE_DURABLE, NOW);
	for (size_t i = 0; i < p.n_slots; i++)
		if (p.slots[i].wanted)
			dynamo_plan_learn(&p, &p.slots[i], row);
	assert_int_equal(dynamo_plan_play(&p), OK);
	for (size_t i = 0; i < p.n_slots; i++) {
		if (!dynamo_slot_matters(&p.slots[i]))
			continue;
		buf_printf(&out, "%s ", dynamo_slot_verb(&p.slots[i]));
		json_begin(&w, &out);
		json_object_open(&w);
		dynamo_slot_write(&p, &p.slots[i], STR_NONE, &w);
		json_object_close(&w);
		buf_char(&out, '\n');
	}
	return buf_str(&out);
}

static const struct dynamo_row absent;
static const struct dynamo_row live = { .item = { .pk = STR_INIT("p"), .sk = STR_INIT("s"),
	.n = 5, .version = 3 } };
static const struct dynamo_row with_text = { .item = { .pk = STR_INIT("p"), .sk = STR_INIT("s"),
	.version = 3 }, .has_text = true };
static const struct dynamo_row expired = { .item = { .pk = STR_INIT("p"), .sk = STR_INIT("s"),
	.n = 5, .version = 3, .expires_ms = NOW } };

#define KEY "\"Key\":{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"s\"}}"
#define ITEM(n, v) "\"Item\":{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"s\"},\"v\":{\"N\":\"" v "\"}," \
	"\"n\":{\"N\":\"" n "\"}}"
#define NOW_TEXT "\":now\":{\"N\":\"1700000000000\"}"
#define IF_ABSENT "\"ConditionExpression\":\"(attribute_not_exists(pk) OR x<=:now)\"," \
	"\"ExpressionAttributeValues\":{" NOW_TEXT "}"
#define ALIVE "(attribute_not_exists(x) OR x>:now)"

TEST(an_operation_becomes_a_part_with_its_condition)
{
	static const struct row {
		const char              *name;
		struct store_op          op;
		const struct dynamo_row *row;
		const char              *expected;
	} rows[] = {
		{ "create", { STORE_PUT, STORE_ABSENT, { .pk = STR_INIT("p"), .sk = STR_INIT("s") } },
		    &absent, "Put {" ITEM("0", "1") "," IF_ABSENT "}\n" },
		{ "over an expired one", { STORE_PUT, STORE_ALWAYS, { .pk = STR_INIT("p"),
		    .sk = STR_INIT("s") } }, &expired, "Put {" ITEM("0", "1") "," IF_ABSENT "}\n" },
		{ "over a live one", { STORE_PUT, STORE_ALWAYS, { .pk = STR_INIT("p"),
		    .sk = STR_INIT("s") } }, &live, "Put {" ITEM("0", "4")
		    ",\"ConditionExpression\":\"v=:v AND " ALIVE " AND attribute_not_exists(t)\","
		    "\"ExpressionAttributeValues\":{" NOW_TEXT ",\":v\":{\"N\":\"3\"}}}\n" },
		{ "count", { STORE_ADD, STORE_ALWAYS, { .pk = STR_INIT("p"), .sk = STR_INIT("s"),
		    .n = 2 } }, &live, "Update {" KEY ",\"UpdateExpression\":\"ADD n :d\","
		    "\"ConditionExpression\":\"attribute_exists(pk) AND " ALIVE
		    " AND n BETWEEN :low AND :high\",\"ExpressionAttributeValues\":{" NOW_TEXT ","
		    "\":low\":{\"N\":\"-9223372036854775808\"},"
		    "\":high\":{\"N\":\"9223372036854775805\"},\":d\":{\"N\":\"2\"}}}\n" },
		{ "count where nothing is", { STORE_ADD, STORE_ALWAYS, { .pk = STR_INIT("p"),
		    .sk = STR_INIT("s"), .n = 2 } }, &absent,
		    "Put {" ITEM("2", "1") "," IF_ABSENT "}\n" },
		{ "delete", { STORE_DELETE, STORE_ALWAYS, { .pk = STR_INIT("p"),
		    .sk = STR_INIT("s") } }, NULL,
		    "Delete {" KEY ",\"ConditionExpression\":\"attribute_not_exists(t)\"}\n" },
		{ "put over words", { STORE_PUT, STORE_PRESENT, { .pk = STR_INIT("p"),
		    .sk = STR_INIT("s") } }, &with_text, "Put {" ITEM("0", "4")
		    ",\"ConditionExpression\":\"v=:v AND " ALIVE " AND attribute_exists(t)\","
		    "\"ExpressionAttributeValues\":{" NOW_TEXT ",\":v\":{\"N\":\"3\"}}}\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		arena_init(&a, 1 << 20);
		struct str got = parts_of(&a, &rows[i].op, 1, rows[i].row);
		if (!str_eq(got, str_of(rows[i].expected)))
			fail_msg("%s: %.*s", rows[i].name, STR_ARG(got));
		arena_clean(&a);
	}
}

TEST(operations_on_one_item_become_one_part)
{
	const struct store_item item = { .pk = STR("p"), .sk = STR("s"), .n = 2 };
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(parts_of(&a, (struct store_op[]){ { STORE_PUT, STORE_ABSENT, item },
	    { STORE_ADD, STORE_PRESENT, item }, { STORE_ADD, STORE_ALWAYS, item } }, 3, &absent),
	    STR("Put {" ITEM("6", "1") "," IF_ABSENT "}\n"));
	assert_str(parts_of(&a, (struct store_op[]){ { STORE_PUT, STORE_ABSENT, item },
	    { STORE_DELETE, STORE_PRESENT, item } }, 2, &absent),
	    STR("ConditionCheck {" KEY "," IF_ABSENT "}\n"));
	arena_clean(&a);
}

static struct dynamo_row read_one(struct arena *a, struct str reply)
{
	struct dynamo_rows rows;

	assert_int_equal(dynamo_read_rows(a, reply, &rows), OK);
	assert_int_equal(rows.n, 1);
	return rows.list[0];
}

TEST(an_item_is_read_as_it_was_written)
{
	const struct dynamo_row row = { .item = { .pk = STR("p"), .sk = STR("\"s\"\n\xc3\xa9"),
		.index_pk = STR("i"), .index_sk = STR("j"), .body = STR("{\"a\":\"\\u0000\"}"),
		.n = INT64_MIN, .version = 7, .expires_ms = NOW + 1 }, .has_text = true,
		.token = STR("token") };
	struct json_writer w;
	struct arena a;
	struct buf out;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&out, &a, 1 << 16);
	json_begin(&w, &out);
	json_object_open(&w);
	dynamo_put_item(&w, &row);
	json_object_close(&w);
	assert_true(str_contains(buf_str(&out), STR("\"ttl\":{\"N\":\"1700000001\"}")));
	struct dynamo_row got = read_one(&a, buf_str(&out));
	assert_str(got.item.sk, row.item.sk);
	assert_str(got.item.index_sk, row.item.index_sk);
	assert_str(got.item.body, row.item.body);
	assert_str(got.token, row.token);
	assert_int_equal(got.item.n, INT64_MIN);
	assert_int_equal(got.item.version, 7);
	assert_int_equal(got.item.expires_ms, NOW + 1);
	assert_true(got.has_text);
	arena_clean(&a);
}

TEST(attributes_of_others_are_passed_over)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	struct dynamo_row got = read_one(&a, STR("{\"ConsumedCapacity\":{\"Table\":[1,{}]},"
	    "\"Item\":{\"m\":{\"M\":{\"x\":{\"L\":[{\"BOOL\":true}]}}},\"b\":{\"NULL\":true},"
	    "\"v\":{\"N\":\"2\"},\"body\":{\"B\":\"AA==\"},\"pk\":{\"S\":\"p\"}}}"));
	assert_str(got.item.pk, STR("p"));
	assert_int_equal(got.item.version, 2);
	assert_null(got.item.body.ptr);
	arena_clean(&a);
}

TEST(what_is_no_reply_is_refused)
{
	static const char *const replies[] = {
		"", "[]", "{", "{\"Item\":[]}", "{\"Item\":{\"v\":{\"N\":\"1.5\"}}}", "{\"Items\":{}}",
		"{\"Item\":{\"n\":{\"N\":\"99999999999999999999\"}}}", "{\"Item\":{\"pk\":\"p\"}}",
		"{\"Item\":{\"pk\":{\"S\":\"p\",\"N\":\"1\"}}}", "{\"Item\":{\"pk\":{}}}",
		"{\"Item\":{\"raw\":{\"B\":\"***\"}}}", "{\"a\":1 \"b\":2}",
	};
	struct dynamo_rows rows;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(replies); i++)
		assert_row(dynamo_read_rows(&a, str_of(replies[i]), &rows) == ERR_INVALID,
		    replies[i]);
	arena_clean(&a);
}

TEST(what_is_left_over_is_told_from_what_came)
{
	struct dynamo_rows rows;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(dynamo_read_rows(&a, STR("{\"Responses\":{\"t\":[{\"pk\":{\"S\":\"a\"}}]},"
	    "\"UnprocessedKeys\":{\"t\":{\"ConsistentRead\":true,\"Keys\":[{\"pk\":{\"S\":\"b\"}},"
	    "{\"pk\":{\"S\":\"c\"}}]}}}"), &rows), OK);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.n_left, 2);
	assert_str(rows.left[1].item.pk, STR("c"));
	assert_int_equal(dynamo_read_rows(&a, STR("{\"UnprocessedItems\":{}}"), &rows), OK);
	assert_null(rows.unprocessed.ptr);
	assert_int_equal(dynamo_read_rows(&a, STR("{\"Items\":[],\"LastEvaluatedKey\":"
	    "{\"pk\":{\"S\":\"}\"}} }"), &rows), OK);
	assert_str(rows.last_key, STR("{\"pk\":{\"S\":\"}\"}}"));
	arena_clean(&a);
}

/* What comes from the table is not believed: no length makes room for more than an item. */
TEST(a_packed_body_that_is_damaged_is_corrupt)
{
	struct arena a;
	struct str packed;
	char *text;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	text = arena_alloc(&a, 100000);
	memset(text, 't', 100000);
	assert_int_equal(dynamo_pack(&a, (struct str){ text, 100000 }, &packed), OK);
	assert_true(packed.len > 0 && packed.len < 1000);
	const struct {
		const char *name;
		struct str  packed;
		uint64_t    bytes;
		enum err    expected;
	} rows[] = {
		{ "whole", packed, 100000, OK },
		{ "shorter than said", packed, 100001, ERR_CORRUPT },
		{ "longer than said", packed, 99999, ERR_CORRUPT },
		{ "no length", packed, 0, ERR_CORRUPT },
		{ "a length over an item's", packed, STORE_ITEM_MAX_BYTES + 1, ERR_CORRUPT },
		{ "any length", packed, UINT64_MAX, ERR_CORRUPT },
		{ "cut short", { packed.ptr, packed.len - 1 }, 100000, ERR_CORRUPT },
		{ "no deflate", STR("\xff\xff\xff\xff"), 100000, ERR_CORRUPT },
		{ "nothing", STR(""), 100000, ERR_CORRUPT },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dynamo_row row = { .packed = rows[i].packed, .unpacked_bytes = rows[i].bytes };
		assert_row(dynamo_unpack(&a, &row) == rows[i].expected, rows[i].name);
		assert_row(rows[i].expected != OK || (row.item.body.len == 100000 &&
		    memcmp(row.item.body.ptr, text, 100000) == 0), rows[i].name);
	}
	arena_clean(&a);
}

TEST(what_becomes_no_smaller_is_not_packed)
{
	struct arena a;
	struct str packed;
	char *noise;
	uint64_t random = 88172645463325252;    /* xorshift64, Marsaglia 2003 */

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	noise = arena_alloc(&a, 1 << 20);
	for (size_t i = 0; i < 1 << 20; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		noise[i] = (char)(random >> 32);
	}
	for (size_t len = 64 << 10; len <= 1 << 20; len *= 4) {
		assert_int_equal(dynamo_pack(&a, (struct str){ noise, len }, &packed), OK);
		assert_null(packed.ptr);
	}
	arena_clean(&a);
}

TEST_MAIN(
	RUN(an_operation_becomes_a_part_with_its_condition),
	RUN(operations_on_one_item_become_one_part), RUN(an_item_is_read_as_it_was_written),
	RUN(attributes_of_others_are_passed_over), RUN(what_is_no_reply_is_refused),
	RUN(what_is_left_over_is_told_from_what_came),
	RUN(a_packed_body_that_is_damaged_is_corrupt), RUN(what_becomes_no_smaller_is_not_packed)
)
