/*
 * identity_local: accounts in our own store.
 */
#include "auth/identity.h"

#include "auth/local.h"
#include "auth/token.h"
#include "base/id.h"
#include "log/log.h"

/* --- tokens --------------------------------------------------------------------- */

static enum err issue(struct auth *auth, struct arena *a, const struct token_signer *signer,
    const struct account *account, struct str session, int64_t now_ms,
    struct identity_tokens *out)
{
	struct token_draft draft = {
		.use = TOKEN_USE_ACCESS, .issuer = auth->issuer,
		.subject = account->id, .session = session,
		.email = account->email, .name = account->name,
		.plan = account->plan, .tenant = account->tenant,
		.roles = account->roles, .now_ms = now_ms,
		.ttl_s = auth->config->access_token_ttl_s,
	};
	enum err e = token_issue(a, signer, &draft, &out->access_token);

	draft.use = TOKEN_USE_ID;
	if (e == OK)
		e = token_issue(a, signer, &draft, &out->id_token);
	out->expires_in = draft.ttl_s;
	return e;
}

/* The account is as it was read. */
static struct store_op unchanged(struct arena *a, const struct account *account)
{
	return (struct store_op){ STORE_CHECK, STORE_VERSION,
		{ .pk = account_pk(a, account->id), .sk = STR("account"),
		  .version = account->version } };
}

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

/* A session and its first refresh token.  ERR_STALE: the account changed since it
 * was read. */
static enum err put_session(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct session *s, struct str *token)
{
	struct refresh      refresh;
	struct store_result result;
	struct store_op     ops[3 + LOCAL_ALSO_MAX] = {
		unchanged(k->arena, &r->account),
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
	};
	char     id[ID_UUID_SIZE];
	enum err e;

	id_uuid7(k->now_ms, id);
	*s = (struct session){
		.id = arena_dup(k->arena, str_of(id)), .account = r->account.id,
		.epoch = r->epoch, .created_ms = k->now_ms, .used_ms = k->now_ms,
		.address = k->from.address, .agent = k->from.agent,
	};
	*token = refresh_new(k->auth, k->arena, s, &refresh);
	e = session_item(k->auth, k->arena, s, &ops[1].item);
	ops[2].item = refresh_item(k->arena, &refresh);
	for (size_t i = 0; i < n; i++)
		ops[3 + i] = also[i];
	return e == OK ? store_write(k->store, ops, 3 + n, STORE_DURABLE, k->now_ms, &result) : e;
}

enum err local_begin(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct identity_tokens *out)
{
	const struct token_signer *signer;
	struct session             s;
	enum err e = keys_signer(k->auth->keys, k->store, k->arena, k->now_ms, &signer);

	if (e == OK)
		e = put_session(k, r, also, n, &s, &out->refresh_token);
	if (e != OK)
		return e;
	if (session_trim(k->auth, k->store, k->arena, r->account.id, s.id, k->now_ms) != OK)
		log_message(LOG_WARN, "auth.sessions_untrimmed",
		    "account %.*s: its oldest session could not be ended; the next sign-in will",
		    STR_ARG(r->account.id));
	return issue(k->auth, k->arena, signer, &r->account, s.id, k->now_ms, out);
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
		e = local_begin(k, &r, NULL, 0, &out->tokens);
	}
	out->challenge = CHALLENGE_NONE;
	return e == ERR_STALE || e == ERR_NOT_FOUND ? ERR_UNAVAILABLE : e;
}

/* --- refreshing ----------------------------------------------------------------- */

/* What a refresh token stands for. */
struct grant {
	struct refresh        refresh;
	struct account_record r;
	struct session        s;
};

/* A token of a session that is over, or of an account that may not sign in, is
 * as good as none: ERR_NOT_FOUND. */
static enum err read_grant(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct grant *g)
{
	enum err e = refresh_read(c, a, token, now_ms, &g->refresh);

	if (e == OK)
		e = account_read(c, a, g->refresh.account, now_ms, &g->r);
	if (e == OK)
		e = session_read(c, a, g->refresh.account, g->refresh.session, now_ms, &g->s);
	if (e == OK && (g->r.disabled || g->s.epoch != g->r.epoch))
		return ERR_NOT_FOUND;
	return e;
}

/* Whether a spent token comes so soon after that it is two tabs, and no thief. */
static bool within_grace(const struct auth *auth, const struct refresh *r, int64_t now_ms)
{
	uint32_t grace_s = auth->config->refresh_grace_s;

	return grace_s > 0 && now_ms - r->spent_ms <= (int64_t)grace_s * 1000;
}

/* Spends the token (unless it is), and gives the session another.  ERR_STALE:
 * something changed since it was read. */
static enum err rotate(struct auth *auth, struct store_connection *c, struct arena *a,
    struct grant *g, const struct identity_client *from, int64_t now_ms, struct str *token)
{
	struct refresh      next;
	struct store_result result;
	struct store_op     ops[] = {
		unchanged(a, &g->r.account),
		{ .verb = STORE_PUT, .condition = STORE_PRESENT },
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
		{ .verb = STORE_PUT, .condition = STORE_VERSION },
	};
	bool     spend = g->refresh.spent_ms == 0;
	enum err e;

	g->s.used_ms = now_ms;
	g->s.address = from->address;
	g->s.agent = from->agent;
	*token = refresh_new(auth, a, &g->s, &next);
	e = session_item(auth, a, &g->s, &ops[1].item);
	ops[2].item = refresh_item(a, &next);
	if (spend) {
		g->refresh.spent_ms = now_ms;
		ops[3].item = refresh_item(a, &g->refresh);
	}
	if (e != OK)
		return e;
	return store_write(c, ops, spend ? 4 : 3, STORE_DURABLE, now_ms, &result);
}

/* A spent token is here again: whoever has the newer one, one of the two is a
 * thief.  Neither goes on. */
static enum err end_family(struct auth *auth, struct store_connection *c, struct arena *a,
    const struct session *s, int64_t now_ms)
{
	enum err e = session_end(auth, c, a, s->account, s->id, now_ms);

	log_message(LOG_WARN, "auth.refresh_reused",
	    "a spent refresh token was presented again: session %.*s of account %.*s is revoked",
	    STR_ARG(s->id), STR_ARG(s->account));
	return e == OK ? ERR_UNAUTHENTICATED : e;
}

static enum err refresh_tokens(const struct identity_call *k, struct str refresh_token,
    struct identity_tokens *out)
{
	struct auth               *auth = k->auth;
	struct store_connection   *c = k->store;
	struct arena              *a = k->arena;
	int64_t                    now_ms = k->now_ms;
	const struct token_signer *signer;
	struct grant               g;
	enum err                   e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = read_grant(c, a, refresh_token, now_ms, &g);
		if (e == OK && g.refresh.spent_ms != 0 && !within_grace(auth, &g.refresh, now_ms))
			return end_family(auth, c, a, &g.s, now_ms);
		if (e == OK)
			e = keys_signer(auth->keys, c, a, now_ms, &signer);
		if (e == OK)
			e = rotate(auth, c, a, &g, &k->from, now_ms, &out->refresh_token);
	}
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	if (e != OK)
		return e == ERR_STALE ? ERR_UNAVAILABLE : e;
	return issue(auth, a, signer, &g.r.account, g.s.id, now_ms, out);
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
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

const struct identity_provider identity_local = {
	.login = login,
	.refresh = refresh_tokens,
	.logout = logout,
	.account = read_account,
	.rename = rename_account,
	.change_password = change_password,
	.sessions = local_sessions,
	.session_end = local_session_end,
};
