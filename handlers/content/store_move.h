/*
 * store_move: an installation's store out of its engine into a file, and from a file
 * into another store, whole.
 *
 * Both can be stopped at any time and run again, and then go on: an export in
 * FILE.part, which becomes FILE when it is whole and the store has been read once more
 * and found the same; an import by FILE.import, which says how far it is.  An import
 * believes nothing of a file before its last line agrees with it, writes into an empty
 * store only (or goes on), and ends by comparing that store with the file.
 * Lifetime: of one command.
 * Threads:  one.
 * Blocking: as long as it takes.
 */
#ifndef CONTENT_STORE_MOVE_H
#define CONTENT_STORE_MOVE_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"
#include "content/store_sum.h"
#include "http/app.h"
#include "store/store.h"

#define STORE_KEY_HEX_SIZE (2 * SHA256_BYTES + 1)
/* What expires sooner than this after the comparison began is left out of it: an
 * engine may remove it while it is being read. */
#define STORE_COMPARE_MARGIN_MS (10 * 60 * 1000)

/* One move, and what has been said about it. */
struct store_move {
	struct store            *store;
	struct store_connection *c;
	struct arena            *arena;
	const char              *path;          /* FILE */
	struct str               url;           /* STORE */
	char                     key[STORE_KEY_HEX_SIZE];       /* names SECRET_KEY without telling it */
	FILE                    *say;           /* NULL: nobody listens */
	const char              *doing;         /* "exported" */
	uint64_t                 began_ns, told_ns, began_at, bytes;
};

/* Each gives the exit status of main(): 0, or one of sysexits.h. */
int store_export(struct store_move *m) NONNULL_ALL;
int store_import(struct store_move *m) NONNULL_ALL;

void store_move_init(struct store_move *m, const uint8_t secret_key[SECRET_BYTES]) NONNULL_ALL;
/* A line about it; returns `status`. */
int store_say(struct store_move *m, int status, const char *fmt, ...) NONNULL(1, 3) PRINTF(3, 4);
/* Begins to count `doing` at `at` items; store_tell says every few seconds how it goes. */
void store_tell_begin(struct store_move *m, const char *doing, uint64_t at) NONNULL_ALL;
void store_tell(void *move, uint64_t items) NONNULL_ALL;
/* FILE with `suffix` behind it, from the arena. */
const char *store_path(struct store_move *m, const char *suffix) NONNULL_ALL;
/* On the disk, name and all. */
NODISCARD enum err store_rename(struct store_move *m, const char *from, const char *to) NONNULL_ALL;

/* content --export-store FILE, --import-store FILE */
int content_export_store(struct app *app, struct worker *worker);
int content_import_store(struct app *app, struct worker *worker);

#endif
