#include "net/aws_client.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/crc32.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"
#include "log/log.h"
#include "net/aws_exchange.h"
#include "net/aws_retry.h"
#include "net/aws_sign.h"
#include "net/http_url.h"
#include "net/outgoing.h"

#define NS_PER_MS           UINT64_C(1000000)
#define ATTEMPT_LEAST_MS    100         /* a try again is not begun with less */
#define ATTEMPT_MIN_MS      500         /* less is not worth leaving time for another */
#define SKEW_MAX_MS         240000      /* AWS takes 5 minutes; so far off, it is the clock */
#define LINES_MAX           10
#define HEAD_MAX_BYTES      32768       /* all header lines that we write */
#define TEXT_MAX_BYTES      512         /* of a traceparent, and of the message in a reply */
#define WORK_MAX_BYTES      (64u << 20) /* a refusal of 16 MB as a tree */

struct aws_service {
	struct aws_credentials *credentials;
	struct metrics         *metrics;
	char                   *name, *target, *region, *url, *host, *ca_file;
	struct aws_budget       budget;
	_Atomic int64_t         skew_ms;        /* the service's clock less ours */
};

struct aws_client {
	struct aws_service  *service;
	struct aws_exchange *exchange;
	struct aws_keys      keys;
	struct aws_signer    signer;
	struct arena         work;              /* of one call */
	uint64_t             random;
};

/* --- a service ---------------------------------------------------------------------- */

static char *copy(struct str s)
{
	char *text = strndup(s.len == 0 ? "" : s.ptr, s.len);

	if (text == NULL)
		abort();
	return text;
}

/* The Host header as libcurl would write it: the port only when it is not the scheme's. */
static struct str host_of(struct arena *a, const struct http_url *url)
{
	bool https = str_starts(url->origin, STR("https:"));

	if (str_eq(url->port, https ? STR("443") : STR("80")))
		return url->host;
	return arena_printf(a, "%.*s:%.*s", STR_ARG(url->host), STR_ARG(url->port));
}

static enum err take_endpoint(struct arena *a, const struct aws_service_options *o,
    struct aws_service *s, struct str *reason)
{
	const struct curl_library *curl = curl_library();
	struct str text = o->endpoint;
	struct http_url url;

	if (str_is_empty(text))
		text = arena_printf(a, "https://%s.%.*s.amazonaws.com", o->name, STR_ARG(o->region));
	while (str_ends(text, STR("/")))
		text.len--;
	*reason = STR("libcurl.so.4 is not installed");
	if (curl == NULL)
		return ERR_UNAVAILABLE;
	enum err e = http_url_parse(curl, a, text, o->plain_http, &url, reason);
	if (e != OK)
		return e;
	struct str path = str_from(text, str_index(text, ':') + strlen("://"));
	bool bare = !str_contains(path, STR("/")) && !str_contains(path, STR("?")) &&
	    !str_contains(path, STR("#"));
	s->host = copy(host_of(a, &url));
	s->url = copy(arena_printf(a, "%.*s/", STR_ARG(text)));
	http_url_clean(curl, &url);
	*reason = STR("an endpoint is http(s)://HOST[:PORT] and nothing more");
	return bare ? OK : ERR_INVALID;
}

enum err aws_service_new(struct arena *a, const struct aws_service_options *o,
    struct aws_service **out, struct str *reason)
{
	*reason = STR("AWS_REGION is missing");
	if (str_is_empty(o->region))
		return ERR_INVALID;
	struct aws_service *s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->credentials = o->credentials;
	s->metrics = o->metrics;
	s->name = copy(str_of(o->name));
	s->target = copy(str_of(o->target));
	s->region = copy(o->region);
	s->ca_file = str_is_empty(o->ca_file) ? NULL : copy(o->ca_file);
	aws_budget_init(&s->budget);
	enum err e = take_endpoint(a, o, s, reason);
	if (e != OK) {
		aws_service_free(s);
		return e;
	}
	*out = s;
	return OK;
}

