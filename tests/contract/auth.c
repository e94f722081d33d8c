/*
 * From an Authorization header to a principal, over the real store and the real
 * shared memory; and what other processes of the machine see of it.
 */
#include "identity_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "auth/keys.h"
#include "auth/revoked.h"
#include "auth/token.h"
#include "tests/jws_signer.h"

/* --- without a token ------------------------------------------------------------ */

TEST(without_credentials_one_is_anonymous)
{
	struct principal p;
	const char      *reason = "?";
	struct rig       r;

	(void)state;
	rig_open(&r);
	assert_int_equal(rig_who(&r, NULL, &p, &reason), OK);
	assert_int_equal(p.kind, PRINCIPAL_ANONYMOUS);
	assert_string_equal(reason, "");
	assert_int_equal(rig_who(&r, "", &p, &reason), OK);
	assert_int_equal(p.kind, PRINCIPAL_ANONYMOUS);
	rig_close(&r);
}

static enum err from_loopback(struct rig *r, const char *authorization, struct principal *p)
{
	struct auth_credentials who = { str_of(authorization), true };
	const char             *reason;

	return auth_authenticate(r->auth, r->c, &r->a, &who, r->now_ms, p, &reason);
}

TEST(metrics_are_for_loopback_when_there_is_no_metrics_token)
{
	struct principal p;
	const char      *reason;
	struct rig       r;

	(void)state;
	rig_open(&r);
	assert_int_equal(from_loopback(&r, NULL, &p), OK);
	assert_true(principal_may(&p, SCOPE_METRICS_READ));
	assert_int_equal(p.kind, PRINCIPAL_ANONYMOUS);
	assert_int_equal(rig_who(&r, NULL, &p, &reason), OK);
	assert_false(principal_may(&p, SCOPE_METRICS_READ));
	assert_int_equal(from_loopback(&r, "Bearer ", &p), ERR_UNAUTHENTICATED);
	rig_close(&r);
}

TEST(metrics_are_for_the_metrics_token_alone_when_there_is_one)
{
	struct principal p;
	const char      *reason;
	struct rig       r;

	(void)state;
	r = rig_empty();
	r.metrics_token = "scrape-me-0123456789-abcdef";
	rig_attach(&r);
	assert_int_equal(from_loopback(&r, NULL, &p), OK);
	assert_false(principal_may(&p, SCOPE_METRICS_READ));
	assert_int_equal(rig_who(&r, "bearer scrape-me-0123456789-abcdef", &p, &reason), OK);
	assert_int_equal(p.kind, PRINCIPAL_MACHINE);
	assert_int_equal(p.scopes, SCOPE_BIT(SCOPE_METRICS_READ));
	assert_int_equal(rig_who(&r, "Bearer scrape-me-0123456789-abcdeF", &p, &reason),
	    ERR_UNAUTHENTICATED);
	rig_close(&r);
}

