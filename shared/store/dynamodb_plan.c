/*
 * dynamodb_plan: what a list of operations comes to, item by item; no I/O.
 *
 * A transaction of DynamoDB takes an item once, and its parts do not see each other.  So
 * the operations on one item become one part, a slot: what they find (`before`), what
 * they leave (`after`), and the condition under which that is true.  Where one operation
 * says by itself what it must find (a put where nothing is, or over a version, a delete,
 * a check), `before` is taken to be that, unread, and DynamoDB's condition decides;
 * else it is read first and the condition says that it is still so: the same version,
 * since a put raises it, or still alive, for a counter.
 */
#include "store/dynamodb.h"

#include <string.h>

/* --- sorting ------------------------------------------------------------------------- */

static size_t find_slot(const struct dynamo_plan *p, const struct store_item *key)
{
	size_t i = 0;

	while (i < p->n_slots && !(str_eq(p->slots[i].key->sk, key->sk) &&
	    str_eq(p->slots[i].key->pk, key->pk)))
		i++;
	return i;
}

/* Whether the operation alone says what it must find. */
static bool says_itself(const struct store_op *op)
{
	switch (op->verb) {
	case STORE_DELETE:
	case STORE_CHECK:
		return true;
	case STORE_PUT:
		return op->condition == STORE_ABSENT || op->condition == STORE_VERSION;
	case STORE_ADD:
		return false;
	}
	return false;
}

/* A counter's item is usually there; when the call answers with its value, that need
 * not be read. */
static bool may_go_unread(const struct dynamo_plan *p, const struct dynamo_slot *slot)
{
	const struct store_op *op = &p->ops[slot->op];

	if (slot->n_ops > 1 || (op->condition == STORE_VERSION && op->item.version == 0))
		return false;           /* 0 stands for a version that is not known */
	if (p->single && op->verb == STORE_ADD)
		return op->condition != STORE_ABSENT;
	if (p->n_ops == 1 && op->verb == STORE_CHECK)
		return false;           /* a read is all it takes */
	return says_itself(op);
}

/* When something is read anyway, so are the items to be deleted: whether they have words
 * beside them is not to be found out by a transaction that fails. */
static void mark_wanted(struct dynamo_plan *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n_slots; i++) {
		p->slots[i].wanted = !may_go_unread(p, &p->slots[i]);
		any = any || p->slots[i].wanted;
	}
	for (size_t i = 0; any && i < p->n_slots; i++)
		if (p->ops[p->slots[i].op].verb == STORE_DELETE)
			p->slots[i].wanted = true;
}

static bool has_text(const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].item.text.len > 0)
			return true;
	return false;
}

void dynamo_plan_begin(struct dynamo_plan *p, struct arena *a, const struct store_op *ops,
    size_t n_ops, enum store_durability durability, int64_t now_ms)
{
	*p = (struct dynamo_plan){ .ops = ops, .n_ops = n_ops, .now_ms = now_ms,
		.single = n_ops == 1 && durability == STORE_RELAXED && !has_text(ops, n_ops),
		.slots = ARENA_ARRAY(a, n_ops, struct dynamo_slot),
		.slot_of = arena_alloc(a, n_ops) };
	for (size_t i = 0; i < n_ops; i++) {
		size_t at = find_slot(p, &ops[i].item);
		if (at == p->n_slots) {
			p->slots[at] = (struct dynamo_slot){ .key = &ops[i].item, .op = i };
			p->n_slots++;
		}
		p->slots[at].n_ops++;
		p->slot_of[i] = (uint8_t)at;
	}
	mark_wanted(p);
}

void dynamo_plan_forget(struct dynamo_plan *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		p->slots[i].wanted = true;
		p->slots[i].known = false;
	}
}

void dynamo_plan_learn(const struct dynamo_plan *p, struct dynamo_slot *slot,
    const struct dynamo_row *row)
{
	slot->wanted = false;
	slot->known = true;
	slot->before = (struct dynamo_state){ .kind = STATE_ABSENT };
	if (row->item.pk.ptr != NULL && dynamo_is_live(row, p->now_ms))
		slot->before = (struct dynamo_state){ .kind = STATE_LIVE,
			.has_text = row->has_text, .version = row->item.version, .n = row->item.n };
}

/* --- playing --------------------------------------------------------------------------- */

/* What the one operation of a slot that was not read must find. */
static struct dynamo_state assume(const struct store_op *op)
{
	struct dynamo_state s = { .kind = STATE_LIVE };

	switch (op->condition) {
	case STORE_ABSENT:
		s.kind = STATE_ABSENT;
		break;
	case STORE_VERSION:
		s.version = op->item.version;
		break;
	case STORE_PRESENT:
		break;
	case STORE_ALWAYS:
		s.kind = op->verb == STORE_ADD ? STATE_LIVE : STATE_ANY;
		break;
	}
	return s;
}

