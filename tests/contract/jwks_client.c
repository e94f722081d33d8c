/*
 * The client of key sets against a provider on loopback.  Attacks and accidents it
 * holds off: a provider that is down, hangs, drips, sends too much, too many keys,
 * none or something else; a discovery document of another issuer; a redirect or a
 * jwks_uri to where nobody meant to call; a flood of key ids that nobody knows.
 */
#include "auth/jwks_fetch.h"
#include "base/time.h"
#include "http_server.h"
#include "jws_signer.h"
#include "tls_server.h"

#define NS_PER_MS UINT64_C(1000000)

enum mode { HEALTHY, DOWN, HANGING, JUNK, EMPTY, TOO_LARGE, TOO_MANY, ELSEWHERE, HERE };

struct rig {
	struct http_server *server;
	struct metrics     *metrics;
	struct jwks_bounds  bounds;
	struct jwks_client *client;
	struct jwks_issuer *issuer;
	struct str          name;
	struct arena        a;
	EVP_PKEY           *keys[2];
	struct str          jwks[2];    /* as JSON */
	atomic_int          mode, published;    /* 0: the first key, 1: both */
	atomic_int          discoveries, fetches;
	const char         *says_issuer, *says_uri, *headers;
};

static bool hang(struct http_peer *p)
{
	char byte;

	/* Until the client goes. */
	return read(p->fd, &byte, 1) > 0;
}

static bool answer_discovery(struct http_peer *p, struct rig *r)
{
	char text[1024];

	atomic_fetch_add(&r->discoveries, 1);
	snprintf(text, sizeof(text), "{\"issuer\":\"%s\",\"jwks_uri\":\"%s\"}",
	    r->says_issuer != NULL ? r->says_issuer : r->name.ptr, r->says_uri);
	http_peer_reply(p, 200, "", str_of(text));
	return true;
}

static void reply_many(struct http_peer *p, const struct rig *r, size_t count, size_t pad)
{
	size_t room = 400000;
	char  *text = calloc(1, room);
	size_t n = (size_t)snprintf(text, room, "{\"keys\":[");

	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, room - n, "%s{\"kid\":\"k%zu\",%s", i == 0 ? "" : ",",
		    i, strstr(r->jwks[0].ptr, "\"kty\""));
	n += (size_t)snprintf(text + n, room - n, "]}");
	memset(text + n, ' ', pad);
	http_peer_reply(p, 200, "", (struct str){ text, n + pad });
	free(text);
}

static bool answer_keys(struct http_peer *p, struct rig *r)
{
	char text[4096];

	atomic_fetch_add(&r->fetches, 1);
	switch (atomic_load(&r->mode)) {
	case DOWN:
		http_peer_reply(p, 503, "", STR("later"));
		return true;
	case HANGING:
		return hang(p);
	case JUNK:
		http_peer_reply(p, 200, "", STR("<html>"));
		return true;
	case EMPTY:
		http_peer_reply(p, 200, "", STR("{\"keys\":[]}"));
		return true;
	case TOO_LARGE:
		reply_many(p, r, 2, JWKS_DOCUMENT_MAX_BYTES);
		return true;
	case TOO_MANY:
		reply_many(p, r, KEY_SET_MAX + 8, 0);
		return true;
	case ELSEWHERE:
		http_peer_reply(p, 302, "Location: http://localhost:1/keys\r\n", STR(""));
		return true;
	case HERE:
		atomic_store(&r->mode, HEALTHY);
		http_peer_reply(p, 302, "Location: /moved/keys\r\n", STR(""));
		return true;
	default:
		snprintf(text, sizeof(text), "{\"keys\":[%s%s%s]}", r->jwks[0].ptr,
		    atomic_load(&r->published) ? "," : "",
		    atomic_load(&r->published) ? r->jwks[1].ptr : "");
		http_peer_reply(p, 200, r->headers, str_of(text));
		return true;
	}
}

static bool answer(struct http_peer *p)
{
	struct rig *r = p->server->context;

	return strstr(p->request, "/.well-known/openid-configuration ") != NULL ?
	    answer_discovery(p, r) : answer_keys(p, r);
}

/* A provider on loopback and a client that knows of it; nothing was fetched yet.  With
 * `pem`, a file to be written, it speaks https. */
