/*
 * AUTH_PROVIDERS, and where a sign-in may go back to.  What is held off:
 *   - a setting that says other than was meant, and one that shows its secret
 *   - a provider that is reached in the clear
 *   - a return_to that leads a browser to another origin
 */
#include "auth/provider_return.h"
#include "auth/provider_settings.h"
#include "base/buf.h"
#include "tests/test.h"

#define ID      "\"client_id\":\"c\""
#define SECRET  ",\"client_secret\":\"s3cret\""
#define GOOGLE  "{\"name\":\"google\"," ID SECRET
#define GITHUB  "{\"name\":\"github\"," ID SECRET
#define WORK    "{\"name\":\"work\",\"issuer\":\"https://idp.example\"," ID

static enum err parse(struct arena *a, const char *text, struct provider_list *out,
    struct str *reason)
{
	return provider_settings_parse(a, str_of(text), out, reason);
}

static const struct {
	const char *text, *reason;
} refused[] = {
	{ "", "JSON list" }, { "{}", "JSON list" }, { "[", "JSON list" }, { "['x']", "JSON list" },
	{ "[1]", "expected an object" }, { "[{}]", "name: it is missing" },
	{ "[{\"name\":\"Google\"," ID SECRET "}]", "name: expected" },
	{ "[{\"name\":\"a/b\"," ID "}]", "name: expected" },
	{ "[{\"name\":\"\"," ID "}]", "name: expected" },
	{ "[{\"name\":\"a#b\"," ID "}]", "name: expected" },
	{ "[{\"name\":\"abcdefghijklmnopqrstuvwxyz0123456\"," ID "}]", "name: expected" },
	{ "[{\"name\":\"exchange\"," ID "}]", "exchange is taken" },
	{ "[{\"name\":\"google\"}]", "client_id: it is missing" },
	{ "[{\"name\":\"google\"," ID "}]", "client_secret: it is missing" },
	{ "[{\"name\":\"github\"," ID "}]", "client_secret: it is missing" },
	{ "[{\"name\":\"google\",\"client_id\":\"\"" SECRET "}]", "client_id: expected" },
	{ "[{\"name\":\"google\",\"client_id\":\"a\\nb\"" SECRET "}]", "client_id: expected" },
	{ "[{\"name\":\"google\"," ID ",\"client_secret\":\"s3cret\\u00e9\"}]", "client_secret: expected" },
	{ "[{\"name\":\"google\"," ID ",\"client_secret\":7}]", "client_secret: expected" },
	{ "[" GOOGLE ",\"issuer\":\"https://evil.example\"}]", "known by their names" },
	{ "[" GITHUB ",\"issuer\":\"https://github.com\"}]", "known by their names" },
	{ "[{\"name\":\"work\"," ID "}]", "issuer: it is missing" },
	{ "[{\"name\":\"work\",\"issuer\":\"http://idp.example\"," ID "}]", "issuer: expected" },
	{ "[{\"name\":\"work\",\"issuer\":\"http://localhost.evil.example\"," ID "}]", "issuer: expected" },
	{ "[{\"name\":\"work\",\"issuer\":\"https://me@idp.example\"," ID "}]", "issuer: expected" },
	{ "[" WORK ",\"scopes\":\"email\"}]", "needs openid" },
	{ "[" WORK ",\"scopes\":\"openidx email\"}]", "needs openid" },
	{ "[" WORK ",\"scopes\":[]}]", "scopes: expected" },
	{ "[" WORK ",\"label\":\"\"}]", "label: expected" },
	{ "[" WORK ",\"link\":\"no\"}]", "link: expected" },
	{ "[" WORK ",\"endpoints\":{}}]", "github's alone" },
	{ "[" WORK ",\"clientSecret\":\"s3cret\"}]", "a member that is none" },
	{ "[" WORK ",\"s3cret\":1}]", "a member that is none" },
	{ "[" GITHUB ",\"endpoints\":[]}]", "expected an object" },
	{ "[" GITHUB ",\"endpoints\":{\"jwks\":\"x\"}}]", "there are authorize" },
	{ "[" GITHUB ",\"endpoints\":{\"token\":\"http://github.example/t\"}}]", "expected https" },
	{ "[" GITHUB ",\"endpoints\":{\"token\":7}}]", "expected https" },
	{ "[" WORK "}," WORK "}]", "entry 2: name: it is listed twice" },
};

TEST(a_setting_that_says_other_than_it_may_is_refused_and_shows_no_secret)
{
	struct provider_list list;
	struct arena         a;
	struct str           reason;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(refused); i++) {
		reason = STR("");
		assert_row(parse(&a, refused[i].text, &list, &reason) == ERR_INVALID,
		    refused[i].text);
		if (!str_contains(reason, str_of(refused[i].reason)))
			fail_msg("%s: %.*s", refused[i].text, STR_ARG(reason));
		assert_row(!str_contains(reason, STR("s3cret")), refused[i].text);
	}
	arena_clean(&a);
}

