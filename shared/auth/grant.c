#include "auth/grant.h"

#include "auth/local.h"
#include "auth/state.h"
#include "auth/token.h"
#include "base/id.h"
#include "log/log.h"

/* --- tokens --------------------------------------------------------------------- */

/* What a client's token may open: what it was given, while the account has it. */
static scope_set scopes_now(const struct session *s, const struct account *account)
{
	return s->scopes & roles_scopes(account->roles);
}

static bool wants_id_token(const struct session *s, scope_set scopes)
{
	return s->client.len == 0 || (scopes & SCOPE_BIT(SCOPE_OPENID)) != 0;
}

/* Of an access token: none outlives its session.  A second is the least that a token
 * can say. */
static uint32_t ttl_of(const struct identity_call *k, const struct session *s)
{
	int64_t  left_s = (session_last_ms(k->auth, s) - k->now_ms) / 1000;
	uint32_t ttl_s = k->auth->config->access_token_ttl_s;

	if (left_s >= ttl_s)
		return ttl_s;
	return left_s > 1 ? (uint32_t)left_s : 1;
}

static enum err issue(const struct identity_call *k, const struct token_signer *signer,
    const struct account *account, const struct session *s, struct str nonce,
    struct identity_tokens *out)
{
	struct arena      *a = k->arena;
	struct token_draft draft = {
		.use = TOKEN_USE_ACCESS, .issuer = k->auth->issuer,
		.subject = account->id, .session = s->id,
		.email = account->email, .name = account->name,
		.plan = account->plan, .tenant = account->tenant,
		.roles = account->roles, .now_ms = k->now_ms,
		.ttl_s = ttl_of(k, s),
		.client = s->client, .scopes = scopes_now(s, account),
		.nonce = nonce, .auth_ms = s->auth_ms,
	};
	enum err e = token_issue(a, signer, &draft, &out->access_token);

	draft.use = TOKEN_USE_ID;
	draft.access_token = out->access_token;
	if (e == OK && wants_id_token(s, draft.scopes))
		e = token_issue(a, signer, &draft, &out->id_token);
	out->expires_in = draft.ttl_s;
	out->scopes = draft.scopes;
	out->session = s->id;
	return e;
}

enum err grant_to_client(const struct identity_call *k, const struct grant_terms *terms,
    struct identity_tokens *out)
{
	const struct token_signer *signer;
	struct token_draft         draft = {
		.use = TOKEN_USE_ACCESS, .issuer = k->auth->issuer, .subject = terms->client,
		.client = terms->client, .scopes = terms->scopes, .now_ms = k->now_ms,
		.ttl_s = k->auth->config->access_token_ttl_s,
	};
	char     id[ID_UUID_SIZE];
	enum err e = keys_signer(k->auth->keys, k->store, k->arena, k->now_ms, &signer);

	id_uuid7(k->now_ms, id);
	draft.session = str_of(id);     /* of no session, but revoked like one */
	*out = (struct identity_tokens){
		.expires_in = draft.ttl_s, .scopes = draft.scopes,
	};
	return e == OK ? token_issue(k->arena, signer, &draft, &out->access_token) : e;
}

struct store_op local_unchanged(struct arena *a, const struct account *account)
{
	return (struct store_op){ STORE_CHECK, STORE_VERSION,
		{ .pk = account_pk(a, account->id), .sk = STR("account"),
		  .version = account->version } };
}

/* --- beginning ------------------------------------------------------------------ */

static struct session new_session(const struct identity_call *k,
    const struct account_record *r, const struct grant_terms *terms)
{
	char id[ID_UUID_SIZE];

	id_uuid7(k->now_ms, id);
	return (struct session){
		.id = terms->session.len > 0 ? terms->session : arena_dup(k->arena, str_of(id)),
		.account = r->account.id,
		.epoch = r->epoch, .created_ms = k->now_ms, .used_ms = k->now_ms,
		.address = k->from.address, .agent = k->from.agent,
		.client = terms->client, .client_name = terms->client_name,
		.scopes = terms->scopes, .auth_ms = terms->auth_ms, .lone = terms->lone,
	};
}