static void rig_open_as(struct rig *r, const char *pem)
{
	*r = (struct rig){ .headers = "", .bounds = {
		.deadline_ms = 600, .grace_ms = 50, .age_min_s = 1, .age_s = 3600,
		.age_max_s = 86400, .outlive_s = 86400, .unknown_ms = 60000,
		.retry_min_ms = 60000, .retry_max_ms = 60000,
	} };
	arena_init(&r->a, 1 << 22);
	for (int i = 0; i < 2; i++) {
		r->keys[i] = signer_key(JWS_ES256);
		r->jwks[i] = signer_jwk(&r->a, r->keys[i], i == 0 ? "\"kid\":\"one\"," :
		    "\"kid\":\"two\",");
	}
	r->server = http_server_start(answer, r,
	    pem == NULL ? NULL : tls_server_context("IP:127.0.0.1", pem));
	r->name = arena_printf(&r->a, "http%s://127.0.0.1:%u/tenant", pem == NULL ? "" : "s",
	    r->server->port);
	r->says_uri = arena_printf(&r->a, "http%s://127.0.0.1:%u/keys", pem == NULL ? "" : "s",
	    r->server->port).ptr;
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	r->client = jwks_client_new(r->metrics, str_of(pem), &r->bounds);
	r->issuer = jwks_client_add(r->client, r->name, STR_NONE);
}

static void rig_open(struct rig *r)
{
	rig_open_as(r, NULL);
}

static void rig_close(struct rig *r)
{
	jwks_client_free(r->client);
	http_server_stop(r->server);
	metrics_close(r->metrics);
	for (int i = 0; i < 2; i++)
		EVP_PKEY_free(r->keys[i]);
	arena_clean(&r->a);
}

static enum err ask_kid(struct jwks_issuer *issuer, const char *kid)
{
	struct jws        t = { .algorithm = JWS_ES256, .kid = str_of(kid),
		.signature = { "", 64 } };
	struct key_choice choice = { 0 };
	enum err          e = jwks_choose(issuer, &t, &choice);

	assert_int_equal(choice.count, e == OK);
	key_choice_clean(&choice);
	return e;
}

static enum err ask(struct rig *r, const char *kid)
{
	return ask_kid(r->issuer, kid);
}

static uint64_t ms_since(uint64_t ns)
{
	return (time_monotonic_ns() - ns) / NS_PER_MS;
}

static bool within(uint32_t ms, atomic_int *count, int at_least)
{
	for (uint64_t began = time_monotonic_ns(); ms_since(began) < ms; usleep(2000))
		if (atomic_load(count) >= at_least)
			return true;
	return false;
}

/* --- finding keys ----------------------------------------------------------------- */

TEST(keys_are_discovered_and_fetched_at_the_first_need_and_once)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	usleep(20000);
	assert_int_equal(atomic_load(&r.server->connections), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(&r, "one"), OK);
	assert_int_equal(atomic_load(&r.discoveries), 1);
	assert_int_equal(atomic_load(&r.fetches), 1);
	rig_close(&r);
}

TEST(a_given_jwks_uri_needs_no_discovery)
{
	struct jwks_issuer *given;
	struct rig          r;

	(void)state;
	rig_open(&r);
	given = jwks_client_add(r.client, STR("https://idp.example"), str_of(r.says_uri));
	assert_int_equal(ask_kid(given, "one"), OK);
	assert_int_equal(atomic_load(&r.discoveries), 0);
	rig_close(&r);
}

TEST(an_issuer_with_a_slash_at_its_end_is_asked_without_it)
{
	struct jwks_issuer *slashed;
	struct rig          r;

	(void)state;
	rig_open(&r);
	r.says_issuer = arena_printf(&r.a, "%s/", r.name.ptr).ptr;
	slashed = jwks_client_add(r.client, str_of(r.says_issuer), STR_NONE);
	assert_int_equal(ask_kid(slashed, "one"), OK);
	rig_close(&r);
}

TEST(a_discovery_document_of_another_issuer_is_refused)
{
	static const char *const others[] = {
		"http://127.0.0.1", "https://evil.example", "", "http://127.0.0.1/tenant/",
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		rig_open(&r);
		r.says_issuer = others[i];
		assert_row(ask(&r, "one") == ERR_UNAVAILABLE, others[i]);
		assert_int_equal(atomic_load(&r.fetches), 0);
		rig_close(&r);
	}
}

