/*
 * account: an account as the store has it.
 *   account#ID / account   {email, name, plan, tenant, roles, password, totp,
 *                           disabled, epoch, created_at}; listed in the index "accounts"
 *   email#LOWER / email    {account}: one account an address
 *   role#owner / ID        {}: who has the highest role
 * Lifetime: a record is the arena's it was read into.
 */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "auth/identity.h"

#define ACCOUNT_EMAIL_MAX_BYTES 254     /* RFC 5321, 4.5.3.1.3, less the brackets */
#define ACCOUNT_BODY_MAX_BYTES  16384

struct account_record {
	struct account account;
	struct str     password;        /* PHC string; absent: none was set */
	bool           disabled;
	int64_t        epoch;           /* sessions of an earlier one are over */
};

/* The address as it is compared: lower case. */
struct str account_email_key(struct arena *a, struct str email) NONNULL(1);
struct str account_pk(struct arena *a, struct str id) NONNULL(1);

NODISCARD enum err account_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct account_record *out) NONNULL(1, 2, 5);
/* ERR_NOT_FOUND: nobody has that address. */
NODISCARD enum err account_by_email(struct store_connection *c, struct arena *a,
    struct str email, int64_t now_ms, struct account_record *out) NONNULL(1, 2, 5);

/* The item to put for a record. */
NODISCARD enum err account_item(struct arena *a, const struct account_record *r,
    struct store_item *out) NONNULL_ALL;

/* What makes the account of `r` and gives it its address; one that is taken fails the
 * second with ERR_EXISTS. */
#define ACCOUNT_NEW_OPS 2
NODISCARD enum err account_new_ops(struct arena *a, const struct account_record *r,
    struct store_op ops[ACCOUNT_NEW_OPS]) NONNULL_ALL;
/* Makes the first owner.  ERR_EXISTS: the address is taken, or another process
 * makes one at this moment. */
NODISCARD enum err account_create_owner(struct store_connection *c, struct arena *a,
    const struct account_record *r, int64_t now_ms) NONNULL_ALL;
/* The address of an owner.  ERR_NOT_FOUND: there is none. */
NODISCARD enum err account_owner_email(struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *email) NONNULL_ALL;

#endif
