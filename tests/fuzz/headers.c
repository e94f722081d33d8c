/*
 * Request headers of any bytes through the whole pipeline: an input is a value a
 * line, in the order of the table below.  Whatever comes, the reply has a head
 * of well-formed lines, nobody becomes a principal, and who is no proxy cannot
 * say who the client is.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/address.h"
#include "base/id.h"
#include "http/pipeline.h"
#include "http/trace.h"
#include "log/log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const variables[] = {
	"REMOTE_ADDR", "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP",
	"HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_X_REQUEST_ID", "HTTP_AUTHORIZATION",
	"HTTP_COOKIE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_ORIGIN", "HTTP_HOST",
	"HTTP_X_FORWARDED_FOR", "HTTP_TRACEPARENT", "HTTP_TRACESTATE",
};

static const char *const settings[][2] = {
	{ "SECRET_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
	{ "TRUSTED_PROXIES", "10.0.0.0/8 2001:db8:ffff::/48 unix" },
	{ "CORS_ORIGINS", "https://app.example" },
	{ "METRICS_TOKEN", "0123456789abcdef0123456789abcdef" },
	{ "LOG_LEVEL", "error" },
};

static char          state_dir[] = "/tmp/quiver-fuzz-XXXXXX";
static struct app    app;
static struct worker worker;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static enum err answer(const struct request *req, struct response *res)
{
	require(req->principal.kind == PRINCIPAL_ANONYMOUS);
	response_etag(res, STR("fuzz"), 1, "");
	res->modified_ms = 1700000000000;
	response_body(res, STR("{}"));
	return OK;
}

static enum err refuse(const struct request *req, struct response *res)
{
	(void)req;
	(void)res;
	abort();
}

static const struct route routes[] = {
	{ GET, "/open", answer, SCOPE_CONTENT_READ, .exempt = true, .caching = CACHE_PUBLIC,
	  .summary = "Anyone may" },
	{ GET, "/closed", refuse, SCOPE_PROFILE, .exempt = true, .summary = "No input may" },
};

static const struct handler handler = {
	.name = "fuzz", .routes = routes, .n_routes = COUNT(routes), .needs = NEEDS_STORE,
};

static const char *setting(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "STATE_DIR") == 0)
		return state_dir;
	for (size_t i = 0; i < COUNT(settings); i++)
		if (strcmp(name, settings[i][0]) == 0)
			return settings[i][1];
	return NULL;
}

static void close_app(void)
{
	DIR *d = opendir(state_dir);

	worker_close(&worker);
	app_close(&app);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(state_dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct str reason = STR_NONE;
	struct arena a;
	struct buf problems;

	(void)argc;
	(void)argv;
	arena_init(&a, 16u << 20);
	buf_init(&problems, &a, 65536);
	require(mkdtemp(state_dir) != NULL);
	require(config_load(&app.config, setting, NULL, &problems) == OK);
	log_open(&app.config, handler.name);
	require(app_open(&app, &handler, &a, &reason) == OK);
	require(worker_open(&worker, &app, 0) == OK);
	arena_clean(&a);
	atexit(close_app);
	return 0;
}

static long no_body(void *context, char *into, size_t most)
{
	(void)context;
	(void)into;
	(void)most;
	return 0;
}

/* RFC 9112, 5: a name, a colon, a value without control bytes. */
static void check_line(struct str line)
{
	size_t colon = str_index(line, ':');

	require(colon > 0 && colon < line.len);
	for (size_t i = 0; i < colon; i++)
		require(line.ptr[i] > ' ' && line.ptr[i] < 0x7F);
	for (size_t i = colon; i < line.len; i++)
		require((unsigned char)line.ptr[i] >= ' ' && line.ptr[i] != 0x7F);
}

static void check_head(struct str head)
{
	require(str_starts(head, STR("Status: ")) && str_ends(head, STR("\r\n\r\n")));
	head = str_first(head, head.len - 4);
	while (head.ptr != NULL) {
		struct str line = str_cut(&head, '\n');
		if (head.ptr != NULL) {
			require(str_ends(line, STR("\r")));
			line.len--;
		}
		check_line(line);
	}
}

static uint16_t send_request(const char *path, struct cgi_variable *list, size_t n)
{
	struct body_source body = { NULL, no_body };
	struct reply reply;

	list[n++] = (struct cgi_variable){ STR("REQUEST_METHOD"), STR("GET") };
	list[n++] = (struct cgi_variable){ STR("REQUEST_URI"), str_of(path) };
	struct cgi cgi = { list, n };
	http_handle(&worker, &cgi, &body, &reply);
	check_head(reply.head);
	uint16_t status = reply.status;
	http_finish(&worker, true);
	return status;
}

static void check_address(struct arena *a, const struct str values[4])
{
	static const struct address_ranges nobody;
	struct address_ranges proxies;
	struct str bad, client;
	struct address_headers headers = { values[2], values[1], values[3] };
	struct address address, peer;
	char canonical[ADDRESS_TEXT_SIZE];

	require(address_ranges_parse(STR("10.0.0.0/8 unix"), &proxies, &bad) == OK);
	client = address_of_client(a, values[0], &proxies, &headers);
	if (client.len > 0) {
		require(address_parse(client, &address));
		address_format(&address, canonical);
		require(str_eq(client, str_of(canonical)));
	}
	client = address_of_client(a, values[0], &nobody, &headers);
	require((client.len > 0) == address_parse(values[0], &peer));
	if (client.len > 0) {
		address_format(&peer, canonical);
		require(str_eq(client, str_of(canonical)));
	}
}

static void check_trace(struct arena *a, struct str parent, struct str state)
{
	struct trace first, second;

	trace_continue(a, &parent, 1, &state, 1, &first);
	require(first.traceparent.len == 55 && first.trace_id.len == 32 && first.span.len == 16);
	require(first.state.ptr == NULL || first.parent.ptr != NULL);
	/* What goes out is well-formed: the next one continues it and changes nothing. */
	trace_continue(a, &first.traceparent, 1, &first.state, first.state.ptr == NULL ? 0 : 1, &second);
	require(str_eq(second.trace_id, first.trace_id) && str_eq(second.parent, first.span));
	require(str_eq(second.flags, first.flags) && str_eq(second.state, first.state));
}

static void check_id(struct arena *a, struct str given)
{
	struct str id = trace_request_id(a, given, 1700000000000);

	require(str_eq(id, given) || id_is_uuid(id));
	require(id.len > 0 && id.len <= REQUEST_ID_MAX && !str_has_control(id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { size == 0 ? "" : (const char *)data, size };
	struct str values[COUNT(variables)] = { 0 };
	struct cgi_variable list[COUNT(variables) + 2];
	size_t n = 0;
	struct arena a;

	arena_init(&a, 16u << 20);
	for (size_t i = 0; i < COUNT(variables) && rest.ptr != NULL; i++) {
		values[i] = str_cut(&rest, '\n');
		list[n++] = (struct cgi_variable){ str_of(variables[i]), values[i] };
	}
	check_address(&a, values);
	check_trace(&a, values[4], values[5]);
	check_id(&a, values[6]);
	uint16_t status = send_request("/open", list, n);
	require(status == 200 || status == 304 || status == 401);
	status = send_request("/closed", list, n);
	require(status == 401);
	arena_clean(&a);
	return 0;
}
