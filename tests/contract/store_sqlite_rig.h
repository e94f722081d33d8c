/*
 * store_sqlite_rig: a folder of the test's own and a store in it that the test opens
 * itself, for what is SQLite's own.
 */
#ifndef TESTS_CONTRACT_STORE_SQLITE_RIG_H
#define TESTS_CONTRACT_STORE_SQLITE_RIG_H

#include "store_rig.h"

static inline const char *path_of(const struct rig *rig)
{
	return rig->url + strlen("sqlite:");
}

/* A rig without a store: a folder, and the URL of a file that is not there. */
static inline void begin(struct rig *rig)
{
	*rig = (struct rig){ .engine = "sqlite" };
	rig_directory(rig);
	arena_init(&rig->arena, ARENA_MAX_BYTES);
	rig_sqlite(rig);
}

static inline void end(struct rig *rig)
{
	rig_remove(rig);
	arena_clean(&rig->arena);
}

#endif
