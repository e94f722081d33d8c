#include "content/store_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "content/store_file.h"
#include "content/store_pages.h"

#define BATCH_MAX_BYTES   (4 << 20)     /* of bodies and words in one batch */
#define MARK_MAX_BYTES    8192
#define MARK_EVERY_ITEMS  2000          /* so many are written again when it is stopped */

struct import {
	struct store_move  *move;
	FILE               *file;
	struct store_reader reader;
	struct str          sum;        /* of the file: names it in FILE.import */
	uint64_t            total, done, marked;
	int64_t             offset;     /* of the file: behind the items that are in the store */
	struct arena        batch;
	struct store_item   items[STORE_OPS_MAX];
	size_t              n, bytes;
};

static int fail_store(struct import *i, enum err err)
{
	return store_say(i->move, EX_TEMPFAIL, "stopped behind %llu items: the store: %s;"
	    " run it again to go on", (unsigned long long)i->done, err_text(err));
}

/* --- the mark: how far it is --------------------------------------------------------- */

static int put_mark(struct import *i)
{
	const char *path = store_path(i->move, ".import");
	const char *fresh = store_path(i->move, ".import.part");
	struct json_writer w;
	struct buf text;

	buf_init(&text, i->move->arena, MARK_MAX_BYTES);
	json_begin(&w, &text);
	json_object_open(&w);
	json_member_string(&w, "store", i->move->url);
	json_member_string(&w, "sum", i->sum);
	json_member_int(&w, "offset", i->offset);
	json_member_int(&w, "items", (int64_t)i->done);
	json_object_close(&w);
	json_end(&w);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && !buf_failed(&text) &&
	    write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	i->marked = i->done;
	if (good && store_rename(i->move, fresh, path) == OK)
		return EX_OK;
	return store_say(i->move, EX_IOERR, "%s: %s", path, strerror(errno));
}

