/*
 * Routes that demand a signature (RFC 9421) of an API key's request, through the whole
 * pipeline and over the real store.  Attacks held off: no signature, one of another key,
 * one over less than the request, a request changed after it was signed, an old or a
 * future one, one sent twice (at any process: the nonce is in the store), the signature
 * of a private key replaced by one with the API key itself.
 */
#include <inttypes.h>

#include "auth/account.h"
#include "auth/api_key_record.h"
#include "auth/identity.h"
#include "base/time.h"
#include "log/log.h"
#include "tests/fixture.h"
#include "tests/jws_signer.h"

#define BODY "{\"name\": \"a\"}"

static unsigned ran;                    /* how often the endpoint did */

static enum err act(const struct request *req, struct response *res)
{
	(void)req;
	ran++;
	response_body(res, STR("{}"));
	return OK;
}

static const struct field thing_fields[] = { { .name = "name", .type = FIELD_STRING, .max = 100 }, { 0 } };
static const struct schema thing = { "Thing", thing_fields, false };
static const struct field query_fields[] = { { .name = "a", .type = FIELD_STRING, .max = 100 }, { 0 } };
static const struct schema query = { "Query", query_fields, false };

static const struct route routes[] = {
	{ POST, "/v1/things", act, SCOPE_KEYS_MANAGE, .body = &thing, .query = &query, .status = 200,
	  .signature_required = true, .summary = "Make" },
	{ DELETE, "/v1/things/{id}", act, SCOPE_KEYS_MANAGE, .query = &query,
	  .signature_required = true, .summary = "Delete" },
	{ GET, "/v1/things", act, SCOPE_KEYS_MANAGE, .summary = "Read" },
};
static const struct handler handler = { .name = "signed", .summary = "Signed things",
	.routes = routes, .n_routes = COUNT(routes), .needs = NEEDS_STORE };

static const char *const settings[] = {
	"OWNER_PASSWORD=a password of the owner's", "LOG_LEVEL=error",
	"PUBLIC_URL=https://quiver.example", NULL
};

static struct fixture f;
static struct str     key_id;
static const char    *key_text, *key_header;    /* "HTTP_X_API_KEY=…" */
static EVP_PKEY      *private_key;      /* NULL: the key signs with itself */

static enum err find(void *context, struct store_connection *c, struct arena *a,
    struct str keyid, int64_t now_ms, struct signature_key *out)
{
	(void)context;
	(void)c;
	(void)now_ms;
	if (private_key == NULL || !str_eq(keyid, key_id))
		return ERR_NOT_FOUND;
	*out = (struct signature_key){
		.public_key = signer_parse(a, signer_jwk(a, private_key, "")) };
	return OK;
}

static void make_key(void)
{
	char                  id[ID_UUID_SIZE], text[API_KEY_BYTES + 1];
	struct account_record owner;
	struct store_result   result;
	struct store_op       op = { .verb = STORE_PUT };
	int64_t               now_ms = time_now_ms();

	assert_int_equal(account_by_email(f.worker.store, &f.arena, STR("owner@localhost"), now_ms,
	    &owner), OK);
	id_uuid7(now_ms, id);
	struct api_key_record *r = ARENA_NEW(&f.arena, struct api_key_record);
	*r = (struct api_key_record){ .id = arena_dup(&f.arena, str_of(id)),
		.account = owner.account.id, .name = STR("k"), .scopes = SCOPE_BIT(SCOPE_KEYS_MANAGE),
		.created_ms = now_ms };
	api_key_generate(r->id, text, r->digest);
	assert_int_equal(api_key_item(&f.arena, r, &op.item), OK);
	assert_int_equal(store_write(f.worker.store, &op, 1, STORE_DURABLE, now_ms, &result), OK);
	key_id = r->id;
	key_text = arena_cstr(&f.arena, str_of(text));
	key_header = arena_printf(&f.arena, "HTTP_X_API_KEY=%s", text).ptr;
}