void aws_service_free(struct aws_service *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->target);
	free(s->region);
	free(s->url);
	free(s->host);
	free(s->ca_file);
	free(s);
}

struct aws_client *aws_client_new(struct aws_service *s)
{
	struct aws_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->service = s;
	c->exchange = aws_exchange_new(s->url, s->ca_file);
	c->signer.service = str_of(s->name);
	c->signer.region = str_of(s->region);
	arena_init(&c->work, WORK_MAX_BYTES);
	id_random(&c->random, sizeof(c->random));
	return c;
}

void aws_client_free(struct aws_client *c)
{
	if (c == NULL)
		return;
	aws_exchange_free(c->exchange);
	arena_reset_wiped(&c->work);
	arena_clean(&c->work);
	aws_keys_wipe(&c->keys);
	aws_signer_wipe(&c->signer);
	free(c);
}

/* --- what goes ---------------------------------------------------------------------- */

/* Header lines one behind the other in a buffer that does not move. */
struct head {
	struct buf        text;
	struct curl_slist lines[LINES_MAX];
	size_t            n_lines;
};

static void end_line(struct head *h, size_t start)
{
	struct curl_slist *line = &h->lines[h->n_lines];

	buf_char(&h->text, '\0');
	*line = (struct curl_slist){ .data = h->text.ptr + start };
	if (h->n_lines > 0)
		h->lines[h->n_lines - 1].next = line;
	h->n_lines++;
}

static void add_line(struct head *h, const char *name, struct str value)
{
	size_t start = h->text.len;

	buf_add(&h->text, str_of(name));
	BUF_LIT(&h->text, ": ");
	buf_add(&h->text, value);
	end_line(h, start);
}

/* A header of libcurl's that is not to be sent. */
static void add_none(struct head *h, const char *text)
{
	size_t start = h->text.len;

	buf_add(&h->text, str_of(text));
	end_line(h, start);
}

static void add_trace(struct head *h, const char *name, struct str value)
{
	if (value.len > 0 && value.len <= TEXT_MAX_BYTES && !str_has_control(value))
		add_line(h, name, value);
}

static bool make_head(struct aws_client *c, const struct aws_call *call, struct head *h)
{
	struct aws_service *s = c->service;
	char date[AWS_DATE_SIZE];

	buf_init(&h->text, &c->work, HEAD_MAX_BYTES);
	h->n_lines = 0;
	if (!buf_reserve(&h->text, HEAD_MAX_BYTES))
		return false;
	struct str target = arena_printf(&c->work, "%s.%s", s->target, call->operation);
	size_t start = h->text.len;
	BUF_LIT(&h->text, "Authorization: ");
	aws_sign(&c->signer, &c->keys, &(struct aws_request){
		.host = str_of(s->host), .target = target, .body = call->body,
		.now_ms = time_now_ms() + atomic_load(&s->skew_ms),
	}, date, &h->text);
	end_line(h, start);
	add_line(h, "X-Amz-Date", str_of(date));
	if (c->keys.session[0] != '\0')
		add_line(h, "X-Amz-Security-Token", str_of(c->keys.session));
	add_line(h, "X-Amz-Target", target);
	add_line(h, "Content-Type", STR(AWS_JSON));
	add_line(h, "Host", str_of(s->host));
	add_trace(h, "traceparent", call->traceparent);
	add_trace(h, "tracestate", call->tracestate);
	add_none(h, "Expect:");         /* no waiting for a 100 */
	add_none(h, "Accept:");
	return !buf_failed(&h->text);
}

/* --- what comes --------------------------------------------------------------------- */

struct attempt {
	enum aws_cause cause;
	enum err       err;             /* of those that have no cause: the bound, memory */
	bool           unclear;
	struct aws_answer answer;
};

/* Letters alone: it stands in logs. */
static bool is_error(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char low = (char)(s.ptr[i] | 0x20);
		if (low < 'a' || low > 'z')
			return false;
	}
	return s.len > 0 && s.len <= TEXT_MAX_BYTES;
}

