/*
 * Codes, clients and grants over the real store, by a clock of the test's own.
 * Security: what is held off here
 *   a code late, a second time, of a made-up form; a verifier that is another's
 *   a redirect to where nobody registered; a secret of another client
 *   a refresh token of a client used as our own, and the other way round
 *   tokens of a client that is gone
 */
#include "identity_rig.h"

#include "auth/grant.h"
#include "auth/oauth_client.h"
#include "auth/oauth_code.h"
#include "auth/oauth_page.h"
#include "auth/oauth_redirect.h"
#include "auth/pkce.h"

#define CLIENT_ID  "01890a5d-ac96-774b-bcce-b302099a8057"
#define VERIFIER   "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"        /* RFC 7636, appendix B */
#define CHALLENGE  "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define GRANTED    (SCOPE_BIT(SCOPE_OPENID) | SCOPE_BIT(SCOPE_CONTENT_WRITE) | SCOPE_BIT(SCOPE_PROFILE))

static struct identity_call call_of(struct rig *r)
{
	return (struct identity_call){
		.auth = r->auth, .store = r->c, .arena = &r->a,
		.from = { STR("192.0.2.7"), STR("test/1") }, .now_ms = r->now_ms,
	};
}

static struct account_record owner(struct rig *r)
{
	struct account_record who;

	assert_int_equal(account_by_email(r->c, &r->a, STR(RIG_EMAIL), r->now_ms, &who), OK);
	return who;
}

static struct str put_code(struct rig *r)
{
	struct oauth_code code = {
		.client = STR(CLIENT_ID), .redirect_uri = STR("https://app.example/"),
		.account = owner(r).account.id, .nonce = STR("\"n\\"), .challenge = STR(CHALLENGE),
		.scopes = GRANTED, .epoch = 3, .auth_ms = r->now_ms - 5, .created_ms = r->now_ms,
	};
	struct str          text = oauth_code_new(&r->a, &code);
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_ABSENT };
	struct store_result result;

	assert_int_equal(oauth_code_item(&r->a, &code, &op.item), OK);
	assert_int_equal(store_write(r->c, &op, 1, STORE_DURABLE, r->now_ms, &result), OK);
	return text;
}

TEST(a_code_is_good_for_sixty_seconds)
{
	struct oauth_code code;
	struct rig        r;
	struct str        text;

	(void)state;
	rig_open(&r);
	text = put_code(&r);
	assert_int_equal(oauth_code_read(r.c, &r.a, text, r.now_ms + 60 * SECOND_MS - 1, &code), OK);
	assert_str(code.client, STR(CLIENT_ID));
	assert_str(code.nonce, STR("\"n\\"));
	assert_int_equal(code.scopes, GRANTED);
	assert_int_equal(code.epoch, 3);
	assert_null(code.session.ptr);
	assert_int_equal(oauth_code_read(r.c, &r.a, text, r.now_ms + 60 * SECOND_MS, &code),
	    ERR_NOT_FOUND);
	rig_close(&r);
}

TEST(a_used_code_is_remembered_with_what_it_gave)
{
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_VERSION };
	struct store_result result;
	struct oauth_code   code;
	struct rig          r;
	struct str          text;

	(void)state;
	rig_open(&r);
	text = put_code(&r);
	assert_int_equal(oauth_code_read(r.c, &r.a, text, r.now_ms, &code), OK);
	code.session = STR("a-session");
	assert_int_equal(oauth_code_item(&r.a, &code, &op.item), OK);
	assert_int_equal(store_write(r.c, &op, 1, STORE_DURABLE, r.now_ms, &result), OK);
	assert_int_equal(store_write(r.c, &op, 1, STORE_DURABLE, r.now_ms, &result), ERR_STALE);
	assert_int_equal(oauth_code_read(r.c, &r.a, text, r.now_ms + HOUR_MS, &code), OK);
	assert_str(code.session, STR("a-session"));
	rig_close(&r);
}

TEST(what_is_no_code_is_not_looked_for)
{
	static const char *const junk[] = {
		"", "qv_code_", "qv_code_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x",
		"qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	struct oauth_code code;
	struct rig        r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(junk); i++)
		assert_row(oauth_code_read(r.c, &r.a, str_of(junk[i]), r.now_ms, &code) ==
		    ERR_NOT_FOUND, junk[i]);
	rig_close(&r);
}