static int open_all(void **state)
{
	struct str email, password;

	(void)state;
	fixture_open(&f, &handler, settings);
	log_open(&f.app.config, "signed");
	assert_int_equal(identity_ensure_owner(f.app.auth, f.worker.store, &f.arena, time_now_ms(),
	    &email, &password), OK);
	make_key();
	f.app.signature_keys = (struct signature_keys){ .find = find };
	private_key = NULL;
	ran = 0;
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	EVP_PKEY_free(private_key);
	fixture_close(&f);
	return 0;
}

/* --- a client's part, by hand ----------------------------------------------------------- */

/* A POST of BODY, and what is different about it. */
struct signing {
	const char *components;         /* NULL: those that are asked for */
	const char *keyid, *nonce;      /* NULL: the key's; a new one */
	int64_t     created_s;          /* from now */
	const char *more;               /* behind the other parameters */
	const char *method, *target, *body;     /* what is sent: NULL: what was signed */
	const char *secret;
};

static const char *base64_of(const void *bytes, size_t len)
{
	return arena_cstr(&f.arena, crypto_base64(&f.arena, (struct str){ bytes, len }));
}

static const char *digest_of(const char *body)
{
	uint8_t digest[SHA256_BYTES];

	crypto_sha256(str_of(body), digest);
	return arena_printf(&f.arena, "sha-256=:%s:", base64_of(digest, sizeof(digest))).ptr;
}

static void add_line(struct buf *base, const char *component, const char *digest)
{
	static const struct { const char *name, *value; } values[] = {
		{ "\"@method\"", "POST" }, { "\"@path\"", "/v1/things" }, { "\"@query\"", "?a=b%20c" },
		{ "\"@authority\"", "quiver.example" },
		{ "\"@target-uri\"", "https://quiver.example/v1/things?a=b%20c" },
		{ "\"content-type\"", "application/json" },
	};

	for (size_t i = 0; i < COUNT(values); i++)
		if (strcmp(values[i].name, component) == 0)
			buf_printf(base, "%s: %s\n", component, values[i].value);
	if (strcmp(component, "\"content-digest\"") == 0)
		buf_printf(base, "%s: %s\n", component, digest);
}

static struct fixture_reply send_signed(const struct signing *s)
{
	static unsigned n;
	const char *components = s->components != NULL ? s->components :
	    "\"@method\" \"@path\" \"@query\" \"content-digest\"";
	const char *digest = digest_of(BODY), *secret = s->secret != NULL ? s->secret : key_text;
	struct str  rest = str_of(components);
	struct str  input = arena_printf(&f.arena,
	    "(%s);created=%" PRId64 ";keyid=\"%s\";nonce=\"%s\"%s", components,
	    time_now_ms() / 1000 + s->created_s,
	    s->keyid != NULL ? s->keyid : arena_cstr(&f.arena, key_id),
	    s->nonce != NULL ? s->nonce : arena_printf(&f.arena, "nonce-%u", n++).ptr,
	    s->more != NULL ? s->more : "");
	struct str  signature;
	struct buf  base;
	uint8_t     mac[SHA256_BYTES];

	buf_init(&base, &f.arena, 65536);
	while (rest.ptr != NULL)
		add_line(&base, arena_cstr(&f.arena, str_cut(&rest, ' ')), digest);
	buf_printf(&base, "\"@signature-params\": %.*s", STR_ARG(input));
	crypto_hmac_sha256((const uint8_t *)secret, strlen(secret), buf_str(&base), mac);
	signature = (struct str){ (const char *)mac, sizeof(mac) };
	if (private_key != NULL && s->secret == NULL)
		signature = signer_signature(&f.arena, private_key, JWS_EDDSA, buf_str(&base));
	return fixture_send(&f, &(struct fixture_request){
		s->method != NULL ? s->method : "POST",
		s->target != NULL ? s->target : "/v1/things?a=b%20c",
		{ "CONTENT_TYPE=application/json", "REMOTE_ADDR=192.0.2.7", key_header,
		  arena_printf(&f.arena, "HTTP_CONTENT_DIGEST=%s", digest).ptr,
		  arena_printf(&f.arena, "HTTP_SIGNATURE_INPUT=s=%.*s", STR_ARG(input)).ptr,
		  arena_printf(&f.arena, "HTTP_SIGNATURE=s=:%s:", base64_of(signature.ptr, signature.len)).ptr },
		str_of(s->body != NULL ? s->body : BODY) });
}

