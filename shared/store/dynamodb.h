/*
 * dynamodb: what the files of the DynamoDB engine share; nothing outside includes it.
 *
 * One table (dynamodb_table.c): `pk` and `sk`, and one index over `index_pk` and
 * `index_sk` with all attributes.  DynamoDB compares strings by their UTF-8 bytes, as
 * store.h does.  The other attributes have short names, since a name is stored and paid
 * for with every item:
 *	body    the JSON text; `raw` instead, in bytes, where it is no UTF-8; `z` instead,
 *	        deflated, where it is large (dynamodb_pack.c), and its length as `l`
 *	n       the counter
 *	v       the version
 *	x       when it expires, in milliseconds; `ttl` the same in seconds, rounded up,
 *	        for DynamoDB's own sweeping, which may come two days late
 *	t       it has words, which lie in an item beside it (dynamodb_text.c)
 *	w       which write it was, where one call must be told from the same call again
 * A connection is a signed connection to DynamoDB (net/aws_client.h), kept alive.  What
 * a call needs lies in an arena of its own, since a caller's callback may call again.
 */
#ifndef STORE_DYNAMODB_H
#define STORE_DYNAMODB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "net/aws_client.h"
#include "store/store.h"
#include "store/words.h"

#define TABLE_NAME_MIN 3                /* DynamoDB's bounds of a table's name */
#define TABLE_NAME_MAX 255
#define INDEX_NAME "index"
#define ITEM_MAX_BYTES (400 << 10)      /* DynamoDB's bound of one item, names included */
#define LIST_MAX_BYTES (4 << 20)        /* and of all items of a transaction */
#define LIST_MAX_ITEMS 100              /* and how many they are */
#define PACK_MIN_BYTES (64 << 10)       /* bodies over it are deflated, which takes 3 ms of 100 KB */
#define BATCH_MAX 100                   /* items of one BatchGetItem */
#define TEXT_MAX_BYTES (2u << 20)       /* text whose words are kept: what it takes to sort them */
#define REPLY_MAX_BYTES (64u << 20)     /* 1 or 16 MB of items, escaped as JSON */
#define PAGE_FIRST 100                  /* rows asked for at first when nobody says how many */
#define TOKEN_SIZE 37                   /* of one write: a UUID and a NUL */

struct dynamo_store {
	char                        *table;
	struct aws_credentials      *credentials;
	struct aws_service          *service;
	_Atomic(struct aws_client *) opened;    /* the connection of the check at the start, for
	                                         * whoever connects first */
};

struct dynamo_connection {
	struct dynamo_store *store;
	struct aws_client   *client;
	uint64_t             until_ns;  /* of the request that it works for; 0: none */
	struct words         words;
};

/* An item as the table has it. */
struct dynamo_row {
	struct store_item item;         /* text: the words of an item that keeps another's */
	bool              has_text;
	struct str        token;        /* of the write that made it; absent */
	struct str        packed;       /* the body deflated, in its place; absent */
	uint64_t          unpacked_bytes;
};

static inline bool dynamo_is_live(const struct dynamo_row *row, int64_t now_ms)
{
	return row->item.expires_ms == 0 || row->item.expires_ms > now_ms;
}

/* --- dynamodb.c: connections, calls, errors --- */

static inline uint64_t dynamo_deadline(const struct dynamo_connection *c)
{
	return store_deadline(c->until_ns);
}
/* A call of our own and its answer; `a` holds both. */
struct dynamo_call {
	struct arena      *arena;
	const char        *operation;
	struct buf         body;        /* written with `json` between begin and send */
	struct json_writer json;
	struct buf         reply_body;
	struct aws_reply   reply;
};
/* Begins {"TableName":…; more members may follow. */
void dynamo_begin(struct dynamo_call *call, struct dynamo_connection *c, struct arena *a,
    const char *operation) NONNULL_ALL;
/* The same, without the table's name. */
void dynamo_begin_bare(struct dynamo_call *call, struct arena *a, const char *operation)
    NONNULL_ALL;
/* Closes the object and calls, once or again.  As aws_client_call. */
NODISCARD enum err dynamo_send(struct dynamo_call *call, struct aws_client *client,
    bool idempotent, uint64_t deadline_ns) NONNULL_ALL;
bool dynamo_says(const struct dynamo_call *call, const char *error) NONNULL_ALL;
/* What a caller of the store is told of a call that failed with `e`, and a log line for
 * what an operator has to know and the client has not said. */
enum err dynamo_fail(const struct dynamo_call *call, enum err e) NONNULL_ALL;
/* What came is not what DynamoDB answers. */
enum err dynamo_garbled(const struct dynamo_call *call) NONNULL_ALL;

/* --- dynamodb_marshal.c: items as DynamoDB's JSON --- */

