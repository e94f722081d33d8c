/*
 * cognito_sign_up: registration and forgotten passwords in a Cognito user pool.
 * The answer never tells whether an address has an account: Cognito mails whoever
 * has it (PreventUserExistenceErrors in the pool's client), and its other
 * exceptions are taken for "yes" here.
 */
#include "auth/cognito.h"

/* An operation about a user by address: {ClientId, Username, SecretHash?, …}. */
static void begin(struct cognito_request *r, const struct identity_call *k,
    const char *operation, struct str email)
{
	cognito_begin(r, k, operation);
	cognito_put_client(r);
	json_member_string(&r->w, "Username", email);
	cognito_put_secret_hash(r, "SecretHash", email);
}

static void put_attribute(struct cognito_request *r, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	json_object_open(&r->w);
	json_member_string(&r->w, "Name", str_of(name));
	json_member_string(&r->w, "Value", value);
	json_object_close(&r->w);
}

enum err cognito_sign_up(const struct identity_call *k, struct str email, struct str password,
    struct str name, struct str *why)
{
	struct cognito_request r;
	const struct json     *reply;
	enum err               e;

	begin(&r, k, "SignUp", email);
	json_member_string(&r.w, "Password", password);
	json_name(&r.w, "UserAttributes");
	json_array_open(&r.w);
	put_attribute(&r, "email", email);
	put_attribute(&r, "name", name);
	json_array_close(&r.w);
	e = cognito_send(&r, &reply, why);
	if (e == ERR_INVALID)
		return e;
	*why = STR_NONE;
	return e == ERR_EXISTS ? OK : e;
}

enum err cognito_confirm(const struct identity_call *k, struct str email, struct str code)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;

	begin(&r, k, "ConfirmSignUp", email);
	json_member_string(&r.w, "ConfirmationCode", code);
	return cognito_as_wrong(cognito_send(&r, &reply, &message));
}

/* OK whatever Cognito knows of the address. */
static enum err mail_code(const struct identity_call *k, const char *operation, struct str email)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e;

	begin(&r, k, operation, email);
	e = cognito_as_wrong(cognito_send(&r, &reply, &message));
	return e == ERR_UNAUTHENTICATED || e == ERR_LIMITED ? OK : e;
}

enum err cognito_resend(const struct identity_call *k, struct str email)
{
	return mail_code(k, "ResendConfirmationCode", email);
}

enum err cognito_forgot(const struct identity_call *k, struct str email)
{
	return mail_code(k, "ForgotPassword", email);
}

enum err cognito_reset(const struct identity_call *k, struct str email, struct str code,
    struct str password, struct str *why)
{
	struct cognito_request r;
	const struct json     *reply;

	begin(&r, k, "ConfirmForgotPassword", email);
	json_member_string(&r.w, "ConfirmationCode", code);
	json_member_string(&r.w, "Password", password);
	return cognito_send(&r, &reply, why);
}
