/*
 * OIDC_ISSUERS, and whom a token of another issuer means.  What is held off:
 *   - a setting that says other than was meant: unknown members, wrong types, no audience
 *   - an issuer that is our own, or listed twice
 *   - accounts and sessions of two issuers, or theirs and ours, that meet
 *   - an e-mail address that nobody verified; roles that are none; text without end
 */
#include "auth/foreign.h"
#include "base/id.h"
#include "tests/test.h"

#define OWN STR("https://quiver.example")
#define ISS "\"issuer\":\"https://idp.example/\","
#define AUD "\"audience\":\"api\""

static enum err parse(struct arena *a, const char *text, struct issuers *out, struct str *reason)
{
	*out = (struct issuers){ 0 };
	return issuers_parse(a, str_of(text), OWN, out, reason);
}

static const struct {
	const char *text, *reason;
} refused[] = {
	{ "", "JSON list" }, { "{}", "JSON list" }, { "\"x\"", "JSON list" }, { "[", "JSON list" },
	{ "['x']", "JSON list" }, { "[{" ISS ISS AUD "}]", "duplicate" }, { "[1]", "an object" },
	{ "[{}]", "issuer: it is missing" }, { "[{" ISS "\"token\":\"id\"}]", "audience: it is missing" },
	{ "[{" ISS AUD ",\"jwksUri\":\"x\"}]", "entry 1: it: there is a member that is none; there are issuer, audience," },
	{ "[{" ISS AUD ",\"Issuer\":\"x\"}]", "a member that is none" },
	{ "[{\"issuer\":\"http://idp.example\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"idp.example\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https://\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https:///x\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https://idp.example?a\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https://idp.example#a\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https://me@idp.example\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"http://localhost.evil.example\"," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":[\"https://idp.example\"]," AUD "}]", "issuer: expected" },
	{ "[{\"issuer\":\"https://quiver.example\"," AUD "}]", "own" },
	{ "[{" ISS AUD "},{" ISS AUD "}]", "entry 2: issuer: it is listed twice" },
	{ "[{" ISS "\"audience\":\"\"}]", "audience: expected" },
	{ "[{" ISS "\"audience\":[]}]", "audience: expected" },
	{ "[{" ISS "\"audience\":[1]}]", "audience: expected" },
	{ "[{" ISS "\"audience\":null}]", "audience: expected" },
	{ "[{" ISS "\"audience\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}]", "audience" },
	{ "[{" ISS AUD ",\"jwks_uri\":\"http://idp.example/keys\"}]", "jwks_uri: expected" },
	{ "[{" ISS AUD ",\"jwks_uri\":\"file:///etc/passwd\"}]", "jwks_uri: expected" },
	{ "[{" ISS AUD ",\"algorithms\":[\"HS256\"]}]", "algorithms: expected" },
	{ "[{" ISS AUD ",\"algorithms\":[\"RS256\",\"none\"]}]", "algorithms: expected" },
	{ "[{" ISS AUD ",\"algorithms\":[\"PS512\"]}]", "algorithms: expected" },
	{ "[{" ISS AUD ",\"algorithms\":[]}]", "algorithms: expected" },
	{ "[{" ISS AUD ",\"algorithms\":\"RS256\"}]", "algorithms: expected" },
	{ "[{" ISS AUD ",\"roles_claim\":\"\"}]", "roles_claim: expected" },
	{ "[{" ISS AUD ",\"tenant_claim\":[\"a\"]}]", "tenant_claim: expected" },
	{ "[{" ISS AUD ",\"token\":\"refresh\"}]", "token: expected" },
};

TEST(a_setting_that_says_other_than_it_may_is_refused_and_says_where)
{
	struct issuers list;
	struct arena   a;
	struct str     reason;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		arena_init(&a, 1 << 20);
		reason = STR("accepted");
		assert_row(parse(&a, refused[i].text, &list, &reason) == ERR_INVALID, refused[i].text);
		if (!str_contains(reason, str_of(refused[i].reason)))
			fail_msg("row %s: %.*s", refused[i].text, STR_ARG(reason));
		arena_clean(&a);
	}
}

