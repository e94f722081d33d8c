/*
 * Which account somebody is who comes from an outside provider.  Attacks held off:
 *   - an account taken over by an address that the provider did not verify, or by a
 *     second subject with the address that the first had
 *   - links that hold though their provider is another one now
 *   - an account that may not sign in, signed in to through a provider
 *   - a cookie that another host of the domain could have set
 */
#include "auth_rig.h"

#include "auth/provider_link.h"

#define ISSUER STR("https://idp.example")

struct link_rig {
	struct fixture       f;
	struct provider      provider;
	struct identity_call k;
	struct provider_account out;
};

static void open_rig(struct link_rig *r)
{
	*r = (struct link_rig){ .provider = {
		.name = STR("work"), .issuer = ISSUER, .openid = true, .links = true,
	} };
	open_handler(&r->f);
	r->k = (struct identity_call){
		.auth = r->f.app.auth, .store = r->f.worker.store, .arena = &r->f.arena,
		.now_ms = time_now_ms(),
	};
}

static enum err come(struct link_rig *r, const char *subject, const char *email, bool verified)
{
	struct provider_person who = {
		.subject = str_of(subject), .email = str_of(email), .email_verified = verified,
		.name = STR("Ada"),
	};

	return provider_account(&r->k, &r->provider, &who, true, &r->out);
}

static enum provider_refusal refused(struct link_rig *r, const char *subject, const char *email,
    bool verified)
{
	assert_int_equal(come(r, subject, email, verified), ERR_FORBIDDEN);
	return r->out.refusal;
}

static void disable(struct link_rig *r)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_VERSION };

	r->out.record.disabled = true;
	assert_int_equal(account_item(&r->f.arena, &r->out.record, &op.item), OK);
	assert_int_equal(store_write(r->k.store, &op, 1, STORE_DURABLE, r->k.now_ms, &result), OK);
}

TEST(a_stranger_with_a_verified_address_gets_a_users_account_on_the_free_plan)
{
	struct link_rig r;
	struct str      id;

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	assert_false(r.out.linked);
	assert_int_equal(r.out.record.account.roles, 1u << ROLE_USER);
	assert_str(r.out.record.account.plan, STR("free"));
	assert_str(r.out.record.account.name, STR("Ada"));
	assert_int_equal(r.out.record.password.len, 0);
	id = r.out.record.account.id;
	assert_int_equal(come(&r, "s1", "changed@example.org", false), OK);
	assert_str(r.out.record.account.id, id);
	assert_str(r.out.record.account.email, STR("ada@example.org"));
	fixture_close(&r.f);
}

TEST(no_password_opens_an_account_that_a_provider_made)
{
	struct link_rig r;
	static const char *const passwords[] = { "", "null", "a password of the owner's" };

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	for (size_t i = 0; i < COUNT(passwords); i++) {
		struct fixture_reply reply = post(&r.f, "/v1/auth/login", NULL,
		    arena_printf(&r.f.arena, "{\"email\":\"ada@example.org\",\"password\":\"%s\"}",
		    passwords[i]).ptr);

		assert_true(reply.status == 401 || reply.status == 422);
	}
	fixture_close(&r.f);
}

TEST(an_unverified_address_opens_nothing_and_makes_nothing)
{
	struct link_rig r;

	(void)state;
	open_rig(&r);
	assert_int_equal(refused(&r, "s1", EMAIL, false), PROVIDER_REFUSED_UNVERIFIED);
	assert_int_equal(refused(&r, "s1", "new@example.org", false), PROVIDER_REFUSED_UNVERIFIED);
	assert_int_equal(refused(&r, "s1", "", true), PROVIDER_REFUSED_UNVERIFIED);
	fixture_close(&r.f);
}

