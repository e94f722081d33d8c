#include "net/mail_text.h"

#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/time.h"

#define BOUNDARY_BYTES  16
#define BOUNDARY_SIZE   (2 * BOUNDARY_BYTES + 1)
#define WORD_BYTES      39      /* of text in one encoded word, which has 75 characters at most */
#define LITERAL_MAX     60      /* longer values are encoded, which folds them */
#define LINE_MAX_CHARS  76      /* of quoted-printable */

/* --- addresses ---------------------------------------------------------------------- */

bool mail_address_is_good(struct str address)
{
	size_t at = str_index(address, '@');
	struct str domain = str_from(address, at + 1);

	for (size_t i = 0; i < address.len; i++) {
		char c = address.ptr[i];
		if (c <= ' ' || c > '~' || strchr("<>()[]\\,;:\"", c) != NULL)
			return false;
	}
	return at > 0 && domain.len > 0 && str_index(domain, '@') == domain.len &&
	    address.len <= MAIL_ADDRESS_MAX;
}

static struct str unquoted(struct str name)
{
	if (name.len < 2 || name.ptr[0] != '"' || name.ptr[name.len - 1] != '"')
		return name;
	return str_from(str_first(name, name.len - 1), 1);
}

bool mailbox_parse(struct str text, struct mailbox *out)
{
	size_t open = str_index(text, '<');

	*out = (struct mailbox){ .address = text };
	if (open < text.len) {
		if (!str_ends(text, STR(">")))
			return false;
		out->name = unquoted(str_trim(str_first(text, open)));
		out->address = str_from(str_first(text, text.len - 1), open + 1);
	}
	return mail_address_is_good(out->address) && !str_has_control(out->name) &&
	    str_is_utf8(out->name);
}

/* --- headers ------------------------------------------------------------------------ */

/* Whether a header may hold it as it stands; between quotes only without those. */
static bool is_literal(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '\\')
			return false;
	return s.len <= LITERAL_MAX && !str_contains(s, STR("=?"));
}

/* As many whole characters of `s` as fit one encoded word. */
static struct str word_of(struct str s)
{
	size_t n = 0, step;

	while (n < s.len && str_utf8_step(str_from(s, n), &step) && n + step <= WORD_BYTES)
		n += step;
	return str_first(s, n);
}

/* RFC 2047, "B": words of which each is on a line of its own. */
static void add_encoded(struct buf *out, struct str s)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	while (s.len > 0) {
		struct str word = word_of(s);
		s = str_from(s, word.len);
		BUF_LIT(out, "=?UTF-8?B?");
		buf_add(out, crypto_base64(&a, word));
		BUF_LIT(out, "?=");
		if (s.len > 0)
			BUF_LIT(out, "\r\n ");
	}
	arena_clean(&a);
}

static void add_mailbox(struct buf *out, const char *header, const struct mailbox *box)
{
	buf_printf(out, "%s: ", header);
	if (box->name.len > 0) {
		if (is_literal(box->name))
			buf_printf(out, "\"%.*s\"", STR_ARG(box->name));
		else
			add_encoded(out, box->name);
		BUF_LIT(out, "\r\n ");
	}
	buf_printf(out, "<%.*s>\r\n", STR_ARG(box->address));
}

static void add_date(struct buf *out, int64_t ms)
{
	char date[TIME_HTTP_SIZE];

	time_to_http(ms, date);
	/* "GMT" is the obsolete form of the zone here (RFC 5322, 4.3). */
	buf_printf(out, "Date: %.*s+0000\r\n", (int)strlen(date) - (int)strlen("GMT"), date);
}

static void add_headers(struct buf *out, const struct mail_text *m, const char *boundary)
{
	char id[ID_UUID_SIZE];
	struct str domain = str_from(m->from.address, str_index(m->from.address, '@') + 1);

	id_uuid7(m->now_ms, id);
	add_mailbox(out, "From", &m->from);
	add_mailbox(out, "To", &m->to);
	BUF_LIT(out, "Subject: ");
	if (is_literal(m->subject))
		buf_add(out, m->subject);
	else
		add_encoded(out, m->subject);
	BUF_LIT(out, "\r\n");
	add_date(out, m->now_ms);
	buf_printf(out, "Message-ID: <%s@%.*s>\r\n", id, STR_ARG(domain));
	/* No holiday notes in answer (RFC 3834). */
	BUF_LIT(out, "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n");
	buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n", boundary);
}

/* --- bodies ------------------------------------------------------------------------- */

/* One line of quoted-printable (RFC 2045, 6.7) with soft breaks. */
static void add_quoted_line(struct buf *out, struct str line)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		bool last = i + 1 == line.len;
		bool plain = (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last);
		size_t width = plain ? 1 : 3;

		/* One is left for the "=" of a soft break. */
		if (column + width > LINE_MAX_CHARS - 1) {
			BUF_LIT(out, "=\r\n");
			column = 0;
		}
		column += width;
		if (plain) {
			buf_char(out, (char)c);
			continue;
		}
		buf_char(out, '=');
		buf_char(out, digits[c >> 4]);
		buf_char(out, digits[c & 15]);
	}
	BUF_LIT(out, "\r\n");
}

static void add_part(struct buf *out, const char *boundary, const char *type, struct str text)
{
	buf_printf(out, "--%s\r\nContent-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n", boundary, type);
	while (text.len > 0) {
		struct str line = str_first(text, str_index(text, '\n'));
		text = str_from(text, line.len + 1);
		if (str_ends(line, STR("\r")))
			line.len--;
		add_quoted_line(out, line);
	}
}

static bool is_good(const struct mail_text *m)
{
	const struct str lines[] = { m->from.name, m->to.name, m->subject };

	for (size_t i = 0; i < COUNT(lines); i++)
		if (str_has_control(lines[i]) || !str_is_utf8(lines[i]) || lines[i].len > MAIL_VALUE_MAX)
			return false;
	return mail_address_is_good(m->from.address) && mail_address_is_good(m->to.address) &&
	    str_is_utf8(m->text) && str_is_utf8(m->html);
}

enum err mail_text_write(struct buf *out, const struct mail_text *m)
{
	uint8_t random[BOUNDARY_BYTES];
	char boundary[BOUNDARY_SIZE];

	if (!is_good(m))
		return ERR_INVALID;
	/* Nobody can write a part's end into a text. */
	id_random(random, sizeof(random));
	crypto_hex(random, sizeof(random), boundary);
	add_headers(out, m, boundary);
	add_part(out, boundary, "text/plain", m->text);
	add_part(out, boundary, "text/html", m->html);
	buf_printf(out, "--%s--\r\n", boundary);
	return buf_failed(out) ? ERR_TOO_LARGE : OK;
}
