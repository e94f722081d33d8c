/* Markdown files and lines of NDJSON, as objects with the API's names. */
#include "content/front_matter.h"
#include "content/import.h"
#include "content/import_map.h"

static enum import_kind kind_of(const struct collection *c)
{
	return c == &collection_projects ? IMPORT_PROJECTS :
	    c == &collection_certifications ? IMPORT_CERTIFICATIONS : IMPORT_BLOG;
}

static void refuse_front_matter(struct import *im, const struct import_origin *from,
    const struct front_matter_error *error)
{
	struct import_origin at = { from->file, error->line };

	if (error->column > 0)
		import_refuse(im, &at, "column %u: %s", error->column, error->reason);
	else
		import_refuse(im, &at, "%s", error->reason);
}

static enum err refuse_mapping(struct import *im, const struct import_origin *from, enum err e,
    const struct import_error *error)
{
	if (e == ERR_INVALID)
		import_refuse(im, from, "%s%s%s", error->field, error->field[0] == '\0' ? "" : ": ",
		    error->reason);
	else if (e == ERR_TOO_LARGE || e == ERR_NO_MEMORY)
		import_refuse(im, from, "it is too large");
	else
		return e;
	return OK;
}

enum err import_markdown(struct import *im, const struct import_origin *from, struct str file)
{
	struct front_matter_error broken = { 0 };
	struct import_error unfit = { .field = "" };
	struct json_error malformed;
	struct front_matter fm;
	const struct json *object;
	struct str fields;

	arena_reset(&im->arena);
	enum err e = front_matter_read(&im->arena, file, &fm, &broken);
	if (e == ERR_INVALID) {
		refuse_front_matter(im, from, &broken);
		return OK;
	}
	if (e != OK)
		return refuse_mapping(im, from, e, &unfit);
	const struct collection *c = collection_named(json_get_string(fm.document, "collection"));
	struct import_file source = { from->file.ptr == NULL ? STR("") : from->file, fm.document,
		fm.body };
	e = import_map(&im->arena, kind_of(c != NULL ? c : im->collection), &source, &fields,
	    &unfit);
	if (e == OK)
		e = json_parse(&im->arena, fields, JSON_DEPTH_MAX, &object, &malformed);
	if (e != OK)
		return refuse_mapping(im, from, e, &unfit);
	return import_object(im, from, object, fm.document);
}

enum err import_line(struct import *im, const struct import_origin *from, struct str line)
{
	struct json_error error;
	const struct json *object;

	arena_reset(&im->arena);
	if (line.len > IMPORT_LINE_MAX_BYTES) {
		import_refuse(im, from, "the line is over %u bytes", IMPORT_LINE_MAX_BYTES);
		return OK;
	}
	enum err e = json_parse(&im->arena, line, JSON_DEPTH_MAX, &object, &error);
	if (e == ERR_INVALID)
		import_refuse(im, from, "not JSON: column %u: %s", error.column, error.reason);
	else if (e == OK && json_type(object) != JSON_OBJECT)
		import_refuse(im, from, "must be an object");
	else if (e == ERR_NO_MEMORY)
		import_refuse(im, from, "it is too large");
	else
		return e != OK ? e : import_object(im, from, object, object);
	return OK;
}
