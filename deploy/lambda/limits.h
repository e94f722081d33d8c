/*
 * limits: every maximum of the bootstrap, with its unit and its reason.
 */
#ifndef LAMBDA_LIMITS_H
#define LAMBDA_LIMITS_H

#define EVENT_MAX_BYTES         (6u << 20)      /* Lambda's own bound on a synchronous event */
#define REPLY_MAX_BYTES         6291556         /* Lambda's own bound on a reply: 6 MB and 100 bytes */
#define ALB_REPLY_MAX_BYTES     (1u << 20)      /* a load balancer takes no more from a function */
#define REPLY_HEAD_MAX_BYTES    65536           /* the header lines of a handler's reply */
#define REPLY_HEADERS_MAX       128
#define REPLY_BODY_MAX_BYTES    (64u << 20)     /* of a handler: shared/'s own RESPONSE_MAX_BYTES */
#define GZIP_MIN_BYTES          1024            /* below, the header costs what is won */
#define VARIABLES_MAX           256             /* as many as shared/ takes: CGI_PARAMS_MAX */
#define VARIABLE_MAX_BYTES      16384           /* API Gateway's bound on all headers is 10,240 */
#define CLAIM_NAME_MAX_BYTES    128
#define PROGRAMS_MAX            64              /* executables in one package */
#define PREFIXES_MAX            512
#define TABLE_MAX_BYTES         65536           /* the file that has both */
#define HTTP_HEAD_MAX_BYTES     65536           /* of an answer of the Runtime API */
#define ARENA_INVOCATION_BYTES  (256u << 20)    /* event, reply and both encoded, each once or twice */
#define API_TIMEOUT_MS          5000            /* Runtime API, all but the wait for an event */
#define API_ATTEMPTS            5               /* connections refused or cut before it gives up */
#define START_TIMEOUT_MS        9000            /* Lambda ends an init of 10 s */
#define STOP_TIMEOUT_MS         300             /* Lambda kills 500 ms after SIGTERM */

#endif
