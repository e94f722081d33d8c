/*
 * dynamodb_write: a list of operations, in one call that DynamoDB does once or not at all.
 *
 * What must not be lost or done twice goes as TransactWriteItems with a token: made again
 * within ten minutes the same call answers as the first did, so a connection that breaks
 * under it costs another attempt and nothing else.  That takes two write units for each
 * KB of an item where a plain call takes one.  So a single operation that is
 * STORE_RELAXED goes as a plain call, conditional, and leaves the write's token in the
 * item (attribute w): after a broken connection the item tells whether it was this write
 * that came through, unless somebody else has written it in the same moment.  A counter
 * is then not counted again: ERR_TIMEOUT, see store.h.
 * A list whose condition fails is read once more, to say which operation it was; the
 * same when another writer was faster, and then it is tried anew.
 * Who reads a version, and writes if it is still that, may lose to others time and again:
 * of 32 who put one item 15 times each, the first met the deadline of 5 s soon (against
 * the tests' server, on a busy machine).  A put by itself that does not depend on the
 * version therefore stops asking for it when it has lost LOST_MAX times, and lets DynamoDB
 * count it: the 480 puts all arrive, the slowest after 1.1 s, which is the server's queue.  Lists of several operations have the deadline alone: what many write at
 * once is a counter (STORE_ADD), or an item of each one's own.
 */
#include "store/dynamodb.h"

#include <time.h>

#include "base/id.h"
#include "base/time.h"

#define WAIT_FIRST_US 2000              /* before a list that met another is sent again; */
#define WAIT_LAST_US 256000             /* doubles up to here, and a random part is waited */
#define LOST_MAX 3                      /* times that a put over an item loses to others, then it no
                                         * longer depends on the version that it read */

struct writing {
	struct dynamo_connection *c;
	struct arena             *a;
	struct dynamo_plan        plan;
	uint64_t                  deadline_ns;
	char                      token[TOKEN_SIZE];    /* of a plain call, in the item */
	unsigned                  lost;         /* times that others were faster */
};

enum outcome {
	OUTCOME_DONE,
	OUTCOME_CHANGED,                /* a condition does not hold: look what is there */
	OUTCOME_MET,                    /* another's transaction at the same time */
	OUTCOME_FAILED                  /* with an error */
};

/* --- before: what has to be known, and what may not be sent ------------------------------ */

static enum err read_wanted(struct writing *w)
{
	struct dynamo_plan *p = &w->plan;
	struct dynamo_key *keys = ARENA_ARRAY(w->a, p->n_slots, struct dynamo_key);
	struct dynamo_row *rows = ARENA_ARRAY(w->a, p->n_slots, struct dynamo_row);
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i].wanted)
			keys[n++] = (struct dynamo_key){ p->slots[i].key->pk, p->slots[i].key->sk };
	err = dynamo_batch(w->c, w->a, keys, n, true, false, w->deadline_ns, rows);
	if (err != OK)
		return err;
	n = 0;
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i].wanted)
			dynamo_plan_learn(p, &p->slots[i], &rows[n++]);
	return OK;
}

static bool all_known(const struct dynamo_plan *p)
{
	for (size_t i = 0; i < p->n_slots; i++)
		if (!p->slots[i].known)
			return false;
	return true;
}

/* Plays the list.  When it fails on what was read, the rest is read too, since an
 * operation before the one that failed might fail as well. */
static enum err play(struct writing *w)
{
	enum err err = read_wanted(w);

	if (err != OK) {
		w->plan.result.failed = w->plan.n_ops;
		return err;
	}
	err = dynamo_plan_play(&w->plan);
	if (err == OK || all_known(&w->plan))
		return err;
	dynamo_plan_forget(&w->plan);
	err = read_wanted(w);
	if (err != OK) {
		w->plan.result = (struct store_result){ .failed = w->plan.n_ops };
		return err;
	}
	return dynamo_plan_play(&w->plan);
}

static size_t op_of(const struct dynamo_plan *p, const struct store_item *item)
{
	size_t i = 0;

	while (i < p->n_ops && &p->ops[i].item != item)
		i++;
	return i;
}

/* Once an item, however often its list is tried. */
static enum err pack(struct writing *w, struct dynamo_slot *slot)
{
	enum err err = OK;

	if (slot->packed_of != slot->item)
		err = dynamo_pack(w->a, slot->item->body, &slot->packed);
	slot->packed_of = slot->item;
	return err;
}

