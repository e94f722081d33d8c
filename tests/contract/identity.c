/*
 * Sign-in over the real store: what each function of identity.h promises.
 */
#include "identity_rig.h"

#include <sys/wait.h>
#include <time.h>

/* --- the owner ------------------------------------------------------------------ */

TEST(the_first_owner_gets_a_generated_password_once)
{
	struct identity_tokens t;
	struct str             email, password, again;
	struct rig             r = rig_empty();

	(void)state;
	r.owner_password = "";
	rig_attach(&r);
	assert_int_equal(identity_ensure_owner(r.auth, r.c, &r.a, r.now_ms, &email, &password), OK);
	assert_str(email, STR(RIG_EMAIL));
	assert_true(password.len >= 20);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, arena_cstr(&r.a, password), &t), OK);
	assert_int_equal(rig_principal(&r, t.access_token).role, ROLE_OWNER);
	assert_int_equal(identity_ensure_owner(r.auth, r.c, &r.a, r.now_ms, &email, &again), OK);
	assert_str(email, STR(RIG_EMAIL));
	assert_null(again.ptr);
	rig_close(&r);
}

TEST(a_given_owner_password_is_not_shown_and_not_changed_later)
{
	struct identity_tokens t;
	struct str             email, password;
	struct rig             r;

	(void)state;
	rig_open(&r);
	rig_detach(&r);
	r.owner_password = "quite another password";
	rig_attach(&r);
	assert_int_equal(identity_ensure_owner(r.auth, r.c, &r.a, r.now_ms, &email, &password), OK);
	assert_null(password.ptr);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, r.owner_password, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_weak_owner_password_makes_no_account)
{
	struct identity_tokens t;
	struct str             email, password;
	struct rig             r = rig_empty();

	(void)state;
	r.owner_password = "weak";
	rig_attach(&r);
	assert_int_equal(identity_ensure_owner(r.auth, r.c, &r.a, r.now_ms, &email, &password),
	    ERR_INVALID);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, "weak", &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

static int make_owner(struct rig *r)
{
	struct str email, password;

	rig_attach(r);
	if (identity_ensure_owner(r->auth, r->c, &r->a, r->now_ms, &email, &password) != OK)
		_exit(2);
	_exit(password.ptr != NULL ? 1 : 0);
}

TEST(of_several_processes_that_set_up_at_once_one_makes_the_owner)
{
	struct rig r = rig_empty();
	pid_t      children[4];
	int        made = 0, status;

	(void)state;
	r.owner_password = "";
	for (size_t i = 0; i < COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			make_owner(&r);
	}
	for (size_t i = 0; i < COUNT(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		made += WEXITSTATUS(status);
	}
	assert_int_equal(made, 1);
	rig_attach(&r);
	rig_close(&r);
}

/* --- signing in ----------------------------------------------------------------- */

TEST(signing_in_gives_tokens_that_say_who_it_is)
{
	struct identity_tokens t;
	struct principal       p;
	struct rig             r;

	(void)state;
	rig_open(&r);
	t = rig_login(&r);
	assert_int_equal(t.expires_in, 3600);
	p = rig_principal(&r, t.access_token);
	assert_int_equal(p.kind, PRINCIPAL_SESSION);
	assert_int_equal(p.role, ROLE_OWNER);
	assert_int_equal(p.scopes, role_scopes(ROLE_OWNER));
	assert_str(p.email, STR(RIG_EMAIL));
	assert_int_equal(p.session.len, 36);
	assert_true(p.expires_ms == r.now_ms + HOUR_MS);
	assert_true(str_starts(t.refresh_token, STR("qv_refresh_")));
	assert_int_equal(t.refresh_token.len, 54);
	rig_close(&r);
}

TEST(the_address_is_known_in_any_case)
{
	struct identity_tokens t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	assert_int_equal(rig_sign_in(&r, "OWNER@example.COM", RIG_PASSWORD, &t), OK);
	rig_close(&r);
}

static const struct {
	const char *row, *email, *password;
} strangers[] = {
	{ "another password", RIG_EMAIL, "a password of another's" },
	{ "a shorter one", RIG_EMAIL, "a password of the owner'" },
	{ "an empty one", RIG_EMAIL, "" },
	{ "nobody", "nobody@example.com", RIG_PASSWORD },
	{ "no address", "", RIG_PASSWORD },
	{ "a key of the store's", "owner@example.com#x", RIG_PASSWORD },
};

TEST(every_failed_sign_in_looks_the_same)
{
	struct identity_tokens t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(strangers); i++)
		assert_row(rig_sign_in(&r, strangers[i].email, strangers[i].password, &t) ==
		    ERR_UNAUTHENTICATED, strangers[i].row);
	rig_close(&r);
}

static uint64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The least work of several: what else runs on the machine only adds to it. */
static uint64_t least_work(struct rig *r, const char *email, const char *password)
{
	struct identity_tokens t;
	uint64_t               best = UINT64_MAX, began, took;

	for (int i = 0; i < 5; i++) {
		began = processor_ns();
		assert_int_equal(rig_sign_in(r, email, password, &t), ERR_UNAUTHENTICATED);
		took = processor_ns() - began;
		best = took < best ? took : best;
	}
	return best;
}

TEST(an_unknown_account_takes_the_work_of_a_known_one)
{
	uint64_t   known, unknown;
	struct rig r;

	(void)state;
	rig_open(&r);
	known = least_work(&r, RIG_EMAIL, "a password of another's");
	unknown = least_work(&r, "nobody@example.com", "a password of another's");
	assert_true(unknown * 2 > known && known * 2 > unknown);
	rig_close(&r);
}

/* --- refreshing ----------------------------------------------------------------- */

TEST(a_refresh_token_is_spent_for_the_next)
{
	struct identity_tokens first, second, third;
	struct rig             r;

	(void)state;
	rig_open(&r);
	first = rig_login(&r);
	r.now_ms += 60 * SECOND_MS;
	assert_int_equal(rig_refresh(&r, first.refresh_token, &second), OK);
	assert_false(str_eq(first.refresh_token, second.refresh_token));
	assert_false(str_eq(first.access_token, second.access_token));
	assert_str(rig_principal(&r, second.access_token).session,
	    rig_principal(&r, first.access_token).session);
	r.now_ms += HOUR_MS;
	assert_int_equal(rig_refresh(&r, second.refresh_token, &third), OK);
	rig_close(&r);
}

TEST(a_spent_token_within_the_grace_is_two_tabs)
{
	struct identity_tokens first, second, tab;
	struct rig             r;

	(void)state;
	rig_open(&r);
	first = rig_login(&r);
	assert_int_equal(rig_refresh(&r, first.refresh_token, &second), OK);
	r.now_ms += 10 * SECOND_MS;
	assert_int_equal(rig_refresh(&r, first.refresh_token, &tab), OK);
	assert_false(str_eq(tab.refresh_token, second.refresh_token));
	assert_int_equal(rig_refresh(&r, second.refresh_token, &second), OK);
	assert_int_equal(rig_refresh(&r, tab.refresh_token, &tab), OK);
	rig_close(&r);
}

TEST(a_spent_token_after_the_grace_ends_the_whole_family)
{
	struct identity_tokens first, second, t, other;
	struct rig             r;

	(void)state;
	rig_open(&r);
	first = rig_login(&r);
	other = rig_login(&r);
	assert_int_equal(rig_refresh(&r, first.refresh_token, &second), OK);
	assert_true(rig_is_alive(&r, second.access_token));
	r.now_ms += 10 * SECOND_MS + 1;
	assert_int_equal(rig_refresh(&r, first.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_refresh(&r, second.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_false(rig_is_alive(&r, first.access_token));
	assert_false(rig_is_alive(&r, second.access_token));
	assert_true(rig_is_alive(&r, other.access_token));
	assert_int_equal(rig_refresh(&r, other.refresh_token, &t), OK);
	rig_close(&r);
}

static const char *const no_tokens[] = {
	"", "qv_refresh_", "qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"qv_refrexh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
	"qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

TEST(what_is_no_refresh_token_gets_nothing)
{
	struct identity_tokens t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(no_tokens); i++)
		assert_row(rig_refresh(&r, str_of(no_tokens[i]), &t) == ERR_UNAUTHENTICATED,
		    no_tokens[i]);
	assert_int_equal(rig_refresh(&r, rig_login(&r).access_token, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_session_ends_thirty_days_after_its_last_use)
{
	struct identity_tokens t;
	struct rig             r;
	int64_t                ttl_ms = INT64_C(2592000) * SECOND_MS;

	(void)state;
	rig_open(&r);
	t = rig_login(&r);
	r.now_ms += ttl_ms - 1;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), OK);
	r.now_ms += ttl_ms - 1;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), OK);
	r.now_ms += ttl_ms;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_session_ends_ninety_days_after_its_sign_in_however_it_is_used)
{
	struct identity_tokens t, last;
	struct rig             r;
	int64_t                end_ms;

	(void)state;
	rig_open(&r);
	end_ms = r.now_ms + INT64_C(90) * 24 * HOUR_MS;
	t = rig_login(&r);
	for (; end_ms - r.now_ms > 24 * HOUR_MS; r.now_ms += 24 * HOUR_MS)
		assert_int_equal(rig_refresh(&r, t.refresh_token, &t), OK);
	r.now_ms = end_ms - MINUTE_MS;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &last), OK);
	assert_int_equal(last.expires_in, 60);
	r.now_ms = end_ms;
	assert_int_equal(rig_refresh(&r, last.refresh_token, &t), ERR_UNAUTHENTICATED);
	r.config.session_max_s = 60;    /* shorter meanwhile: it holds for those that are there */
	t = rig_login(&r);
	r.config.session_max_s = 30;
	r.now_ms += 30 * SECOND_MS;
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

/* --- ending --------------------------------------------------------------------- */

TEST(logging_out_ends_this_session_at_once_and_no_other)
{
	struct identity_tokens one, two, t;
	struct principal       p;
	struct rig             r;

	(void)state;
	rig_open(&r);
	one = rig_login(&r);
	two = rig_login(&r);
	p = rig_principal(&r, one.access_token);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, false), OK);
	assert_false(rig_is_alive(&r, one.access_token));
	assert_int_equal(rig_refresh(&r, one.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_true(rig_is_alive(&r, two.access_token));
	assert_int_equal(rig_refresh(&r, two.refresh_token, &t), OK);
	rig_close(&r);
}

TEST(logging_out_everywhere_ends_every_session_and_not_the_next)
{
	struct identity_tokens one, two, t;
	struct principal       p;
	struct rig             r;

	(void)state;
	rig_open(&r);
	one = rig_login(&r);
	two = rig_login(&r);
	p = rig_principal(&r, one.access_token);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, true), OK);
	assert_false(rig_is_alive(&r, one.access_token));
	assert_false(rig_is_alive(&r, two.access_token));
	assert_int_equal(rig_refresh(&r, one.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_refresh(&r, two.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_true(rig_is_alive(&r, rig_login(&r).access_token));
	rig_close(&r);
}

static struct str session_number(struct rig *r, int i)
{
	return arena_printf(&r->a, "session#01900000-0000-7000-8000-%012d", i);
}

static bool count_item(void *context, const struct store_item *item)
{
	(void)item;
	(*(int *)context)++;
	return true;
}

TEST(logging_out_everywhere_ends_more_sessions_than_one_write_takes)
{
	enum { SESSIONS = 3 * STORE_OPS_MAX };
	struct store_query  query = { .from = STR("session#"), .to = STR("session$") };
	struct store_result result;
	struct principal    p;
	struct rig          r;
	int                 left = 0;

	(void)state;
	rig_open(&r);
	p = rig_principal(&r, rig_login(&r).access_token);
	query.pk = arena_printf(&r.a, "account#%.*s", STR_ARG(p.id));
	for (int i = 0; i < SESSIONS; i++) {
		struct store_op op = { STORE_PUT, STORE_ABSENT, { .pk = query.pk,
			.sk = session_number(&r, i), .body = STR("{}") } };

		assert_int_equal(store_write(r.c, &op, 1, STORE_RELAXED, r.now_ms, &result), OK);
	}
	assert_int_equal(identity_local.logout(rig_call(&r), &p, true), OK);
	assert_int_equal(store_query(r.c, &query, r.now_ms, count_item, &left), OK);
	assert_int_equal(left, 0);
	rig_close(&r);
}

TEST(a_changed_password_ends_the_other_sessions_and_keeps_this_one)
{
	struct identity_tokens mine, other, t;
	struct principal       p;
	struct str             why;
	struct rig             r;

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	other = rig_login(&r);
	p = rig_principal(&r, mine.access_token);
	assert_int_equal(identity_local.change_password(rig_call(&r), &p, STR(RIG_PASSWORD),
	    STR("a new password altogether"), &why), OK);
	assert_null(why.ptr);
	assert_true(rig_is_alive(&r, mine.access_token));
	assert_false(rig_is_alive(&r, other.access_token));
	assert_int_equal(rig_refresh(&r, mine.refresh_token, &t), OK);
	assert_int_equal(rig_refresh(&r, other.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, "a new password altogether", &t), OK);
	rig_close(&r);
}

TEST(a_password_is_not_changed_without_the_old_one_or_for_a_weak_one)
{
	struct identity_tokens t;
	struct principal       p;
	struct str             why;
	struct rig             r;

	(void)state;
	rig_open(&r);
	p = rig_principal(&r, rig_login(&r).access_token);
	assert_int_equal(identity_local.change_password(rig_call(&r), &p, STR("not the old one"),
	    STR("a new password altogether"), &why), ERR_UNAUTHENTICATED);
	assert_non_null(why.ptr);
	assert_int_equal(identity_local.change_password(rig_call(&r), &p, STR(RIG_PASSWORD),
	    STR("short"), &why), ERR_INVALID);
	assert_str(why, STR("must be at least 12 characters"));
	assert_int_equal(identity_local.change_password(rig_call(&r), &p, STR(RIG_PASSWORD),
	    STR("Owner-2026-Owner"), &why), ERR_INVALID);
	assert_non_null(why.ptr);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	rig_close(&r);
}

TEST(a_session_that_is_over_changes_no_password)
{
	struct principal p;
	struct str       why;
	struct rig       r;

	(void)state;
	rig_open(&r);
	p = rig_principal(&r, rig_login(&r).access_token);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, false), OK);
	assert_int_equal(identity_local.change_password(rig_call(&r), &p, STR(RIG_PASSWORD),
	    STR("a new password altogether"), &why), ERR_UNAUTHENTICATED);
	assert_null(why.ptr);
	rig_close(&r);
}

