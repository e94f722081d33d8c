/*
 * cursor: where a list goes on, opaque and signed.
 * base64url(position || first 16 bytes of HMAC-SHA256 over context and
 * position): a client can neither read a position into a range it may not see
 * nor carry a cursor over to another list.
 * Threads: values and pure functions.
 */
#ifndef HTTP_CURSOR_H
#define HTTP_CURSOR_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"

/* `context` says which list: route and filters. */
struct str cursor_make(struct arena *a, const uint8_t key[SECRET_BYTES], struct str context,
    struct str position) NONNULL(1, 2);
/* ERR_INVALID: not one of ours, of another list, or changed. */
NODISCARD enum err cursor_open(struct arena *a, const uint8_t key[SECRET_BYTES],
    struct str context, struct str cursor, struct str *position) NONNULL(1, 2, 5);

#endif
