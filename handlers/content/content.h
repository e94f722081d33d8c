/*
 * content: the handler's table, for main() and for the tests.
 */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "content/endpoints.h"
#include "http/app.h"

extern const struct handler content_handler;

#endif
