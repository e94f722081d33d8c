#include "content/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/buf.h"
#include "content/content_limits.h"

#define TAR_BLOCK_BYTES 512     /* POSIX pax, "ustar Interchange Format" */
/* Headers and padding come on top of the files' own bytes. */
#define STREAM_MAX_BYTES (2 * (int64_t)ARCHIVE_MAX_BYTES)

struct reading {
	struct archive *archive;
	struct str      source;
	archive_visit  *visit;
	void           *context;
	const char    **reason;
	char           *bytes;          /* of one file */
	size_t          entries;
	int64_t         expanded;
};

static enum err fail(const struct reading *r, enum err e, const char *reason)
{
	*r->reason = reason;
	return e;
}

/* --- names ----------------------------------------------------------------- */

static const struct {
	struct str  start;
	size_t      at;
} beginnings[] = {
	{ STR_INIT("ustar"), 257 },             /* POSIX and GNU */
	{ STR_INIT("\x1F\x8B"), 0 },            /* gzip, RFC 1952 */
	{ STR_INIT("\x28\xB5\x2F\xFD"), 0 },    /* zstd, RFC 8878 */
	{ STR_INIT("\xFD" "7zXZ"), 0 },
};

bool archive_is_likely(struct str bytes)
{
	for (size_t i = 0; i < COUNT(beginnings); i++)
		if (bytes.len > beginnings[i].at &&
		    str_starts(str_from(bytes, beginnings[i].at), beginnings[i].start))
			return true;
	return false;
}

/* pax has UTF-8; older formats have bytes, which a C locale does not translate. */
static struct str name_of(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname_utf8(entry);
	struct str s = str_of(name == NULL ? archive_entry_pathname(entry) : name);

	while (str_starts(s, STR("./")))
		s = str_from(s, 2);
	return s;
}

static bool has_segment(struct str name, bool (*is)(struct str segment))
{
	while (name.ptr != NULL)
		if (is(str_cut(&name, '/')))
			return true;
	return false;
}

static bool is_parent(struct str segment)
{
	return str_eq(segment, STR(".."));
}

static bool is_hidden(struct str segment)
{
	return segment.len > 1 && segment.ptr[0] == '.' && !is_parent(segment);
}

static const char *why_refused(struct str name)
{
	if (str_is_empty(name))
		return "a file without a name";
	if (name.len > ARCHIVE_NAME_MAX_BYTES)
		return "the name is too long";
	if (!str_is_utf8(name) || str_has_control(name))
		return "the name is not UTF-8 text";
	if (name.ptr[0] == '/' || name.ptr[0] == '\\')
		return "the name is an absolute path";
	return has_segment(name, is_parent) ? "the name has \"..\" in it" : NULL;
}

/* --- reading --------------------------------------------------------------- */

static enum err read_bytes(struct reading *r, struct str *bytes)
{
	size_t length = 0;

	for (;;) {
		la_ssize_t n = archive_read_data(r->archive, r->bytes + length,
		    ARCHIVE_FILE_MAX_BYTES - length);

		if (n < 0)
			return fail(r, ERR_INVALID, "the archive is damaged or cut short");
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*bytes = (struct str){ r->bytes, length };
	return OK;
}

static enum err visit_file(struct reading *r, struct archive_entry *entry)
{
	struct archive_file file = { .name = name_of(entry), .bytes = STR("") };
	enum err e = OK;

	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL ||
	    has_segment(file.name, is_hidden))
		return OK;
	file.refused = why_refused(file.name);
	if (file.refused == NULL && archive_entry_size(entry) > (int64_t)ARCHIVE_FILE_MAX_BYTES)
		file.refused = "the file is too large";
	if (file.refused == NULL)
		e = read_bytes(r, &file.bytes);
	return e == OK ? r->visit(r->context, &file) : e;
}

/* What is passed over costs its expansion, too: it counts before it is skipped. */
static enum err charge(struct reading *r, struct archive_entry *entry)
{
	int64_t size = archive_entry_size(entry);

	if (++r->entries > ARCHIVE_ENTRIES_MAX)
		return fail(r, ERR_TOO_LARGE, "the archive has too many entries");
	r->expanded += size < 0 ? 0 : size > STREAM_MAX_BYTES ? STREAM_MAX_BYTES : size;
	if (r->expanded > (int64_t)ARCHIVE_MAX_BYTES ||
	    archive_filter_bytes(r->archive, 0) > STREAM_MAX_BYTES)
		return fail(r, ERR_TOO_LARGE, "the archive is too large when expanded");
	return OK;
}

/* libarchive takes the end of the bytes for the end of the archive; a plain one
 * ends in blocks of zeros, or was cut between two files. */
static enum err check_end(const struct reading *r)
{
	static const char zeros[TAR_BLOCK_BYTES];
	struct str tail = str_from(r->source, r->source.len -
	    (r->source.len < sizeof(zeros) ? r->source.len : sizeof(zeros)));

