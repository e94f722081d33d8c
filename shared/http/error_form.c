#include "http/error_form.h"

#include "http/page.h"

#define DESCRIPTION_MAX_BYTES 1024

static const char *oauth_code(const struct response *res)
{
	if (res->oauth_error != NULL)
		return res->oauth_error;
	if (res->status == 401)
		return "invalid_client";
	if (res->status == 429 || res->status == 503)
		return "temporarily_unavailable";
	return res->status >= 500 ? "server_error" : "invalid_request";
}

/* What the client sent wrong is a 400 to it, whatever it was. */
static uint16_t oauth_status(uint16_t status)
{
	return status >= 500 || status == 401 || status == 403 || status == 429 ? status : 400;
}

/* The text with nothing in it but what error_description may have. */
static void add_plain(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '\\')
			c = '?';
		buf_char(out, c == '"' ? '\'' : c);
	}
}

static struct str description(struct response *res, const struct problem_kind *kind)
{
	struct buf out;

	buf_init(&out, res->arena, DESCRIPTION_MAX_BYTES);
	if (res->errors.count > 0) {
		add_plain(&out, str_from(res->errors.list[0].pointer, 1));
		buf_char(&out, ' ');
		add_plain(&out, res->errors.list[0].detail);
	} else {
		add_plain(&out, res->detail.ptr != NULL ? res->detail : str_of(kind->meaning));
	}
	return buf_str(&out);
}

void oauth_error_write(struct response *res, const struct problem_kind *kind)
{
	struct json_writer w;

	json_begin(&w, &res->buffer);
	res->status = oauth_status(res->status);
	json_object_open(&w);
	json_member_string(&w, "error", str_of(oauth_code(res)));
	json_member_string(&w, "error_description", description(res, kind));
	json_object_close(&w);
	res->content_type = STR("application/json");
}

void error_page_write(const struct request *req, struct response *res,
    const struct problem_kind *kind)
{
	struct buf *out = &res->buffer;

	page_open(out, kind->title);
	BUF_LIT(out, "<p>");
	page_text(out, res->detail.ptr != NULL ? res->detail : str_of(kind->meaning));
	BUF_LIT(out, "</p>\n");
	for (size_t i = 0; i < res->errors.count && i < FIELD_ERRORS_MAX; i++) {
		BUF_LIT(out, "<p><b>");
		page_text(out, str_from(res->errors.list[i].pointer, 1));
		BUF_LIT(out, "</b> ");
		page_text(out, res->errors.list[i].detail);
		BUF_LIT(out, "</p>\n");
	}
	BUF_LIT(out, "<p class=\"small\">");
	page_text(out, req->id);
	BUF_LIT(out, "</p>\n");
	res->n_headers = 0;             /* what an endpoint had set is not of this page */
	page_close(res, STR_NONE);
}