static const struct {
	const char *authorization, *reason;
} junk[] = {
	{ "Basic b3duZXI6cGFzc3dvcmQ=", "unknown_scheme" },
	{ "Bearer", "unknown_scheme" },
	{ "Bearer ", "unknown_scheme" },
	{ "BearereyJ", "unknown_scheme" },
	{ "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "unknown_scheme" },
	{ "Bearer x", "unknown_form" },
	{ "Bearer qv_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "unknown_form" },
	{ "Bearer null", "unknown_form" },
	{ "Bearer eyJ", "not_a_token" },
	{ "Bearer eyJhbGciOiJub25lIn0.e30.", "not_a_token" },
	{ "Bearer eyJhbGciOiJub25lIn0.e30.AAAA", "bad_algorithm" },
	{ "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "bad_algorithm" },
	{ "Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "wrong_issuer" },
	{ "Bearer eyJhbGciOiJSUzI1NiJ9.W10.AAAA", "bad_payload" },
	{ "Bearer eyJhbGciOiJSUzI1NiJ9.AAAA.AAAA", "bad_payload" },
	{ "Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA, Bearer x", "bad_base64" },
};

TEST(junk_is_turned_away_and_the_log_learns_why)
{
	struct principal p;
	const char      *reason;
	struct rig       r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(junk); i++) {
		reason = "";
		assert_row(rig_who(&r, junk[i].authorization, &p, &reason) ==
		    ERR_UNAUTHENTICATED, junk[i].authorization);
		if (strcmp(reason, junk[i].reason) != 0)
			fail_msg("row \"%s\": %s", junk[i].authorization, reason);
	}
	rig_close(&r);
}

/* --- tokens --------------------------------------------------------------------- */

TEST(the_scheme_is_bearer_in_any_case)
{
	static const char *const schemes[] = { "Bearer", "bearer", "BEARER", "Bearer  " };
	struct principal p;
	const char      *reason;
	struct rig       r;
	struct str       token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	for (size_t i = 0; i < COUNT(schemes); i++)
		assert_row(rig_who(&r, arena_printf(&r.a, "%s %.*s", schemes[i],
		    STR_ARG(token)).ptr, &p, &reason) == OK, schemes[i]);
	rig_close(&r);
}

TEST(an_id_token_does_not_authenticate)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_false(rig_is_alive(&r, rig_login(&r).id_token));
	rig_close(&r);
}

TEST(a_remembered_token_says_the_same_as_a_verified_one)
{
	struct principal first, second;
	struct rig       r;
	struct str       token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	first = rig_principal(&r, token);
	second = rig_principal(&r, token);
	assert_str(second.id, first.id);
	assert_str(second.session, first.session);
	assert_str(second.email, first.email);
	assert_str(second.plan, first.plan);
	assert_int_equal(second.role, first.role);
	assert_int_equal(second.scopes, first.scopes);
	assert_true(second.expires_ms == first.expires_ms);
	rig_close(&r);
}

TEST(a_token_ends_at_its_time_and_the_skew_remembered_or_not)
{
	struct principal p;
	const char      *reason;
	struct rig       r;
	struct str       token, header;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	header = arena_printf(&r.a, "Bearer %.*s", STR_ARG(token));
	r.now_ms += HOUR_MS + 60 * SECOND_MS - 1;
	assert_int_equal(rig_who(&r, header.ptr, &p, &reason), OK);
	assert_int_equal(rig_who(&r, header.ptr, &p, &reason), OK);
	r.now_ms += 1;
	assert_int_equal(rig_who(&r, header.ptr, &p, &reason), ERR_UNAUTHENTICATED);
	assert_string_equal(reason, "expired");
	rig_close(&r);
}

TEST(a_token_of_a_key_that_is_not_ours_is_refused)
{
	struct token_signer signer = { "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		SIGNER_RSA_PEM, sizeof(SIGNER_RSA_PEM) - 1 };
	struct token_draft  draft = { .use = TOKEN_USE_ACCESS,
		.subject = STR("01900000-0000-7000-8000-000000000000"),
		.session = STR("01900000-0000-7000-8000-000000000000"),
		.roles = 1u << ROLE_OWNER, .ttl_s = 3600 };
	struct principal p;
	const char      *reason;
	struct rig       r;
	struct str       token;

	(void)state;
	rig_open(&r);
	draft.issuer = auth_issuer(r.auth);
	draft.now_ms = r.now_ms;
	assert_int_equal(token_issue(&r.a, &signer, &draft, &token), OK);
	assert_int_equal(rig_who(&r, arena_printf(&r.a, "Bearer %.*s", STR_ARG(token)).ptr, &p,
	    &reason), ERR_UNAUTHENTICATED);
	assert_string_equal(reason, "unknown_key");
	rig_close(&r);
}

/* --- revocation ----------------------------------------------------------------- */

TEST(a_revocation_is_seen_at_once_by_another_process_of_the_machine)
{
	struct principal p;
	struct rig       r, other;
	struct str       token;

	(void)state;
	rig_open(&r);
	other = r;
	rig_attach(&other);
	token = rig_login(&r).access_token;
	assert_true(rig_is_alive(&other, token));       /* and remembered there */
	p = rig_principal(&r, token);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, false), OK);
	assert_false(rig_is_alive(&other, token));
	rig_detach(&other);
	rig_close(&r);
}

TEST(a_revocation_is_seen_across_a_fork)
{
	struct principal p;
	struct rig       r;
	struct str       token;
	pid_t            child;
	int              status;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	p = rig_principal(&r, token);
	child = fork();
	if (child == 0) {
		struct rig own = r;

		rig_attach(&own);
		_exit(identity_local.logout(rig_call(&own), &p, false) == OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_false(rig_is_alive(&r, token));
	rig_close(&r);
}

TEST(a_fresh_table_is_filled_from_the_store)
{
	struct principal p;
	struct rig       r;
	struct str       alive, ended;

	(void)state;
	rig_open(&r);
	alive = arena_dup(&r.a, rig_login(&r).access_token);
	ended = rig_login(&r).access_token;
	p = rig_principal(&r, ended);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, false), OK);
	assert_int_equal(unlink(arena_printf(&r.a, "%s/revoked.shm", r.dir).ptr), 0);
	struct rig later = r;
	rig_attach(&later);
	assert_false(rig_is_alive(&later, ended));
	assert_true(rig_is_alive(&later, alive));
	rig_detach(&later);
	rig_close(&r);
}

TEST(when_the_table_is_full_the_store_decides)
{
	struct revoked   table;
	struct principal p;
	struct rig       r;
	struct str       alive, ended;
	unsigned         refused = 0;

	(void)state;
	rig_open(&r);
	assert_int_equal(revoked_open(r.dir, &table), OK);
	for (int i = 0; i < 4 * REVOKED_CELLS; i++) {
		char id[40];

		snprintf(id, sizeof(id), "session-%d", i);
		refused += !revoked_add(&table, str_of(id), r.now_ms, r.now_ms + HOUR_MS);
	}
	assert_true(refused > 0);
	alive = rig_login(&r).access_token;
	ended = rig_login(&r).access_token;
	p = rig_principal(&r, ended);
	assert_int_equal(identity_local.logout(rig_call(&r), &p, false), OK);
	assert_false(rig_is_alive(&r, ended));
	assert_true(rig_is_alive(&r, alive));
	revoked_close(&table);
	rig_close(&r);
}

/* --- keys ----------------------------------------------------------------------- */

TEST(a_process_that_was_there_before_the_first_key_learns_it)
{
	struct rig r, before;
	struct str token, email, password;

	(void)state;
	r = rig_empty();
	before = r;
	rig_attach(&before);
	rig_attach(&r);
	assert_int_equal(identity_ensure_owner(r.auth, r.c, &r.a, r.now_ms, &email, &password), OK);
	assert_false(rig_is_alive(&before, STR("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")));
	token = rig_login(&r).access_token;
	assert_true(rig_is_alive(&before, token));
	rig_detach(&before);
	rig_close(&r);
}

static size_t count_keys(struct rig *r)
{
	const struct json *json;
	struct json_error  error;
	struct str         text;
	int64_t            changed_ms;

	assert_int_equal(auth_jwks(r->auth, r->c, &r->a, r->now_ms, &text, &changed_ms), OK);
	assert_int_equal(json_parse(&r->a, text, 8, &json, &error), OK);
	return json_length(json_get(json, STR("keys")));
}

TEST(of_several_processes_that_need_the_first_key_one_makes_it)
{
	struct rig r = rig_empty();
	pid_t      children[4];
	int        status;

	(void)state;
	for (size_t i = 0; i < COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			rig_attach(&r);
			_exit(count_keys(&r) == 1 ? 0 : 1);
		}
	}
	for (size_t i = 0; i < COUNT(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	rig_attach(&r);
	assert_int_equal(count_keys(&r), 1);
	rig_close(&r);
}

TEST(the_jwks_has_public_parts_alone_and_the_key_id_is_its_thumbprint)
{
	static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi", "private" };
	const struct json *json, *key;
	struct json_error  error;
	struct str         text, thumbprint;
	int64_t            changed_ms;
	struct rig         r;

	(void)state;
	rig_open(&r);
	assert_int_equal(auth_jwks(r.auth, r.c, &r.a, r.now_ms, &text, &changed_ms), OK);
	assert_int_equal(json_parse(&r.a, text, 8, &json, &error), OK);
	key = json_at(json_get(json, STR("keys")), 0);
	for (size_t i = 0; i < COUNT(members); i++)
		assert_row(json_get(key, str_of(members[i])) == NULL, members[i]);
	assert_int_equal(jwk_thumbprint(&r.a, key, &thumbprint), OK);
	assert_str(json_get_string(key, "kid"), thumbprint);
	assert_str(json_get_string(key, "alg"), STR("RS256"));
	assert_str(json_get_string(key, "use"), STR("sig"));
	rig_close(&r);
}

/* Every file of the directory, as one would find it on a stolen disk. */
static bool disk_has(struct rig *r, const char *needle)
{
	struct dirent *e;
	DIR           *d = opendir(r->dir);
	bool           found = false;

	for (e = readdir(d); e != NULL; e = readdir(d)) {
		int         fd = openat(dirfd(d), e->d_name, O_RDONLY);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
			char   *bytes = malloc((size_t)st.st_size + 1);
			ssize_t n = read(fd, bytes, (size_t)st.st_size);

			found = found || (n > 0 && memmem(bytes, (size_t)n, needle,
			    strlen(needle)) != NULL);
			free(bytes);
		}
		close(fd);
	}
	closedir(d);
	return found;
}

TEST(no_secret_lies_on_the_disk_in_the_clear)
{
	struct identity_tokens t;
	struct rig             r;

	(void)state;
	rig_open(&r);
	t = rig_login(&r);
	assert_true(disk_has(&r, "argon2id"));          /* the search finds what is there */
	assert_false(disk_has(&r, "PRIVATE KEY"));
	assert_false(disk_has(&r, RIG_PASSWORD));
	assert_false(disk_has(&r, arena_cstr(&r.a, t.refresh_token)));
	assert_false(disk_has(&r, arena_cstr(&r.a, t.access_token)));
	rig_close(&r);
}

TEST(a_key_sealed_under_another_secret_key_signs_nothing_and_still_verifies)
{
	struct identity_tokens t;
	struct rig             r;
	struct str             token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).access_token;
	struct rig other = r;
	other.secret = "w5Qk0m3qJt7X2bZr9fY1uVhE6oNcL4sGpAaDxKjTiHo=";
	rig_attach(&other);
	assert_int_equal(rig_sign_in(&other, RIG_EMAIL, RIG_PASSWORD, &t), ERR_CORRUPT);
	assert_true(rig_is_alive(&other, token));
	rig_detach(&other);
	rig_close(&r);
}

