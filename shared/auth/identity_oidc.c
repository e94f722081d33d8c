/*
 * identity_oidc: accounts of an OpenID provider, as far as its tokens tell.  People
 * sign in, sign up and change passwords there; what is not in this table is 501.
 */
#include "auth/identity.h"

#include "auth/session.h"
#include "base/buf.h"

#define DESCRIBED_MAX_BYTES 2048        /* all that a token says of its account */

/* Changes with whatever the account shows. */
static uint64_t version_of(struct arena *a, const struct principal *who)
{
	struct buf text;

	buf_init(&text, a, DESCRIBED_MAX_BYTES);
	buf_printf(&text, "%.*s\n%.*s\n%.*s\n%x %x", STR_ARG(who->email), STR_ARG(who->name),
	    STR_ARG(who->tenant), who->roles, who->scopes);
	return str_hash(buf_str(&text));
}

static enum err oidc_account(const struct identity_call *k, const struct principal *who,
    struct account *out)
{
	if (who->kind != PRINCIPAL_SESSION)
		return ERR_NOT_FOUND;
	*out = (struct account){
		.id = who->id, .email = who->email, .name = who->name, .tenant = who->tenant,
		.roles = who->roles, .version = version_of(k->arena, who),
	};
	return OK;
}

/* Here alone: the provider's own session goes on, and so do its refresh tokens. */
static enum err oidc_logout(const struct identity_call *k, const struct principal *who,
    bool everywhere)
{
	if (everywhere)
		return ERR_UNSUPPORTED;
	return session_revoke(k->auth, k->store, who->session, who->expires_ms, k->now_ms);
}

const struct identity_provider identity_oidc = {
	.logout = oidc_logout,
	.account = oidc_account,
};
