/*
 * Mail through its queue to a server on loopback, or to files.  Attacks it holds off:
 * a recipient or header in a value, credentials sent in the clear, a server that
 * never answers, a queue without end, codes in the log.
 */
#include "net/mail.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/time.h"
#include "net/mail_folder.h"
#include "smtp_server.h"
#include "tls_server.h"

#define CODE            "482915"
#define RETRY_MS        20
#define PATIENCE_MS     8000
#define SENDERS         4

struct rig {
	struct smtp_server  *server;
	struct mail         *mail;
	struct mail_options  options;
	struct metrics      *metrics;
	struct arena         a;
	char                 dir[40];
	int                  log, stderr_kept;
};

/* Standard error goes to a file meanwhile: a test reads what was logged. */
static void catch_log(struct rig *r)
{
	static FILE *said;

	r->log = open(r->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(r->log >= 0);
	r->stderr_kept = dup(STDERR_FILENO);
	assert_true(dup2(r->log, STDERR_FILENO) >= 0);
	/* What cmocka says of a failure still goes where it should. */
	if (said == NULL) {
		said = fdopen(dup(r->stderr_kept), "w");
		setvbuf(said, NULL, _IONBF, 0);
		stderr = said;
	}
}

static bool logged(struct rig *r, const char *text)
{
	static char all[1 << 20];
	ssize_t n = pread(r->log, all, sizeof(all) - 1, 0);

	assert_true(n >= 0);
	all[n] = '\0';
	return strstr(all, text) != NULL;
}

static void rig_prepare(struct rig *r)
{
	*r = (struct rig){ .dir = "/tmp/quiver-test-XXXXXX" };
	arena_init(&r->a, 1 << 24);
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	r->server = calloc(1, sizeof(*r->server));
	smtp_server_bind(r->server);
	r->options = (struct mail_options){
		.smtp_url = arena_printf(&r->a, "smtp://127.0.0.1:%u", r->server->port),
		.from = STR("Quiver <quiver@example.org>"), .state_dir = str_of(r->dir),
		.templates_dir = STR(SOURCE_DIR "/templates/email"), .product = STR("Quiver"),
		.retry_ms = RETRY_MS,
	};
	catch_log(r);
}

static void rig_open(struct rig *r)
{
	struct str reason = STR_NONE;

	if (mail_open(&r->options, r->metrics, &r->mail, &reason) != OK)
		fail_msg("%.*s", STR_ARG(reason));
}

static struct str folder(struct rig *r)
{
	return arena_printf(&r->a, "%s/mail", r->dir);
}

static size_t count_files(struct rig *r, bool remove_them)
{
	DIR *d = opendir(folder(r).ptr);
	size_t n = 0;

	for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
		n += str_ends(str_of(e->d_name), STR(".eml"));
		if (remove_them)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static void close_mail(struct rig *r, uint32_t within_ms)
{
	mail_close(r->mail, time_monotonic_ns() + within_ms * UINT64_C(1000000));
	r->mail = NULL;
}

static void rig_close(struct rig *r)
{
	close_mail(r, 0);
	smtp_server_stop(r->server);
	free(r->server);
	dup2(r->stderr_kept, STDERR_FILENO);
	close(r->stderr_kept);
	close(r->log);
	count_files(r, true);
	rmdir(folder(r).ptr);
	assert_int_equal(rmdir(r->dir), 0);
	metrics_close(r->metrics);
	arena_clean(&r->a);
}

static enum err send_to(struct rig *r, struct str address)
{
	return mail_send(r->mail, &(struct mail_message){
		.kind = MAIL_CONFIRM, .to = { .address = address }, .code = STR(CODE),
		.link = STR("https://example.org/confirm"), .minutes = 10,
	});
}

static uint64_t counted(struct rig *r, const char *outcome)
{
	return metrics_read(metrics_series(r->metrics, METRIC_MAIL, &outcome));
}

static uint64_t attempts(struct rig *r, const char *outcome)
{
	const char *labels[] = { "mail", outcome };

	return metrics_read(metrics_series(r->metrics, METRIC_OUTGOING, labels));
}

static void wait_for(struct rig *r, const char *outcome, uint64_t n)
{
	for (int ms = 0; counted(r, outcome) < n; ms++) {
		if (ms == PATIENCE_MS)
			fail_msg("%s: %u", outcome, (unsigned)counted(r, outcome));
		usleep(1000);
	}
}

/* The one file there is. */
static struct str kept_mail(struct rig *r)
{
	DIR *d = opendir(folder(r).ptr);
	char *text = arena_alloc(&r->a, MAIL_MAX_BYTES);
	ssize_t n = -1;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (!str_ends(str_of(e->d_name), STR(".eml")))
			continue;
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, MAIL_MAX_BYTES);
		close(fd);
	}
	closedir(d);
	assert_true(n > 0);
	return (struct str){ text, (size_t)n };
}

