/*
 * notices_stream: the notices in Redis, as entries of a stream: "kind", "id", "until".
 * Lifetime, Threads: those of its connection.
 * Blocking: as redis.h says; notices_stream_wait NOTICES_WAIT_MS longer.
 */
#ifndef AUTH_NOTICES_STREAM_H
#define AUTH_NOTICES_STREAM_H

#include "auth/notices.h"
#include "base/crypto.h"

#define NOTICES_KEY_SIZE        (sizeof(REDIS_TAG "notices:") + 32)
#define NOTICES_ID_MAX          48      /* "milliseconds-sequence" */

struct notice {
	enum notice_kind kind;
	struct str       id;            /* good until the next call */
	int64_t          until_ms;
};

struct notices_stream {
	char          key[NOTICES_KEY_SIZE];
	char          last[NOTICES_ID_MAX];     /* the entry that was read last; "": none */
};

/* The key is one for all machines with this SECRET_KEY, and no other. */
void notices_stream_init(struct notices_stream *s, const uint8_t secret[SECRET_BYTES]) NONNULL_ALL;
NODISCARD enum redis_outcome notices_stream_add(const struct notices_stream *s, struct redis *r,
    const struct notice *notice) NONNULL_ALL;
/* Whether the place where reading stopped is still there: *gap, and then the place is
 * its end of now. */
NODISCARD enum redis_outcome notices_stream_resume(struct notices_stream *s, struct redis *r,
    bool *gap) NONNULL_ALL;
/* Calls `each` for what is new, waiting for it. */
NODISCARD enum redis_outcome notices_stream_wait(struct notices_stream *s, struct redis *r,
    void (*each)(void *context, const struct notice *notice), void *context) NONNULL(1, 2, 3);

#endif
