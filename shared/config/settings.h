/*
 * settings: the table that config.c reads by and help.c prints.
 * Threads: constant.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

enum setting_type {
	SETTING_NONE,           /* the zero of a forgotten column: a test refuses it */
	SETTING_TEXT,           /* struct str */
	SETTING_NUMBER,         /* uint32_t, min to max */
	SETTING_SHARE,          /* double, 0 to 1 */
	SETTING_SWITCH,         /* bool */
	SETTING_CHOICE,         /* an enum: the index in choices */
	SETTING_KEY             /* SECRET_KEY alone */
};

/* What is wrong with a well-formed text and what would do; NULL: nothing. */
typedef const char *setting_check(struct str value);

struct setting {
	const char        *name;
	enum setting_type  type;
	size_t             offset;
	const char        *otherwise;   /* the default, as one would write it; "" is none */
	const char        *otherwise_says;      /* what none means, for people */
	uint32_t           min, max;
	const char *const *choices;     /* ended by NULL */
	setting_check     *check;
	bool               secret;
	const char        *help;
};

/* Row `i`; NULL past the end. */
const struct setting *settings_row(size_t i);
/* "a, b, c" of a choice's row. */
void settings_list_choices(struct buf *out, const struct setting *row) NONNULL_ALL;

#endif