/* The session and its first refresh token, if it has one. */
static enum err write_session(const struct identity_call *k, const struct account_record *r,
    const struct session *s, const struct store_op *also, size_t n, struct str *token)
{
	struct refresh      refresh;
	struct store_result result;
	struct store_op     ops[3 + GRANT_ALSO_MAX] = {
		local_unchanged(k->arena, &r->account),
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
	};
	size_t              count = 2;
	enum err            e = session_item(k->auth, k->arena, s, &ops[1].item);

	if (!s->lone) {
		*token = refresh_new(k->auth, k->arena, s, &refresh);
		ops[count++] = (struct store_op){ STORE_PUT, STORE_ABSENT,
			refresh_item(k->arena, &refresh) };
	}
	for (size_t i = 0; i < n; i++)
		ops[count++] = also[i];
	return e == OK ? store_write(k->store, ops, count, STORE_DURABLE, k->now_ms, &result) : e;
}

enum err grant_begin(const struct identity_call *k, const struct account_record *r,
    const struct grant_terms *terms, const struct store_op *also, size_t n,
    struct identity_tokens *out)
{
	const struct token_signer *signer;
	struct session             s = new_session(k, r, terms);
	enum err e = keys_signer(k->auth->keys, k->store, k->arena, k->now_ms, &signer);

	*out = (struct identity_tokens){ 0 };
	if (e == OK)
		e = write_session(k, r, &s, also, n, &out->refresh_token);
	if (e != OK)
		return e;
	if (session_trim(k->auth, k->store, k->arena, r->account.id, s.id, k->now_ms) != OK)
		log_message(LOG_WARN, "auth.sessions_untrimmed",
		    "account %.*s: its oldest session could not be ended; the next sign-in will",
		    STR_ARG(r->account.id));
	return issue(k, signer, &r->account, &s, terms->nonce, out);
}

enum err grant_sign_in(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct identity_login *out)
{
	out->challenge = r->account.totp ? CHALLENGE_TOTP : CHALLENGE_NONE;
	return r->account.totp ? local_challenge(k, r, also, n, &out->session) :
	    local_begin(k, r, also, n, &out->tokens);
}

/* --- refreshing ----------------------------------------------------------------- */

enum err grant_read(const struct identity_call *k, struct str token, struct str client,
    struct grant *g)
{
	enum err e = refresh_read(k->store, k->arena, token, k->now_ms, &g->refresh);

	if (e == OK)
		e = account_read(k->store, k->arena, g->refresh.account, k->now_ms, &g->r);
	if (e == OK)
		e = session_read(k->store, k->arena, g->refresh.account, g->refresh.session,
		    k->now_ms, &g->s);
	if (e == OK && (g->r.disabled || g->s.epoch != g->r.epoch || !str_eq(g->s.client, client) ||
	    k->now_ms >= session_last_ms(k->auth, &g->s)))
		return ERR_NOT_FOUND;
	return e;
}

/* Whether a spent token comes so soon after that it is two tabs, and no thief.  After a
 * clock that was set back it does not: a thief would have until it is that late again. */
static bool within_grace(const struct auth *auth, const struct refresh *r, int64_t now_ms)
{
	int64_t grace_ms = (int64_t)auth->config->refresh_grace_s * 1000;
	int64_t since_ms = now_ms - r->spent_ms;

	return grace_ms > 0 && since_ms <= grace_ms && since_ms >= -grace_ms;
}

/* Spends the token (unless it is), and gives the session another.  ERR_STALE:
 * something changed since it was read. */
static enum err rotate(struct auth *auth, struct store_connection *c, struct arena *a,
    struct grant *g, const struct identity_client *from, int64_t now_ms, struct str *token)
{
	struct refresh      next;
	struct store_result result;
	struct store_op     ops[] = {
		local_unchanged(a, &g->r.account),
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

enum err grant_refresh(const struct identity_call *k, struct str refresh_token,
    const struct grant_terms *terms, struct identity_tokens *out)
{
	struct auth               *auth = k->auth;
	struct store_connection   *c = k->store;
	struct arena              *a = k->arena;
	int64_t                    now_ms = k->now_ms;
	const struct token_signer *signer;
	struct grant               g;
	enum err                   e = ERR_STALE;

	*out = (struct identity_tokens){ 0 };
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = grant_read(k, refresh_token, terms->client, &g);
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
	if (terms->client.len > 0)
		g.s.scopes &= terms->scopes;    /* of this access token; the session keeps its own */
	return issue(k, signer, &g.r.account, &g.s, STR_NONE, out);
}
