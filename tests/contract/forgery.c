/*
 * Tokens with a wrong signature, by the hundred.  What it holds off:
 *   - a network whose forgeries cost a signature each, without end
 *   - forgers who lock out those who were known before, or who come from elsewhere
 *   - a forged token that would be let in once nobody looks at signatures any more
 */
#include "identity_rig.h"

#include "auth/forgery.h"

#define FORGER STR("192.0.2.7")
#define OTHER  STR("198.51.100.7")

static enum err from(struct rig *r, struct str address, struct str token)
{
	struct auth_credentials who = {
		.authorization = arena_printf(&r->a, "Bearer %.*s", STR_ARG(token)), .address = address,
	};
	struct principal p;
	const char      *reason;

	return auth_authenticate(r->auth, r->c, &r->a, &who, r->now_ms, &p, &reason);
}

/* The token with another signature. */
static struct str forge(struct rig *r, struct str token)
{
	char *forged = arena_cstr(&r->a, token);

	forged[token.len - 20] = forged[token.len - 20] == 'A' ? 'B' : 'A';
	return str_of(forged);
}

static void spend(struct rig *r, struct str token)
{
	for (int i = 0; i < FORGERY_BURST; i++)
		assert_int_equal(from(r, FORGER, token), ERR_UNAUTHENTICATED);
}

TEST(a_network_that_sent_many_wrong_signatures_is_told_to_wait)
{
	struct rig r;
	struct str forged;

	(void)state;
	rig_open(&r);
	forged = forge(&r, rig_login(&r).access_token);
	spend(&r, forged);
	assert_int_equal(from(&r, FORGER, forged), ERR_LIMITED);
	rig_close(&r);
}

TEST(a_token_that_was_known_before_is_good_beside_forgers)
{
	struct rig r;
	struct str token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	assert_int_equal(from(&r, FORGER, token), OK);
	spend(&r, forge(&r, token));
	assert_int_equal(from(&r, FORGER, token), OK);
	rig_close(&r);
}

TEST(another_network_does_not_notice_forgers)
{
	struct rig r;
	struct str token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	spend(&r, forge(&r, token));
	assert_int_equal(from(&r, OTHER, token), OK);
	rig_close(&r);
}

TEST(a_new_token_from_a_forgers_network_is_good_a_moment_later)
{
	struct rig r;
	struct str token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	spend(&r, forge(&r, token));
	assert_int_equal(from(&r, FORGER, token), ERR_LIMITED);
	r.now_ms += SECOND_MS / FORGERY_PER_S;
	assert_int_equal(from(&r, FORGER, token), OK);
	rig_close(&r);
}

TEST(an_expired_token_is_no_forgery)
{
	struct rig r;
	struct str token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	r.now_ms += 2 * HOUR_MS;
	spend(&r, token);
	assert_int_equal(from(&r, FORGER, token), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_network_that_sent_many_wrong_signatures_is_told_to_wait),
	RUN(a_token_that_was_known_before_is_good_beside_forgers),
	RUN(another_network_does_not_notice_forgers),
	RUN(a_new_token_from_a_forgers_network_is_good_a_moment_later),
	RUN(an_expired_token_is_no_forgery))
