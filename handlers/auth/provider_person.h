/*
 * provider_person: who came back from a provider, by the code that they brought.
 * Blocking: on the provider, until the call's deadline.
 */
#ifndef HANDLERS_AUTH_PROVIDER_PERSON_H
#define HANDLERS_AUTH_PROVIDER_PERSON_H

#include "auth/provider_attempt.h"
#include "auth/providers.h"

#define PROVIDER_SUBJECT_MAX    255     /* OpenID Connect Core 1.0, 2 */
#define PROVIDER_PERSON_NAME_MAX 200    /* code points; more is cut off */

struct provider_person {
	struct str subject;             /* theirs at the provider, for good */
	struct str email;               /* absent: none, or none that can be one */
	bool       email_verified;      /* the provider says that it is theirs */
	struct str name;                /* absent: none */
};

/* What there is between the code and the person. */
struct provider_tokens {
	struct str access_token, id_token;      /* id_token absent without OpenID */
};

/* Changes the code for tokens and reads from them, and from what they open, who it is.
 * ERR_UNAUTHENTICATED: the provider does not take the code, or what it gave does not
 * hold: c->reason says why, for the log.  ERR_UNAVAILABLE: it is down. */
NODISCARD enum err provider_person(struct provider_call *c, const struct request *req,
    const struct provider_places *places, const struct provider_attempt *attempt,
    struct str code, struct provider_person *out) NONNULL(1, 2, 3, 4, 6);

/* The parts of it (provider_openid.c, provider_github.c). */
enum err provider_openid_person(struct provider_call *c, const struct request *req,
    const struct provider_places *places, const struct provider_attempt *attempt,
    const struct provider_tokens *tokens, struct provider_person *out) NONNULL_ALL;
enum err provider_github_person(struct provider_call *c, const struct provider_places *places,
    const struct provider_tokens *tokens, struct provider_person *out) NONNULL_ALL;
/* A document that the access token opens.  `accept`: its media type. */
enum err provider_fetch(struct provider_call *c, struct str url,
    const struct provider_tokens *tokens, struct str accept, const struct json **out)
    NONNULL(1, 3, 5);
/* Takes address and name as far as they can be such. */
void provider_person_describe(struct provider_call *c, struct str email, struct str name,
    struct provider_person *out) NONNULL(1, 4);

/* Where the code goes back to, exactly as the provider knows it. */
struct str provider_redirect_uri(const struct request *req, const struct provider *p)
    NONNULL_ALL;

#endif
