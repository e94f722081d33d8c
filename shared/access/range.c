#include "access/address.h"

#define IPV4_OFFSET_BITS 96             /* where an IPv4 address begins in its IPv6 form */
#define ADDRESS_BITS     128

/* The bit `n`, from the most significant. */
static bool bit_at(const struct address *a, unsigned n)
{
	return (a->bytes[n / 8] >> (7 - n % 8) & 1) != 0;
}

static bool host_bits_are_zero(const struct address_range *r)
{
	for (unsigned n = r->bits; n < ADDRESS_BITS; n++)
		if (bit_at(&r->network, n))
			return false;
	return true;
}

/* One to three digits, none of them a leading zero. */
static bool parse_bits(struct str text, uint64_t most, uint64_t *out)
{
	if (text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	return str_to_u64(text, out) && *out <= most;
}

bool address_range_parse(struct str text, struct address_range *out)
{
	struct address_range parsed = { .bits = ADDRESS_BITS };
	size_t   slash = str_index(text, '/');
	bool     dotted = str_index(text, ':') == text.len;
	uint64_t offset = dotted ? IPV4_OFFSET_BITS : 0, bits;

	if (!address_parse(str_first(text, slash), &parsed.network))
		return false;
	if (slash < text.len) {
		if (!parse_bits(str_from(text, slash + 1), ADDRESS_BITS - offset, &bits))
			return false;
		parsed.bits = (uint8_t)(offset + bits);
	}
	if (!host_bits_are_zero(&parsed))
		return false;
	*out = parsed;
	return true;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

bool address_in_range(const struct address *a, const struct address_range *r)
{
	static const struct address mapped = { { [10] = 0xFF, [11] = 0xFF } };

	/* "::/0" means every IPv6 address; that IPv4 is kept inside IPv6 is our
	 * own affair and must not make a trusted proxy of it. */
	if (r->bits < IPV4_OFFSET_BITS && same_bits(a, &mapped, IPV4_OFFSET_BITS))
		return false;
	return same_bits(a, &r->network, r->bits);
}

/* Takes the next entry off the front of *list; empty at the end. */
static struct str next_entry(struct str *list)
{
	size_t n = 0;

	while (list->len > 0 && (list->ptr[0] == ',' || list->ptr[0] == ' '))
		*list = str_from(*list, 1);
	while (n < list->len && list->ptr[n] != ',' && list->ptr[n] != ' ')
		n++;
	struct str entry = str_first(*list, n);
	*list = str_from(*list, n);
	return entry;
}

enum err address_ranges_parse(struct str list, struct address_ranges *out, struct str *bad)
{
	out->count = 0;
	out->unix_peer = false;
	for (struct str entry = next_entry(&list); entry.len > 0; entry = next_entry(&list)) {
		*bad = entry;
		if (str_eq(entry, STR("unix"))) {
			out->unix_peer = true;
			continue;
		}
		if (out->count == COUNT(out->list))
			return ERR_TOO_LARGE;
		if (!address_range_parse(entry, &out->list[out->count]))
			return ERR_INVALID;
		out->count++;
	}
	*bad = STR_NONE;
	return OK;
}
