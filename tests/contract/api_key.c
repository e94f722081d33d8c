/*
 * From an API key to its principal, over the real store and the real shared memory.
 * Attacks held off: junk that costs I/O; a secret that was rotated, revoked or has
 * expired; use from elsewhere; a key that outlives its owner's rights; two
 * credentials at once; a change that another process does not see.
 */
#include "api_key_rig.h"

#include <sys/wait.h>

TEST(a_key_is_its_owner_with_the_scopes_it_was_given)
{
	struct principal p;
	struct made_key  k;
	struct rig       r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	k.record.scopes = SCOPE_BIT(SCOPE_CONTENT_READ) | SCOPE_BIT(SCOPE_CONTENT_WRITE);
	key_put(&r, &k);
	for (int i = 0; i < 2; i++) {           /* read, then remembered */
		p = key_principal(&r, k.text);
		assert_int_equal(p.kind, PRINCIPAL_KEY);
		assert_str(p.id, k.record.account);
		assert_str(p.key, k.record.id);
		assert_int_equal(p.scopes, k.record.scopes);
		assert_int_equal(p.role, ROLE_OWNER);
		assert_str(p.plan, STR("enterprise"));
		assert_null(p.session.ptr);
		assert_null(p.tenant.ptr);
		assert_true(p.key_read == (i == 0));
	}
	rig_close(&r);
}

TEST(it_comes_as_a_bearer_token_too)
{
	struct principal p;
	struct rig       r;
	struct made_key  k;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	assert_int_equal(rig_authenticate(&r, k.text, &p), OK);
	assert_str(p.key, k.record.id);
	rig_close(&r);
}

TEST(two_different_credentials_are_none)
{
	struct auth_credentials who = { .address = STR("192.0.2.7") };
	struct principal        p;
	const char             *reason = "";
	struct rig              r;
	struct str              key, token;

	(void)state;
	rig_open(&r);
	key = key_make(&r).text;
	token = rig_login(&r).access_token;
	who.api_key = key;
	who.authorization = arena_printf(&r.a, "Bearer %.*s", STR_ARG(token));
	assert_int_equal(auth_authenticate(r.auth, r.c, &r.a, &who, r.now_ms, &p, &reason),
	    ERR_UNAUTHENTICATED);
	assert_string_equal(reason, "two_credentials");
	who.authorization = STR("Basic b3duZXI6cGFzcw==");
	assert_int_equal(auth_authenticate(r.auth, r.c, &r.a, &who, r.now_ms, &p, &reason),
	    ERR_UNAUTHENTICATED);
	who.authorization = arena_printf(&r.a, "Bearer %.*s", STR_ARG(key));
	assert_int_equal(auth_authenticate(r.auth, r.c, &r.a, &who, r.now_ms, &p, &reason), OK);
	rig_close(&r);
}

/* Without a connection a read of the store would end the process. */
TEST(junk_costs_no_read)
{
	static const char *const junk[] = {
		"x", "qv_live_", "qv_test_02wndAAHBC95f4Al8rNRCX_", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
		"qv_live_02wndAAHBC95f4Al8rNRCX_0000000000000000000000000000000000000000000000000",
		"qv_live_02wndAAHBC95f4Al8rNRCX_00000000000000000000000000000000000000000004YuF1",
	};
	struct store_connection *c;
	struct principal         p;
	const char              *reason;
	struct rig               r;

	(void)state;
	rig_open(&r);
	c = r.c;
	r.c = NULL;
	for (size_t i = 0; i < COUNT(junk); i++) {
		reason = "";
		assert_row(key_try_from(&r, str_of(junk[i]), "192.0.2.7", &p, &reason) ==
		    ERR_UNAUTHENTICATED, junk[i]);
		assert_row(strcmp(reason, "no_api_key") == 0, junk[i]);
	}
	r.c = c;
	rig_close(&r);
}

