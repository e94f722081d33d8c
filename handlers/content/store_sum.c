#include "content/store_sum.h"

#include <stdlib.h>
#include <string.h>

#include "content/store_pages.h"

#define SCRATCH_MAX_BYTES (2 * STORE_ITEM_MAX_BYTES + 8 * STORE_KEY_MAX_BYTES)

static void add_u64(struct buf *out, uint64_t n)
{
	char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(n >> (8 * i));
	buf_bytes(out, bytes, sizeof(bytes));
}

/* The length first: nothing that follows can be taken for a part of it. */
static void add_str(struct buf *out, struct str s)
{
	add_u64(out, s.len);
	buf_add(out, s);
}

enum err store_sum_add(struct store_sum *sum, const struct store_item *item,
    struct buf *scratch)
{
	uint8_t digest[SHA256_BYTES];
	unsigned carry = 0;

	buf_reset(scratch);
	add_str(scratch, item->pk);
	add_str(scratch, item->sk);
	add_str(scratch, item->index_pk);
	add_str(scratch, item->index_sk);
	add_str(scratch, item->body);
	add_str(scratch, item->text);
	add_u64(scratch, (uint64_t)item->n);
	add_u64(scratch, item->version);
	add_u64(scratch, (uint64_t)item->expires_ms);
	if (buf_failed(scratch))
		return ERR_NO_MEMORY;
	crypto_sha256(buf_str(scratch), digest);
	for (size_t i = 0; i < COUNT(sum->words); i++) {
		uint64_t word = 0, with;

		for (size_t j = 8; j-- > 0; )
			word = word << 8 | digest[8 * i + j];
		carry = __builtin_add_overflow(word, (uint64_t)carry, &with) ? 1 : 0;
		if (__builtin_add_overflow(sum->words[i], with, &sum->words[i]))
			carry = 1;
	}
	sum->items++;
	return OK;
}

void store_sum_hex(const struct store_sum *sum, char out[STORE_SUM_HEX_SIZE])
{
	uint8_t bytes[SHA256_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(sum->words[3 - i / 8] >> (56 - 8 * (i % 8)));
	crypto_hex(bytes, sizeof(bytes), out);
}

bool store_sum_equal(const struct store_sum *a, const struct store_sum *b)
{
	return a->items == b->items && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

struct summing {
	struct store_sum *sum;
	struct buf        scratch;
	void            (*tell)(void *context, uint64_t items);
	void             *context;
};

static enum err add_item(void *context, const struct store_item *item)
{
	struct summing *s = context;

	if (s->tell != NULL)
		s->tell(s->context, s->sum->items);
	return store_sum_add(s->sum, item, &s->scratch);
}

enum err store_sum_scan(struct store_connection *c, int64_t now_ms,
    void (*tell)(void *context, uint64_t items), void *context, struct store_sum *out)
{
	struct summing s = { .sum = out, .tell = tell, .context = context };
	enum err err;

	*out = (struct store_sum){ 0 };
	buf_init(&s.scratch, NULL, SCRATCH_MAX_BYTES);
	err = store_pages(c, &(struct store_position){ .pk_len = 0 }, now_ms, add_item, &s);
	buf_clean(&s.scratch);
	return err;
}