	if (archive_filter_code(r->archive, 0) != ARCHIVE_FILTER_NONE ||
	    str_eq(tail, (struct str){ zeros, sizeof(zeros) }))
		return OK;
	return fail(r, ERR_INVALID, "the archive is cut short");
}

static enum err read_entries(struct reading *r)
{
	enum err e = OK;

	while (e == OK) {
		struct archive_entry *entry;
		int status = archive_read_next_header(r->archive, &entry);

		if (status == ARCHIVE_EOF)
			return check_end(r);
		if (status == ARCHIVE_FATAL)
			return fail(r, ERR_INVALID, r->entries == 0 ? "not a tar archive" :
			    "the archive is damaged or cut short");
		if (status == ARCHIVE_RETRY)
			continue;       /* an entry that makes no sense; the next may */
		e = charge(r, entry);
		if (e == OK)
			e = visit_file(r, entry);
	}
	return e;
}

/* Where the library has no zstd or xz of its own it would start a program. */
static enum err open_tar(const struct reading *r)
{
	struct archive *a = r->archive;

	if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(a) != ARCHIVE_OK)
		return fail(r, ERR_UNSUPPORTED, "this machine's libarchive lacks a format");
	if (archive_read_open_memory(a, r->source.ptr, r->source.len) != ARCHIVE_OK)
		return fail(r, ERR_INVALID, "not a tar archive");
	return OK;
}

enum err archive_read(struct str bytes, archive_visit *visit, void *context, const char **reason)
{
	struct reading r = {
		.source = bytes, .visit = visit, .context = context, .reason = reason
	};
	enum err e = ERR_NO_MEMORY;

	*reason = err_text(ERR_NO_MEMORY);
	r.archive = archive_read_new();
	r.bytes = malloc(ARCHIVE_FILE_MAX_BYTES);
	if (r.archive != NULL && r.bytes != NULL)
		e = open_tar(&r);
	if (e == OK)
		e = read_entries(&r);
	free(r.bytes);
	archive_read_free(r.archive);
	return e;
}

/* --- writing --------------------------------------------------------------- */

struct archive_writer {
	struct archive *archive;        /* NULL once it is closed */
	archive_sink   *sink;
	void           *context;
	enum err        failed;
};

/* libarchive 3.6 leaks its buffer when it is told of an error: it is never told. */
static la_ssize_t on_bytes(struct archive *archive, void *context, const void *bytes, size_t len)
{
	struct archive_writer *w = context;

	(void)archive;
	if (w->failed == OK)
		w->failed = w->sink(w->context, (struct str){ bytes, len });
	return (la_ssize_t)len;
}

static void drop(void *writer)
{
	struct archive_writer *w = writer;

	if (w->archive == NULL)
		return;
	if (w->failed == OK)
		w->failed = ERR_STALE;  /* nobody closed it: the sink hears no more of it */
	archive_write_free(w->archive);
	w->archive = NULL;
}

struct archive_writer *archive_writer_open(struct arena *a, archive_sink *sink, void *context)
{
	struct archive_writer *w = ARENA_NEW(a, struct archive_writer);

	w->sink = sink;
	w->context = context;
	w->archive = archive_write_new();
	if (w->archive == NULL)
		return NULL;
	arena_defer(a, drop, w);
	if (archive_write_set_format_pax_restricted(w->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(w->archive, 1) != ARCHIVE_OK ||
	    archive_write_open2(w->archive, w, NULL, on_bytes, NULL, NULL) != ARCHIVE_OK)
		return NULL;
	return w;
}

static enum err result(const struct archive_writer *w, bool ok)
{
	if (w->failed != OK)
		return w->failed;
	return ok ? OK : ERR_INVALID;
}

static bool is_ascii(const char *name)
{
	while (*name > 0x20 && *name < 0x7F)
		name++;
	return *name == '\0';
}

enum err archive_writer_add(struct archive_writer *w, const char *name, int64_t modified_ms,
    struct str bytes)
{
	struct archive_entry *entry;
	bool ok;

	if (name[0] == '\0' || !is_ascii(name))
		return ERR_INVALID;
	entry = archive_entry_new();
	if (entry == NULL)
		return ERR_NO_MEMORY;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)bytes.len);
	archive_entry_set_mtime(entry, modified_ms / 1000, 0);
	ok = archive_write_header(w->archive, entry) == ARCHIVE_OK &&
	    archive_write_data(w->archive, bytes.ptr, bytes.len) == (la_ssize_t)bytes.len &&
	    archive_write_finish_entry(w->archive) == ARCHIVE_OK;
	archive_entry_free(entry);
	return result(w, ok);
}

enum err archive_writer_close(struct archive_writer *w)
{
	bool ok = archive_write_close(w->archive) == ARCHIVE_OK;
	enum err e = result(w, ok);

	drop(w);
	return e;
}
