/*
 * health: is this machine's installation alive, ready, and how does it fare?
 */
#include "health/checks.h"
#include "serve/serve.h"

static const char *const up_or_down[] = { "up", "degraded", "down", NULL };
static const char *const overall[] = { "healthy", "degraded", "unhealthy", NULL };

static const struct field status_fields[] = {
	{ .name = "status", .type = FIELD_STRING, .required = true, .help = "ok" },
	{ 0 },
};
static const struct schema status_schema = { "Status", status_fields, false };

static const struct field dependency_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true, .help = "What is depended on" },
	{ .name = "status", .type = FIELD_ENUM, .choices = up_or_down, .required = true },
	{ .name = "response_ms", .type = FIELD_NUMBER, .required = true, .help = "How long the check took" },
	{ .name = "detail", .type = FIELD_STRING, .max = 500, .help = "Version, or what is wrong" },
	{ 0 },
};
static const struct schema dependency_schema = { "Dependency", dependency_fields, false };

static const struct field health_fields[] = {
	{ .name = "status", .type = FIELD_ENUM, .choices = overall, .required = true },
	{ .name = "version", .type = FIELD_STRING, .required = true, .help = "Of this handler" },
	{ .name = "environment", .type = FIELD_STRING, .required = true },
	{ .name = "uptime_s", .type = FIELD_INT, .required = true, .help = "Of this process" },
	{ .name = "dependencies", .type = FIELD_OBJECT, .object = &dependency_schema, .list = true,
	  .required = true },
	{ 0 },
};
static const struct schema health_schema = { "Health", health_fields, false };

static const struct route routes[] = {
	{ .method = GET, .path = "/health", .run = health_alive, .scope = SCOPE_PUBLIC,
	  .reply = &status_schema, .exempt = true, .quiet = true,
	  .summary = "Always 200 while the process answers" },
	{ .method = GET, .path = "/live", .run = health_alive, .scope = SCOPE_PUBLIC,
	  .reply = &status_schema, .exempt = true, .quiet = true, .summary = "Liveness probe" },
	{ .method = GET, .path = "/ready", .run = health_ready, .scope = SCOPE_PUBLIC,
	  .reply = &status_schema, .exempt = true, .quiet = true,
	  .summary = "Readiness probe: 503 while a needed dependency is down" },
	{ .method = GET, .path = "/health/detailed", .run = health_detailed,
	  .scope = SCOPE_ANALYTICS_READ, .reply = &health_schema, .exempt = true, .quiet = true,
	  .unversioned = true,
	  .summary = "Each dependency's status and response time, uptime, versions" },
	{ .method = GET, .path = "/metrics", .run = health_metrics, .scope = SCOPE_METRICS_READ,
	  .exempt = true, .quiet = true, .reply_type = "text/plain; version=0.0.4; charset=utf-8",
	  .summary = "Metrics of all handlers of this machine in Prometheus text format" },
};

static const struct handler health = {
	.name = "health",
	.summary = "Liveness, readiness, dependencies and metrics",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = NEEDS_STORE | NEEDS_LIMITS,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &health);
}
