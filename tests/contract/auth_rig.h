/*
 * auth_rig: the auth handler with its own table, and the owner's account in it.
 */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "tests/fixture.h"

#include "base/time.h"

/* The handler as it is, but for its main(). */
int auth_main(int argc, char **argv);
#define main auth_main
#include "handlers/auth/auth.c"
#undef main

#define EMAIL    "owner@localhost"
#define PASSWORD "a password of the owner's"
#define JSON     "CONTENT_TYPE=application/json"

static const char *const settings[] = {
	"OWNER_PASSWORD=" PASSWORD, "LOG_LEVEL=error", "PUBLIC_URL=https://quiver.example", NULL
};

static inline void open_handler(struct fixture *f)
{
	struct str email, password;

	fixture_open(f, &auth_handler, settings);
	assert_int_equal(identity_ensure_owner(f->app.auth, f->worker.store, &f->arena,
	    time_now_ms(), &email, &password), OK);
}

static inline struct fixture_reply post(struct fixture *f, const char *target, const char *token,
    const char *body)
{
	struct fixture_request r = { "POST", target, { JSON, token }, str_of(body) };

	return fixture_send(f, &r);
}

/* "HTTP_AUTHORIZATION=Bearer …" of a fresh session; *tokens the reply's. */
static inline const char *sign_in(struct fixture *f, const struct json **tokens)
{
	struct fixture_reply reply = post(f, "/v1/auth/login", NULL,
	    "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");

	assert_int_equal(reply.status, 200);
	*tokens = fixture_json(f, &reply);
	return arena_printf(&f->arena, "HTTP_AUTHORIZATION=Bearer %.*s",
	    STR_ARG(json_get_string(*tokens, "access_token"))).ptr;
}

static inline struct fixture_reply get(struct fixture *f, const char *target, const char *token)
{
	struct fixture_request r = { "GET", target, { token }, STR("") };

	return fixture_send(f, &r);
}

#endif