static uint16_t status_of(const struct signing *s)
{
	return send_signed(s).status;
}

/* --- the tests ------------------------------------------------------------------------------ */

TEST(a_signed_request_is_let_in)
{
	(void)state;
	assert_int_equal(status_of(&(struct signing){ 0 }), 200);
	assert_int_equal(ran, 1);
	assert_int_equal(status_of(&(struct signing){ .components =
	    "\"content-digest\" \"@query\" \"@path\" \"@method\" \"@authority\" \"@target-uri\" "
	    "\"content-type\"", .more = ";alg=\"hmac-sha256\";tag=\"t\"" }), 200);
}

TEST(one_without_a_signature_learns_what_to_sign)
{
	struct fixture_reply r = fixture_send(&f, &(struct fixture_request){ "POST",
		"/v1/things?a=b", { "CONTENT_TYPE=application/json", key_header }, STR(BODY) });
	struct str           accept = fixture_header(&r, "Accept-Signature");
	struct sf_members    members;

	(void)state;
	assert_int_equal(r.status, 401);
	assert_int_equal(ran, 0);
	assert_int_equal(sf_read_dictionary(&f.arena, accept, &members), OK);
	assert_true(str_starts(accept, arena_printf(&f.arena, "sig1=(\"@method\" \"@path\" \"@query\" "
	    "\"content-digest\");created;keyid=\"%.*s\";nonce=\"", STR_ARG(key_id))));
	assert_str(fixture_header(&r, "WWW-Authenticate"), STR("Signature"));

	r = fixture_send(&f, &(struct fixture_request){ "DELETE", "/v1/things/1", { key_header },
		STR("") });
	assert_int_equal(r.status, 401);
	assert_true(str_starts(fixture_header(&r, "Accept-Signature"),
	    STR("sig1=(\"@method\" \"@path\");created;")));
}

static const struct {
	const char    *name;
	struct signing s;
} refused[] = {
	{ "method not covered", { .components = "\"@path\" \"@query\" \"content-digest\"" } },
	{ "path not covered", { .components = "\"@method\" \"@query\" \"content-digest\"" } },
	{ "query not covered", { .components = "\"@method\" \"@path\" \"content-digest\"" } },
	{ "body not covered", { .components = "\"@method\" \"@path\" \"@query\"" } },
	{ "nothing covered", { .components = "" } },
	{ "another path", { .target = "/v1/Things/../things?a=b%20c" } },
	{ "another query", { .target = "/v1/things?a=b+c" } },
	{ "another body", { .body = "{\"name\": \"b\"}" } },
	{ "no body", { .body = "" } },
	{ "too old", { .created_s = -362 } },
	{ "from the future", { .created_s = 63 } },
	{ "expired", { .more = ";expires=1" } },
	{ "no nonce", { .nonce = "" } },
	{ "another key's name", { .keyid = "01890a5d-ac96-774b-bcce-b302099a8057" } },
	{ "another secret", { .secret = "qv_live_0000000000000000000000" } },
	{ "another algorithm", { .more = ";alg=\"ed25519\"" } },
};

TEST(whatever_is_not_as_it_was_signed_just_now_is_refused)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct fixture_reply r = send_signed(&refused[i].s);
		assert_row(r.status == 401, refused[i].name);
		assert_row(fixture_header(&r, "Accept-Signature").ptr != NULL, refused[i].name);
	}
	assert_int_equal(ran, 0);
}

TEST(clocks_may_differ_a_little)
{
	(void)state;
	assert_int_equal(status_of(&(struct signing){ .created_s = -300 }), 200);
	assert_int_equal(status_of(&(struct signing){ .created_s = 50 }), 200);
}