/* "NAME":{"S":"…"} and the like, inside an object that is open. */
void dynamo_put_s(struct json_writer *w, const char *name, struct str s) NONNULL_ALL;
void dynamo_put_n(struct json_writer *w, const char *name, int64_t n) NONNULL_ALL;
/* "NAME":{"pk":…,"sk":…} */
void dynamo_put_key(struct json_writer *w, const char *name, struct str pk, struct str sk)
    NONNULL_ALL;
/* "Item":{…}, with the version, counter, has_text and token of the row. */
void dynamo_put_item(struct json_writer *w, const struct dynamo_row *row) NONNULL_ALL;
/* An update that makes of a live item without words what the row is, whatever its version
 * is: that becomes one more.  From "Key" to the values; the row has a token. */
void dynamo_put_overwrite(struct json_writer *w, const struct dynamo_row *row, int64_t now_ms)
    NONNULL_ALL;
/* What it counts for against ITEM_MAX_BYTES; some bytes more, never less. */
size_t dynamo_item_size(const struct dynamo_row *row) NONNULL_ALL PURE;

struct dynamo_rows {
	struct dynamo_row *list;
	size_t             n, capacity;
	struct str         last_key;    /* of a query: where the next page begins, JSON; absent */
	/* Of a batch: the keys that were not looked up, as rows with nothing else. */
	struct dynamo_row *left;
	size_t             n_left;
	struct str         unprocessed; /* of a BatchWriteItem: what to send again, JSON; absent */
};
/* What a reply has, into `a` or borrowed from `reply`: one row under "Item" (of GetItem)
 * or "Attributes" (UpdateItem), those under "Items" (Query) or "Responses" (BatchGetItem).
 * ERR_INVALID: it is nothing that DynamoDB answers; ERR_NO_MEMORY. */
NODISCARD enum err dynamo_read_rows(struct arena *a, struct str reply, struct dynamo_rows *out)
    NONNULL_ALL;

/* --- dynamodb_pack.c: large bodies --- */

/* `body` deflated, when it is over PACK_MIN_BYTES and becomes smaller, and no larger than
 * an item may be; else *packed is absent.  ERR_NO_MEMORY. */
NODISCARD enum err dynamo_pack(struct arena *a, struct str body, struct str *packed) NONNULL(1, 3);
/* The body of a row that came packed into its item; `a` holds it.  ERR_CORRUPT,
 * ERR_NO_MEMORY. */
NODISCARD enum err dynamo_unpack(struct arena *a, struct dynamo_row *row) NONNULL_ALL;
/* Calls `each` with the row's item, whole, for as long as it lasts; what it says in *more,
 * which an error leaves as it was. */
NODISCARD enum err dynamo_give(const struct dynamo_row *row,
    bool (*each)(void *context, const struct store_item *item), void *context, bool *more)
    NONNULL(1, 2, 4);

/* --- dynamodb_read.c --- */

enum err dynamo_visit(void *connection, struct str pk, struct str sk, bool recent,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context);
enum err dynamo_query(void *connection, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context);

struct dynamo_key {
	struct str pk, sk;
};
/* One item as it is now, whole.  ERR_NOT_FOUND: there is none. */
NODISCARD enum err dynamo_get(struct dynamo_connection *c, struct arena *a,
    struct dynamo_key key, bool recent, uint64_t deadline_ns, struct dynamo_row *out)
    NONNULL_ALL;
/* Many as they are now (or lately, when `recent`): rows[i] belongs to keys[i], which are
 * distinct; one without a pk is not there.  `state_alone`: without index and body. */
NODISCARD enum err dynamo_batch(struct dynamo_connection *c, struct arena *a,
    const struct dynamo_key *keys, size_t n, bool state_alone, bool recent,
    uint64_t deadline_ns, struct dynamo_row *rows) NONNULL_ALL;

/* A range, page by page: Query as it goes on. */
struct dynamo_pager {
	const struct store_query *q;
	struct str   pk;                /* of the table or the index, as stored */
	struct str   filter;            /* FilterExpression over :w0 to :w31; absent: none */
	struct str  *words;             /* their values */
	size_t       n_words;
	struct str   next;              /* JSON; absent at first */
	uint32_t     page;              /* rows to ask for; 0: as many as 1 MB has */
	bool         done;
};
/* The next page in `a`, which a later page must not share with `next`.  Rows that lie
 * outside the range may be among them: dynamo_in_range. */
NODISCARD enum err dynamo_next_page(struct dynamo_connection *c, struct arena *a,
    struct dynamo_pager *p, uint64_t deadline_ns, struct dynamo_rows *out) NONNULL_ALL;
bool dynamo_in_range(const struct store_query *q, struct str sort_key) NONNULL_ALL PURE;

/* --- dynamodb_write.c, dynamodb_plan.c --- */

enum err dynamo_write(void *connection, const struct store_op *ops, size_t n_ops,
    enum store_durability durability, int64_t now_ms, struct store_result *result);

