/*
 * dynamodb: the store's engine for many machines; open, close, connect, and one call.
 */
#include "store/dynamodb.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "log/log.h"

#define PING_KEY "quiver ping"          /* of an item that need not be there */

/* --- calls ------------------------------------------------------------------------ */

void dynamo_begin_bare(struct dynamo_call *call, struct arena *a, const char *operation)
{
	*call = (struct dynamo_call){ .arena = a, .operation = operation };
	buf_init(&call->body, a, AWS_REQUEST_MAX_BYTES);
	json_begin(&call->json, &call->body);
	json_object_open(&call->json);
}

void dynamo_begin(struct dynamo_call *call, struct dynamo_connection *c, struct arena *a,
    const char *operation)
{
	dynamo_begin_bare(call, a, operation);
	json_member_string(&call->json, "TableName", str_of(c->store->table));
}

enum err dynamo_send(struct dynamo_call *call, struct aws_client *client, bool idempotent,
    uint64_t deadline_ns)
{
	struct aws_call out = { .operation = call->operation, .deadline_ns = deadline_ns,
		.idempotent = idempotent };

	if (call->json.depth > 0) {
		json_object_close(&call->json);
		json_end(&call->json);
	}
	if (buf_failed(&call->body))
		return ERR_TOO_LARGE;
	out.body = buf_str(&call->body);
	buf_init(&call->reply_body, call->arena, REPLY_MAX_BYTES);
	return aws_client_call(client, &out, &call->reply_body, &call->reply);
}

bool dynamo_says(const struct dynamo_call *call, const char *error)
{
	return str_eq(call->reply.error, str_of(error));
}

/* What DynamoDB refuses although the store let it through: a setting or an error of ours. */
static enum err refused(const struct dynamo_call *call)
{
	if (dynamo_says(call, "ValidationException") &&
	    str_contains(call->reply.message, STR("size has exceeded")))
		return ERR_TOO_LARGE;
	if (dynamo_says(call, "ItemCollectionSizeLimitExceededException"))
		return ERR_TOO_LARGE;
	log_message(LOG_ERROR, "store", "dynamodb: %s is refused: %.*s", call->operation,
	    STR_ARG(call->reply.error));
	return dynamo_says(call, "ResourceNotFoundException") ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

/* Who calls the store is told neither that we may not ask nor that we ask too much:
 * both are no fault of a client's. */
enum err dynamo_fail(const struct dynamo_call *call, enum err e)
{
	switch (e) {
	case OK:
	case ERR_TIMEOUT:
	case ERR_NO_MEMORY:
		return e;
	case ERR_INVALID:
		return refused(call);
	case ERR_TOO_LARGE:
		return call->reply.attempts == 0 ? ERR_TOO_LARGE : ERR_INTERNAL;
	default:
		return ERR_UNAVAILABLE;
	}
}

enum err dynamo_garbled(const struct dynamo_call *call)
{
	log_message(LOG_ERROR, "store", "dynamodb: %s was answered with something else",
	    call->operation);
	return ERR_UNAVAILABLE;
}

/* --- opening ------------------------------------------------------------------------ */

static bool is_table_name(struct str s)
{
	if (s.len < TABLE_NAME_MIN || s.len > TABLE_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '_' || c == '-' || c == '.'))
			return false;
	}
	return true;
}

void dynamo_store_free(struct dynamo_store *s)
{
	struct aws_client *opened = atomic_load(&s->opened);

	if (opened != NULL)
		aws_client_free(opened);
	aws_service_free(s->service);
	if (s->credentials != NULL)
		aws_credentials_free(s->credentials);
	free(s->table);
	free(s);
}

static enum err open_service(struct arena *a, struct dynamo_store *s,
    const struct config *config, struct metrics *m, struct str *reason)
{
	struct aws_service_options options = {
		.metrics = m, .name = "dynamodb", .target = "DynamoDB_20120810",
		.region = config->aws_region, .endpoint = config->dynamodb_endpoint,
		.ca_file = config->net_ca_file,
		.plain_http = config->environment == ENVIRONMENT_DEVELOPMENT,
	};

	s->credentials = aws_credentials_new(config, m);
	options.credentials = s->credentials;
	return aws_service_new(a, &options, &s->service, reason);
}

enum err dynamo_store_new(struct arena *a, struct str address, const struct config *config,
    struct metrics *m, struct dynamo_store **out, struct str *reason)
{
	struct dynamo_store *s;
	enum err err;