TEST(an_address_opens_its_account_for_one_subject_of_a_provider_alone)
{
	struct link_rig r;
	struct str      id;

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", "OWNER@localhost", true), OK);
	assert_true(r.out.linked);
	id = r.out.record.account.id;
	assert_int_equal(come(&r, "s1", EMAIL, true), OK);
	assert_false(r.out.linked);
	assert_str(r.out.record.account.id, id);
	assert_int_equal(refused(&r, "s2", EMAIL, true), PROVIDER_REFUSED_TAKEN);
	r.provider.name = STR("other");
	assert_int_equal(come(&r, "s2", EMAIL, true), OK);
	assert_str(r.out.record.account.id, id);
	fixture_close(&r.f);
}

TEST(a_provider_that_may_not_link_makes_accounts_but_opens_none)
{
	struct link_rig r;

	(void)state;
	open_rig(&r);
	r.provider.links = false;
	assert_int_equal(refused(&r, "s1", EMAIL, true), PROVIDER_REFUSED_TAKEN);
	assert_int_equal(come(&r, "s1", "new@example.org", true), OK);
	fixture_close(&r.f);
}

TEST(a_link_does_not_hold_for_another_issuer_of_that_name)
{
	struct link_rig r;

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", EMAIL, true), OK);
	r.provider.issuer = STR("https://new.example");
	assert_int_equal(refused(&r, "s1", EMAIL, true), PROVIDER_REFUSED_MOVED);
	fixture_close(&r.f);
}

TEST(an_account_that_is_disabled_is_refused_by_link_and_by_address)
{
	struct link_rig r;

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	disable(&r);
	assert_int_equal(refused(&r, "s1", "ada@example.org", true), PROVIDER_REFUSED_DISABLED);
	r.provider.name = STR("other");
	assert_int_equal(refused(&r, "s1", "ada@example.org", true), PROVIDER_REFUSED_DISABLED);
	fixture_close(&r.f);
}

TEST(with_registration_closed_a_stranger_gets_no_account_and_others_come_in)
{
	struct link_rig        r;
	struct provider_person who = {
		.subject = STR("s1"), .email = STR("new@example.org"), .email_verified = true,
	};

	(void)state;
	open_rig(&r);
	assert_int_equal(provider_account(&r.k, &r.provider, &who, false, &r.out), ERR_FORBIDDEN);
	assert_int_equal(r.out.refusal, PROVIDER_REFUSED_CLOSED);
	who.email = STR(EMAIL);
	assert_int_equal(provider_account(&r.k, &r.provider, &who, false, &r.out), OK);
	fixture_close(&r.f);
}

TEST(a_link_whose_account_is_gone_is_made_anew)
{
	struct link_rig     r;
	struct store_result result;
	struct store_op     ops[2];
	struct str          id;

	(void)state;
	open_rig(&r);
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	id = r.out.record.account.id;
	for (size_t i = 0; i < COUNT(ops); i++)
		ops[i] = (struct store_op){ .verb = STORE_DELETE, .condition = STORE_PRESENT };
	ops[0].item = (struct store_item){ .pk = account_pk(&r.f.arena, id), .sk = STR("account") };
	ops[1].item = (struct store_item){ .pk = STR("email#ada@example.org"), .sk = STR("email") };
	assert_int_equal(store_write(r.k.store, ops, 2, STORE_DURABLE, r.k.now_ms, &result), OK);
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	assert_false(str_eq(r.out.record.account.id, id));
	id = r.out.record.account.id;
	assert_int_equal(come(&r, "s1", "ada@example.org", true), OK);
	assert_str(r.out.record.account.id, id);
	fixture_close(&r.f);
}

TEST(subjects_with_any_characters_are_told_apart)
{
	static const char *const subjects[] = {
		"a", "A", "a#b", "a/b", "a b", "\"", "\\", "auth0|5f7c", "\xc3\xa9", "e\xcc\x81",
	};
	struct link_rig r;
	struct str      ids[COUNT(subjects)];

	(void)state;
	open_rig(&r);
	for (size_t i = 0; i < COUNT(subjects); i++) {
		assert_int_equal(come(&r, subjects[i], arena_printf(&r.f.arena, "u%zu@example.org",
		    i).ptr, true), OK);
		ids[i] = r.out.record.account.id;
		for (size_t j = 0; j < i; j++)
			assert_row(!str_eq(ids[i], ids[j]), subjects[i]);
	}
	for (size_t i = 0; i < COUNT(subjects); i++) {
		assert_int_equal(come(&r, subjects[i], "", false), OK);
		assert_row(str_eq(r.out.record.account.id, ids[i]), subjects[i]);
	}
	fixture_close(&r.f);
}

