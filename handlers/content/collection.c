#include "content/collection.h"

#include "content/content_limits.h"

#define URL_MAX_BYTES 2000

/* What every item has in front, in the order in which document.c writes it. */
#define HEAD_FIELDS                                                                             \
	{ .name = "id", .type = FIELD_UUID, .required = true, .read_only = true,                \
	  .help = "UUIDv7" },                                                                   \
	{ .name = "version", .type = FIELD_INT, .required = true, .read_only = true, .min = 1,  \
	  .help = "Goes up by one with every change" },                       \
	{ .name = "status", .type = FIELD_ENUM, .required = true, .read_only = true,            \
	  .choices = statuses,                                                                  \
	  .help = "scheduled: published, and its time has not come" },                          \
	{ .name = "published_at", .type = FIELD_TIME, .required = true, .read_only = true,      \
	  .nullable = true, .help = "null for a draft" },                                       \
	{ .name = "created_at", .type = FIELD_TIME, .required = true, .read_only = true },      \
	{ .name = "updated_at", .type = FIELD_TIME, .required = true, .read_only = true },      \
	{ .name = "slug", .type = FIELD_SLUG, .max = SLUG_MAX_BYTES,                            \
	  .help = "Unique in its collection; made of the title when left out" }

#define BODY_FIELDS                                                                             \
	{ .name = "body", .type = FIELD_TEXT, .max = DOCUMENT_BODY_MAX_BYTES,                   \
	  .help = "CommonMark; lists leave it out" },                                           \
	{ .name = "body_html", .type = FIELD_TEXT, .read_only = true,                           \
	  .help = "Rendered and sanitised; with ?format=html only" }

#define NAME_FIELD(NAME, HELP)                                                                  \
	{ .name = NAME, .type = FIELD_STRING, .required = true, .min = 1, .max = 200,           \
	  .help = HELP }
#define LABEL_FIELD(NAME, HELP)                                                                 \
	{ .name = NAME, .type = FIELD_STRING, .list = true, .min = 1,                           \
	  .max = LABEL_MAX_CODE_POINTS, .max_items = LABELS_MAX, .help = HELP }
#define GROUP_FIELD(NAME, HELP)                                                                 \
	{ .name = NAME, .type = FIELD_STRING, .nullable = true, .min = 1,                       \
	  .max = LABEL_MAX_CODE_POINTS, .help = HELP }
#define LINE_FIELD(NAME, HELP)                                                                  \
	{ .name = NAME, .type = FIELD_STRING, .nullable = true, .min = 1, .max = 200,           \
	  .help = HELP }
#define TEXT_FIELD(NAME, HELP)                                                                  \
	{ .name = NAME, .type = FIELD_TEXT, .nullable = true, .max = 4000, .help = HELP }
#define URL_FIELD(NAME, HELP)                                                                   \
	{ .name = NAME, .type = FIELD_URL, .nullable = true, .max = URL_MAX_BYTES, .help = HELP }
#define DATE_FIELD(NAME, HELP)                                                                  \
	{ .name = NAME, .type = FIELD_DATE, .nullable = true, .help = HELP }

static const char *const statuses[] = { "draft", "published", "scheduled", NULL };
static const char *const status_filters[] = { "draft", "published", "scheduled", "all", NULL };

#define SEARCH_FILTERS                                                                          \
	{ .name = "q", .type = FIELD_STRING, .min = 1, .max = 200,                              \
	  .help = "Full text: every word must occur" },                                         \
	{ .name = "status", .type = FIELD_ENUM, .choices = status_filters,                      \
	  .help = "Needs content:write; without it the list has what readers see" }
#define NAME_FILTER(NAME, HELP)                                                                 \
	{ .name = NAME, .type = FIELD_STRING, .min = 1, .max = LABEL_MAX_CODE_POINTS,           \
	  .help = HELP }

static const struct field post_fields[] = {
	HEAD_FIELDS,
	NAME_FIELD("title", NULL),
	TEXT_FIELD("excerpt", NULL),
	GROUP_FIELD("category", NULL),
	LABEL_FIELD("tags", "One that is named twice counts once"),
	URL_FIELD("cover_url", NULL),
	LINE_FIELD("author", NULL),
	{ .name = "reading_minutes", .type = FIELD_INT, .read_only = true, .min = 1 },
	BODY_FIELDS,
	{ 0 }
};

