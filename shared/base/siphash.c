#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

/* The last, partial word: what is left, and the length in its top byte. */
static uint64_t last_word(struct str rest, size_t length)
{
	uint64_t word = (uint64_t)length << 56;

	for (size_t i = 0; i < rest.len; i++)
		word |= (uint64_t)(unsigned char)rest.ptr[i] << (8 * i);
	return word;
}

uint64_t siphash(const struct siphash_key *key, struct str s)
{
	struct state state = {
		key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
		key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u,
	};
	size_t length = s.len;

	for (; s.len >= sizeof(uint64_t); s = str_from(s, sizeof(uint64_t))) {
		uint64_t word;
		memcpy(&word, s.ptr, sizeof(word));
		absorb(&state, le64toh(word));
	}
	absorb(&state, last_word(s, length));
	state.v2 ^= 0xFF;
	for (int i = 0; i < 3; i++)
		mix(&state);
	return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