/* --- through the pipeline --------------------------------------------------------- */

#define GITHUB "AUTH_PROVIDERS=[{\"name\":\"github\",\"client_id\":\"c\",\"client_secret\":\"s\"}]"

static const char *const with_github[] = {
	"LOG_LEVEL=error", "PUBLIC_URL=https://quiver.example", GITHUB, NULL
};

TEST(under_https_the_cookie_is_this_hosts_alone)
{
	struct fixture       f;
	struct fixture_reply reply;
	struct str           cookie;

	(void)state;
	fixture_open(&f, &auth_handler, with_github);
	reply = get(&f, "/v1/auth/oauth/github", NULL);
	assert_int_equal(reply.status, 303);
	cookie = fixture_header(&reply, "Set-Cookie");
	assert_true(str_starts(cookie, STR("__Host-quiver_provider=")));
	assert_true(str_ends(cookie, STR("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure")));
	assert_true(str_starts(fixture_header(&reply, "Location"), STR("https://github.com/login/oauth/"
	    "authorize?response_type=code&client_id=c&redirect_uri=https%3A%2F%2Fquiver.example%2Fv1%2F"
	    "auth%2Foauth%2Fgithub%2Fcallback&scope=read%3Auser%20user%3Aemail&state=")));
	assert_str(fixture_header(&reply, "Cache-Control"), STR("no-store"));
	fixture_close(&f);
}

TEST(without_providers_there_is_an_empty_list_and_nowhere_to_go)
{
	struct fixture       f;
	struct fixture_reply reply;

	(void)state;
	fixture_open(&f, &auth_handler, settings);
	reply = get(&f, "/v1/auth/providers", NULL);
	assert_str(reply.body, STR("{\"providers\":[]}"));
	assert_int_equal(get(&f, "/v1/auth/oauth/google", NULL).status, 404);
	assert_int_equal(get(&f, "/v1/auth/oauth/google/callback?code=x&state=y", NULL).status, 404);
	fixture_close(&f);
}

TEST(a_hand_over_code_that_is_none_costs_nothing_and_says_nothing)
{
	static const char *const codes[] = {
		"x", "qv_sign_in_", "qv_sign_in_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	struct fixture f;

	(void)state;
	fixture_open(&f, &auth_handler, settings);
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct fixture_reply reply = post(&f, "/v1/auth/oauth/exchange", NULL,
		    arena_printf(&f.arena, "{\"code\":\"%s\"}", codes[i]).ptr);

		assert_int_equal(reply.status, 401);
		assert_true(str_contains(reply.body, STR("start again")));
	}
	fixture_close(&f);
}

TEST_MAIN(
	RUN(a_stranger_with_a_verified_address_gets_a_users_account_on_the_free_plan),
	RUN(no_password_opens_an_account_that_a_provider_made),
	RUN(an_unverified_address_opens_nothing_and_makes_nothing),
	RUN(an_address_opens_its_account_for_one_subject_of_a_provider_alone),
	RUN(a_provider_that_may_not_link_makes_accounts_but_opens_none),
	RUN(a_link_does_not_hold_for_another_issuer_of_that_name),
	RUN(an_account_that_is_disabled_is_refused_by_link_and_by_address),
	RUN(with_registration_closed_a_stranger_gets_no_account_and_others_come_in),
	RUN(a_link_whose_account_is_gone_is_made_anew),
	RUN(subjects_with_any_characters_are_told_apart),
	RUN(under_https_the_cookie_is_this_hosts_alone),
	RUN(without_providers_there_is_an_empty_list_and_nowhere_to_go),
	RUN(a_hand_over_code_that_is_none_costs_nothing_and_says_nothing))