/* What is, or is taken to be, in the table under a key. */
struct dynamo_state {
	enum { STATE_ANY, STATE_ABSENT, STATE_LIVE } kind;
	bool     has_text;
	uint64_t version;               /* 0: not known */
	int64_t  n;
};

/* All operations of a list on one item, and what they come to. */
struct dynamo_slot {
	const struct store_item *key;
	size_t   op, n_ops;             /* index of the first; how many */
	bool     wanted;                /* its state must be read before it can be planned */
	bool     known;                 /* it was: `before` is no assumption */
	struct dynamo_state before, after;
	enum { EFFECT_NONE, EFFECT_PUT, EFFECT_ADD, EFFECT_DELETE } effect;
	bool     conditional;           /* an operation's condition rests on `before` */
	const struct store_item *item;  /* of a put */
	int64_t  delta;                 /* of an add */
	struct str words;               /* of a put with text */
	const struct store_item *packed_of;     /* whose body `packed` is */
	struct str packed;              /* absent: it goes as it is */
};

struct dynamo_plan {
	const struct store_op *ops;
	size_t                 n_ops;
	int64_t                now_ms;
	bool                   single;  /* one operation, and it may go as one call */
	struct dynamo_slot    *slots;
	size_t                 n_slots;
	uint8_t               *slot_of; /* of each operation */
	struct store_result    result;
};

/* Sorts the operations into slots; which of them must be read first is marked. */
void dynamo_plan_begin(struct dynamo_plan *p, struct arena *a, const struct store_op *ops,
    size_t n_ops, enum store_durability durability, int64_t now_ms) NONNULL_ALL;
/* Everything has to be read (again). */
void dynamo_plan_forget(struct dynamo_plan *p) NONNULL_ALL;
/* A slot's item as it was read. */
void dynamo_plan_learn(const struct dynamo_plan *p, struct dynamo_slot *slot,
    const struct dynamo_row *row) NONNULL_ALL;
/* Plays the list through.  As store_write where a condition fails, with
 * result.failed. */
NODISCARD enum err dynamo_plan_play(struct dynamo_plan *p) NONNULL_ALL;
/* Whether the slot needs anything of DynamoDB at all. */
bool dynamo_slot_matters(const struct dynamo_slot *slot) NONNULL_ALL PURE;
/* The members of its call, from "Key" or "Item" to the values of its condition;
 * `token`, where not absent, is kept in the item. */
void dynamo_slot_write(const struct dynamo_plan *p, const struct dynamo_slot *slot,
    struct str token, struct json_writer *w) NONNULL_ALL;
/* The same of a put by itself that need not know the version: see dynamo_put_overwrite. */
void dynamo_slot_overwrite(const struct dynamo_plan *p, const struct dynamo_slot *slot,
    struct str token, struct json_writer *w) NONNULL_ALL;
/* Whether it is one, over an item of which no more must be known. */
bool dynamo_may_overwrite(const struct dynamo_plan *p) NONNULL_ALL PURE;
/* "Put", "Update", "Delete" or "ConditionCheck". */
const char *dynamo_slot_verb(const struct dynamo_slot *slot) NONNULL_ALL;

/* --- dynamodb_text.c --- */

enum err dynamo_search(struct dynamo_connection *c, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context);
/* " word word ": what an item's text is searched by.  ERR_TOO_LARGE: over TEXT_MAX_BYTES. */
NODISCARD enum err dynamo_words(struct dynamo_connection *c, struct arena *a, struct str text,
    struct str *out) NONNULL_ALL;
/* The item that keeps the words of `item`. */
struct dynamo_row dynamo_words_row(struct arena *a, const struct store_item *item,
    struct str words) NONNULL_ALL;
/* Its partition, of an item's. */
struct str dynamo_words_pk(struct arena *a, struct str pk) NONNULL_ALL;

/* --- dynamodb_whole.c --- */

enum err dynamo_scan(void *connection, struct str after_pk, struct str after_sk, uint32_t limit,
    int64_t now_ms, bool (*each)(void *context, const struct store_item *item), void *context,
    bool *more);
enum err dynamo_restore(void *connection, const struct store_item *items, size_t n,
    size_t *failed);

/* --- dynamodb_table.c --- */

enum err dynamo_create(struct arena *a, struct str address, const struct config *config,
    struct metrics *m, struct str *reason);
enum err dynamo_describe_table(struct str address, struct buf *out);

/* A store without a connection checked: for dynamodb.c and dynamodb_table.c. */
NODISCARD enum err dynamo_store_new(struct arena *a, struct str address,
    const struct config *config, struct metrics *m, struct dynamo_store **out,
    struct str *reason) NONNULL(1, 5, 6);
void dynamo_store_free(struct dynamo_store *s);

#endif
