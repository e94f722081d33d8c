#include "net/mail.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"
#include "net/mail_folder.h"
#include "net/outgoing.h"
#include "net/smtp.h"

#define NS_PER_MS       UINT64_C(1000000)
#define ARENA_BYTES     (1u << 20)
#define FOLDER          "mail"
#define NOBODY          "quiver@localhost"

/* When the next attempt comes, in units of retry_ms: 5 s, 30 s and 2 min. */
static const uint32_t backoff[] = { 1, 6, 24 };

enum outcome { QUEUED, SENT, KEPT, REFUSED, LOST, OUTCOMES };
static const char *const outcomes[] = {
	[QUEUED] = "queued", [SENT] = "sent", [KEPT] = "kept", [REFUSED] = "refused",
	[LOST] = "lost",
};
static_assert(COUNT(outcomes) == OUTCOMES, "a label for each outcome");

/* A mail that waits. */
struct letter {
	enum mail_kind kind;
	char           to[MAIL_ADDRESS_MAX + 1];
	unsigned       attempts;
	uint64_t       due_ns;
	size_t         len;
	char           bytes[];
};

struct mail {
	struct arena          arena;            /* of the options' strings */
	struct mail_options   options;
	struct mailbox        from;
	struct str            folder;
	struct mail_templates templates;
	struct metrics       *metrics;
	struct metric_series *counted[OUTCOMES];
	struct smtp          *smtp;             /* the thread's; NULL: files */
	pthread_mutex_t       lock;             /* of what follows */
	pthread_cond_t        changed;
	struct letter        *letters[MAIL_QUEUE_MAX];  /* the first `waiting`, in order */
	size_t                waiting;
	pthread_t             thread;
	bool                  running;
	_Atomic uint64_t      stop_by_ns;       /* 0: not stopping */
};

/* --- opening ------------------------------------------------------------------------ */

static void keep_options(struct mail *m, const struct mail_options *given)
{
	struct mail_options *o = &m->options;

	*o = *given;
	o->from = arena_dup(&m->arena, given->from);
	o->product = arena_dup(&m->arena, given->product);
	o->public_url = arena_dup(&m->arena, given->public_url);
	o->smtp_url = o->ca_file = o->state_dir = o->templates_dir = STR_NONE;
	if (o->retry_ms == 0)
		o->retry_ms = MAIL_RETRY_MS;
	if (o->deadline_ms == 0)
		o->deadline_ms = MAIL_DEADLINE_MS;
	m->folder = arena_printf(&m->arena, "%.*s/" FOLDER, STR_ARG(given->state_dir));
}

static bool set_sender(struct mail *m)
{
	if (m->options.from.len > 0)
		return mailbox_parse(m->options.from, &m->from);
	m->from = (struct mailbox){ .address = STR(NOBODY), .name = m->options.product };
	return true;
}

static void set_lock(struct mail *m)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

enum err mail_open(const struct mail_options *options, struct metrics *metrics, struct mail **out,
    struct str *reason)
{
	struct mail *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return ERR_NO_MEMORY;
	m->metrics = metrics;
	arena_init(&m->arena, ARENA_BYTES);
	keep_options(m, options);
	if (!set_sender(m)) {
		*reason = STR("MAIL_FROM: expected an address, or Name <address>");
		arena_clean(&m->arena);
		free(m);
		return ERR_INVALID;
	}
	for (size_t i = 0; i < OUTCOMES; i++)
		m->counted[i] = metrics_series(metrics, METRIC_MAIL, &outcomes[i]);
	mail_templates_open(&m->templates, options->templates_dir);
	if (options->smtp_url.len > 0)
		m->smtp = smtp_new(options->smtp_url, options->ca_file);
	set_lock(m);
	*out = m;
	return OK;
}

/* --- sending ------------------------------------------------------------------------ */

static void letter_free(struct letter *letter)
{
	crypto_wipe(letter->bytes, letter->len);
	free(letter);
}

static void tell(enum log_level level, const char *event, const struct letter *letter,
    struct str file, struct str reason)
{
	struct log_line l;

	log_begin(&l, level, event);
	log_str(&l, "mail", str_of(mail_kind_name(letter->kind)));
	log_str(&l, "to", str_of(letter->to));
	log_int(&l, "attempts", letter->attempts);
	if (file.len > 0)
		log_str(&l, "file", file);
	if (reason.len > 0)
		log_str(&l, "reason", reason);
	log_end(&l);
}

static void keep(struct mail *m, struct arena *a, const struct letter *letter, struct str reason)
{
	struct str path = STR_NONE;
	enum err e = mail_folder_keep(a, m->folder, (struct str){ letter->bytes, letter->len },
	    MAIL_KEPT_MAX, &path);

	if (e == OK)
		tell(m->smtp == NULL ? LOG_INFO : LOG_ERROR, "mail_kept", letter, path, reason);
	else
		tell(LOG_ERROR, "mail_lost", letter, m->folder, str_of(err_text(e)));
	metrics_add(m->counted[e == OK ? KEPT : LOST], 1);
}

