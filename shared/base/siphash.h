/*
 * siphash: a keyed hash for tables whose keys a client chooses.
 * Without the key, which each process draws at random, nobody can make names
 * that collide (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
 * Threads: a value; safe from any.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct siphash_key {
	uint64_t k0, k1;
};

/* SipHash-1-3, the variant meant for tables. */
uint64_t siphash(const struct siphash_key *key, struct str s) NONNULL(1) PURE;

#endif
