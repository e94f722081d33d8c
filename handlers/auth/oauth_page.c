#include "auth/oauth_page.h"

#include "auth/oauth_redirect.h"
#include "http/page.h"

/* In the order in which a person reads them. */
static const struct {
	enum scope  scope;
	const char *text;
} words[] = {
	{ SCOPE_OPENID, "Know that it is you, by an identifier" },
	{ SCOPE_EMAIL, "See your e-mail address" },
	{ SCOPE_PROFILE, "See your name" },
	{ SCOPE_OFFLINE_ACCESS, "Stay connected while you are away" },
	{ SCOPE_CONTENT_READ, "Read published content" },
	{ SCOPE_CONTENT_WRITE, "Write, change, publish and delete content" },
	{ SCOPE_VISITORS_TRACK, "Count visits" },
	{ SCOPE_VISITORS_READ, "Read visitor numbers" },
	{ SCOPE_USAGE_READ, "Read your usage and quota" },
	{ SCOPE_ANALYTICS_READ, "Read analytics" },
	{ SCOPE_CALLS_WRITE, "Record calls" },
	{ SCOPE_TENANTS_MANAGE, "Manage tenants and limits" },
	{ SCOPE_SECURITY_MANAGE, "Manage access rules and security" },
	{ SCOPE_AUDIT_READ, "Read the audit log" },
	{ SCOPE_USERS_MANAGE, "Manage users and applications" },
	{ SCOPE_METRICS_READ, "Read the metrics of this installation" },
};

const char *oauth_scope_words(enum scope s)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].scope == s)
			return words[i].text;
	return "";
}

/* The form goes back to this very request. */
static void open_form(const struct request *req, struct buf *out,
    const struct oauth_browser *b, const char *what)
{
	BUF_LIT(out, "<form method=\"post\" action=\"/oauth2/authorize?");
	page_text(out, req->raw_query);
	BUF_LIT(out, "\">\n<input type=\"hidden\" name=\"csrf\" value=\"");
	page_text(out, oauth_browser_csrf(req, b, what));
	BUF_LIT(out, "\">\n");
}

static void name_client(struct buf *out, const struct oauth_request *r)
{
	BUF_LIT(out, "<b>");
	page_text(out, r->client.name);
	BUF_LIT(out, "</b>");
}

void oauth_page_sign_in(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b, const char *wrong)
{
	struct buf *out = &res->buffer;
	struct str  email = req->json != NULL ? json_get_string(req->json, "email") : STR_NONE;

	buf_reset(out);
	page_open(out, "Sign in");
	BUF_LIT(out, "<p>to go on to ");
	name_client(out, r);
	BUF_LIT(out, "</p>\n");
	if (wrong != NULL) {
		BUF_LIT(out, "<p class=\"wrong\" role=\"alert\">");
		page_text(out, str_of(wrong));
		BUF_LIT(out, "</p>\n");
	}
	open_form(req, out, b, OAUTH_ASKS_SIGN_IN);
	BUF_LIT(out, "<label>E-mail address<input name=\"email\" type=\"email\" maxlength=\"254\" "
	    "autocomplete=\"username\" required value=\"");
	page_text(out, email.len > 0 ? email : r->login_hint);
	BUF_LIT(out, "\"></label>\n<label>Password<input name=\"password\" type=\"password\" "
	    "autocomplete=\"current-password\" required></label>\n"
	    "<button>Sign in</button>\n</form>\n");
	page_close(res, redirect_origin(r->redirect_uri));
}

void oauth_page_code(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b, struct str session)
{
	struct buf *out = &res->buffer;

	buf_reset(out);
	page_open(out, "One more step");
	open_form(req, out, b, OAUTH_ASKS_CODE);
	BUF_LIT(out, "<input type=\"hidden\" name=\"session\" value=\"");
	page_text(out, session);
	BUF_LIT(out, "\">\n<label>The code that your authenticator shows, or a recovery code"
	    "<input name=\"code\" autocomplete=\"one-time-code\" required autofocus></label>\n"
	    "<button>Go on</button>\n</form>\n");
	page_close(res, redirect_origin(r->redirect_uri));
}

static void list_scopes(struct buf *out, scope_set scopes)
{
	BUF_LIT(out, "<p>It will be able to:</p>\n<ul>\n");
	for (size_t i = 0; i < COUNT(words); i++) {
		if ((scopes & SCOPE_BIT(words[i].scope)) == 0)
			continue;
		BUF_LIT(out, "<li>");
		page_text(out, str_of(words[i].text));
		BUF_LIT(out, "</li>\n");
	}
	BUF_LIT(out, "</ul>\n");
}

void oauth_page_consent(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b,
    const struct account *account, scope_set scopes)
{
	struct buf *out = &res->buffer;

	buf_reset(out);
	page_open(out, "Allow access?");
	BUF_LIT(out, "<p>");
	name_client(out, r);
	BUF_LIT(out, " asks for access to your account <b>");
	page_text(out, account->email);
	BUF_LIT(out, "</b>.</p>\n");
	list_scopes(out, scopes);
	open_form(req, out, b, OAUTH_ASKS_CONSENT);
	BUF_LIT(out, "<button name=\"decision\" value=\"allow\">Allow</button>\n"
	    "<button class=\"plain\" name=\"decision\" value=\"deny\">Deny</button>\n"
	    "<button class=\"plain\" name=\"decision\" value=\"switch\">Use another account</button>\n"
	    "</form>\n<p class=\"small\">Either way you go to ");
	page_text(out, redirect_origin(r->redirect_uri));
	BUF_LIT(out, "</p>\n");
	page_close(res, redirect_origin(r->redirect_uri));
}
