#include "auth/provider_schemas.h"

#include "auth/pkce.h"
#include "auth/provider_attempt.h"
#include "auth/provider_handover.h"
#include "auth/provider_person.h"
#include "auth/provider_settings.h"

#define ANSWER_MAX 2048         /* what a provider sends back: some codes are tokens */

static const struct field provider_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true, .max = PROVIDER_NAME_MAX },
	{ .name = "label", .type = FIELD_STRING, .required = true,
	  .max = PROVIDER_TEXT_MAX_BYTES, .help = "For the button" },
	{ .name = "url", .type = FIELD_URL, .required = true,
	  .help = "Where to send the browser, with return_to" },
	{ 0 },
};
static const struct schema provider_schema = { "Provider", provider_fields, false };

static const struct field list_fields[] = {
	{ .name = "providers", .type = FIELD_OBJECT, .object = &provider_schema, .list = true,
	  .required = true, .max_items = PROVIDERS_MAX },
	{ 0 },
};
const struct schema provider_list_reply = { "Providers", list_fields, false };

static const struct field link_fields[] = {
	{ .name = "provider", .type = FIELD_STRING, .required = true, .max = PROVIDER_NAME_MAX },
	{ .name = "subject", .type = FIELD_STRING, .required = true, .max = PROVIDER_SUBJECT_MAX,
	  .help = "Who the caller is there" },
	{ .name = "linked_at", .type = FIELD_TIME, .required = true },
	{ 0 },
};
const struct schema provider_link_schema = { "ProviderLink", link_fields, false };

static const char *const methods[] = { "S256", NULL };

static const struct field begin_fields[] = {
	{ .name = "return_to", .type = FIELD_STRING, .min = 1, .max = PROVIDER_RETURN_MAX,
	  .help = "Where the browser goes with ?code= or ?error=: a path of this origin, or a URL of "
	  "an origin in CORS_ORIGINS; without it the callback answers with tokens" },
	{ .name = "code_challenge", .type = FIELD_STRING, .max = PKCE_VERIFIER_MAX,
	  .help = "RFC 7636: who knows its code_verifier gets the tokens; needed for another "
	  "origin; without it the browser's cookie decides" },
	{ .name = "code_challenge_method", .type = FIELD_ENUM, .choices = methods },
	{ 0 },
};
const struct schema provider_begin_query = { "ProviderBegin", begin_fields, false };

/* Open: providers send more. */
static const struct field callback_fields[] = {
	{ .name = "code", .type = FIELD_STRING, .secret = true, .max = ANSWER_MAX },
	{ .name = "state", .type = FIELD_STRING, .max = PKCE_VERIFIER_MAX },
	{ .name = "iss", .type = FIELD_STRING, .max = PROVIDER_TEXT_MAX_BYTES,
	  .help = "RFC 9207" },
	{ .name = "error", .type = FIELD_STRING, .max = PROVIDER_TEXT_MAX_BYTES },
	{ 0 },
};
const struct schema provider_callback_query = { "ProviderCallback", callback_fields, true };

static const struct field exchange_fields[] = {
	{ .name = "code", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = PKCE_VERIFIER_MAX, .help = "From return_to; good once and for a minute" },
	{ .name = "code_verifier", .type = FIELD_STRING, .secret = true,
	  .min = PKCE_VERIFIER_MIN, .max = PKCE_VERIFIER_MAX,
	  .help = "Of the code_challenge that the sign-in began with" },
	{ 0 },
};
const struct schema provider_exchange_request = { "ProviderExchange", exchange_fields, false };
