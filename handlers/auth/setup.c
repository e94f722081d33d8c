#include "auth/endpoints.h"

#include <stdio.h>

#include "auth/identity.h"
#include "base/time.h"

/* Opening the app made the database.  Standard output is for programs: a line a
 * fact, the password only in the run that drew it, and none without accounts here. */
int auth_setup(struct app *app, struct worker *worker)
{
	struct str email, password, json;
	int64_t    now_ms = time_now_ms(), changed_ms;
	enum err   e = auth_jwks(app->auth, worker->store, &worker->arena, now_ms, &json,
	    &changed_ms);

	if (e == OK && app->config.identity != IDENTITY_LOCAL)
		return 0;               /* the provider has the accounts, the owner's too */
	if (e == OK)
		e = identity_ensure_owner(app->auth, worker->store, &worker->arena, now_ms,
		    &email, &password);
	if (e != OK) {
		fprintf(stderr, "auth --setup: %s\n", err_text(e));
		return 1;
	}
	printf("owner %.*s\n", STR_ARG(email));
	if (password.ptr != NULL)
		printf("password %.*s\n", STR_ARG(password));
	return fflush(stdout) == 0 ? 0 : 1;
}

int auth_rotate(struct app *app, struct worker *worker)
{
	struct str kid;
	enum err   e = auth_rotate_keys(app->auth, worker->store, &worker->arena, time_now_ms(),
	    &kid);

	if (e != OK) {
		fprintf(stderr, "auth --rotate-keys: %s\n", e == ERR_LIMITED ?
		    "too many keys have tokens that are still alive: wait until some are dead" :
		    err_text(e));
		return 1;
	}
	printf("key %.*s\n", STR_ARG(kid));
	return fflush(stdout) == 0 ? 0 : 1;
}