TEST(issuers_are_found_by_their_exact_name)
{
	struct issuers list;
	struct arena   a;
	struct str     reason = STR_NONE;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(parse(&a, "[{" ISS AUD "},{\"issuer\":\"http://127.0.0.1:8080\","
	    "\"audience\":[\"a\",\"b\"],\"jwks_uri\":\"http://[::1]:1/keys\","
	    "\"algorithms\":[\"ES256\",\"EdDSA\"],\"roles_claim\":\"realm_access.roles\","
	    "\"tenant_claim\":\"org\",\"token\":\"id\"}]", &list, &reason), OK);
	assert_int_equal(list.count, 2);
	assert_ptr_equal(issuers_find(&list, STR("https://idp.example/")), &list.list[0]);
	assert_null(issuers_find(&list, STR("https://idp.example")));
	assert_null(issuers_find(&list, STR("")));
	assert_null(issuers_find(&list, STR_NONE));
	assert_false(list.list[0].id_tokens);
	assert_int_equal(list.list[0].algorithms, JWS_TOKEN_ALGORITHMS);
	assert_int_equal(list.list[1].algorithms, JWS_BIT(JWS_ES256) | JWS_BIT(JWS_EDDSA));
	assert_int_equal(list.list[1].n_audiences, 2);
	assert_true(list.list[1].id_tokens);
	arena_clean(&a);
}

TEST(there_are_at_most_sixteen)
{
	struct issuers list;
	struct arena   a;
	struct str     reason = STR_NONE;
	struct buf     text;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&text, &a, 1 << 16);
	for (int i = 0; i <= ISSUERS_MAX; i++) {
		buf_printf(&text, "%s{\"issuer\":\"https://i%d.example\"," AUD "}", i == 0 ? "[" : ",", i);
		if (i == ISSUERS_MAX - 1)
			assert_int_equal(parse(&a, arena_printf(&a, "%s]", buf_cstr(&text)).ptr,
			    &list, &reason), OK);
	}
	buf_char(&text, ']');
	assert_int_equal(parse(&a, buf_cstr(&text), &list, &reason), ERR_INVALID);
	assert_true(str_contains(reason, STR("at most 16")));
	arena_clean(&a);
}

/* --- claims ----------------------------------------------------------------------- */

static const struct json *object(struct arena *a, const char *text)
{
	const struct json *v;
	struct json_error  error;

	assert_int_equal(json_parse(a, str_of(text), 8, &v, &error), OK);
	return v;
}

TEST(a_claim_is_found_by_its_whole_name_first_and_then_by_its_path)
{
	static const char payload[] = "{\"a.b\":1,\"a\":{\"b\":2,\"c\":{\"d\":3},\"x.y\":4},"
	    "\"https://e.com/roles\":5,\"https://e.com/app\":{\"r\":6},\"l\":[7],\"s\":\"t\"}";
	static const struct { const char *path; int64_t value; } table[] = {
		{ "a.b", 1 }, { "a.c.d", 3 }, { "a.x.y", 4 }, { "https://e.com/roles", 5 },
		{ "https://e.com/app.r", 6 }, { "a.c.e", 0 }, { "l.0", 0 }, { "s.t", 0 }, { "", 0 },
		{ ".", 0 }, { "a.", 0 }, { ".a", 0 }, { "a..b", 0 }, { "z", 0 }, { "a.b.c", 0 },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(table); i++)
		assert_row(json_int(issuer_claim(object(&a, payload), str_of(table[i].path))) ==
		    table[i].value, table[i].path);
	arena_clean(&a);
}

static struct issuer some_issuer(void)
{
	return (struct issuer){
		.name = STR("https://idp.example"), .roles_claim = STR("app.roles"),
		.tenant_claim = STR("org"),
	};
}

static enum err meet(struct arena *a, const struct issuer *i, const char *payload,
    struct principal *out)
{
	const uint8_t       digest[SHA256_BYTES] = { 7 };
	struct token        t = { .payload = object(a, payload) };
	const char         *reason = "";

