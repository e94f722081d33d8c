#include "content/store_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/time.h"
#include "content/store_file.h"
#include "content/store_pages.h"

#define SUMMED_MAX_BYTES (2 * STORE_ITEM_MAX_BYTES + 8 * STORE_KEY_MAX_BYTES)

struct export {
	struct store_move    *move;
	const char           *part;
	FILE                 *file;     /* FILE.part */
	struct buf            line, summed;
	struct store_sum      sum;
	struct store_position at;       /* of the last item in the file */
	int                   error;    /* errno of a write that failed */
};

static int fail_file(struct export *e, const char *path)
{
	return store_say(e->move, EX_IOERR, "%s: %s", path, strerror(errno));
}

static int refuse_existing(struct export *e)
{
	return store_say(e->move, EX_CANTCREAT, "%s is there already: name another file",
	    e->move->path);
}

/* Nobody else's to read, and never through a link that another user has put there.
 * The lock keeps a second export from the same file; who had it may have made that the
 * whole one meanwhile. */
static int open_part(struct export *e)
{
	if (access(e->move->path, F_OK) == 0)
		return refuse_existing(e);
	int fd = open(e->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return store_say(e->move, EX_CANTCREAT, "%s: %s", e->part, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fchmod(fd, 0600) != 0) {
		close(fd);
		return store_say(e->move, EX_TEMPFAIL,
		    "%s: is being written by another process", e->part);
	}
	if (access(e->move->path, F_OK) == 0) {
		close(fd);
		return refuse_existing(e);
	}
	e->file = fdopen(fd, "r+");
	return e->file != NULL ? EX_OK : fail_file(e, e->part);
}

/* --- what an earlier run has left ------------------------------------------------ */

/* Takes in the whole lines of items; *end is behind the last of them. */
static enum err take_in(struct export *e, struct store_reader *r, int64_t *end)
{
	struct store_line line;
	enum err err;

	for (*end = r->offset; ; *end = r->offset) {
		err = store_reader_next(r, &line);
		if (err != OK || line.kind != STORE_LINE_ITEM)
			return err == ERR_IO || err == ERR_NO_MEMORY ? err : OK;
		err = store_sum_add(&e->sum, &line.item, &e->summed);
		if (err != OK)
			return err;
		store_position_set(&e->at, &line.item);
	}
}

/* *end 0: nothing of use is there. */
static int read_part(struct export *e, struct store_reader *r, int64_t *end)
{
	struct store_line line;
	enum err err = store_reader_next(r, &line);

	*end = 0;
	if (err == ERR_NOT_FOUND || err == ERR_CORRUPT)
		return EX_OK;
	if (err == OK && (line.kind != STORE_LINE_HEAD || !str_eq(line.head.store, e->move->url) ||
	    !crypto_equal(line.head.key, str_of(e->move->key))))
		return store_say(e->move, EX_CANTCREAT,
		    "%s was begun for another store: remove it, or name another file", e->part);
	if (err == OK)
		err = take_in(e, r, end);
	return err == OK ? EX_OK : store_say(e->move, EX_IOERR, "%s: %s", e->part, err_text(err));
}

static int resume(struct export *e)
{
	struct store_reader r;
	int64_t end;

	store_reader_init(&r, e->file);
	int status = read_part(e, &r, &end);
	store_reader_clean(&r);
	if (status != EX_OK)
		return status;
	if (fseeko(e->file, (off_t)end, SEEK_SET) != 0 || ftruncate(fileno(e->file), (off_t)end) != 0)
		return fail_file(e, e->part);
	if (end > 0)
		(void)store_say(e->move, 0, "goes on behind %llu items",
		    (unsigned long long)e->sum.items);
	return EX_OK;
}

/* --- writing ---------------------------------------------------------------------- */

static enum err put_line(struct export *e)
{
	if (buf_failed(&e->line))
		return ERR_TOO_LARGE;
	if (fwrite(e->line.ptr, 1, e->line.len, e->file) == e->line.len)
		return OK;
	e->error = errno;
	return ERR_IO;
}

static enum err put_item(void *context, const struct store_item *item)
{
	struct export *e = context;
	enum err err = store_sum_add(&e->sum, item, &e->summed);

	if (err != OK)
		return err;
	buf_reset(&e->line);
	store_file_item(&e->line, item);
	store_tell(e->move, e->sum.items);
	return put_line(e);
}

static enum err put_head(struct export *e)
{
	char began_at[TIME_RFC3339_SIZE];

	if (e->sum.items > 0 || ftello(e->file) > 0)
		return OK;
	time_to_rfc3339(time_now_ms(), began_at);
	buf_reset(&e->line);
	store_file_head(&e->line, &(struct store_head){
	    .store = e->move->url, .engine = str_of(store_engine(e->move->store)),
	    .began_at = str_of(began_at), .key = str_of(e->move->key) });
	return put_line(e);
}

static enum err put_end(struct export *e)
{
	buf_reset(&e->line);
	store_file_end(&e->line, &e->sum);
	enum err err = put_line(e);

	if (err == OK && (fflush(e->file) != 0 || fsync(fileno(e->file)) != 0)) {
		e->error = errno;
		err = ERR_IO;
	}
	return err;
}

static int put_items(struct export *e)
{
	store_tell_begin(e->move, "exported", e->sum.items);
	enum err err = put_head(e);
	if (err == OK)
		err = store_pages(e->move->c, &e->at, time_now_ms(), put_item, e);
	if (err == OK)
		err = put_end(e);
	if (err == OK)
		return EX_OK;
	return store_say(e->move, e->error != 0 ? EX_IOERR : EX_TEMPFAIL,
	    "stopped behind %llu items: %s: %s; run it again to go on",
	    (unsigned long long)e->sum.items, e->error != 0 ? e->part : "the store",
	    e->error != 0 ? strerror(e->error) : err_text(err));
}

/* The store once more, against the file: who wrote meanwhile is found out. */
static int compare(struct export *e, struct store_sum *total)
{
	int64_t now_ms = time_now_ms() + STORE_COMPARE_MARGIN_MS;
	struct store_sum there, here;
	struct store_reader r;
	struct store_head head;
	struct str reason = STR_NONE;

	store_reader_init(&r, e->file);
	enum err err = store_file_check(&r, now_ms, e->move->arena, &head, &there, total, &reason);
	store_reader_clean(&r);
	if (err != OK)
		return store_say(e->move, EX_IOERR, "%s: %.*s", e->part, STR_ARG(reason));
	store_tell_begin(e->move, "compared", 0);
	err = store_sum_scan(e->move->c, now_ms, store_tell, e->move, &here);
	if (err != OK)
		return store_say(e->move, EX_TEMPFAIL, "the store: %s; run it again",
		    err_text(err));
	if (store_sum_equal(&there, &here))
		return EX_OK;
	(void)unlink(e->part);
	return store_say(e->move, EX_TEMPFAIL, "the store was written to meanwhile:"
	    " stop the handlers, then export again from the beginning");
}

static int finish(struct export *e)
{
	char hex[STORE_SUM_HEX_SIZE];
	struct store_sum total;
	int status = compare(e, &total);

	if (status != EX_OK)
		return status;
	if (store_rename(e->move, e->part, e->move->path) != OK)
		return fail_file(e, e->move->path);
	store_sum_hex(&total, hex);
	return store_say(e->move, EX_OK, "%llu items in %s, sum %s; compared with the store: the"
	    " same.  SECRET_KEY opens the keys in it and must go along (secret.key of STATE_DIR"
	    " where it is not set)", (unsigned long long)total.items, e->move->path, hex);
}

int store_export(struct store_move *m)
{
	struct export e = { .move = m, .part = store_path(m, ".part") };

	buf_init(&e.line, NULL, STORE_FILE_LINE_MAX_BYTES);
	buf_init(&e.summed, NULL, SUMMED_MAX_BYTES);
	int status = open_part(&e);
	if (status == EX_OK)
		status = resume(&e);
	if (status == EX_OK)
		status = put_items(&e);
	if (status == EX_OK)
		status = finish(&e);
	if (e.file != NULL)
		fclose(e.file);
	buf_clean(&e.line);
	buf_clean(&e.summed);
	return status;
}
