/*
 * Markdown of any bytes: whatever it renders to, the sanitised HTML has no
 * element but those of the table, and neither has what comes of sanitising it
 * again, nor text taken for HTML straight away.
 */
#include <stdlib.h>

#include "content/html_elements.h"
#include "content/markdown.h"
#include "content/plain_text.h"
#include "content/sanitize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* In sanitised HTML '<' begins a tag and nothing else. */
static void check_tags(struct str html)
{
	for (size_t i = str_index(html, '<'); i < html.len;
	     i += 1 + str_index(str_from(html, i + 1), '<')) {
		struct str name = str_from(html, i + 1);
		const struct html_element *e;
		size_t end = 0;

		if (str_starts(name, STR("/")))
			name = str_from(name, 1);
		while (end < name.len && name.ptr[end] != ' ' && name.ptr[end] != '>')
			end++;
		e = html_element_find(str_first(name, end));
		require(e != NULL && (e->fate == HTML_KEPT || e->fate == HTML_KEPT_VOID));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { size == 0 ? "" : (const char *)data, size }, raw, safe, again, plain;
	struct arena a;

	arena_init(&a, 256u << 20);
	if (markdown_to_html(&a, text, &raw, &safe) == OK) {
		check_tags(safe);
		if (sanitize_html(&a, safe, &again) == OK)
			check_tags(again);
		require(plain_text_of_html(&a, safe, &plain) == OK);
	}
	if (sanitize_html(&a, text, &safe) == OK)
		check_tags(safe);
	arena_clean(&a);
	return 0;
}
