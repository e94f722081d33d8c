/*
 * config_rig: a configuration from a few variables of the test's own, with a STATE_DIR
 * of its own.
 */
#ifndef TESTS_UNIT_CONFIG_RIG_H
#define TESTS_UNIT_CONFIG_RIG_H

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "test.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define VARIABLES_MAX 8

struct variable {
	const char *name, *value;
};

struct fixture {
	char            directory[32], state_dir[40];
	struct variable set[VARIABLES_MAX];
	struct config   config;
	struct buf      problems;
	enum err        result;
};

static inline const char *from_fixture(void *context, const char *name)
{
	const struct fixture *f = context;
	for (size_t i = 0; i < VARIABLES_MAX; i++)
		if (f->set[i].name != NULL && strcmp(f->set[i].name, name) == 0)
			return f->set[i].value;
	return strcmp(name, "STATE_DIR") == 0 ? f->state_dir : NULL;
}

static inline void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->directory, sizeof(f->directory), "/tmp/quiver-config-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->state_dir, sizeof(f->state_dir), "%s/state", f->directory);
	buf_init(&f->problems, NULL, 1 << 16);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline void end(struct fixture *f)
{
	buf_clean(&f->problems);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void load(struct fixture *f)
{
	buf_reset(&f->problems);
	f->result = config_load(&f->config, from_fixture, f, &f->problems);
}

/* With one setting given: loads, and cleans up again. */
static inline void load_with(struct fixture *f, const char *name, const char *value)
{
	f->set[0] = (struct variable){ name, value };
	load(f);
	config_clean(&f->config);
}

#endif
