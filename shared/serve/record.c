#include "serve/record.h"

#include <stdio.h>
#include <string.h>

#define OPENING_BYTES (FCGI_HEADER_LEN + sizeof(FCGI_BeginRequestBody))

static const unsigned char *bytes_at(struct str s, size_t at)
{
	return (const unsigned char *)s.ptr + at;
}

struct record_header record_header_read(const unsigned char *bytes)
{
	return (struct record_header){
		.type = bytes[1],
		.id = (uint16_t)(bytes[2] << 8 | bytes[3]),
		.length = (uint16_t)(bytes[4] << 8 | bytes[5]),
		.padding = bytes[6],
	};
}

void record_header_write(struct record_header h, unsigned char out[FCGI_HEADER_LEN])
{
	out[0] = FCGI_VERSION_1;
	out[1] = h.type;
	out[2] = (unsigned char)(h.id >> 8);
	out[3] = (unsigned char)h.id;
	out[4] = (unsigned char)(h.length >> 8);
	out[5] = (unsigned char)h.length;
	out[6] = h.padding;
	out[7] = 0;
}

/* Where the request that begins at 0 ends: behind the empty record of its input;
 * 0 when that has not come yet. */
static size_t request_end(struct str bytes, uint16_t id)
{
	size_t at = 0;

	while (bytes.len - at >= FCGI_HEADER_LEN) {
		struct record_header h = record_header_read(bytes_at(bytes, at));
		size_t size = FCGI_HEADER_LEN + (size_t)h.length + h.padding;
		if (bytes.len - at < size)
			return 0;
		at += size;
		if (h.type == FCGI_STDIN && h.id == id && h.length == 0)
			return at;
	}
	return 0;
}

static enum opening_kind kind_of(struct str bytes, const struct record_header *h)
{
	if (h->id == FCGI_NULL_REQUEST_ID)
		return OPENING_MANAGEMENT;
	if (h->type != FCGI_BEGIN_REQUEST)
		return OPENING_STRAY;
	if (h->length != sizeof(FCGI_BeginRequestBody))
		return OPENING_BROKEN;
	if (bytes.len < OPENING_BYTES)
		return OPENING_SHORT;
	const unsigned char *role = bytes_at(bytes, FCGI_HEADER_LEN);
	return (role[0] << 8 | role[1]) == FCGI_RESPONDER ? OPENING_REQUEST : OPENING_ROLE;
}

void record_opening(struct str bytes, struct opening *out)
{
	*out = (struct opening){ .kind = OPENING_SHORT };
	if (bytes.len > 0 && *bytes_at(bytes, 0) != FCGI_VERSION_1) {
		out->kind = OPENING_BROKEN;
		return;
	}
	if (bytes.len < FCGI_HEADER_LEN)
		return;
	out->header = record_header_read(bytes_at(bytes, 0));
	out->kind = kind_of(bytes, &out->header);
	if (out->kind != OPENING_REQUEST)
		return;
	out->size = request_end(bytes, out->header.id);
	out->more = out->size > 0 && out->size < bytes.len;
}

size_t record_end_request(uint16_t id, uint8_t protocol_status, unsigned char out[16])
{
	memset(out, 0, 16);
	record_header_write((struct record_header){ .type = FCGI_END_REQUEST, .id = id, .length = 8 },
	    out);
	out[FCGI_HEADER_LEN + 4] = protocol_status;
	return 16;
}

size_t record_unknown_type(uint8_t type, unsigned char out[16])
{
	memset(out, 0, 16);
	record_header_write((struct record_header){ .type = FCGI_UNKNOWN_TYPE, .length = 8 }, out);
	out[FCGI_HEADER_LEN] = type;
	return 16;
}

/* One length of a name-value pair (3.4): a byte, or four with the top bit set. */
static bool take_length(struct str *rest, size_t *length)
{
	const unsigned char *p = bytes_at(*rest, 0);
	size_t size = rest->len == 0 ? 0 : (p[0] & 0x80) == 0 ? 1 : 4;

	if (size == 0 || rest->len < size)
		return false;
	*length = size == 1 ? p[0] :
	    (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	*rest = str_from(*rest, size);
	return true;
}

static bool take_name(struct str *rest, struct str *name)
{
	size_t name_len, value_len;

	if (!take_length(rest, &name_len) || !take_length(rest, &value_len))
		return false;
	if (name_len > rest->len || value_len > rest->len - name_len)
		return false;
	*name = str_first(*rest, name_len);
	*rest = str_from(*rest, name_len + value_len);
	return true;
}

struct known_value {
	struct str name;
	unsigned   value;
	bool       told;
};

static size_t tell(struct known_value *known, unsigned char *out)
{
	char digits[12];
	int n = snprintf(digits, sizeof(digits), "%u", known->value);

	known->told = true;
	out[0] = (unsigned char)known->name.len;
	out[1] = (unsigned char)n;
	memcpy(out + 2, known->name.ptr, known->name.len);
	memcpy(out + 2 + known->name.len, digits, (size_t)n);
	return 2 + known->name.len + (size_t)n;
}

size_t record_values(struct str content, unsigned connections_max,
    unsigned char out[RECORD_VALUES_MAX])
{
	struct known_value known[] = {
		{ STR(FCGI_MAX_CONNS), connections_max, false },
		{ STR(FCGI_MAX_REQS), connections_max, false },
		{ STR(FCGI_MPXS_CONNS), 0, false },
	};
	size_t at = FCGI_HEADER_LEN;
	struct str name;

	while (take_name(&content, &name))
		for (size_t i = 0; i < COUNT(known); i++)
			if (!known[i].told && str_eq(name, known[i].name))
				at += tell(&known[i], out + at);
	record_header_write((struct record_header){ .type = FCGI_GET_VALUES_RESULT,
	    .length = (uint16_t)(at - FCGI_HEADER_LEN) }, out);
	return at;
}
