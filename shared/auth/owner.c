/*
 * owner: the first account of an installation.
 */
#include "auth/account.h"
#include "auth/code.h"
#include "auth/state.h"
#include "base/id.h"
#include "log/log.h"

/* 20 letters of 32, without those that look alike: 100 bits. */
#define PASSWORD_LETTERS        20
#define PASSWORD_GROUP          5
#define PLAN_OF_OWNER           STR("enterprise")
#define CREATE_TRIES            3

static enum err create(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str password, int64_t now_ms)
{
	struct account_record r = {
		.account = {
			.email = auth->config->owner_email, .plan = PLAN_OF_OWNER,
			.roles = UINT32_C(1) << ROLE_OWNER, .created_ms = now_ms,
		},
	};
	char     id[ID_UUID_SIZE];
	enum err e = password_hash(&auth->hasher, a, password, &r.password);

	id_uuid7(now_ms, id);
	r.account.id = str_of(id);
	return e == OK ? account_create_owner(c, a, &r, now_ms) : e;
}

static enum err check_password(const struct auth *auth, struct str password)
{
	const char *problem = password_problem_for(password, auth->config->owner_email);

	if (problem == NULL)
		return OK;
	log_message(LOG_ERROR, "auth.owner_password", "OWNER_PASSWORD %s", problem);
	return ERR_INVALID;
}

enum err identity_ensure_owner(struct auth *auth, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *email, struct str *password)
{
	struct str given = auth->config->owner_password, chosen = given;
	enum err   e = ERR_EXISTS;

	*password = STR_NONE;
	if (given.len == 0)
		chosen = code_new(a, PASSWORD_LETTERS, PASSWORD_GROUP);
	/* Another process may be making one at this moment: then that is it. */
	for (int i = 0; e == ERR_EXISTS && i < CREATE_TRIES; i++) {
		e = account_owner_email(c, a, now_ms, email);
		if (e != ERR_NOT_FOUND)
			return e;
		e = check_password(auth, chosen);
		if (e == OK)
			e = create(auth, c, a, chosen, now_ms);
	}
	if (e != OK)
		return e;
	*email = auth->config->owner_email;
	if (given.len == 0)
		*password = chosen;
	return OK;
}
