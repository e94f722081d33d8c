/*
 * local_totp: a second factor, asked for at sign-in, switched on and off.
 * Whether a code was right is said only after its use, or the failure, is stored: two
 * who try at once are two tries.
 */
#include "auth/challenge.h"
#include "auth/local.h"
#include "auth/second_factor.h"

static struct store_op put(enum store_condition condition, struct store_item item)
{
	return (struct store_op){ .verb = STORE_PUT, .condition = condition, .item = item };
}

/* Writes of which one was first, or that lost what they were about: look again. */
static bool is_race(enum err e)
{
	return e == ERR_STALE || e == ERR_EXISTS;
}

static enum err write_all(const struct identity_call *k, const struct store_op *ops, size_t n)
{
	struct store_result result;

	return store_write(k->store, ops, n, STORE_DURABLE, k->now_ms, &result);
}

/* --- signing in ----------------------------------------------------------------- */

enum err local_challenge(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct str *session)
{
	struct challenge_record challenge;
	struct store_op         ops[2 + LOCAL_ALSO_MAX] = {
		local_unchanged(k->arena, &r->account),
	};

	*session = challenge_new(k->arena, r, k->now_ms, &challenge);
	ops[1] = put(STORE_ABSENT, challenge_item(k->arena, &challenge));
	for (size_t i = 0; i < n; i++)
		ops[2 + i] = also[i];
	return write_all(k, ops, 2 + n);
}

/* What a challenge is about. */
struct attempt {
	struct challenge_record challenge;
	struct account_record   r;
	struct second_factor    factor;
};

/* ERR_NOT_FOUND: it is over. */
static enum err read_attempt(const struct identity_call *k, struct str session,
    struct attempt *t)
{
	enum err e = challenge_read(k->store, k->arena, session, k->now_ms, &t->challenge);

	if (e == OK)
		e = account_read(k->store, k->arena, t->challenge.account, k->now_ms, &t->r);
	if (e == OK && (t->r.disabled || !t->r.account.totp || t->r.epoch != t->challenge.epoch))
		return ERR_NOT_FOUND;
	if (e == OK)
		e = second_factor_read(k->store, k->arena, t->r.account.id, false, k->now_ms,
		    &t->factor);
	return e;
}

static enum err store_failure(const struct identity_call *k, struct attempt *t)
{
	struct store_op   ops[2];
	struct store_item item;
	enum err          e = second_factor_item(k->arena, &t->factor, false, &item);

	t->challenge.tries++;
	ops[0] = put(STORE_VERSION, challenge_item(k->arena, &t->challenge));
	ops[1] = put(STORE_VERSION, item);
	if (e == OK)
		e = write_all(k, ops, 2);
	return e == OK ? ERR_UNAUTHENTICATED : e;
}

static enum err finish(const struct identity_call *k, struct attempt *t,
    struct identity_tokens *out)
{
	struct store_op ops[2] = {
		{ STORE_DELETE, STORE_VERSION, challenge_item(k->arena, &t->challenge) },
		{ .verb = STORE_PUT, .condition = STORE_VERSION },
	};
	enum err e = second_factor_item(k->arena, &t->factor, false, &ops[1].item);

	return e == OK ? local_begin(k, &t->r, ops, 2, out) : e;
}

static enum err try_code(const struct identity_call *k, struct str session, struct str code,
    struct identity_tokens *out)
{
	struct attempt t;
	enum err       e = read_attempt(k, session, &t);

	if (e == OK)
		e = second_factor_use(k->auth, k->arena, &t.factor, code, k->now_ms);
	if (e == ERR_UNAUTHENTICATED)
		return store_failure(k, &t);
	return e == OK ? finish(k, &t, out) : e;
}

enum err local_login_totp(const struct identity_call *k, struct str session, struct str code,
    struct identity_login *out)
{
	enum err e = ERR_STALE;

	for (int i = 0; is_race(e) && i < WRITE_TRIES; i++)
		e = try_code(k, session, code, &out->tokens);
	out->challenge = CHALLENGE_NONE;
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	return is_race(e) ? ERR_UNAVAILABLE : e;
}

/* --- switching it on ------------------------------------------------------------- */

enum err local_totp_enrol(const struct identity_call *k, const struct principal *who,
    struct str password, struct totp_enrolment *out)
{
	struct second_factor  factor;
	struct account_record r;
	struct store_op       op = { .verb = STORE_PUT, .condition = STORE_ALWAYS };
	enum err              e = account_read(k->store, k->arena, who->id, k->now_ms, &r);

