/*
 * local_session: where an account is signed in, and whether its owner is there.
 */
#include "auth/local.h"

#include "auth/state.h"
#include "base/id.h"

struct listing {
	const struct principal *who;
	int64_t                 epoch;
	bool                  (*each)(void *context, const struct identity_session *s);
	void                   *context;
};

static bool list_one(void *context, const struct session *s)
{
	struct listing         *l = context;
	struct identity_session shown = {
		.id = s->id, .address = s->address, .agent = s->agent,
		.client = s->client, .client_name = s->client_name,
		.created_ms = s->created_ms, .used_ms = s->used_ms,
		.current = str_eq(s->id, l->who->session),
	};

	/* One of an earlier epoch is over, whether or not it is still there. */
	return s->epoch != l->epoch || l->each(l->context, &shown);
}

enum err local_sessions(const struct identity_call *k, const struct principal *who,
    bool (*each)(void *context, const struct identity_session *s), void *context)
{
	struct listing        l = { .who = who, .each = each, .context = context };
	struct account_record r;
	enum err              e = account_read(k->store, k->arena, who->id, k->now_ms, &r);

	if (e != OK)
		return e;
	l.epoch = r.epoch;
	return session_each(k->store, k->arena, who->id, k->now_ms, list_one, &l);
}

enum err local_session_end(const struct identity_call *k, const struct principal *who,
    struct str session)
{
	struct session s;
	enum err       e = ERR_NOT_FOUND;

	if (id_is_uuid(session))
		e = session_read(k->store, k->arena, who->id, session, k->now_ms, &s);
	if (e != OK)
		return e;
	return session_end(k->auth, k->store, k->arena, who->id, session, k->now_ms);
}

enum err local_is_present(const struct identity_call *k, const struct principal *who,
    const struct account_record *r, struct str password)
{
	struct session s;
	enum err       e = ERR_NOT_FOUND;

	if (password.len > 0)
		return r->password.len == 0 ?
		    password_verify_nobody(&k->auth->hasher, k->arena, password) :
		    password_verify(&k->auth->hasher, k->arena, password, r->password);
	if (who->session.len > 0)
		e = session_read(k->store, k->arena, who->id, who->session, k->now_ms, &s);
	if (e != OK)
		return e == ERR_NOT_FOUND ? ERR_FORBIDDEN : e;
	return k->now_ms - s.created_ms <= FRESH_SIGN_IN_S * INT64_C(1000) ? OK : ERR_FORBIDDEN;
}
