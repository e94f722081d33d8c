#include "content/listing.h"

enum listing_status listing_status_named(struct str name)
{
	static const struct { struct str name; enum listing_status status; } names[] = {
		{ STR_INIT("draft"), LIST_DRAFTS },
		{ STR_INIT("scheduled"), LIST_SCHEDULED },
		{ STR_INIT("all"), LIST_ALL },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(names[i].name, name))
			return names[i].status;
	return LIST_VISIBLE;
}

/* Published ones: a range of their times in the partition that leaves least. */
static void plan_published(struct arena *a, const struct collection *c,
    const struct listing_filters *f, int64_t now_ms, struct listing *out)
{
	struct str now = placement_after_now(a, now_ms);

	if (f->status == LIST_SCHEDULED)
		out->query.from = now;
	else
		out->query.to = now;
	out->query.pk = c->published;
	if (f->words.ptr != NULL)
		return;
	if (f->label.ptr != NULL) {
		out->query.pk = placement_label(a, c, f->label);
		out->label = STR_NONE;
	} else if (f->group.ptr != NULL) {
		out->query.pk = placement_group(a, c, f->group);
		out->group = STR_NONE;
	}
}

/* Drafts have an index; a search goes over all and looks at their status. */
static void plan_unpublished(const struct collection *c, const struct listing_filters *f,
    struct listing *out)
{
	bool drafts = f->status == LIST_DRAFTS;

	out->query.index = drafts && f->words.ptr == NULL;
	out->query.pk = out->query.index ? c->drafts : c->all;
	if (drafts && !out->query.index)
		out->status = STATUS_DRAFT;
}

void listing_plan(struct arena *a, const struct collection *c, const struct listing_filters *f,
    int64_t now_ms, struct listing *out)
{
	*out = (struct listing){
		.query = { .descending = true, .match = f->words },
		.group = f->group, .label = f->label,
	};
	if (f->status == LIST_VISIBLE || f->status == LIST_SCHEDULED)
		plan_published(a, c, f, now_ms, out);
	else
		plan_unpublished(c, f, out);
}

bool listing_has_checks(const struct listing *l)
{
	return l->group.ptr != NULL || l->label.ptr != NULL || l->status.ptr != NULL;
}

static bool has_label(const struct document *d, struct str label)
{
	struct names labels;

	document_labels(d, &labels);
	for (size_t i = 0; i < labels.count; i++)
		if (str_eq(labels.list[i], label))
			return true;
	return false;
}

bool listing_takes(struct arena *a, const struct collection *c, const struct listing *l,
    struct str summary)
{
	struct document_head head;
	struct json_error error;
	const struct json *json;

	if (!document_head_read(summary, &head))
		return false;
	if (l->status.ptr != NULL && !str_eq(head.status, l->status))
		return false;
	if (l->group.ptr == NULL && l->label.ptr == NULL)
		return true;
	if (json_parse(a, summary, JSON_DEPTH_MAX, &json, &error) != OK)
		return false;
	struct document d = { .collection = c, .head = head, .over = json };
	if (l->group.ptr != NULL && !str_eq(document_string(&d, c->group), l->group))
		return false;
	return l->label.ptr == NULL || has_label(&d, l->label);
}
