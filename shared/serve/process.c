#include "serve/process.h"

#include <errno.h>
#include <fcgiapp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "log/log.h"
#include "log/outlet.h"
#include "serve/listen.h"
#include "serve/loop.h"
#include "serve/process.h"
#include "serve/stop.h"

#define PROBLEMS_MAX_BYTES 16384
#define CLOSE_POLL_MS      "10"         /* libfcgi's wait for a peer it hangs up on; it has 2000 */

struct process {
	struct app      app;
	struct arena    arena;          /* of what is said about starting */
	struct listener listener;
	struct loop     loop;
	struct worker  *workers;
	pthread_t      *threads;
	unsigned        n_workers;      /* that are open */
	bool            serving;        /* whoever reads standard error reads the log */
};

struct start {
	struct loop   *loop;
	struct worker *worker;
};

/* Why it does not start: for whoever started it by hand in plain text, else into
 * the log like everything there. */
static void complain(const struct process *p, struct str what)
{
	struct str line;

	if (p->serving && !isatty(STDERR_FILENO)) {
		what = str_trim(what);
		log_message(LOG_ERROR, "start", "%.*s", STR_ARG(what));
		return;
	}
	while (what.ptr != NULL) {
		line = str_cut(&what, '\n');
		if (line.len > 0)
			fprintf(stderr, "%s: %.*s\n", p->app.handler->name, STR_ARG(line));
	}
}

static int status_of(enum err e)
{
	return e == OK ? EX_OK : e == ERR_INVALID ? EX_CONFIG : EX_UNAVAILABLE;
}

static int open_settings(struct process *p, const struct handler *h, bool serving)
{
	struct buf problems;

	*p = (struct process){ .app.handler = h, .listener.fd = -1, .serving = serving };
	arena_init(&p->arena, ARENA_MAX_BYTES);
	buf_init(&problems, &p->arena, PROBLEMS_MAX_BYTES);
	enum err e = config_load(&p->app.config, NULL, NULL, &problems);
	if (e != OK)
		complain(p, buf_str(&problems));
	else
		log_open(&p->app.config, h->name);
	return status_of(e);
}

static int open_app(struct process *p)
{
	struct str reason = STR_NONE;
	enum err e = app_open(&p->app, p->app.handler, &p->arena, &reason);

	if (e != OK)
		complain(p, reason);
	return status_of(e);
}

static int open_metrics(struct process *p)
{
	enum err e = metrics_open_private(&p->app.metrics);

	if (e != OK)
		complain(p, str_of(err_text(e)));
	return status_of(e);
}

static void close_process(struct process *p)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_close(&p->workers[i]);
	free(p->workers);
	free(p->threads);
	app_close(&p->app);
	arena_clean(&p->arena);
}

static int open_workers(struct process *p, unsigned count)
{
	p->workers = calloc(count, sizeof(*p->workers));
	p->threads = calloc(count, sizeof(*p->threads));
	if (p->workers == NULL || p->threads == NULL)
		return EX_OSERR;
	while (p->n_workers < count) {
		enum err e = worker_open(&p->workers[p->n_workers], &p->app, p->n_workers);
		if (e != OK) {
			complain(p, str_of(err_text(e)));
			return EX_UNAVAILABLE;
		}
		p->n_workers++;
	}
	return EX_OK;
}

static int open_listener(struct process *p, struct str address)
{
	struct str reason = STR_NONE;
	enum err e = listen_open(&p->arena, address, &p->listener, &reason);

	if (e != OK)
		complain(p, reason);
	return status_of(e);
}

static int open_loop(struct process *p)
{
	if (loop_open(&p->loop, &p->app, p->listener.fd) == OK)
		return EX_OK;
	complain(p, str_of(strerror(errno)));
	return EX_OSERR;
}

/* --- at work ------------------------------------------------------------------- */

static void *work(void *context)
{
	struct start s = *(struct start *)context;

	free(context);
	loop_work(s.loop, s.worker);
	return NULL;
}

static int start_threads(struct process *p)
{
	for (unsigned i = 0; i < p->n_workers; i++) {
		struct start *s = malloc(sizeof(*s));
		if (s == NULL)
			return EX_OSERR;
		*s = (struct start){ &p->loop, &p->workers[i] };
		int e = pthread_create(&p->threads[i], NULL, work, s);
		if (e != 0) {
			complain(p, str_of(strerror(e)));
			return EX_OSERR;
		}
	}
	return EX_OK;
}

static void tell_start(const struct process *p)
{
	const struct app *app = &p->app;
	char pid[16];
	struct log_line l;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	const char *who[] = { app->handler->name, pid };
	const char *build[] = { app->handler->name, QUIVER_VERSION };
	metrics_set(metrics_series(app->metrics, METRIC_PROCESS_START, who),
	    app->started_ms / 1000);
	metrics_set(metrics_series(app->metrics, METRIC_BUILD_INFO, build), 1);
	if (p->listener.exposed)
		log_message(LOG_WARN, "exposed", "%.*s can be reached from other machines, and "
		    "FastCGI knows no authentication", STR_ARG(p->listener.address));
	log_begin(&l, LOG_INFO, "start");
	log_str(&l, "version", STR(QUIVER_VERSION));
	log_str(&l, "address", p->listener.address);
	log_int(&l, "threads", p->n_workers);
	log_end(&l);
}