/* What a rotation writes: the new key's item and name, the old one's end. */
static void rotate(struct rig *from, struct rig *to, int64_t old_until_ms)
{
	struct store_item   key, current, old;
	struct store_result result;
	const struct json  *json;
	struct json_error   error;
	struct str          kid;

	assert_int_equal(store_get(from->c, &to->a, STR("signing-key"), STR("current"),
	    from->now_ms, &current), OK);
	assert_int_equal(json_parse(&to->a, current.body, 4, &json, &error), OK);
	kid = json_get_string(json, "kid");
	assert_int_equal(store_get(from->c, &to->a, STR("signing-keys"), kid, from->now_ms, &key),
	    OK);
	assert_int_equal(store_get(to->c, &to->a, STR("signing-key"), STR("current"),
	    to->now_ms, &old), OK);
	assert_int_equal(json_parse(&to->a, old.body, 4, &json, &error), OK);
	assert_int_equal(store_get(to->c, &to->a, STR("signing-keys"),
	    json_get_string(json, "kid"), to->now_ms, &old), OK);
	old.expires_ms = old_until_ms;
	struct store_op ops[] = {
		{ STORE_PUT, STORE_ABSENT, key }, { STORE_PUT, STORE_PRESENT, current },
		{ STORE_PUT, STORE_PRESENT, old },
	};
	assert_int_equal(store_write(to->c, ops, COUNT(ops), STORE_DURABLE, to->now_ms, &result),
	    OK);
}

