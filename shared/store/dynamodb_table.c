/*
 * dynamodb_table: the table itself.  What it is stands here once, as the parameters of
 * CreateTable, which have the names that CloudFormation's AWS::DynamoDB::Table has for
 * its properties: --create-table makes it of them, and --print-table prints them as a
 * resource, which templates are made from or checked against.
 */
#include "store/dynamodb.h"

#include <time.h>

#include "base/time.h"

#define CREATE_DEADLINE_NS UINT64_C(180000000000)       /* AWS takes some 10 s with an index */
#define POLL_FIRST_MS 20                /* until a table is asked after for the first time; */
#define POLL_LAST_MS 2000               /* doubles up to here */

static const char definition[] =
    "\"BillingMode\":\"PAY_PER_REQUEST\","
    "\"AttributeDefinitions\":["
    "{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},"
    "{\"AttributeName\":\"sk\",\"AttributeType\":\"S\"},"
    "{\"AttributeName\":\"index_pk\",\"AttributeType\":\"S\"},"
    "{\"AttributeName\":\"index_sk\",\"AttributeType\":\"S\"}],"
    "\"KeySchema\":["
    "{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
    "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],"
    "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"" INDEX_NAME "\","
    "\"KeySchema\":["
    "{\"AttributeName\":\"index_pk\",\"KeyType\":\"HASH\"},"
    "{\"AttributeName\":\"index_sk\",\"KeyType\":\"RANGE\"}],"
    "\"Projection\":{\"ProjectionType\":\"ALL\"}}]";
static const char ttl_definition[] =
    "\"TimeToLiveSpecification\":{\"AttributeName\":\"ttl\",\"Enabled\":true}";

enum err dynamo_describe_table(struct str address, struct buf *out)
{
	BUF_LIT(out, "{\"Type\":\"AWS::DynamoDB::Table\",\"DeletionPolicy\":\"Retain\","
	    "\"UpdateReplacePolicy\":\"Retain\",\"Properties\":{\"TableName\":");
	json_escape(out, address);
	buf_printf(out, ",%s,%s,\"PointInTimeRecoverySpecification\":"
	    "{\"PointInTimeRecoveryEnabled\":true}}}\n", definition, ttl_definition);
	return buf_failed(out) ? ERR_TOO_LARGE : OK;
}

struct creation {
	struct arena        *a;
	struct dynamo_store *s;
	struct aws_client   *client;
	struct dynamo_call   call;
	uint64_t             deadline_ns;
	struct str          *reason;
};

/* A call about the table, with `members` beside its name. */
static enum err ask(struct creation *c, const char *operation, const char *members)
{
	uint64_t soon = store_deadline(0);

	dynamo_begin_bare(&c->call, c->a, operation);
	json_member_string(&c->call.json, "TableName", str_of(c->s->table));
	if (members != NULL) {
		buf_char(&c->call.body, ',');
		buf_add(&c->call.body, str_of(members));
	}
	return dynamo_send(&c->call, c->client, true, soon < c->deadline_ns ? soon : c->deadline_ns);
}

/* People read it, beside their own terminal: what DynamoDB says may stand there. */
static enum err explain(struct creation *c, const char *doing, enum err e)
{
	const struct aws_reply *r = &c->call.reply;

	*c->reason = arena_printf(c->a, "%s: %.*s %.*s", doing,
	    STR_ARG(r->error.len > 0 ? r->error : str_of(err_text(e))),
	    STR_ARG(r->error.len > 0 ? r->message : r->reason));
	return e;
}

static enum err table_status(struct creation *c, struct str *status, struct str *index_status)
{
	struct json_error error;
	const struct json *table;
	enum err err = ask(c, "DescribeTable", NULL);

	if (err != OK)
		return err;
	if (json_parse(c->a, c->call.reply.body, JSON_DEPTH_MAX, &table, &error) != OK)
		return ERR_UNAVAILABLE;
	table = json_get(table, STR("Table"));
	*status = json_get_string(table, "TableStatus");
	*index_status = json_get_string(json_at(json_get(table, STR("GlobalSecondaryIndexes")), 0),
	    "IndexStatus");
	return OK;
}

static bool pause_before(const struct creation *c, unsigned round)
{
	uint64_t ms = round < 8 ? (uint64_t)POLL_FIRST_MS << round : POLL_LAST_MS;
	struct timespec pause;

	ms = ms < POLL_LAST_MS ? ms : POLL_LAST_MS;
	if (time_monotonic_ns() + ms * 1000000 >= c->deadline_ns)
		return false;
	pause = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	nanosleep(&pause, NULL);
	return true;
}

static enum err wait_until_active(struct creation *c)
{
	struct str status = STR_NONE, index_status = STR_NONE;

	for (unsigned round = 0;; round++) {
		enum err err = table_status(c, &status, &index_status);
		/* It may take a moment until it is known everywhere. */
		if (err != OK && !dynamo_says(&c->call, "ResourceNotFoundException"))
			return explain(c, "DescribeTable", err);
		if (err == OK && str_eq(status, STR("ACTIVE")) && str_eq(index_status, STR("ACTIVE")))
			return OK;
		if (pause_before(c, round))
			continue;
		*c->reason = arena_printf(c->a, "the table \"%s\" is still %.*s; run this again"
		    " later", c->s->table, STR_ARG(status));
		return ERR_TIMEOUT;
	}
}

static bool has_ttl(struct creation *c)
{
	struct json_error error;
	const struct json *reply;
	struct str status;

	if (ask(c, "DescribeTimeToLive", NULL) != OK ||
	    json_parse(c->a, c->call.reply.body, JSON_DEPTH_MAX, &reply, &error) != OK)
		return false;
	status = json_get_string(json_get(reply, STR("TimeToLiveDescription")),
	    "TimeToLiveStatus");
	return str_eq(status, STR("ENABLED")) || str_eq(status, STR("ENABLING"));
}

static enum err enable_ttl(struct creation *c)
{
	enum err err;

	if (has_ttl(c))
		return OK;
	err = ask(c, "UpdateTimeToLive", ttl_definition);
	return err == OK ? OK : explain(c, "UpdateTimeToLive", err);
}

static enum err create(struct creation *c)
{
	enum err err = ask(c, "CreateTable", definition);
	bool there = err != OK && dynamo_says(&c->call, "ResourceInUseException") &&
	    !c->call.reply.unclear;

	if (err != OK && !dynamo_says(&c->call, "ResourceInUseException"))
		return explain(c, "CreateTable", err);
	err = wait_until_active(c);
	if (err == OK)
		err = enable_ttl(c);
	if (err != OK)
		return err;
	*c->reason = arena_printf(c->a, there ? "the table \"%s\" is there already"
	    : "made the table \"%s\"", c->s->table);
	return there ? ERR_EXISTS : OK;
}

enum err dynamo_create(struct arena *a, struct str address, const struct config *config,
    struct metrics *m, struct str *reason)
{
	struct creation c = { .a = a, .reason = reason,
		.deadline_ns = time_monotonic_ns() + CREATE_DEADLINE_NS };
	enum err err = dynamo_store_new(a, address, config, m, &c.s, reason);

	if (err != OK)
		return err;
	c.client = aws_client_new(c.s->service);
	err = create(&c);
	aws_client_free(c.client);
	dynamo_store_free(c.s);
	return err;
}
