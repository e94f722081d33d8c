/*
 * Security: the second factor.  What this file holds off:
 *   the password alone          gets a challenge, and no token
 *   a code seen over a shoulder each is good once, in every process
 *   guessing codes              five a challenge, ten an hour an account, at once or not
 *   a stolen access token       enrols nothing once the sign-in is ten minutes old
 *   locking the owner out       without the password there is no challenge to fail
 *   an old challenge            over in five minutes, and when the sessions are ended
 *   a stolen store              secrets are sealed, recovery codes hashed
 *   another account's secret    is sealed for its own account alone
 */
#include "identity_rig.h"

#include <pthread.h>

#include "auth/challenge.h"
#include "auth/second_factor.h"

#define STEP_MS (TOTP_STEP_S * SECOND_MS)

/* What an app would have. */
struct app {
	uint8_t          secret[TOTP_SECRET_BYTES];
	struct principal who;
	struct str       recovery[RECOVERY_CODES];
};

static void read_base32(struct str text, uint8_t out[TOTP_SECRET_BYTES])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	assert_int_equal(text.len, 32);
	memset(out, 0, TOTP_SECRET_BYTES);
	for (size_t i = 0; i < text.len * 5; i++) {
		size_t value = (size_t)(strchr(letters, text.ptr[i / 5]) - letters);

		out[i / 8] |= (uint8_t)((value >> (4 - i % 5) & 1) << (7 - i % 8));
	}
}

static struct str code_at(struct rig *r, const struct app *app, int64_t now_ms)
{
	char code[TOTP_DIGITS + 1];

	totp_code(app->secret, now_ms / STEP_MS, code);
	return arena_dup(&r->a, str_of(code));
}

static struct str wrong_code(struct rig *r, const struct app *app)
{
	return code_at(r, app, r->now_ms + 100 * STEP_MS);
}

static struct app enrol(struct rig *r)
{
	struct totp_enrolment e;
	struct app            app;

	app.who = rig_principal(r, rig_login(r).access_token);
	assert_int_equal(identity_local.totp_enrol(rig_call(r), &app.who, STR_NONE, &e), OK);
	read_base32(e.secret, app.secret);
	return app;
}

/* An account with a second factor, and a fresh step. */
static struct app switch_on(struct rig *r)
{
	struct app app = enrol(r);

	assert_int_equal(identity_local.totp_verify(rig_call(r), &app.who,
	    code_at(r, &app, r->now_ms), app.recovery), OK);
	r->now_ms += 2 * STEP_MS;
	return app;
}

static struct str challenge(struct rig *r)
{
	struct identity_login in;

	assert_int_equal(identity_local.login(rig_call(r), STR(RIG_EMAIL), STR(RIG_PASSWORD), &in),
	    OK);
	assert_int_equal(in.challenge, CHALLENGE_TOTP);
	return in.session;
}

static enum err answer(struct rig *r, struct str session, struct str code)
{
	struct identity_login in = { 0 };
	enum err e = identity_local.login_totp(rig_call(r), session, code, &in);

	if (e == OK)
		assert_true(rig_is_alive(r, in.tokens.access_token));
	return e;
}

TEST(an_enrolled_app_is_asked_for_only_after_a_code_of_it)
{
	struct identity_tokens t;
	struct rig             r;
	struct app             app;

	(void)state;
	rig_open(&r);
	app = enrol(&r);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	assert_true(t.access_token.len > 0);
	assert_int_equal(identity_local.totp_verify(rig_call(&r), &app.who,
	    wrong_code(&r, &app), app.recovery), ERR_UNAUTHENTICATED);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	assert_true(t.access_token.len > 0);
	rig_close(&r);
}

TEST(an_enrolment_is_over_after_a_quarter_of_an_hour_and_the_next_replaces_it)
{
	struct rig r;
	struct app first, second;

	(void)state;
	rig_open(&r);
	first = enrol(&r);
	second = enrol(&r);
	assert_int_equal(identity_local.totp_verify(rig_call(&r), &first.who,
	    code_at(&r, &first, r.now_ms), first.recovery), ERR_UNAUTHENTICATED);
	r.now_ms += TOTP_ENROL_MS;
	assert_int_equal(identity_local.totp_verify(rig_call(&r), &second.who,
	    code_at(&r, &second, r.now_ms), second.recovery), ERR_NOT_FOUND);
	rig_close(&r);
}

