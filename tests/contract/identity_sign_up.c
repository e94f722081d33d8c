/*
 * Security: registration and forgotten passwords.  What this file holds off:
 *   asking who has an account   one answer; the mail alone says more
 *   registering for another     the password of a contested registration is nobody's
 *   holding an address          there is no account before it is confirmed
 *   guessing a code             five tries, ten minutes, once
 *   taking the owner's code     what was mailed last stays good however one floods
 *   filling a mailbox           the pause between mails grows
 *   a stolen session            ends when the password is reset; the second factor stays
 */
#include "mail_rig.h"

#include "auth/mailed_code.h"
#include "auth/second_factor.h"

#define EMAIL     "ada@example.org"
#define PASSWORD  "a password of ada's own"
#define STRANGERS "a password of a stranger"

static enum err sign_up(struct mail_rig *m, const char *email, const char *password)
{
	struct str why;

	return identity_local.sign_up(mail_call(m), str_of(email), str_of(password), STR("Ada"),
	    &why);
}

static enum err confirm(struct mail_rig *m, const char *email, struct str code)
{
	return identity_local.confirm(mail_call(m), str_of(email), code);
}

static enum err forgot(struct mail_rig *m, const char *email)
{
	return identity_local.forgot(mail_call(m), str_of(email));
}

static enum err reset(struct mail_rig *m, const char *email, struct str code, const char *password)
{
	struct str why;

	return identity_local.reset(mail_call(m), str_of(email), code, str_of(password), &why);
}

static enum err sign_in(struct mail_rig *m, const char *email, const char *password)
{
	struct identity_tokens t;

	return rig_sign_in(&m->r, email, password, &t);
}

/* Until the mail thread has had its time: nothing more came. */
static void assert_no_mail(struct mail_rig *m)
{
	struct str last;

	usleep(100000);
	assert_int_equal(mail_count(m, &last), m->seen);
}

TEST(a_registration_is_an_account_once_its_code_came_back)
{
	struct identity_tokens t;
	struct principal       p;
	struct account         account;
	struct mail_rig        m;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, "Ada@Example.org", PASSWORD), OK);
	assert_int_equal(sign_in(&m, EMAIL, PASSWORD), ERR_UNAUTHENTICATED);
	assert_int_equal(confirm(&m, EMAIL, next_code(&m)), OK);
	assert_int_equal(rig_sign_in(&m.r, EMAIL, PASSWORD, &t), OK);
	p = rig_principal(&m.r, t.access_token);
	assert_int_equal(p.roles, 1 << ROLE_USER);
	assert_int_equal(identity_local.account(mail_call(&m), &p, &account), OK);
	assert_str(account.email, STR("Ada@Example.org"));
	assert_str(account.name, STR("Ada"));
	assert_str(account.plan, STR("free"));
	mail_rig_close(&m);
}

TEST(a_code_is_good_once_for_five_tries_and_ten_minutes)
{
	struct mail_rig m;
	struct str      code;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, EMAIL, PASSWORD), OK);
	code = next_code(&m);
	assert_int_equal(confirm(&m, "eve@example.org", code), ERR_UNAUTHENTICATED);
	for (int i = 0; i < MAILED_TRIES; i++)
		assert_int_equal(confirm(&m, EMAIL, STR("aaaa-aaaa")), ERR_UNAUTHENTICATED);
	assert_int_equal(confirm(&m, EMAIL, code), ERR_UNAUTHENTICATED);
	m.r.now_ms += MAILED_PAUSE_MS;
	assert_int_equal(identity_local.resend(mail_call(&m), STR(EMAIL)), OK);
	code = next_code(&m);
	m.r.now_ms += 10 * MINUTE_MS;
	assert_int_equal(confirm(&m, EMAIL, code), ERR_UNAUTHENTICATED);
	assert_int_equal(identity_local.resend(mail_call(&m), STR(EMAIL)), OK);
	code = next_code(&m);
	assert_int_equal(confirm(&m, EMAIL, code), OK);
	assert_int_equal(confirm(&m, EMAIL, code), ERR_UNAUTHENTICATED);
	mail_rig_close(&m);
}

TEST(a_known_address_gets_the_same_answer_and_its_owner_a_mail)
{
	struct mail_rig m;
	struct str      text;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, RIG_EMAIL, STRANGERS), OK);
	text = next_mail(&m);
	assert_false(str_contains(text, STR("your code")));
	assert_int_equal(sign_in(&m, RIG_EMAIL, STRANGERS), ERR_UNAUTHENTICATED);
	assert_int_equal(sign_in(&m, RIG_EMAIL, RIG_PASSWORD), OK);
	assert_int_equal(confirm(&m, RIG_EMAIL, STR("aaaa-aaaa")), ERR_UNAUTHENTICATED);
	assert_int_equal(identity_local.resend(mail_call(&m), STR("nobody@example.org")), OK);
	assert_no_mail(&m);
	mail_rig_close(&m);
}

