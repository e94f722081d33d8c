#include "content/import.h"

#include <stdio.h>

#include "content/archive.h"
#include "content/endpoints.h"

#define DETAIL_MAX_BYTES 1000

void import_begin(struct import *im, const struct request *req,
    const struct collection *collection)
{
	*im = (struct import){ .req = req, .collection = collection };
	arena_init(&im->arena, IMPORT_ITEM_ARENA_BYTES);
	name_set_init(&im->slugs, req->arena);
	name_set_init(&im->ids, req->arena);
	im->items = ARENA_ARRAY(req->arena, IMPORT_REPORT_MAX, struct import_entry);
	im->errors = ARENA_ARRAY(req->arena, IMPORT_REPORT_MAX, struct import_entry);
}

/* A durable write makes durable what was acknowledged before it (store.h). */
enum err import_end(struct import *im, struct response *res)
{
	struct store_op mark = { .verb = STORE_PUT, .item = {
		.pk = STR("content#import"), .sk = STR("last"), .body = STR("{}") } };
	const struct request *req = im->req;
	bool wrote = im->outcomes[IMPORT_CREATED] + im->outcomes[IMPORT_UPDATED] > 0;
	struct store_result result;
	enum err e = ERR_BUSY;

	arena_clean(&im->arena);
	if (!wrote && req->idempotency_key.ptr == NULL)
		return OK;
	if (res != NULL)
		e = request_commit(req, res, &mark, 1, &result);
	/* What cannot be kept of it is its reply alone: once more it changes nothing. */
	if (e == ERR_BUSY || e == ERR_TOO_LARGE)
		e = store_write(req->store, &mark, 1, STORE_DURABLE, req->now_ms, &result);
	return e;
}