/* Type and message of a refusal; false: it is none of the service's. */
static bool read_refusal(struct aws_client *c, struct aws_reply *reply)
{
	struct json_error error;
	const struct json *doc = NULL;

	if (json_parse(&c->work, reply->body, JSON_DEPTH_MAX, &doc, &error) != OK)
		return false;
	struct str type = json_get_string(doc, "__type");
	size_t mark = str_index(type, '#');
	if (mark < type.len)
		type = str_from(type, mark + 1);
	if (!is_error(type))
		return false;
	reply->error = arena_dup(&c->work, type);
	struct str message = json_get_string(doc, "message");
	if (message.ptr == NULL)
		message = json_get_string(doc, "Message");
	reply->message = arena_dup(&c->work, str_first(message, TEXT_MAX_BYTES));
	return true;
}

/* Whether the bytes are those that were sent, and JSON as far as a look tells.  Where
 * nothing vouches for them (other implementations send no checksum), all of them are read. */
static bool is_whole(struct aws_client *c, const struct aws_answer *answer, struct str body)
{
	struct json_error error;
	const struct json *doc;

	if (answer->has_crc)
		return crc32_of(body) == answer->crc && body.len > 0 && body.ptr[0] == '{';
	return json_parse(&c->work, body, JSON_DEPTH_MAX, &doc, &error) == OK &&
	    json_type(doc) == JSON_OBJECT;
}

/* Our time is the service's from here on; false: it was already, or nobody knows it. */
static bool set_clock(struct aws_service *s, const struct aws_answer *answer)
{
	int64_t theirs, skew = atomic_load(&s->skew_ms);

	if (!time_from_http(str_of(answer->date), &theirs))
		return false;
	int64_t found = theirs - time_now_ms();
	int64_t off = found - skew;
	if (off > -SKEW_MAX_MS && off < SKEW_MAX_MS)
		return false;
	atomic_store(&s->skew_ms, found);
	return true;
}

/* What came, and is no answer of the service's: something else stands between. */
static void judge_garbage(struct attempt *t)
{
	t->cause = t->answer.status == 429 ? AWS_CAUSE_THROTTLED :
	    t->answer.status >= 500 ? AWS_CAUSE_SERVER : AWS_CAUSE_GARBAGE;
	t->unclear = t->cause != AWS_CAUSE_THROTTLED;
}

static void judge_refusal(struct aws_client *c, struct attempt *t, const struct aws_reply *reply)
{
	t->cause = aws_cause_of(t->answer.status, reply->error);
	/* The other one with the same token may still be done. */
	t->unclear = t->cause == AWS_CAUSE_SERVER ||
	    str_eq(reply->error, STR("TransactionInProgressException"));
	if (t->cause == AWS_CAUSE_CLOCK && !set_clock(c->service, &t->answer))
		t->cause = AWS_CAUSE_FORBIDDEN;
}

static void judge(struct aws_client *c, struct attempt *t, enum err e, struct aws_reply *reply)
{
	if (e == ERR_TOO_LARGE || e == ERR_NO_MEMORY) {
		t->err = e;
		t->unclear = true;
	} else if (e != OK) {
		t->cause = e == ERR_TIMEOUT ? AWS_CAUSE_TIMEOUT : AWS_CAUSE_CONNECTION;
		t->unclear = t->answer.sent;
	} else if (!is_whole(c, &t->answer, reply->body)) {
		judge_garbage(t);
	} else if (t->answer.status != 200) {
		if (read_refusal(c, reply))
			judge_refusal(c, t, reply);
		else
			judge_garbage(t);
	}
}

/* --- one attempt -------------------------------------------------------------------- */

/* An idempotent call leaves time for another attempt: a connection that died without a
 * word answers no more than half of it. */
static uint64_t attempt_ms(const struct aws_call *call, uint64_t now)
{
	uint64_t left = (call->deadline_ns - now) / NS_PER_MS + 1;

	return call->idempotent && left / 2 >= ATTEMPT_MIN_MS ? left / 2 : left;
}

