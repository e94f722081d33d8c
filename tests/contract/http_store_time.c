/*
 * What a request waits for a store that does not answer, through the whole pipeline:
 * SQLite's file is locked by somebody else.  How the store keeps to it is tested in
 * store_allow.c.
 */
#include <sqlite3.h>

#include "base/time.h"
#include "log/log.h"
#include "tests/fixture.h"

#define SLACK_MS 1500                   /* of a machine that is busy with other tests */

/* Goes on whatever the store says, as long as it is asked to. */
static enum err write_twice(const struct request *req, struct response *res)
{
	const struct store_op op = { STORE_ADD, STORE_ALWAYS,
	    { .pk = STR("c"), .sk = STR("n"), .n = 1 } };
	struct store_result result;
	enum err e = OK;

	(void)res;
	for (int i = 0; i < 2; i++)
		e = store_write(req->store, &op, 1, STORE_RELAXED, req->now_ms, &result);
	return e;
}

static const struct route routes[] = {
	{ .method = GET, .path = "/v1/twice", .run = write_twice, .scope = SCOPE_PUBLIC,
	  .summary = "Two waits" },
	{ .method = GET, .path = "/v1/bulk", .run = write_twice, .scope = SCOPE_PUBLIC, .bulk = true,
	  .summary = "Two waits of work that grows" },
};
static const struct handler handler = {
	.name = "waits", .summary = "A handler of the test", .routes = routes,
	.n_routes = COUNT(routes), .needs = NEEDS_STORE,
};

/* How long the reply took, in milliseconds; it must be a 503. */
static uint64_t wait_of(const char *target)
{
	static struct fixture f;
	char path[100];
	sqlite3 *db = NULL;

	fixture_open(&f, &handler, NULL);
	snprintf(path, sizeof(path), "%s/quiver.db", f.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	uint64_t began = time_monotonic_ns();
	struct fixture_reply reply = fixture_send(&f, &(struct fixture_request){ "GET", target });
	uint64_t took_ms = (time_monotonic_ns() - began) / 1000000;
	assert_int_equal(reply.status, 503);
	assert_true(fixture_header(&reply, "Retry-After").len > 0);
	sqlite3_close(db);
	fixture_close(&f);
	return took_ms;
}

TEST(a_request_with_several_operations_waits_no_longer_than_one_would)
{
	(void)state;
	assert_in_range(wait_of("/v1/twice"), REQUEST_STORE_MS - 1, REQUEST_STORE_MS + SLACK_MS);
}

TEST(work_that_grows_with_what_it_is_given_waits_for_each_operation)
{
	(void)state;
	assert_in_range(wait_of("/v1/bulk"), 2 * STORE_DEADLINE_MS - 2,
	    2 * STORE_DEADLINE_MS + SLACK_MS);
}

TEST_MAIN(
	RUN(a_request_with_several_operations_waits_no_longer_than_one_would),
	RUN(work_that_grows_with_what_it_is_given_waits_for_each_operation)
)
