/*
 * Mail as bytes.  Attack it holds off: a header, a recipient or a part of a mail
 * begun by a value (CR, LF, quotes, angle brackets, a boundary).
 */
#include "net/mail_text.h"

#include "base/crypto.h"
#include "base/limits.h"
#include "tests/test.h"

struct rig {
	struct arena a;
	struct buf   out;
};

static void rig_open(struct rig *r)
{
	arena_init(&r->a, 1 << 24);
	buf_init(&r->out, &r->a, MAIL_MAX_BYTES);
}

static struct mail_text plain(void)
{
	return (struct mail_text){
		.from = { STR("quiver@example.org"), STR("Quiver") },
		.to = { STR("ann@example.net"), STR_NONE },
		.subject = STR("Hello"), .text = STR("text\n"), .html = STR("<p>html</p>\n"),
		.now_ms = INT64_C(1767323045678),
	};
}

static struct str written(struct rig *r, const struct mail_text *m)
{
	buf_reset(&r->out);
	assert_int_equal(mail_text_write(&r->out, m), OK);
	return buf_str(&r->out);
}

TEST(a_plain_mail_has_the_headers_that_a_mail_has)
{
	static const char *const expected[] = {
		"From: \"Quiver\"\r\n <quiver@example.org>\r\n", "To: <ann@example.net>\r\n",
		"\r\nSubject: Hello\r\n", "\r\nDate: Fri, 02 Jan 2026 03:04:05 +0000\r\n",
		"\r\nMessage-ID: <", "@example.org>\r\n", "\r\nMIME-Version: 1.0\r\n",
		"\r\nAuto-Submitted: auto-generated\r\n",
		"\r\nContent-Type: multipart/alternative;\r\n boundary=\"",
		"\r\n\r\ntext\r\n--", "\r\n\r\n<p>html</p>\r\n--",
	};
	struct rig r;
	struct mail_text m = plain();

	(void)state;
	rig_open(&r);
	struct str mail = written(&r, &m);
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_row(str_contains(mail, str_of(expected[i])), expected[i]);
	assert_true(str_ends(mail, STR("--\r\n")));
	arena_clean(&r.a);
}

TEST(every_line_ends_as_mail_wants_and_is_short)
{
	struct rig r;
	struct mail_text m = plain();
	char text[5000];

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 7 == 0 ? '=' : 'x';
	m.text = (struct str){ text, sizeof(text) };
	m.html = STR("a\r\nb\nc ");
	m.subject = STR("A subject that is long enough to be more than one line of a header if "
	    "it was not for how it is written, which is in several words");
	struct str rest = written(&r, &m);
	while (rest.ptr != NULL && rest.len > 0) {
		struct str line = str_cut(&rest, '\n');
		assert_true(str_ends(line, STR("\r")));
		assert_true(line.len - 1 <= 78);
		assert_int_equal(str_index(str_first(line, line.len - 1), '\r'), line.len - 1);
	}
	arena_clean(&r.a);
}

TEST(what_is_not_ascii_is_encoded)
{
	struct rig r;
	struct mail_text m = plain();

	(void)state;
	rig_open(&r);
	m.subject = STR("Gr\xC3\xBC\xC3\x9F" "e");
	m.to.name = STR("Zo\xC3\xAB");
	m.text = STR("\xC3\xA9=1 \n");
	struct str mail = written(&r, &m);
	assert_true(str_contains(mail, STR("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n")));
	assert_true(str_contains(mail, STR("To: =?UTF-8?B?Wm/Dqw==?=\r\n <ann@example.net>\r\n")));
	assert_true(str_contains(mail, STR("\r\n=C3=A9=3D1=20\r\n")));
	for (size_t i = 0; i < mail.len; i++)
		assert_true((unsigned char)mail.ptr[i] < 0x80);
	arena_clean(&r.a);
}

TEST(encoded_words_never_cut_a_character)
{
	struct rig r;
	struct mail_text m = plain();
	char subject[151] = "x";

	(void)state;
	rig_open(&r);
	for (size_t i = 1; i + 2 < sizeof(subject); i += 3)
		memcpy(subject + i, "\xE2\x82\xAC", 3);         /* a euro sign */
	m.subject = (struct str){ subject, 148 };
	struct str mail = written(&r, &m), decoded;
	size_t words = 0;
	for (size_t i = 0; i < mail.len; i++) {
		struct str word = str_from(mail, i);
		if (!str_starts(word, STR("=?UTF-8?B?")))
			continue;
		word = str_from(word, 10);
		word = str_first(word, str_index(word, '?'));
		assert_true(word.len <= 63);
		assert_int_equal(crypto_base64_decode(&r.a, word, &decoded), OK);
		assert_true(str_is_utf8(decoded));
		words++;
	}
	assert_true(words > 1);
	arena_clean(&r.a);
}

