/*
 * store_dynamodb_rig: a table in the tests' DynamoDB, and faults of it on demand.
 */
#ifndef TESTS_CONTRACT_STORE_DYNAMODB_RIG_H
#define TESTS_CONTRACT_STORE_DYNAMODB_RIG_H

#include <string.h>

#include "base/time.h"
#include "store_rig.h"

#define SLACK_MS 1500                   /* of a machine that is busy with other tests */

/* A rig of DynamoDB alone, with a table. */
static inline void begin(struct rig *rig)
{
	if (dynamodb_child.pid != 0)
		dynamodb_child_control("/_reset", "", NULL, 0);
	rig_open(rig, 1);
	assert_string_equal(rig->engine, "dynamodb");
}

/* The next calls meet it; see dynamodb_server.mjs. */
static inline void fault(const char *json)
{
	dynamodb_child_control("/_fault", json, NULL, 0);
}

static inline enum err write_one(struct rig *rig, enum store_verb verb, enum store_condition condition,
    struct store_item item, enum store_durability durability, struct store_result *result)
{
	const struct store_op op = { verb, condition, item };

	return store_write(rig->c, &op, 1, durability, NOW, result);
}

static inline struct store_item counter(int64_t n)
{
	return (struct store_item){ .pk = STR("c"), .sk = STR("n"), .n = n };
}

#endif
