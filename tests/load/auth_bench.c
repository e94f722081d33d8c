/*
 * What sign-in costs, in microseconds: a token that is remembered, one that is
 * verified, junk that is turned away, a refresh, a sign-in.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/identity.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"

#define EMAIL    "owner@example.com"
#define PASSWORD "a password of the owner's"

struct rig {
	char            dir[64];
	struct arena    a;
	struct config   config;
	struct metrics *metrics;
	struct store   *store;
	struct store_connection *c;
	struct auth    *auth;
	int64_t         now_ms;
};

static void must(bool worked, const char *what)
{
	if (worked)
		return;
	fprintf(stderr, "auth_bench: %s\n", what);
	exit(1);
}

static const char *setting(void *context, const char *name)
{
	const struct rig *r = context;

	if (strcmp(name, "STATE_DIR") == 0)
		return r->dir;
	if (strcmp(name, "OWNER_EMAIL") == 0)
		return EMAIL;
	if (strcmp(name, "OWNER_PASSWORD") == 0)
		return PASSWORD;
	return strcmp(name, "LOG_LEVEL") == 0 ? "error" : NULL;
}

static void rig_open(struct rig *r)
{
	struct str reason = STR_NONE, email, password;
	struct buf problems;

	*r = (struct rig){ .dir = "/tmp/quiver-bench-XXXXXX", .now_ms = time_now_ms() };
	must(mkdtemp(r->dir) != NULL, "no folder in /tmp");
	arena_init(&r->a, ARENA_MAX_BYTES);
	buf_init(&problems, &r->a, 65536);
	must(config_load(&r->config, setting, r, &problems) == OK, buf_cstr(&problems));
	log_open(&r->config, "bench");
	must(metrics_open_private(&r->metrics) == OK &&
	    store_open(&r->a, r->config.store, &r->config, r->metrics, &r->store, &reason) == OK &&
	    auth_open(&r->config, r->store, r->metrics, &r->auth, &r->a, &reason) == OK &&
	    store_connect(r->store, &r->c) == OK &&
	    identity_ensure_owner(r->auth, r->c, &r->a, r->now_ms, &email, &password) == OK,
	    "cannot open");
}

static void rig_close(struct rig *r)
{
	struct dirent *e;
	DIR           *d = opendir(r->dir);

	store_disconnect(r->c);
	auth_close(r->auth);
	store_close(r->store);
	metrics_close(r->metrics);
	config_clean(&r->config);
	for (e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(r->dir);
	arena_clean(&r->a);
}

static struct identity_call rig_call(struct rig *r)
{
	return (struct identity_call){
		.auth = r->auth, .store = r->c, .arena = &r->a,
		.from = { STR("192.0.2.7"), STR("bench") }, .now_ms = r->now_ms,
	};
}

static struct identity_tokens rig_login(struct rig *r)
{
	struct identity_call  k = rig_call(r);
	struct identity_login in;

	must(identity_local.login(&k, STR(EMAIL), STR(PASSWORD), &in) == OK, "cannot sign in");
	return in.tokens;
}

static void rig_refresh(struct rig *r, struct identity_tokens *t)
{
	struct identity_call k = rig_call(r);

	must(identity_local.refresh(&k, t->refresh_token, t) == OK, "cannot refresh");
}

/* The best of several runs of `times` calls, per call. */
static double best_us(struct rig *r, const char *authorization, int times, enum err expected)
{
	struct auth_credentials who = { str_of(authorization), false };
	struct principal        p;
	struct arena            a;
	const char             *reason;
	double                  best = 1e9, took;

	arena_init(&a, 1 << 20);
	for (int run = 0; run < 20; run++) {
		uint64_t began = time_monotonic_ns();

		for (int i = 0; i < times; i++) {
			arena_reset(&a);
			must(auth_authenticate(r->auth, r->c, &a, &who, r->now_ms, &p, &reason) ==
			    expected, "an unexpected answer");
		}
		took = (double)(time_monotonic_ns() - began) / 1000 / times;
		best = took < best ? took : best;
	}
	arena_clean(&a);
	return best;
}

/* Tokens that were never seen: each is verified once. */
static double verify_us(struct rig *r)
{
	enum { TOKENS = 40 };
	struct identity_tokens t = rig_login(r);
	const char            *header[TOKENS];
	struct principal       p;
	const char            *reason;
	double                 best = 1e9, took;

	for (int i = 0; i < TOKENS; i++) {
		rig_refresh(r, &t);
		header[i] = arena_printf(&r->a, "Bearer %.*s", STR_ARG(t.access_token)).ptr;
	}
	for (int i = 0; i < TOKENS; i++) {
		struct auth_credentials who = { str_of(header[i]), false };
		uint64_t                began = time_monotonic_ns();

		must(auth_authenticate(r->auth, r->c, &r->a, &who, r->now_ms, &p, &reason) == OK,
		    "a good token is refused");
		took = (double)(time_monotonic_ns() - began) / 1000;
		best = took < best ? took : best;
	}
	return best;
}

static double refresh_us(struct rig *r)
{
	struct identity_tokens t = rig_login(r);
	double                 best = 1e9, took;

	for (int i = 0; i < 50; i++) {
		uint64_t began = time_monotonic_ns();

		rig_refresh(r, &t);
		took = (double)(time_monotonic_ns() - began) / 1000;
		best = took < best ? took : best;
	}
	return best;
}

static double login_us(struct rig *r)
{
	double best = 1e9, took;

	for (int i = 0; i < 10; i++) {
		uint64_t began = time_monotonic_ns();

		rig_login(r);
		took = (double)(time_monotonic_ns() - began) / 1000;
		best = took < best ? took : best;
	}
	return best;
}

/* The token with the last byte of its signature changed, well-formed otherwise. */
static struct str forged(struct rig *r, struct str token)
{
	struct str copy = arena_dup(&r->a, token);
	char      *c = (char *)(uintptr_t)copy.ptr + copy.len - 20;

	*c = *c == 'A' ? 'B' : 'A';
	return copy;
}

static void row(const char *what, double us)
{
	printf("%-44s %10.2f us\n", what, us);
}

int main(void)
{
	struct identity_tokens t;
	struct rig             r;
	struct str             header, bad;

	rig_open(&r);
	t = rig_login(&r);
	header = arena_printf(&r.a, "Bearer %.*s", STR_ARG(t.access_token));
	bad = arena_printf(&r.a, "Bearer %.*s", STR_ARG(forged(&r, t.access_token)));
	printf("an access token has %zu bytes\n", t.access_token.len);
	row("no credentials", best_us(&r, NULL, 10000, OK));
	row("a remembered token", best_us(&r, header.ptr, 10000, OK));
	row("a token seen for the first time", verify_us(&r));
	row("a forged signature", best_us(&r, bad.ptr, 200, ERR_UNAUTHENTICATED));
	row("an id token", best_us(&r, arena_printf(&r.a, "Bearer %.*s",
	    STR_ARG(t.id_token)).ptr, 1000, ERR_UNAUTHENTICATED));
	row("alg none", best_us(&r, "Bearer eyJhbGciOiJub25lIn0.e30.AAAA", 10000,
	    ERR_UNAUTHENTICATED));
	row("text that is no token", best_us(&r, "Bearer nothing", 10000, ERR_UNAUTHENTICATED));
	row("a refresh (two signatures, durable)", refresh_us(&r));
	row("a sign-in (argon2id, two signatures)", login_us(&r));
	rig_close(&r);
	return 0;
}
