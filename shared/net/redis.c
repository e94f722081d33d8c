#include "net/redis.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/redis_server.h"

#define NS_PER_MS       UINT64_C(1000000)
#define NS_PER_S        UINT64_C(1000000000)
#define READ_BYTES      16384

/* hiredis writes commands and reads replies; the socket is ours, since hiredis' own
 * time-outs begin anew with every read. */
struct redis {
	struct redis_server    *server;
	enum redis_purpose      purpose;
	int                     fd;             /* -1: none */
	int                     wake_fd;        /* of redis_wake_by */
	redisReader            *reader;         /* of this connection; NULL: none */
	redisReplyObjectFunctions functions;    /* hiredis' own, with our bound on arrays */
	void                 *(*create_array)(const redisReadTask *task, int elements);
	struct redisReply      *reply;          /* the last one */
	struct redis_address    moved;          /* the node that a -MOVED named */
	bool                    has_moved;
};

struct redis *redis_new(struct redis_server *s, enum redis_purpose purpose)
{
	struct redis *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->server = s;
	r->purpose = purpose;
	r->fd = r->wake_fd = -1;
	return r;
}

void redis_wake_by(struct redis *r, int fd)
{
	r->wake_fd = fd;
}

static void drop_reply(struct redis *r)
{
	if (r->reply != NULL)
		freeReplyObject(r->reply);
	r->reply = NULL;
}

static void hang_up(struct redis *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	if (r->reader != NULL)
		redisReaderFree(r->reader);
	r->reader = NULL;
}

/* And no longer stays with the node that a -MOVED named. */
static void start_over(struct redis *r)
{
	hang_up(r);
	r->has_moved = false;
}

void redis_free(struct redis *r)
{
	if (r == NULL)
		return;
	drop_reply(r);
	hang_up(r);
	free(r);
}

/* --- waiting -------------------------------------------------------------------- */

/* Until the socket is ready for `events`; false when the deadline passed. */
static bool wait_for(const struct redis *r, int fd, short events, uint64_t deadline_ns)
{
	/* One that is -1 is not looked at. */
	struct pollfd p[] = { { .fd = fd, .events = events },
		{ .fd = r->wake_fd, .events = POLLIN } };
	int           ready;

	do {
		uint64_t now_ns = time_monotonic_ns();
		uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
		struct timespec left = {
			.tv_sec = (time_t)(left_ns / NS_PER_S), .tv_nsec = (long)(left_ns % NS_PER_S),
		};
		ready = ppoll(p, COUNT(p), &left, NULL);
	} while (ready < 0 && errno == EINTR);
	return ready > 0 && p[1].revents == 0;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* --- connecting ----------------------------------------------------------------- */

static enum redis_outcome connected(const struct redis *r, int fd, uint64_t deadline_ns)
{
	int       failed = 0;
	socklen_t len = sizeof(failed);

	if (!wait_for(r, fd, POLLOUT, deadline_ns))
		return REDIS_TIMEOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 || failed != 0)
		return REDIS_REFUSED;
	return REDIS_ANSWERED;
}

static enum redis_outcome connect_to(struct redis *r, const struct redis_address *to,
    uint64_t deadline_ns)
{
	enum redis_outcome outcome = REDIS_ANSWERED;
	int on = 1, fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return REDIS_REFUSED;
	if (to->at.ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&to->at, to->len) != 0)
		outcome = errno == EINPROGRESS ? connected(r, fd, deadline_ns) : REDIS_REFUSED;
	if (outcome != REDIS_ANSWERED) {
		close(fd);
		return outcome;
	}
	r->fd = fd;
	return REDIS_ANSWERED;
}

/* The first of the addresses that answers. */
static enum redis_outcome find_server(struct redis *r, uint64_t deadline_ns)
{
	struct redis_address addresses[REDIS_ADDRESSES_MAX];
	enum redis_outcome   outcome = REDIS_UNRESOLVED;
	size_t               count = redis_names_get(r->server->names, addresses);

	if (r->has_moved)
		return connect_to(r, &r->moved, deadline_ns);
	for (size_t i = 0; i < count; i++) {
		outcome = connect_to(r, &addresses[i], deadline_ns);
		if (outcome != REDIS_REFUSED)
			break;
	}
	return outcome;
}

