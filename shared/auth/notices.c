#include "auth/notices.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "auth/notices_stream.h"
#include "auth/session.h"
#include "auth/state.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

enum event { SENT, UNSENT, HEARD, GAP, READ, UNREAD, EVENTS };

struct notices {
	struct auth             *auth;
	struct store            *store;
	struct store_connection *connection;    /* the thread's; NULL until it could be opened */
	struct redis            *reader;        /* the thread's; NULL without Redis */
	struct notices_stream    stream;        /* the thread's, but for its key */
	bool                     following;     /* the stream's place is known to be good */
	bool                     reads_failed, unheard;
	pthread_mutex_t          lock;          /* of who has the publisher */
	pthread_cond_t           idle;          /* nobody does */
	bool                     sending;
	struct redis            *publisher;
	pthread_t                thread;
	int                      wake_fd;       /* readable: end */
	struct metric_series    *events[EVENTS];
};

/* --- sending -------------------------------------------------------------------- */

/* Whoever waits for another's call has waited as long as for one of its own. */
static bool take_publisher(struct notices *n)
{
	struct timespec until;
	int             failed = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += REDIS_PUBLISH_MS * (long)NS_PER_MS;
	if (until.tv_nsec >= NS_PER_S) {
		until.tv_nsec -= NS_PER_S;
		until.tv_sec++;
	}
	pthread_mutex_lock(&n->lock);
	while (n->sending && failed == 0)
		failed = pthread_cond_timedwait(&n->idle, &n->lock, &until);
	bool taken = !n->sending;
	if (taken)
		n->sending = true;
	pthread_mutex_unlock(&n->lock);
	return taken;
}

static void leave_publisher(struct notices *n)
{
	pthread_mutex_lock(&n->lock);
	n->sending = false;
	pthread_cond_signal(&n->idle);
	pthread_mutex_unlock(&n->lock);
}

bool notices_send(struct notices *n, enum notice_kind kind, struct str id, int64_t until_ms)
{
	const struct notice notice = { .kind = kind, .id = id, .until_ms = until_ms };
	bool                sent = false;

	if (n == NULL || n->publisher == NULL)
		return false;
	if (take_publisher(n)) {
		sent = notices_stream_add(&n->stream, n->publisher, &notice) == REDIS_ANSWERED;
		leave_publisher(n);
	}
	metrics_add(n->events[sent ? SENT : UNSENT], 1);
	return sent;
}

/* --- hearing -------------------------------------------------------------------- */

static void hear(void *context, const struct notice *notice)
{
	struct notices *n = context;

	switch (notice->kind) {
	case NOTICE_REVOKED:
		session_heard_revoked(n->auth, notice->id, time_now_ms(), notice->until_ms);
		break;
	case NOTICE_CHANGED:
		changed_mark(&n->auth->changed, notice->id);
		break;
	case NOTICE_KINDS:
		break;
	}
	/* Who sees it counted finds it done. */
	metrics_add(n->events[HEARD], 1);
}

/* Reads what was revoked of late.  It says when it began: what comes after that is
 * the next one's. */
static void read_store(struct notices *n)
{
	uint64_t begin_ms = time_monotonic_ns() / NS_PER_MS;
	enum err e = n->connection != NULL ? OK : store_connect(n->store, &n->connection);

	if (e == OK)
		e = session_read_revoked(n->auth, n->connection, time_now_ms());
	if (e == OK)
		revoked_set_read(&n->auth->revoked, begin_ms);
	metrics_add(n->events[e == OK ? READ : UNREAD], 1);
	if ((e != OK) == n->reads_failed)
		return;
	n->reads_failed = e != OK;
	if (e != OK)
		log_message(LOG_WARN, "auth.revoked_unread",
		    "what other machines revoked cannot be read (%s): the store is asked for each "
		    "session", err_text(e));
	else
		log_message(LOG_INFO, "auth.revoked_read", "what other machines revoked is read again");
}