TEST(google_and_github_are_known_by_name_and_others_by_their_issuer)
{
	struct provider_list   list;
	const struct provider *p;
	struct arena           a;
	struct str             reason;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	assert_int_equal(parse(&a, "[" GOOGLE "}," GITHUB "}," WORK ",\"link\":false}]", &list,
	    &reason), OK);
	p = provider_find(&list, STR("google"));
	assert_str(p->issuer, STR("https://accounts.google.com"));
	assert_str(p->label, STR("Google"));
	assert_true(p->openid && p->links);
	p = provider_find(&list, STR("github"));
	assert_str(p->token_url, STR("https://github.com/login/oauth/access_token"));
	assert_str(p->scopes, STR("read:user user:email"));
	assert_false(p->openid);
	p = provider_find(&list, STR("work"));
	assert_str(p->label, STR("work"));
	assert_str(p->scopes, STR("openid email profile"));
	assert_true(p->openid && !p->links && p->client_secret.len == 0);
	assert_null(provider_find(&list, STR("")));
	assert_null(provider_find(&list, STR("wor")));
	arena_clean(&a);
}

TEST(links_of_another_github_are_not_those_of_github_com)
{
	struct provider_list ours, theirs;
	struct arena         a;
	struct str           reason;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	assert_int_equal(parse(&a, "[" GITHUB "}]", &ours, &reason), OK);
	assert_int_equal(parse(&a, "[" GITHUB ",\"endpoints\":{\"user\":\"https://git.example/u\"}}]",
	    &theirs, &reason), OK);
	assert_false(str_eq(ours.list[0].issuer, theirs.list[0].issuer));
	arena_clean(&a);
}

TEST(there_are_at_most_sixteen)
{
	struct provider_list list;
	struct arena         a;
	struct buf           text;
	struct str           reason;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	buf_init(&text, &a, 65536);
	for (int i = 0; i <= PROVIDERS_MAX; i++)
		buf_printf(&text, "%c{\"name\":\"p%d\",\"issuer\":\"https://idp.example\"," ID "}",
		    i == 0 ? '[' : ',', i);
	buf_char(&text, ']');
	assert_int_equal(parse(&a, buf_cstr(&text), &list, &reason), ERR_INVALID);
	assert_true(str_contains(reason, STR("at most 16")));
	arena_clean(&a);
}

static const struct {
	const char          *to;
	enum provider_return where;
} returns[] = {
	{ "/", PROVIDER_RETURN_HERE }, { "/a?b=c", PROVIDER_RETURN_HERE },
	{ "https://api.example", PROVIDER_RETURN_HERE },
	{ "https://api.example/x?y", PROVIDER_RETURN_HERE },
	{ "https://app.example", PROVIDER_RETURN_ELSEWHERE },
	{ "https://app.example?x", PROVIDER_RETURN_ELSEWHERE },
	{ "https://app.example/x@y", PROVIDER_RETURN_ELSEWHERE },
	{ "http://localhost:5173/x", PROVIDER_RETURN_ELSEWHERE },
	{ "", PROVIDER_RETURN_NOWHERE }, { "a", PROVIDER_RETURN_NOWHERE },
	{ "//evil.example", PROVIDER_RETURN_NOWHERE }, { "/\\evil.example", PROVIDER_RETURN_NOWHERE },
	{ "\\/evil.example", PROVIDER_RETURN_NOWHERE }, { "/\tx", PROVIDER_RETURN_NOWHERE },
	{ "/ x", PROVIDER_RETURN_NOWHERE }, { "/#x", PROVIDER_RETURN_NOWHERE },
	{ "/\x7f", PROVIDER_RETURN_NOWHERE }, { "/\xc3\xa9", PROVIDER_RETURN_NOWHERE },
	{ "https://", PROVIDER_RETURN_NOWHERE }, { "https:///api.example", PROVIDER_RETURN_NOWHERE },
	{ "http://api.example", PROVIDER_RETURN_NOWHERE },
	{ "HTTPS://api.example", PROVIDER_RETURN_NOWHERE },
	{ "https://API.example", PROVIDER_RETURN_NOWHERE },
	{ "https://api.example:443", PROVIDER_RETURN_NOWHERE },
	{ "https://api.example.evil.example", PROVIDER_RETURN_NOWHERE },
	{ "https://api.example@evil.example", PROVIDER_RETURN_NOWHERE },
	{ "https://evil.example/https://api.example", PROVIDER_RETURN_NOWHERE },
	{ "https://evil.example?https://api.example", PROVIDER_RETURN_NOWHERE },
	{ "https:api.example", PROVIDER_RETURN_NOWHERE },
	{ "javascript:alert(1)//https://api.example", PROVIDER_RETURN_NOWHERE },
};

TEST(a_sign_in_goes_back_to_this_origin_or_an_allowed_one_and_nowhere_else)
{
	struct cors others;
	struct str  bad;

	(void)state;
	assert_int_equal(cors_parse(STR("https://app.example http://localhost:5173"), &others, &bad),
	    OK);
	for (size_t i = 0; i < COUNT(returns); i++)
		assert_row(provider_return_check(str_of(returns[i].to),
		    STR("https://api.example/base"), &others) == returns[i].where, returns[i].to);
	assert_int_equal(provider_return_check(STR("/a\0b"), STR("https://api.example"), &others),
	    PROVIDER_RETURN_NOWHERE);
}

TEST_MAIN(
	RUN(a_setting_that_says_other_than_it_may_is_refused_and_shows_no_secret),
	RUN(google_and_github_are_known_by_name_and_others_by_their_issuer),
	RUN(links_of_another_github_are_not_those_of_github_com),
	RUN(there_are_at_most_sixteen),
	RUN(a_sign_in_goes_back_to_this_origin_or_an_allowed_one_and_nowhere_else))
