/*
 * known_network: networks from which the owner of an address has shown who they are.
 *   known#HASH / networks   {networks: [[HASH, known_at], …]}
 * Guesses at one account from many networks share one limit, which whoever guesses can
 * use up; a network that is known has a limit of its own, so that the owner gets in.
 * Address and network are kept as keyed hashes.  An account has KNOWN_NETWORKS_MAX of
 * them, the newest, each for KNOWN_NETWORK_MS; nobody adds one without the password, or a
 * mailed code.
 * Threads:  safe from any, a connection each.
 * Blocking: on the store.
 */
#ifndef AUTH_KNOWN_NETWORK_H
#define AUTH_KNOWN_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

#define KNOWN_NETWORKS_MAX      16
#define KNOWN_NETWORK_MS        (INT64_C(180) * 86400 * 1000)   /* two of the longest sessions */
#define KNOWN_NETWORK_AGAIN_MS  (INT64_C(86400) * 1000)         /* written once a day at most */

/* `network`: as limits are kept by.  False when it cannot be told, too. */
bool known_network_is(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str network, int64_t now_ms) NONNULL(1, 2, 3);
/* True: it is new to an account that has others.  One that cannot be written is a line
 * in the log. */
bool known_network_add(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str network, int64_t now_ms) NONNULL(1, 2, 3);

/* Where an address has its networks in the store. */
struct str known_network_pk(const struct auth *auth, struct arena *a, struct str email)
    NONNULL(1, 2);

#endif
