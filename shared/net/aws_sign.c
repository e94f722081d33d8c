#include "net/aws_sign.h"

#include <stdio.h>

#include "base/time.h"

#define ALGORITHM           "AWS4-HMAC-SHA256"
#define HEX_SIZE            (2 * SHA256_BYTES + 1)
#define DAY_BYTES           8
#define SIGNED              "content-type;host;x-amz-date;x-amz-target"
#define SIGNED_SESSION      "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"

/* "2026-01-02T03:04:05.678Z" without what is between the numbers. */
static void write_date(int64_t now_ms, char date[AWS_DATE_SIZE])
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(now_ms, text);
	memcpy(date, text, 4);
	memcpy(date + 4, text + 5, 2);
	memcpy(date + 6, text + 8, 3);
	memcpy(date + 9, text + 11, 2);
	memcpy(date + 11, text + 14, 2);
	memcpy(date + 13, text + 17, 2);
	memcpy(date + 15, "Z", 2);
}

static void hmac(const uint8_t key[SHA256_BYTES], struct str data, uint8_t out[SHA256_BYTES])
{
	crypto_hmac_sha256(key, SHA256_BYTES, data, out);
}

/* kSigning of AWS's documentation: service, region and day are in the key. */
static void derive(struct aws_signer *s, const struct aws_keys *keys, struct str day)
{
	char first[4 + AWS_KEY_MAX_BYTES + 1];
	int len = snprintf(first, sizeof(first), "AWS4%s", keys->secret);

	crypto_hmac_sha256((const uint8_t *)first, (size_t)len, day, s->key);
	hmac(s->key, s->region, s->key);
	hmac(s->key, s->service, s->key);
	hmac(s->key, STR("aws4_request"), s->key);
	crypto_wipe(first, sizeof(first));
	memcpy(s->day, day.ptr, day.len);
	s->day[day.len] = '\0';
	s->generation = keys->generation;
}

static void digest_hex(struct str data, char hex[HEX_SIZE])
{
	uint8_t digest[SHA256_BYTES];

	crypto_sha256(data, digest);
	crypto_hex(digest, sizeof(digest), hex);
}

/* Appends the canonical request and replaces it by its digest. */
static void digest_request(struct buf *work, const struct aws_keys *keys,
    const struct aws_request *r, const char *date, char hex[HEX_SIZE])
{
	size_t start = work->len;
	char body[HEX_SIZE];

	digest_hex(r->body, body);
	BUF_LIT(work, "POST\n/\n\ncontent-type:" AWS_JSON "\nhost:");
	buf_add(work, r->host);
	BUF_LIT(work, "\nx-amz-date:");
	buf_bytes(work, date, AWS_DATE_SIZE - 1);
	if (keys->session[0] != '\0') {
		BUF_LIT(work, "\nx-amz-security-token:");
		buf_add(work, str_of(keys->session));
	}
	BUF_LIT(work, "\nx-amz-target:");
	buf_add(work, r->target);
	if (keys->session[0] != '\0')
		BUF_LIT(work, "\n\n" SIGNED_SESSION "\n");
	else
		BUF_LIT(work, "\n\n" SIGNED "\n");
	buf_bytes(work, body, HEX_SIZE - 1);
	digest_hex(str_from(buf_str(work), start), hex);
	buf_truncate(work, start);
}

static void add_scope(struct buf *out, const struct aws_signer *s)
{
	buf_bytes(out, s->day, DAY_BYTES);
	buf_char(out, '/');
	buf_add(out, s->region);
	buf_char(out, '/');
	buf_add(out, s->service);
	BUF_LIT(out, "/aws4_request");
}

void aws_sign(struct aws_signer *s, const struct aws_keys *keys, const struct aws_request *r,
    char date[AWS_DATE_SIZE], struct buf *out)
{
	size_t start = out->len;
	uint8_t signature[SHA256_BYTES];
	char hex[HEX_SIZE];

	write_date(r->now_ms, date);
	struct str day = { date, DAY_BYTES };
	if (s->generation != keys->generation || memcmp(s->day, day.ptr, DAY_BYTES) != 0)
		derive(s, keys, day);
	digest_request(out, keys, r, date, hex);
	BUF_LIT(out, ALGORITHM "\n");
	buf_bytes(out, date, AWS_DATE_SIZE - 1);
	buf_char(out, '\n');
	add_scope(out, s);
	buf_char(out, '\n');
	buf_bytes(out, hex, HEX_SIZE - 1);
	hmac(s->key, str_from(buf_str(out), start), signature);
	crypto_hex(signature, sizeof(signature), hex);
	buf_truncate(out, start);
	BUF_LIT(out, ALGORITHM " Credential=");
	buf_add(out, str_of(keys->id));
	buf_char(out, '/');
	add_scope(out, s);
	BUF_LIT(out, ", SignedHeaders=");
	buf_add(out, keys->session[0] != '\0' ? STR(SIGNED_SESSION) : STR(SIGNED));
	BUF_LIT(out, ", Signature=");
	buf_bytes(out, hex, HEX_SIZE - 1);
}

void aws_signer_wipe(struct aws_signer *s)
{
	crypto_wipe(s->key, sizeof(s->key));
	s->generation = 0;
}