TEST(a_key_seen_a_moment_ago_costs_no_read)
{
	struct store_connection *c;
	struct made_key          k;
	struct rig               r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	assert_string_equal(key_answer(&r, k.text), "");
	c = r.c;
	r.c = NULL;
	r.now_ms += API_KEY_BELIEVED_MS - 1;
	assert_string_equal(key_answer(&r, k.text), "");
	r.c = c;
	r.now_ms += 1;
	assert_true(key_principal(&r, k.text).key_read);
	rig_close(&r);
}

TEST(a_clock_set_back_makes_it_asked_for_again)
{
	struct made_key k;
	struct rig      r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	assert_string_equal(key_answer(&r, k.text), "");
	r.now_ms -= HOUR_MS;
	assert_true(key_principal(&r, k.text).key_read);
	rig_close(&r);
}

TEST(an_unknown_key_and_a_wrong_secret_are_refused)
{
	char            text[API_KEY_BYTES + 1];
	uint8_t         digest[SHA256_BYTES];
	struct made_key k;
	struct rig      r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	api_key_generate(k.record.id, text, digest);
	assert_string_equal(key_answer(&r, str_of(text)), "wrong_secret");
	api_key_generate(STR("01900000-0000-7000-8000-00000000abcd"), text, digest);
	assert_string_equal(key_answer(&r, str_of(text)), "unknown_key");
	rig_close(&r);
}

TEST(a_key_ends_at_its_time_remembered_or_not)
{
	struct made_key k;
	struct rig      r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	k.record.expires_ms = r.now_ms + 3000;
	key_put(&r, &k);
	r.now_ms += 2999;
	assert_true(key_principal(&r, k.text).expires_ms == k.record.expires_ms);
	r.now_ms += 1;
	assert_string_equal(key_answer(&r, k.text), "expired");
	r.now_ms += INT64_C(1000) * API_KEY_EXPIRED_KEPT_S;
	assert_string_equal(key_answer(&r, k.text), "unknown_key");
	rig_close(&r);
}

TEST(an_old_secret_works_until_its_grace_is_over)
{
	struct made_key k;
	struct rig      r;
	struct str      old;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	old = k.text;
	memcpy(k.record.previous, k.record.digest, SHA256_BYTES);
	k.record.previous_expires_ms = r.now_ms + 3000;
	key_draw(&r, &k);
	key_put(&r, &k);
	r.now_ms += 2999;
	assert_string_equal(key_answer(&r, old), "");
	assert_string_equal(key_answer(&r, k.text), "");
	r.now_ms += 1;
	assert_string_equal(key_answer(&r, old), "rotated");
	assert_string_equal(key_answer(&r, k.text), "");
	rig_close(&r);
}

static struct address_range range_of(const char *text)
{
	struct address_range range;

	assert_true(address_range_parse(str_of(text), &range));
	return range;
}

TEST(a_key_is_used_from_where_it_may_be)
{
	static const struct {
		const char *address;
		bool        allowed;
	} rows[] = {
		{ "192.0.2.1", true }, { "192.0.2.255", true }, { "192.0.3.0", false },
		{ "2001:db8::7", true }, { "2001:db8::8", false }, { "", false }, { "unix", false },
	};
	struct principal p;
	const char      *reason;
	struct made_key  k;
	struct rig       r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	k.record.ranges[0] = range_of("192.0.2.0/24");
	k.record.ranges[1] = range_of("2001:db8::7");
	k.record.n_ranges = 2;
	key_put(&r, &k);
	for (int round = 0; round < 2; round++)         /* read, then remembered */
		for (size_t i = 0; i < COUNT(rows); i++) {
			reason = "";
			assert_row((key_try_from(&r, k.text, rows[i].address, &p, &reason) == OK) ==
			    rows[i].allowed, rows[i].address);
			assert_row(rows[i].allowed || strcmp(reason, "address_not_allowed") == 0,
			    rows[i].address);
		}
	rig_close(&r);
}

