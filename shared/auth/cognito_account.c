/*
 * cognito_account: the caller's account in a Cognito user pool.
 * Cognito counts no versions: a digest of what an account shows is its version.
 */
#include "auth/cognito.h"
#include "auth/password.h"
#include "base/crypto.h"

#define TOTP_ISSUER "Quiver"

/* An operation on behalf of the caller. */
static void begin(struct cognito_request *r, const struct identity_call *k,
    const char *operation, const struct principal *who)
{
	cognito_begin(r, k, operation);
	json_member_string(&r->w, "AccessToken", who->token);
}

static struct str attribute(const struct json *user, const char *name)
{
	const struct json *list = json_get(user, STR("UserAttributes"));
	size_t             n = json_type(list) == JSON_ARRAY ? json_length(list) : 0;

	for (size_t i = 0; i < n; i++)
		if (str_eq(json_get_string(json_at(list, i), "Name"), str_of(name)))
			return json_get_string(json_at(list, i), "Value");
	return STR_NONE;
}

static bool has_totp(const struct json *user)
{
	const struct json *list = json_get(user, STR("UserMFASettingList"));
	size_t             n = json_type(list) == JSON_ARRAY ? json_length(list) : 0;

	for (size_t i = 0; i < n; i++)
		if (str_eq(json_string(json_at(list, i)), STR("SOFTWARE_TOKEN_MFA")))
			return true;
	return false;
}

static uint64_t version_of(struct arena *a, const struct account *account)
{
	uint8_t  digest[SHA256_BYTES];
	uint64_t version = 0;

	crypto_sha256(arena_printf(a, "%.*s\n%.*s\n%u\n%d", STR_ARG(account->email),
	    STR_ARG(account->name), account->roles, account->totp), digest);
	for (size_t i = 0; i < sizeof(version); i++)
		version = version << 8 | digest[i];
	/* Versions are at least 1 and fit a signed number. */
	return version >> 2 | 1;
}

enum err cognito_account(const struct identity_call *k, const struct principal *who,
    struct account *out)
{
	struct cognito_request r;
	const struct json     *user;
	struct str             message, email;
	enum err               e;

	begin(&r, k, "GetUser", who);
	e = cognito_send(&r, &user, &message);
	if (e != OK)
		return e == ERR_UNAUTHENTICATED ? ERR_NOT_FOUND : e;
	email = attribute(user, "email");
	*out = (struct account){
		.id = who->id, .email = email.len > 0 ? email : who->email,
		.name = attribute(user, "name"), .plan = who->plan, .tenant = who->tenant,
		.roles = who->roles, .totp = has_totp(user),
	};
	out->version = version_of(k->arena, out);
	return OK;
}

enum err cognito_rename(const struct identity_call *k, const struct principal *who,
    struct str name, uint64_t version, struct account *out)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e = cognito_account(k, who, out);

	if (e == OK && version != 0 && version != out->version)
		return ERR_STALE;
	if (e != OK)
		return e;
	begin(&r, k, "UpdateUserAttributes", who);
	json_name(&r.w, "UserAttributes");
	json_array_open(&r.w);
	json_object_open(&r.w);
	json_member_string(&r.w, "Name", STR("name"));
	json_member_string(&r.w, "Value", name.ptr == NULL ? STR("") : name);
	json_object_close(&r.w);
	json_array_close(&r.w);
	e = cognito_send(&r, &reply, &message);
	if (e == OK) {
		out->name = name;
		out->version = version_of(k->arena, out);
	}
	return e;
}

enum err cognito_change_password(const struct identity_call *k, const struct principal *who,
    struct str old_password, struct str new_password, struct str *why)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e;

	*why = str_of(password_problem(new_password));
	if (why->ptr != NULL)
		return ERR_INVALID;
	begin(&r, k, "ChangePassword", who);
	json_member_string(&r.w, "PreviousPassword", old_password);
	json_member_string(&r.w, "ProposedPassword", new_password);
	e = cognito_send(&r, &reply, &message);
	if (e == ERR_UNAUTHENTICATED)
		*why = STR("is not the current password");
	if (e == ERR_INVALID)
		*why = message.len > 0 ? message : STR("does not do for this user pool");
	return e;
}

/* --- the second factor ---------------------------------------------------------- */

/* The pool decides what it asks of an access token. */
enum err cognito_totp_enrol(const struct identity_call *k, const struct principal *who,
    struct str password, struct totp_enrolment *out)
{
	struct cognito_request r;
	const struct json     *reply;
	struct account         account;
	struct str             message;
	enum err               e = cognito_account(k, who, &account);

	(void)password;
	if (e == OK && account.totp)
		return ERR_EXISTS;
	if (e != OK)
		return e;
	begin(&r, k, "AssociateSoftwareToken", who);
	e = cognito_send(&r, &reply, &message);
	if (e != OK)
		return e;
	out->secret = json_get_string(reply, "SecretCode");
	out->uri = arena_printf(k->arena, "otpauth://totp/" TOTP_ISSUER "?secret=%.*s&issuer="
	    TOTP_ISSUER, STR_ARG(out->secret));
	return out->secret.len > 0 ? OK : ERR_UNAVAILABLE;
}

static enum err prefer_totp(const struct identity_call *k, const struct principal *who, bool on)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;

	begin(&r, k, "SetUserMFAPreference", who);
	json_name(&r.w, "SoftwareTokenMfaSettings");
	json_object_open(&r.w);
	json_member_bool(&r.w, "Enabled", on);
	json_member_bool(&r.w, "PreferredMfa", on);
	json_object_close(&r.w);
	return cognito_send(&r, &reply, &message);
}

enum err cognito_totp_verify(const struct identity_call *k, const struct principal *who,
    struct str code, struct str recovery[RECOVERY_CODES])
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e;

	for (size_t i = 0; i < RECOVERY_CODES; i++)
		recovery[i] = STR_NONE;
	begin(&r, k, "VerifySoftwareToken", who);
	json_member_string(&r.w, "UserCode", code);
	e = cognito_as_wrong(cognito_send(&r, &reply, &message));
	if (e != OK)
		return e;
	if (!str_eq(json_get_string(reply, "Status"), STR("SUCCESS")))
		return ERR_UNAUTHENTICATED;
	return prefer_totp(k, who, true);
}

/* Cognito has nothing that would check a code of the factor that is on; its own
 * answer to who may switch it off is the access token. */
enum err cognito_totp_remove(const struct identity_call *k, const struct principal *who,
    struct str code)
{
	struct account account;
	enum err       e = cognito_account(k, who, &account);

	(void)code;
	if (e == OK && !account.totp)
		return ERR_NOT_FOUND;
	return e == OK ? prefer_totp(k, who, false) : e;
}
