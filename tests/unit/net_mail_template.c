/*
 * Templates of mails.  Attack they hold off: a value that becomes HTML.
 */
#include "net/mail_template.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/test.h"

struct rig {
	struct arena          a;
	char                  directory[40];
	struct mail_templates templates;
	struct str            reason;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .directory = "/tmp/quiver-test-XXXXXX" };
	arena_init(&r->a, 1 << 24);
	assert_non_null(mkdtemp(r->directory));
	mail_templates_open(&r->templates, str_of(r->directory));
}

static void put(struct rig *r, const char *name, struct str text)
{
	FILE *f = fopen(arena_printf(&r->a, "%s/%s", r->directory, name).ptr, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
	fclose(f);
}

static void rig_close(struct rig *r)
{
	unlink(arena_printf(&r->a, "%s/reset.txt", r->directory).ptr);
	unlink(arena_printf(&r->a, "%s/reset.html", r->directory).ptr);
	assert_int_equal(rmdir(r->directory), 0);
	mail_templates_close(&r->templates);
	arena_clean(&r->a);
}

static enum err get(struct rig *r, const struct mail_template **out)
{
	return mail_templates_get(&r->templates, MAIL_RESET, &r->a, out, &r->reason);
}

static struct str fill(struct arena *a, const char *text, bool html)
{
	struct buf out;
	const struct mail_values values = { .of = {
		[MAIL_PRODUCT] = STR("R & D"), [MAIL_CODE] = STR("<b>'\"</b>"),
		[MAIL_NAME] = STR("{{code}}"),
	} };

	buf_init(&out, a, 10000);
	mail_template_fill(&out, str_of(text), &values, html);
	assert_false(buf_failed(&out));
	return buf_str(&out);
}

TEST(values_take_the_place_of_variables)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(fill(&a, "{{product}}: {{code}}{{product}}.", false),
	    STR("R & D: <b>'\"</b>R & D."));
	assert_str(fill(&a, "", false), STR(""));
	arena_clean(&a);
}

TEST(values_are_text_in_html)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(fill(&a, "<p>{{product}} {{code}}</p>", true),
	    STR("<p>R &amp; D &lt;b&gt;&#39;&quot;&lt;/b&gt;</p>"));
	arena_clean(&a);
}

TEST(a_value_is_not_a_template)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(fill(&a, "{{name}}", false), STR("{{code}}"));
	arena_clean(&a);
}

TEST(a_line_whose_variable_has_no_value_is_left_out)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(fill(&a, "a\n{{product}} at {{link}}\nb\n", false), STR("a\nb\n"));
	arena_clean(&a);
}

TEST(a_template_is_read_once)
{
	struct rig r;
	const struct mail_template *template;

	(void)state;
	rig_open(&r);
	put(&r, "reset.txt", STR("Subject: Hi {{product}}\n\nText {{code}}\n"));
	put(&r, "reset.html", STR("<p>{{code}}</p>\n"));
	assert_int_equal(get(&r, &template), OK);
	assert_str(template->subject, STR("Hi {{product}}"));
	assert_str(template->text, STR("Text {{code}}\n"));
	assert_str(template->html, STR("<p>{{code}}</p>\n"));
	put(&r, "reset.txt", STR("broken"));
	assert_int_equal(get(&r, &template), OK);
	assert_str(template->text, STR("Text {{code}}\n"));
	rig_close(&r);
}

TEST(a_template_that_is_wrong_is_refused_and_read_again)
{
	static const struct { const char *row; struct str text, html; enum err expected; } rows[] = {
		{ "unknown variable", STR_INIT("Subject: a\n\n{{cod}}\n"), STR_INIT("x"), ERR_CORRUPT },
		{ "in HTML", STR_INIT("Subject: a\n\n"), STR_INIT("{{ code }}"), ERR_CORRUPT },
		{ "in the subject", STR_INIT("Subject: {{x}}\n\n"), STR_INIT("x"), ERR_CORRUPT },
		{ "without end", STR_INIT("Subject: a\n\n{{code"), STR_INIT("x"), ERR_CORRUPT },
		{ "no subject", STR_INIT("Hello\n\n"), STR_INIT("x"), ERR_CORRUPT },
		{ "empty subject", STR_INIT("Subject:\n\n"), STR_INIT("x"), ERR_CORRUPT },
		{ "empty", STR_INIT(""), STR_INIT("x"), ERR_CORRUPT },
		{ "no UTF-8", STR_INIT("Subject: a\n\n\xFF"), STR_INIT("x"), ERR_CORRUPT },
	};
	struct rig r;
	const struct mail_template *template;

	(void)state;
	rig_open(&r);
	assert_int_equal(get(&r, &template), ERR_NOT_FOUND);
	for (size_t i = 0; i < COUNT(rows); i++) {
		put(&r, "reset.txt", rows[i].text);
		put(&r, "reset.html", rows[i].html);
		assert_row(get(&r, &template) == rows[i].expected, rows[i].row);
		assert_row(str_contains(r.reason, STR("reset.")), rows[i].row);
	}
	put(&r, "reset.txt", STR("Subject: a\n\nb"));
	assert_int_equal(get(&r, &template), OK);
	rig_close(&r);
}

TEST(a_file_over_its_bound_is_refused)
{
	struct rig r;
	const struct mail_template *template;
	char *text;

	(void)state;
	rig_open(&r);
	text = arena_alloc(&r.a, MAIL_TEMPLATE_MAX_BYTES + 1);
	memset(text, 'x', MAIL_TEMPLATE_MAX_BYTES + 1);
	put(&r, "reset.txt", (struct str){ text, MAIL_TEMPLATE_MAX_BYTES + 1 });
	assert_int_equal(get(&r, &template), ERR_TOO_LARGE);
	rig_close(&r);
}

TEST(the_templates_that_are_shipped_are_good_and_say_what_they_are_for)
{
	struct arena a;
	struct mail_templates shipped;
	const struct mail_template *template;
	struct str reason;

	(void)state;
	arena_init(&a, 1 << 20);
	mail_templates_open(&shipped, STR(SOURCE_DIR "/templates/email"));
	for (int i = 0; i < MAIL_KINDS; i++) {
		bool has_code = i == MAIL_CONFIRM || i == MAIL_RESET;
		if (mail_templates_get(&shipped, (enum mail_kind)i, &a, &template, &reason) != OK)
			fail_msg("%.*s", STR_ARG(reason));
		assert_row(str_contains(template->text, STR("{{code}}")) == has_code,
		    mail_kind_name((enum mail_kind)i));
		assert_row(str_contains(template->html, STR("{{code}}")) == has_code,
		    mail_kind_name((enum mail_kind)i));
		/* A stranger may have chosen it. */
		assert_row(!str_contains(template->text, STR("{{name}}")),
		    mail_kind_name((enum mail_kind)i));
		assert_row(!str_contains(template->html, STR("{{name}}")),
		    mail_kind_name((enum mail_kind)i));
	}
	mail_templates_close(&shipped);
	arena_clean(&a);
}

TEST_MAIN(
    RUN(values_take_the_place_of_variables),
    RUN(values_are_text_in_html),
    RUN(a_value_is_not_a_template),
    RUN(a_line_whose_variable_has_no_value_is_left_out),
    RUN(a_template_is_read_once),
    RUN(a_template_that_is_wrong_is_refused_and_read_again),
    RUN(a_file_over_its_bound_is_refused),
    RUN(the_templates_that_are_shipped_are_good_and_say_what_they_are_for))
