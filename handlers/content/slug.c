#include "content/slug.h"

#include "base/buf.h"
#include "content/content_limits.h"

/* U+00C0 to U+00FF (Latin-1), as ASCII; NULL: no letter. */
static const char *const latin1[] = {
	"a", "a", "a", "a", "ae", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "oe", NULL, "o", "u", "u", "u", "ue", "y", "th", "ss",
	"a", "a", "a", "a", "ae", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "oe", NULL, "o", "u", "u", "u", "ue", "y", "th", "y",
};

static bool is_slug_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What the bytes at the front become, and how many they are. */
static size_t fold(struct str s, char one[2], const char **as)
{
	unsigned char c = (unsigned char)s.ptr[0];

	one[0] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : (char)c;
	one[1] = '\0';
	*as = is_slug_char(one[0]) ? one : NULL;
	if (c != 0xC3 || s.len < 2 || ((unsigned char)s.ptr[1] & 0xC0) != 0x80)
		return 1;
	*as = latin1[(unsigned char)s.ptr[1] & 0x3F];
	return 2;
}

struct str slug_from(struct arena *a, struct str text)
{
	struct buf out;
	bool gap = false;
	size_t n;

	buf_init(&out, a, 2 * SLUG_MAX_BYTES);
	for (size_t i = 0; i < text.len && out.len < SLUG_MAX_BYTES; i += n) {
		char one[2];
		const char *as;

		n = fold(str_from(text, i), one, &as);
		/* An apostrophe joins what it stands between: "rust's" is one word. */
		gap = gap || (as == NULL && text.ptr[i] != '\'');
		if (as == NULL)
			continue;
		if (gap && out.len > 0)
			buf_char(&out, '-');
		gap = false;
		buf_add(&out, str_of(as));
	}
	while (out.len > SLUG_MAX_BYTES || (out.len > 0 && out.ptr[out.len - 1] == '-'))
		buf_truncate(&out, out.len - 1);
	return buf_str(&out);
}

bool slug_is_valid(struct str s)
{
	bool after_dash = true;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_slug_char(s.ptr[i]) && (s.ptr[i] != '-' || after_dash))
			return false;
		after_dash = s.ptr[i] == '-';
	}
	return s.len > 0 && s.len <= SLUG_MAX_BYTES && !after_dash;
}