TEST(a_value_that_would_begin_a_header_is_refused)
{
	static const struct str bad[] = {
		STR_INIT("a\r\nBcc: x@example.org"), STR_INIT("a\nBcc: x"), STR_INIT("a\rb"),
		STR_INIT("a\0b"), STR_INIT("\x7F"), STR_INIT("\xFF"),
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct mail_text subject = plain(), to = plain(), from = plain();
		subject.subject = to.to.name = from.from.name = bad[i];
		assert_int_equal(mail_text_write(&r.out, &subject), ERR_INVALID);
		assert_int_equal(mail_text_write(&r.out, &to), ERR_INVALID);
		assert_int_equal(mail_text_write(&r.out, &from), ERR_INVALID);
		assert_int_equal(r.out.len, 0);
	}
	arena_clean(&r.a);
}

TEST(a_name_cannot_leave_its_quotes)
{
	static const struct str names[] = {
		STR_INIT("a\" <x@example.org>, \"b"), STR_INIT("a\\"), STR_INIT("=?UTF-8?Q?a?="),
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mail_text m = plain();
		m.to.name = names[i];
		struct str mail = written(&r, &m);
		assert_false(str_contains(mail, names[i]));
		assert_true(str_contains(mail, STR("To: =?UTF-8?B?")));
	}
	arena_clean(&r.a);
}

TEST(addresses_that_are_none_are_refused)
{
	static const char *const bad[] = {
		"", "a", "@example.org", "a@", "a@b@c", "a b@example.org", "a@example.org\r\n",
		"a@example.org\nRCPT TO:<b@example.org>", "<a@example.org>", "a@example.org,b@example.org",
		"a@example.org>", "\"a\"@example.org", "\xC3\xA9@example.org", "a:b@example.org",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_row(!mail_address_is_good(str_of(bad[i])), bad[i]);
	assert_true(mail_address_is_good(STR("ann+tag@mail.example.org")));
	assert_true(mail_address_is_good(STR("owner@localhost")));
}

TEST(an_address_of_the_bound_passes_and_a_longer_one_does_not)
{
	char address[MAIL_ADDRESS_MAX + 1];

	(void)state;
	memset(address, 'a', sizeof(address));
	memcpy(address, "a@", 2);
	assert_true(mail_address_is_good((struct str){ address, MAIL_ADDRESS_MAX }));
	assert_false(mail_address_is_good((struct str){ address, MAIL_ADDRESS_MAX + 1 }));
}

TEST(a_mailbox_is_an_address_or_a_name_and_an_address)
{
	struct mailbox box;

	(void)state;
	assert_true(mailbox_parse(STR("a@example.org"), &box));
	assert_str(box.address, STR("a@example.org"));
	assert_true(mailbox_parse(STR("An Ant <a@example.org>"), &box));
	assert_str(box.address, STR("a@example.org"));
	assert_str(box.name, STR("An Ant"));
	assert_true(mailbox_parse(STR("\"Ant, An\" <a@example.org>"), &box));
	assert_str(box.name, STR("Ant, An"));
	assert_false(mailbox_parse(STR("An Ant <a@example.org"), &box));
	assert_false(mailbox_parse(STR("An Ant <>"), &box));
	assert_false(mailbox_parse(STR("An Ant"), &box));
	assert_false(mailbox_parse(STR("A\nB <a@example.org>"), &box));
}

TEST(a_mail_over_its_bound_is_an_error)
{
	struct rig r;
	struct mail_text m = plain();
	struct buf small;

	(void)state;
	rig_open(&r);
	buf_init(&small, &r.a, 300);
	assert_int_equal(mail_text_write(&small, &m), ERR_TOO_LARGE);
	arena_clean(&r.a);
}

TEST_MAIN(
    RUN(a_plain_mail_has_the_headers_that_a_mail_has),
    RUN(every_line_ends_as_mail_wants_and_is_short),
    RUN(what_is_not_ascii_is_encoded),
    RUN(encoded_words_never_cut_a_character),
    RUN(a_value_that_would_begin_a_header_is_refused),
    RUN(a_name_cannot_leave_its_quotes),
    RUN(addresses_that_are_none_are_refused),
    RUN(an_address_of_the_bound_passes_and_a_longer_one_does_not),
    RUN(a_mailbox_is_an_address_or_a_name_and_an_address),
    RUN(a_mail_over_its_bound_is_an_error))
