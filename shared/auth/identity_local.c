/*
 * identity_local: accounts in our own store.
 */
#include "auth/identity.h"

#include "auth/grant.h"
#include "auth/local.h"
#include "auth/state.h"

/* --- signing in ----------------------------------------------------------------- */

/* The account, when the password is its own; the same work whether or not there
 * is one.  `known` is the hash that this password was found to be right for. */
static enum err check_password(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str password, int64_t now_ms, struct str *known,
    struct account_record *out)
{
	enum err e = account_by_email(c, a, email, now_ms, out);

	if (e == ERR_NOT_FOUND || (e == OK && out->password.len == 0))
		return password_verify_nobody(&auth->hasher, a, password);
	if (e == OK && !str_eq(out->password, *known))
		e = password_verify(&auth->hasher, a, password, out->password);
	if (e != OK)
		return e;
	*known = out->password;
	return out->disabled ? ERR_UNAUTHENTICATED : OK;
}

enum err local_begin(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct identity_tokens *out)
{
	const struct grant_terms own = { 0 };

	return grant_begin(k, r, &own, also, n, out);
}

static enum err login(const struct identity_call *k, struct str email, struct str password,
    struct identity_login *out)
{
	struct account_record r;
	struct str            known = STR_NONE;
	enum err              e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = check_password(k->auth, k->store, k->arena, email, password, k->now_ms, &known,
		    &r);
		if (e != OK)
			return e;
		e = grant_sign_in(k, &r, NULL, 0, out);
	}
	return e == ERR_STALE || e == ERR_NOT_FOUND ? ERR_UNAVAILABLE : e;
}

static enum err refresh_tokens(const struct identity_call *k, struct str refresh_token,
    struct identity_tokens *out)
{
	const struct grant_terms own = { 0 };

	return grant_refresh(k, refresh_token, &own, out);
}

/* --- ending sessions ------------------------------------------------------------ */

enum err local_put(const struct identity_call *k, struct account_record *r,
    const struct store_op *also, size_t n)
{
	struct store_result result;
	struct store_op     ops[1 + LOCAL_ALSO_MAX] = {
		{ .verb = STORE_PUT, .condition = STORE_VERSION },
	};
	enum err e = account_item(k->arena, r, &ops[0].item);

	for (size_t i = 0; i < n; i++)
		ops[1 + i] = also[i];
	if (e == OK)
		e = store_write(k->store, ops, 1 + n, STORE_DURABLE, k->now_ms, &result);
	if (e == OK)
		r->account.version = result.version;
	return e;
}

/* No refresh token of before counts after this. */
static enum err raise_epoch(const struct identity_call *k, struct str id)
{
	struct account_record r;
	enum err              e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = account_read(k->store, k->arena, id, k->now_ms, &r);
		if (e != OK)
			return e;
		r.epoch++;
		e = local_put(k, &r, NULL, 0);
	}
	return e;
}

static enum err logout(const struct identity_call *k, const struct principal *who,
    bool everywhere)
{
	enum err e;

	if (!everywhere) {
		if (who->session.len == 0)
			return OK;      /* an API key has no session to end */
		return session_end(k->auth, k->store, k->arena, who->id, who->session, k->now_ms);
	}
	e = raise_epoch(k, who->id);
	if (e == OK || e == ERR_NOT_FOUND)
		e = session_end_all(k->auth, k->store, k->arena, who->id, STR_NONE, k->now_ms);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

/* --- the account ---------------------------------------------------------------- */

static enum err read_account(const struct identity_call *k, const struct principal *who,
    struct account *out)
{
	struct account_record r;
	enum err              e = account_read(k->store, k->arena, who->id, k->now_ms, &r);

	if (e == OK)
		*out = r.account;
	return e;
}

static enum err rename_account(const struct identity_call *k, const struct principal *who,
    struct str name, uint64_t version, struct account *out)
{
	struct account_record r;
	enum err              e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = account_read(k->store, k->arena, who->id, k->now_ms, &r);
		if (e != OK)
			return e;
		if (version != 0 && version != r.account.version)
			return ERR_STALE;
		r.account.name = name;
		e = local_put(k, &r, NULL, 0);
	}
	if (e == OK)
		*out = r.account;
	return e == ERR_STALE && version == 0 ? ERR_UNAVAILABLE : e;
}

/* The caller's own session, as one of the epoch to come; false when it has none
 * any more. */
static bool keep_session(struct auth *auth, struct store_connection *c, struct arena *a,
    const struct principal *who, int64_t epoch, int64_t now_ms, struct store_op *out)
{
	struct session s;

	if (who->session.len == 0 || session_read(c, a, who->id, who->session, now_ms, &s) != OK)
		return false;
	s.epoch = epoch;
	*out = (struct store_op){ .verb = STORE_PUT, .condition = STORE_PRESENT };
	return session_item(auth, a, &s, &out->item) == OK;
}

/* ERR_STALE: the account changed since it was read. */
static enum err replace_password(const struct identity_call *k, const struct principal *who,
    struct account_record *r, struct str phc)
{
	struct store_op own;
	enum err        e;

	r->password = phc;
	r->epoch++;
	if (!keep_session(k->auth, k->store, k->arena, who, r->epoch, k->now_ms, &own))
		return ERR_UNAUTHENTICATED;
	e = local_put(k, r, &own, 1);
	return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
}

static enum err change_password(const struct identity_call *k, const struct principal *who,
    struct str old_password, struct str new_password, struct str *why)
{
	const struct password_hasher *hasher = &k->auth->hasher;
	struct arena                 *a = k->arena;
	struct account_record         r;
	struct str                    known = STR_NONE, phc = STR_NONE;
	enum err                      e = ERR_STALE;

	*why = str_of(password_problem_for(new_password, who->email));
	if (why->ptr != NULL)
		return ERR_INVALID;
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = account_read(k->store, a, who->id, k->now_ms, &r);
		if (e == OK && (known.ptr == NULL || !str_eq(known, r.password)))
			e = password_verify(hasher, a, old_password, r.password);
		if (e == ERR_UNAUTHENTICATED)
			*why = STR("is not the current password");
		known = r.password;
		if (e == OK && phc.ptr == NULL)
			e = password_hash(hasher, a, new_password, &phc);
		if (e != OK)
			return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
		e = replace_password(k, who, &r, phc);
	}
	if (e == OK)
		e = session_end_all(k->auth, k->store, a, who->id, who->session, k->now_ms);
	if (e == OK)
		local_mail(k, MAIL_PASSWORD_CHANGED, r.account.email, STR_NONE);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

const struct identity_provider identity_local = {
	.login = login,
	.login_totp = local_login_totp,
	.refresh = refresh_tokens,
	.logout = logout,
	.account = read_account,
	.rename = rename_account,
	.change_password = change_password,
	.sign_up = local_sign_up,
	.confirm = local_confirm,
	.resend = local_resend,
	.forgot = local_forgot,
	.reset = local_reset,
	.sessions = local_sessions,
	.session_end = local_session_end,
	.totp_enrol = local_totp_enrol,
	.totp_verify = local_totp_verify,
	.totp_remove = local_totp_remove,
};
