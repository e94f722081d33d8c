#include "content/change.h"

#include <assert.h>
#include <stdlib.h>

#include "base/id.h"

/*
 * The most that one change takes: the item, two slugs, its row among all, the
 * revision and the one that it pushes out, the old and the new row of the list
 * of published ones and of a category, two counters of it, and for each label
 * the same.  One is left for the reply of an Idempotency-Key.
 */
static_assert(6 + 2 + 2 + 2 + 4 * LABELS_MAX + 1 <= STORE_OPS_MAX, "a change is one transaction");
static_assert(4 + 1 + 1 + 1 + 2 * LABELS_MAX + REVISIONS_MAX + 1 <= STORE_OPS_MAX,
    "so is a deletion");

/* --- reading -------------------------------------------------------------------- */

struct str stored_partition(const struct collection *c, struct str key)
{
	return id_is_uuid(key) ? c->documents : c->slugs;
}

enum err stored_read(struct arena *a, struct str text, struct stored *out)
{
	struct json_error error;

	out->text = text;
	if (!document_head_read(text, &out->head))
		return ERR_CORRUPT;
	enum err e = json_parse(a, text, JSON_DEPTH_MAX, &out->json, &error);
	return e == ERR_INVALID ? ERR_CORRUPT : e;
}

enum err stored_load(struct store_connection *store, struct arena *a,
    const struct collection *c, struct str key, int64_t now_ms, struct stored *out)
{
	struct store_item item;

	if (key.len == 0 || key.len > SLUG_MAX_BYTES)
		return ERR_NOT_FOUND;
	enum err e = store_get(store, a, stored_partition(c, key), key, now_ms, &item);
	return e != OK ? e : stored_read(a, item.body, out);
}

struct document stored_document(const struct collection *c, const struct stored *s)
{
	return (struct document){ .collection = c, .head = s->head, .over = s->json };
}

/* --- operations ------------------------------------------------------------------ */

static struct store_op *add_op(struct change *ch, enum store_verb verb,
    enum store_condition condition, struct store_item item)
{
	if (ch->n_ops == STORE_OPS_MAX)
		abort();                /* the assertions above are wrong */
	ch->ops[ch->n_ops] = (struct store_op){ verb, condition, item };
	return &ch->ops[ch->n_ops++];
}

static void add_delete(struct change *ch, struct str pk, struct str sk)
{
	add_op(ch, STORE_DELETE, STORE_ALWAYS, (struct store_item){ .pk = pk, .sk = sk });
}

static void add_document(struct change *ch, const struct document *d, const struct stored *before)
{
	struct store_item item = { .pk = d->collection->documents, .sk = d->head.id,
		.body = ch->text.full };

	if (before == NULL) {
		add_op(ch, STORE_PUT, STORE_ABSENT, item);
		return;
	}
	item.version = before->head.version;
	add_op(ch, STORE_PUT, STORE_VERSION, item);
}

static void add_slug(struct change *ch, const struct document *d, const struct stored *before)
{
	bool same = before != NULL && str_eq(before->head.slug, d->head.slug);
	struct store_item item = { .pk = d->collection->slugs, .sk = d->head.slug,
		.body = ch->text.full };

	ch->slug_op = ch->n_ops;
	add_op(ch, STORE_PUT, same ? STORE_ALWAYS : STORE_ABSENT, item);
	if (before != NULL && !same)
		add_delete(ch, d->collection->slugs, before->head.slug);
}

static void add_among_all(struct change *ch, const struct document *d)
{
	struct store_item item = { .pk = d->collection->all, .sk = d->head.id,
		.body = ch->text.summary, .text = ch->text.words };

	if (!document_is_published(&d->head)) {
		item.index_pk = d->collection->drafts;
		item.index_sk = d->head.id;
	}
	add_op(ch, STORE_PUT, STORE_ALWAYS, item);
}

