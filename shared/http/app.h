/*
 * app: what a process has, and what each of its workers has.
 * Lifetime: opened by serve before the workers start, closed after they end.
 */
#ifndef HTTP_APP_H
#define HTTP_APP_H

#include "auth/auth.h"
#include "auth/signature_keys.h"
#include "base/arena.h"
#include "config/config.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "limit/limit.h"
#include "metrics/metrics.h"
#include "net/http_client.h"
#include "net/mail.h"
#include "net/redis.h"
#include "store/store.h"

enum handler_needs {
	NEEDS_STORE = 1,                /* store, and with it sign-in */
	NEEDS_LIMITS = 2,
	NEEDS_MAIL = 4
};

struct handler;
struct exchange;

/* A flag of one handler's own, "--setup": does its work and ends the process.  What
 * follows the flag is in app->argument. */
struct handler_command {
	const char *flag, *help;
	const char *argument;           /* what follows the flag, "FILE"; NULL: nothing */
	int       (*run)(struct app *app, struct worker *worker);       /* the exit status */
};

struct handler {
	const char         *name;       /* "content": the executable, the log's and the metrics' label */
	const char         *summary;
	const struct route *routes;
	size_t              n_routes;
	uint32_t            needs;      /* enum handler_needs */
	const struct handler_command *commands; /* ended by a NULL flag; or NULL */
	/* Optional: once, after the app is open and before workers; *reason on error. */
	enum err          (*start)(struct app *app, struct arena *a, struct str *reason);
	void              (*stop)(struct app *app);
};

struct http_state;                      /* router, CORS, proxies, metric series; http's own */

struct app {
	const struct handler *handler;
	struct config         config;
	struct metrics       *metrics;
	struct redis_server  *redis;    /* NULL without REDIS_URL */
	struct limiter       *limiter;
	struct store         *store;
	struct auth          *auth;
	struct mail          *mail;     /* NULL when the handler sends none */
	struct signature_keys signature_keys;
	struct http_state    *http;
	void                 *state;    /* the handler's own */
	const char           *argument; /* of the command under way */
	int64_t               started_ms;
	uint64_t              stop_by_ns;       /* by time_monotonic_ns; 0: none was asked for */
};

struct worker {
	struct app              *app;
	struct arena             arena; /* of the request it works on */
	struct store_connection *store; /* NULL when the handler needs none */
	struct exchange         *exchange;      /* the request it works on; http's own */
	struct http_client      *net;   /* NULL until worker_net */
	struct redis            *redis; /* the limiter's; NULL without REDIS_URL */
	unsigned                 index;
};

/* Config is loaded into app->config already.  *reason: what failed and what would do. */
NODISCARD enum err app_open(struct app *app, const struct handler *h, struct arena *a,
    struct str *reason) NONNULL_ALL;
void app_close(struct app *app) NONNULL_ALL;
NODISCARD enum err worker_open(struct worker *w, struct app *app, unsigned index) NONNULL_ALL;
void worker_close(struct worker *w) NONNULL_ALL;
/* The worker's client for calls to other services; made when first asked for. */
NODISCARD struct http_client *worker_net(struct worker *w) NONNULL_ALL;

#endif