static enum err attempt(struct mail *m, struct arena *a, struct letter *letter, struct str *reason)
{
	uint64_t now = time_monotonic_ns(), stop_by = atomic_load(&m->stop_by_ns);
	struct smtp_mail mail = {
		.from = m->from.address, .to = str_of(letter->to),
		.bytes = { letter->bytes, letter->len }, .stop_by_ns = &m->stop_by_ns,
		.deadline_ns = now + m->options.deadline_ms * NS_PER_MS,
	};

	if (stop_by != 0 && stop_by < mail.deadline_ns)
		mail.deadline_ns = stop_by;
	letter->attempts++;
	enum err e = smtp_send(m->smtp, a, &mail, reason);
	outgoing_count(m->metrics, OUTGOING_MAIL, e, 0, time_monotonic_ns() - now);
	return e;
}

/* True: done with it, one way or the other; false: it is due again later. */
static bool deliver(struct mail *m, struct letter *letter)
{
	struct str reason = STR_NONE;
	struct arena a;
	bool done = true;

	arena_init(&a, ARENA_BYTES);
	enum err e = m->smtp == NULL ? ERR_UNSUPPORTED : attempt(m, &a, letter, &reason);
	if (e == OK) {
		metrics_add(m->counted[SENT], 1);
		tell(LOG_DEBUG, "mail_sent", letter, STR_NONE, STR_NONE);
	} else if ((e == ERR_TIMEOUT || e == ERR_UNAVAILABLE) && letter->attempts <= COUNT(backoff) &&
	    atomic_load(&m->stop_by_ns) == 0) {
		tell(LOG_WARN, "mail_retry", letter, STR_NONE, reason);
		letter->due_ns = time_monotonic_ns() +
		    backoff[letter->attempts - 1] * (m->options.retry_ms * NS_PER_MS);
		done = false;
	} else {
		keep(m, &a, letter, reason);
	}
	arena_clean(&a);
	return done;
}

/* The first letter that is due; else NULL, and *next_ns is when one will be (0: none). */
static struct letter *due(const struct mail *m, uint64_t *next_ns)
{
	uint64_t now = time_monotonic_ns();
	bool stopping = atomic_load(&m->stop_by_ns) != 0;

	*next_ns = 0;
	for (size_t i = 0; i < m->waiting; i++) {
		struct letter *letter = m->letters[i];
		if (stopping || letter->due_ns <= now)
			return letter;
		if (*next_ns == 0 || letter->due_ns < *next_ns)
			*next_ns = letter->due_ns;
	}
	return NULL;
}

static void wait_until(struct mail *m, uint64_t ns)
{
	const uint64_t second = UINT64_C(1000000000);
	struct timespec at = { .tv_sec = (time_t)(ns / second), .tv_nsec = (long)(ns % second) };

	if (ns == 0)
		pthread_cond_wait(&m->changed, &m->lock);
	else
		pthread_cond_timedwait(&m->changed, &m->lock, &at);
}

static void take_out(struct mail *m, const struct letter *letter)
{
	size_t i = 0;

	while (m->letters[i] != letter)
		i++;
	m->waiting--;
	memmove(&m->letters[i], &m->letters[i + 1], (m->waiting - i) * sizeof(m->letters[0]));
}

static void *work(void *context)
{
	struct mail *m = context;
	uint64_t next_ns;

	pthread_mutex_lock(&m->lock);
	while (m->waiting > 0 || atomic_load(&m->stop_by_ns) == 0) {
		/* It keeps its place meanwhile: others only come behind it. */
		struct letter *letter = due(m, &next_ns);
		if (letter == NULL) {
			wait_until(m, next_ns);
			continue;
		}
		pthread_mutex_unlock(&m->lock);
		bool done = deliver(m, letter);
		pthread_mutex_lock(&m->lock);
		if (done) {
			take_out(m, letter);
			letter_free(letter);
		}
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

void mail_close(struct mail *m, uint64_t stop_by_ns)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->stop_by_ns, stop_by_ns == 0 ? 1 : stop_by_ns);
	pthread_cond_signal(&m->changed);
	pthread_mutex_unlock(&m->lock);
	if (m->running)
		pthread_join(m->thread, NULL);
	smtp_free(m->smtp);
	mail_templates_close(&m->templates);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	arena_clean(&m->arena);
	free(m);
}

/* --- taking ------------------------------------------------------------------------- */

/* With the lock held. */
static enum err enqueue(struct mail *m, struct letter *letter)
{
	if (m->waiting == MAIL_QUEUE_MAX)
		return ERR_UNAVAILABLE;
	if (!m->running && pthread_create(&m->thread, NULL, work, m) != 0)
		return ERR_UNAVAILABLE;
	m->running = true;
	m->letters[m->waiting++] = letter;
	pthread_cond_signal(&m->changed);
	return OK;
}