/* --- to a server ------------------------------------------------------------------ */

TEST(a_mail_reaches_its_server)
{
	static const char *const expected[] = {
		"MAIL FROM:<quiver@example.org>", "RCPT TO:<ann@example.net>",
		"From: \"Quiver\"\r\n <quiver@example.org>", "To: <ann@example.net>",
		"Subject: Confirm your address for Quiver", "    482915\r\n",
		"good for 10 minutes", "https://example.org/confirm", "<p style=3D",
	};
	struct rig r;

	(void)state;
	rig_prepare(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "sent", 1);
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_row(smtp_heard(r.server, expected[i]), expected[i]);
	assert_false(smtp_heard(r.server, "{{"));
	assert_false(smtp_heard(r.server, "AUTH PLAIN"));
	assert_int_equal(count_files(&r, false), 0);
	rig_close(&r);
}

TEST(every_kind_can_be_sent)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	for (int i = 0; i < MAIL_KINDS; i++) {
		struct mail_message m = {
			.kind = (enum mail_kind)i, .to = { STR("ann@example.net"), STR_NONE },
			.code = STR(CODE), .provider = STR("GitHub"), .minutes = 5,
		};
		assert_row(mail_send(r.mail, &m) == OK, mail_kind_name(m.kind));
	}
	wait_for(&r, "sent", MAIL_KINDS);
	assert_true(smtp_heard(r.server, "Subject: GitHub can now sign you in at Quiver"));
	assert_int_equal(atomic_load(&r.server->mails), MAIL_KINDS);
	rig_close(&r);
}

TEST(names_beyond_ascii_arrive_encoded)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.options.product = STR("K\xC3\xB6" "cher");
	smtp_server_start(r.server);
	rig_open(&r);
	struct mail_message m = {
		.kind = MAIL_RESET, .to = { STR("ann@example.net"), STR("Zo\xC3\xAB") }, .code = STR(CODE),
	};
	assert_int_equal(mail_send(r.mail, &m), OK);
	wait_for(&r, "sent", 1);
	assert_true(smtp_heard(r.server, "To: =?UTF-8?B?Wm/Dqw==?=\r\n <ann@example.net>\r\n"));
	assert_true(smtp_heard(r.server, "Subject: =?UTF-8?B?"));
	assert_true(smtp_heard(r.server, "K=C3=B6cher"));
	rig_close(&r);
}

TEST(what_would_begin_a_header_or_recipient_is_refused)
{
	static const struct { const char *row, *address, *name, *code, *provider; } rows[] = {
		{ "address", "a@example.org\r\nRCPT TO:<b@example.org>", "", "1", "" },
		{ "two addresses", "a@example.org>,<b@example.org", "", "1", "" },
		{ "no address", "", "", "1", "" },
		{ "name", "a@example.org", "A\r\nBcc: b@example.org", "1", "" },
		{ "code", "a@example.org", "", "1\n.\n", "" },
		{ "provider", "a@example.org", "", "1", "GitHub\r\nBcc: b@example.org" },
	};
	struct rig r;

	(void)state;
	rig_prepare(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mail_message m = {
			.kind = MAIL_PROVIDER_LINKED,
			.to = { str_of(rows[i].address), str_of(rows[i].name) },
			.code = str_of(rows[i].code), .provider = str_of(rows[i].provider),
		};
		assert_row(mail_send(r.mail, &m) == ERR_INVALID, rows[i].row);
	}
	close_mail(&r, PATIENCE_MS);
	assert_int_equal(atomic_load(&r.server->connections), 0);
	rig_close(&r);
}

TEST(a_sender_that_is_no_mailbox_does_not_open)
{
	struct rig r;
	struct str reason = STR_NONE;

	(void)state;
	rig_prepare(&r);
	r.options.from = STR("Quiver");
	assert_int_equal(mail_open(&r.options, r.metrics, &r.mail, &reason), ERR_INVALID);
	assert_true(str_starts(reason, STR("MAIL_FROM")));
	rig_close(&r);
}

/* --- without a server --------------------------------------------------------------- */