TEST(every_range_of_a_full_list_counts)
{
	struct made_key k;
	struct rig      r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	for (size_t i = 0; i < API_KEY_RANGES_MAX; i++)
		k.record.ranges[i] = range_of(arena_printf(&r.a, "10.0.%zu.0/24", i).ptr);
	k.record.ranges[API_KEY_RANGES_MAX - 1] = range_of("192.0.2.7");
	k.record.n_ranges = API_KEY_RANGES_MAX;
	key_put(&r, &k);
	assert_string_equal(key_answer(&r, k.text), "");
	assert_false(key_principal(&r, k.text).key_read);
	rig_close(&r);
}

TEST(the_ceiling_falls_and_rises_with_the_owner_at_once)
{
	struct account_record owner;
	struct made_key       k;
	struct rig            r, other;

	(void)state;
	rig_open(&r);
	other = r;
	rig_attach(&other);
	k = key_make(&r);
	assert_true(principal_may(&(struct principal){ .scopes = key_principal(&other, k.text).scopes },
	    SCOPE_CONTENT_WRITE));
	owner = key_owner(&r);
	owner.account.roles = 1u << ROLE_ANALYST;
	key_put_owner(&r, &owner);
	assert_int_equal(key_principal(&other, k.text).scopes, role_scopes(ROLE_ANALYST));
	assert_int_equal(key_principal(&other, k.text).role, ROLE_ANALYST);
	owner.account.roles = 1u << ROLE_OWNER;
	key_put_owner(&r, &owner);
	assert_int_equal(key_principal(&other, k.text).scopes, role_scopes(ROLE_OWNER));
	rig_detach(&other);
	rig_close(&r);
}

TEST(a_disabled_owners_key_is_refused_at_once)
{
	struct account_record owner;
	struct made_key       k;
	struct rig            r, other;

	(void)state;
	rig_open(&r);
	other = r;
	rig_attach(&other);
	k = key_make(&r);
	assert_string_equal(key_answer(&other, k.text), "");
	owner = key_owner(&r);
	owner.disabled = true;
	key_put_owner(&r, &owner);
	assert_string_equal(key_answer(&other, k.text), "owner_disabled");
	rig_detach(&other);
	rig_close(&r);
}

TEST(a_deleted_owners_key_is_refused)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_DELETE };
	struct made_key     k;
	struct rig          r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	op.item = (struct store_item){ .pk = account_pk(&r.a, k.record.account), .sk = STR("account") };
	assert_int_equal(store_write(r.c, &op, 1, STORE_DURABLE, r.now_ms, &result), OK);
	assert_string_equal(key_answer(&r, k.text), "no_owner");
	rig_close(&r);
}

static void revoke_key(struct rig *r, struct made_key *k)
{
	struct store_result result;
	struct store_op     ops[API_KEY_REVOKE_OPS];

	assert_int_equal(api_key_revoke_ops(&r->a, &k->record, r->now_ms, ops), OK);
	assert_int_equal(store_write(r->c, ops, COUNT(ops), STORE_DURABLE, r->now_ms, &result), OK);
	auth_changed(r->auth, k->record.id);
}