static bool has_list(const struct placement *p, struct str pk)
{
	for (size_t i = 0; i < p->n_lists; i++)
		if (str_eq(p->lists[i], pk))
			return true;
	return false;
}

static void add_lists(struct change *ch, const struct collection *c, const struct placement *from,
    const struct placement *to)
{
	bool moved = !str_eq(from->sort_key, to->sort_key);

	for (size_t i = 0; i < to->n_lists; i++) {
		struct store_item item = { .pk = to->lists[i], .sk = to->sort_key,
			.body = ch->text.summary };
		if (str_eq(item.pk, c->published))
			item.text = ch->text.words;
		add_op(ch, STORE_PUT, STORE_ALWAYS, item);
	}
	for (size_t i = 0; i < from->n_lists; i++)
		if (moved || !has_list(to, from->lists[i]))
			add_delete(ch, from->lists[i], from->sort_key);
}

static bool has_name(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_eq(names->list[i], name))
			return true;
	return false;
}

/* Counts by `n` the names that `of` has and `without` has not. */
static void add_counts(struct change *ch, const struct collection *c, const struct names *of,
    const struct names *without, int64_t n)
{
	for (size_t i = 0; i < of->count; i++)
		if (!has_name(without, of->list[i]))
			add_op(ch, STORE_ADD, STORE_ALWAYS,
			    (struct store_item){ .pk = c->facets, .sk = of->list[i], .n = n });
}

static struct str revision_key(struct arena *a, uint64_t version)
{
	char key[REVISION_KEY_SIZE];

	placement_revision_key(version, key);
	return arena_dup(a, str_of(key));
}

static void add_revision(struct change *ch, struct arena *a, const struct collection *c,
    const struct stored *before)
{
	struct str pk = placement_revisions(a, c, before->head.id);
	uint64_t version = before->head.version;

	add_op(ch, STORE_PUT, STORE_ALWAYS, (struct store_item){ .pk = pk,
	    .sk = revision_key(a, version), .body = before->text });
	if (version > REVISIONS_MAX)
		add_delete(ch, pk, revision_key(a, version - REVISIONS_MAX));
}

enum err change_of(struct arena *a, const struct document *after, const struct stored *before,
    struct change *out)
{
	const struct collection *c = after->collection;
	struct placement from = { 0 }, to;

	out->n_ops = 0;
	enum err e = document_compose(a, after, &out->text);
	if (e != OK)
		return e;
	if (before != NULL) {
		struct document was = stored_document(c, before);
		placement_of(a, &was, &from);
	}
	placement_of(a, after, &to);
	add_document(out, after, before);
	add_slug(out, after, before);
	add_among_all(out, after);
	add_lists(out, c, &from, &to);
	add_counts(out, c, &to.counted, &from.counted, 1);
	add_counts(out, c, &from.counted, &to.counted, -1);
	if (before != NULL)
		add_revision(out, a, c, before);
	return OK;
}

void change_deletion(struct arena *a, const struct collection *c, const struct stored *before,
    struct change *out)
{
	const struct document_head *h = &before->head;
	struct document was = stored_document(c, before);
	struct placement from, nowhere = { 0 };

	*out = (struct change){ .n_ops = 0 };
	placement_of(a, &was, &from);
	add_op(out, STORE_DELETE, STORE_VERSION, (struct store_item){ .pk = c->documents,
	    .sk = h->id, .version = h->version });
	add_delete(out, c->slugs, h->slug);
	add_delete(out, c->all, h->id);
	add_delete(out, placement_rendering(a, c, h->id), STR("html"));
	add_lists(out, c, &from, &nowhere);
	add_counts(out, c, &from.counted, &nowhere.counted, -1);
	struct str pk = placement_revisions(a, c, h->id);
	for (uint64_t v = h->version - 1; v > 0 && v + REVISIONS_MAX >= h->version; v--)
		add_delete(out, pk, revision_key(a, v));
}
