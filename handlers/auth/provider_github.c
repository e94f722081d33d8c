/*
 * Who it is, at GitHub: OAuth 2.0 and two documents, no OpenID.
 */
#include "auth/provider_person.h"

#define MEDIA_TYPE STR("application/vnd.github+json")

/* The one address that is both primary and verified: another one may be anybody's. */
static struct str verified_address(const struct json *list)
{
	for (size_t i = 0; i < (json_type(list) == JSON_ARRAY ? json_length(list) : 0); i++) {
		const struct json *one = json_at(list, i);

		if (json_get_bool(one, "primary", false) && json_get_bool(one, "verified", false))
			return json_get_string(one, "email");
	}
	return STR_NONE;
}

enum err provider_github_person(struct provider_call *c, const struct provider_places *places,
    const struct provider_tokens *tokens, struct provider_person *out)
{
	const struct json *user, *emails;
	enum err e = provider_fetch(c, places->user_url, tokens, MEDIA_TYPE, &user);

	if (e == OK)
		e = provider_fetch(c, c->provider->emails_url, tokens, MEDIA_TYPE, &emails);
	if (e != OK)
		return e;
	/* The number stays when the login changes, and a login may become another's. */
	if (json_type(json_get(user, STR("id"))) != JSON_INT || json_get_int(user, "id", 0) <= 0) {
		c->reason = STR("there is no id in what it says of the user");
		return ERR_UNAUTHENTICATED;
	}
	out->subject = arena_printf(c->arena, "%lld", (long long)json_get_int(user, "id", 0));
	provider_person_describe(c, verified_address(emails), json_get_string(user, "name"), out);
	out->email_verified = out->email.len > 0;
	return OK;
}