/* The size of a put, with the words beside it, which it finds; 0: it is over the bound. */
static enum err size_of_put(struct writing *w, struct dynamo_slot *slot, size_t *size)
{
	struct dynamo_row row = { .item = *slot->item }, beside;
	enum err err = pack(w, slot);

	if (err != OK)
		return err;
	row.packed = slot->packed;
	*size = dynamo_item_size(&row) - slot->item->text.len;
	if (*size > ITEM_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (!slot->after.has_text)
		return OK;
	if (slot->words.ptr == NULL) {
		err = dynamo_words(w->c, w->a, slot->item->text, &slot->words);
		if (err != OK)
			return err;
	}
	beside = dynamo_words_row(w->a, slot->item, slot->words);
	*size += dynamo_item_size(&beside);
	return dynamo_item_size(&beside) > ITEM_MAX_BYTES ? ERR_TOO_LARGE : OK;
}

/* Items that the call will have; ERR_TOO_LARGE: they, or one of them, are too many bytes. */
static enum err measure(struct writing *w, size_t *items)
{
	struct dynamo_plan *p = &w->plan;
	size_t size, sum = 0;

	*items = 0;
	for (size_t i = 0; i < p->n_slots; i++) {
		struct dynamo_slot *slot = &p->slots[i];
		bool put = slot->effect == EFFECT_PUT;
		if (!dynamo_slot_matters(slot))
			continue;
		enum err err = put ? size_of_put(w, slot, &size) : OK;
		if (err != OK) {
			p->result = (struct store_result){ .failed = op_of(p, slot->item) };
			return err;
		}
		sum += put ? size : 0;
		*items += slot->after.has_text || slot->before.has_text ? 2 : 1;
	}
	if (sum <= LIST_MAX_BYTES && *items <= LIST_MAX_ITEMS)
		return OK;
	p->result = (struct store_result){ .failed = p->n_ops };
	return ERR_TOO_LARGE;
}

/* --- a plain call ------------------------------------------------------------------------ */

/* A put that lost too often takes the item as it comes. */
static bool overwrites(const struct writing *w)
{
	return w->lost >= LOST_MAX && dynamo_may_overwrite(&w->plan);
}

static const char *operation_of(const struct dynamo_slot *slot, bool over)
{
	if (over)
		return "UpdateItem";
	if (slot->effect == EFFECT_PUT)
		return "PutItem";
	return slot->effect == EFFECT_ADD ? "UpdateItem" : "DeleteItem";
}

/* Whether a call whose outcome is not known came through; OUTCOME_CHANGED: it did not,
 * or another has written since. */
static enum outcome look(struct writing *w, const struct dynamo_slot *slot, enum err *err)
{
	const struct dynamo_key key = { slot->key->pk, slot->key->sk };
	struct dynamo_row row;
	enum err found = dynamo_get(w->c, w->a, key, false, w->deadline_ns, &row);

	if (found != OK && found != ERR_NOT_FOUND) {
		*err = ERR_TIMEOUT;
		return OUTCOME_FAILED;
	}
	if (found == ERR_NOT_FOUND)
		return slot->effect == EFFECT_DELETE ? OUTCOME_DONE : OUTCOME_CHANGED;
	if (!str_eq(row.token, str_of(w->token)))
		return OUTCOME_CHANGED;
	if (slot->effect == EFFECT_ADD)
		w->plan.result.n = row.item.n;
	if (slot->effect == EFFECT_PUT)
		w->plan.result.version = row.item.version;
	return OUTCOME_DONE;
}

/* The same for what must not be tried anew: it may have come through and been written
 * over since. */
static enum outcome settle(struct writing *w, const struct dynamo_slot *slot, enum err *err)
{
	if (look(w, slot, err) == OUTCOME_DONE)
		return OUTCOME_DONE;
	*err = ERR_TIMEOUT;
	return OUTCOME_FAILED;
}

/* The counter or version that an update made. */
static enum outcome take_new(struct writing *w, const struct dynamo_slot *slot,
    const struct dynamo_call *call, enum err *err)
{
	struct dynamo_rows rows;

	*err = dynamo_read_rows(w->a, call->reply.body, &rows);
	if (*err == OK && rows.n == 1) {
		if (slot->effect == EFFECT_ADD)
			w->plan.result.n = rows.list[0].item.n;
		else
			w->plan.result.version = rows.list[0].item.version;
		return OUTCOME_DONE;
	}
	(void)dynamo_garbled(call);
	return settle(w, slot, err);
}

/* A counter's first goes as a put, and is a count all the same: when others have counted
 * on it, theirs is the token in the item. */
static bool counts(const struct writing *w, const struct dynamo_slot *slot)
{
	return w->plan.ops[slot->op].verb == STORE_ADD;
}

static enum outcome send_plain(struct writing *w, const struct dynamo_slot *slot, enum err *err)
{
	bool over = overwrites(w), updates = over || slot->effect == EFFECT_ADD;
	struct dynamo_call call;

