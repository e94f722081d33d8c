/*
 * key: an API key between the store and a client.
 * Lifetime: one request.
 */
#ifndef HANDLERS_DEVELOPER_KEY_H
#define HANDLERS_DEVELOPER_KEY_H

#include "auth/api_key_record.h"
#include "http/app.h"
#include "http/request.h"
#include "http/response.h"

#define KEY_WRITE_TRIES 8       /* others may write the same meanwhile; each time one gets on */

/* The caller's own key that the path names.  ERR_NOT_FOUND: there is none, or it is
 * another's, or revoked. */
NODISCARD enum err key_of_path(const struct request *req, struct response *res,
    struct api_key_record *out) NONNULL_ALL;

/* A key's members; `use` may be NULL for one that was never used. */
void key_put_members(const struct request *req, struct json_writer *w,
    const struct api_key_record *r, const struct api_key_use *use) NONNULL(1, 2, 3);
/* The reply with the key as it will be once written, and its `secret` where one is
 * shown (absent: none). */
void key_show(const struct request *req, struct response *res, const struct api_key_record *r,
    const struct api_key_use *use, struct str secret) NONNULL(1, 2, 3);

/* Takes what the body says over into `r`.  ERR_INVALID: the errors say why. */
NODISCARD enum err key_apply(const struct request *req, struct response *res,
    struct api_key_record *r) NONNULL_ALL;
/* Whether the caller may make, change or have the secret of such a key: one that
 * acts with less than all of its account's rights (an API key, a token of few
 * scopes) makes nothing that may do more, from more places, or for longer than
 * itself.  ERR_FORBIDDEN. */
NODISCARD enum err key_check_within(const struct request *req, struct response *res,
    const struct api_key_record *r) NONNULL_ALL;

#endif