static enum err post(struct mail *m, const struct mail_message *message, struct str bytes)
{
	struct letter *letter = malloc(sizeof(*letter) + bytes.len);

	if (letter == NULL)
		return ERR_NO_MEMORY;
	*letter = (struct letter){ .kind = message->kind, .len = bytes.len };
	memcpy(letter->to, message->to.address.ptr, message->to.address.len);
	memcpy(letter->bytes, bytes.ptr, bytes.len);
	pthread_mutex_lock(&m->lock);
	enum err e = enqueue(m, letter);
	pthread_mutex_unlock(&m->lock);
	metrics_add(m->counted[e == OK ? QUEUED : REFUSED], 1);
	if (e != OK) {
		log_message(LOG_ERROR, "mail_refused", "%u mails are waiting already",
		    MAIL_QUEUE_MAX);
		letter_free(letter);
	}
	return e;
}

/* Room from the start: a buffer that grows leaves copies of a code behind. */
struct draft {
	struct buf subject, text, html, bytes;
};

static bool draft_init(struct draft *d)
{
	buf_init(&d->subject, NULL, MAIL_VALUE_MAX);
	buf_init(&d->text, NULL, MAIL_TEMPLATE_MAX_BYTES);
	buf_init(&d->html, NULL, MAIL_TEMPLATE_MAX_BYTES);
	buf_init(&d->bytes, NULL, MAIL_MAX_BYTES);
	return buf_reserve(&d->subject, MAIL_VALUE_MAX) &&
	    buf_reserve(&d->text, MAIL_TEMPLATE_MAX_BYTES) &&
	    buf_reserve(&d->html, MAIL_TEMPLATE_MAX_BYTES) &&
	    buf_reserve(&d->bytes, MAIL_MAX_BYTES);
}

static void draft_clean(struct draft *d)
{
	struct buf *const all[] = { &d->subject, &d->text, &d->html, &d->bytes };

	for (size_t i = 0; i < COUNT(all); i++) {
		if (all[i]->ptr != NULL)
			crypto_wipe(all[i]->ptr, all[i]->len);
		buf_clean(all[i]);
	}
}

static bool is_good(const struct mail_values *values)
{
	for (size_t i = 0; i < COUNT(values->of); i++)
		if (values->of[i].len > MAIL_VALUE_MAX || str_has_control(values->of[i]) ||
		    !str_is_utf8(values->of[i]))
			return false;
	return true;
}

static struct mail_values values_of(const struct mail *m, const struct mail_message *message,
    char minutes[16], char time[32])
{
	int64_t at = message->time_ms != 0 ? message->time_ms : time_now_ms();

	minutes[0] = '\0';
	if (message->minutes != 0)
		(void)snprintf(minutes, 16, "%u", message->minutes);
	time_to_http(at, time);
	return (struct mail_values){ .of = {
		[MAIL_PRODUCT] = m->options.product,
		[MAIL_LINK] = message->link.len > 0 ? message->link : m->options.public_url,
		[MAIL_CODE] = message->code,
		[MAIL_MINUTES] = str_of(minutes),
		[MAIL_NAME] = message->to.name,
		[MAIL_PROVIDER] = message->provider,
		[MAIL_KEY] = message->key,
		[MAIL_TIME] = str_of(time),
	} };
}

static enum err write_draft(struct mail *m, struct draft *d, const struct mail_message *message,
    const struct mail_template *template, const struct mail_values *values)
{
	mail_template_fill(&d->subject, template->subject, values, false);
	mail_template_fill(&d->text, template->text, values, false);
	mail_template_fill(&d->html, template->html, values, true);
	if (buf_failed(&d->subject) || buf_failed(&d->text) || buf_failed(&d->html))
		return ERR_TOO_LARGE;
	return mail_text_write(&d->bytes, &(struct mail_text){
		.from = m->from, .to = message->to, .subject = buf_str(&d->subject),
		.text = buf_str(&d->text), .html = buf_str(&d->html), .now_ms = time_now_ms(),
	});
}

enum err mail_send(struct mail *m, const struct mail_message *message)
{
	char minutes[16], time[32];
	struct mail_values values = values_of(m, message, minutes, time);
	const struct mail_template *template;
	struct str reason = STR_NONE;
	struct draft d;
	struct arena a;

	if (!mail_address_is_good(message->to.address) || !is_good(&values))
		return ERR_INVALID;
	arena_init(&a, ARENA_BYTES);
	enum err e = mail_templates_get(&m->templates, message->kind, &a, &template, &reason);
	if (e != OK)
		log_message(LOG_ERROR, "mail_template", "%.*s", STR_ARG(reason));
	arena_clean(&a);
	if (e != OK)
		return e;
	e = draft_init(&d) ? write_draft(m, &d, message, template, &values) : ERR_NO_MEMORY;
	if (e == OK)
		e = post(m, message, buf_str(&d.bytes));
	draft_clean(&d);
	return e;
}