/* True: an earlier run of this file into this store was stopped. */
static bool read_mark(struct import *i)
{
	char text[MARK_MAX_BYTES];
	struct json_error error;
	const struct json *mark;
	int fd = open(store_path(i->move, ".import"), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (len <= 0 || json_parse(i->move->arena, (struct str){ text, (size_t)len }, 1, &mark,
	    &error) != OK)
		return false;
	if (!str_eq(json_get_string(mark, "store"), i->move->url) ||
	    !str_eq(json_get_string(mark, "sum"), i->sum))
		return false;
	i->offset = json_get_int(mark, "offset", 0);
	i->done = (uint64_t)json_get_int(mark, "items", 0);
	return i->offset >= 0;
}

/* --- reading the file, and what is there already ----------------------------------- */

static int check_file(struct import *i, int64_t now_ms, struct store_sum *living)
{
	char hex[STORE_SUM_HEX_SIZE];
	struct store_head head;
	struct store_sum total;
	struct str reason = STR_NONE;
	enum err err = store_file_check(&i->reader, now_ms, i->move->arena, &head, living, &total,
	    &reason);

	if (err != OK)
		return store_say(i->move, EX_DATAERR, "%s: %.*s", i->move->path, STR_ARG(reason));
	if (!crypto_equal(head.key, str_of(i->move->key)))
		return store_say(i->move, EX_CONFIG, "%s was exported under another SECRET_KEY,"
		    " which keys in it are sealed with: set that one here", i->move->path);
	store_sum_hex(&total, hex);
	i->sum = arena_dup(i->move->arena, str_of(hex));
	i->total = total.items;
	return EX_OK;
}

/* The store against the file. */
static int compare(struct import *i, bool *same)
{
	int64_t now_ms = time_now_ms() + STORE_COMPARE_MARGIN_MS;
	struct store_sum there, here;
	int status = check_file(i, now_ms, &there);

	if (status != EX_OK)
		return status;
	store_tell_begin(i->move, "compared", 0);
	enum err err = store_sum_scan(i->move->c, now_ms, store_tell, i->move, &here);
	if (err != OK)
		return fail_store(i, err);
	*same = store_sum_equal(&there, &here);
	if (!*same)
		(void)store_say(i->move, 0, "%s has %llu items to compare, the store %llu",
		    i->move->path, (unsigned long long)there.items,
		    (unsigned long long)here.items);
	return EX_OK;
}

static bool found_one(void *context, const struct store_item *item)
{
	(void)item;
	*(bool *)context = true;
	return false;
}

static int say_done(struct import *i)
{
	return store_say(i->move, EX_OK, "%llu items in the store, sum %.*s; compared with %s:"
	    " the same", (unsigned long long)i->total, STR_ARG(i->sum), i->move->path);
}

/* Into an empty store, or on from where it was stopped.  *done: it is all there. */
static int prepare(struct import *i, bool *done)
{
	bool full = false, more;

	*done = false;
	if (read_mark(i))
		return store_say(i->move, EX_OK, "goes on behind %llu items",
		    (unsigned long long)i->done);
	enum err err = store_scan(i->move->c, STR_NONE, STR_NONE, 1, 0, found_one, &full, &more);
	if (err != OK)
		return fail_store(i, err);
	if (!full)
		return put_mark(i);
	int status = compare(i, done);
	if (status != EX_OK || *done)
		return status;
	return store_say(i->move, EX_CANTCREAT, "the store holds something else already:"
	    " name an empty one in STORE");
}

/* --- writing ------------------------------------------------------------------------ */

static int flush(struct import *i)
{
	unsigned tries = 0;
	size_t failed;
	enum err err;

	do
		err = store_restore(i->move->c, i->items, i->n, &failed);
	while (err != OK && store_try_again(err, ++tries));
	if (err == ERR_TOO_LARGE && failed < i->n)
		return store_say(i->move, EX_DATAERR, "item %llu of %s is too large for this"
		    " store (\"%.*s\", %zu bytes)", (unsigned long long)i->done + failed + 1,
		    i->move->path, STR_ARG(i->items[failed].pk), i->items[failed].body.len);
	if (err != OK)
		return fail_store(i, err);
	i->done += i->n;
	i->offset = i->reader.offset;
	i->n = i->bytes = 0;
	arena_reset(&i->batch);
	store_tell(i->move, i->done);
	return i->done - i->marked < MARK_EVERY_ITEMS ? EX_OK : put_mark(i);
}

static struct str keep(struct import *i, struct str s)
{
	return s.ptr == NULL ? STR_NONE : arena_dup(&i->batch, s);
}

static int add(struct import *i, const struct store_item *item)
{
	struct store_item *copy = &i->items[i->n++];

	*copy = *item;
	copy->pk = keep(i, item->pk);
	copy->sk = keep(i, item->sk);
	copy->index_pk = keep(i, item->index_pk);
	copy->index_sk = keep(i, item->index_sk);
	copy->body = keep(i, item->body);
	copy->text = keep(i, item->text);
	i->bytes += item->body.len + item->text.len;
	return i->n < COUNT(i->items) && i->bytes < BATCH_MAX_BYTES ? EX_OK : flush(i);
}

static int put_items(struct import *i)
{
	struct store_line line = { .kind = STORE_LINE_HEAD };
	enum err err = store_reader_seek(&i->reader, i->offset);
	int status = EX_OK;

	i->marked = i->done;
	store_tell_begin(i->move, "imported", i->done);
	while (status == EX_OK && err == OK && line.kind != STORE_LINE_END) {
		err = store_reader_next(&i->reader, &line);
		if (err == OK && line.kind == STORE_LINE_ITEM)
			status = add(i, &line.item);
	}
	if (err != OK)
		return store_say(i->move, EX_DATAERR, "%s: %s", i->move->path, err_text(err));
	return status == EX_OK ? flush(i) : status;
}

static int finish(struct import *i)
{
	bool same = false;
	int status = compare(i, &same);

	if (status != EX_OK)
		return status;
	(void)unlink(store_path(i->move, ".import"));
	if (same)
		return say_done(i);
	return store_say(i->move, EX_SOFTWARE, "the store is not what the file has: something"
	    " else wrote to it; empty it, stop the handlers and import again");
}

static int move_in(struct import *i)
{
	struct store_sum living;
	bool done = false;
	int status = check_file(i, 0, &living);

	if (status == EX_OK)
		status = prepare(i, &done);
	if (status != EX_OK || done)
		return status == EX_OK ? say_done(i) : status;
	status = put_items(i);
	return status == EX_OK ? finish(i) : status;
}

int store_import(struct store_move *m)
{
	struct import *i = ARENA_NEW(m->arena, struct import);
	int fd = open(m->path, O_RDONLY | O_CLOEXEC);

	i->move = m;
	if (fd < 0)
		return store_say(m, EX_NOINPUT, "%s: %s", m->path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return store_say(m, EX_TEMPFAIL, "%s: is being imported by another process",
		    m->path);
	}
	i->file = fdopen(fd, "r");
	if (i->file == NULL) {
		close(fd);
		return store_say(m, EX_OSERR, "%s: %s", m->path, strerror(errno));
	}
	store_reader_init(&i->reader, i->file);
	arena_init(&i->batch, ARENA_MAX_BYTES);
	int status = move_in(i);
	store_reader_clean(&i->reader);
	arena_clean(&i->batch);
	fclose(i->file);
	return status;
}