TEST(a_rotated_key_signs_and_the_old_one_verifies_until_its_end)
{
	struct rig r, source, reader;
	struct str before, after;

	(void)state;
	rig_open(&r);
	rig_open(&source);      /* another installation of the same secret: */
	assert_int_equal(count_keys(&source), 1);       /* its key is the new one */
	reader = r;
	rig_attach(&reader);
	before = rig_login(&r).access_token;
	assert_true(rig_is_alive(&reader, before));
	rotate(&source, &r, r.now_ms + HOUR_MS);
	after = rig_login(&r).access_token;
	reader.now_ms += KEYS_RELOAD_MS;
	assert_true(rig_is_alive(&reader, after));
	assert_true(rig_is_alive(&reader, before));
	assert_int_equal(count_keys(&r), 2);
	r.now_ms += HOUR_MS;
	assert_int_equal(count_keys(&r), 1);
	rig_detach(&reader);
	rig_close(&source);
	rig_close(&r);
}

TEST(the_jwks_changed_when_a_key_was_made_and_when_one_ended)
{
	struct rig r, source;
	struct str text;
	int64_t    made_ms, rotated_ms, ended_ms;

	(void)state;
	rig_open(&r);
	assert_int_equal(auth_jwks(r.auth, r.c, &r.a, r.now_ms, &text, &made_ms), OK);
	rig_open(&source);
	source.now_ms = r.now_ms += HOUR_MS;
	assert_int_equal(count_keys(&source), 1);
	rotate(&source, &r, r.now_ms + HOUR_MS);
	assert_int_equal(auth_jwks(r.auth, r.c, &r.a, r.now_ms, &text, &rotated_ms), OK);
	assert_int_equal(rotated_ms, r.now_ms);
	assert_true(made_ms < rotated_ms);
	r.now_ms += 2 * HOUR_MS;
	assert_int_equal(auth_jwks(r.auth, r.c, &r.a, r.now_ms, &text, &ended_ms), OK);
	assert_int_equal(ended_ms, r.now_ms - HOUR_MS);
	rig_close(&source);
	rig_close(&r);
}