	dynamo_begin(&call, w->c, w->a, operation_of(slot, over));
	if (over)
		dynamo_slot_overwrite(&w->plan, slot, str_of(w->token), &call.json);
	else
		dynamo_slot_write(&w->plan, slot, str_of(w->token), &call.json);
	if (updates)
		json_member_string(&call.json, "ReturnValues", STR("UPDATED_NEW"));
	*err = dynamo_send(&call, w->c->client, !updates, w->deadline_ns);
	if (*err == OK)
		return updates ? take_new(w, slot, &call, err) : OUTCOME_DONE;
	if (dynamo_says(&call, "TransactionConflictException") && !call.reply.unclear)
		return OUTCOME_MET;
	if (dynamo_says(&call, "ConditionalCheckFailedException") &&
	    !(call.reply.unclear && (over || counts(w, slot))))
		return call.reply.unclear ? look(w, slot, err) : OUTCOME_CHANGED;
	if (call.reply.unclear)
		return settle(w, slot, err);
	*err = dynamo_fail(&call, *err);
	return OUTCOME_FAILED;
}

/* --- a transaction ------------------------------------------------------------------------ */

static void begin_part(struct dynamo_call *call, const struct writing *w, const char *verb)
{
	json_object_open(&call->json);
	json_name(&call->json, verb);
	json_object_open(&call->json);
	json_member_string(&call->json, "TableName", str_of(w->c->store->table));
}

static void end_part(struct dynamo_call *call)
{
	json_object_close(&call->json);
	json_object_close(&call->json);
}

/* The words beside an item: with it in, with it out. */
static void write_words(struct dynamo_call *call, const struct writing *w,
    const struct dynamo_slot *slot)
{
	struct dynamo_row beside;

	if (slot->effect == EFFECT_PUT && slot->after.has_text) {
		beside = dynamo_words_row(w->a, slot->item, slot->words);
		begin_part(call, w, "Put");
		dynamo_put_item(&call->json, &beside);
		end_part(call);
	} else if (slot->before.has_text &&
	    (slot->effect == EFFECT_PUT || slot->effect == EFFECT_DELETE)) {
		begin_part(call, w, "Delete");
		dynamo_put_key(&call->json, "Key", dynamo_words_pk(w->a, slot->key->pk),
		    slot->key->sk);
		end_part(call);
	}
}

static void write_transaction(struct dynamo_call *call, const struct writing *w)
{
	const struct dynamo_plan *p = &w->plan;
	char token[TOKEN_SIZE];

	dynamo_begin_bare(call, w->a, "TransactWriteItems");
	json_name(&call->json, "TransactItems");
	json_array_open(&call->json);
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct dynamo_slot *slot = &p->slots[i];
		if (!dynamo_slot_matters(slot))
			continue;
		begin_part(call, w, dynamo_slot_verb(slot));
		dynamo_slot_write(p, slot, STR_NONE, &call->json);
		end_part(call);
		write_words(call, w, slot);
	}
	json_array_close(&call->json);
	id_uuid7(p->now_ms, token);
	json_member_string(&call->json, "ClientRequestToken", str_of(token));
}

/* Why DynamoDB gave it up: the reasons, one an item, stand in the reply.  We ask for no
 * items to stand there too, so nothing else can look like one. */
static enum outcome cancelled(const struct dynamo_call *call, enum err *err)
{
	struct str body = call->reply.body;

	if (str_contains(body, STR("ConditionalCheckFailed")))
		return OUTCOME_CHANGED;
	if (str_contains(body, STR("TransactionConflict")) ||
	    str_contains(body, STR("ThrottlingError")) ||
	    str_contains(body, STR("ProvisionedThroughputExceeded")))
		return OUTCOME_MET;
	*err = str_contains(body, STR("size has exceeded")) ||
	    str_contains(body, STR("ItemCollectionSizeLimitExceeded")) ? ERR_TOO_LARGE
	    : dynamo_fail(call, ERR_INVALID);
	return OUTCOME_FAILED;
}

