#include "net/smtp.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/curl_library.h"
#include "net/http_client.h"

#define NS_PER_MS   UINT64_C(1000000)

struct smtp {
	char  *url, *user, *password;   /* the URL without the others, after parse() */
	char  *ca_file;                 /* NULL: the system's authorities */
	CURL  *handle;                  /* NULL until the first mail */
	long   encryption;              /* CURLOPT_USE_SSL */
	bool   parsed;
};

static char *copy(struct str s)
{
	char *text = strndup(s.len == 0 ? "" : s.ptr, s.len);

	if (text == NULL)
		abort();
	return text;
}

static void forget(char *text)
{
	if (text != NULL)
		crypto_wipe(text, strlen(text));
	free(text);
}

struct smtp *smtp_new(struct str url, struct str ca_file)
{
	struct smtp *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->url = copy(url);
	s->ca_file = ca_file.len == 0 ? NULL : copy(ca_file);
	return s;
}

void smtp_free(struct smtp *s)
{
	if (s == NULL)
		return;
	if (s->handle != NULL)
		curl_library()->easy_cleanup(s->handle);
	forget(s->url);
	forget(s->user);
	forget(s->password);
	free(s->ca_file);
	free(s);
}

/* A part of the URL, decoded, on the heap; NULL when it has none. */
static char *part(const struct curl_library *curl, CURLU *url, CURLUPart which, unsigned flags)
{
	char *text = NULL, *kept;

	if (curl->url_get(url, which, &text, flags) != CURLUE_OK)
		return NULL;
	kept = copy(str_of(text));
	crypto_wipe(text, strlen(text));
	curl->free(text);
	return kept;
}

static long encryption_of(const char *scheme, const char *host, bool credentials)
{
	if (strcmp(scheme, "smtps") == 0)
		return CURLUSESSL_ALL;
	if (http_host_is_loopback(str_of(host)))
		return CURLUSESSL_NONE;
	return credentials ? CURLUSESSL_ALL : CURLUSESSL_TRY;
}

