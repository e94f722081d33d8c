/*
 * Signing keys in their turn: by hand, by age, by several processes at once; no
 * token that was good becomes bad by it.
 */
#include "identity_rig.h"

#include <sys/wait.h>

#include "auth/key_current.h"
#include "auth/session.h"

#define DAY_MS          (24 * HOUR_MS)
#define MAX_AGE_MS      (90 * DAY_MS)           /* SIGNING_KEY_MAX_AGE_S as it is when unset */
#define PROCESSES       4

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

static struct str current_kid(struct rig *r)
{
	struct key_current current;

	assert_int_equal(key_current_read(r->c, &r->a, r->now_ms, &current), OK);
	return current.kid;
}

/* The key that a token says it was signed with. */
static struct str kid_of(struct rig *r, struct str token)
{
	const struct json *json;
	struct json_error  error;
	struct str         head;

	assert_int_equal(crypto_base64url_decode(&r->a, str_cut(&token, '.'), &head), OK);
	assert_int_equal(json_parse(&r->a, head, 2, &json, &error), OK);
	return json_get_string(json, "kid");
}

static struct str rotate(struct rig *r)
{
	struct str kid;

	assert_int_equal(auth_rotate_keys(r->auth, r->c, &r->a, r->now_ms, &kid), OK);
	return kid;
}

TEST(after_a_rotation_the_new_key_signs_and_the_old_one_verifies_to_its_last_token)
{
	struct rig r, reader;
	struct str before, after, kid;

	(void)state;
	rig_open(&r);
	reader = r;
	rig_attach(&reader);
	before = rig_login(&r).access_token;
	kid = rotate(&r);
	assert_str(current_kid(&r), kid);
	after = rig_login(&r).access_token;
	assert_str(kid_of(&r, after), kid);
	assert_false(str_eq(kid_of(&r, before), kid));
	assert_true(rig_is_alive(&reader, before));
	assert_true(rig_is_alive(&reader, after));
	assert_int_equal(count_keys(&r), 2);
	/* The last moment at which it is good, skew and all. */
	r.now_ms += HOUR_MS + (r.config.clock_skew_s - 1) * SECOND_MS;
	assert_true(rig_is_alive(&r, before));
	r.now_ms += (1 + REVOKED_MARGIN_S) * SECOND_MS;
	assert_int_equal(count_keys(&r), 1);
	rig_detach(&reader);
	rig_close(&r);
}

TEST(a_key_that_was_never_made_is_made_by_a_rotation)
{
	struct rig r = rig_empty();

	(void)state;
	rig_attach(&r);
	assert_str(rotate(&r), current_kid(&r));
	assert_int_equal(count_keys(&r), 1);
	rig_close(&r);
}

TEST(a_key_over_its_age_is_replaced_by_who_signs_next)
{
	struct rig r;
	struct str first;

	(void)state;
	rig_open(&r);
	first = kid_of(&r, rig_login(&r).access_token);
	r.now_ms += MAX_AGE_MS - SECOND_MS;
	assert_str(kid_of(&r, rig_login(&r).access_token), first);
	r.now_ms += 2 * SECOND_MS;
	assert_false(str_eq(kid_of(&r, rig_login(&r).access_token), first));
	assert_int_equal(count_keys(&r), 2);
	rig_close(&r);
}

TEST(without_an_age_a_key_signs_for_ever)
{
	struct rig r;
	char       first[64];

	(void)state;
	rig_open(&r);
	rig_login(&r);
	assert_true(current_kid(&r).len < sizeof(first));
	(void)snprintf(first, sizeof(first), "%.*s", STR_ARG(current_kid(&r)));
	rig_detach(&r);
	r.max_age = "0";
	rig_attach(&r);
	r.now_ms += 10 * MAX_AGE_MS;
	assert_str(kid_of(&r, rig_login(&r).access_token), str_of(first));
	rig_close(&r);
}

/* Waits for the others and signs in; exits with OK when the token it got is good. */
static void sign_in_with_the_others(struct rig *r, int start)
{
	struct identity_tokens t;
	char                   byte;
	enum err               e = ERR_IO;

	rig_attach(r);
	if (read(start, &byte, 1) == 0)
		e = rig_sign_in(r, RIG_EMAIL, RIG_PASSWORD, &t);
	if (e == OK && !rig_is_alive(r, t.access_token))
		e = ERR_EXPIRED;
	_exit((int)e);
}

/* The owner and the first key. */
static void set_up(struct rig *r, int start)
{
	struct str email, password;

	(void)start;
	rig_attach(r);
	if (identity_ensure_owner(r->auth, r->c, &r->a, r->now_ms, &email, &password) != OK)
		_exit(1);
	_exit(count_keys(r) == 1 ? 0 : 1);
}

static pid_t begin(struct rig *r, void (*body)(struct rig *, int), const int start[2])
{
	pid_t child = fork();

	if (child == 0) {
		close(start[1]);
		body(r, start[0]);
	}
	return child;
}

static void await(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), OK);
}

/* All of it in children: forked ones would go on with this process's random bytes. */
TEST(of_several_processes_that_find_the_key_too_old_one_replaces_it)
{
	struct rig r = rig_empty();
	pid_t      children[PROCESSES];
	int        start[2];

	(void)state;
	assert_int_equal(pipe(start), 0);
	await(begin(&r, set_up, start));
	r.now_ms += 2 * MAX_AGE_MS;
	for (size_t i = 0; i < PROCESSES; i++)
		children[i] = begin(&r, sign_in_with_the_others, start);
	close(start[1]);
	for (size_t i = 0; i < PROCESSES; i++)
		await(children[i]);
	close(start[0]);
	rig_attach(&r);
	assert_int_equal(count_keys(&r), 2);
	rig_close(&r);
}

/* As many keys with living tokens as there may be. */
static void fill(struct rig *r)
{
	struct store_result result;

	for (int i = 0; i < KEYS_LIVING_MAX; i++) {
		struct store_op op = { STORE_PUT, STORE_ALWAYS, { .pk = KEYS_PK,
			.sk = arena_printf(&r->a, "kid-%d", i), .body = STR("{}") } };

		assert_int_equal(store_write(r->c, &op, 1, STORE_RELAXED, r->now_ms, &result), OK);
	}
}

TEST(too_many_rotations_are_refused_and_an_old_key_signs_on)
{
	struct rig r;
	struct str first, kid;

	(void)state;
	rig_open(&r);
	first = kid_of(&r, rig_login(&r).access_token);
	fill(&r);
	assert_int_equal(auth_rotate_keys(r.auth, r.c, &r.a, r.now_ms, &kid), ERR_LIMITED);
	r.now_ms += 2 * MAX_AGE_MS;
	assert_str(kid_of(&r, rig_login(&r).access_token), first);
	rig_close(&r);
}

TEST_MAIN(
	RUN(after_a_rotation_the_new_key_signs_and_the_old_one_verifies_to_its_last_token),
	RUN(a_key_that_was_never_made_is_made_by_a_rotation),
	RUN(a_key_over_its_age_is_replaced_by_who_signs_next),
	RUN(without_an_age_a_key_signs_for_ever),
	RUN(of_several_processes_that_find_the_key_too_old_one_replaces_it),
	RUN(too_many_rotations_are_refused_and_an_old_key_signs_on))
