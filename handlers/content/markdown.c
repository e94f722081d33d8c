#include "content/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "content/content_limits.h"
#include "content/parse_heap.h"
#include "content/plain_text.h"
#include "content/sanitize.h"

#define OPTIONS (CMARK_OPT_UNSAFE | CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_FOOTNOTES)

static const char *const extensions[] = { "table", "strikethrough", "autolink" };
#define WITHOUT_AUTOLINK (COUNT(extensions) - 1)

struct rendering {
	struct str  text;
	size_t      extensions;         /* the first so many */
	struct buf *html;
};

static pthread_once_t registered = PTHREAD_ONCE_INIT;
/* cmark_parser_finish sets and clears the extensions' characters in static
 * tables: two at once would lose each other's. */
static pthread_mutex_t parsing = PTHREAD_MUTEX_INITIALIZER;

/* cmark's allocator has no argument of its own to carry the heap. */
static _Thread_local struct parse_heap *heap_of_thread;

static void *cmark_take(size_t count, size_t size)
{
	return parse_heap_calloc(heap_of_thread, count, size);
}

static void *cmark_again(void *p, size_t size)
{
	return parse_heap_realloc(heap_of_thread, p, size);
}

static void cmark_give(void *p)
{
	parse_heap_free(heap_of_thread, p);
}

static cmark_mem memory = { cmark_take, cmark_again, cmark_give };

/* Whether some bare link would be so long that cmark's search for its end, which
 * allocates nothing and so cannot be stopped, takes minutes. */
static bool has_endless_link(struct str text)
{
	size_t start = 0;

	for (size_t i = 0; i <= text.len; i++) {
		struct str run = { text.ptr + start, i - start };

		if (i < text.len && text.ptr[i] != ' ' && text.ptr[i] != '\n')
			continue;
		if (run.len > AUTOLINK_RUN_MAX_BYTES && (str_index(run, '@') < run.len ||
		    str_contains(run, STR("www.")) || str_contains(run, STR("://"))))
			return true;
		start = i + 1;
	}
	return false;
}

/* A line at a time: cmark allocates nothing at an empty line, yet looks through
 * all that is open. */
static void feed(struct parse_heap *heap, cmark_parser *parser, struct str text)
{
	while (!str_is_empty(text)) {
		size_t end = str_index(text, '\n');
		struct str line = str_first(text, end + 1);

		cmark_parser_feed(parser, line.ptr, line.len);
		parse_heap_check(heap);
		text = str_from(text, line.len);
	}
}

/* Frees nothing: the heap goes. */
static enum err parse_and_render(struct parse_heap *heap, void *context)
{
	struct rendering *r = context;
	cmark_parser *parser;
	cmark_node *document;

	heap_of_thread = heap;
	parser = cmark_parser_new_with_mem(OPTIONS, &memory);
	for (size_t i = 0; i < COUNT(extensions) && i < r->extensions; i++)
		cmark_parser_attach_syntax_extension(parser,
		    cmark_find_syntax_extension(extensions[i]));
	feed(heap, parser, r->text);
	document = cmark_parser_finish(parser);
	buf_add(r->html, str_of(cmark_render_html_with_mem(document, OPTIONS,
	    cmark_parser_get_syntax_extensions(parser), &memory)));
	return OK;
}

enum err markdown_to_html(struct arena *a, struct str text, struct str *raw, struct str *sanitized)
{
	struct buf html;
	struct rendering r = { text, COUNT(extensions), &html };
	enum err e;

	if (text.len > MARKDOWN_MAX_BYTES)
		return ERR_TOO_LARGE;
	pthread_once(&registered, cmark_gfm_core_extensions_ensure_registered);
	buf_init(&html, a, RENDERED_MAX_BYTES);
	if (has_endless_link(text))
		r.extensions = WITHOUT_AUTOLINK;
	pthread_mutex_lock(&parsing);
	e = parse_heap_run(parse_and_render, &r);
	pthread_mutex_unlock(&parsing);
	if (e != OK)
		return e;
	if (buf_failed(&html))
		return ERR_TOO_LARGE;
	e = sanitize_html(a, buf_str(&html), sanitized);
	if (e == OK && raw != NULL)
		*raw = buf_str(&html);
	return e;
}

enum err markdown_to_text(struct arena *a, struct str text, struct str *plain)
{
	struct str html;
	enum err e = markdown_to_html(a, text, NULL, &html);

	return e == OK ? plain_text_of_html(a, html, plain) : e;
}