	t.claims.subject = json_get_string(t.payload, "sub");
	t.claims.scoped = json_get(t.payload, STR("scope")) != NULL;
	if (t.claims.scoped) {
		struct str rest = json_get_string(t.payload, "scope");

		while (rest.ptr != NULL)
			t.claims.scopes |= SCOPE_BIT(scope_from_name(str_cut(&rest, ' ')));
		t.claims.scopes &= ~SCOPE_BIT(SCOPE_UNSET);
	}
	return foreign_principal(a, i, &t, digest, out, &reason);
}

TEST(accounts_of_others_are_uuids_that_never_meet)
{
	static const struct { const char *issuer, *subject; } names[] = {
		{ "https://idp.example", "alice" }, { "https://idp.example", "alice2" },
		{ "https://idp.example/", "alice" }, { "https://idp.example/a", "lice" },
		{ "https://idp.example", "01890000-0000-7000-8000-000000000000" },
	};
	struct str   ids[COUNT(names)];
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(names); i++) {
		ids[i] = foreign_account_id(&a, str_of(names[i].issuer), str_of(names[i].subject));
		assert_true(id_is_uuid(ids[i]));
		assert_int_equal(ids[i].ptr[14], '8');
		assert_true(str_contains(STR("89ab"), (struct str){ ids[i].ptr + 19, 1 }));
		for (size_t j = 0; j < i; j++)
			assert_false(str_eq(ids[i], ids[j]));
	}
	/* For ever: what is stored under it would be lost. */
	assert_str(ids[0], STR("7e3a0d4e-64d0-83aa-8d80-42c500292f07"));
	arena_clean(&a);
}

TEST(a_session_is_the_providers_or_the_tokens)
{
	static const char *const payloads[] = {
		"{\"sub\":\"a\",\"sid\":\"1\",\"origin_jti\":\"2\",\"jti\":\"3\"}",
		"{\"sub\":\"a\",\"origin_jti\":\"1\",\"jti\":\"3\"}", "{\"sub\":\"a\",\"jti\":\"1\"}",
		"{\"sub\":\"a\"}", "{\"sub\":\"a\",\"sid\":\"2\"}",
	};
	struct issuer    issuer = some_issuer(), other = some_issuer();
	struct principal p[COUNT(payloads)], again;
	struct arena     a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(payloads); i++) {
		assert_int_equal(meet(&a, &issuer, payloads[i], &p[i]), OK);
		assert_true(id_is_uuid(p[i].session));
		for (size_t j = 0; j < i; j++)
			assert_false(str_eq(p[i].session, p[j].session));
	}
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"b\",\"sid\":\"1\",\"jti\":\"9\"}", &again), OK);
	assert_str(again.session, p[0].session);
	other.name = STR("https://other.example");
	assert_int_equal(meet(&a, &other, payloads[0], &again), OK);
	assert_false(str_eq(again.session, p[0].session));
	arena_clean(&a);
}

static const struct {
	const char *roles;
	enum role   highest;
} roles[] = {
	{ "null", ROLE_USER }, { "[]", ROLE_USER }, { "[\"admins\"]", ROLE_ADMIN },
	{ "[\"admin\",\"god\"]", ROLE_ADMIN }, { "[\"analysts\",7,null]", ROLE_ANALYST },
	{ "\"analyst\"", ROLE_ANALYST }, { "\"x owners\"", ROLE_OWNER }, { "[\"Admin\"]", ROLE_USER },
	{ "{\"admin\":true}", ROLE_USER }, { "[[\"admin\"]]", ROLE_USER }, { "true", ROLE_USER },
	{ "[\"anonymous\"]", ROLE_USER },
};

