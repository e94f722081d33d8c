#include "lambda/settings.h"

#include <stdlib.h>

static const struct {
	const char *name, *otherwise;
	size_t      offset;
	const char *help;               /* NULL: Lambda's own */
} settings[] = {
	{ "AWS_LAMBDA_RUNTIME_API", "", offsetof(struct lambda_settings, runtime_api), NULL },
	{ "LAMBDA_TASK_ROOT", ".", offsetof(struct lambda_settings, task_root), NULL },
	{ "LAMBDA_HANDLERS", "handlers", offsetof(struct lambda_settings, table),
	  "file with a line a prefix, \"PREFIX EXECUTABLE [ARGUMENT…]\"; from the package's root" },
	{ "LAMBDA_START", "request", offsetof(struct lambda_settings, start),
	  "when handlers start: request, each with its first, or init, all of them at once" },
	{ "LAMBDA_STREAM", "off", offsetof(struct lambda_settings, stream),
	  "on: replies in pieces, for a Function URL with InvokeMode RESPONSE_STREAM" },
	{ "LAMBDA_BASE_PATH", "", offsetof(struct lambda_settings, base_path),
	  "cut off the front of paths, where the event does not say so itself" },
	{ "LAMBDA_RUN_DIR", "/tmp/quiver", offsetof(struct lambda_settings, run_dir),
	  "folder for sockets, and STATE_DIR unless that is set" },
	{ "DEADLINE_MARGIN_MS", "500", offsetof(struct lambda_settings, margin),
	  "a handler that is silent so long before Lambda's deadline is answered for: 504" },
};

static bool read_choice(const char *value, const char *no, const char *yes, bool *out)
{
	*out = str_eq(str_of(value), str_of(yes));
	return *out || str_eq(str_of(value), str_of(no));
}

static enum err check(struct arena *a, struct lambda_settings *s, struct str *reason)
{
	struct str base = str_of(s->base_path);

	if (!read_choice(s->start, "request", "init", &s->start_all))
		*reason = arena_printf(a, "LAMBDA_START: \"%s\": expected request or init", s->start);
	else if (!read_choice(s->stream, "off", "on", &s->streams))
		*reason = arena_printf(a, "LAMBDA_STREAM: \"%s\": expected on or off", s->stream);
	else if (!str_to_i64(str_of(s->margin), &s->margin_ms) || s->margin_ms < 10 ||
	    s->margin_ms > 60000)
		*reason = arena_printf(a, "DEADLINE_MARGIN_MS: \"%s\": expected 10 to 60000", s->margin);
	else if (base.len > 0 && base.ptr[0] != '/')
		*reason = arena_printf(a, "LAMBDA_BASE_PATH: \"%s\": expected a path that begins with /",
		    s->base_path);
	else if (str_is_empty(str_of(s->runtime_api)))
		*reason = STR("AWS_LAMBDA_RUNTIME_API is not set: this is for Lambda to start, or "
		    "deploy/lambda/invoke");
	else
		return OK;
	return ERR_INVALID;
}

enum err lambda_settings_read(struct arena *a, struct lambda_settings *out, struct str *reason)
{
	*out = (struct lambda_settings){ 0 };
	for (size_t i = 0; i < COUNT(settings); i++) {
		const char *value = getenv(settings[i].name);
		if (value == NULL || value[0] == '\0')
			value = settings[i].otherwise;
		*(const char **)((char *)out + settings[i].offset) = value;
	}
	return check(a, out, reason);
}

void lambda_settings_help(struct buf *out)
{
	for (size_t i = 0; i < COUNT(settings); i++)
		if (settings[i].help != NULL)
			buf_printf(out, "  %-19s %s (%s)\n", settings[i].name, settings[i].help,
			    settings[i].otherwise[0] == '\0' ? "none" : settings[i].otherwise);
}
