#include "auth/principal.h"
#include "tests/test.h"

#define EVERY (SCOPE_BIT(SCOPE_COUNT) - SCOPE_BIT(SCOPE_CONTENT_READ))

/* What each role adds to the one above. */
static const struct {
	const char *role, *group;
	enum role   value;
	const char *adds[8];
} table[] = {
	{ "user", "users", ROLE_USER, { "profile", "keys:manage", "usage:read", "openid", "email",
	  "offline_access" } },
	{ "analyst", "analysts", ROLE_ANALYST, { "analytics:read", "calls:write" } },
	{ "admin", "admins", ROLE_ADMIN,
	  { "content:write", "tenants:manage", "security:manage", "audit:read", "users:manage" } },
};

TEST(every_scope_has_a_name_that_leads_back)
{
	(void)state;
	for (int s = SCOPE_PUBLIC + 1; s < SCOPE_COUNT; s++) {
		assert_row(scope_name((enum scope)s)[0] != '\0', scope_name((enum scope)s));
		assert_row(scope_from_name(str_of(scope_name((enum scope)s))) == (enum scope)s,
		    scope_name((enum scope)s));
	}
}

TEST(no_text_names_unset_or_public)
{
	(void)state;
	assert_int_equal(scope_from_name(STR("")), SCOPE_UNSET);
	assert_int_equal(scope_from_name(STR_NONE), SCOPE_UNSET);
	assert_int_equal(scope_from_name(STR("Content:read")), SCOPE_UNSET);
	assert_string_equal(scope_name(SCOPE_PUBLIC), "");
	assert_string_equal(scope_name(SCOPE_COUNT), "");
}

TEST(a_role_has_what_stands_below_it_and_adds_its_own)
{
	scope_set expected = role_scopes(ROLE_ANONYMOUS);

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		for (size_t j = 0; table[i].adds[j] != NULL; j++)
			expected |= SCOPE_BIT(scope_from_name(str_of(table[i].adds[j])));
		assert_row(role_scopes(table[i].value) == expected, table[i].role);
	}
	assert_int_equal(role_scopes(ROLE_OWNER), EVERY);
}

TEST(anonymous_may_read_and_be_counted_and_no_more)
{
	(void)state;
	assert_int_equal(role_scopes(ROLE_ANONYMOUS), SCOPE_BIT(SCOPE_CONTENT_READ) |
	    SCOPE_BIT(SCOPE_VISITORS_TRACK) | SCOPE_BIT(SCOPE_VISITORS_READ));
}

TEST(roles_are_found_by_name_and_by_group)
{
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_row(role_from_name(str_of(table[i].role)) == table[i].value, table[i].role);
		assert_row(role_from_name(str_of(table[i].group)) == table[i].value, table[i].group);
	}
	assert_int_equal(role_from_name(STR("owners")), ROLE_OWNER);
	assert_int_equal(role_from_name(STR("root")), ROLE_ANONYMOUS);
	assert_int_equal(role_from_name(STR("")), ROLE_ANONYMOUS);
}

TEST(the_highest_of_several_roles_decides)
{
	struct principal p = { 0 };

	(void)state;
	principal_set_roles(&p, 1u << ROLE_USER | 1u << ROLE_ADMIN);
	assert_int_equal(p.role, ROLE_ADMIN);
	assert_int_equal(p.scopes, role_scopes(ROLE_ADMIN));
	principal_set_roles(&p, 0);
	assert_int_equal(p.role, ROLE_ANONYMOUS);
}

TEST(everyone_may_use_a_public_route_and_nobody_an_unset_one)
{
	struct principal nobody = { 0 }, owner = { 0 };

	(void)state;
	principal_set_roles(&owner, 1u << ROLE_OWNER);
	assert_true(principal_may(&nobody, SCOPE_PUBLIC));
	assert_false(principal_may(&owner, SCOPE_UNSET));
	assert_false(principal_may(&owner, SCOPE_COUNT));
	assert_false(principal_may(&nobody, SCOPE_CONTENT_READ));
}

TEST(the_anonymous_principal_has_no_identity)
{
	struct principal p = principal_anonymous();

	(void)state;
	assert_int_equal(p.kind, PRINCIPAL_ANONYMOUS);
	assert_null(p.id.ptr);
	assert_true(principal_may(&p, SCOPE_CONTENT_READ));
	assert_false(principal_may(&p, SCOPE_PROFILE));
	assert_false(principal_may(&p, SCOPE_METRICS_READ));
}

TEST(roles_and_scopes_are_written_and_read_as_json)
{
	struct arena       a;
	struct buf         out;
	struct json_writer w;
	const struct json *json;
	struct json_error  error;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&out, &a, 4096);
	json_begin(&w, &out);
	roles_write(&w, 1u << ROLE_USER | 1u << ROLE_OWNER);
	assert_str(buf_str(&out), STR("[\"user\",\"owner\"]"));
	assert_int_equal(json_parse(&a, STR("[\"owner\",\"users\",\"root\",7,null]"), 4, &json,
	    &error), OK);
	assert_int_equal(roles_read(json), 1u << ROLE_USER | 1u << ROLE_OWNER);
	assert_int_equal(roles_read(NULL), 0);
	buf_reset(&out);
	json_begin(&w, &out);
	scopes_write(&w, SCOPE_BIT(SCOPE_PROFILE) | SCOPE_BIT(SCOPE_PUBLIC));
	assert_str(buf_str(&out), STR("[\"profile\"]"));
	arena_clean(&a);
}

TEST_MAIN(
	RUN(every_scope_has_a_name_that_leads_back),
	RUN(no_text_names_unset_or_public),
	RUN(a_role_has_what_stands_below_it_and_adds_its_own),
	RUN(anonymous_may_read_and_be_counted_and_no_more),
	RUN(roles_are_found_by_name_and_by_group),
	RUN(the_highest_of_several_roles_decides),
	RUN(everyone_may_use_a_public_route_and_nobody_an_unset_one),
	RUN(the_anonymous_principal_has_no_identity),
	RUN(roles_and_scopes_are_written_and_read_as_json))