TEST(a_revocation_is_seen_at_once_across_a_fork)
{
	struct made_key k;
	struct rig      r;
	pid_t           child;
	int             status;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	assert_string_equal(key_answer(&r, k.text), "");        /* and remembered */
	child = fork();
	if (child == 0) {
		struct rig own = r;

		rig_attach(&own);
		revoke_key(&own, &k);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(key_answer(&r, k.text), "revoked");
	rig_close(&r);
}

TEST(a_revocation_is_seen_within_five_seconds_on_another_machine)
{
	struct made_key k;
	struct rig      r, far = rig_empty();

	(void)state;
	rig_open(&r);
	/* Its own shared memory, the same store. */
	far.now_ms = r.now_ms;
	far.store_url = arena_printf(&r.a, "sqlite:%s/quiver.db", r.dir).ptr;
	rig_attach(&far);
	k = key_make(&r);
	assert_string_equal(key_answer(&far, k.text), "");
	revoke_key(&r, &k);
	far.now_ms += 4999;
	assert_string_equal(key_answer(&far, k.text), "");
	far.now_ms += 1;
	assert_string_equal(key_answer(&far, k.text), "revoked");
	rig_close(&far);
	rig_close(&r);
}

TEST(a_last_use_is_written_once_a_minute_and_is_no_change_of_the_key)
{
	struct api_key_record record;
	struct api_key_use    use;
	struct principal      p;
	struct made_key       k;
	struct rig            r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	p = key_principal(&r, k.text);
	assert_int_equal(api_key_use_read(r.c, &r.a, k.record.id, r.now_ms, &use), OK);
	assert_true(use.at_ms == 0);
	assert_int_equal(auth_key_used(r.c, &r.a, &p, STR("192.0.2.7"), r.now_ms), OK);
	assert_int_equal(auth_key_used(r.c, &r.a, &p, STR("192.0.2.8"), r.now_ms + 59999), OK);
	assert_int_equal(api_key_use_read(r.c, &r.a, k.record.id, r.now_ms, &use), OK);
	assert_true(use.at_ms == r.now_ms);
	assert_str(use.address, STR("192.0.2.7"));
	assert_true(use.version == 1);
	assert_int_equal(auth_key_used(r.c, &r.a, &p, STR("192.0.2.8"), r.now_ms + 60000), OK);
	assert_int_equal(api_key_use_read(r.c, &r.a, k.record.id, r.now_ms, &use), OK);
	assert_str(use.address, STR("192.0.2.8"));
	assert_int_equal(api_key_read(r.c, &r.a, k.record.id, r.now_ms, &record), OK);
	assert_true(record.version == k.record.version);
	rig_close(&r);
}

TEST(a_record_comes_back_as_it_was_stored)
{
	struct api_key_record got;
	struct made_key       k;
	struct rig            r;

	(void)state;
	rig_open(&r);
	k = key_make(&r);
	k.record.ranges[0] = range_of("0.0.0.0/0");
	k.record.ranges[1] = range_of("2001:db8::/32");
	k.record.n_ranges = 2;
	k.record.expires_ms = r.now_ms + HOUR_MS;
	k.record.rotated_ms = r.now_ms;
	k.record.previous_expires_ms = r.now_ms + 7;
	memset(k.record.previous, 0xAB, SHA256_BYTES);
	key_put(&r, &k);
	assert_int_equal(api_key_read(r.c, &r.a, k.record.id, r.now_ms, &got), OK);
	assert_str(got.name, k.record.name);
	assert_int_equal(got.scopes, k.record.scopes);
	assert_memory_equal(got.digest, k.record.digest, SHA256_BYTES);
	assert_memory_equal(got.previous, k.record.previous, SHA256_BYTES);
	assert_true(got.expires_ms == k.record.expires_ms);
	assert_true(got.previous_expires_ms == k.record.previous_expires_ms);
	assert_int_equal(got.n_ranges, 2);
	assert_str(api_key_range_text(&r.a, &got.ranges[0]), STR("0.0.0.0/0"));
	assert_str(api_key_range_text(&r.a, &got.ranges[1]), STR("2001:db8::/32"));
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_key_is_its_owner_with_the_scopes_it_was_given),
	RUN(it_comes_as_a_bearer_token_too),
	RUN(two_different_credentials_are_none),
	RUN(junk_costs_no_read),
	RUN(a_key_seen_a_moment_ago_costs_no_read),
	RUN(a_clock_set_back_makes_it_asked_for_again),
	RUN(an_unknown_key_and_a_wrong_secret_are_refused),
	RUN(a_key_ends_at_its_time_remembered_or_not),
	RUN(an_old_secret_works_until_its_grace_is_over),
	RUN(a_key_is_used_from_where_it_may_be),
	RUN(every_range_of_a_full_list_counts),
	RUN(the_ceiling_falls_and_rises_with_the_owner_at_once),
	RUN(a_disabled_owners_key_is_refused_at_once),
	RUN(a_deleted_owners_key_is_refused),
	RUN(a_revocation_is_seen_at_once_across_a_fork),
	RUN(a_revocation_is_seen_within_five_seconds_on_another_machine),
	RUN(a_last_use_is_written_once_a_minute_and_is_no_change_of_the_key),
	RUN(a_record_comes_back_as_it_was_stored))
