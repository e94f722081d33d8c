#include "auth/endpoints.h"

#include "base/time.h"

struct session_page {
	struct json_writer writer;
	struct str         after, last; /* ids: the cursor's, and of the last item put */
	uint32_t           items, limit;
	bool               more;
};

static void put_time(struct json_writer *w, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(ms, text);
	json_member_string(w, name, str_of(text));
}

/* Unknown (a unix socket, no User-Agent) is null. */
static void put_text(struct json_writer *w, const char *name, struct str text)
{
	json_member_string(w, name, text.len > 0 ? text : STR_NONE);
}

/* Newest first, and ids rise with time: a page begins below the last one's. */
static bool put_session(void *context, const struct identity_session *s)
{
	struct session_page *p = context;

	if (p->after.ptr != NULL && str_compare(s->id, p->after) >= 0)
		return true;
	if (p->items == p->limit) {
		p->more = true;
		return false;
	}
	p->items++;
	p->last = s->id;
	json_object_open(&p->writer);
	json_member_string(&p->writer, "id", s->id);
	put_time(&p->writer, "created_at", s->created_ms);
	put_time(&p->writer, "used_at", s->used_ms);
	put_text(&p->writer, "address", s->address);
	put_text(&p->writer, "agent", s->agent);
	put_text(&p->writer, "client_id", s->client);
	put_text(&p->writer, "client_name", s->client_name);
	json_member_bool(&p->writer, "current", s->current);
	json_object_close(&p->writer);
	return true;
}

enum err auth_sessions(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct session_page  p = { .after = req->cursor, .limit = req->limit,
		.writer = response_page_open(res) };
	enum err e = IDENTITY_CALL(&k, sessions, &req->principal, put_session, &p);

	if (e != OK)
		return auth_gone(res, e);
	response_page_close(req, res, &p.writer, p.last, p.more);
	response_etag_of_body(res);
	return OK;
}

enum err auth_session_end(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = IDENTITY_CALL(&k, session_end, &req->principal,
	    request_parameter(req, "id"));

	if (e == ERR_NOT_FOUND)
		return response_problem(res, e, "there is no such session");
	return e;
}
