/*
 * http_client_rig: a client, and a server that the test is.
 */
#ifndef TESTS_HTTP_CLIENT_RIG_H
#define TESTS_HTTP_CLIENT_RIG_H

#include "net/http_client.h"

#include "base/limits.h"
#include "http_server.h"

struct rig {
	struct http_server *server;
	struct http_client *client;
	struct metrics     *metrics;
	struct arena        a;
	struct http_reply   reply;
	struct str          reason;
};

static inline void rig_open(struct rig *r, http_server_answer *answer)
{
	*r = (struct rig){ .server = http_server_start(answer, r, NULL) };
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	r->client = http_client_new(r->metrics, STR_NONE);
	arena_init(&r->a, ARENA_MAX_BYTES);
}

static inline void rig_close(struct rig *r)
{
	http_client_free(r->client);
	http_server_stop(r->server);
	metrics_close(r->metrics);
	arena_clean(&r->a);
}

static inline struct str url(struct rig *r, const char *path)
{
	return arena_printf(&r->a, "http://127.0.0.1:%u%s", r->server->port, path);
}

static inline enum err send_call(struct rig *r, const struct http_call *call)
{
	return http_client_call(r->client, &r->a, call, &r->reply, &r->reason);
}

static inline enum err get(struct rig *r, const char *path)
{
	return send_call(r, &(struct http_call){ .url = url(r, path) });
}

static inline bool asks(const struct http_peer *p, const char *start)
{
	return str_starts(str_of(p->request), str_of(start));
}

static inline bool answer_hello(struct http_peer *p)
{
	http_peer_reply(p, 201, "X-One:  first \r\nX-One: second\r\nX-Empty:\r\n", STR("hello"));
	return true;
}

#endif
