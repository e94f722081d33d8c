#include <arpa/inet.h>
#include <stdio.h>

#include "access/address.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

static bool is_mapped(const struct address *a)
{
	return memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool address_parse(struct str text, struct address *out)
{
	char           buffer[ADDRESS_TEXT_SIZE];
	struct address parsed;

	/* A NUL inside would end the text early for inet_pton. */
	if (text.len == 0 || text.len >= sizeof(buffer) || str_index(text, '\0') < text.len)
		return false;
	memcpy(buffer, text.ptr, text.len);
	buffer[text.len] = '\0';
	memcpy(parsed.bytes, mapped_prefix, sizeof(mapped_prefix));
	if (inet_pton(AF_INET, buffer, parsed.bytes + sizeof(mapped_prefix)) != 1 &&
	    inet_pton(AF_INET6, buffer, parsed.bytes) != 1)
		return false;
	*out = parsed;
	return true;
}

struct zeros {
	size_t first, count;
};

/* The run of zero groups that "::" stands for: the longest, the first of equals,
 * never a single one (RFC 5952, 4.2). */
static struct zeros longest_zeros(const uint16_t groups[8])
{
	struct zeros best = { 8, 0 }, run = { 0, 0 };

	for (size_t i = 0; i < 8; i++) {
		if (groups[i] != 0) {
			run.count = 0;
			continue;
		}
		if (run.count == 0)
			run.first = i;
		run.count++;
		if (run.count > best.count)
			best = run;
	}
	if (best.count < 2)
		return (struct zeros){ 8, 0 };
	return best;
}

/* glibc's inet_ntop writes ::102:304 as ::1.2.3.4; RFC 5952 does not. */
static void format_groups(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
	uint16_t     groups[8];
	struct zeros zeros;
	size_t       at = 0;

	for (size_t i = 0; i < 8; i++)
		groups[i] = (uint16_t)(a->bytes[2 * i] << 8 | a->bytes[2 * i + 1]);
	zeros = longest_zeros(groups);
	for (size_t i = 0; i < 8;) {
		if (i == zeros.first) {
			at += (size_t)snprintf(out + at, ADDRESS_TEXT_SIZE - at, "::");
			i += zeros.count;
			continue;
		}
		at += (size_t)snprintf(out + at, ADDRESS_TEXT_SIZE - at, "%s%x",
		    at == 0 || out[at - 1] == ':' ? "" : ":", groups[i]);
		i++;
	}
}

/* By hand: every request has one, and snprintf takes longer than the rest of it. */
static void format_quad(const uint8_t v4[4], char *out)
{
	for (size_t i = 0; i < 4; i++) {
		if (v4[i] >= 100)
			*out++ = (char)('0' + v4[i] / 100);
		if (v4[i] >= 10)
			*out++ = (char)('0' + v4[i] / 10 % 10);
		*out++ = (char)('0' + v4[i] % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

void address_format(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
	if (is_mapped(a))
		format_quad(a->bytes + sizeof(mapped_prefix), out);
	else
		format_groups(a, out);
}

bool address_is_loopback(const struct address *a)
{
	static const struct address one = { { [15] = 1 } };     /* ::1 */

	if (is_mapped(a))
		return a->bytes[12] == 127;
	return memcmp(a->bytes, one.bytes, sizeof(one.bytes)) == 0;
}

struct str address_limit_key(struct arena *a, struct str address)
{
	struct address parsed;
	char           text[ADDRESS_TEXT_SIZE];

	if (!address_parse(address, &parsed))
		return arena_dup(a, address);
	if (is_mapped(&parsed)) {
		address_format(&parsed, text);
		return arena_dup(a, str_of(text));
	}
	memset(parsed.bytes + 8, 0, 8);
	address_format(&parsed, text);
	return arena_printf(a, "%s/64", text);
}
