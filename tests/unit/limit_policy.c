/*
 * limit_policy: the built-in policies, and the file that LIMITS names.
 */
#include <string.h>

#include "limit/limit.h"
#include "test.h"

static const struct limit_policy *named(const struct limit_policy *policies, const char *name)
{
	for (const struct limit_policy *p = policies; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

TEST(the_built_in_policies_have_no_hole)
{
	(void)state;
	for (const struct limit_policy *p = limit_defaults(); p->name != NULL; p++) {
		assert_row(p->selector != NULL && *p->selector != '\0', p->name);
		assert_row(p->limit > 0 && p->limit <= LIMIT_WINDOW_MAX, p->name);
		assert_row(p->period_ms >= 1000 && p->period_ms <= LIMIT_PERIOD_MAX_MS, p->name);
		assert_row(p->algorithm == LIMIT_GCRA || p->burst == 0, p->name);
		assert_row(!p->dry_run, p->name);
		assert_row(named(limit_defaults(), p->name) == p, p->name);
		for (const struct limit_policy *q = p + 1; q->name != NULL; q++)
			assert_row(p->scope != q->scope || strcmp(p->selector, q->selector) != 0,
			    p->name);
	}
}

TEST(the_built_in_policies_are_those_of_the_design)
{
	(void)state;
	static const struct { const char *name; uint64_t limit, period_ms, burst; } expected[] = {
		{ "anonymous", 30, 60000, 0 }, { "user", 60, 60000, 0 },
		{ "analyst", 120, 60000, 0 }, { "admin", 300, 60000, 0 },
		{ "owner", 600, 60000, 0 }, { "free", 10, 1000, 100 },
		{ "premium", 100, 1000, 1000 }, { "enterprise", 1000, 1000, 10000 },
		{ "tenant-standard", 1000, 3600000, 0 }, { "tenant-premium", 5000, 3600000, 0 },
		{ "tenant-enterprise", 10000, 3600000, 0 }, { "sign-in-address", 20, 60000, 0 },
		{ "oauth-address", 300, 60000, 0 },
		{ "sign-in-account", 10, 60000, 0 }, { "sign-in-strangers", 100, 3600000, 0 },
	};
	for (size_t i = 0; i < COUNT(expected); i++) {
		const struct limit_policy *p = named(limit_defaults(), expected[i].name);
		assert_row(p != NULL, expected[i].name);
		assert_row(p->limit == expected[i].limit && p->period_ms == expected[i].period_ms &&
		    p->burst == expected[i].burst, p->name);
	}
}

/* What the file gives, or NULL and the reason. */
static const struct limit_policy *read_file(struct arena *a, const char *text, struct str *reason)
{
	const struct limit_policy *out = NULL;
	*reason = STR_NONE;
	enum err e = limit_policies_read(a, str_of(text), &out, reason);
	assert_int_equal(e, out == NULL ? ERR_INVALID : OK);
	return out;
}

TEST(a_new_policy_is_added_to_the_built_in_ones)
{
	(void)state;
	struct arena a;
	struct str reason;
	arena_init(&a, 1 << 20);
	const struct limit_policy *all = read_file(&a, "{\"policies\":[{\"name\":\"partner\","
	    "\"scope\":\"plan\",\"selector\":\"partner\",\"algorithm\":\"gcra\",\"limit\":50,"
	    "\"period_ms\":1000,\"burst\":500,\"dry_run\":true,\"on_failure\":\"deny\"}]}", &reason);
	assert_non_null(all);
	const struct limit_policy *p = named(all, "partner");
	assert_non_null(p);
	assert_int_equal(p->scope, LIMIT_BY_PLAN);
	assert_string_equal(p->selector, "partner");
	assert_int_equal(p->algorithm, LIMIT_GCRA);
	assert_int_equal(p->limit, 50);
	assert_int_equal(p->period_ms, 1000);
	assert_int_equal(p->burst, 500);
	assert_true(p->dry_run);
	assert_int_equal(p->on_failure, LIMIT_DENY);
	assert_int_equal(named(all, "user")->limit, 60);
	arena_clean(&a);
}

TEST(what_is_given_of_a_built_in_policy_replaces_only_that)
{
	(void)state;
	struct arena a;
	struct str reason;
	arena_init(&a, 1 << 20);
	const struct limit_policy *all = read_file(&a,
	    "{\"policies\":[{\"name\":\"free\",\"limit\":20}]}", &reason);
	assert_non_null(all);
	assert_int_equal(named(all, "free")->limit, 20);
	assert_int_equal(named(all, "free")->burst, 100);
	assert_int_equal(named(all, "free")->scope, LIMIT_BY_PLAN);
	assert_int_equal(named(limit_defaults(), "free")->limit, 10);
	arena_clean(&a);
}

TEST(an_empty_list_leaves_the_built_in_policies)
{
	(void)state;
	struct arena a;
	struct str reason;
	size_t n = 0;
	arena_init(&a, 1 << 20);
	const struct limit_policy *all = read_file(&a, "{\"policies\":[]}", &reason);
	assert_non_null(all);
	for (; limit_defaults()[n].name != NULL; n++)
		assert_string_equal(all[n].name, limit_defaults()[n].name);
	assert_null(all[n].name);
	arena_clean(&a);
}

#define NEW "\"name\":\"n\",\"scope\":\"plan\",\"selector\":\"s\""

TEST(what_is_wrong_with_a_file_is_said)
{
	(void)state;
	static const struct { const char *text, *reason; } cases[] = {
		{ "", "line 1" },
		{ "{\"policies\":[{]}", "line 1, column 15" },
		{ "[]", "expected {\"policies\"" },
		{ "{}", "expected {\"policies\"" },
		{ "{\"policies\":{}}", "expected {\"policies\"" },
		{ "{\"policies\":[],\"more\":1}", "nothing else" },
		{ "{\"policies\":[1]}", "policies[0]: policy: expected an object" },
		{ "{\"policies\":[{}]}", "policies[0]: name: expected" },
		{ "{\"policies\":[{\"name\":5}]}", "policies[0]: name: expected" },
		{ "{\"policies\":[{\"name\":\"A b\"}]}", "policies[0]: name: expected" },
		{ "{\"policies\":[{\"name\":\"free\"},{\"name\":\"free\"}]}",
		  "policies[1] \"free\": name: given twice" },
		{ "{\"policies\":[{\"name\":\"n\"}]}", "policies[0] \"n\": scope: missing" },
		{ "{\"policies\":[{\"name\":\"n\",\"scope\":\"plan\"}]}", "selector: missing" },
		{ "{\"policies\":[{" NEW "}]}", "limit: missing" },
		{ "{\"policies\":[{" NEW ",\"limit\":1}]}", "period_ms: missing" },
		{ "{\"policies\":[{\"name\":\"free\",\"rate\":1}]}",
		  "policies[0] \"free\": \"rate\": no such field" },
		{ "{\"policies\":[{\"name\":\"free\",\"scope\":\"moon\"}]}",
		  "scope: expected one of role plan tenant route route_account" },
		{ "{\"policies\":[{\"name\":\"free\",\"algorithm\":\"leaky\"}]}",
		  "algorithm: expected one of gcra window" },
		{ "{\"policies\":[{\"name\":\"free\",\"limit\":0}]}",
		  "limit: expected a whole number" },
		{ "{\"policies\":[{\"name\":\"free\",\"limit\":-1}]}", "limit: expected" },
		{ "{\"policies\":[{\"name\":\"free\",\"limit\":1.5}]}", "limit: expected" },
		{ "{\"policies\":[{\"name\":\"free\",\"limit\":\"9\"}]}", "limit: expected" },
		{ "{\"policies\":[{\"name\":\"free\",\"limit\":1000001}]}",
		  "limit: more than 1000 a millisecond" },
		{ "{\"policies\":[{\"name\":\"free\",\"period_ms\":34560000001}]}",
		  "period_ms: expected a whole number from 1 to 34560000000" },
		{ "{\"policies\":[{\"name\":\"anonymous\",\"burst\":1000000000}]}",
		  "burst: would take more than 400 days" },
		{ "{\"policies\":[{\"name\":\"free\",\"on_failure\":\"maybe\"}]}",
		  "on_failure: expected one of local allow deny" },
		{ "{\"policies\":[{\"name\":\"free\",\"dry_run\":1}]}",
		  "dry_run: expected true or false" },
		{ "{\"policies\":[{\"name\":\"tenant-standard\",\"limit\":1048576}]}",
		  "limit: a window counts to 1048575" },
		{ "{\"policies\":[{\"name\":\"tenant-standard\",\"period_ms\":999}]}",
		  "period_ms: a window has at least 1000" },
		{ "{\"policies\":[{\"name\":\"tenant-standard\",\"burst\":1}]}",
		  "burst: a window has none" },
		{ "{\"policies\":[{\"name\":\"n\",\"scope\":\"plan\",\"selector\":\"free\","
		  "\"limit\":1,\"period_ms\":1000}]}", "selector: policy \"free\" has it already" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a;
		struct str reason;
		arena_init(&a, 1 << 20);
		assert_row(read_file(&a, cases[i].text, &reason) == NULL, cases[i].text);
		if (!str_contains(reason, str_of(cases[i].reason)))
			fail_msg("row %s: got %.*s", cases[i].text, STR_ARG(reason));
		arena_clean(&a);
	}
}

TEST(more_than_256_policies_are_refused)
{
	(void)state;
	struct arena a;
	struct buf text;
	struct str reason;
	arena_init(&a, 1 << 22);
	buf_init(&text, &a, 1 << 20);
	BUF_LIT(&text, "{\"policies\":[");
	for (int i = 0; i < 250; i++)
		buf_printf(&text, "%s{\"name\":\"p%d\",\"scope\":\"plan\",\"selector\":\"p%d\","
		    "\"limit\":1,\"period_ms\":1000}", i == 0 ? "" : ",", i, i);
	BUF_LIT(&text, "]}");
	assert_null(read_file(&a, buf_cstr(&text), &reason));
	assert_true(str_contains(reason, STR("policies[239]: name: more than 256 policies")));
	arena_clean(&a);
}

TEST_MAIN(
	RUN(the_built_in_policies_have_no_hole),
	RUN(the_built_in_policies_are_those_of_the_design),
	RUN(a_new_policy_is_added_to_the_built_in_ones),
	RUN(what_is_given_of_a_built_in_policy_replaces_only_that),
	RUN(an_empty_list_leaves_the_built_in_policies),
	RUN(what_is_wrong_with_a_file_is_said),
	RUN(more_than_256_policies_are_refused))