static void count_attempt(const struct aws_service *s, const struct attempt *t, enum err e,
    uint64_t ns)
{
	const char *labels[] = { s->name, t->answer.reused ? "reused" : "new" };

	outgoing_count(s->metrics, OUTGOING_STORE, e, t->answer.status, ns);
	if (t->answer.sent)
		metrics_add(metrics_series(s->metrics, METRIC_AWS_CONNECTIONS, labels), 1);
}

static struct attempt try_once(struct aws_client *c, const struct aws_call *call,
    struct buf *body, struct aws_reply *reply)
{
	struct attempt t = { .cause = AWS_CAUSE_NONE };
	struct head head;
	uint64_t now;

	reply->error = reply->message = STR("");
	reply->status = 0;
	reply->body = STR("");
	enum err e = aws_credentials_get(c->service->credentials, &c->work, call->deadline_ns,
	    &c->keys, &reply->reason);
	if (e != OK) {
		t.err = e == ERR_INVALID ? ERR_FORBIDDEN : e;
		return t;
	}
	now = time_monotonic_ns();      /* keys may have taken a while */
	if (now >= call->deadline_ns || !make_head(c, call, &head)) {
		t.err = now >= call->deadline_ns ? ERR_TIMEOUT : ERR_NO_MEMORY;
		reply->reason = STR("no time left");
		return t;
	}
	e = aws_exchange_post(c->exchange, &(struct aws_post){
		.lines = head.lines, .body = call->body, .timeout_ms = attempt_ms(call, now),
		.once = !call->idempotent, .reply = body,
	}, &t.answer);
	reply->status = t.answer.status;
	reply->body = buf_str(body);
	judge(c, &t, e, reply);
	if (e != OK)
		reply->reason = arena_printf(&c->work, "%s", t.answer.message);
	else
		reply->reason = t.cause == AWS_CAUSE_GARBAGE ?
		    STR("what came is no reply, or damaged") : reply->error;
	count_attempt(c->service, &t, e, time_monotonic_ns() - now);
	return t;
}

/* --- again -------------------------------------------------------------------------- */

static void count_retry(const struct aws_service *s, const char *cause)
{
	const char *labels[] = { s->name, cause };

	metrics_add(metrics_series(s->metrics, METRIC_AWS_RETRIES, labels), 1);
}

/* xorshift64*: so that many clients do not come back at once. */
static uint64_t draw(struct aws_client *c)
{
	c->random ^= c->random >> 12;
	c->random ^= c->random << 25;
	c->random ^= c->random >> 27;
	return c->random * UINT64_C(2685821657736338717);
}

static bool wait_and_take(struct aws_client *c, unsigned attempts, uint64_t deadline_ns,
    int32_t price)
{
	uint64_t wait = aws_backoff_ns(attempts, draw(c));

	/* What came last says more than an attempt that had no time to be answered. */
	if (time_monotonic_ns() + wait + ATTEMPT_LEAST_MS * NS_PER_MS >= deadline_ns)
		return false;
	if (!aws_budget_take(&c->service->budget, price)) {
		count_retry(c->service, "exhausted");
		return false;
	}
	struct timespec left = {
		.tv_sec = (time_t)(wait / (1000 * NS_PER_MS)),
		.tv_nsec = (long)(wait % (1000 * NS_PER_MS)),
	};
	while (nanosleep(&left, &left) != 0)
		;
	return true;
}

bool aws_client_wait(struct aws_client *c, unsigned attempts, uint64_t deadline_ns)
{
	return wait_and_take(c, attempts, deadline_ns, AWS_BUDGET_RETRY);
}

struct progress {
	bool     renewed, clocked;      /* once a call each */
	unsigned attempts;
	int32_t  price;                 /* of the last try again */
};

/* Whether the call is made again; waits until it is to be. */
static bool again(struct aws_client *c, const struct aws_call *call, const struct attempt *t,
    struct progress *p)
{
	bool yes = false;