TEST(an_old_sign_in_enrols_with_the_password_alone)
{
	struct totp_enrolment  e;
	struct identity_tokens t;
	struct principal       who;
	struct rig             r;

	(void)state;
	rig_open(&r);
	t = rig_login(&r);
	who = rig_principal(&r, t.access_token);
	r.now_ms += 10 * MINUTE_MS;
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &who, STR_NONE, &e), OK);
	r.now_ms += SECOND_MS;
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &who, STR_NONE, &e),
	    ERR_FORBIDDEN);
	/* New tokens are no sign-in. */
	assert_int_equal(rig_refresh(&r, t.refresh_token, &t), OK);
	who = rig_principal(&r, t.access_token);
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &who, STR_NONE, &e),
	    ERR_FORBIDDEN);
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &who, STR("a guess"), &e),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &who, STR(RIG_PASSWORD), &e), OK);
	rig_close(&r);
}

TEST(the_password_alone_gets_a_challenge_and_the_code_the_tokens)
{
	struct identity_login in;
	struct rig            r;
	struct app            app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	in = (struct identity_login){ 0 };
	assert_int_equal(identity_local.login(rig_call(&r), STR(RIG_EMAIL), STR(RIG_PASSWORD),
	    &in), OK);
	assert_int_equal(in.challenge, CHALLENGE_TOTP);
	assert_null(in.tokens.access_token.ptr);
	assert_null(in.tokens.refresh_token.ptr);
	assert_int_equal(answer(&r, in.session, wrong_code(&r, &app)), ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, in.session, code_at(&r, &app, r.now_ms)), OK);
	rig_close(&r);
}

TEST(a_code_is_good_once_whatever_challenge_it_comes_with)
{
	struct rig r;
	struct app app;
	struct str code, one, two;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	code = code_at(&r, &app, r.now_ms);
	one = challenge(&r);
	two = challenge(&r);
	assert_int_equal(answer(&r, one, code), OK);
	assert_int_equal(answer(&r, two, code), ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, two, code_at(&r, &app, r.now_ms - STEP_MS)),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, two, code_at(&r, &app, r.now_ms + STEP_MS)), OK);
	rig_close(&r);
}

TEST(the_code_that_switched_it_on_does_not_sign_in)
{
	struct rig r;
	struct app app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	r.now_ms -= 2 * STEP_MS;
	assert_int_equal(answer(&r, challenge(&r), code_at(&r, &app, r.now_ms)),
	    ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_challenge_is_spent_by_its_sign_in)
{
	struct rig r;
	struct app app;
	struct str session;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	session = challenge(&r);
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), OK);
	r.now_ms += 2 * STEP_MS;
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(a_challenge_takes_five_codes_and_five_minutes)
{
	struct rig r;
	struct app app;
	struct str session;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	session = challenge(&r);
	for (int i = 0; i < CHALLENGE_TRIES; i++)
		assert_int_equal(answer(&r, session, wrong_code(&r, &app)), ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	session = challenge(&r);
	r.now_ms += CHALLENGE_MS;
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(ten_wrong_codes_stop_all_codes_for_an_hour_and_no_recovery_code)
{
	struct rig r;
	struct app app;
	struct str session = STR_NONE;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	for (int i = 0; i < TOTP_FAILURES_MAX; i++) {
		if (i % CHALLENGE_TRIES == 0)
			session = challenge(&r);
		assert_int_equal(answer(&r, session, wrong_code(&r, &app)), ERR_UNAUTHENTICATED);
	}
	session = challenge(&r);
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), ERR_LIMITED);
	assert_int_equal(answer(&r, session, app.recovery[0]), OK);
	r.now_ms += TOTP_FAILURES_MS;
	assert_int_equal(answer(&r, challenge(&r), code_at(&r, &app, r.now_ms)), OK);
	rig_close(&r);
}

