/*
 * provider_link: which account somebody is who comes from an outside provider.
 *   provider#NAME#SUBJECT / link   {account, issuer, linked_at}
 *   account#ID / provider#NAME     {subject, linked_at}: at most one of each provider
 * A subject is known by its link.  One that has none gets the account of its address
 * when the provider has verified that the address is theirs and no other subject of that
 * provider has that account (an address that was given to somebody new is still only an
 * address); where no account has the address, an account of its own.
 * An account exists here only when its address was confirmed, by a mailed code, by a
 * provider or by who runs the installation.
 */
#ifndef HANDLERS_AUTH_PROVIDER_LINK_H
#define HANDLERS_AUTH_PROVIDER_LINK_H

#include "auth/account.h"
#include "auth/provider_person.h"

enum provider_refusal {
	PROVIDER_REFUSED_DISABLED,      /* the account may not sign in */
	PROVIDER_REFUSED_UNVERIFIED,    /* there is no verified address */
	PROVIDER_REFUSED_TAKEN,         /* the address has an account that is not theirs to link */
	PROVIDER_REFUSED_CLOSED,        /* strangers get no account */
	PROVIDER_REFUSED_MOVED,         /* the link was made while NAME was another issuer */
	PROVIDER_REFUSALS
};

struct provider_account {
	struct account_record record;
	bool                  linked;   /* just now, an account that was there */
	enum provider_refusal refusal;  /* with ERR_FORBIDDEN */
};

/* `open`: strangers get an account.  ERR_FORBIDDEN: out->refusal. */
NODISCARD enum err provider_account(const struct identity_call *k, const struct provider *p,
    const struct provider_person *who, bool open, struct provider_account *out) NONNULL_ALL;

/* A link of an account to what it is at a provider. */
struct provider_linked {
	struct str provider, subject;
	int64_t    linked_ms;
};
/* Each of the account's behind `after` (a provider's name; absent: from the first) by
 * name, until `each` returns false. */
NODISCARD enum err provider_link_each(const struct identity_call *k, struct str account,
    struct str after, bool (*each)(void *context, const struct provider_linked *l),
    void *context) NONNULL(1, 4);
/* ERR_NOT_FOUND: there is none. */
NODISCARD enum err provider_link_remove(const struct identity_call *k, struct str account,
    struct str provider) NONNULL(1);

#endif