/* The workers still at work when `drain_s` are over. */
static unsigned join_threads(struct process *p, uint32_t drain_s)
{
	struct timespec end;
	unsigned left = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += drain_s;
	for (unsigned i = 0; i < p->n_workers; i++)
		if (pthread_clockjoin_np(p->threads[i], NULL, CLOCK_MONOTONIC, &end) != 0)
			left++;
	return left;
}

static void tell_stop(int signal_number, unsigned left)
{
	struct log_line l;

	log_begin(&l, left == 0 ? LOG_INFO : LOG_WARN, "stop");
	log_str(&l, "signal", str_of(sigabbrev_np(signal_number)));
	log_int(&l, "cut_off", left);
	log_end(&l);
}

static int run(struct process *p)
{
	tell_start(p);
	outlet_start(p->app.config.log_delay_ms);
	int status = start_threads(p);
	if (status != EX_OK)
		_exit(status);          /* some may be at work */
	int signal_number = stop_wait();
	bool ours = p->listener.path != NULL;
	listen_unlink(&p->listener);
	loop_stop(&p->loop, ours);
	p->app.stop_by_ns = time_monotonic_ns() + p->app.config.drain_s * UINT64_C(1000000000);
	unsigned left = join_threads(p, p->app.config.drain_s);
	tell_stop(signal_number, left);
	outlet_stop();
	if (left > 0)
		_exit(EX_OK);           /* they use what would be closed under them */
	loop_close(&p->loop);
	return EX_OK;
}

/* Neither a core nor another process of this user shows what is in memory: keys,
 * tokens, passwords.  In development a core is worth more. */
static void hide_memory(const struct config *c)
{
	if (c->environment != ENVIRONMENT_DEVELOPMENT)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

/* libfcgi takes and gives back buffers of 8 KB with every connection.  glibc puts its
 * whole list of small free chunks in order before it serves one so large, each time:
 * without that list there is nothing to do. */
static void calm_malloc(void)
{
	(void)mallopt(M_MXFAST, 0);
}

int process_serve(const struct handler *h, struct str address)
{
	struct process p;
	int status = open_settings(&p, h, true);

	if (status == EX_OK) {
		calm_malloc();
		hide_memory(&p.app.config);
		status = open_listener(&p, address);
	}
	if (status == EX_OK) {
		setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", CLOSE_POLL_MS, 0);
		(void)FCGX_Init();
		stop_prepare();
		status = open_app(&p);
	}
	if (status == EX_OK)
		status = open_workers(&p, p.app.config.threads);
	if (status == EX_OK)
		status = open_loop(&p);
	if (status == EX_OK)
		status = run(&p);
	listen_unlink(&p.listener);
	close_process(&p);
	return status;
}

int process_check(const struct handler *h)
{
	struct process p;
	int status = open_settings(&p, h, false);

	if (status == EX_OK)
		status = open_app(&p);
	if (status == EX_OK)
		printf("%s: the settings are good\n", h->name);
	close_process(&p);
	return status;
}

/* To whoever runs it by hand: that it was there already is no failure. */
int process_create_table(const struct handler *h)
{
	struct str reason = STR_NONE;
	struct process p;
	int status = open_settings(&p, h, false);

	if (status == EX_OK)
		status = open_metrics(&p);
	if (status == EX_OK) {
		const struct config *c = &p.app.config;
		enum err e = store_create(&p.arena, c->store, c, p.app.metrics, &reason);
		if (e == OK || e == ERR_EXISTS || e == ERR_UNSUPPORTED)
			printf("%s: %.*s\n", h->name, STR_ARG(reason));
		else
			complain(&p, reason);
		status = e == ERR_EXISTS || e == ERR_UNSUPPORTED ? EX_OK : status_of(e);
	}
	close_process(&p);
	return status;
}

int process_print_table(const struct handler *h)
{
	struct process p;
	struct buf text;
	int status = open_settings(&p, h, false);

	if (status == EX_OK) {
		buf_init(&text, &p.arena, PROBLEMS_MAX_BYTES);
		enum err e = store_describe_table(p.app.config.store, &text);
		if (e == OK)
			fputs(buf_cstr(&text), stdout);
		else
			complain(&p, STR("STORE names no table; what would do: dynamodb:quiver"));
		status = e == OK ? EX_OK : EX_CONFIG;
	}
	close_process(&p);
	return status;
}

int process_command(const struct handler *h, const struct handler_command *c,
    const char *argument)
{
	struct process p;
	int status = open_settings(&p, h, false);

	p.app.argument = argument;
	if (status == EX_OK)
		status = open_app(&p);
	if (status == EX_OK)
		status = open_workers(&p, 1);
	if (status == EX_OK)
		status = c->run(&p.app, &p.workers[0]);
	close_process(&p);
	return status;
}