static bool is_stopping(const struct notices *n)
{
	struct pollfd p = { .fd = n->wake_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void rest(const struct notices *n, int ms)
{
	struct pollfd p = { .fd = n->wake_fd, .events = POLLIN };

	(void)poll(&p, 1, ms);
}

/* What was told while nobody listened is not known: everything may have changed. */
static void mend_gap(struct notices *n)
{
	metrics_add(n->events[GAP], 1);
	changed_mark_all(&n->auth->changed);
	read_store(n);
}

static void say_whether_heard(struct notices *n, enum redis_outcome outcome)
{
	bool unheard = outcome != REDIS_ANSWERED && !is_stopping(n);

	if (unheard == n->unheard)
		return;
	n->unheard = unheard;
	if (unheard)
		log_message(LOG_WARN, "auth.notices_unheard", "what other machines tell through "
		    "Redis is not heard (%s): it is read in the store", redis_outcome_name(outcome));
	else
		log_message(LOG_INFO, "auth.notices_heard", "what other machines tell is heard again");
}

static void follow(struct notices *n)
{
	enum redis_outcome outcome;
	bool               gap = false;

	if (!n->following) {
		outcome = notices_stream_resume(&n->stream, n->reader, &gap);
		n->following = outcome == REDIS_ANSWERED;
		if (n->following && gap)
			mend_gap(n);
	} else {
		outcome = notices_stream_wait(&n->stream, n->reader, hear, n);
		n->following = outcome == REDIS_ANSWERED;
	}
	say_whether_heard(n, outcome);
	if (!n->following)
		rest(n, NOTICES_WAIT_MS);
}

static void *work(void *context)
{
	struct notices *n = context;

	while (!is_stopping(n)) {
		if (revoked_take_turn(&n->auth->revoked, time_monotonic_ns() / NS_PER_MS,
		    NOTICES_READ_MS))
			read_store(n);
		if (n->reader != NULL)
			follow(n);
		else
			rest(n, NOTICES_READ_MS / 4);
	}
	return NULL;
}

/* --- opening -------------------------------------------------------------------- */

static void discard(struct notices *n)
{
	redis_free(n->reader);
	redis_free(n->publisher);
	if (n->connection != NULL)
		store_disconnect(n->connection);
	if (n->wake_fd >= 0)
		close(n->wake_fd);
	pthread_cond_destroy(&n->idle);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* Waits by a clock that never steps. */
static void make_locks(struct notices *n)
{
	pthread_condattr_t by;

	pthread_condattr_init(&by);
	pthread_condattr_setclock(&by, CLOCK_MONOTONIC);
	pthread_cond_init(&n->idle, &by);
	pthread_condattr_destroy(&by);
	pthread_mutex_init(&n->lock, NULL);
}

static void connect_redis(struct notices *n, struct redis_server *r)
{
	notices_stream_init(&n->stream, n->auth->config->secret_key);
	n->publisher = redis_new(r, REDIS_PUBLISH);
	n->reader = redis_new(r, REDIS_FOLLOW);
	redis_wake_by(n->reader, n->wake_fd);
}

/* Signals are for others. */
static bool start(struct notices *n)
{
	sigset_t all, before;
	bool     started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&n->thread, NULL, work, n) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct notices *notices_open(struct auth *auth, struct store *s, struct redis_server *r,
    struct metrics *m)
{
	static const char *const events[EVENTS] = {
		[SENT] = "sent", [UNSENT] = "unsent", [HEARD] = "heard", [GAP] = "gap",
		[READ] = "read", [UNREAD] = "unread",
	};
	struct notices *n;

	if (r == NULL && !store_is_shared(s))
		return NULL;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		abort();
	n->auth = auth;
	n->store = s;
	n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	make_locks(n);
	for (size_t i = 0; i < EVENTS; i++)
		n->events[i] = metrics_series(m, METRIC_NOTICES, &events[i]);
	if (r != NULL)
		connect_redis(n, r);
	/* Also without the thread: then nobody reads, and the store is asked. */
	revoked_believe_for(&auth->revoked, NOTICES_BELIEVED_MS);
	if (n->wake_fd < 0 || !start(n)) {
		log_message(LOG_ERROR, "auth.no_thread", "the thread that hears of other machines "
		    "did not start: the store is asked for each session");
		discard(n);
		return NULL;
	}
	return n;
}

void notices_close(struct notices *n)
{
	const uint64_t one = 1;

	if (n == NULL)
		return;
	while (write(n->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		;
	pthread_join(n->thread, NULL);
	discard(n);
}