TEST(keys_of_plain_http_are_for_issuers_of_loopback)
{
	static const char *const uris[] = {
		"http://keys.example/", "ftp://127.0.0.1/", "file:///etc/passwd", "", "/keys",
		"http://127.0.0.1:1@keys.example/",
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++) {
		rig_open(&r);
		r.says_uri = uris[i];
		assert_row(ask(&r, "one") == ERR_UNAVAILABLE, uris[i]);
		rig_close(&r);
	}
}

TEST(an_issuer_of_https_has_its_keys_there_and_not_on_this_machine)
{
	char       pem[] = "/tmp/quiver-test-XXXXXX";
	struct rig plain, r;

	(void)state;
	close(mkstemp(pem));
	rig_open(&plain);
	for (int https = 0; https <= 1; https++) {
		rig_open_as(&r, pem);
		if (!https)
			r.says_uri = plain.says_uri;
		assert_int_equal(ask(&r, "one"), https ? OK : ERR_UNAVAILABLE);
		rig_close(&r);
	}
	assert_int_equal(atomic_load(&plain.fetches), 0);
	rig_close(&plain);
	unlink(pem);
}

static const struct {
	enum mode   mode;
	const char *row;
} useless[] = {
	{ DOWN, "status 503" }, { JUNK, "no JSON" }, { EMPTY, "no keys" },
	{ TOO_LARGE, "over 256 KB" }, { ELSEWHERE, "a redirect to another host" },
};

TEST(what_is_no_key_set_is_refused_and_not_asked_for_again_at_once)
{
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(useless); i++) {
		rig_open(&r);
		atomic_store(&r.mode, useless[i].mode);
		for (int n = 0; n < 20; n++)
			assert_row(ask(&r, "one") == ERR_UNAVAILABLE, useless[i].row);
		assert_row(atomic_load(&r.fetches) == 1, useless[i].row);
		rig_close(&r);
	}
}

TEST(a_redirect_on_the_same_host_is_followed)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.mode, HERE);
	assert_int_equal(ask(&r, "one"), OK);
	assert_non_null(strstr(r.server->last, "GET /moved/keys "));
	rig_close(&r);
}

TEST(of_too_many_keys_the_first_are_used)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.mode, TOO_MANY);
	assert_int_equal(ask(&r, "k0"), OK);
	assert_int_equal(ask(&r, "k31"), OK);
	assert_int_equal(ask(&r, "k32"), ERR_NOT_FOUND);
	rig_close(&r);
}

/* --- keys that change ------------------------------------------------------------- */

TEST(a_new_key_is_found_by_its_name)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(ask(&r, "one"), OK);
	atomic_store(&r.published, 1);
	assert_int_equal(ask(&r, "two"), OK);
	assert_int_equal(atomic_load(&r.fetches), 2);
	rig_close(&r);
}

TEST(unknown_names_make_one_fetch_a_minute)
{
	struct rig r;
	char       kid[16];

	(void)state;
	rig_open(&r);
	assert_int_equal(ask(&r, "one"), OK);
	for (int i = 0; i < 500; i++) {
		snprintf(kid, sizeof(kid), "x%d", i);
		assert_int_equal(ask(&r, kid), ERR_NOT_FOUND);
	}
	assert_int_equal(atomic_load(&r.fetches), 2);
	rig_close(&r);
}

TEST(a_set_is_fetched_again_before_it_is_stale_without_anyone_asking)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.headers = "Cache-Control: public, max-age=1\r\n";
	assert_int_equal(ask(&r, "one"), OK);
	assert_true(within(3000, &r.fetches, 2));
	rig_close(&r);
}

TEST(old_keys_go_on_while_the_provider_is_down_and_new_ones_are_unavailable)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.headers = "Cache-Control: max-age=1\r\n";
	assert_int_equal(ask(&r, "one"), OK);
	atomic_store(&r.mode, DOWN);
	assert_int_equal(ask(&r, "two"), ERR_UNAVAILABLE);
	usleep(1200000);
	assert_int_equal(ask(&r, "one"), OK);
	assert_int_equal(ask(&r, "two"), ERR_UNAVAILABLE);
	rig_close(&r);
}

TEST(old_keys_do_not_go_on_for_ever)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.bounds.outlive_s = 0;
	r.headers = "Cache-Control: max-age=1\r\n";
	assert_int_equal(ask(&r, "one"), OK);
	atomic_store(&r.mode, DOWN);
	usleep(1200000);
	assert_int_equal(ask(&r, "one"), ERR_UNAVAILABLE);
	rig_close(&r);
}