static enum err check(const struct store_op *op, const struct dynamo_state *s)
{
	bool live = s->kind == STATE_LIVE;

	switch (op->condition) {
	case STORE_ALWAYS:
		return OK;
	case STORE_ABSENT:
		return live ? ERR_EXISTS : OK;
	case STORE_PRESENT:
		return live ? OK : ERR_NOT_FOUND;
	case STORE_VERSION:
		if (!live)
			return ERR_NOT_FOUND;
		return s->version == op->item.version ? OK : ERR_STALE;
	}
	return ERR_INVALID;
}

static void play_put(struct dynamo_slot *slot, const struct store_op *op)
{
	struct dynamo_state *s = &slot->after;

	s->version = s->kind == STATE_LIVE ? s->version + 1 : 1;
	s->kind = STATE_LIVE;
	s->n = op->item.n;
	s->has_text = op->item.text.len > 0;
	slot->effect = EFFECT_PUT;
	slot->item = &op->item;
}

static enum err play_add(struct dynamo_slot *slot, const struct store_op *op)
{
	struct dynamo_state *s = &slot->after;
	bool unread = slot->effect == EFFECT_NONE && !slot->known;

	if (s->kind != STATE_LIVE) {
		play_put(slot, op);
		return OK;
	}
	/* What was not read, DynamoDB's condition keeps within bounds. */
	if (!unread && __builtin_add_overflow(s->n, op->item.n, &s->n))
		return ERR_INVALID;
	if (slot->effect == EFFECT_PUT)
		return OK;
	slot->effect = EFFECT_ADD;
	return __builtin_add_overflow(slot->delta, op->item.n, &slot->delta) ? ERR_INVALID : OK;
}

static enum err play_op(struct dynamo_slot *slot, const struct store_op *op)
{
	enum err err = check(op, &slot->after);

	if (err != OK)
		return err;
	slot->conditional = slot->conditional || op->condition != STORE_ALWAYS;
	switch (op->verb) {
	case STORE_PUT:
		play_put(slot, op);
		return OK;
	case STORE_ADD:
		return play_add(slot, op);
	case STORE_DELETE:
		slot->after = (struct dynamo_state){ .kind = STATE_ABSENT };
		slot->effect = EFFECT_DELETE;
		return OK;
	case STORE_CHECK:
		return OK;
	}
	return ERR_INTERNAL;
}

static void begin_slot(const struct dynamo_plan *p, struct dynamo_slot *slot)
{
	if (!slot->known)
		slot->before = assume(&p->ops[slot->op]);
	slot->after = slot->before;
	slot->effect = EFFECT_NONE;
	slot->conditional = false;
	slot->item = NULL;
	slot->delta = 0;
}

enum err dynamo_plan_play(struct dynamo_plan *p)
{
	bool put = false, added = false;

	p->result = (struct store_result){ .failed = p->n_ops };
	for (size_t i = 0; i < p->n_slots; i++)
		begin_slot(p, &p->slots[i]);
	for (size_t i = 0; i < p->n_ops; i++) {
		struct dynamo_slot *slot = &p->slots[p->slot_of[i]];
		enum err err = play_op(slot, &p->ops[i]);
		if (err != OK) {
			p->result = (struct store_result){ .failed = i };
			return err;
		}
		if (p->ops[i].verb == STORE_PUT && !put)
			p->result.version = slot->after.version;
		if (p->ops[i].verb == STORE_ADD && !added)
			p->result.n = slot->after.n;
		put = put || p->ops[i].verb == STORE_PUT;
		added = added || p->ops[i].verb == STORE_ADD;
	}
	return OK;
}

/* --- saying it ------------------------------------------------------------------------------ */

/* A delete where nothing is comes to a check, or to nothing. */
static bool deletes(const struct dynamo_slot *slot)
{
	return slot->effect == EFFECT_DELETE && slot->before.kind != STATE_ABSENT;
}

bool dynamo_slot_matters(const struct dynamo_slot *slot)
{
	return slot->conditional || slot->effect == EFFECT_PUT || slot->effect == EFFECT_ADD ||
	    deletes(slot);
}

const char *dynamo_slot_verb(const struct dynamo_slot *slot)
{
	if (slot->effect == EFFECT_PUT)
		return "Put";
	if (slot->effect == EFFECT_ADD)
		return "Update";
	return deletes(slot) ? "Delete" : "ConditionCheck";
}

/* A put's version and the words beside it follow from `before`; a delete without a
 * condition takes whatever is there. */
struct condition {
	bool absent, live, version, text, no_text, bounds;
};

