/*
 * identity_rig: sign-in over the real store in a temporary state directory.
 */
#ifndef TESTS_IDENTITY_RIG_H
#define TESTS_IDENTITY_RIG_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/identity.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "tests/test.h"

#define RIG_SECRET      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define RIG_EMAIL       "Owner@Example.com"
#define RIG_PASSWORD    "a password of the owner's"
#define SECOND_MS       INT64_C(1000)
#define MINUTE_MS       (60 * SECOND_MS)
#define HOUR_MS         (60 * MINUTE_MS)

struct rig {
	char            dir[64];
	const char     *secret, *metrics_token, *owner_password, *max_age, *store_url;
	struct arena    a;
	struct config   config;
	struct metrics *metrics;
	struct store   *store;
	struct store_connection *c;
	struct auth    *auth;
	int64_t         now_ms;
};

static inline const char *rig_setting(void *context, const char *name)
{
	const struct rig *r = context;
	const struct { const char *name, *value; } list[] = {
		{ "STATE_DIR", r->dir }, { "SECRET_KEY", r->secret },
		{ "OWNER_EMAIL", RIG_EMAIL }, { "OWNER_PASSWORD", r->owner_password },
		{ "PUBLIC_URL", "https://quiver.example" },
		{ "STORE", r->store_url },
		{ "METRICS_TOKEN", r->metrics_token }, { "LOG_LEVEL", "error" },
		{ "SIGNING_KEY_MAX_AGE_S", r->max_age },
	};

	for (size_t i = 0; i < COUNT(list); i++)
		if (strcmp(name, list[i].name) == 0)
			return list[i].value;
	return NULL;
}

/* Everything but the directory: what a second process does, too. */
static inline void rig_attach(struct rig *r)
{
	struct str reason = STR_NONE;
	struct buf problems;

	arena_init(&r->a, ARENA_MAX_BYTES);
	buf_init(&problems, &r->a, 65536);
	if (config_load(&r->config, rig_setting, r, &problems) != OK)
		fail_msg("%s", buf_cstr(&problems));
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	if (store_open(&r->a, r->config.store, &r->config, r->metrics, &r->store, &reason) != OK ||
	    auth_open(&r->config, r->store, r->metrics, &r->auth, &r->a, &reason) != OK)
		fail_msg("%.*s", STR_ARG(reason));
	assert_int_equal(store_connect(r->store, &r->c), OK);
}

static inline void rig_detach(struct rig *r)
{
	store_disconnect(r->c);
	auth_close(r->auth);
	store_close(r->store);
	metrics_close(r->metrics);
	config_clean(&r->config);
	arena_clean(&r->a);
}

static inline struct rig rig_empty(void)
{
	struct rig r = { .dir = "/tmp/quiver-test-XXXXXX", .secret = RIG_SECRET,
		.metrics_token = "", .owner_password = RIG_PASSWORD,
		/* Opening fills tables by the wall clock; tokens count in seconds. */
		.now_ms = time_now_ms() / SECOND_MS * SECOND_MS };

	assert_non_null(mkdtemp(r.dir));
	return r;
}

/* With the owner's account. */
static inline void rig_open(struct rig *r)
{
	struct str email, password;

	*r = rig_empty();
	rig_attach(r);
	assert_int_equal(identity_ensure_owner(r->auth, r->c, &r->a, r->now_ms, &email, &password),
	    OK);
}

static inline void rig_close(struct rig *r)
{
	struct dirent *e;
	DIR           *d;

	rig_detach(r);
	d = opendir(r->dir);
	for (e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(r->dir);
}

/* What the provider works with, now. */
static inline const struct identity_call *rig_call(struct rig *r)
{
	struct identity_call *k = ARENA_NEW(&r->a, struct identity_call);

	*k = (struct identity_call){
		.auth = r->auth, .store = r->c, .arena = &r->a,
		.from = { STR("192.0.2.7"), STR("test/1") }, .now_ms = r->now_ms,
	};
	return k;
}

static inline enum err rig_sign_in(struct rig *r, const char *email, const char *password,
    struct identity_tokens *out)
{
	struct identity_login in;
	enum err              e = identity_local.login(rig_call(r), str_of(email),
	    str_of(password), &in);

	*out = e == OK ? in.tokens : (struct identity_tokens){ 0 };
	return e;
}

static inline struct identity_tokens rig_login(struct rig *r)
{
	struct identity_tokens t = { 0 };

	assert_int_equal(rig_sign_in(r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	return t;
}

static inline enum err rig_refresh(struct rig *r, struct str token, struct identity_tokens *out)
{
	return identity_local.refresh(rig_call(r), token, out);
}

static inline enum err rig_who(struct rig *r, const char *authorization, struct principal *out,
    const char **reason)
{
	struct auth_credentials who = { str_of(authorization), false };

	return auth_authenticate(r->auth, r->c, &r->a, &who, r->now_ms, out, reason);
}

static inline enum err rig_authenticate(struct rig *r, struct str token, struct principal *out)
{
	const char *reason;

	return rig_who(r, arena_printf(&r->a, "Bearer %.*s", STR_ARG(token)).ptr, out, &reason);
}

static inline bool rig_is_alive(struct rig *r, struct str token)
{
	struct principal p;
	enum err         e = rig_authenticate(r, token, &p);

	assert_true(e == OK || e == ERR_UNAUTHENTICATED);
	return e == OK;
}

static inline struct principal rig_principal(struct rig *r, struct str token)
{
	struct principal p = { 0 };

	assert_int_equal(rig_authenticate(r, token, &p), OK);
	return p;
}

#endif