TEST(a_provider_that_is_back_is_found_again)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.bounds.retry_min_ms = r.bounds.retry_max_ms = 50;
	atomic_store(&r.mode, DOWN);
	assert_int_equal(ask(&r, "one"), ERR_UNAVAILABLE);
	atomic_store(&r.mode, HEALTHY);
	usleep(60000);
	assert_int_equal(ask(&r, "one"), OK);
	rig_close(&r);
}

/* --- a provider that hangs -------------------------------------------------------- */

struct caller {
	struct rig *rig;
	pthread_t   thread;
	uint64_t    ms;
};

static void *call(void *context)
{
	struct caller *c = context;
	uint64_t       began = time_monotonic_ns();

	assert_int_equal(ask(c->rig, "one"), ERR_UNAVAILABLE);
	c->ms = ms_since(began);
	return NULL;
}

TEST(a_provider_that_hangs_holds_one_caller_for_the_deadline_and_the_others_for_a_moment)
{
	struct caller callers[8];
	size_t        patient = 0;
	struct rig    r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.mode, HANGING);
	for (size_t i = 0; i < COUNT(callers); i++) {
		callers[i].rig = &r;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (size_t i = 0; i < COUNT(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		assert_true(callers[i].ms < 1500);
		if (callers[i].ms > 300)
			patient++;
	}
	assert_int_equal(patient, 1);
	assert_int_equal(atomic_load(&r.fetches), 1);
	rig_close(&r);
}

TEST(known_keys_do_not_wait_for_a_provider_that_hangs)
{
	uint64_t   began;
	struct rig r;

	(void)state;
	rig_open(&r);
	r.headers = "Cache-Control: max-age=1\r\n";
	assert_int_equal(ask(&r, "one"), OK);
	atomic_store(&r.mode, HANGING);
	assert_true(within(3000, &r.fetches, 2));       /* the background is stuck now */
	began = time_monotonic_ns();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(&r, "one"), OK);
	assert_true(ms_since(began) < 400);
	rig_close(&r);
}

/* --- how long --------------------------------------------------------------------- */

TEST(an_age_is_what_the_provider_says_within_bounds)
{
	static const struct {
		const char *header;
		uint32_t    age_s;
	} table[] = {
		{ NULL, 3600 }, { "", 3600 }, { "public", 3600 }, { "max-age=600", 600 },
		{ "public, max-age=22719, must-revalidate", 22719 }, { "MAX-AGE = 900", 900 },
		{ "max-age=1", 300 }, { "max-age=0", 300 }, { "max-age=99999999", 86400 },
		{ "max-age=-1", 3600 }, { "max-age=x", 3600 }, { "max-age=\"900\"", 3600 },
		{ "max-age=99999999999999999999", 3600 }, { "no-store", 300 },
		{ "max-age=900, no-cache", 300 }, { "s-maxage=900", 3600 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_row(jwks_age_s(str_of(table[i].header), &jwks_bounds_default) ==
		    table[i].age_s, table[i].header == NULL ? "none" : table[i].header);
}

TEST_MAIN(
	RUN(keys_are_discovered_and_fetched_at_the_first_need_and_once),
	RUN(a_given_jwks_uri_needs_no_discovery),
	RUN(an_issuer_with_a_slash_at_its_end_is_asked_without_it),
	RUN(a_discovery_document_of_another_issuer_is_refused),
	RUN(keys_of_plain_http_are_for_issuers_of_loopback),
	RUN(an_issuer_of_https_has_its_keys_there_and_not_on_this_machine),
	RUN(what_is_no_key_set_is_refused_and_not_asked_for_again_at_once),
	RUN(a_redirect_on_the_same_host_is_followed),
	RUN(of_too_many_keys_the_first_are_used),
	RUN(a_new_key_is_found_by_its_name),
	RUN(unknown_names_make_one_fetch_a_minute),
	RUN(a_set_is_fetched_again_before_it_is_stale_without_anyone_asking),
	RUN(old_keys_go_on_while_the_provider_is_down_and_new_ones_are_unavailable),
	RUN(old_keys_do_not_go_on_for_ever),
	RUN(a_provider_that_is_back_is_found_again),
	RUN(a_provider_that_hangs_holds_one_caller_for_the_deadline_and_the_others_for_a_moment),
	RUN(known_keys_do_not_wait_for_a_provider_that_hangs),
	RUN(an_age_is_what_the_provider_says_within_bounds))