TEST(a_code_knows_its_verifier_and_no_other)
{
	static const char *const others[] = {
		"", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkx", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", "short", CHALLENGE,
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_true(pkce_challenge_fits(&a, STR(CHALLENGE)));
	assert_false(pkce_challenge_fits(&a, STR(CHALLENGE "=")));
	assert_true(pkce_verifies(&a, STR(CHALLENGE), STR(VERIFIER)));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_row(!pkce_verifies(&a, STR(CHALLENGE), str_of(others[i])), others[i]);
	arena_clean(&a);
}

static const struct {
	const char *uri;
	bool        confidential, is_public;    /* who may have it */
} redirects[] = {
	{ "https://app.example/callback", true, true },
	{ "https://app.example", true, true },
	{ "https://app.example:8443/a?b=c&d", true, true },
	{ "https://[2001:db8::1]:443/", true, true },
	{ "http://127.0.0.1:8080/callback", true, true },
	{ "http://[::1]/callback", true, true },
	{ "http://localhost/callback", true, true },
	{ "com.example.app:/callback", false, true },
	{ "com.example.app-2:/x", false, true },
	{ "http://app.example/", false, false },
	{ "http://localhost.evil.example/", false, false },
	{ "http://127.0.0.1.evil.example/", false, false },
	{ "https://app.example/#fragment", false, false },
	{ "https://user@app.example/", false, false },
	{ "https://user:pass@app.example/", false, false },
	{ "https://app.example:0/", false, false },
	{ "https://app.example:70000/", false, false },
	{ "https://app.example:x/", false, false },
	{ "https:///callback", false, false },
	{ "https://", false, false },
	{ "https://[::1", false, false },
	{ "https://[::1]evil.example/", false, false },
	{ "https://app.example; script-src *", false, false },
	{ "https://app.example,evil.example/", false, false },
	{ "https://app.example\\@evil.example/", false, false },
	{ "https://app example/", false, false },
	{ "https:app.example", false, false },
	{ "javascript:alert(1)", false, false },
	{ "data:text/html,x", false, false },
	{ "myapp:/callback", false, false },
	{ ".app:/x", false, false },
	{ "com.example.:/x", false, false },
	{ "//app.example/", false, false },
	{ "/callback", false, false },
	{ "", false, false },
};

TEST(a_redirect_leads_to_https_or_this_machine_or_an_app)
{
	(void)state;
	for (size_t i = 0; i < COUNT(redirects); i++) {
		struct str uri = str_of(redirects[i].uri);

		assert_row((redirect_problem(uri, false) == NULL) == redirects[i].confidential,
		    redirects[i].uri);
		assert_row((redirect_problem(uri, true) == NULL) == redirects[i].is_public,
		    redirects[i].uri);
	}
}

TEST(the_origin_of_a_redirect_is_what_a_policy_may_name)
{
	(void)state;
	assert_str(redirect_origin(STR("https://app.example:8443/a?b")), STR("https://app.example:8443"));
	assert_str(redirect_origin(STR("https://app.example?b")), STR("https://app.example"));
	assert_str(redirect_origin(STR("http://[::1]:80/x")), STR("http://[::1]:80"));
	assert_str(redirect_origin(STR("com.example.app:/x")), STR("com.example.app:"));
}

TEST(a_secret_is_one_clients_and_kept_as_a_digest)
{
	struct oauth_client one = { 0 }, two = { 0 };
	struct str          first, second;
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	first = oauth_client_renew(&a, &one);
	second = oauth_client_renew(&a, &two);
	assert_int_equal(first.len, OAUTH_SECRET_BYTES);
	assert_false(str_contains(one.secret_hash, first));
	assert_true(oauth_client_knows(&one, first));
	assert_false(oauth_client_knows(&one, second));
	assert_false(oauth_client_knows(&one, STR("")));
	assert_false(oauth_client_knows(&(struct oauth_client){ 0 }, STR("")));
	arena_clean(&a);
}

TEST(every_scope_that_clients_are_given_has_words)
{
	(void)state;
	for (int s = SCOPE_PUBLIC + 1; s < SCOPE_COUNT; s++)
		assert_row((oauth_scope_words((enum scope)s)[0] != '\0') == (s != SCOPE_KEYS_MANAGE),
		    scope_name((enum scope)s));
}

/* --- grants ------------------------------------------------------------------------- */

static struct identity_tokens granted(struct rig *r)
{
	struct grant_terms     terms = {
		.client = STR(CLIENT_ID), .client_name = STR("Reports"), .scopes = GRANTED,
		.nonce = STR("n"), .auth_ms = r->now_ms,
	};
	struct identity_call   k = call_of(r);
	struct account_record  who = owner(r);
	struct identity_tokens tokens;

	assert_int_equal(grant_begin(&k, &who, &terms, NULL, 0, &tokens), OK);
	return tokens;
}

static enum err refreshed(struct rig *r, struct str token, struct str client,
    struct identity_tokens *out)
{
	struct grant_terms   terms = { .client = client, .scopes = ~(scope_set)0 };
	struct identity_call k = call_of(r);

	return grant_refresh(&k, token, &terms, out);
}

TEST(a_clients_token_has_what_was_granted_and_not_the_account)
{
	struct identity_tokens tokens;
	struct principal       p;
	struct rig             r;

	(void)state;
	rig_open(&r);
	tokens = granted(&r);
	p = rig_principal(&r, tokens.access_token);
	assert_int_equal(p.kind, PRINCIPAL_SESSION);
	assert_str(p.client, STR(CLIENT_ID));
	assert_int_equal(p.scopes, SCOPE_BIT(SCOPE_OPENID) | SCOPE_BIT(SCOPE_CONTENT_WRITE));
	/* And once it is remembered, too. */
	p = rig_principal(&r, tokens.access_token);
	assert_str(p.client, STR(CLIENT_ID));
	assert_false(principal_may(&p, SCOPE_PROFILE));
	assert_false(rig_is_alive(&r, tokens.id_token));
	rig_close(&r);
}

TEST(refresh_tokens_of_clients_and_our_own_are_not_each_others)
{
	struct identity_tokens theirs, ours, out;
	struct rig             r;

	(void)state;
	rig_open(&r);
	theirs = granted(&r);
	ours = rig_login(&r);
	assert_int_equal(rig_refresh(&r, theirs.refresh_token, &out), ERR_UNAUTHENTICATED);
	assert_int_equal(refreshed(&r, ours.refresh_token, STR(CLIENT_ID), &out),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(refreshed(&r, theirs.refresh_token,
	    STR("01890a5d-ac96-774b-bcce-b302099a8058"), &out), ERR_UNAUTHENTICATED);
	assert_int_equal(refreshed(&r, theirs.refresh_token, STR(CLIENT_ID), &out), OK);
	assert_int_equal(rig_refresh(&r, ours.refresh_token, &out), OK);
	rig_close(&r);
}

TEST(all_sessions_of_a_client_end_and_nobody_elses)
{
	struct identity_tokens ours, t;
	struct rig             r;
	size_t                 ended;

	(void)state;
	rig_open(&r);
	ours = rig_login(&r);
	for (int i = 0; i < STORE_OPS_MAX / 2 + 3; i++)
		t = granted(&r);
	assert_int_equal(session_end_of_client(r.auth, r.c, &r.a, owner(&r).account.id,
	    STR(CLIENT_ID), r.now_ms, &ended), OK);
	assert_int_equal(ended, STORE_OPS_MAX / 2 + 3);
	assert_false(rig_is_alive(&r, t.access_token));
	assert_int_equal(refreshed(&r, t.refresh_token, STR(CLIENT_ID), &t), ERR_UNAUTHENTICATED);
	assert_true(rig_is_alive(&r, ours.access_token));
	rig_close(&r);
}

TEST(a_clients_refresh_tokens_end_with_the_session_at_the_latest)
{
	struct identity_tokens t;
	struct rig             r;
	int64_t                end_ms;

	(void)state;
	rig_open(&r);
	t = granted(&r);
	end_ms = r.now_ms + (int64_t)r.config.session_max_s * SECOND_MS;
	for (; r.now_ms < end_ms; r.now_ms += 24 * HOUR_MS)
		assert_int_equal(refreshed(&r, t.refresh_token, STR(CLIENT_ID), &t), OK);
	assert_int_equal(refreshed(&r, t.refresh_token, STR(CLIENT_ID), &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_clients_refresh_token_a_second_time_ends_its_session)
{
	struct identity_tokens first, second, third;
	struct rig             r;

	(void)state;
	rig_open(&r);
	first = granted(&r);
	assert_int_equal(refreshed(&r, first.refresh_token, STR(CLIENT_ID), &second), OK);
	r.now_ms += HOUR_MS / 2;
	assert_int_equal(refreshed(&r, first.refresh_token, STR(CLIENT_ID), &third),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(refreshed(&r, second.refresh_token, STR(CLIENT_ID), &third),
	    ERR_UNAUTHENTICATED);
	assert_false(rig_is_alive(&r, second.access_token));
	rig_close(&r);
}

TEST(a_client_for_itself_is_its_own_principal)
{
	struct grant_terms     terms = { .client = STR(CLIENT_ID),
		.scopes = SCOPE_BIT(SCOPE_CONTENT_WRITE) };
	struct identity_tokens tokens;
	struct identity_call   k;
	struct principal       p;
	struct rig             r;

	(void)state;
	rig_open(&r);
	k = call_of(&r);
	assert_int_equal(grant_to_client(&k, &terms, &tokens), OK);
	assert_null(tokens.refresh_token.ptr);
	for (int i = 0; i < 2; i++) {   /* verified, and remembered */
		p = rig_principal(&r, tokens.access_token);
		assert_int_equal(p.kind, PRINCIPAL_CLIENT);
		assert_str(p.id, STR(CLIENT_ID));
		assert_int_equal(p.scopes, SCOPE_BIT(SCOPE_CONTENT_WRITE));
	}
	rig_close(&r);
}

TEST(tokens_end_with_their_client)
{
	struct store_op        op = { .verb = STORE_DELETE,
		.item = { .pk = STR("oauth_client#x"), .sk = STR("client") } };
	struct grant_terms     terms = { .client = STR(CLIENT_ID),
		.scopes = SCOPE_BIT(SCOPE_CONTENT_WRITE) };
	struct identity_tokens people, own, ours;
	struct identity_call   k;
	struct rig             r;

	(void)state;
	rig_open(&r);
	k = call_of(&r);
	people = granted(&r);
	ours = rig_login(&r);
	assert_int_equal(grant_to_client(&k, &terms, &own), OK);
	assert_true(rig_is_alive(&r, people.access_token) && rig_is_alive(&r, own.access_token));
	assert_int_equal(session_end_client(r.auth, r.c, STR(CLIENT_ID), &op, r.now_ms), OK);
	assert_false(rig_is_alive(&r, people.access_token));
	assert_false(rig_is_alive(&r, own.access_token));
	assert_true(rig_is_alive(&r, ours.access_token));
	rig_close(&r);
}

TEST_MAIN(RUN(a_code_is_good_for_sixty_seconds), RUN(a_used_code_is_remembered_with_what_it_gave),
    RUN(what_is_no_code_is_not_looked_for), RUN(a_code_knows_its_verifier_and_no_other),
    RUN(a_redirect_leads_to_https_or_this_machine_or_an_app),
    RUN(the_origin_of_a_redirect_is_what_a_policy_may_name),
    RUN(a_secret_is_one_clients_and_kept_as_a_digest),
    RUN(every_scope_that_clients_are_given_has_words),
    RUN(a_clients_token_has_what_was_granted_and_not_the_account),
    RUN(refresh_tokens_of_clients_and_our_own_are_not_each_others),
    RUN(all_sessions_of_a_client_end_and_nobody_elses),
    RUN(a_clients_refresh_tokens_end_with_the_session_at_the_latest),
    RUN(a_clients_refresh_token_a_second_time_ends_its_session),
    RUN(a_client_for_itself_is_its_own_principal), RUN(tokens_end_with_their_client))