TEST(roles_are_found_by_our_names_and_groups_and_everyone_is_a_user)
{
	struct issuer    issuer = some_issuer();
	struct principal p;
	struct arena     a;

	(void)state;
	for (size_t i = 0; i < COUNT(roles); i++) {
		arena_init(&a, 1 << 20);
		assert_int_equal(meet(&a, &issuer, arena_printf(&a,
		    "{\"sub\":\"a\",\"app\":{\"roles\":%s},\"roles\":[\"owner\"]}",
		    roles[i].roles).ptr, &p), OK);
		assert_row(p.role == roles[i].highest, roles[i].roles);
		assert_true(principal_may(&p, SCOPE_PROFILE));
		arena_clean(&a);
	}
}

TEST(what_a_token_says_of_its_account_is_taken_with_care)
{
	struct issuer    issuer = some_issuer();
	struct principal p;
	struct arena     a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"a\",\"email\":\"a@example.com\","
	    "\"email_verified\":true,\"name\":\"A\",\"org\":\"acme\",\"tenant\":\"evil\",\"plan\":\"enterprise\"}",
	    &p), OK);
	assert_str(p.email, STR("a@example.com"));
	assert_str(p.name, STR("A"));
	assert_str(p.tenant, STR("acme"));
	assert_null(p.plan.ptr);
	assert_true(p.foreign);
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"a\",\"email\":\"a@example.com\","
	    "\"email_verified\":\"true\",\"name\":\"a\\nb\",\"org\":[\"acme\"]}", &p), OK);
	assert_null(p.email.ptr);
	assert_null(p.name.ptr);
	assert_null(p.tenant.ptr);
	arena_clean(&a);
}

TEST(a_scope_claim_narrows_when_it_names_our_scopes)
{
	struct issuer    issuer = some_issuer();
	struct principal p;
	struct arena     a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"a\",\"scope\":\"openid profile email offline_access\"}", &p), OK);
	assert_int_equal(p.scopes, role_scopes(ROLE_USER));
	assert_int_equal(meet(&a, &issuer,
	    "{\"sub\":\"a\",\"scope\":\"openid profile content:read content:write\"}", &p), OK);
	assert_int_equal(p.scopes, SCOPE_BIT(SCOPE_CONTENT_READ) | SCOPE_BIT(SCOPE_PROFILE) |
	    SCOPE_BIT(SCOPE_OPENID));
	arena_clean(&a);
}

TEST(a_subject_that_cannot_be_used_is_refused)
{
	struct issuer    issuer = some_issuer();
	struct principal p;
	struct arena     a;
	char             text[512];

	(void)state;
	arena_init(&a, 1 << 20);
	memset(text, 'a', sizeof(text));
	assert_int_equal(meet(&a, &issuer, arena_printf(&a, "{\"sub\":\"%.*s\"}", 256, text).ptr, &p),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(meet(&a, &issuer, arena_printf(&a, "{\"sub\":\"%.*s\"}", 255, text).ptr, &p),
	    OK);
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"a\\u0000b\"}", &p), ERR_UNAUTHENTICATED);
	issuer.home = true;
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"alice\"}", &p), ERR_UNAUTHENTICATED);
	assert_int_equal(meet(&a, &issuer, "{\"sub\":\"b0000000-0000-4000-8000-000000000000\"}", &p),
	    OK);
	assert_str(p.id, STR("b0000000-0000-4000-8000-000000000000"));
	assert_false(p.foreign);
	arena_clean(&a);
}

TEST_MAIN(
	RUN(a_setting_that_says_other_than_it_may_is_refused_and_says_where),
	RUN(issuers_are_found_by_their_exact_name),
	RUN(there_are_at_most_sixteen),
	RUN(a_claim_is_found_by_its_whole_name_first_and_then_by_its_path),
	RUN(accounts_of_others_are_uuids_that_never_meet),
	RUN(a_session_is_the_providers_or_the_tokens),
	RUN(roles_are_found_by_our_names_and_groups_and_everyone_is_a_user),
	RUN(what_a_token_says_of_its_account_is_taken_with_care),
	RUN(a_scope_claim_narrows_when_it_names_our_scopes),
	RUN(a_subject_that_cannot_be_used_is_refused))