/* --- opening -------------------------------------------------------------------- */

TEST(a_user_pool_that_is_also_named_as_an_issuer_is_refused_with_a_reason)
{
	struct auth *auth = NULL;
	struct str   reason = STR_NONE;
	struct rig   r;

	(void)state;
	rig_open(&r);
	r.config.identity = IDENTITY_COGNITO;
	r.config.cognito_user_pool_id = STR("eu-west-1_Test");
	r.config.cognito_region = STR("eu-west-1");
	r.config.cognito_client_id = STR("client");
	r.config.oidc_issuers = STR("[{\"issuer\":\"https://cognito-idp.eu-west-1.amazonaws.com/"
	    "eu-west-1_Test\",\"audience\":\"client\"}]");
	assert_int_equal(auth_open(&r.config, r.store, r.metrics, &auth, &r.a, &reason), ERR_EXISTS);
	assert_true(str_contains(reason, STR("OIDC_ISSUERS")));
	assert_null(auth);
	rig_close(&r);
}

TEST(the_issuer_is_the_public_url_or_localhost)
{
	struct auth *auth;
	struct str   reason;
	struct rig   r;

	(void)state;
	rig_open(&r);
	assert_str(auth_issuer(r.auth), STR("https://quiver.example"));
	r.config.public_url = STR_NONE;
	assert_int_equal(auth_open(&r.config, r.store, r.metrics, &auth, &r.a, &reason), OK);
	assert_str(auth_issuer(auth), STR("http://localhost"));
	auth_close(auth);
	rig_close(&r);
}

TEST_MAIN(
	RUN(without_credentials_one_is_anonymous),
	RUN(metrics_are_for_loopback_when_there_is_no_metrics_token),
	RUN(metrics_are_for_the_metrics_token_alone_when_there_is_one),
	RUN(junk_is_turned_away_and_the_log_learns_why),
	RUN(the_scheme_is_bearer_in_any_case),
	RUN(an_id_token_does_not_authenticate),
	RUN(a_remembered_token_says_the_same_as_a_verified_one),
	RUN(a_token_ends_at_its_time_and_the_skew_remembered_or_not),
	RUN(a_token_of_a_key_that_is_not_ours_is_refused),
	RUN(a_revocation_is_seen_at_once_by_another_process_of_the_machine),
	RUN(a_revocation_is_seen_across_a_fork),
	RUN(a_fresh_table_is_filled_from_the_store),
	RUN(when_the_table_is_full_the_store_decides),
	RUN(a_process_that_was_there_before_the_first_key_learns_it),
	RUN(of_several_processes_that_need_the_first_key_one_makes_it),
	RUN(the_jwks_has_public_parts_alone_and_the_key_id_is_its_thumbprint),
	RUN(no_secret_lies_on_the_disk_in_the_clear),
	RUN(a_key_sealed_under_another_secret_key_signs_nothing_and_still_verifies),
	RUN(a_rotated_key_signs_and_the_old_one_verifies_until_its_end),
	RUN(the_jwks_changed_when_a_key_was_made_and_when_one_ended),
	RUN(a_user_pool_that_is_also_named_as_an_issuer_is_refused_with_a_reason),
	RUN(the_issuer_is_the_public_url_or_localhost))