/* --- the account ---------------------------------------------------------------- */

TEST(an_account_is_renamed_by_version)
{
	struct principal p;
	struct account   account, renamed;
	struct rig       r;

	(void)state;
	rig_open(&r);
	p = rig_principal(&r, rig_login(&r).access_token);
	assert_int_equal(identity_local.account(rig_call(&r), &p, &account), OK);
	assert_null(account.name.ptr);
	assert_int_equal(account.roles, 1u << ROLE_OWNER);
	assert_int_equal(identity_local.rename(rig_call(&r), &p, STR("Ada"), account.version,
	    &renamed), OK);
	assert_str(renamed.name, STR("Ada"));
	assert_int_equal(renamed.version, account.version + 1);
	assert_int_equal(identity_local.rename(rig_call(&r), &p, STR("Bea"), account.version,
	    &renamed), ERR_STALE);
	assert_int_equal(identity_local.rename(rig_call(&r), &p, STR_NONE, 0,
	    &renamed),
	    OK);
	assert_int_equal(identity_local.account(rig_call(&r), &p, &account), OK);
	assert_null(account.name.ptr);
	assert_str(account.email, STR(RIG_EMAIL));
	rig_close(&r);
}

TEST(an_account_that_is_not_there_is_not_found)
{
	struct account account;
	struct rig     r;

	(void)state;
	rig_open(&r);
	assert_int_equal(identity_local.account(rig_call(&r),
	    &(struct principal){ .id = STR("01900000-0000-7000-8000-000000000000") }, &account), ERR_NOT_FOUND);
	rig_close(&r);
}

