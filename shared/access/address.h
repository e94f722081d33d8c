/*
 * address: network addresses, ranges, and which address is the client's.
 * Threads: values and pure functions.
 */
#ifndef ACCESS_ADDRESS_H
#define ACCESS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

#define ADDRESS_TEXT_SIZE 46            /* the longest canonical form and a NUL */

/* IPv4 is kept as ::ffff:a.b.c.d, so that one comparison serves both. */
struct address {
	uint8_t bytes[16];
};

struct address_range {
	struct address network;
	uint8_t        bits;            /* 0 to 128, of the IPv6 form */
};

struct address_ranges {
	struct address_range list[TRUSTED_PROXIES_MAX];
	size_t               count;
	bool                 unix_peer; /* "unix" stands in the list: a peer without an address is trusted */
};

/* Dotted quad without leading zeros, or RFC 4291 text; brackets, zone and port are
 * not part of it. */
NODISCARD bool address_parse(struct str text, struct address *out) NONNULL(2);
/* Canonical text (RFC 5952; IPv4-mapped as dotted quad). */
void address_format(const struct address *a, char out[ADDRESS_TEXT_SIZE]) NONNULL_ALL;
bool address_is_loopback(const struct address *a) NONNULL_ALL;
/* What a limit is kept by: an IPv4 address, an IPv6 /64 (one customer's network). */
struct str address_limit_key(struct arena *a, struct str address) NONNULL(1);

/* "10.0.0.0/8", "2001:db8::/32", or an address alone.  Host bits must be 0. */
NODISCARD bool address_range_parse(struct str text, struct address_range *out) NONNULL(2);
bool address_in_range(const struct address *a, const struct address_range *r) NONNULL_ALL;
/* A list separated by commas or spaces.  *bad is the entry, for
 * ERR_INVALID: that is no range; ERR_TOO_LARGE: that is over TRUSTED_PROXIES_MAX.
 * "unix" sets unix_peer. */
NODISCARD enum err address_ranges_parse(struct str list, struct address_ranges *out,
    struct str *bad) NONNULL(2, 3);

struct address_headers {
	struct str x_forwarded_for;     /* all values joined by ", "; absent: none */
	struct str forwarded;           /* RFC 7239 */
	struct str x_real_ip;
};

/*
 * The client's address: `peer`, unless the peer is trusted; then the first
 * address from the right, in Forwarded or else X-Forwarded-For or else
 * X-Real-IP, that is not a trusted proxy.  What cannot be parsed ends the walk:
 * the last trusted hop then counts, never a client's invention.
 * `peer` may be empty (a unix socket).  Result: canonical text in `a`, "" when
 * unknown.
 * When both Forwarded and X-Forwarded-For are there and do not lead to the same
 * address, a client wrote one of them: then `peer` counts.  At most
 * FORWARDED_HOPS_MAX hops are walked.
 */
struct str address_of_client(struct arena *a, struct str peer,
    const struct address_ranges *trusted, const struct address_headers *headers)
    NONNULL(1, 3, 4);
/* Whether `peer` is one whose forwarding headers count. */
bool address_peer_is_trusted(struct str peer, const struct address_ranges *trusted) NONNULL(2);
/* Whether the request began on this machine: from loopback, through no proxy at
 * all.  What grants something to loopback asks this and not the client's address,
 * which is a local proxy's own when a client sends headers that end the walk. */
bool address_is_this_machine(struct str peer, const struct address_headers *headers) NONNULL(2);

#endif
