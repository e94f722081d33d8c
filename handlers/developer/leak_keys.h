/*
 * leak_keys: whose reports of leaked keys are believed.
 * LEAK_REPORT_KEYS names a file in the form in which GitHub publishes its keys:
 * {"public_keys": [{"key_identifier", "key": PEM, "is_current"}]}; every key in it
 * counts, whichever is current.
 * Lifetime: the process's.
 * Threads:  constant once started.
 */
#ifndef HANDLERS_DEVELOPER_LEAK_KEYS_H
#define HANDLERS_DEVELOPER_LEAK_KEYS_H

#include "http/app.h"

#define LEAK_KEYS_MAX           32      /* a provider publishes two or three */
#define LEAK_IDENTIFIER_MAX     128     /* bytes; a SHA-256 in hexadecimal has 64 */
#define LEAK_SIGNATURE_MAX      128     /* bytes, in base64; ECDSA's has up to 96 on P-256 */

struct leak_keys;                       /* opaque; app->state: NULL when there are none */

NODISCARD enum err leak_keys_start(struct app *app, struct arena *a, struct str *reason)
    NONNULL_ALL;
void leak_keys_stop(struct app *app) NONNULL_ALL;

/* Whether `signature` (base64 of DER) is the named key's, ECDSA on P-256 with
 * SHA-256, over `bytes`.  ERR_UNAUTHENTICATED: no such key, or it is not. */
NODISCARD enum err leak_keys_verify(const struct leak_keys *keys, struct arena *a,
    struct str identifier, struct str signature, struct str bytes) NONNULL(1, 2);

#endif
