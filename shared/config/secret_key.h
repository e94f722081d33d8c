/*
 * secret_key: where SECRET_KEY comes from, and whether it is one.
 * For config.c only: it runs before any thread.
 */
#ifndef CONFIG_SECRET_KEY_H
#define CONFIG_SECRET_KEY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"

#define SECRET_KEY_RECIPE "set it to the output of: head -c 32 /dev/urandom | base64"

/* The key out of the setting's text; anything wrong is a line in `problems`,
 * which never says what came. */
void secret_key_given(struct arena *a, struct str text, uint8_t out[SECRET_BYTES],
    struct buf *problems) NONNULL(1, 3, 4);
/* The key of STATE_DIR/secret.key, which is made first when there is none.
 * Processes that start together all end up with the same one. */
void secret_key_kept(struct arena *a, struct str state_dir, uint8_t out[SECRET_BYTES],
    struct buf *problems) NONNULL(1, 3, 4);

#endif
