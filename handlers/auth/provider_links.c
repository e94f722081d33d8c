/*
 * provider_links: what an account is linked to, for its owner.
 */
#include "auth/endpoints.h"
#include "auth/provider_link.h"
#include "base/time.h"

struct listing {
	struct json_writer w;
	struct str         last;
	uint32_t           count, limit;
	bool               more;
};

static bool list_one(void *context, const struct provider_linked *linked)
{
	struct listing *l = context;
	char            text[TIME_RFC3339_SIZE];

	l->more = l->count == l->limit;
	if (l->more)
		return false;
	l->count++;
	l->last = linked->provider;
	time_to_rfc3339(linked->linked_ms, text);
	json_object_open(&l->w);
	json_member_string(&l->w, "provider", linked->provider);
	json_member_string(&l->w, "subject", linked->subject);
	json_member_string(&l->w, "linked_at", str_of(text));
	json_object_close(&l->w);
	return true;
}

enum err provider_links_list(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct listing       l = { .limit = req->limit, .w = response_page_open(res) };
	enum err             e = provider_link_each(&k, req->principal.id, req->cursor, list_one, &l);

	if (e != OK)
		return e;
	response_page_close(req, res, &l.w, l.last, l.more);
	response_etag_of_body(res);
	return OK;
}

/* Sign-in by password stays, and one who has none chooses it by mail.  Whoever has the
 * address at the provider links it again by signing in there. */
enum err provider_links_remove(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = provider_link_remove(&k, req->principal.id,
	    request_parameter(req, "provider"));

	if (e == ERR_NOT_FOUND)
		return response_problem(res, e, "the account is not linked to this provider");
	return e;
}