static struct condition condition_of(const struct dynamo_slot *slot)
{
	const struct dynamo_state *before = &slot->before;
	bool put = slot->effect == EFFECT_PUT;
	bool rests = slot->conditional || put || slot->effect == EFFECT_ADD;
	bool drops_text = deletes(slot) || (put && !slot->after.has_text);
	struct condition c = { .bounds = slot->effect == EFFECT_ADD };

	c.absent = rests && before->kind == STATE_ABSENT;
	c.live = rests && before->kind == STATE_LIVE;
	c.version = c.live && before->version != 0 && (put || slot->conditional);
	if (drops_text && before->kind != STATE_ABSENT) {
		c.text = before->has_text;
		c.no_text = !before->has_text;
	}
	return c;
}

static void put_expression(struct json_writer *w, const struct condition *c)
{
	const struct { bool holds; const char *text; } parts[] = {
		{ c->absent, "(attribute_not_exists(pk) OR x<=:now)" },
		{ c->live && !c->version, "attribute_exists(pk)" },
		{ c->version, "v=:v" },
		{ c->live, "(attribute_not_exists(x) OR x>:now)" },
		{ c->text, "attribute_exists(t)" },
		{ c->no_text, "attribute_not_exists(t)" },
		{ c->bounds, "n BETWEEN :low AND :high" },
	};
	const char *between = "\"";     /* of our own making: nothing to escape */

	json_name(w, "ConditionExpression");
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (!parts[i].holds)
			continue;
		buf_add(w->out, str_of(between));
		buf_add(w->out, str_of(parts[i].text));
		between = " AND ";
	}
	buf_char(w->out, '"');
	w->comma = true;
}

/* The counters to which `delta` can be added. */
static void put_bounds(struct json_writer *w, int64_t delta)
{
	dynamo_put_n(w, ":low", delta < 0 ? INT64_MIN - delta : INT64_MIN);
	dynamo_put_n(w, ":high", delta > 0 ? INT64_MAX - delta : INT64_MAX);
}

static void put_condition(const struct dynamo_plan *p, const struct dynamo_slot *slot,
    struct str token, struct json_writer *w)
{
	struct condition c = condition_of(slot);
	bool any = c.absent || c.live || c.text || c.no_text || c.bounds;
	bool adds = slot->effect == EFFECT_ADD;

	if (any)
		put_expression(w, &c);
	if (!c.absent && !c.live && !adds)
		return;                         /* none of it has a value */
	json_name(w, "ExpressionAttributeValues");
	json_object_open(w);
	if (c.absent || c.live)
		dynamo_put_n(w, ":now", p->now_ms);
	if (c.version)
		dynamo_put_n(w, ":v", (int64_t)slot->before.version);
	if (adds) {
		put_bounds(w, slot->delta);
		dynamo_put_n(w, ":d", slot->delta);
		if (token.ptr != NULL)
			dynamo_put_s(w, ":w", token);
	}
	json_object_close(w);
}

static struct dynamo_row row_of(const struct dynamo_slot *slot, struct str token)
{
	struct dynamo_row row = { .item = *slot->item, .token = token,
		.has_text = slot->after.has_text };

	row.item.n = slot->after.n;
	row.item.version = slot->after.version;
	row.item.text = STR_NONE;
	if (slot->packed_of == slot->item)
		row.packed = slot->packed;
	return row;
}

bool dynamo_may_overwrite(const struct dynamo_plan *p)
{
	const struct dynamo_slot *slot = &p->slots[0];

	return p->n_ops == 1 && p->ops[0].verb == STORE_PUT && slot->known &&
	    (p->ops[0].condition == STORE_ALWAYS || p->ops[0].condition == STORE_PRESENT) &&
	    slot->before.kind == STATE_LIVE && !slot->before.has_text && !slot->after.has_text;
}

void dynamo_slot_overwrite(const struct dynamo_plan *p, const struct dynamo_slot *slot,
    struct str token, struct json_writer *w)
{
	struct dynamo_row row = row_of(slot, token);

	dynamo_put_overwrite(w, &row, p->now_ms);
}

void dynamo_slot_write(const struct dynamo_plan *p, const struct dynamo_slot *slot,
    struct str token, struct json_writer *w)
{
	if (slot->effect == EFFECT_PUT) {
		struct dynamo_row row = row_of(slot, token);
		dynamo_put_item(w, &row);
	} else {
		dynamo_put_key(w, "Key", slot->key->pk, slot->key->sk);
	}
	if (slot->effect == EFFECT_ADD)
		json_member_string(w, "UpdateExpression", token.ptr != NULL ? STR("SET w=:w ADD n :d")
		    : STR("ADD n :d"));
	put_condition(p, slot, token, w);
}
