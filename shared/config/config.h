/*
 * config: the settings, read once from the environment at start.
 * One row a setting in config.c (name, type, default, bounds, secret or not,
 * help); parsing, --help, --check-config and the README's table come from it.
 * Lifetime: filled before any thread starts, constant afterwards.
 * Threads:  read by all.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"

enum environment { ENVIRONMENT_DEVELOPMENT, ENVIRONMENT_STAGING, ENVIRONMENT_PRODUCTION };
enum identity_kind { IDENTITY_LOCAL, IDENTITY_COGNITO, IDENTITY_OIDC };
enum registration_kind { REGISTRATION_OPEN, REGISTRATION_CLOSED };
/* In the order of their weight: a line is written at or above LOG_LEVEL. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct config {
	struct arena     arena;         /* holds every string below */
	struct str       state_dir;
	struct str       store;         /* "sqlite:PATH", $STATE_DIR expanded; "dynamodb:TABLE" */
	struct str       aws_region;    /* empty: none */
	struct str       dynamodb_endpoint;     /* without a trailing slash; empty: AWS's */
	struct str       aws_access_key_id, aws_secret_access_key, aws_session_token;
	struct str       aws_container_relative_uri, aws_container_full_uri;
	struct str       aws_container_token, aws_container_token_file;
	struct str       aws_metadata_endpoint; /* of the instance; without a trailing slash */
	bool             aws_metadata_disabled;
	struct str       redis_url;     /* empty: none */
	uint32_t         redis_timeout_ms;      /* of a request's limits */
	uint8_t          secret_key[SECRET_BYTES];
	enum environment environment;
	struct str       public_url;    /* without a trailing slash; empty: from the request */
	enum identity_kind identity;
	struct str       oidc_issuers;          /* JSON as given: auth/ parses it; empty: none */
	struct str       cognito_user_pool_id, cognito_client_id, cognito_client_secret;
	struct str       cognito_region, cognito_endpoint;      /* endpoint: without a trailing slash */
	struct str       auth_providers;        /* JSON as given: the auth handler parses it; empty: none */
	enum registration_kind registration;    /* who may make an account */
	uint32_t         access_token_ttl_s, refresh_token_ttl_s, refresh_grace_s, clock_skew_s;
	uint32_t         session_max_s;
	uint32_t         signing_key_max_age_s; /* 0: keys are replaced by hand alone */
	struct str       limits_path;   /* empty: the built-in policies */
	uint32_t         limit_machines;        /* that share limits through Redis */
	struct str       trusted_proxies;       /* the list as given: access/ parses it */
	struct str       cors_origins;          /* the list as given: http/ parses it */
	struct str       smtp_url, mail_from;
	struct str       net_ca_file;   /* empty: the system's authorities */
	struct str       metrics_token; /* empty: loopback only */
	uint32_t         threads, drain_s;
	uint32_t         body_max_bytes;
	enum log_level   log_level;
	double           log_sample;    /* 0 to 1: share of successful requests logged */
	uint32_t         log_delay_ms;
	bool             log_bodies;
	struct str       owner_email, owner_password;   /* empty password: generate */
	struct str       docs_dir;      /* DOCS_DIR: OpenAPI parts and UI assets */
	struct str       mail_templates_dir;    /* empty: of the installation */
	uint32_t         io_timeout_s;  /* IO_TIMEOUT_S: silence of a FastCGI peer in mid-request */
	struct str       site_title;    /* SITE_TITLE: feeds */
	struct str       leak_report_keys;      /* LEAK_REPORT_KEYS: path; empty: none are taken */
};

/* What getenv is: so that tests bring their own environment. */
typedef const char *config_source(void *context, const char *name);

/* Reads, checks and expands every setting.  On ERR_INVALID *problems has a line
 * a bad setting: which, what came (never of a secret), and what would do.
 * SECRET_KEY: in development a missing one is generated into STATE_DIR/secret.key
 * (0600) and read from there afterwards; elsewhere its absence or weakness is a
 * problem.  STATE_DIR is made (0700) when its parent exists.
 * NULL for `source` is the process's environment. */
NODISCARD enum err config_load(struct config *c, config_source *source, void *context,
    struct buf *problems) NONNULL(1, 4);
void config_clean(struct config *c) NONNULL_ALL;

/* The folder share/quiver/NAME of this executable's installation or build folder,
 * whether it is there or not; the arena's. */
NODISCARD struct str config_installed(struct arena *a, const char *name) NONNULL_ALL;

/* The settings as --help prints them: name, default, meaning. */
void config_help(struct buf *out) NONNULL_ALL;
/* The same as a Markdown table, for the README (a test compares them). */
void config_markdown(struct buf *out) NONNULL_ALL;

/* Iteration for tests: the name of row `i`, NULL past the end. */
const char *config_name(size_t i);

#endif
