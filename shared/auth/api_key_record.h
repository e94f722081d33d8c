/*
 * api_key_record: an API key as the store has it.
 *   key#ID / key           {account, name, digest, scopes, created_at, expires_at,
 *                           allowed_ips, rotated_at, previous, previous_expires_at,
 *                           revoked_at, public_key}; digests are SHA-256 in hexadecimal.  In the
 *                           index "keys#ACCOUNT" by its id, until it is revoked: what
 *                           stays then ends after API_KEY_REVOKED_KEPT_S
 *   key#ID / used          {at, address}: written at most once in API_KEY_USED_EVERY_MS;
 *                           an item of its own, because using a key is no change of it
 *   account#ID / keys      {}: put with every new key, so that of two at once the
 *                           second counts again
 * Lifetime: a record is the arena's it was read into.
 */
#ifndef AUTH_API_KEY_RECORD_H
#define AUTH_API_KEY_RECORD_H

#include "access/address.h"
#include "auth/account.h"
#include "auth/api_key.h"
#include "auth/auth.h"
#include "auth/signature.h"

#define API_KEYS_MAX            100     /* of an account, expired ones among them */
#define API_KEY_RANGES_MAX      50      /* in allowed_ips */
#define API_KEY_NAME_MAX        100     /* code points */
#define API_KEY_GRACE_MAX_S     2592000 /* how long a rotated secret may work on: 30 days */
#define API_KEY_EXPIRED_KEPT_S  86400   /* an expired key is shown for a day */
#define API_KEY_REVOKED_KEPT_S  2592000 /* a revoked one is told from an unknown one, in the log */
#define API_KEY_USED_EVERY_MS   60000
#define API_KEY_USED_KEPT_S     34560000        /* a last use is forgotten after 400 days */

struct api_key_record {
	struct str id, account, name;
	uint8_t    digest[SHA256_BYTES];
	uint8_t    previous[SHA256_BYTES];      /* with previous_expires_ms: of the secret before */
	struct str public_key;                  /* Ed25519, base64url (a JWK's x): signs its requests;
	                                         * absent: it signs with itself */
	scope_set  scopes;                      /* as given; what the owner may do is the ceiling */
	int64_t    created_ms;
	int64_t    expires_ms;                  /* 0: never */
	int64_t    rotated_ms;                  /* 0: never was */
	int64_t    previous_expires_ms;         /* 0: there is none */
	int64_t    revoked_ms;                  /* 0: it is not */
	struct address_range ranges[API_KEY_RANGES_MAX];
	size_t     n_ranges;                    /* 0: from anywhere */
	uint64_t   version;
};

struct str api_key_pk(struct arena *a, struct str id) NONNULL(1);

/* Revoked ones too, while they are kept. */
NODISCARD enum err api_key_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct api_key_record *out) NONNULL(1, 2, 5);
/* From an item of a query. */
NODISCARD enum err api_key_record_from(struct arena *a, const struct store_item *item,
    struct api_key_record *out) NONNULL_ALL;
/* The item to put for a record; in the index unless it is revoked. */
NODISCARD enum err api_key_item(struct arena *a, const struct api_key_record *r,
    struct store_item *out) NONNULL_ALL;
/* The query for an account's keys, by their ids. */
struct store_query api_key_query(struct arena *a, struct str account) NONNULL(1);

/* As signature_keys.find: the public key of an API key, if it has one. */
NODISCARD enum err api_key_public_key(void *context, struct store_connection *c, struct arena *a,
    struct str id, int64_t now_ms, struct signature_key *out) NONNULL(2, 3, 6);

/* Whether the address may use it; one that is not known only when any may. */
bool api_key_allows(const struct address_range *ranges, size_t n, struct str address)
    NONNULL(1);
/* "10.0.0.0/8"; an address alone without its bits. */
struct str api_key_range_text(struct arena *a, const struct address_range *r) NONNULL_ALL;

/* --- last use --- */

struct api_key_use {
	int64_t    at_ms;               /* 0: never */
	struct str address;
	uint64_t   version;
};
/* OK with at_ms 0 when it was never used. */
NODISCARD enum err api_key_use_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct api_key_use *out) NONNULL(1, 2, 5);

/* --- changing --- */

/* What deletes a key without a trace, once it is of no use: how many there are. */
size_t api_key_forget_ops(struct arena *a, struct str id, struct store_op ops[2]) NONNULL(1, 3);

#define API_KEY_REVOKE_OPS 2
/* What revokes `r` in one write: its item as of r->version without a place in the
 * index, and what is known of its use deleted.  auth_changed() afterwards. */
NODISCARD enum err api_key_revoke_ops(struct arena *a, struct api_key_record *r, int64_t now_ms,
    struct store_op ops[API_KEY_REVOKE_OPS]) NONNULL_ALL;

#endif
