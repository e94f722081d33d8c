/*
 * xml: text into XML 1.0.
 * Threads: pure functions.
 */
#ifndef CONTENT_XML_H
#define CONTENT_XML_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* Character data or an attribute's value: markup escaped; what is no character
 * of XML 1.0 (2.2: most control bytes, U+FFFE, U+FFFF) and what is no UTF-8 is
 * left out. */
void xml_text(struct buf *out, struct str text) NONNULL(1);
/* <name>text</name>; nothing when the text is absent. */
void xml_element(struct buf *out, const char *name, struct str text) NONNULL(1, 2);

#endif
