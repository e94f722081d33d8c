/*
 * limits: every maximum of the library, with its unit and its reason.
 * What a setting changes has its bound in config/config.c instead.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define PATH_MAX_BYTES          2048    /* a decoded path; longer ones are attacks or mistakes */
#define PATH_PARAMS_MAX         4       /* {…} in one route */
#define QUERY_MAX_BYTES         4096    /* a raw query string */
#define QUERY_PARAMS_MAX        32      /* names in one query string */
#define HEADER_MAX_BYTES        8192    /* one header's value: what lighttpd and nginx let through */
#define CGI_PARAMS_MAX          256     /* CGI variables of one request */
#define REQUEST_ID_MAX          128     /* X-Request-ID */
#define RESPONSE_HEADERS_MAX    32      /* headers an endpoint adds */
#define RESPONSE_MAX_BYTES      (64u << 20)     /* a buffered reply; larger ones stream */
#define JSON_DEPTH_MAX          32      /* nesting; a parser's stack is bounded by it */
#define FIELD_ERRORS_MAX        64      /* errors listed in one problem */
#define ARENA_BLOCK_BYTES       16384   /* first block of a request: most requests need no second */
#define ARENA_KEEP_BYTES        262144  /* of a block that an empty arena keeps: a create needs less */
#define ARENA_MAX_BYTES         (256u << 20)    /* one request's memory, whatever it does */
#define ARENA_BLOCK_MAX_BYTES   (1u << 20)      /* blocks double up to this; larger wishes get their own */
#define ARENA_RESERVE_BYTES     65536   /* arena_alloc's beyond the bound: filling it must not abort us */
#define LIST_LIMIT_MAX          100     /* ?limit= */
#define LIST_LIMIT_DEFAULT      20
#define CURSOR_MAX_BYTES        1024    /* an opaque cursor, encoded */
#define TOKEN_MAX_BYTES         8192    /* an access token; checked before any parsing */
#define SIGNATURE_MAX_AGE_S     300     /* of a signed request, give or take CLOCK_SKEW_S: its nonce is kept
                                         * as long */
#define IDEMPOTENCY_KEY_MAX     255     /* as in the IETF draft's examples and at known providers */
#define IDEMPOTENCY_TTL_S       86400
#define IDEMPOTENCY_LEASE_S     30      /* then a request that died no longer blocks its retry */
#define LOG_LINE_MAX_BYTES      8192    /* one line; longer values are cut and marked */
#define LOG_VALUE_MAX_BYTES     2048    /* one value in it, escaped: a long path leaves room for the rest */
#define BODY_LOGGED_MAX_BYTES   4096    /* of a body, with LOG_BODIES */
#define FORWARDED_HOPS_MAX      32      /* addresses read from X-Forwarded-For */
#define TRUSTED_PROXIES_MAX     64      /* ranges in TRUSTED_PROXIES */
#define CORS_ORIGINS_MAX        64
#define STORE_KEY_MAX_BYTES     512     /* partition or sort key; DynamoDB's sort key has 1,024 */
#define STORE_ITEM_MAX_BYTES    (16u << 20)     /* one item's JSON (DynamoDB: 400 KB deflated, its engine says so) */
#define STORE_OPS_MAX           100     /* operations of one transaction; DynamoDB's bound */
#define REQUEST_STORE_MS        5000    /* what a request may wait for the store, all waits together */
#define HTTP_DEADLINE_MS        10000   /* an outgoing call that names none */
#define HTTP_CONNECT_MS         5000    /* of it, for DNS, TCP and TLS */
#define HTTP_URL_MAX_BYTES      8192    /* an outgoing URL: authorization requests are long */
#define HTTP_RESPONSE_MAX_BYTES (1u << 20)      /* an outgoing call's reply, unless it says another */
#define HTTP_HEAD_MAX_BYTES     65536   /* all header lines of such a reply */
#define HTTP_HEADERS_MAX        128     /* and how many */
#define HTTP_REDIRECTS_MAX      3       /* to the same host, where they are followed at all */
#define HTTP_CONNECTIONS_MAX    8       /* that a worker keeps alive */
#define SERVICE_TOKENS_MAX      64      /* clients whose tokens a process keeps */
#define MAIL_QUEUE_MAX          256     /* mails that wait in one process; more are refused */
#define MAIL_KEPT_MAX           1000    /* files in STATE_DIR/mail; the oldest goes */
#define MAIL_RETRY_MS           5000    /* until the second attempt; then 30 s and 2 min */
#define MAIL_DEADLINE_MS        10000   /* one attempt to send one */
#define MAIL_TEMPLATE_MAX_BYTES 65536   /* one file of a template */
#define MAIL_MAX_BYTES          262144  /* a mail as it is sent */
#define MAIL_ADDRESS_MAX        254     /* RFC 5321, 4.5.3.1.3, without the angle brackets */
#define MAIL_VALUE_MAX          2048    /* what is put into a template, each */
#define AWS_KEY_MAX_BYTES       128     /* an access key's id, and its secret; today 20 and 40 */
#define AWS_SESSION_MAX_BYTES   8192    /* a session token: AWS names no bound; today some 1,000 */
#define AWS_REQUEST_MAX_BYTES   (16u << 20)     /* DynamoDB's own bound */
#define AWS_REFRESH_MS          2000    /* a call waits so long for newer keys while its own are good */
#define REDIS_LIMITS_MS         5       /* REDIS_TIMEOUT_MS where nobody sets it: connecting included */
#define REDIS_PUBLISH_MS        50      /* telling other machines: after a write that took as long */
#define REDIS_FOLLOW_MS         1000    /* reading what they tell, beside the requests */
#define REDIS_WORDS_MAX         64      /* of one command: the limiter's script has 35 */
#define REDIS_REPLY_MAX_BYTES   (1u << 20)
#define REDIS_ELEMENTS_MAX      4096    /* of one array in a reply */
#define CONNECTIONS_MAX         8192    /* FastCGI connections of one process */

#endif