	if (!is_table_name(address)) {
		*reason = arena_printf(a, "STORE names no table: DynamoDB takes %d to %d letters,"
		    " digits, '_', '-' and '.'; what would do: dynamodb:quiver", TABLE_NAME_MIN,
		    TABLE_NAME_MAX);
		return ERR_INVALID;
	}
	if (config == NULL || m == NULL) {
		*reason = STR("DynamoDB needs the settings");
		return ERR_INVALID;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NO_MEMORY;
	s->table = strndup(address.ptr, address.len);
	err = s->table == NULL ? ERR_NO_MEMORY : open_service(a, s, config, m, reason);
	if (err != OK) {
		dynamo_store_free(s);
		return err;
	}
	*out = s;
	return OK;
}

static enum err look(struct dynamo_store *s, struct aws_client *client, struct arena *a,
    struct dynamo_call *call, uint64_t deadline_ns)
{
	dynamo_begin_bare(call, a, "GetItem");
	json_member_string(&call->json, "TableName", str_of(s->table));
	dynamo_put_key(&call->json, "Key", STR(PING_KEY), STR(PING_KEY));
	json_member_bool(&call->json, "ConsistentRead", true);
	return dynamo_send(call, client, true, deadline_ns);
}

/* Why the table cannot be used, and what would do. */
static enum err explain(struct arena *a, const struct dynamo_store *s,
    const struct dynamo_call *call, enum err e, struct str *reason)
{
	if (dynamo_says(call, "ResourceNotFoundException")) {
		*reason = arena_printf(a, "DynamoDB has no table \"%s\" here; make it with"
		    " --create-table, or name another in STORE, AWS_REGION or DYNAMODB_ENDPOINT",
		    s->table);
		return ERR_NOT_FOUND;
	}
	if (dynamo_says(call, "ValidationException")) {
		*reason = arena_printf(a, "the table \"%s\" is another program's: its keys are not"
		    " pk and sk; name another in STORE", s->table);
		return ERR_CORRUPT;
	}
	*reason = arena_printf(a, "DynamoDB, table \"%s\": %.*s%s%.*s", s->table,
	    STR_ARG(call->reply.error), call->reply.error.len > 0 ? "; " : "",
	    STR_ARG(call->reply.reason.len > 0 ? call->reply.reason : str_of(err_text(e))));
	return e;
}

static void close_store(void *store)
{
	dynamo_store_free(store);
}

static enum err open_store(struct arena *a, struct str address, const struct config *config,
    struct metrics *m, void **store, struct str *reason)
{
	struct dynamo_store *s = NULL;
	struct aws_client *client;
	struct dynamo_call call;
	enum err err = dynamo_store_new(a, address, config, m, &s, reason);

	if (err != OK)
		return err;
	client = aws_client_new(s->service);
	atomic_store(&s->opened, client);
	err = look(s, client, a, &call, store_deadline(0));
	if (err != OK) {
		err = explain(a, s, &call, err, reason);
		dynamo_store_free(s);
		return err;
	}
	*store = s;
	return OK;
}

/* --- connections ---------------------------------------------------------------------- */

static enum err connect(void *store, void **connection)
{
	struct dynamo_store *s = store;
	struct dynamo_connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NO_MEMORY;
	c->store = s;
	c->client = atomic_exchange(&s->opened, NULL);
	if (c->client == NULL)
		c->client = aws_client_new(s->service);
	words_init(&c->words, NULL);
	*connection = c;
	return OK;
}

static void disconnect(void *connection)
{
	struct dynamo_connection *c = connection;

	aws_client_free(c->client);
	words_clean(&c->words);
	free(c);
}

static void until(void *connection, uint64_t deadline_ns)
{
	struct dynamo_connection *c = connection;

	c->until_ns = deadline_ns;
}

static enum err ping(void *connection)
{
	struct dynamo_connection *c = connection;
	struct dynamo_call call;
	struct arena a;
	enum err err;

	arena_init(&a, ARENA_MAX_BYTES);
	err = look(c->store, c->client, &a, &call, dynamo_deadline(c));
	err = dynamo_fail(&call, err);
	arena_clean(&a);
	return err;
}

/* DynamoDB's own TTL does it. */
static enum err sweep(void *connection, int64_t now_ms, uint32_t most, uint32_t *removed)
{
	(void)connection;
	(void)now_ms;
	(void)most;
	*removed = 0;
	return OK;
}

const struct store_engine store_dynamodb = {
	.name = "dynamodb",
	.example = "dynamodb:TABLE",
	.open = open_store,
	.close = close_store,
	.connect = connect,
	.disconnect = disconnect,
	.visit = dynamo_visit,
	.query = dynamo_query,
	.write = dynamo_write,
	.sweep = sweep,
	.until = until,
	.ping = ping,
	.scan = dynamo_scan,
	.restore = dynamo_restore,
	.version = "dynamodb",
	.shared = true,
	.create = dynamo_create,
	.describe_table = dynamo_describe_table,
};
