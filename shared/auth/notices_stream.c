#include "auth/notices_stream.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS  UINT64_C(1000000)
#define NUMBER     24                   /* bytes of a number as text */
#define ENTRY_WORDS 6                   /* three names, three values */

static const struct str kinds[] = {
	[NOTICE_REVOKED] = STR_INIT("revoked"),
	[NOTICE_CHANGED] = STR_INIT("changed"),
};
static_assert(COUNT(kinds) == NOTICE_KINDS, "a name for each kind");

void notices_stream_init(struct notices_stream *s, const uint8_t secret[SECRET_BYTES])
{
	uint8_t derived[SECRET_BYTES];

	crypto_derive(secret, "notices", derived);
	memcpy(s->key, REDIS_TAG "notices:", sizeof(REDIS_TAG "notices:") - 1);
	crypto_hex(derived, 16, s->key + sizeof(REDIS_TAG "notices:") - 1);
	crypto_wipe(derived, sizeof(derived));
	s->last[0] = '\0';
}

static struct str number(char text[NUMBER], int64_t n)
{
	int len = snprintf(text, NUMBER, "%lld", (long long)n);

	return (struct str){ text, (size_t)len };
}

enum redis_outcome notices_stream_add(const struct notices_stream *s, struct redis *r,
    const struct notice *notice)
{
	char until[NUMBER], kept[NUMBER];
	const struct str words[] = {
		STR("XADD"), str_of(s->key), STR("MAXLEN"), STR("~"), number(kept, NOTICES_KEPT),
		STR("*"), STR("kind"), kinds[notice->kind], STR("id"), notice->id,
		STR("until"), number(until, notice->until_ms),
	};
	const struct redisReply *reply;

	return redis_call(r, words, COUNT(words), redis_deadline_ns(r), &reply);
}

static struct str text_of(const struct redisReply *r)
{
	return r->type == REDIS_REPLY_STRING ? (struct str){ r->str, r->len } : STR_NONE;
}

/* An entry is [id, [name, value, …]]. */
static const struct redisReply *entry_at(const struct redisReply *entries, size_t i)
{
	const struct redisReply *e = entries->element[i];

	return e->type == REDIS_REPLY_ARRAY && e->elements == 2 &&
	    text_of(e->element[0]).len > 0 && text_of(e->element[0]).len < NOTICES_ID_MAX ? e : NULL;
}

static void stay_at(struct notices_stream *s, const struct redisReply *entry)
{
	struct str id = text_of(entry->element[0]);

	memcpy(s->last, id.ptr, id.len);
	s->last[id.len] = '\0';
}

static enum redis_outcome find_end(struct notices_stream *s, struct redis *r)
{
	const struct str words[] = { STR("XREVRANGE"), str_of(s->key), STR("+"), STR("-"),
		STR("COUNT"), STR("1") };
	const struct redisReply *reply;
	enum redis_outcome       outcome = redis_call(r, words, COUNT(words),
	    redis_deadline_ns(r), &reply);

	if (outcome != REDIS_ANSWERED)
		return outcome;
	memcpy(s->last, "0-0", sizeof("0-0"));
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
	    entry_at(reply, 0) != NULL)
		stay_at(s, entry_at(reply, 0));
	return REDIS_ANSWERED;
}

enum redis_outcome notices_stream_resume(struct notices_stream *s, struct redis *r, bool *gap)
{
	const struct str words[] = { STR("XRANGE"), str_of(s->key), str_of(s->last), str_of(s->last) };
	const struct redisReply *reply;
	enum redis_outcome       outcome;

	*gap = true;
	if (s->last[0] == '\0')
		return find_end(s, r);
	outcome = redis_call(r, words, COUNT(words), redis_deadline_ns(r), &reply);
	if (outcome != REDIS_ANSWERED)
		return outcome;
	*gap = reply->type != REDIS_REPLY_ARRAY || reply->elements != 1;
	return *gap ? find_end(s, r) : REDIS_ANSWERED;
}

/* False for what is none that this version knows: another may add kinds. */
static bool read_notice(const struct redisReply *fields, struct notice *out)
{
	bool known = false;

	if (fields->type != REDIS_REPLY_ARRAY || fields->elements < ENTRY_WORDS)
		return false;
	struct str kind = text_of(fields->element[1]);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!str_eq(kind, kinds[i]))
			continue;
		out->kind = (enum notice_kind)i;
		known = true;
	}
	out->id = text_of(fields->element[3]);
	return known && out->id.len > 0 && str_to_i64(text_of(fields->element[5]), &out->until_ms);
}

static void read_entries(struct notices_stream *s, const struct redisReply *entries,
    void (*each)(void *context, const struct notice *notice), void *context)
{
	for (size_t i = 0; entries->type == REDIS_REPLY_ARRAY && i < entries->elements; i++) {
		const struct redisReply *entry = entry_at(entries, i);
		struct notice            notice;

		if (entry == NULL)
			continue;
		if (read_notice(entry->element[1], &notice))
			each(context, &notice);
		stay_at(s, entry);
	}
}

enum redis_outcome notices_stream_wait(struct notices_stream *s, struct redis *r,
    void (*each)(void *context, const struct notice *notice), void *context)
{
	char             count[NUMBER], wait[NUMBER];
	const struct str words[] = {
		STR("XREAD"), STR("COUNT"), number(count, NOTICES_BATCH), STR("BLOCK"),
		number(wait, NOTICES_WAIT_MS), STR("STREAMS"), str_of(s->key), str_of(s->last),
	};
	const struct redisReply *reply;
	enum redis_outcome       outcome = redis_call(r, words, COUNT(words),
	    redis_deadline_ns(r) + NOTICES_WAIT_MS * NS_PER_MS, &reply);

	/* Nil when there was no news; else [[key, entries]]. */
	if (outcome == REDIS_ANSWERED && reply->type == REDIS_REPLY_ARRAY &&
	    reply->elements == 1 && reply->element[0]->type == REDIS_REPLY_ARRAY &&
	    reply->element[0]->elements == 2)
		read_entries(s, reply->element[0]->element[1], each, context);
	return outcome;
}