/* Takes user and password out of the URL, so that no message of libcurl has them. */
static bool take_apart(const struct curl_library *curl, struct smtp *s, CURLU *url)
{
	if (curl->url_set(url, CURLUPART_URL, s->url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return false;
	s->user = part(curl, url, CURLUPART_USER, CURLU_URLDECODE);
	s->password = part(curl, url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	if (curl->url_set(url, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl->url_set(url, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK)
		return false;
	char *scheme = part(curl, url, CURLUPART_SCHEME, 0);
	char *host = part(curl, url, CURLUPART_HOST, 0);
	char *bare = part(curl, url, CURLUPART_URL, 0);
	bool good = scheme != NULL && host != NULL && bare != NULL &&
	    (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0);
	if (good) {
		s->encryption = encryption_of(scheme, host, s->user != NULL);
		forget(s->url);
		s->url = bare;
	} else {
		free(bare);
	}
	free(scheme);
	free(host);
	return good;
}

static enum err parse(const struct curl_library *curl, struct smtp *s)
{
	CURLU *url = curl->url();

	if (url == NULL)
		return ERR_NO_MEMORY;
	s->parsed = take_apart(curl, s, url);
	curl->url_cleanup(url);
	return s->parsed ? OK : ERR_INVALID;
}

/* --- a mail ------------------------------------------------------------------------- */

struct upload {
	const struct smtp_mail *mail;
	struct str              rest;
};

static size_t give(char *into, size_t size, size_t n, void *context)
{
	struct upload *u = context;
	struct str now = str_first(u->rest, size * n);

	memcpy(into, now.ptr, now.len);
	u->rest = str_from(u->rest, now.len);
	return now.len;
}

/* Asked about once a second: 1 ends the transfer. */
static int is_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct upload *u = context;
	uint64_t stop_by = atomic_load(u->mail->stop_by_ns);

	(void)a, (void)b, (void)c, (void)d;
	return stop_by != 0 && time_monotonic_ns() >= stop_by;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *context)
{
	(void)bytes, (void)context;
	return size * n;
}

static void set_bounds(struct curl_options *o, const struct smtp *s, long left_ms)
{
	curl_set_text(o, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_set_text(o, CURLOPT_PROXY, "");
	curl_set_long(o, CURLOPT_NETRC, CURL_NETRC_IGNORED);
	curl_set_long(o, CURLOPT_USE_SSL, s->encryption);
	curl_set_long(o, CURLOPT_SSL_VERIFYPEER, 1);
	curl_set_long(o, CURLOPT_SSL_VERIFYHOST, 2);
	curl_set_long(o, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (s->ca_file != NULL)
		curl_set_text(o, CURLOPT_CAINFO, s->ca_file);
	curl_set_text(o, CURLOPT_CAPATH, NULL);
	curl_set_long(o, CURLOPT_NOSIGNAL, 1);
	curl_set_long(o, CURLOPT_QUICK_EXIT, 1);
	curl_set_long(o, CURLOPT_TIMEOUT_MS, left_ms);
	curl_set_long(o, CURLOPT_CONNECTTIMEOUT_MS, left_ms);
}

static bool set_mail(struct curl_options *o, const struct smtp *s, struct upload *u,
    const char *from, struct curl_slist *to)
{
	const struct curl_library *curl = o->curl;

	curl_set_text(o, CURLOPT_URL, s->url);
	if (s->user != NULL) {
		curl_set_text(o, CURLOPT_USERNAME, s->user);
		curl_set_text(o, CURLOPT_PASSWORD, s->password == NULL ? "" : s->password);
	}
	curl_set_text(o, CURLOPT_MAIL_FROM, from);
	curl_set_pointer(o, CURLOPT_MAIL_RCPT, to);
	curl_set_long(o, CURLOPT_UPLOAD, 1);
	curl_set_long(o, CURLOPT_NOPROGRESS, 0);
	curl_set_pointer(o, CURLOPT_READDATA, u);
	curl_set_pointer(o, CURLOPT_XFERINFODATA, u);
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_READFUNCTION, give) != CURLE_OK;
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_WRITEFUNCTION, ignore) != CURLE_OK;
	o->failed |= curl->easy_setopt(o->handle, CURLOPT_XFERINFOFUNCTION, is_over) != CURLE_OK;
	return !o->failed;
}

static enum err result(const struct curl_library *curl, CURL *handle, CURLcode code)
{
	long reply = 0;

	if (code == CURLE_OK)
		return OK;
	if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK)
		return ERR_TIMEOUT;
	curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply);
	return reply >= 500 && reply <= 599 ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
}

static enum err send_now(const struct curl_library *curl, struct smtp *s, struct arena *a,
    const struct smtp_mail *mail, long left_ms, struct str *reason)
{
	char message[CURL_ERROR_SIZE] = "";
	struct curl_options o = { curl, s->handle, false };
	struct upload u = { mail, mail->bytes };
	struct str to = arena_printf(a, "<%.*s>", STR_ARG(mail->to));
	struct str from = arena_printf(a, "<%.*s>", STR_ARG(mail->from));
	struct curl_slist recipient = { arena_cstr(a, to), NULL };

	set_bounds(&o, s, left_ms);
	bool set = set_mail(&o, s, &u, from.ptr, &recipient);
	set &= curl->easy_setopt(s->handle, CURLOPT_ERRORBUFFER, message) == CURLE_OK;
	CURLcode code = set ? curl->easy_perform(s->handle) : CURLE_UNKNOWN_OPTION;
	enum err e = result(curl, s->handle, code);
	if (e != OK)
		*reason = arena_printf(a, "%s", message[0] != '\0' ? message :
		    curl->easy_strerror(code));
	curl->easy_reset(s->handle);
	return e;
}

enum err smtp_send(struct smtp *s, struct arena *a, const struct smtp_mail *mail,
    struct str *reason)
{
	const struct curl_library *curl = curl_library();
	uint64_t now = time_monotonic_ns();

	*reason = STR("libcurl.so.4 is not installed");
	if (curl == NULL)
		return ERR_UNAVAILABLE;
	*reason = STR("SMTP_URL is no URL of a mail server");
	enum err e = s->parsed ? OK : parse(curl, s);
	if (e != OK)
		return e;
	if (s->handle == NULL)
		s->handle = curl->easy_init();
	if (s->handle == NULL)
		return ERR_NO_MEMORY;
	*reason = STR("no time left");
	if (now >= mail->deadline_ns)
		return ERR_TIMEOUT;
	return send_now(curl, s, a, mail, (long)((mail->deadline_ns - now) / NS_PER_MS) + 1, reason);
}
