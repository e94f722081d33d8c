/*
 * aws_sign: AWS Signature Version 4 of a POST to "/" without a query, as the JSON
 * services take it; for aws_client.c and its tests.
 * Why not libcurl's (CURLOPT_AWS_SIGV4): it takes 54 µs of a call that without takes 31,
 * derives the day's key anew each time and looks its algorithms up for each of some
 * fifteen digests, where this takes 4; and it signs with this machine's clock alone.
 * Threads: a signer is one thread's.
 */
#ifndef NET_AWS_SIGN_H
#define NET_AWS_SIGN_H

#include "base/buf.h"
#include "base/crypto.h"
#include "net/aws_credentials.h"

#define AWS_JSON            "application/x-amz-json-1.0"
#define AWS_DATE_SIZE       17          /* "20260102T030405Z" and a NUL */

/* The key of a day, which stays until the day or the keys change. */
struct aws_signer {
	struct str service, region;     /* constant; the caller's */
	char       day[9];
	uint64_t   generation;          /* of the keys it is made from; 0: none yet */
	uint8_t    key[SHA256_BYTES];
};

struct aws_request {
	struct str host;                /* as the header has it */
	struct str target;              /* X-Amz-Target */
	struct str body;
	int64_t    now_ms;              /* the service's time, as far as we know it */
};

/* Writes the time for X-Amz-Date, and the value of Authorization behind what is in `out`. */
void aws_sign(struct aws_signer *s, const struct aws_keys *keys, const struct aws_request *r,
    char date[AWS_DATE_SIZE], struct buf *out) NONNULL_ALL;
void aws_signer_wipe(struct aws_signer *s) NONNULL_ALL;

#endif