TEST(without_a_server_a_mail_becomes_a_file_for_its_owner_alone)
{
	struct rig r;
	struct stat st;

	(void)state;
	rig_prepare(&r);
	r.options.smtp_url = STR_NONE;
	umask(0);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "kept", 1);
	struct str mail = kept_mail(&r);
	assert_true(str_contains(mail, STR("To: <ann@example.net>\r\n")));
	assert_true(str_contains(mail, STR(CODE)));
	assert_true(str_ends(mail, STR("--\r\n")));
	assert_int_equal(stat(folder(&r).ptr, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(logged(&r, "\"to\":\"ann@example.net\""));
	assert_true(logged(&r, ".eml\""));
	assert_false(logged(&r, CODE));
	rig_close(&r);
}

TEST(a_kept_mail_can_be_read_by_its_owner_alone_and_the_oldest_goes)
{
	struct rig r;
	struct str path, first;
	struct stat st;

	(void)state;
	rig_prepare(&r);
	assert_int_equal(mail_folder_keep(&r.a, folder(&r), STR("first"), 3, &first), OK);
	assert_int_equal(stat(first.ptr, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mail_folder_keep(&r.a, folder(&r), STR("more"), 3, &path), OK);
	assert_int_equal(count_files(&r, false), 3);
	assert_int_equal(access(first.ptr, F_OK), -1);
	assert_int_equal(access(path.ptr, F_OK), 0);
	rig_close(&r);
}

/* --- trouble ------------------------------------------------------------------------ */

TEST(a_server_that_is_down_gets_the_mail_when_it_is_back)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	for (int ms = 0; attempts(&r, "unavailable") < 1 && ms < PATIENCE_MS; ms++)
		usleep(1000);
	smtp_server_start(r.server);
	wait_for(&r, "sent", 1);
	assert_int_equal(atomic_load(&r.server->mails), 1);
	rig_close(&r);
}

TEST(a_mail_refused_for_now_is_sent_again)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.server->recipient_reply = "451 later\r\n";
	atomic_store(&r.server->refusals, 2);
	smtp_server_start(r.server);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "sent", 1);
	assert_int_equal(attempts(&r, "unavailable"), 2);
	assert_int_equal(attempts(&r, "ok"), 1);
	rig_close(&r);
}

TEST(a_mail_refused_for_good_is_kept_at_once)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.server->recipient_reply = "550 nobody of that name\r\n";
	atomic_store(&r.server->refusals, 1000);
	smtp_server_start(r.server);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "kept", 1);
	assert_int_equal(atomic_load(&r.server->refusals), 999);
	assert_true(str_contains(kept_mail(&r), STR(CODE)));
	assert_true(logged(&r, "\"event\":\"mail_kept\""));
	assert_false(logged(&r, CODE));
	rig_close(&r);
}

TEST(a_mail_that_four_attempts_did_not_send_is_kept)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "kept", 1);
	assert_int_equal(attempts(&r, "unavailable"), 4);
	assert_int_equal(count_files(&r, false), 1);
	rig_close(&r);
}

TEST(a_server_that_says_nothing_is_left_at_the_deadline)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.options.deadline_ms = 200;
	r.server->silent = true;
	smtp_server_start(r.server);
	rig_open(&r);
	uint64_t start = time_monotonic_ns();
	assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	wait_for(&r, "kept", 1);
	uint64_t ms = (time_monotonic_ns() - start) / 1000000;
	assert_true(ms >= 4 * 190 && ms < 4 * 400 + 31 * RETRY_MS);
	assert_int_equal(attempts(&r, "timeout"), 4);
	rig_close(&r);
}

TEST(a_full_queue_refuses_and_holds_nobody_up)
{
	struct rig r;
	uint64_t start = time_monotonic_ns();

	(void)state;
	rig_prepare(&r);
	r.server->silent = true;
	smtp_server_start(r.server);
	rig_open(&r);
	for (int i = 0; i < MAIL_QUEUE_MAX; i++)
		assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	assert_int_equal(send_to(&r, STR("ann@example.net")), ERR_UNAVAILABLE);
	assert_true(time_monotonic_ns() - start < UINT64_C(3000000000));
	assert_int_equal(counted(&r, "queued"), MAIL_QUEUE_MAX);
	assert_int_equal(counted(&r, "refused"), 1);
	rig_close(&r);
}

/* --- the end ------------------------------------------------------------------------ */

TEST(closing_sends_what_waits)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	for (int i = 0; i < 20; i++)
		assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	close_mail(&r, PATIENCE_MS);
	assert_int_equal(atomic_load(&r.server->mails), 20);
	assert_int_equal(counted(&r, "sent"), 20);
	rig_close(&r);
}