/* As somebody types it. */
static struct str shouted(struct rig *r, struct str code)
{
	char *text = arena_cstr(&r->a, code);

	for (size_t i = 0; i < code.len; i++)
		text[i] = text[i] == '-' ? ' ' : (char)(text[i] - (text[i] >= 'a' ? 32 : 0));
	return str_of(text);
}

TEST(each_recovery_code_is_good_once_however_it_is_typed)
{
	struct rig r;
	struct app app;
	struct str session;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	assert_int_equal(app.recovery[0].len, 24 + 5);  /* 120 bits: a fast hash will do */
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		assert_int_equal(answer(&r, challenge(&r), i % 2 == 0 ? app.recovery[i] :
		    shouted(&r, app.recovery[i])), OK);
	session = challenge(&r);
	for (size_t i = 0; i < CHALLENGE_TRIES; i++)
		assert_int_equal(answer(&r, session, app.recovery[i]), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(ending_all_sessions_ends_a_challenge)
{
	struct rig r;
	struct app app;
	struct str session;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	session = challenge(&r);
	assert_int_equal(identity_local.logout(rig_call(&r), &app.who, true), OK);
	assert_int_equal(answer(&r, session, code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(it_is_switched_off_with_a_code_and_on_again_with_another_secret)
{
	struct totp_enrolment  e;
	struct identity_tokens t;
	struct rig             r;
	struct app             app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &app.who, STR(RIG_PASSWORD), &e), ERR_EXISTS);
	assert_int_equal(identity_local.totp_verify(rig_call(&r), &app.who, STR("000000"),
	    app.recovery), ERR_EXISTS);
	assert_int_equal(identity_local.totp_remove(rig_call(&r), &app.who, wrong_code(&r, &app)),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(identity_local.totp_remove(rig_call(&r), &app.who,
	    code_at(&r, &app, r.now_ms)), OK);
	assert_int_equal(rig_sign_in(&r, RIG_EMAIL, RIG_PASSWORD, &t), OK);
	assert_true(t.access_token.len > 0);
	assert_int_equal(identity_local.totp_remove(rig_call(&r), &app.who, STR("000000")),
	    ERR_NOT_FOUND);
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &app.who, STR(RIG_PASSWORD), &e), OK);
	rig_close(&r);
}

TEST(an_api_key_touches_no_second_factor)
{
	struct totp_enrolment e;
	struct principal      key;
	struct rig            r;
	struct app            app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	key = app.who;
	key.session = STR_NONE;
	assert_int_equal(identity_local.totp_enrol(rig_call(&r), &key, STR(RIG_PASSWORD), &e), ERR_FORBIDDEN);
	assert_int_equal(identity_local.totp_verify(rig_call(&r), &key, STR("000000"),
	    app.recovery), ERR_FORBIDDEN);
	assert_int_equal(identity_local.totp_remove(rig_call(&r), &key,
	    code_at(&r, &app, r.now_ms)), ERR_FORBIDDEN);
	rig_close(&r);
}

/* --- at once ---------------------------------------------------------------------- */

#define THREADS 8

struct guess {
	struct rig *rig;
	struct str  session, code;
	enum err    result;
};

static void *guess_one(void *context)
{
	struct guess           *g = context;
	struct identity_login   in;
	struct identity_call    k = *rig_call(g->rig);
	struct arena            a;
	struct store_connection *c;

	arena_init(&a, ARENA_MAX_BYTES);
	if (store_connect(g->rig->store, &c) != OK)
		return NULL;
	k.arena = &a;
	k.store = c;
	g->result = identity_local.login_totp(&k, g->session, g->code, &in);
	store_disconnect(c);
	arena_clean(&a);
	return NULL;
}

static size_t guess_at_once(struct rig *r, struct str session[THREADS], struct str code,
    enum err wanted)
{
	pthread_t    threads[THREADS];
	struct guess guesses[THREADS];
	size_t       n = 0;

	for (size_t i = 0; i < THREADS; i++)
		guesses[i] = (struct guess){ r, session[i], code, ERR_INTERNAL };
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess_one, &guesses[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		n += guesses[i].result == wanted;
	}
	return n;
}

TEST(of_many_with_the_same_code_at_once_one_signs_in)
{
	struct rig r;
	struct app app;
	struct str session[THREADS];

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	for (size_t i = 0; i < THREADS; i++)
		session[i] = challenge(&r);
	assert_int_equal(guess_at_once(&r, session, code_at(&r, &app, r.now_ms), OK), 1);
	rig_close(&r);
}

TEST(guesses_at_once_are_all_counted)
{
	struct second_factor f;
	struct rig           r;
	struct app           app;
	struct str           session[THREADS];
	size_t               wrong;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	for (size_t i = 0; i < THREADS; i++)
		session[i] = challenge(&r);
	wrong = guess_at_once(&r, session, wrong_code(&r, &app), ERR_UNAUTHENTICATED);
	assert_int_equal(second_factor_read(r.c, &r.a, app.who.id, false, r.now_ms, &f), OK);
	assert_int_equal(f.failed, wrong);
	rig_close(&r);
}

/* --- at rest ---------------------------------------------------------------------- */

TEST(the_store_has_neither_secret_nor_code_in_the_clear)
{
	struct second_factor f, g;
	struct store_item    item;
	struct rig           r;
	struct app           app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	assert_int_equal(second_factor_read(r.c, &r.a, app.who.id, false, r.now_ms, &f), OK);
	assert_int_equal(second_factor_item(&r.a, &f, false, &item), OK);
	assert_false(str_contains(item.body, totp_base32(&r.a, app.secret)));
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		assert_false(str_contains(item.body, app.recovery[i]));
		assert_int_equal(f.recovery[i].len, 64);
	}
	/* Moved to another account it is nothing. */
	g = f;
	g.account = STR("another");
	assert_int_equal(second_factor_use(r.auth, &r.a, &g, code_at(&r, &app, r.now_ms),
	    r.now_ms), ERR_CORRUPT);
	assert_int_equal(second_factor_use(r.auth, &r.a, &f, code_at(&r, &app, r.now_ms),
	    r.now_ms), OK);
	rig_close(&r);
}

TEST(what_is_no_challenge_gets_nothing)
{
	struct rig r;
	struct app app;

	(void)state;
	rig_open(&r);
	app = switch_on(&r);
	assert_int_equal(answer(&r, STR(""), code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, STR("qv_challenge_"), code_at(&r, &app, r.now_ms)),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(answer(&r, STR("qv_challenge_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	    code_at(&r, &app, r.now_ms)), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST_MAIN(
	RUN(an_enrolled_app_is_asked_for_only_after_a_code_of_it),
	RUN(an_enrolment_is_over_after_a_quarter_of_an_hour_and_the_next_replaces_it),
	RUN(an_old_sign_in_enrols_with_the_password_alone),
	RUN(the_password_alone_gets_a_challenge_and_the_code_the_tokens),
	RUN(a_code_is_good_once_whatever_challenge_it_comes_with),
	RUN(the_code_that_switched_it_on_does_not_sign_in),
	RUN(a_challenge_is_spent_by_its_sign_in),
	RUN(a_challenge_takes_five_codes_and_five_minutes),
	RUN(ten_wrong_codes_stop_all_codes_for_an_hour_and_no_recovery_code),
	RUN(each_recovery_code_is_good_once_however_it_is_typed),
	RUN(ending_all_sessions_ends_a_challenge),
	RUN(it_is_switched_off_with_a_code_and_on_again_with_another_secret),
	RUN(an_api_key_touches_no_second_factor),
	RUN(of_many_with_the_same_code_at_once_one_signs_in),
	RUN(guesses_at_once_are_all_counted),
	RUN(the_store_has_neither_secret_nor_code_in_the_clear),
	RUN(what_is_no_challenge_gets_nothing))
