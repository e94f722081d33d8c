#include "auth/jwks_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "log/log.h"

#define DOCUMENT_DEPTH_MAX 8            /* sets are three deep; discovery nests a little */
#define NS_PER_MS          UINT64_C(1000000)
#define NS_PER_S           UINT64_C(1000000000)

/* One fetch. */
struct fetch {
	struct http_client       *net;
	struct arena             *arena;
	struct jwks_place        *place;
	const struct jwks_bounds *bounds;
	uint64_t                  deadline_ns;
	struct str               *reason;
};

static enum err fail(const struct fetch *f, enum err e, const char *why)
{
	*f->reason = str_of(why);
	return e;
}

static uint32_t within(uint64_t age_s, const struct jwks_bounds *b)
{
	if (age_s < b->age_min_s)
		return b->age_min_s;
	return age_s > b->age_max_s ? b->age_max_s : (uint32_t)age_s;
}

uint32_t jwks_age_s(struct str cache_control, const struct jwks_bounds *bounds)
{
	uint64_t age_s = bounds->age_s, n;

	while (cache_control.ptr != NULL) {
		struct str value = str_trim(str_cut(&cache_control, ','));
		struct str name = str_trim(str_cut(&value, '='));

		if (str_eq_nocase(name, STR("no-store")) || str_eq_nocase(name, STR("no-cache")))
			return bounds->age_min_s;
		if (str_eq_nocase(name, STR("max-age")) && str_to_u64(str_trim(value), &n))
			age_s = n;
	}
	return within(age_s, bounds);
}

/* A JSON document with status 200. */
static enum err get(const struct fetch *f, struct str url, enum outgoing_purpose purpose,
    const struct json **out, uint32_t *age_s)
{
	uint64_t          now_ns = time_monotonic_ns();
	struct json_error error;
	struct http_reply reply;
	enum err          e;

	if (now_ns >= f->deadline_ns)
		return fail(f, ERR_TIMEOUT, "the deadline passed");
	const struct http_header accept = { STR("Accept"), STR("application/json") };
	const struct http_call   call = {
		.url = url, .headers = &accept, .n_headers = 1, .purpose = purpose,
		.deadline_ms = (uint32_t)((f->deadline_ns - now_ns) / NS_PER_MS) + 1,
		.response_max_bytes = JWKS_DOCUMENT_MAX_BYTES, .redirects_same_host = true,
	};
	e = http_client_call(f->net, f->arena, &call, &reply, f->reason);
	if (e != OK)
		return e;
	if (reply.status != 200) {
		*f->reason = arena_printf(f->arena, "%s: status %u", outgoing_name(purpose),
		    reply.status);
		return ERR_UNAVAILABLE;
	}
	if (json_parse(f->arena, reply.body, DOCUMENT_DEPTH_MAX, out, &error) != OK)
		return fail(f, ERR_INVALID, purpose == OUTGOING_JWKS ?
		    "the key set is not JSON" : "the discovery document is not JSON");
	*age_s = jwks_age_s(http_reply_header(&reply, "Cache-Control"), f->bounds);
	return OK;
}

/* Plain http where the issuer is plain http itself, which only loopback may be. */
static bool is_allowed(struct str uri, struct str issuer)
{
	return str_starts(uri, STR("https://")) ||
	    (str_starts(uri, STR("http://")) && str_starts(issuer, STR("http://")));
}

static enum err discover(const struct fetch *f)
{
	struct jwks_place *place = f->place;
	struct str         base = place->issuer, uri;
	const struct json *document;
	uint32_t           age_s;
	enum err           e;

	if (str_ends(base, STR("/")))
		base.len--;
	e = get(f, arena_printf(f->arena, "%.*s/.well-known/openid-configuration", STR_ARG(base)),
	    OUTGOING_DISCOVERY, &document, &age_s);
	if (e != OK)
		return e;
	if (!str_eq(json_get_string(document, "issuer"), place->issuer))
		return fail(f, ERR_INVALID, "the discovery document is of another issuer");
	uri = json_get_string(document, "jwks_uri");
	if (!is_allowed(uri, place->issuer) || str_has_control(uri))
		return fail(f, ERR_INVALID, "jwks_uri is no https URL");
	free(place->discovered);
	place->discovered = strndup(uri.ptr, uri.len);
	if (place->discovered == NULL)
		abort();
	place->discovered_until_ns = time_monotonic_ns() + age_s * NS_PER_S;
	return OK;
}

/* Where the keys are: as configured, as discovered, or asked anew when that is old; the
 * old answer serves while there is no new one. */
static enum err find_place(const struct fetch *f, struct str *uri)
{
	struct jwks_place *place = f->place;
	enum err           e = OK;

	if (place->jwks_uri.len > 0) {
		*uri = place->jwks_uri;
		return OK;
	}
	if (place->discovered == NULL || time_monotonic_ns() >= place->discovered_until_ns)
		e = discover(f);
	if (e != OK && (place->discovered == NULL || e == ERR_INVALID))
		return e;
	*uri = str_of(place->discovered);
	return OK;
}

struct leaving_out {
	size_t      count;
	const char *why;                /* of the first */
};

static void count_left_out(void *context, size_t index, struct str kid, const char *why)
{
	struct leaving_out *l = context;

	(void)index;
	(void)kid;
	if (l->count++ == 0)
		l->why = why;
}

/* Once for a set, not each time it comes. */
static void tell_left_out(struct jwks_place *place, size_t used, const struct leaving_out *l)
{
	if (l->count > 0 && (used != place->told_used || l->count != place->told_left_out))
		log_message(LOG_WARN, "jwks.left_out", "%.*s: %zu keys are used, %zu are not; the "
		    "first: %s", STR_ARG(place->issuer), used, l->count, l->why);
	place->told_used = used;
	place->told_left_out = l->count;
}

static enum err read_keys(const struct fetch *f, const struct json *document,
    struct key_set *out)
{
	struct leaving_out l = { 0 };
	const char        *why = "";

	if (key_set_parse(f->arena, document, out, count_left_out, &l, &why) != OK)
		return fail(f, ERR_INVALID, why);
	tell_left_out(f->place, out->count, &l);
	if (out->count == 0)
		return fail(f, ERR_INVALID, "there is no usable key");
	return OK;
}

enum err jwks_fetch(struct http_client *net, struct arena *a, struct jwks_place *place,
    const struct jwks_bounds *bounds, struct key_set *out, uint32_t *age_s, struct str *reason)
{
	const struct fetch f = {
		net, a, place, bounds,
		time_monotonic_ns() + bounds->deadline_ms * NS_PER_MS, reason,
	};
	const struct json *document;
	struct str         uri;
	enum err           e;

	out->count = 0;
	e = find_place(&f, &uri);
	if (e != OK)
		return e;
	e = get(&f, uri, OUTGOING_JWKS, &document, age_s);
	if (e == OK)
		e = read_keys(&f, document, out);
	if (e != OK)
		place->discovered_until_ns = 0; /* they may have moved */
	return e;
}
