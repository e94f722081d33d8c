#include "content/store_file.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/json.h"

#define LINE_DEPTH_MAX 2

/* --- writing ---------------------------------------------------------------------- */

static void put_bytes(struct json_writer *w, const char *name, const char *name_base64,
    struct str s)
{
	if (s.ptr == NULL || s.len == 0)
		return;
	if (str_is_utf8(s)) {
		json_member_string(w, name, s);
		return;
	}
	json_name(w, name_base64);
	json_put_raw(w, STR("\""));
	crypto_base64_add(w->out, s);
	BUF_LIT(w->out, "\"");
}

void store_file_head(struct buf *out, const struct store_head *head)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	json_member_int(&w, "quiver_store", STORE_FILE_FORMAT);
	json_member_string(&w, "store", head->store);
	json_member_string(&w, "engine", head->engine);
	json_member_string(&w, "began_at", head->began_at);
	json_member_string(&w, "key", head->key);
	json_object_close(&w);
	json_end(&w);
	BUF_LIT(out, "\n");
}

void store_file_item(struct buf *out, const struct store_item *item)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	json_member_string(&w, "pk", item->pk);
	json_member_string(&w, "sk", item->sk);
	json_member_int(&w, "version", (int64_t)item->version);
	if (item->n != 0)
		json_member_int(&w, "n", item->n);
	if (item->expires_ms != 0)
		json_member_int(&w, "expires_ms", item->expires_ms);
	if (item->index_pk.ptr != NULL) {
		json_member_string(&w, "index_pk", item->index_pk);
		json_member_string(&w, "index_sk", item->index_sk);
	}
	put_bytes(&w, "body", "body_base64", item->body);
	put_bytes(&w, "text", "text_base64", item->text);
	json_object_close(&w);
	json_end(&w);
	BUF_LIT(out, "\n");
}

void store_file_end(struct buf *out, const struct store_sum *sum)
{
	char hex[STORE_SUM_HEX_SIZE];
	struct json_writer w;

	store_sum_hex(sum, hex);
	json_begin(&w, out);
	json_object_open(&w);
	json_member_int(&w, "items", (int64_t)sum->items);
	json_member_string(&w, "sum", str_of(hex));
	json_object_close(&w);
	json_end(&w);
	BUF_LIT(out, "\n");
}

/* --- reading ---------------------------------------------------------------------- */

static enum err read_bytes(struct arena *a, const struct json *line, const char *name,
    const char *name_base64, struct str *out)
{
	struct str encoded = json_get_string(line, name_base64);

	*out = json_get_string(line, name);
	if (encoded.ptr == NULL)
		return OK;
	return out->ptr != NULL ? ERR_INVALID : crypto_base64_decode(a, encoded, out);
}

static enum err read_item(struct arena *a, const struct json *line, struct store_item *item)
{
	*item = (struct store_item){
		.pk = json_get_string(line, "pk"), .sk = json_get_string(line, "sk"),
		.index_pk = json_get_string(line, "index_pk"),
		.index_sk = json_get_string(line, "index_sk"),
		.n = json_get_int(line, "n", 0),
		.version = (uint64_t)json_get_int(line, "version", 0),
		.expires_ms = json_get_int(line, "expires_ms", 0),
	};
	enum err err = read_bytes(a, line, "body", "body_base64", &item->body);

	if (err == OK)
		err = read_bytes(a, line, "text", "text_base64", &item->text);
	return err;
}

static enum err read_head(const struct json *line, struct store_head *head)
{
	*head = (struct store_head){
		.store = json_get_string(line, "store"), .engine = json_get_string(line, "engine"),
		.began_at = json_get_string(line, "began_at"), .key = json_get_string(line, "key"),
	};
	if (json_get_int(line, "quiver_store", 0) > STORE_FILE_FORMAT)
		return ERR_UNSUPPORTED;
	return head->store.ptr != NULL && head->key.ptr != NULL ? OK : ERR_INVALID;
}

enum err store_file_line(struct arena *a, struct str line, struct store_line *out)
{
	struct json_error error;
	const struct json *v;
	enum err err = json_parse(a, line, LINE_DEPTH_MAX, &v, &error);

	*out = (struct store_line){ .kind = STORE_LINE_ITEM };
	if (err != OK)
		return err;
	if (json_get(v, STR("pk")) != NULL)
		return read_item(a, v, &out->item);
	if (json_get(v, STR("quiver_store")) != NULL) {
		out->kind = STORE_LINE_HEAD;
		return read_head(v, &out->head);
	}
	out->kind = STORE_LINE_END;
	out->items = json_get_int(v, "items", -1);
	out->sum = json_get_string(v, "sum");
	return out->items >= 0 && out->sum.ptr != NULL ? OK : ERR_INVALID;
}

