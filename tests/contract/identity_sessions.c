/*
 * Where an account is signed in: listed, ended one by one, bounded.
 */
#include "identity_rig.h"

#include "auth/session.h"
#include "base/id.h"

struct listed {
	struct identity_session list[2 * SESSIONS_MAX];
	size_t                  count, stop;    /* stop: after so many; 0: never */
};

static bool keep(void *context, const struct identity_session *s)
{
	struct listed *l = context;

	l->list[l->count++] = *s;
	return l->count != l->stop;
}

static struct listed list(struct rig *r, const struct principal *who, size_t stop)
{
	struct listed l = { .stop = stop };

	assert_int_equal(identity_local.sessions(rig_call(r), who, keep, &l), OK);
	return l;
}

static struct principal sign_in(struct rig *r)
{
	return rig_principal(r, rig_login(r).access_token);
}

TEST(sessions_are_listed_newest_first_and_the_callers_own_is_marked)
{
	struct principal first, second;
	struct listed    l;
	struct rig       r;

	(void)state;
	rig_open(&r);
	first = sign_in(&r);
	r.now_ms += SECOND_MS;
	second = sign_in(&r);
	l = list(&r, &first, 0);
	assert_int_equal(l.count, 2);
	assert_str(l.list[0].id, second.session);
	assert_str(l.list[1].id, first.session);
	assert_false(l.list[0].current);
	assert_true(l.list[1].current);
	assert_true(l.list[0].created_ms == r.now_ms && l.list[0].used_ms == r.now_ms);
	assert_str(l.list[0].address, STR("192.0.2.7"));
	assert_str(l.list[0].agent, STR("test/1"));
	assert_int_equal(list(&r, &first, 1).count, 1);
	rig_close(&r);
}

TEST(refreshing_shows_when_a_session_was_used_last)
{
	struct identity_tokens t;
	struct principal       p;
	struct listed          l;
	struct rig             r;

	(void)state;
	rig_open(&r);
	t = rig_login(&r);
	p = rig_principal(&r, t.access_token);
	r.now_ms += HOUR_MS / 2;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), OK);
	l = list(&r, &p, 0);
	assert_int_equal(l.count, 1);
	assert_true(l.list[0].used_ms == r.now_ms);
	assert_true(l.list[0].created_ms == r.now_ms - HOUR_MS / 2);
	rig_close(&r);
}

TEST(an_ended_session_is_over_and_the_others_are_not)
{
	struct identity_tokens mine, other;
	struct principal       p, o;
	struct rig             r;

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	other = rig_login(&r);
	p = rig_principal(&r, mine.access_token);
	o = rig_principal(&r, other.access_token);
	assert_int_equal(identity_local.session_end(rig_call(&r), &p, o.session), OK);
	assert_false(rig_is_alive(&r, other.access_token));
	assert_int_equal(rig_refresh(&r, other.refresh_token, &other), ERR_UNAUTHENTICATED);
	assert_true(rig_is_alive(&r, mine.access_token));
	assert_int_equal(list(&r, &p, 0).count, 1);
	assert_int_equal(identity_local.session_end(rig_call(&r), &p, o.session), ERR_NOT_FOUND);
	rig_close(&r);
}

TEST(anothers_session_is_not_there)
{
	struct identity_tokens mine;
	struct principal       p, stranger;
	struct rig             r;
	char                   id[ID_UUID_SIZE];

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	p = rig_principal(&r, mine.access_token);
	stranger = p;
	id_uuid7(r.now_ms, id);
	stranger.id = str_of(id);
	assert_int_equal(identity_local.session_end(rig_call(&r), &stranger, p.session),
	    ERR_NOT_FOUND);
	assert_int_equal(identity_local.session_end(rig_call(&r), &p, STR("../account")),
	    ERR_NOT_FOUND);
	assert_true(rig_is_alive(&r, mine.access_token));
	rig_close(&r);
}

static void put(struct rig *r, struct session *s)
{
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_ABSENT };
	struct store_result result;
	char                id[ID_UUID_SIZE];

	id_uuid7(r->now_ms, id);
	s->id = str_of(id);
	assert_int_equal(session_item(r->auth, &r->a, s, &op.item), OK);
	assert_int_equal(store_write(r->c, &op, 1, STORE_RELAXED, r->now_ms, &result), OK);
}

TEST(a_session_of_an_earlier_epoch_is_not_listed_though_it_is_still_there)
{
	struct session   old = { .epoch = -1 };
	struct principal p;
	struct rig       r;

	(void)state;
	rig_open(&r);
	p = sign_in(&r);
	old.account = p.id;
	old.used_ms = r.now_ms;
	put(&r, &old);
	assert_int_equal(list(&r, &p, 0).count, 1);
	rig_close(&r);
}

/* As many sessions as there may be, the n-th used last n seconds after the first. */
static void fill(struct rig *r, struct str account)
{
	for (int i = 0; i < SESSIONS_MAX - 1; i++) {
		struct session s = { .account = account, .created_ms = r->now_ms,
			.used_ms = r->now_ms + i * SECOND_MS };

		put(r, &s);
	}
}

TEST(one_session_too_many_ends_the_one_that_was_not_used_longest)
{
	struct identity_tokens newest;
	struct principal       first;
	struct listed          l;
	struct rig             r;

	(void)state;
	rig_open(&r);
	first = sign_in(&r);
	r.now_ms += SECOND_MS;
	fill(&r, first.id);
	assert_int_equal(list(&r, &first, 0).count, SESSIONS_MAX);
	r.now_ms += HOUR_MS / 4;
	newest = rig_login(&r);
	l = list(&r, &first, 0);
	assert_int_equal(l.count, SESSIONS_MAX);
	for (size_t i = 0; i < l.count; i++)
		assert_false(l.list[i].current);
	assert_true(rig_is_alive(&r, newest.access_token));
	rig_close(&r);
}

TEST_MAIN(
	RUN(sessions_are_listed_newest_first_and_the_callers_own_is_marked),
	RUN(refreshing_shows_when_a_session_was_used_last),
	RUN(an_ended_session_is_over_and_the_others_are_not),
	RUN(anothers_session_is_not_there),
	RUN(a_session_of_an_earlier_epoch_is_not_listed_though_it_is_still_there),
	RUN(one_session_too_many_ends_the_one_that_was_not_used_longest))
