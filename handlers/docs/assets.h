/*
 * assets: the viewers' files, mapped once and lent to every reply.
 * Which files there are is a table: no path of a client reaches the disk.
 */
#ifndef DOCS_ASSETS_H
#define DOCS_ASSETS_H

#include "docs/state.h"

/* A file that is not there is no error: its address answers 404. */
enum err assets_open(struct docs_state *s) NONNULL_ALL;
void assets_close(struct docs_state *s) NONNULL_ALL;

endpoint docs_asset;

#endif