	if (p->attempts >= AWS_ATTEMPTS_MAX || (t->unclear && !call->idempotent))
		return false;
	switch (t->cause) {
	case AWS_CAUSE_CREDENTIALS:
		yes = !p->renewed && aws_credentials_refused(c->service->credentials,
		    c->keys.generation);
		p->renewed = true;
		break;
	case AWS_CAUSE_CLOCK:
		yes = !p->clocked;
		p->clocked = true;
		break;
	case AWS_CAUSE_THROTTLED:
	case AWS_CAUSE_CONNECTION:
	case AWS_CAUSE_TIMEOUT:
	case AWS_CAUSE_SERVER:
	case AWS_CAUSE_GARBAGE:
		p->price = t->cause == AWS_CAUSE_TIMEOUT ? AWS_BUDGET_TIMEOUT : AWS_BUDGET_RETRY;
		yes = wait_and_take(c, p->attempts, call->deadline_ns, p->price);
		break;
	default:
		break;
	}
	if (yes)
		count_retry(c->service, aws_cause_name(t->cause));
	return yes;
}

/* --- a call ------------------------------------------------------------------------- */

static const char *outcome_of(enum err e)
{
	switch (e) {
	case OK:
		return "ok";
	case ERR_INVALID:
		return "refused";
	case ERR_FORBIDDEN:
		return "forbidden";
	case ERR_LIMITED:
		return "throttled";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_TOO_LARGE:
		return "too_large";
	default:
		return "failed";
	}
}

static void count_call(const struct aws_service *s, const struct aws_call *call, enum err e,
    uint64_t ns)
{
	const char *labels[] = { s->name, call->operation, outcome_of(e) };

	metrics_add(metrics_series(s->metrics, METRIC_AWS_CALLS, labels), 1);
	metrics_observe(metrics_series(s->metrics, METRIC_AWS_DURATION, labels), ns);
}

static void tell(const struct aws_service *s, const struct aws_call *call, enum err e,
    const struct aws_reply *reply, uint64_t ns)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "aws_call_failed");
	log_str(&line, "service", str_of(s->name));
	log_str(&line, "operation", str_of(call->operation));
	log_str(&line, "outcome", str_of(outcome_of(e)));
	log_str(&line, "reason", reply->reason);
	log_int(&line, "status", reply->status);
	log_int(&line, "attempts", reply->attempts);
	log_bool(&line, "unclear", reply->unclear);
	if (call->traceparent.len > 0)
		log_str(&line, "traceparent", call->traceparent);
	log_ms(&line, "duration_ms", ns);
	log_end(&line);
}

static enum err make(struct aws_client *c, const struct aws_call *call, struct buf *body,
    struct aws_reply *reply)
{
	struct progress p = { .attempts = 0 };
	struct attempt t;

	reply->reason = STR("the call is over its bound");
	if (call->body.len > AWS_REQUEST_MAX_BYTES)
		return ERR_TOO_LARGE;
	do {
		t = try_once(c, call, body, reply);
		reply->attempts = ++p.attempts;
		reply->unclear |= t.unclear || t.answer.resent;
	} while (t.err == OK && t.cause != AWS_CAUSE_NONE && again(c, call, &t, &p));
	if (t.err != OK)
		return t.err;
	/* A try again that helped is given back: what is used up is what did not. */
	if (t.cause == AWS_CAUSE_NONE || t.cause == AWS_CAUSE_REFUSED)
		aws_budget_give(&c->service->budget, p.price > 0 ? p.price : AWS_BUDGET_SUCCESS);
	if (t.cause == AWS_CAUSE_NONE)
		reply->reason = STR("");
	return aws_cause_err(t.cause);
}

enum err aws_client_call(struct aws_client *c, const struct aws_call *call, struct buf *body,
    struct aws_reply *reply)
{
	uint64_t start = time_monotonic_ns();

	arena_reset(&c->work);
	buf_reset(body);
	*reply = (struct aws_reply){ .body = STR(""), .error = STR(""), .message = STR("") };
	enum err e = make(c, call, body, reply);
	uint64_t ns = time_monotonic_ns() - start;
	count_call(c->service, call, e, ns);
	if (e != OK && e != ERR_INVALID)
		tell(c->service, call, e, reply, ns);
	return e;
}
