/*
 * collection: what blog, projects and certifications differ in.
 * One engine serves all three; a row of this table says which field plays which
 * part, and the schema says the rest.
 * Threads: constant tables.
 */
#ifndef CONTENT_COLLECTION_H
#define CONTENT_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"
#include "http/schema.h"

struct collection {
	const char *name;               /* "blog": in paths and in keys */
	const char *noun;               /* "blog post": in problems */
	const struct schema *schema;    /* of an item: bodies and replies */
	const struct schema *filters;   /* the query of its list */
	/* The fields that play a part, by name; NULL: it has none. */
	const char *title;              /* what a slug is made of */
	const char *excerpt, *body;
	const char *group;              /* one name: category, type */
	const char *labels;             /* several: tags, technologies */
	bool        counts_labels;      /* counters are kept of labels; else of groups */
	const char *facet_segment;      /* the path of those counts, no item's slug */
	const char *group_filter, *label_filter;        /* names in a query */
	const char *starts_on, *ends_on;        /* the second date is not before the first */
	bool        timed;              /* has reading_minutes */
	bool        expires;            /* has expired, of ends_on */
	/* Partitions (placement.h). */
	struct str  documents, slugs, all, drafts, published, facets;
};

extern const struct collection collection_blog, collection_projects, collection_certifications;
extern const struct schema schema_post, schema_project, schema_certification;
extern const struct schema schema_post_filters, schema_project_filters,
    schema_certification_filters;

/* All of them, in the order in which they are exported; NULL past the end. */
const struct collection *collection_at(size_t i);
/* NULL: there is none of that name. */
const struct collection *collection_named(struct str name);

#endif
