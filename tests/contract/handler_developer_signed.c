/*
 * API keys that rotate and revoke API keys: they sign for it (RFC 9421).  Attacks held
 * off: a key that was overheard takes over, or ends, the keys of its account; a key with
 * a private half is replaced by one without.
 */
#include "auth/identity.h"
#include "base/time.h"
#include "log/log.h"
#include "tests/fixture.h"
#include "tests/signed_request.h"

/* The handler as it is, but for its main(). */
int developer_main(int argc, char **argv);
#define main developer_main
#include "handlers/developer/developer.c"
#undef main

#define JSON "CONTENT_TYPE=application/json"
#define KEYS "/v1/developer/keys"

static const char *const settings[] = {
	"OWNER_PASSWORD=a password of the owner's", "LOG_LEVEL=error", NULL
};

static struct fixture f;
static const char    *owner;            /* "HTTP_AUTHORIZATION=Bearer …" of a session */
static EVP_PKEY      *private_key;
static const char    *jwk;              /* its public half */

static int open_handler(void **state)
{
	struct str            email, password;
	struct identity_login in;

	(void)state;
	fixture_open(&f, &developer, settings);
	log_open(&f.app.config, "developer");
	assert_int_equal(identity_ensure_owner(f.app.auth, f.worker.store, &f.arena,
	    time_now_ms(), &email, &password), OK);
	struct identity_call k = { .auth = f.app.auth, .store = f.worker.store, .arena = &f.arena,
		.from = { STR("127.0.0.1"), STR("test") }, .now_ms = time_now_ms() };
	assert_int_equal(auth_identity(f.app.auth)->login(&k, STR("owner@localhost"),
	    STR("a password of the owner's"), &in), OK);
	owner = arena_printf(&f.arena, "HTTP_AUTHORIZATION=Bearer %.*s",
	    STR_ARG(in.tokens.access_token)).ptr;
	private_key = signer_key(JWS_EDDSA);
	jwk = arena_cstr(&f.arena, signer_jwk(&f.arena, private_key, ""));
	return 0;
}

static int close_handler(void **state)
{
	(void)state;
	EVP_PKEY_free(private_key);
	fixture_close(&f);
	return 0;
}

struct key {
	struct str  id, text;
	const char *path, *rotate, *header;
};

static struct fixture_reply post(const char *who, const char *more)
{
	return fixture_send(&f, &(struct fixture_request){ "POST", KEYS, { JSON, who },
		arena_printf(&f.arena, "{\"name\":\"k\",\"scopes\":[\"keys:manage\"]%s}", more) });
}

static struct key make(const char *more)
{
	struct fixture_reply r = post(owner, more);
	struct key k;

	assert_int_equal(r.status, 201);
	k.id = json_get_string(fixture_json(&f, &r), "id");
	k.text = json_get_string(fixture_json(&f, &r), "key");
	k.path = arena_printf(&f.arena, KEYS "/%.*s", STR_ARG(k.id)).ptr;
	k.rotate = arena_printf(&f.arena, "%s/rotate", k.path).ptr;
	k.header = arena_printf(&f.arena, "HTTP_X_API_KEY=%.*s", STR_ARG(k.text)).ptr;
	return k;
}

static struct key make_with_public_key(void)
{
	return make(arena_printf(&f.arena, ",\"public_key\":%s", jwk).ptr);
}

static uint16_t status_unsigned(const char *method, const char *path, const struct key *who)
{
	return fixture_send(&f, &(struct fixture_request){ method, path, { JSON, who->header },
		STR("") }).status;
}

static uint16_t status_signed(const char *method, const char *path, const struct key *who,
    EVP_PKEY *with)
{
	const char *body = strcmp(method, "DELETE") == 0 ? "" : "{}";
	struct signed_headers h = sign_request(&f.arena, method, path, body, who->id, who->text, with);

	return fixture_send(&f, &(struct fixture_request){ method, path,
		{ JSON, who->header, h.digest, h.input, h.signature }, str_of(body) }).status;
}

