/*
 * local_sign_up: from an address that nobody has to a confirmed account.
 * There is no account before its address is confirmed, so that nobody can hold an
 * address that is not theirs.  Whoever registers an address while another
 * registration of it waits (a stranger before its owner, or after) makes it contested:
 * the code then proves the address alone, and the password is chosen by mail.  So no
 * password becomes the account's that its owner did not choose.
 */
#include "auth/mailed_code.h"
#include "auth/state.h"
#include "base/id.h"
#include "log/log.h"

#define PLAN_OF_NEW STR("free")

void local_mail(const struct identity_call *k, enum mail_kind kind, struct str email,
    struct str code)
{
	const struct mail_message message = {
		.kind = kind, .to = { .address = email }, .code = code,
		.minutes = code.len > 0 ? MAILED_CODE_MINUTES : 0, .time_ms = k->now_ms,
	};
	enum err e = k->mail == NULL ? OK : mail_send(k->mail, &message);

	if (e != OK)
		log_message(LOG_WARN, "auth.not_mailed", "a mail about an account: %s", err_text(e));
}

/* Whether an account has the address. */
static enum err is_known(const struct identity_call *k, struct str email, bool *known)
{
	struct account_record r;
	enum err e = account_by_email(k->store, k->arena, email, k->now_ms, &r);

	*known = e == OK;
	return e == ERR_NOT_FOUND ? OK : e;
}

/* The registration in place of what waits; what waited was somebody's, too. */
static void take_up(struct mailed_code *m, struct str email, struct str phc, struct str name,
    bool known)
{
	bool contested = m->version != 0;

	m->email = email;
	m->name = contested ? STR_NONE : name;
	m->password = known || contested ? STR_NONE : phc;
	m->barren = known;
}

enum err local_sign_up(const struct identity_call *k, struct str email, struct str password,
    struct str name, struct str *why)
{
	struct mailed_code m;
	struct str         phc, code = STR_NONE;
	bool               known;
	enum err           e;

	*why = str_of(password_problem_for(password, email));
	if (why->ptr != NULL)
		return ERR_INVALID;
	if (k->auth->config->registration == REGISTRATION_CLOSED)
		return ERR_FORBIDDEN;
	e = password_hash(&k->auth->hasher, k->arena, password, &phc);
	if (e != OK)
		return e;
	e = ERR_STALE;
	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = is_known(k, email, &known);
		if (e == OK)
			e = mailed_code_read(k, MAILED_CONFIRM, email, &m);
		if (e != OK)
			return e;
		take_up(&m, email, phc, name, known);
		code = mailed_code_new(k, &m);
		e = mailed_code_put(k, &m);
	}
	if (e == OK && code.ptr != NULL)
		local_mail(k, known ? MAIL_ALREADY_REGISTERED : MAIL_CONFIRM, email,
		    known ? STR_NONE : code);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

enum err local_resend(const struct identity_call *k, struct str email)
{
	struct mailed_code m;
	struct str         code = STR_NONE;
	enum err           e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = mailed_code_read(k, MAILED_CONFIRM, email, &m);
		if (e != OK || m.version == 0)
			return e;
		code = mailed_code_new(k, &m);
		e = mailed_code_put(k, &m);
	}
	if (e == OK && code.ptr != NULL)
		local_mail(k, m.barren ? MAIL_ALREADY_REGISTERED : MAIL_CONFIRM, m.email,
		    m.barren ? STR_NONE : code);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

/* The account, in place of its registration. */
static enum err create(const struct identity_call *k, const struct mailed_code *m)
{
	struct account_record r = {
		.account = {
			.email = m->email, .name = m->name, .plan = PLAN_OF_NEW,
			.roles = UINT32_C(1) << ROLE_USER, .created_ms = k->now_ms,
		},
		.password = m->password,
	};
	struct store_op     ops[ACCOUNT_NEW_OPS + 1];
	struct store_result result;
	char                id[ID_UUID_SIZE];
	enum err            e;

	id_uuid7(k->now_ms, id);
	r.account.id = str_of(id);
	e = account_new_ops(k->arena, &r, ops);
	ops[ACCOUNT_NEW_OPS] = (struct store_op){
		.verb = STORE_DELETE, .condition = STORE_VERSION,
	};
	if (e == OK)
		e = mailed_code_item(k, m, &ops[ACCOUNT_NEW_OPS].item);
	return e == OK ? store_write(k->store, ops, COUNT(ops), STORE_DURABLE, k->now_ms,
	    &result) : e;
}

enum err local_confirm(const struct identity_call *k, struct str email, struct str code)
{
	struct mailed_code m;
	enum err           e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < WRITE_TRIES; i++) {
		e = mailed_code_read(k, MAILED_CONFIRM, email, &m);
		if (e == OK)
			e = mailed_code_try(k, &m, code);
		if (e == OK)
			e = create(k, &m);
	}
	if (e == ERR_EXISTS || e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	/* The account is there; who is not mailed now asks for it. */
	if (e == OK && m.password.len == 0 && local_forgot(k, m.email) != OK)
		log_message(LOG_WARN, "auth.not_mailed", "a code for a first password");
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