TEST(closing_keeps_its_time_and_what_cannot_be_sent_as_files)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.server->silent = true;
	smtp_server_start(r.server);
	rig_open(&r);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send_to(&r, STR("ann@example.net")), OK);
	while (atomic_load(&r.server->connections) == 0)
		usleep(1000);
	uint64_t start = time_monotonic_ns();
	close_mail(&r, 500);
	assert_true(time_monotonic_ns() - start < UINT64_C(2500000000));
	assert_int_equal(count_files(&r, false), 5);
	assert_int_equal(counted(&r, "kept"), 5);
	rig_close(&r);
}

static void *send_many(void *context)
{
	struct rig *r = context;

	for (int i = 0; i < 25; i++)
		assert_int_equal(send_to(r, STR("ann@example.net")), OK);
	return NULL;
}

TEST(threads_send_at_once)
{
	struct rig r;
	pthread_t threads[SENDERS];

	(void)state;
	rig_prepare(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &r), 0);
	for (size_t i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	wait_for(&r, "sent", SENDERS * 25);
	assert_int_equal(atomic_load(&r.server->mails), SENDERS * 25);
	rig_close(&r);
}

/* --- encryption: a name that is this machine, and that smtp.h does not know as such -- */

static struct str far_url(struct rig *r)
{
	return arena_printf(&r->a, "smtp://ann:pass%%40word@mail.localhost:%u", r->server->port);
}

TEST(credentials_never_go_out_in_the_clear)
{
	struct rig r;

	(void)state;
	rig_prepare(&r);
	r.options.smtp_url = far_url(&r);
	smtp_server_start(r.server);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("bob@example.net")), OK);
	wait_for(&r, "kept", 1);
	assert_true(atomic_load(&r.server->connections) > 0);
	assert_false(smtp_heard(r.server, "AUTH PLAIN"));
	assert_false(smtp_heard(r.server, "MAIL FROM"));
	assert_false(logged(&r, "pass"));
	rig_close(&r);
}

/* Whether it arrives at a server with a certificate for `names`. */
static bool arrives_encrypted(const char *names, bool trusted)
{
	char pem[] = "/tmp/quiver-test-XXXXXX";
	struct rig r;

	close(mkstemp(pem));
	rig_prepare(&r);
	r.options.smtp_url = far_url(&r);
	r.server->tls = tls_server_context(names, pem);
	if (trusted)
		r.options.ca_file = str_of(pem);
	smtp_server_start(r.server);
	rig_open(&r);
	assert_int_equal(send_to(&r, STR("bob@example.net")), OK);
	wait_for(&r, trusted ? "sent" : "kept", 1);
	bool arrived = atomic_load(&r.server->mails_encrypted) == 1;
	/* \0ann\0pass@word */
	assert_int_equal(smtp_heard(r.server, "AGFubgBwYXNzQHdvcmQ="), arrived);
	assert_int_equal(atomic_load(&r.server->mails), arrived);
	unlink(pem);
	rig_close(&r);
	return arrived;
}

TEST(credentials_go_out_over_tls_to_who_is_trusted)
{
	(void)state;
	assert_true(arrives_encrypted("DNS:mail.localhost", true));
}

TEST(a_mail_server_that_nobody_vouches_for_gets_nothing)
{
	(void)state;
	assert_false(arrives_encrypted("DNS:mail.localhost", false));
}

TEST_MAIN(
    RUN(a_mail_reaches_its_server),
    RUN(every_kind_can_be_sent),
    RUN(names_beyond_ascii_arrive_encoded),
    RUN(what_would_begin_a_header_or_recipient_is_refused),
    RUN(a_sender_that_is_no_mailbox_does_not_open),
    RUN(without_a_server_a_mail_becomes_a_file_for_its_owner_alone),
    RUN(a_kept_mail_can_be_read_by_its_owner_alone_and_the_oldest_goes),
    RUN(a_server_that_is_down_gets_the_mail_when_it_is_back),
    RUN(a_mail_refused_for_now_is_sent_again),
    RUN(a_mail_refused_for_good_is_kept_at_once),
    RUN(a_mail_that_four_attempts_did_not_send_is_kept),
    RUN(a_server_that_says_nothing_is_left_at_the_deadline),
    RUN(a_full_queue_refuses_and_holds_nobody_up),
    RUN(closing_sends_what_waits),
    RUN(closing_keeps_its_time_and_what_cannot_be_sent_as_files),
    RUN(threads_send_at_once),
    RUN(credentials_never_go_out_in_the_clear),
    RUN(credentials_go_out_over_tls_to_who_is_trusted),
    RUN(a_mail_server_that_nobody_vouches_for_gets_nothing))