/* Whoever was first, and whichever code is typed. */
static void contest(const char *first, const char *second)
{
	struct mail_rig m;
	struct str      code;

	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, EMAIL, first), OK);
	next_code(&m);
	m.r.now_ms += MAILED_PAUSE_MS;
	assert_int_equal(sign_up(&m, EMAIL, second), OK);
	code = next_code(&m);
	assert_int_equal(confirm(&m, EMAIL, code), OK);
	assert_int_equal(sign_in(&m, EMAIL, first), ERR_UNAUTHENTICATED);
	assert_int_equal(sign_in(&m, EMAIL, second), ERR_UNAUTHENTICATED);
	assert_int_equal(reset(&m, EMAIL, next_code(&m), "the one that ada chose"), OK);
	assert_int_equal(sign_in(&m, EMAIL, "the one that ada chose"), OK);
	mail_rig_close(&m);
}

TEST(of_a_contested_registration_no_password_counts)
{
	(void)state;
	contest(STRANGERS, PASSWORD);
	contest(PASSWORD, STRANGERS);
}

TEST(a_registration_that_nobody_confirms_is_gone_after_a_day)
{
	struct mail_rig m;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, EMAIL, STRANGERS), OK);
	next_code(&m);
	m.r.now_ms += MAILED_RECORD_MS;
	assert_int_equal(sign_up(&m, EMAIL, PASSWORD), OK);
	assert_int_equal(confirm(&m, EMAIL, next_code(&m)), OK);
	assert_int_equal(sign_in(&m, EMAIL, PASSWORD), OK);
	mail_rig_close(&m);
}

TEST(who_floods_an_address_sends_few_mails_and_takes_no_code)
{
	struct mailed_code record = { 0 };
	struct mail_rig    m;
	struct str         code = STR_NONE;
	int64_t            until_ms;

	(void)state;
	mail_rig_open(&m);
	until_ms = m.r.now_ms + 4 * MAILED_CODE_MS;
	for (; m.r.now_ms < until_ms; m.r.now_ms += MAILED_PAUSE_MS / 2) {
		assert_int_equal(forgot(&m, RIG_EMAIL), OK);
		assert_int_equal(mailed_code_read(mail_call(&m), MAILED_RESET, STR(RIG_EMAIL),
		    &record), OK);
		if (record.mails > (int64_t)m.seen)
			code = next_code(&m);
	}
	assert_true(m.seen <= 10);
	assert_int_equal(reset(&m, RIG_EMAIL, code, PASSWORD), OK);
	mail_rig_close(&m);
}

TEST(a_reset_ends_every_session_and_is_told_by_mail)
{
	struct identity_tokens t;
	struct account_record  r;
	struct mail_rig        m;
	struct str             code;

	(void)state;
	mail_rig_open(&m);
	t = rig_login(&m.r);
	assert_int_equal(forgot(&m, RIG_EMAIL), OK);
	code = next_code(&m);
	assert_int_equal(reset(&m, RIG_EMAIL, STR("aaaa-aaaa"), PASSWORD), ERR_UNAUTHENTICATED);
	assert_int_equal(reset(&m, RIG_EMAIL, code, "short"), ERR_INVALID);
	assert_int_equal(reset(&m, RIG_EMAIL, code, PASSWORD), OK);
	assert_false(str_contains(next_mail(&m), code));
	/* Whatever a crash left of them is of an earlier epoch. */
	assert_int_equal(account_by_email(m.r.c, &m.r.a, STR(RIG_EMAIL), m.r.now_ms, &r), OK);
	assert_true(r.epoch == 1);
	assert_false(rig_is_alive(&m.r, t.access_token));
	assert_int_equal(rig_refresh(&m.r, t.refresh_token, &t), ERR_UNAUTHENTICATED);
	assert_int_equal(sign_in(&m, RIG_EMAIL, RIG_PASSWORD), ERR_UNAUTHENTICATED);
	assert_int_equal(sign_in(&m, RIG_EMAIL, PASSWORD), OK);
	assert_int_equal(reset(&m, RIG_EMAIL, code, STRANGERS), ERR_UNAUTHENTICATED);
	mail_rig_close(&m);
}

TEST(nobody_gets_no_code_and_the_same_answer)
{
	struct mail_rig m;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(forgot(&m, "nobody@example.org"), OK);
	assert_no_mail(&m);
	assert_int_equal(reset(&m, "nobody@example.org", STR("aaaa-aaaa"), PASSWORD),
	    ERR_UNAUTHENTICATED);
	mail_rig_close(&m);
}

