#include "http/page.h"

#include "base/crypto.h"

static const char style[] =
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;"
    "color:CanvasText}"
    "main{box-sizing:border-box;width:min(26rem,100vw);padding:2rem;border:1px solid #8885;border-radius:12px}"
    "h1{font-size:1.35rem;margin:0 0 1rem;overflow-wrap:anywhere}"
    "p,li{overflow-wrap:anywhere}"
    "ul{padding-left:1.2rem;margin:.5rem 0 1.5rem}"
    "label{display:block;margin:.9rem 0;font-size:.9rem}"
    "input{box-sizing:border-box;width:100%;margin-top:.25rem;padding:.6rem;font:inherit;"
    "border:1px solid #8888;border-radius:8px}"
    "button{width:100%;margin-top:.6rem;padding:.7rem;font:inherit;font-weight:600;cursor:pointer;"
    "border:1px solid #1f5fd0;border-radius:8px;background:#1f5fd0;color:#fff}"
    "button.plain{background:none;color:inherit;border-color:#8888}"
    "button:focus-visible,input:focus-visible{outline:3px solid #7aa7ff;outline-offset:1px}"
    ".wrong{color:#c62828;color:light-dark(#b3261e,#ff8a80);font-weight:600}"
    ".small{font-size:.8rem;opacity:.75}";

void page_open(struct buf *out, const char *title)
{
	BUF_LIT(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<meta name=\"robots\" content=\"noindex\"><title>");
	buf_add(out, str_of(title));
	BUF_LIT(out, "</title><style>");
	buf_add(out, str_of(style));
	BUF_LIT(out, "</style></head>\n<body><main>\n<h1>");
	buf_add(out, str_of(title));
	BUF_LIT(out, "</h1>\n");
}

void page_text(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '&':  BUF_LIT(out, "&amp;"); break;
		case '<':  BUF_LIT(out, "&lt;"); break;
		case '>':  BUF_LIT(out, "&gt;"); break;
		case '"':  BUF_LIT(out, "&quot;"); break;
		case '\'': BUF_LIT(out, "&#39;"); break;
		default:   buf_char(out, text.ptr[i]);
		}
	}
}

/* The style sheet is allowed by its hash (Content Security Policy 3, 6.7.3.2). */
static struct str policy(struct arena *a, struct str form_target)
{
	uint8_t    digest[SHA256_BYTES];
	struct str hash;

	crypto_sha256(str_of(style), digest);
	hash = crypto_base64(a, (struct str){ (const char *)digest, sizeof(digest) });
	return arena_printf(a, "default-src 'none'; style-src 'sha256-%.*s'; "
	    "form-action 'self'%s%.*s; frame-ancestors 'none'; base-uri 'none'", STR_ARG(hash),
	    form_target.len > 0 ? " " : "", STR_ARG(form_target));
}

void page_close(struct response *res, struct str form_target)
{
	BUF_LIT(&res->buffer, "</main></body></html>\n");
	res->body = buf_str(&res->buffer);
	res->content_type = STR("text/html; charset=utf-8");
	res->no_store = true;
	response_header(res, "Content-Security-Policy", policy(res->arena, form_target));
	response_header(res, "X-Frame-Options", STR("DENY"));
}