TEST(a_key_rotates_and_revokes_only_what_it_signs_for)
{
	struct key k = make(""), other = make("");

	(void)state;
	assert_int_equal(status_unsigned("POST", other.rotate, &k), 401);
	assert_int_equal(status_unsigned("DELETE", other.path, &k), 401);
	assert_int_equal(status_unsigned("GET", other.path, &k), 200);
	assert_int_equal(status_signed("POST", other.rotate, &k, NULL), 200);
	assert_int_equal(status_signed("DELETE", other.path, &k, NULL), 204);
	assert_int_equal(status_unsigned("GET", other.path, &k), 404);
	assert_int_equal(status_signed("POST", k.rotate, &k, NULL), 200);
	assert_int_equal(status_signed("POST", k.rotate, &k, NULL), 401);       /* that secret is over */
}

TEST(a_session_rotates_and_revokes_without)
{
	struct key k = make("");

	(void)state;
	assert_int_equal(fixture_send(&f, &(struct fixture_request){ "POST", k.rotate,
		{ JSON, owner }, STR("") }).status, 200);
	assert_int_equal(fixture_send(&f, &(struct fixture_request){ "DELETE", k.path, { owner },
		STR("") }).status, 204);
}

TEST(a_key_with_a_public_key_signs_with_its_private_half)
{
	struct key k = make_with_public_key(), other = make("");
	EVP_PKEY  *stranger = signer_key(JWS_EDDSA);

	(void)state;
	assert_int_equal(status_signed("POST", other.rotate, &k, NULL), 401);
	assert_int_equal(status_signed("POST", other.rotate, &k, stranger), 401);
	assert_int_equal(status_signed("DELETE", other.path, &k, private_key), 204);
	EVP_PKEY_free(stranger);
}

TEST(a_public_key_is_shown_and_changed_and_taken_away)
{
	struct key           k = make_with_public_key();
	struct fixture_reply r = fixture_send(&f, &(struct fixture_request){ "GET", k.path, { owner },
		STR("") });
	struct str           x = json_get_string(json_get(fixture_json(&f, &r), STR("public_key")), "x");

	(void)state;
	assert_int_equal(x.len, 43);
	assert_true(str_contains(str_of(jwk), x));
	r = fixture_send(&f, &(struct fixture_request){ "PATCH", k.path, { JSON, owner },
		STR("{\"public_key\":null}") });
	assert_int_equal(r.status, 200);
	assert_int_equal(json_type(json_get(fixture_json(&f, &r), STR("public_key"))), JSON_NULL);
	assert_int_equal(status_signed("POST", k.rotate, &k, private_key), 401);
	assert_int_equal(status_signed("POST", k.rotate, &k, NULL), 200);
}

TEST(a_key_does_not_get_rid_of_its_public_key)
{
	struct key  k = make_with_public_key();
	const char *same = arena_printf(&f.arena, ",\"public_key\":%s", jwk).ptr;

	(void)state;
	assert_int_equal(fixture_send(&f, &(struct fixture_request){ "PATCH", k.path,
		{ JSON, k.header }, STR("{\"public_key\":null}") }).status, 403);
	assert_int_equal(post(k.header, "").status, 403);
	assert_int_equal(post(k.header, same).status, 201);
	assert_int_equal(fixture_send(&f, &(struct fixture_request){ "PATCH", k.path,
		{ JSON, k.header }, STR("{\"name\":\"n\"}") }).status, 200);
}

TEST(what_is_no_ed25519_key_is_refused)
{
	static const char *const keys[] = {
		",\"public_key\":{}",
		",\"public_key\":\"AAAA\"",
		",\"public_key\":{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		",\"public_key\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs\"}",
		",\"public_key\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0b\"}",
		",\"public_key\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_row(post(owner, keys[i]).status == 422, keys[i]);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, open_handler, close_handler)
TEST_MAIN(
	EACH(a_key_rotates_and_revokes_only_what_it_signs_for),
	EACH(a_session_rotates_and_revokes_without),
	EACH(a_key_with_a_public_key_signs_with_its_private_half),
	EACH(a_public_key_is_shown_and_changed_and_taken_away),
	EACH(a_key_does_not_get_rid_of_its_public_key),
	EACH(what_is_no_ed25519_key_is_refused)
)