TEST(a_reset_leaves_the_second_factor_on)
{
	struct totp_enrolment  e;
	struct identity_login  in;
	struct second_factor   f;
	struct account_record  r;
	struct mail_rig        m;
	struct store_op        ops[2] = { { .verb = STORE_PUT, .condition = STORE_ALWAYS },
	                                  { .verb = STORE_PUT, .condition = STORE_ALWAYS } };
	struct store_result    result;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(account_by_email(m.r.c, &m.r.a, STR(RIG_EMAIL), m.r.now_ms, &r), OK);
	assert_int_equal(second_factor_new(m.r.auth, &m.r.a, r.account.id, m.r.now_ms, &f,
	    &e.secret), OK);
	r.account.totp = true;
	assert_int_equal(account_item(&m.r.a, &r, &ops[0].item), OK);
	assert_int_equal(second_factor_item(&m.r.a, &f, false, &ops[1].item), OK);
	assert_int_equal(store_write(m.r.c, ops, 2, STORE_DURABLE, m.r.now_ms, &result), OK);
	assert_int_equal(forgot(&m, RIG_EMAIL), OK);
	assert_int_equal(reset(&m, RIG_EMAIL, next_code(&m), PASSWORD), OK);
	assert_int_equal(identity_local.login(mail_call(&m), STR(RIG_EMAIL), STR(PASSWORD), &in),
	    OK);
	assert_int_equal(in.challenge, CHALLENGE_TOTP);
	mail_rig_close(&m);
}

TEST(a_disabled_account_gets_no_code)
{
	struct account_record r;
	struct mail_rig       m;
	struct store_op       op = { .verb = STORE_PUT, .condition = STORE_ALWAYS };
	struct store_result   result;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(account_by_email(m.r.c, &m.r.a, STR(RIG_EMAIL), m.r.now_ms, &r), OK);
	r.disabled = true;
	assert_int_equal(account_item(&m.r.a, &r, &op.item), OK);
	assert_int_equal(store_write(m.r.c, &op, 1, STORE_DURABLE, m.r.now_ms, &result), OK);
	assert_int_equal(forgot(&m, RIG_EMAIL), OK);
	assert_no_mail(&m);
	mail_rig_close(&m);
}

TEST(the_store_has_no_code_in_the_clear)
{
	struct mailed_code code;
	struct mail_rig    m;
	struct str         typed;

	(void)state;
	mail_rig_open(&m);
	assert_int_equal(sign_up(&m, EMAIL, PASSWORD), OK);
	typed = next_code(&m);
	assert_int_equal(mailed_code_read(mail_call(&m), MAILED_CONFIRM, STR(EMAIL), &code), OK);
	assert_int_equal(code.code.len, 64);
	assert_true(str_starts(code.password, STR("$argon2id$")));
	assert_false(str_contains(code.code, str_first(typed, 4)));
	mail_rig_close(&m);
}

/* Of all threads of this process: what others do on the machine is not in it. */
static int64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t median_ns(struct mail_rig *m, const char *name)
{
	int64_t list[5];

	for (size_t i = 0; i < COUNT(list); i++) {
		const char *email = strcmp(name, RIG_EMAIL) == 0 ? name :
		    arena_printf(&m->r.a, "%zu%s", i, name).ptr;
		int64_t     began = cpu_ns();

		assert_int_equal(sign_up(m, email, PASSWORD), OK);
		list[i] = cpu_ns() - began;
		for (size_t j = i; j > 0 && list[j] < list[j - 1]; j--) {
			int64_t swap = list[j];

			list[j] = list[j - 1];
			list[j - 1] = swap;
		}
	}
	return list[COUNT(list) / 2];
}

TEST(a_known_address_takes_the_work_of_an_unknown_one)
{
	struct mail_rig m;
	int64_t         known, unknown;

	(void)state;
	mail_rig_open(&m);
	known = median_ns(&m, RIG_EMAIL);
	unknown = median_ns(&m, "x@example.org");
	assert_true(known > unknown / 2 && unknown > known / 2);
	mail_rig_close(&m);
}

TEST_MAIN(
	RUN(a_registration_is_an_account_once_its_code_came_back),
	RUN(a_code_is_good_once_for_five_tries_and_ten_minutes),
	RUN(a_known_address_gets_the_same_answer_and_its_owner_a_mail),
	RUN(of_a_contested_registration_no_password_counts),
	RUN(a_registration_that_nobody_confirms_is_gone_after_a_day),
	RUN(who_floods_an_address_sends_few_mails_and_takes_no_code),
	RUN(a_reset_ends_every_session_and_is_told_by_mail),
	RUN(nobody_gets_no_code_and_the_same_answer),
	RUN(a_reset_leaves_the_second_factor_on),
	RUN(a_disabled_account_gets_no_code),
	RUN(the_store_has_no_code_in_the_clear),
	RUN(a_known_address_takes_the_work_of_an_unknown_one))
