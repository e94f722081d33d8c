/*
 * local_reset: a new password for who can read the account's mail.  The second factor
 * stays: a mailbox is not it.
 */
#include "auth/mailed_code.h"
#include "auth/state.h"

enum err local_forgot(const struct identity_call *k, struct str email)
{
	struct account_record r;
	struct mailed_code    m;
	struct str            code = STR_NONE;
	enum err              found, e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		found = account_by_email(k->store, k->arena, email, k->now_ms, &r);
		if (found != OK && found != ERR_NOT_FOUND)
			return found;
		e = mailed_code_read(k, MAILED_RESET, email, &m);
		if (e != OK)
			return e;
		if (m.barren && found == OK)
			m.mails = 0;    /* what there was went to nobody */
		m.barren = found != OK || r.disabled;    /* a code that nobody gets */
		code = mailed_code_new(k, &m);
		e = mailed_code_put(k, &m);
	}
	if (e == OK && code.ptr != NULL && !m.barren)
		local_mail(k, MAIL_RESET, r.account.email, code);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

/* The code is right: the account gets the password, and the code is used up. */
static enum err replace(const struct identity_call *k, const struct mailed_code *m,
    struct str phc, struct account_record *r)
{
	struct store_op used = { .verb = STORE_DELETE, .condition = STORE_VERSION };
	enum err        e = account_by_email(k->store, k->arena, m->address, k->now_ms, r);

	if (e == OK && r->disabled)
		return ERR_UNAUTHENTICATED;
	if (e == OK)
		e = mailed_code_item(k, m, &used.item);
	if (e != OK)
		return e;
	r->password = phc;
	r->epoch++;
	return local_put(k, r, &used, 1);
}

enum err local_reset(const struct identity_call *k, struct str email, struct str code,
    struct str password, struct str *why)
{
	struct account_record r;
	struct mailed_code    m;
	struct str            phc = STR_NONE;
	enum err              e = ERR_STALE;

	*why = str_of(password_problem_for(password, email));
	if (why->ptr != NULL)
		return ERR_INVALID;
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = mailed_code_read(k, MAILED_RESET, email, &m);
		if (e == OK)
			e = mailed_code_try(k, &m, code);
		if (e == OK && phc.ptr == NULL)
			e = password_hash(&k->auth->hasher, k->arena, password, &phc);
		if (e == OK)
			e = replace(k, &m, phc, &r);
	}
	if (e == OK)
		e = session_end_all(k->auth, k->store, k->arena, r.account.id, STR_NONE, k->now_ms);
	if (e == OK)
		local_mail(k, MAIL_PASSWORD_CHANGED, r.account.email, STR_NONE);
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
