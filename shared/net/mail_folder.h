/*
 * mail_folder: mails as files, one .eml each, readable by their owner alone.
 * MAIL_KEPT_MAX of them: the oldest goes.
 * Threads: safe from any, and from any process.
 */
#ifndef NET_MAIL_FOLDER_H
#define NET_MAIL_FOLDER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* Writes `bytes` to a new file in `directory`, which is made (0700) when it is not
 * there; whoever lists it never sees half a mail.  *path is the arena's. */
NODISCARD enum err mail_folder_keep(struct arena *a, struct str directory, struct str bytes,
    size_t kept_max, struct str *path) NONNULL_ALL;

#endif