/* The account's item with one member of its body changed. */
static void edit_account(struct rig *r, struct str id, const char *from, const char *to)
{
	struct store_result result;
	struct store_item   item;
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_PRESENT };
	char               *at;
	size_t              before;

	assert_int_equal(store_get(r->c, &r->a, arena_printf(&r->a, "account#%.*s", STR_ARG(id)),
	    STR("account"), r->now_ms, &item), OK);
	at = strstr(arena_cstr(&r->a, item.body), from);
	assert_non_null(at);
	before = item.body.len - strlen(at);
	op.item = item;
	op.item.body = arena_printf(&r->a, "%.*s%s%s", (int)before, item.body.ptr, to,
	    at + strlen(from));
	assert_int_equal(store_write(r->c, &op, 1, STORE_DURABLE, r->now_ms, &result), OK);
}

TEST(a_disabled_account_neither_signs_in_nor_refreshes)
{
	struct identity_tokens mine, t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	edit_account(&r, rig_principal(&r, mine.access_token).id, "\"disabled\":false",
	    "\"disabled\":true");
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_refresh(&r, mine.refresh_token, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

/* What a process that died while ending the sessions leaves behind. */
TEST(a_session_of_an_earlier_epoch_is_over_though_it_is_still_there)
{
	struct identity_tokens mine, t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	edit_account(&r, rig_principal(&r, mine.access_token).id, "\"epoch\":0", "\"epoch\":1");
	assert_int_equal(rig_refresh(&r, mine.refresh_token, &t), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_change_of_roles_shows_in_the_next_tokens)
{
	struct identity_tokens mine, t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	mine = rig_login(&r);
	edit_account(&r, rig_principal(&r, mine.access_token).id, "[\"owner\"]",
	    "[\"analyst\"]");
	assert_int_equal(rig_refresh(&r, mine.refresh_token, &t), OK);
	assert_int_equal(rig_principal(&r, t.access_token).role, ROLE_ANALYST);
	rig_close(&r);
}

TEST_MAIN(
	RUN(the_first_owner_gets_a_generated_password_once),
	RUN(a_given_owner_password_is_not_shown_and_not_changed_later),
	RUN(a_weak_owner_password_makes_no_account),
	RUN(of_several_processes_that_set_up_at_once_one_makes_the_owner),
	RUN(signing_in_gives_tokens_that_say_who_it_is),
	RUN(the_address_is_known_in_any_case),
	RUN(every_failed_sign_in_looks_the_same),
	RUN(an_unknown_account_takes_the_work_of_a_known_one),
	RUN(a_refresh_token_is_spent_for_the_next),
	RUN(a_spent_token_within_the_grace_is_two_tabs),
	RUN(a_spent_token_after_the_grace_ends_the_whole_family),
	RUN(what_is_no_refresh_token_gets_nothing),
	RUN(a_session_ends_thirty_days_after_its_last_use),
	RUN(a_session_ends_ninety_days_after_its_sign_in_however_it_is_used),
	RUN(logging_out_ends_this_session_at_once_and_no_other),
	RUN(logging_out_everywhere_ends_every_session_and_not_the_next),
	RUN(logging_out_everywhere_ends_more_sessions_than_one_write_takes),
	RUN(a_changed_password_ends_the_other_sessions_and_keeps_this_one),
	RUN(a_password_is_not_changed_without_the_old_one_or_for_a_weak_one),
	RUN(a_session_that_is_over_changes_no_password),
	RUN(an_account_is_renamed_by_version),
	RUN(an_account_that_is_not_there_is_not_found),
	RUN(a_disabled_account_neither_signs_in_nor_refreshes),
	RUN(a_session_of_an_earlier_epoch_is_over_though_it_is_still_there),
	RUN(a_change_of_roles_shows_in_the_next_tokens))
