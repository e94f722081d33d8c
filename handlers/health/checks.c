#include "health/checks.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/time.h"
#include "http/app.h"

#define FREE_SHARE_LOW 0.05     /* of the disk: below it writes will soon fail */

enum state { UP, DEGRADED, DOWN };

static const char *const state_names[] = { [UP] = "up", [DEGRADED] = "degraded", [DOWN] = "down" };
static const char *const overall_names[] = { [UP] = "healthy", [DEGRADED] = "degraded", [DOWN] = "unhealthy" };
static const char *const environment_names[] = {
	[ENVIRONMENT_DEVELOPMENT] = "development",
	[ENVIRONMENT_STAGING] = "staging",
	[ENVIRONMENT_PRODUCTION] = "production",
};

static enum state check_store(const struct request *req, struct str *detail)
{
	enum err e = store_ping(req->store);

	*detail = str_of(e == OK ? store_engine(req->app->store) : err_text(e));
	return e == OK ? UP : DOWN;
}

static enum state check_state_dir(const struct request *req, struct str *detail)
{
	const char *dir = arena_cstr(req->arena, req->app->config.state_dir);
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0 || access(dir, W_OK) != 0) {
		*detail = arena_printf(req->arena, "%s", strerror(errno));
		return DOWN;
	}
	double share = fs.f_blocks == 0 ? 1 : (double)fs.f_bavail / (double)fs.f_blocks;
	*detail = arena_printf(req->arena, "%.1f %% free", share * 100);
	return share < FREE_SHARE_LOW ? DEGRADED : UP;
}

/* Without it limits are decided another way, and what other machines end is read later. */
static enum state check_redis(const struct request *req, struct str *detail)
{
	static const struct str  ping = STR_INIT("PING");
	struct redis            *redis = req->worker->redis;
	const struct redisReply *reply;
	enum redis_outcome       outcome = redis_call(redis, &ping, 1, redis_deadline_ns(redis),
	    &reply);

	*detail = outcome == REDIS_ANSWERED ? STR_NONE : str_of(redis_outcome_name(outcome));
	return outcome == REDIS_ANSWERED ? UP : DEGRADED;
}

static bool has_redis(const struct request *req)
{
	return req->worker->redis != NULL;
}

/* What the installation stands on.  A needed one that is down makes it unready. */
static const struct dependency {
	const char *name;
	bool        needed;
	bool      (*used)(const struct request *req);   /* NULL: by everybody */
	enum state (*check)(const struct request *req, struct str *detail);
} dependencies[] = {
	{ "store", true, NULL, check_store },
	{ "state_dir", true, NULL, check_state_dir },
	{ "redis", false, has_redis, check_redis },
};

static enum err put_status(struct response *res, const char *status)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "status", str_of(status));
	json_object_close(&w);
	response_json(res);
	return OK;
}

enum err health_alive(const struct request *req, struct response *res)
{
	(void)req;
	return put_status(res, "ok");
}

enum err health_ready(const struct request *req, struct response *res)
{
	struct str detail;

	for (size_t i = 0; i < COUNT(dependencies); i++)
		if (dependencies[i].needed && dependencies[i].check(req, &detail) == DOWN)
			return response_problem(res, ERR_UNAVAILABLE, "%s is down", dependencies[i].name);
	return put_status(res, "ready");
}

static enum state put_dependency(const struct request *req, struct json_writer *w,
    const struct dependency *d)
{
	struct str detail = STR_NONE;
	uint64_t began = time_monotonic_ns();
	enum state state = d->check(req, &detail);

	json_object_open(w);
	json_member_string(w, "name", str_of(d->name));
	json_member_string(w, "status", str_of(state_names[state]));
	json_name(w, "response_ms");
	json_put_double(w, (double)(time_monotonic_ns() - began) / 1e6);
	json_member_string(w, "detail", detail);
	json_object_close(w);
	return state == DOWN && !d->needed ? DEGRADED : state;
}

enum err health_detailed(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);
	const struct app *app = req->app;
	enum state worst = UP;

	json_object_open(&w);
	json_member_string(&w, "version", STR(QUIVER_VERSION));
	json_member_string(&w, "environment", str_of(environment_names[app->config.environment]));
	int64_t uptime_ms = req->now_ms - app->started_ms;
	json_member_int(&w, "uptime_s", uptime_ms > 0 ? uptime_ms / 1000 : 0);
	json_name(&w, "dependencies");
	json_array_open(&w);
	for (size_t i = 0; i < COUNT(dependencies); i++) {
		if (dependencies[i].used != NULL && !dependencies[i].used(req))
			continue;
		enum state state = put_dependency(req, &w, &dependencies[i]);
		if (state > worst)
			worst = state;
	}
	json_array_close(&w);
	json_member_string(&w, "status", str_of(overall_names[worst]));
	json_object_close(&w);
	response_json(res);
	return OK;
}

enum err health_metrics(const struct request *req, struct response *res)
{
	metrics_expose(req->app->metrics, &res->buffer);
	response_json(res);
	return OK;
}
