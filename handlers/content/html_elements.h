/*
 * html_elements: which HTML a body may have; the one list that the sanitiser
 * goes by.
 * Lifetime: static.
 * Threads:  safe from any.
 */
#ifndef CONTENT_HTML_ELEMENTS_H
#define CONTENT_HTML_ELEMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

/* What becomes of an element; one that the table does not have loses its tags
 * and keeps its contents. */
enum html_fate {
	HTML_REFUSED = 0,       /* goes with all that it contains */
	HTML_REFUSED_TEXT,      /* the same, and what it contains is no markup to a parser */
	HTML_KEPT,
	HTML_KEPT_VOID,         /* has no contents and no end tag */
};

/* What an element is to the others: which of them end it by starting. */
enum html_group {
	HTML_INLINE  = 0,
	HTML_BLOCK   = 1 << 0,
	HTML_P       = 1 << 1,
	HTML_ITEM    = 1 << 2,
	HTML_LIST    = 1 << 3,
	HTML_CELL    = 1 << 4,
	HTML_ROW     = 1 << 5,
	HTML_SECTION = 1 << 6,  /* of a table */
	HTML_TABLE   = 1 << 7,
	HTML_ANCHOR  = 1 << 8,
};

/* What the value of an attribute must be, else the attribute goes. */
enum html_value {
	HTML_VALUE_NONE = 0,    /* ends an element's attributes */
	HTML_VALUE_TEXT,
	HTML_VALUE_NUMBER,      /* digits, and '%' or '.' */
	HTML_VALUE_ALIGN,       /* left, right, center, justify */
	HTML_VALUE_FLAG,        /* there or not */
	HTML_VALUE_LINK,        /* http, https, mailto or relative */
	HTML_VALUE_IMAGE,       /* http, https or relative */
	HTML_VALUE_LANGUAGE,    /* class="language-…" */
};

struct html_attribute {
	const char     *name;
	enum html_value value;
};

#define HTML_ATTRIBUTES_MAX 6

struct html_element {
	const char           *name;
	enum html_fate        fate;
	uint16_t              group;        /* of enum html_group */
	struct html_attribute attributes[HTML_ATTRIBUTES_MAX];
};

/* The row for a name in any case; NULL when it has none. */
const struct html_element *html_element_find(struct str name);
/* All rows, ordered by name. */
const struct html_element *html_elements(size_t *count) NONNULL_ALL;

#endif