static const struct field project_fields[] = {
	HEAD_FIELDS,
	NAME_FIELD("name", NULL),
	TEXT_FIELD("summary", NULL),
	LABEL_FIELD("technologies", "One that is named twice counts once"),
	URL_FIELD("repository_url", NULL),
	URL_FIELD("demo_url", NULL),
	URL_FIELD("image_url", NULL),
	{ .name = "featured", .type = FIELD_BOOL, .otherwise = "false" },
	DATE_FIELD("started_on", NULL),
	DATE_FIELD("ended_on", "Not before started_on"),
	BODY_FIELDS,
	{ 0 }
};

static const struct field certification_fields[] = {
	HEAD_FIELDS,
	NAME_FIELD("name", NULL),
	LINE_FIELD("issuer", NULL),
	GROUP_FIELD("type", "What kind of certification it is"),
	LINE_FIELD("credential_id", NULL),
	URL_FIELD("credential_url", NULL),
	URL_FIELD("badge_url", NULL),
	DATE_FIELD("issued_on", NULL),
	DATE_FIELD("expires_on", "The last day on which it is valid; not before issued_on"),
	{ .name = "expired", .type = FIELD_BOOL, .read_only = true, .help = "As of now, in UTC" },
	{ 0 }
};

static const struct field post_filters[] = {
	NAME_FILTER("category", NULL), NAME_FILTER("tag", NULL), SEARCH_FILTERS, { 0 }
};
static const struct field project_filters[] = {
	NAME_FILTER("tag", "A technology"), SEARCH_FILTERS, { 0 }
};
static const struct field certification_filters[] = {
	NAME_FILTER("type", NULL), SEARCH_FILTERS, { 0 }
};

const struct schema schema_post = { .name = "BlogPost", .fields = post_fields };
const struct schema schema_project = { .name = "Project", .fields = project_fields };
const struct schema schema_certification = {
	.name = "Certification", .fields = certification_fields
};
const struct schema schema_post_filters = { .name = "BlogFilters", .fields = post_filters };
const struct schema schema_project_filters = {
	.name = "ProjectFilters", .fields = project_filters
};
const struct schema schema_certification_filters = {
	.name = "CertificationFilters", .fields = certification_filters
};

#define PARTITIONS(NAME)                                                                        \
	.documents = STR_INIT(NAME), .slugs = STR_INIT(NAME "#slug"),                           \
	.all = STR_INIT(NAME "#all"), .drafts = STR_INIT(NAME "#draft"),                        \
	.published = STR_INIT(NAME "#published"), .facets = STR_INIT(NAME "#facets")

const struct collection collection_blog = {
	.name = "blog", .noun = "blog post",
	.schema = &schema_post, .filters = &schema_post_filters,
	.title = "title", .excerpt = "excerpt", .body = "body",
	.group = "category", .group_filter = "category",
	.labels = "tags", .label_filter = "tag",
	.facet_segment = "categories",
	.timed = true,
	PARTITIONS("blog"),
};

const struct collection collection_projects = {
	.name = "projects", .noun = "project",
	.schema = &schema_project, .filters = &schema_project_filters,
	.title = "name", .excerpt = "summary", .body = "body",
	.labels = "technologies", .label_filter = "tag",
	.counts_labels = true, .facet_segment = "technologies",
	.starts_on = "started_on", .ends_on = "ended_on",
	PARTITIONS("projects"),
};

const struct collection collection_certifications = {
	.name = "certifications", .noun = "certification",
	.schema = &schema_certification, .filters = &schema_certification_filters,
	.title = "name",
	.group = "type", .group_filter = "type",
	.facet_segment = "types",
	.starts_on = "issued_on", .ends_on = "expires_on",
	.expires = true,
	PARTITIONS("certifications"),
};

static const struct collection *const collections[] = {
	&collection_blog, &collection_projects, &collection_certifications,
};

const struct collection *collection_at(size_t i)
{
	return i < COUNT(collections) ? collections[i] : NULL;
}

const struct collection *collection_named(struct str name)
{
	for (size_t i = 0; i < COUNT(collections); i++)
		if (str_eq(str_of(collections[i]->name), name))
			return collections[i];
	return NULL;
}
