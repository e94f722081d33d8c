/*
 * content_rig: the content handler over a real store, with its owner signed in.
 */
#ifndef TESTS_CONTRACT_CONTENT_RIG_H
#define TESTS_CONTRACT_CONTENT_RIG_H

#include "auth/identity.h"
#include "base/time.h"
#include "content/content.h"
#include "log/log.h"
#include "tests/fixture.h"

/* main() is the test's; the table is the handler's own. */
int content_main(int argc, char **argv);
#define main content_main
#include "content/content.c"
#undef main

#define RIG_EMAIL    "owner@example.org"
#define RIG_PASSWORD "a-password-of-the-test"

static struct fixture rig;
static struct handler rig_handler;
static char rig_token[8192];            /* a CGI variable: "HTTP_AUTHORIZATION=Bearer …" */

static const char *const rig_settings[] = { "OWNER_EMAIL=" RIG_EMAIL, "OWNER_PASSWORD=" RIG_PASSWORD,
	"LOG_LEVEL=error", "SITE_TITLE=Tests & more", "PUBLIC_URL=https://site.example", NULL };

static int rig_open(void **state)
{
	struct identity_login in;
	struct str email, password;

	(void)state;
	/* Limits have tests of their own. */
	rig_handler = content_handler;
	rig_handler.needs = NEEDS_STORE;
	fixture_open(&rig, &rig_handler, rig_settings);
	log_open(&rig.app.config, "content");
	assert_int_equal(identity_ensure_owner(rig.app.auth, rig.worker.store, &rig.arena,
	    time_now_ms(), &email, &password), OK);
	struct identity_call k = { .auth = rig.app.auth, .store = rig.worker.store,
		.arena = &rig.arena, .now_ms = time_now_ms() };
	assert_int_equal(identity_local.login(&k, STR(RIG_EMAIL), STR(RIG_PASSWORD), &in), OK);
	snprintf(rig_token, sizeof(rig_token), "HTTP_AUTHORIZATION=Bearer %.*s",
	    STR_ARG(in.tokens.access_token));
	return 0;
}

static int rig_close(void **state)
{
	(void)state;
	fixture_close(&rig);
	return 0;
}

/* Anybody's request. */
static struct fixture_reply rig_get(const char *target)
{
	return fixture_send(&rig, &(struct fixture_request){ "GET", target, { NULL }, STR("") });
}

static struct fixture_reply rig_edit_as(const char *method, const char *target, const char *type,
    struct str body, const char *header)
{
	return fixture_send(&rig, &(struct fixture_request){ method, target,
	    { rig_token, type, header }, body });
}

/* The editor's, with a JSON body. */
static inline struct fixture_reply rig_edit(const char *method, const char *target, const char *json)
{
	return rig_edit_as(method, target, "CONTENT_TYPE=application/json", str_of(json), NULL);
}

static inline struct fixture_reply rig_edit_if(const char *method, const char *target,
    const char *json, struct str etag)
{
	return rig_edit_as(method, target, "CONTENT_TYPE=application/json", str_of(json),
	    arena_printf(&rig.arena, "HTTP_IF_MATCH=%.*s", STR_ARG(etag)).ptr);
}

static inline const char *rig_path(const char *fmt, struct str s)
{
	struct str before = str_of(fmt), after = before;

	before = str_cut(&after, '*');
	return arena_printf(&rig.arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(s), STR_ARG(after)).ptr;
}

static inline void rig_expect(const struct fixture_reply *r, uint16_t status)
{
	if (r->status != status)
		fail_msg("status %u, expected %u: %.*s", r->status, status, STR_ARG(r->body));
}

static inline struct str rig_string(const struct fixture_reply *r, const char *name)
{
	return json_get_string(fixture_json(&rig, r), name);
}

/* Creates in /v1/{c}; the id. */
static inline struct str rig_create(const char *collection, const char *json)
{
	struct fixture_reply r = rig_edit("POST", collection, json);

	rig_expect(&r, 201);
	return rig_string(&r, "id");
}

static inline struct str rig_create_published(const char *collection, const char *json)
{
	struct str id = rig_create(collection, json);
	struct fixture_reply r = rig_edit("POST", rig_path(arena_printf(&rig.arena, "%s/*/publish",
	    collection).ptr, id), "");

	rig_expect(&r, 200);
	return id;
}

static inline size_t rig_count(const char *list)
{
	struct fixture_reply r = rig_get(list);

	rig_expect(&r, 200);
	return json_length(json_get(fixture_json(&rig, &r), STR("items")));
}

#endif
