/*
 * dynamodb_pack: large bodies, deflated (RFC 1951), so that more of them fit into the
 * 400 KB of an item: text becomes a third or less.  Fewer bytes are also fewer units to
 * pay.  They are inflated one at a time and only for as long as somebody looks at them,
 * since a page of small ones may hold a thousand times as much.
 * zlib is loaded with the first of them: libcurl needs it and has it in memory already.
 */
#include "store/dynamodb.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "log/log.h"

#define LIBRARY "libz.so.1"
#define RAW_WINDOW (-MAX_WBITS)         /* neither header nor checksum: the length is kept beside
                                         * it, and DynamoDB's replies have a checksum of their own */
#define MEMORY_LEVEL 8                  /* zlib's own default: 256 KB while it deflates */

static struct {
	__typeof__(deflateInit2_) *deflate_init;
	__typeof__(deflate)       *deflate;
	__typeof__(deflateEnd)    *deflate_end;
	__typeof__(inflateInit2_) *inflate_init;
	__typeof__(inflate)       *inflate;
	__typeof__(inflateEnd)    *inflate_end;
} zlib;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool           loaded;

static void load(void)
{
	const struct { const char *name; void *at; } symbols[] = {
		{ "deflateInit2_", &zlib.deflate_init }, { "deflate", &zlib.deflate },
		{ "deflateEnd", &zlib.deflate_end }, { "inflateInit2_", &zlib.inflate_init },
		{ "inflate", &zlib.inflate }, { "inflateEnd", &zlib.inflate_end },
	};
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle != NULL && i < COUNT(symbols); i++) {
		void *address = dlsym(handle, symbols[i].name);
		memcpy(symbols[i].at, &address, sizeof(address));
		loaded = address != NULL;
		if (!loaded)
			return;
	}
}

static bool can_pack(void)
{
	pthread_once(&once, load);
	return loaded;
}

static z_stream stream_of(struct str in, char *out, size_t size)
{
	return (z_stream){ .next_in = (const Bytef *)in.ptr, .avail_in = (uInt)in.len,
		.next_out = (Bytef *)out, .avail_out = (uInt)size };
}

enum err dynamo_pack(struct arena *a, struct str body, struct str *packed)
{
	size_t size = body.len < ITEM_MAX_BYTES ? body.len : ITEM_MAX_BYTES;
	z_stream z;
	char *out;
	int rc;

	*packed = STR_NONE;
	if (body.len <= PACK_MIN_BYTES || !can_pack())
		return OK;
	out = arena_try(a, size);
	if (out == NULL)
		return ERR_NO_MEMORY;
	z = stream_of(body, out, size);
	if (zlib.deflate_init(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL,
	    Z_DEFAULT_STRATEGY, ZLIB_VERSION, sizeof(z)) != Z_OK)
		return ERR_NO_MEMORY;
	/* What does not end within the room is not worth it. */
	rc = zlib.deflate(&z, Z_FINISH);
	if (rc == Z_STREAM_END)
		*packed = (struct str){ out, z.total_out };
	zlib.deflate_end(&z);
	return OK;
}

static enum err inflate_into(struct str packed, char *out, size_t size)
{
	z_stream z = stream_of(packed, out, size);
	enum err err = ERR_CORRUPT;

	if (zlib.inflate_init(&z, RAW_WINDOW, ZLIB_VERSION, sizeof(z)) != Z_OK)
		return ERR_NO_MEMORY;
	if (zlib.inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0)
		err = OK;
	zlib.inflate_end(&z);
	return err;
}

enum err dynamo_unpack(struct arena *a, struct dynamo_row *row)
{
	enum err err = ERR_CORRUPT;
	char *out;

	if (row->packed.ptr == NULL)
		return OK;
	if (row->unpacked_bytes > 0 && row->unpacked_bytes <= STORE_ITEM_MAX_BYTES && can_pack()) {
		out = arena_try(a, row->unpacked_bytes);
		err = out == NULL ? ERR_NO_MEMORY
		    : inflate_into(row->packed, out, row->unpacked_bytes);
		row->item.body = (struct str){ out, row->unpacked_bytes };
	}
	if (err == ERR_CORRUPT)
		log_message(LOG_ERROR, "store", "dynamodb: a body that was deflated cannot be"
		    " inflated");
	return err;
}

enum err dynamo_give(const struct dynamo_row *row,
    bool (*each)(void *context, const struct store_item *item), void *context, bool *more)
{
	struct dynamo_row whole = *row;
	struct arena body;
	enum err err;

	if (row->packed.ptr == NULL) {
		*more = each(context, &row->item);
		return OK;
	}
	arena_init(&body, ARENA_MAX_BYTES);
	err = dynamo_unpack(&body, &whole);
	if (err == OK)
		*more = each(context, &whole.item);
	arena_clean(&body);
	return err;
}