void store_reader_init(struct store_reader *r, FILE *file)
{
	*r = (struct store_reader){ .file = file };
	arena_init(&r->arena, ARENA_MAX_BYTES);
}

void store_reader_clean(struct store_reader *r)
{
	free(r->line);
	arena_clean(&r->arena);
}

enum err store_reader_seek(struct store_reader *r, int64_t offset)
{
	r->offset = offset;
	r->number = 0;
	clearerr(r->file);
	return fseeko(r->file, (off_t)offset, SEEK_SET) == 0 ? OK : ERR_IO;
}

enum err store_reader_next(struct store_reader *r, struct store_line *out)
{
	ssize_t len = getline(&r->line, &r->room, r->file);

	arena_reset(&r->arena);
	if (len < 0)
		return feof(r->file) != 0 ? ERR_NOT_FOUND : ERR_IO;
	r->number++;
	r->offset += len;
	if (r->line[len - 1] != '\n' || len > STORE_FILE_LINE_MAX_BYTES)
		return ERR_CORRUPT;
	enum err err = store_file_line(&r->arena, (struct str){ r->line, (size_t)len - 1 }, out);

	return err == ERR_INVALID ? ERR_CORRUPT : err;
}

/* --- the whole -------------------------------------------------------------------- */

struct checking {
	struct store_reader *reader;
	struct arena        *arena;
	struct buf           scratch;
	int64_t              now_ms;
	struct store_sum    *sum, *total;
	struct str          *reason;
};

static enum err refuse(struct checking *c, enum err err, const char *what)
{
	*c->reason = arena_printf(c->arena, "line %llu: %s", (unsigned long long)c->reader->number,
	    what);
	return err;
}

static const char *what_is_wrong(enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND:
		return "the file ends here, without its last line: it was cut";
	case ERR_CORRUPT:
		return "is cut or is no line of a store's export";
	case ERR_UNSUPPORTED:
		return "the file was written by a newer version of this program";
	default:
		return err_text(err);
	}
}

static enum err check_head(struct checking *c, struct store_head *head)
{
	struct store_line line;
	enum err err = store_reader_next(c->reader, &line);

	if (err == OK && line.kind != STORE_LINE_HEAD)
		err = ERR_CORRUPT;
	if (err != OK)
		return refuse(c, err == ERR_NOT_FOUND ? ERR_CORRUPT : err, what_is_wrong(err));
	*head = (struct store_head){
		arena_dup(c->arena, line.head.store), arena_dup(c->arena, line.head.engine),
		arena_dup(c->arena, line.head.began_at), arena_dup(c->arena, line.head.key),
	};
	return OK;
}

/* The last line against what was counted, and that it is the last. */
static enum err check_end(struct checking *c, const struct store_line *end)
{
	char hex[STORE_SUM_HEX_SIZE];
	struct store_line line;

	store_sum_hex(c->total, hex);
	if ((uint64_t)end->items != c->total->items || !str_eq(end->sum, str_of(hex)))
		return refuse(c, ERR_CORRUPT, "the items above are not those that were exported");
	return store_reader_next(c->reader, &line) == ERR_NOT_FOUND ? OK :
	    refuse(c, ERR_CORRUPT, "comes after the last one");
}

static enum err check_items(struct checking *c)
{
	struct store_line line;
	enum err err;

	for (;;) {
		err = store_reader_next(c->reader, &line);
		if (err == OK && line.kind == STORE_LINE_END)
			return check_end(c, &line);
		if (err == OK && line.kind != STORE_LINE_ITEM)
			err = ERR_CORRUPT;
		if (err == OK)
			err = store_sum_add(c->total, &line.item, &c->scratch);
		if (err == OK && (line.item.expires_ms == 0 || line.item.expires_ms > c->now_ms))
			err = store_sum_add(c->sum, &line.item, &c->scratch);
		if (err != OK)
			return refuse(c, err == ERR_NOT_FOUND ? ERR_CORRUPT : err,
			    what_is_wrong(err));
	}
}

enum err store_file_check(struct store_reader *r, int64_t now_ms, struct arena *a,
    struct store_head *head, struct store_sum *sum, struct store_sum *total,
    struct str *reason)
{
	struct checking c = {
		.reader = r, .arena = a, .now_ms = now_ms, .sum = sum, .total = total,
		.reason = reason,
	};
	enum err err = store_reader_seek(r, 0);

	*sum = *total = (struct store_sum){ 0 };
	if (err != OK)
		return refuse(&c, err, err_text(err));
	buf_init(&c.scratch, NULL, STORE_FILE_LINE_MAX_BYTES);
	err = check_head(&c, head);
	if (err == OK)
		err = check_items(&c);
	buf_clean(&c.scratch);
	return err;
}