/* A random part of a time that doubles; false: the deadline is nearer. */
static bool wait_turn(const struct writing *w, unsigned round)
{
	uint64_t most_us = round < 8 ? (uint64_t)WAIT_FIRST_US << round : WAIT_LAST_US, us;
	struct timespec pause = { 0 };

	id_random(&us, sizeof(us));
	us %= most_us;
	pause.tv_nsec = (long)us * 1000;
	if (time_monotonic_ns() + us * 1000 >= w->deadline_ns)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* Whether an attempt that comes through late could count beside the one that was made
 * anew: what was put or taken away by the one holds off the other, by its condition. */
static bool may_count_twice(const struct dynamo_plan *p)
{
	bool adds = false;

	for (size_t i = 0; i < p->n_slots; i++) {
		const struct dynamo_slot *slot = &p->slots[i];
		if (slot->effect == EFFECT_PUT || (slot->effect == EFFECT_DELETE &&
		    slot->conditional && slot->before.kind == STATE_LIVE))
			return false;
		adds = adds || slot->effect == EFFECT_ADD;
	}
	return adds;
}

static enum outcome send_transaction(struct writing *w, enum err *err)
{
	struct dynamo_call call;
	bool unclear = false;
	unsigned round = 0;

	write_transaction(&call, w);
	do {
		*err = dynamo_send(&call, w->c->client, true, w->deadline_ns);
		unclear = unclear || call.reply.unclear;
	} while (*err != OK && dynamo_says(&call, "TransactionInProgressException") &&
	    wait_turn(w, ++round));
	if (*err == OK)
		return OUTCOME_DONE;
	/* With its token it would have been answered as done if an attempt before had been,
	 * but that may be on its way still. */
	if (unclear && may_count_twice(&w->plan)) {
		*err = ERR_TIMEOUT;
		return OUTCOME_FAILED;
	}
	if (dynamo_says(&call, "TransactionCanceledException"))
		return cancelled(&call, err);
	if (dynamo_says(&call, "TransactionConflictException"))
		return OUTCOME_MET;
	*err = unclear || dynamo_says(&call, "TransactionInProgressException") ? ERR_TIMEOUT
	    : dynamo_fail(&call, *err);
	return OUTCOME_FAILED;
}

/* --- all of it ------------------------------------------------------------------------------ */

static enum outcome send_plan(struct writing *w, enum err *err)
{
	const struct dynamo_plan *p = &w->plan;
	size_t items;

	*err = measure(w, &items);
	if (*err != OK)
		return OUTCOME_FAILED;
	if (items == 0 || (p->n_ops == 1 && p->ops[0].verb == STORE_CHECK && p->slots[0].known))
		return OUTCOME_DONE;
	if ((p->single || overwrites(w)) && items == 1 && p->slots[0].effect != EFFECT_NONE &&
	    !(p->slots[0].effect == EFFECT_DELETE && p->slots[0].before.kind == STATE_ABSENT))
		return send_plain(w, &p->slots[0], err);
	return send_transaction(w, err);
}

/* Until it is done, or fails for good: others may be faster time and again. */
static enum err write_all(struct writing *w)
{
	enum outcome outcome;
	enum err err;

	for (unsigned round = 0;; round++) {
		err = play(w);
		if (err != OK)
			return err;
		outcome = send_plan(w, &err);
		if (outcome == OUTCOME_DONE)
			return OK;
		if (outcome == OUTCOME_FAILED)
			return err;
		if (outcome == OUTCOME_CHANGED)
			dynamo_plan_forget(&w->plan);
		w->lost++;
		if ((outcome == OUTCOME_MET || round > 0) && !wait_turn(w, round)) {
			w->plan.result = (struct store_result){ .failed = w->plan.n_ops };
			return ERR_UNAVAILABLE;
		}
	}
}

enum err dynamo_write(void *connection, const struct store_op *ops, size_t n_ops,
    enum store_durability durability, int64_t now_ms, struct store_result *result)
{
	struct writing w = { .c = connection, .deadline_ns = dynamo_deadline(connection) };
	struct arena a;
	enum err err;

	arena_init(&a, ARENA_MAX_BYTES);
	w.a = &a;
	id_uuid7(now_ms, w.token);
	dynamo_plan_begin(&w.plan, &a, ops, n_ops, durability, now_ms);
	err = write_all(&w);
	*result = w.plan.result;
	if (err != OK && result->failed >= n_ops)
		*result = (struct store_result){ .failed = n_ops };
	arena_clean(&a);
	return err;
}