	if (who->session.len == 0)
		return ERR_FORBIDDEN;
	if (e == OK && r.account.totp)
		return ERR_EXISTS;
	if (e == OK)
		e = local_is_present(k, who, &r, password);
	if (e == OK)
		e = second_factor_new(k->auth, k->arena, r.account.id, k->now_ms, &factor,
		    &out->secret);
	if (e == OK)
		e = second_factor_item(k->arena, &factor, true, &op.item);
	if (e == OK)
		e = write_all(k, &op, 1);
	if (e != OK)
		return e;
	out->uri = totp_uri(k->arena, k->auth->config->site_title, r.account.email, out->secret);
	return OK;
}

static enum err switch_on(const struct identity_call *k, struct account_record *r,
    struct second_factor *factor)
{
	struct store_op ops[2] = {
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
		{ .verb = STORE_DELETE, .condition = STORE_VERSION },
	};
	enum err e = second_factor_item(k->arena, factor, true, &ops[1].item);

	if (e == OK)
		e = second_factor_item(k->arena, factor, false, &ops[0].item);
	r->account.totp = true;
	return e == OK ? local_put(k, r, ops, 2) : e;
}

static enum err try_verify(const struct identity_call *k, const struct principal *who,
    struct str code, struct str recovery[RECOVERY_CODES])
{
	struct account_record r;
	struct second_factor  factor;
	enum err              e = account_read(k->store, k->arena, who->id, k->now_ms, &r);

	if (e == OK && r.account.totp)
		return ERR_EXISTS;
	if (e == OK)
		e = second_factor_read(k->store, k->arena, who->id, true, k->now_ms, &factor);
	if (e == OK && !totp_is_code(code))
		return ERR_UNAUTHENTICATED;
	if (e == OK)
		e = second_factor_use(k->auth, k->arena, &factor, code, k->now_ms);
	if (e != OK)
		return e;
	second_factor_recovery(k->arena, &factor, recovery);
	e = switch_on(k, &r, &factor);
	if (e == OK)
		local_mail(k, MAIL_TOTP_CHANGED, r.account.email, STR_NONE);
	return e == ERR_EXISTS || e == ERR_NOT_FOUND ? ERR_STALE : e;
}

enum err local_totp_verify(const struct identity_call *k, const struct principal *who,
    struct str code, struct str recovery[RECOVERY_CODES])
{
	enum err e = ERR_STALE;

	if (who->session.len == 0)
		return ERR_FORBIDDEN;
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++)
		e = try_verify(k, who, code, recovery);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

/* --- switching it off ------------------------------------------------------------ */

static enum err switch_off(const struct identity_call *k, struct account_record *r,
    struct store_item factor)
{
	struct store_op op = { STORE_DELETE, STORE_VERSION, factor };
	enum err        e;

	r->account.totp = false;
	e = local_put(k, r, &op, 1);
	if (e == OK)
		local_mail(k, MAIL_TOTP_CHANGED, r->account.email, STR_NONE);
	return e;
}

static enum err try_remove(const struct identity_call *k, const struct principal *who,
    struct str code)
{
	struct account_record r;
	struct second_factor  factor;
	struct store_op       op = { .verb = STORE_PUT, .condition = STORE_VERSION };
	enum err              used, e = account_read(k->store, k->arena, who->id, k->now_ms, &r);

	if (e == OK && !r.account.totp)
		return ERR_NOT_FOUND;
	if (e == OK)
		e = second_factor_read(k->store, k->arena, who->id, false, k->now_ms, &factor);
	if (e != OK)
		return e;
	used = second_factor_use(k->auth, k->arena, &factor, code, k->now_ms);
	if (used != OK && used != ERR_UNAUTHENTICATED)
		return used;
	e = second_factor_item(k->arena, &factor, false, &op.item);
	if (e == OK && used == ERR_UNAUTHENTICATED)
		e = write_all(k, &op, 1);
	else if (e == OK)
		e = switch_off(k, &r, op.item);
	return e == OK ? used : e;
}

enum err local_totp_remove(const struct identity_call *k, const struct principal *who,
    struct str code)
{
	enum err e = ERR_STALE;

	if (who->session.len == 0)
		return ERR_FORBIDDEN;
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++)
		e = try_remove(k, who, code);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
