#include "base/id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/crypto.h"

#define UUID_BYTES      16
#define COUNTER_MAX     0xFFF   /* rand_a, 12 bits */
#define MS_MAX          ((int64_t)0xFFFFFFFFFFFF)       /* unix_ts_ms, 48 bits */

void id_random(void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* There is nothing that could stand in for it. */
			perror("getrandom");
			abort();
		}
		at += n;
		len -= (size_t)n;
	}
}

/* Identifiers are no secrets: their bits may wait in memory, and a system call
 * for each would cost more than all the rest. */
static void pooled_random(uint8_t *out, size_t len)
{
	static _Thread_local uint8_t pool[512];
	static _Thread_local size_t  left;

	if (left < len) {
		id_random(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
}

/* RFC 9562, 6.2, method 1: within a millisecond rand_a counts up from a random
 * start, whose top bit is 0 to leave it room; when it has run out, and when the
 * clock stepped back, the time in the identifier goes on by itself. */
static unsigned next_counter(int64_t *ms)
{
	static _Thread_local int64_t  last_ms = -1;
	static _Thread_local unsigned counter;
	uint8_t                       start[2];

	if (*ms <= last_ms && counter < COUNTER_MAX) {
		*ms = last_ms;
		return ++counter;
	}
	pooled_random(start, sizeof(start));
	counter = (start[0] << 8 | start[1]) & (COUNTER_MAX >> 1);
	if (*ms <= last_ms)
		*ms = last_ms + 1;
	last_ms = *ms;
	return counter;
}

static void write_uuid(const uint8_t bytes[UUID_BYTES], char out[ID_UUID_SIZE])
{
	static const uint8_t groups[] = { 4, 2, 2, 2, 6 };      /* bytes of each */

	for (size_t i = 0; i < COUNT(groups); i++) {
		crypto_hex(bytes, groups[i], out);
		bytes += groups[i];
		out += 2 * groups[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

void id_uuid7(int64_t ms, char out[ID_UUID_SIZE])
{
	uint8_t  bytes[UUID_BYTES];
	unsigned counter;

	ms = ms < 0 ? 0 : ms > MS_MAX ? MS_MAX : ms;
	counter = next_counter(&ms);
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	bytes[6] = (uint8_t)(0x70 | counter >> 8);              /* version 7 */
	bytes[7] = (uint8_t)counter;
	pooled_random(bytes + 8, UUID_BYTES - 8);
	bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F));         /* variant 10 */
	write_uuid(bytes, out);
}

static bool is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool id_is_uuid(struct str s)
{
	if (s.len != ID_UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? s.ptr[i] != '-' : !is_lower_hex(s.ptr[i]))
			return false;
	}
	return true;
}
