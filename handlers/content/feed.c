/*
 * The newest posts, as Atom (RFC 4287) and JSON Feed 1.1.
 * A finished feed is kept in the store with the digest of what went into it (which
 * posts in which versions), so that readers who ask every minute cost a range and
 * a point read; and with its date, which is later than that of the one before.
 */
#include "content/feed.h"

#include "base/crypto.h"
#include "base/time.h"
#include "content/listing.h"
#include "content/modified.h"
#include "content/rendering.h"
#include "http/app.h"

#define FEED_PARTITION STR("blog#feed")
#define DIGEST_HEX     32       /* of SHA-256: 128 bits name what is in a feed */
#define DATE_DIGITS    10       /* seconds since 1970, until 2286 */

static bool take_summary(void *context, const struct store_item *item)
{
	struct feed *f = context;
	struct feed_entry *entry = &f->entries[f->count];

	entry->summary = arena_dup(f->arena, item->body);
	if (document_head_read(entry->summary, &entry->head))
		f->count++;
	return f->count < FEED_ITEMS_MAX;
}

static enum err find_entries(const struct request *req, struct feed *f)
{
	const struct listing_filters visible = { .status = LIST_VISIBLE };
	struct listing listing;

	listing_plan(req->arena, f->collection, &visible, req->now_ms, &listing);
	return store_query(req->store, &listing.query, req->now_ms, take_summary, f);
}

/* A post changed when it was edited, and when it appeared. */
struct str feed_changed(const struct document_head *h)
{
	return str_compare(h->updated_at, h->published_at) > 0 ? h->updated_at : h->published_at;
}

static void date_feed(struct feed *f)
{
	f->updated = STR("1970-01-01T00:00:00.000Z");
	for (size_t i = 0; i < f->count; i++)
		if (str_compare(feed_changed(&f->entries[i].head), f->updated) > 0)
			f->updated = feed_changed(&f->entries[i].head);
}

static struct str digest_of(const struct feed *f, const struct feed_format *format)
{
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	struct buf parts;

	buf_init(&parts, f->arena, FEED_MAX_BYTES);
	buf_printf(&parts, QUIVER_VERSION " %s\n%.*s\n%.*s\n", format->name, STR_ARG(f->origin), STR_ARG(f->title));
	for (size_t i = 0; i < f->count; i++)
		buf_printf(&parts, "%.*s %llu\n", STR_ARG(f->entries[i].head.id),
		    (unsigned long long)f->entries[i].head.version);
	crypto_sha256(buf_str(&parts), digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_dup(f->arena, str_first(str_of(hex), DIGEST_HEX));
}

/* The row of a format: DIGEST, DATE and the text. */
struct kept_feed {
	struct str pk, sk, text;
	uint64_t   version;             /* 0: there is none */
	int64_t    date_s;              /* whichever feed it is of */
};

/* Whether it is this one; if not, there is still its version and its date. */
static bool find_kept(const struct request *req, struct str digest, struct kept_feed *kept)
{
	struct store_item found;
	uint64_t date_s;

	if (store_get(req->store, req->arena, kept->pk, kept->sk, req->now_ms, &found) != OK)
		return false;
	kept->version = found.version;
	struct str rest = str_from(found.body, digest.len);
	if (!str_to_u64(str_first(rest, DATE_DIGITS), &date_s))
		return false;
	kept->date_s = (int64_t)date_s;
	kept->text = str_from(rest, DATE_DIGITS);
	return str_starts(found.body, digest);
}

/* In the place of the one that was found, so that dates follow each other.  Whether
 * it is kept: if not it is made again the next time. */
static bool keep(const struct request *req, struct str digest, struct kept_feed *kept)
{
	struct store_op op = { .verb = STORE_PUT,
		.condition = kept->version == 0 ? STORE_ABSENT : STORE_VERSION,
		.item = { .pk = kept->pk, .sk = kept->sk, .version = kept->version } };
	struct store_result result;
	struct buf row;

	kept->date_s = modified_after(kept->date_s, time_now_ms() / 1000);
	buf_init(&row, req->arena, STORE_ITEM_MAX_BYTES);
	buf_printf(&row, "%.*s%0*lld", STR_ARG(digest), DATE_DIGITS, (long long)kept->date_s);
	buf_add(&row, kept->text);
	op.item.body = buf_str(&row);
	return !buf_failed(&row) &&
	    store_write(req->store, &op, 1, STORE_RELAXED, req->now_ms, &result) == OK;
}

/* Fields and HTML of each entry.  One that was removed meanwhile is left out. */
static enum err fill_entries(const struct request *req, struct feed *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct feed_entry *entry = &f->entries[i];
		struct stored post;
		enum err e = stored_load(req->store, req->arena, f->collection, entry->head.id,
		    req->now_ms, &post);
		if (e == ERR_NOT_FOUND)
			continue;
		if (e == OK)
			e = rendering_of(req->store, req->arena, f->collection, &post.head,
			    post.text, req->now_ms, &entry->html);
		if (e != OK)
			return e;
		entry->fields = post.json;
		f->entries[kept++] = *entry;
	}
	f->count = kept;
	return OK;
}

static enum err build(const struct request *req, struct feed *f, const struct feed_format *format,
    struct str *text)
{
	struct buf out;

	enum err e = fill_entries(req, f);
	if (e != OK)
		return e;
	buf_init(&out, req->arena, FEED_MAX_BYTES);
	e = format->write(f, &out);
	*text = buf_str(&out);
	return e == OK && buf_failed(&out) ? ERR_NO_MEMORY : e;
}

static enum err serve_feed(const struct request *req, struct response *res,
    const struct feed_format *format)
{
	struct feed *f = ARENA_NEW(req->arena, struct feed);
	struct kept_feed kept = { .pk = FEED_PARTITION, .sk = str_of(format->name) };

	f->arena = req->arena;
	f->collection = &collection_blog;
	f->origin = req->origin;
	f->title = req->app->config.site_title;
	enum err e = find_entries(req, f);
	if (e != OK)
		return e;
	date_feed(f);
	struct str digest = digest_of(f, format);
	/* Another one may be shown in a second without the row to tell. */
	res->modified_ms = req->now_ms + 1000;
	if (!find_kept(req, digest, &kept)) {
		e = build(req, f, format, &kept.text);
		if (e != OK)
			return e;
		if (keep(req, digest, &kept))
			res->modified_ms = kept.date_s * 1000;
	} else {
		res->modified_ms = kept.date_s * 1000;
	}
	response_body(res, kept.text);
	res->etag = arena_printf(req->arena, "\"%.*s\"", STR_ARG(digest));
	return OK;
}

enum err content_atom(const struct request *req, struct response *res)
{
	return serve_feed(req, res, &feed_atom);
}

enum err content_json_feed(const struct request *req, struct response *res)
{
	return serve_feed(req, res, &feed_json);
}
