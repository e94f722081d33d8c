/*
 * mail: what the product writes to people.
 * mail_send renders a mail, puts it into a queue and returns: a reply takes the
 * same time whether there was something to send or not, and no request waits for
 * a mail server.  One thread a process sends.  It tries four times within some
 * minutes; what then is not sent, what a server refuses for good, and all mail of
 * an installation without a server, becomes a file in STATE_DIR/mail and a line in
 * the log that names recipient and file, never what the mail says.
 * Durability: a crash loses what is in the queue.  That is accepted: what we send
 *           are codes that can be asked for again, and notices.
 * Lifetime: opened before the workers start; the thread starts with the first mail.
 * Threads:  safe from any.
 * Blocking: mail_send never, but for a template's first reading; mail_close until
 *           the time it is given.
 */
#ifndef NET_MAIL_H
#define NET_MAIL_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "net/mail_template.h"
#include "net/mail_text.h"

struct mail;                            /* opaque */

/* Strings are copied. */
struct mail_options {
	struct str smtp_url;            /* empty: mail becomes files */
	struct str from;                /* a mailbox; empty: "PRODUCT <quiver@localhost>" */
	struct str state_dir, templates_dir, ca_file;
	struct str product, public_url; /* {{product}}; {{link}} where a message brings none */
	uint32_t   retry_ms;            /* until the second attempt; 0: MAIL_RETRY_MS */
	uint32_t   deadline_ms;         /* of one attempt; 0: MAIL_DEADLINE_MS */
};

/* ERR_INVALID: `from` is no mailbox; *reason (static storage) says so. */
NODISCARD enum err mail_open(const struct mail_options *options, struct metrics *m,
    struct mail **out, struct str *reason) NONNULL_ALL;
/* Sends what waits until `stop_by_ns` (time_monotonic_ns), each once more; what is
 * left becomes files. */
void mail_close(struct mail *m, uint64_t stop_by_ns);

/* Borrowed for the call.  What a template does not name may stay empty.  A name
 * that someone typed in who has not proved to own the address does not belong into
 * a mail: it would be a stranger's text in our name. */
struct mail_message {
	enum mail_kind kind;
	struct mailbox to;
	struct str     code, link, provider, key;
	uint32_t       minutes;         /* that the code is good for; 0: none */
	int64_t        time_ms;         /* when it happened; 0: now */
};

/* OK: queued.  ERR_UNAVAILABLE: the queue is full.  ERR_INVALID: no address, or a
 * value with control characters, over MAIL_VALUE_MAX, or not UTF-8.  Others: the
 * template is missing or damaged, and the log says so. */
NODISCARD enum err mail_send(struct mail *m, const struct mail_message *message) NONNULL_ALL;

#endif