/* No array is made for more than its bound, whatever a server announces. */
static void *bounded_array(const redisReadTask *task, int elements)
{
	struct redis *r = task->privdata;

	return elements > REDIS_ELEMENTS_MAX ? NULL : r->create_array(task, elements);
}

static void make_reader(struct redis *r)
{
	r->reader = redisReaderCreate();
	if (r->reader == NULL)
		abort();
	r->functions = *r->reader->fn;
	r->create_array = r->functions.createArray;
	r->functions.createArray = bounded_array;
	r->reader->fn = &r->functions;
	r->reader->privdata = r;
}

/* --- sending and reading -------------------------------------------------------- */

static enum redis_outcome send_all(struct redis *r, const char *bytes, size_t len,
    uint64_t deadline_ns)
{
	while (len > 0) {
		ssize_t n = send(r->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && !would_block())
			return REDIS_CLOSED;
		if (n < 0 && !wait_for(r, r->fd, POLLOUT, deadline_ns))
			return REDIS_TIMEOUT;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return REDIS_ANSWERED;
}

static enum redis_outcome send_command(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns)
{
	const char        *texts[REDIS_WORDS_MAX];
	size_t             lengths[REDIS_WORDS_MAX];
	char              *command;
	enum redis_outcome outcome;
	int                len;

	if (n_words > REDIS_WORDS_MAX)
		return REDIS_ERROR;
	for (size_t i = 0; i < n_words; i++) {
		texts[i] = words[i].ptr;
		lengths[i] = words[i].len;
	}
	len = (int)redisFormatCommandArgv(&command, (int)n_words, texts, lengths);
	if (len < 0)
		abort();
	outcome = send_all(r, command, (size_t)len, deadline_ns);
	crypto_wipe(command, (size_t)len);      /* it may have the password in it */
	redisFreeCommand(command);
	return outcome;
}

/* What has come, if anything, into the reader. */
static enum redis_outcome take_bytes(struct redis *r, size_t *taken)
{
	char    bytes[READ_BYTES];
	ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

	if (n == 0 || (n < 0 && !would_block()))
		return REDIS_CLOSED;
	if (n < 0)
		return REDIS_ANSWERED;
	*taken += (size_t)n;
	if (*taken > REDIS_REPLY_MAX_BYTES ||
	    redisReaderFeed(r->reader, bytes, (size_t)n) != REDIS_OK)
		return REDIS_GARBAGE;
	return REDIS_ANSWERED;
}

static enum redis_outcome read_reply(struct redis *r, uint64_t deadline_ns)
{
	size_t taken = 0;
	void  *reply = NULL;

	drop_reply(r);
	for (;;) {
		if (redisReaderGetReply(r->reader, &reply) != REDIS_OK)
			return REDIS_GARBAGE;
		if (reply != NULL)
			break;
		if (!wait_for(r, r->fd, POLLIN, deadline_ns))
			return REDIS_TIMEOUT;
		enum redis_outcome outcome = take_bytes(r, &taken);
		if (outcome != REDIS_ANSWERED)
			return outcome;
	}
	r->reply = reply;
	return redis_outcome_of(r->reply);
}

/* --- a command ------------------------------------------------------------------ */

/* Signing in and choosing the database: sent before the command, with no wait between. */
static enum redis_outcome greet(struct redis *r, size_t *greetings, uint64_t deadline_ns)
{
	const struct redis_target *t = &r->server->target;
	enum redis_outcome         outcome = REDIS_ANSWERED;
	char                       db[8];

	*greetings = 0;
	if (t->password[0] != '\0') {
		struct str words[] = { STR("AUTH"), str_of(t->user), str_of(t->password) };
		bool       named = t->user[0] != '\0';

		if (!named)
			words[1] = words[2];
		outcome = send_command(r, words, named ? 3 : 2, deadline_ns);
		++*greetings;
	}
	if (outcome == REDIS_ANSWERED && t->db != 0) {
		int        len = snprintf(db, sizeof(db), "%u", t->db);
		struct str words[] = { STR("SELECT"), { db, (size_t)len } };

		outcome = send_command(r, words, COUNT(words), deadline_ns);
		++*greetings;
	}
	return outcome;
}

static enum redis_outcome read_greetings(struct redis *r, size_t greetings, uint64_t deadline_ns)
{
	enum redis_outcome outcome = REDIS_ANSWERED;

	while (outcome == REDIS_ANSWERED && greetings-- > 0) {
		outcome = read_reply(r, deadline_ns);
		/* Whatever AUTH does not like, it is not signed in. */
		if (outcome == REDIS_ERROR && r->server->target.password[0] != '\0')
			outcome = REDIS_NO_AUTH;
	}
	return outcome;
}

/* Whether an idle connection is still one, as far as one can tell without asking: a
 * command is sent a second time only when the first was certainly not received.  What
 * came unasked is no answer to the next command. */
static bool is_alive(const struct redis *r)
{
	char byte;

	return r->reader->pos == r->reader->len && recv(r->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_block();
}

static enum redis_outcome exchange(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns)
{
	size_t             greetings = 0;
	enum redis_outcome outcome = REDIS_ANSWERED;

	if (r->fd >= 0 && !is_alive(r))
		hang_up(r);
	if (r->fd < 0) {
		outcome = find_server(r, deadline_ns);
		if (outcome != REDIS_ANSWERED)
			return outcome;
		make_reader(r);
		outcome = greet(r, &greetings, deadline_ns);
	}
	if (outcome == REDIS_ANSWERED)
		outcome = send_command(r, words, n_words, deadline_ns);
	if (outcome == REDIS_ANSWERED)
		outcome = read_greetings(r, greetings, deadline_ns);
	if (outcome != REDIS_ANSWERED) {
		hang_up(r);
		return outcome;
	}
	return read_reply(r, deadline_ns);
}

/* "MOVED slot host:port"; an address in digits alone, since looking up a name waits. */
static bool read_moved(const struct redisReply *reply, struct redis_address *out)
{
	struct str rest = { reply->str, reply->len }, host;
	char       text[REDIS_HOST_MAX + 1];
	uint64_t   port;
	size_t     colon;

	(void)str_cut(&rest, ' ');
	(void)str_cut(&rest, ' ');
	for (colon = rest.len; colon > 0 && rest.ptr[colon - 1] != ':'; colon--)
		;
	if (colon < 2 || colon - 1 > REDIS_HOST_MAX ||
	    !str_to_u64(str_from(rest, colon), &port) || port == 0 || port > UINT16_MAX)
		return false;
	host = str_first(rest, colon - 1);
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return redis_address_numeric(text, (uint16_t)port, out);
}

/* Failures after which nobody knows what the next bytes would be, or that another
 * connection may end up elsewhere. */
static bool leaves_doubt(enum redis_outcome outcome)
{
	switch (outcome) {
	case REDIS_ANSWERED:
	case REDIS_NO_SCRIPT:
	case REDIS_LOADING:
	case REDIS_BUSY:
	case REDIS_NO_MEMORY:
	case REDIS_ERROR:
		return false;
	default:
		return true;
	}
}

enum redis_outcome redis_send(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns, const struct redisReply **reply)
{
	enum redis_outcome outcome = exchange(r, words, n_words, deadline_ns);

	if (outcome == REDIS_MOVED && read_moved(r->reply, &r->moved)) {
		hang_up(r);
		r->has_moved = true;
		outcome = exchange(r, words, n_words, deadline_ns);
	}
	if (leaves_doubt(outcome)) {
		start_over(r);
		redis_names_doubt(r->server->names);
	}
	*reply = r->reply;
	return outcome;
}

uint64_t redis_deadline_ns(const struct redis *r)
{
	return time_monotonic_ns() + r->server->deadline_ms[r->purpose] * NS_PER_MS;
}

enum redis_outcome redis_call(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns, const struct redisReply **reply)
{
	enum redis_outcome outcome = REDIS_OPEN;
	uint64_t           begin_ns = 0, end_ns = 0;

	if (redis_may_ask(r->server, r->purpose)) {
		begin_ns = time_monotonic_ns();
		outcome = redis_send(r, words, n_words, deadline_ns, reply);
		end_ns = time_monotonic_ns();
	}
	redis_note(r->server, r->purpose, outcome, end_ns - begin_ns);
	return outcome;
}

bool redis_is_up(const struct redis *r)
{
	return breaker_is_closed(&r->server->breakers[r->purpose]);
}
