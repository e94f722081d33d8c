/*
 * key_set: the public keys of one issuer (RFC 7517, 5), ready to verify with.
 * Which of them could have signed a token is decided here: by the token's kid, and
 * then by what each key is for.
 * Bounds:   KEY_SET_MAX keys; the rest is left out and said so.
 * Lifetime: key_set_parse to key_set_clean.
 * Threads:  a parsed set is read by all; a choice is one thread's.
 */
#ifndef AUTH_KEY_SET_H
#define AUTH_KEY_SET_H

#include "auth/jws.h"

#define KEY_SET_MAX             32      /* providers publish two to six */
#define KEY_CHOICE_MAX          4       /* keys that one token is tried with: a forged one costs
                                         * no more than so many verifications */

struct key_set {
	size_t     count;
	struct jwk keys[KEY_SET_MAX];
};

/* What is told of a key that is left out: its place, its kid (may be absent), why
 * (static storage). */
typedef void key_left_out(void *context, size_t index, struct str kid, const char *why);

/* The keys of {"keys":[…]} that tokens may be signed with.  Two different keys of one kid that do the same
 * algorithm are both left out: nobody can say which is meant.  `left_out` may be NULL.
 * ERR_INVALID: no such document; *reason says so. */
NODISCARD enum err key_set_parse(struct arena *a, const struct json *document,
    struct key_set *out, key_left_out *left_out, void *context, const char **reason)
    NONNULL(1, 3, 6);
void key_set_clean(struct key_set *s) NONNULL_ALL;

/* Keys that may have signed one token, with a share of each. */
struct key_choice {
	size_t     count;
	struct jwk keys[KEY_CHOICE_MAX];
};

/* By kid, where the token has one: that key, or else those without a name; any key
 * where it has none.  OK with no keys: those that are meant do not do its algorithm.
 * ERR_NOT_FOUND: none is meant. */
NODISCARD enum err key_set_choose(const struct key_set *s, const struct jws *t,
    struct key_choice *out) NONNULL_ALL;
/* Adds a share of `k` when it fits the token and there is room. */
void key_choice_add(struct key_choice *c, const struct jws *t, const struct jwk *k) NONNULL_ALL;
void key_choice_clean(struct key_choice *c) NONNULL_ALL;

#endif
