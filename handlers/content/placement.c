#include "content/placement.h"

#include <stdio.h>

#include "base/time.h"

struct str placement_group(struct arena *a, const struct collection *c, struct str name)
{
	return arena_printf(a, "%s#%s#%.*s", c->name, c->group_filter, STR_ARG(name));
}

struct str placement_label(struct arena *a, const struct collection *c, struct str name)
{
	return arena_printf(a, "%s#%s#%.*s", c->name, c->label_filter, STR_ARG(name));
}

struct str placement_revisions(struct arena *a, const struct collection *c, struct str id)
{
	return arena_printf(a, "%s#%.*s#rev", c->name, STR_ARG(id));
}

struct str placement_rendering(struct arena *a, const struct collection *c, struct str id)
{
	return arena_printf(a, "%s#%.*s#html", c->name, STR_ARG(id));
}

void placement_revision_key(uint64_t version, char out[REVISION_KEY_SIZE])
{
	snprintf(out, REVISION_KEY_SIZE, "%010llu", (unsigned long long)version % 10000000000ull);
}

struct str placement_after_now(struct arena *a, int64_t now_ms)
{
	char text[TIME_RFC3339_SIZE];

	/* A key of now's own millisecond has "#ID" behind it and is greater than now. */
	time_to_rfc3339(now_ms + 1, text);
	return arena_dup(a, str_of(text));
}

void placement_of(struct arena *a, const struct document *d, struct placement *out)
{
	const struct collection *c = d->collection;
	const struct document_head *h = &d->head;
	struct str group = document_string(d, c->group);
	struct names labels;

	*out = (struct placement){ 0 };
	if (!document_is_published(h))
		return;
	document_labels(d, &labels);
	out->sort_key = arena_printf(a, "%.*s#%.*s", STR_ARG(h->published_at), STR_ARG(h->id));
	out->lists[out->n_lists++] = c->published;
	if (group.ptr != NULL)
		out->lists[out->n_lists++] = placement_group(a, c, group);
	for (size_t i = 0; i < labels.count; i++)
		out->lists[out->n_lists++] = placement_label(a, c, labels.list[i]);
	if (c->counts_labels)
		out->counted = labels;
	else if (group.ptr != NULL)
		out->counted = (struct names){ .list = { group }, .count = 1 };
}
