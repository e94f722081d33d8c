/*
 * Networks that an account was signed in from, by a clock of the test's own.
 */
#include "identity_rig.h"

#include "auth/known_network.h"

#define HOME STR("192.0.2.7")
#define DAY_MS (24 * HOUR_MS)

static void add(struct rig *r, const char *email, struct str network)
{
	(void)known_network_add(r->auth, r->c, &r->a, str_of(email), network, r->now_ms);
}

static bool knows(struct rig *r, const char *email, struct str network)
{
	return known_network_is(r->auth, r->c, &r->a, str_of(email), network, r->now_ms);
}

TEST(a_network_is_known_to_the_account_that_showed_itself_there_and_to_no_other)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_false(knows(&r, RIG_EMAIL, HOME));
	add(&r, RIG_EMAIL, HOME);
	assert_true(knows(&r, RIG_EMAIL, HOME));
	assert_true(knows(&r, "OWNER@example.COM", HOME));
	assert_false(knows(&r, RIG_EMAIL, STR("192.0.2.8")));
	assert_false(knows(&r, "another@example.com", HOME));
	rig_close(&r);
}

TEST(a_network_is_forgotten_half_a_year_after_the_last_sign_in)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	add(&r, RIG_EMAIL, HOME);
	r.now_ms += 100 * DAY_MS;
	add(&r, RIG_EMAIL, HOME);
	r.now_ms += 180 * DAY_MS - 1;
	assert_true(knows(&r, RIG_EMAIL, HOME));
	r.now_ms++;
	assert_false(knows(&r, RIG_EMAIL, HOME));
	rig_close(&r);
}

TEST(the_sixteen_newest_are_kept)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < KNOWN_NETWORKS_MAX + 3; i++) {
		add(&r, RIG_EMAIL, arena_printf(&r.a, "192.0.2.%d", i));
		r.now_ms += MINUTE_MS;
	}
	for (int i = 0; i < KNOWN_NETWORKS_MAX + 3; i++)
		assert_int_equal(knows(&r, RIG_EMAIL, arena_printf(&r.a, "192.0.2.%d", i)), i >= 3);
	rig_close(&r);
}

TEST(a_network_is_new_once_and_the_first_one_never)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_false(known_network_add(r.auth, r.c, &r.a, STR(RIG_EMAIL), HOME, r.now_ms));
	assert_true(known_network_add(r.auth, r.c, &r.a, STR(RIG_EMAIL), STR("192.0.2.8"),
	    r.now_ms));
	assert_false(known_network_add(r.auth, r.c, &r.a, STR(RIG_EMAIL), STR("192.0.2.8"),
	    r.now_ms));
	assert_false(known_network_add(r.auth, r.c, &r.a, STR(RIG_EMAIL), HOME, r.now_ms));
	rig_close(&r);
}

static bool look(void *context, const struct store_item *item)
{
	assert_false(str_contains(item->body, STR("192.0.2")));
	assert_false(str_contains(item->pk, STR("@")));
	++*(int *)context;
	return true;
}

TEST(neither_address_nor_network_can_be_read_in_the_store)
{
	struct store_query q = { 0 };
	struct rig         r;
	int                seen = 0;

	(void)state;
	rig_open(&r);
	add(&r, RIG_EMAIL, HOME);
	q.pk = known_network_pk(r.auth, &r.a, STR(RIG_EMAIL));
	assert_int_equal(store_query(r.c, &q, r.now_ms, look, &seen), OK);
	assert_int_equal(seen, 1);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_network_is_known_to_the_account_that_showed_itself_there_and_to_no_other),
	RUN(a_network_is_forgotten_half_a_year_after_the_last_sign_in),
	RUN(the_sixteen_newest_are_kept),
	RUN(a_network_is_new_once_and_the_first_one_never),
	RUN(neither_address_nor_network_can_be_read_in_the_store))