void import_refuse(struct import *im, const struct import_origin *from, const char *fmt, ...)
{
	char detail[DETAIL_MAX_BYTES];
	va_list args;

	im->failed++;
	if (im->n_errors == IMPORT_REPORT_MAX) {
		im->left_out++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	struct import_entry *entry = &im->errors[im->n_errors++];
	entry->origin = *from;
	entry->origin.file = arena_dup(im->req->arena, from->file);
	entry->text = arena_dup(im->req->arena, str_of(detail));
}

/* --- the result -------------------------------------------------------------------------- */

static void write_origin(struct json_writer *w, const struct import_origin *from)
{
	json_member_string(w, "file", from->file);
	json_name(w, "line");
	if (from->line > 0)
		json_put_int(w, from->line);
	else
		json_put_null(w);
}

static const char *const outcome_names[IMPORT_OUTCOMES] = {
	[IMPORT_CREATED] = "created",
	[IMPORT_UPDATED] = "updated",
	[IMPORT_UNCHANGED] = "unchanged",
};

static void write_items(const struct import *im, struct json_writer *w)
{
	json_name(w, "items");
	json_array_open(w);
	for (size_t i = 0; i < im->n_items; i++) {
		const struct import_entry *entry = &im->items[i];
		json_object_open(w);
		write_origin(w, &entry->origin);
		json_member_string(w, "slug", entry->text);
		json_member_string(w, "id", str_of(entry->id));
		json_member_string(w, "result", str_of(outcome_names[entry->outcome]));
		json_object_close(w);
	}
	json_array_close(w);
}

static void write_errors(const struct import *im, struct json_writer *w)
{
	json_name(w, "errors");
	json_array_open(w);
	for (size_t i = 0; i < im->n_errors; i++) {
		json_object_open(w);
		write_origin(w, &im->errors[i].origin);
		json_member_string(w, "detail", im->errors[i].text);
		json_object_close(w);
	}
	json_array_close(w);
}

void import_report(const struct import *im, struct json_writer *w)
{
	json_object_open(w);
	for (int i = 0; i < IMPORT_OUTCOMES; i++)
		json_member_int(w, outcome_names[i], im->outcomes[i]);
	json_member_int(w, "failed", im->failed);
	json_member_int(w, "skipped", im->skipped);
	write_items(im, w);
	write_errors(im, w);
	json_member_int(w, "left_out", im->left_out);
	json_object_close(w);
}

/* --- what may be sent ----------------------------------------------------------------------- */

/* The value of filename= in Content-Disposition (RFC 6266), quoted or not. */
static struct str disposition_name(const struct request *req)
{
	struct str rest = request_header(req, "Content-Disposition");

	while (rest.ptr != NULL) {
		struct str value = str_trim(str_cut(&rest, ';'));
		struct str name = str_trim(str_cut(&value, '='));
		value = str_trim(value);
		if (!str_eq_nocase(name, STR("filename")))
			continue;
		if (value.len >= 2 && value.ptr[0] == '"' && str_ends(value, STR("\"")))
			value = (struct str){ value.ptr + 1, value.len - 2 };
		return str_is_utf8(value) && !str_has_control(value) ? value : STR_NONE;
	}
	return STR_NONE;
}

static enum err take_file(struct import *im, struct response *res)
{
	struct import_origin from = { .file = request_query(im->req, "name") };

	(void)res;
	if (from.file.ptr == NULL)
		from.file = disposition_name(im->req);
	return import_markdown(im, &from, im->req->body);
}

static bool is_markdown(struct str name)
{
	static const struct str endings[] = { STR_INIT(".md"), STR_INIT(".markdown"),
		STR_INIT(".mdown"), STR_INIT(".mkd") };

	for (size_t i = 0; i < COUNT(endings); i++)
		if (name.len >= endings[i].len &&
		    str_eq_nocase(str_from(name, name.len - endings[i].len), endings[i]))
			return true;
	return false;
}

/* A section's own page in Hugo and Zola: no item. */
static bool is_section_page(struct str name)
{
	return str_eq(name, STR("_index.md")) || str_ends(name, STR("/_index.md"));
}

static enum err take_member(void *context, const struct archive_file *file)
{
	struct import *im = context;
	struct import_origin from = { .file = file->name };

	if (!is_markdown(file->name) || is_section_page(file->name)) {
		im->skipped++;
		return OK;
	}
	if (file->refused != NULL) {
		import_refuse(im, &from, "%s", file->refused);
		return OK;
	}
	im->stopped = import_markdown(im, &from, file->bytes);
	return im->stopped;
}

/* What stood in front of the damage is in; the report says where it ends. */
static enum err take_archive(struct import *im, struct response *res)
{
	const char *reason = NULL;
	struct import_origin whole = { .file = STR_NONE };

	enum err e = archive_read(im->req->body, take_member, im, &reason);
	if (e == OK || im->stopped != OK)
		return e;
	if (im->n_items + im->n_errors == 0) {
		res->problem_status = e == ERR_INVALID ? 400 : 0;
		return response_problem(res, e, "the archive cannot be read: %s", reason);
	}
	import_refuse(im, &whole, "the archive cannot be read further: %s", reason);
	return OK;
}

static enum err take_lines(struct import *im, struct response *res)
{
	struct import_origin from = { .line = 0 };
	struct str rest = im->req->body;
	uint32_t items = 0;

	while (rest.ptr != NULL) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		from.line++;
		if (line.len == 0)
			continue;
		if (items++ == IMPORT_ITEMS_MAX)
			return response_problem(res, ERR_TOO_LARGE,
			    "over %d lines; those before are in", IMPORT_ITEMS_MAX);
		enum err e = import_line(im, &from, line);
		if (e != OK)
			return e;
	}
	return OK;
}

static const struct {
	struct str type;
	enum err (*take)(struct import *im, struct response *res);
} bodies[] = {
	{ STR_INIT("text/markdown"), take_file },
	{ STR_INIT("text/x-markdown"), take_file },
	{ STR_INIT("application/x-ndjson"), take_lines },
	{ STR_INIT("application/ndjson"), take_lines },
	{ STR_INIT("application/jsonl"), take_lines },
};

enum err content_import(const struct request *req, struct response *res)
{
	struct import *im = arena_alloc(req->arena, sizeof(*im));
	enum err (*take)(struct import *, struct response *) = take_archive;

	for (size_t i = 0; i < COUNT(bodies); i++)
		if (str_eq(bodies[i].type, req->body_type))
			take = bodies[i].take;
	if (req->body.len == 0) {
		res->problem_status = 400;
		return response_problem(res, ERR_INVALID, "the body is empty: send a file");
	}
	import_begin(im, req, collection_named(request_query(req, "collection")));
	enum err e = take(im, res);
	if (e == OK) {
		struct json_writer w = response_writer(res);
		import_report(im, &w);
		response_json(res);
	}
	enum err ended = import_end(im, e == OK ? res : NULL);
	return e != OK ? e : ended;
}
