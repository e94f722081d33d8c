#include "net/aws_exchange.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"

#define IDLE_S          30L             /* the other side closes some time after this */
#define LIFETIME_S      600L            /* so that calls spread over what the name resolves to */
#define KEEPALIVE_S     15L
#define CONNECT_MS      2000            /* of an attempt: to a service of the same region */

struct aws_exchange {
	const char *url, *ca_file;
	const struct curl_library *curl;
	CURL       *handle;             /* NULL until the first POST */
	int64_t     used_ms;            /* by the wall clock */
	char        message[CURL_ERROR_SIZE];
	/* of the POST that is under way */
	const struct aws_post *post;
	struct aws_answer     *answer;
	size_t      head_bytes;
	unsigned    sends;
	bool        too_large;
};

struct aws_exchange *aws_exchange_new(const char *url, const char *ca_file)
{
	struct aws_exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	x->url = url;
	x->ca_file = ca_file;
	return x;
}

void aws_exchange_free(struct aws_exchange *x)
{
	if (x == NULL)
		return;
	if (x->handle != NULL)
		x->curl->easy_cleanup(x->handle);
	free(x);
}

/* --- what comes --------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
	struct aws_exchange *x = context;
	struct buf *reply = x->post->reply;

	(void)size;                     /* 1, always */
	if (n > reply->max_bytes - reply->len) {
		x->too_large = true;
		return 0;
	}
	buf_bytes(reply, bytes, n);
	return buf_failed(reply) ? 0 : n;
}

static void take_line(struct aws_answer *answer, struct str name, struct str value)
{
	uint64_t n = 0;

	if (str_eq_nocase(name, STR("x-amz-crc32"))) {
		answer->has_crc = str_to_u64(value, &n) && n <= UINT32_MAX;
		answer->crc = (uint32_t)n;
	} else if (str_eq_nocase(name, STR("date")) && value.len < sizeof(answer->date)) {
		memcpy(answer->date, value.ptr, value.len);
		answer->date[value.len] = '\0';
	}
}

static size_t take_header(char *bytes, size_t size, size_t n, void *context)
{
	struct aws_exchange *x = context;
	struct str rest = { bytes, n };

	(void)size;
	x->head_bytes += n;
	x->too_large = x->head_bytes > HTTP_HEAD_MAX_BYTES;
	struct str name = str_cut(&rest, ':');
	if (rest.ptr != NULL)
		take_line(x->answer, str_trim(name), str_trim(rest));
	return x->too_large ? 0 : n;
}

/* Just before the request goes out, each time it does. */
static int before_send(void *context, char *to, char *from, int to_port, int from_port)
{
	struct aws_exchange *x = context;

	(void)to, (void)from, (void)to_port, (void)from_port;
	if (x->post->once && x->sends > 0)
		return CURL_PREREQFUNC_ABORT;
	x->sends++;
	return CURL_PREREQFUNC_OK;
}

/* --- what goes ---------------------------------------------------------------------- */

static bool set_callbacks(struct curl_options *o, struct aws_exchange *x)
{
	const struct curl_library *curl = o->curl;

	curl_set_pointer(o, CURLOPT_WRITEDATA, x);
	curl_set_pointer(o, CURLOPT_HEADERDATA, x);
	curl_set_pointer(o, CURLOPT_PREREQDATA, x);
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK;
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK;
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_PREREQFUNCTION, before_send) != CURLE_OK;
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_ERRORBUFFER, x->message) != CURLE_OK;
	return !o->failed;
}

/* Once a handle. */
static bool open_handle(struct aws_exchange *x)
{
	x->curl = curl_library();
	x->handle = x->curl == NULL ? NULL : x->curl->easy_init();
	if (x->handle == NULL)
		return false;
	struct curl_options o = { x->curl, x->handle, false };
	curl_set_http_bounds(&o, x->ca_file);
	curl_set_text(&o, CURLOPT_URL, x->url);
	curl_set_long(&o, CURLOPT_POST, 1);
	curl_set_long(&o, CURLOPT_MAXCONNECTS, 1);
	curl_set_long(&o, CURLOPT_MAXAGE_CONN, IDLE_S);
	curl_set_long(&o, CURLOPT_MAXLIFETIME_CONN, LIFETIME_S);
	curl_set_long(&o, CURLOPT_TCP_KEEPALIVE, 1);
	curl_set_long(&o, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	curl_set_long(&o, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
	if (set_callbacks(&o, x))
		return true;
	x->curl->easy_cleanup(x->handle);
	x->handle = NULL;
	return false;
}

static bool set_post(struct aws_exchange *x, const struct aws_post *post)
{
	struct curl_options o = { x->curl, x->handle, false };
	int64_t idle_ms = time_now_ms() - x->used_ms;

	curl_set_pointer(&o, CURLOPT_HTTPHEADER, post->lines);
	curl_set_text(&o, CURLOPT_POSTFIELDS, post->body.len == 0 ? "" : post->body.ptr);
	o.failed |= x->curl->easy_setopt(x->handle, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)post->body.len) != CURLE_OK;
	curl_set_deadline(&o, (long)post->timeout_ms, CONNECT_MS);
	/* libcurl knows the steady clock alone. */
	curl_set_long(&o, CURLOPT_FRESH_CONNECT, idle_ms < 0 || idle_ms > IDLE_S * 1000);
	return !o.failed;
}

static enum err result(const struct aws_exchange *x, CURLcode code)
{
	if (code == CURLE_OK)
		return OK;
	if (x->too_large)
		return ERR_TOO_LARGE;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_TIMEOUT;
	if (code == CURLE_OUT_OF_MEMORY || buf_failed(x->post->reply))
		return ERR_NO_MEMORY;
	return ERR_UNAVAILABLE;
}

static const char *message_of(const struct aws_exchange *x, CURLcode code)
{
	if (x->too_large)
		return "the reply is over its bound";
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return "the connection was closed before an answer";
	return x->message[0] != '\0' ? x->message : x->curl->easy_strerror(code);
}

enum err aws_exchange_post(struct aws_exchange *x, const struct aws_post *post,
    struct aws_answer *answer)
{
	long status = 0, connects = 0;

	*answer = (struct aws_answer){ .message = "libcurl.so.4 cannot be used" };
	if (x->handle == NULL && !open_handle(x))
		return ERR_UNAVAILABLE;
	buf_reset(post->reply);
	x->post = post;
	x->answer = answer;
	x->head_bytes = x->sends = 0;
	x->too_large = false;
	x->message[0] = '\0';
	CURLcode code = set_post(x, post) ? x->curl->easy_perform(x->handle) : CURLE_UNKNOWN_OPTION;
	x->used_ms = time_now_ms();
	answer->sent = x->sends > 0;
	answer->resent = x->sends > 1;
	x->curl->easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	x->curl->easy_getinfo(x->handle, CURLINFO_NUM_CONNECTS, &connects);
	answer->status = code == CURLE_OK ? (uint16_t)status : 0;
	answer->reused = connects == 0;
	enum err e = result(x, code);
	answer->message = e == OK ? "" : message_of(x, code);
	return e;
}