TEST(a_request_counts_once)
{
	(void)state;
	assert_int_equal(status_of(&(struct signing){ .nonce = "once" }), 200);
	assert_int_equal(status_of(&(struct signing){ .nonce = "once" }), 401);
	assert_int_equal(status_of(&(struct signing){ .nonce = "twice" }), 200);
	assert_int_equal(ran, 2);
}

TEST(a_refused_request_spends_no_nonce)
{
	(void)state;
	assert_int_equal(status_of(&(struct signing){ .nonce = "n", .secret = "another secret!!" }), 401);
	assert_int_equal(status_of(&(struct signing){ .nonce = "n", .body = "{}" }), 401);
	assert_int_equal(status_of(&(struct signing){ .nonce = "n" }), 200);
}

TEST(a_nonce_is_remembered_as_long_as_its_request_is_good)
{
	int64_t now_ms = time_now_ms(), until_ms = now_ms + 1000;

	(void)state;
	assert_int_equal(signature_nonce_use(f.worker.store, &f.arena, key_id, STR("n"), now_ms,
	    until_ms), OK);
	assert_int_equal(signature_nonce_use(f.worker.store, &f.arena, key_id, STR("n"), until_ms - 1,
	    until_ms), ERR_EXISTS);
	assert_int_equal(signature_nonce_use(f.worker.store, &f.arena, STR("other"), STR("n"), now_ms,
	    until_ms), OK);
	assert_int_equal(signature_nonce_use(f.worker.store, &f.arena, key_id, STR("n"), until_ms,
	    until_ms + 1000), OK);
}

TEST(a_key_may_come_as_a_bearer_token)
{
	(void)state;
	key_header = arena_printf(&f.arena, "HTTP_AUTHORIZATION=bearer  %s", key_text).ptr;
	assert_int_equal(status_of(&(struct signing){ 0 }), 200);
}

TEST(a_key_with_a_public_key_signs_with_its_private_half_alone)
{
	(void)state;
	private_key = signer_key(JWS_EDDSA);
	assert_int_equal(status_of(&(struct signing){ 0 }), 200);
	assert_int_equal(status_of(&(struct signing){ .more = ";alg=\"ed25519\"" }), 200);
	assert_int_equal(status_of(&(struct signing){ .more = ";alg=\"hmac-sha256\"" }), 401);
	assert_int_equal(status_of(&(struct signing){ .secret = key_text }), 401);
	assert_int_equal(ran, 2);
}

TEST(a_route_that_demands_none_takes_the_key_alone)
{
	struct fixture_reply r = fixture_send(&f, &(struct fixture_request){ "GET", "/v1/things",
		{ key_header, "HTTP_SIGNATURE=junk" }, STR("") });

	(void)state;
	assert_int_equal(r.status, 200);
}

TEST(a_session_need_not_sign)
{
	struct identity_login in;
	struct identity_call  k = { .auth = f.app.auth, .store = f.worker.store, .arena = &f.arena,
		.from = { STR("127.0.0.1"), STR("test") }, .now_ms = time_now_ms() };

	(void)state;
	assert_int_equal(auth_identity(f.app.auth)->login(&k, STR("owner@localhost"),
	    STR("a password of the owner's"), &in), OK);
	struct fixture_reply r = fixture_send(&f, &(struct fixture_request){ "DELETE", "/v1/things/1",
		{ arena_printf(&f.arena, "HTTP_AUTHORIZATION=Bearer %.*s",
		    STR_ARG(in.tokens.access_token)).ptr }, STR("") });
	assert_int_equal(r.status, 200);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
TEST_MAIN(
	EACH(a_signed_request_is_let_in),
	EACH(one_without_a_signature_learns_what_to_sign),
	EACH(whatever_is_not_as_it_was_signed_just_now_is_refused),
	EACH(clocks_may_differ_a_little),
	EACH(a_request_counts_once),
	EACH(a_refused_request_spends_no_nonce),
	EACH(a_nonce_is_remembered_as_long_as_its_request_is_good),
	EACH(a_key_may_come_as_a_bearer_token),
	EACH(a_key_with_a_public_key_signs_with_its_private_half_alone),
	EACH(a_route_that_demands_none_takes_the_key_alone),
	EACH(a_session_need_not_sign)
)
