/*
 * fixture: an app in a temporary state directory, and requests through the whole
 * pipeline without a web server.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/pipeline.h"
#include "tests/test.h"

#define FIXTURE_SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  /* a test key: bytes 0 to 31 */

struct fixture {
	char          dir[64];
	const char *const *settings;    /* "NAME=value", ended by NULL; may be NULL */
	struct app    app;
	struct worker worker;
	struct arena  arena;            /* of the test */
};

struct fixture_request {
	const char *method, *target;
	const char *headers[12];        /* "HTTP_IF_MATCH=…" or any CGI variable, ended by NULL */
	struct str  body;
};

struct fixture_reply {
	uint16_t   status;
	struct str head, body;          /* the test's arena's */
	bool       streamed;
};

static const char *fixture_setting(void *context, const char *name)
{
	const struct fixture *f = context;
	size_t len = strlen(name);

	for (size_t i = 0; f->settings != NULL && f->settings[i] != NULL; i++)
		if (strncmp(f->settings[i], name, len) == 0 && f->settings[i][len] == '=')
			return f->settings[i] + len + 1;
	if (strcmp(name, "STATE_DIR") == 0)
		return f->dir;
	return strcmp(name, "SECRET_KEY") == 0 ? FIXTURE_SECRET : NULL;
}

static void fixture_open(struct fixture *f, const struct handler *h, const char *const *settings)
{
	struct str reason = STR_NONE;
	struct buf problems;

	*f = (struct fixture){ .dir = "/tmp/quiver-test-XXXXXX", .settings = settings };
	assert_non_null(mkdtemp(f->dir));
	arena_init(&f->arena, ARENA_MAX_BYTES);
	buf_init(&problems, &f->arena, 65536);
	if (config_load(&f->app.config, fixture_setting, f, &problems) != OK)
		fail_msg("config: %s", buf_cstr(&problems));
	if (app_open(&f->app, h, &f->arena, &reason) != OK)
		fail_msg("app: %.*s", STR_ARG(reason));
	assert_int_equal(worker_open(&f->worker, &f->app, 0), OK);
}

static void fixture_close(struct fixture *f)
{
	worker_close(&f->worker);
	app_close(&f->app);
	DIR *d = opendir(f->dir);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(f->dir);
	arena_clean(&f->arena);
}

static long fixture_read(void *context, char *into, size_t most)
{
	struct str *rest = context;
	size_t n = rest->len < most ? rest->len : most;

	if (n > 0)
		memcpy(into, rest->ptr, n);
	*rest = str_from(*rest, n);
	return (long)n;
}

static bool fixture_sink(void *context, struct str bytes)
{
	buf_add(context, bytes);
	return true;
}

static void fixture_take(struct fixture *f, const struct reply *reply, struct fixture_reply *out)
{
	struct buf body;

	buf_init(&body, &f->arena, RESPONSE_MAX_BYTES);
	out->streamed = reply->stream != NULL;
	if (out->streamed) {
		struct body_sink sink = { &body, fixture_sink };
		reply->stream(reply->stream_context, &sink);
	} else {
		buf_add(&body, reply->body);
	}
	out->status = reply->status;
	out->head = arena_dup(&f->arena, reply->head);
	out->body = buf_str(&body);
}

static inline struct fixture_reply fixture_send(struct fixture *f, const struct fixture_request *r)
{
	struct cgi_variable list[20];
	struct fixture_reply out;
	struct str rest = r->body;
	char length[24];
	struct reply reply;
	size_t n = 0;

	snprintf(length, sizeof(length), "%zu", r->body.len);
	list[n++] = (struct cgi_variable){ STR("REQUEST_METHOD"), str_of(r->method) };
	list[n++] = (struct cgi_variable){ STR("REQUEST_URI"), str_of(r->target) };
	list[n++] = (struct cgi_variable){ STR("CONTENT_LENGTH"), str_of(length) };
	for (size_t i = 0; i < 12 && r->headers[i] != NULL; i++) {
		struct str value = str_of(r->headers[i]);
		struct str name = str_cut(&value, '=');
		list[n++] = (struct cgi_variable){ name, value };
	}
	struct cgi cgi = { list, n };
	struct body_source source = { &rest, fixture_read };
	http_handle(&f->worker, &cgi, &source, &reply);
	fixture_take(f, &reply, &out);
	http_finish(&f->worker, true);
	return out;
}

/* A header's value in a reply; STR_NONE when it is not there. */
static inline struct str fixture_header(const struct fixture_reply *r, const char *name)
{
	struct str rest = r->head;

	while (rest.ptr != NULL) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		struct str key = str_cut(&line, ':');
		if (str_eq_nocase(key, str_of(name)))
			return str_trim(line);
	}
	return STR_NONE;
}

/* The reply's JSON body, parsed. */
static inline const struct json *fixture_json(struct fixture *f, const struct fixture_reply *r)
{
	struct json_error error;
	const struct json *doc = NULL;

	if (json_parse(&f->arena, r->body, JSON_DEPTH_MAX, &doc, &error) != OK)
		fail_msg("line %u column %u: %s in %.*s", error.line, error.column, error.reason,
		    STR_ARG(r->body));
	return doc;
}

#endif
