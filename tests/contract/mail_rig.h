/*
 * mail_rig: sign-in whose mail becomes files, and reading them.
 */
#ifndef TESTS_MAIL_RIG_H
#define TESTS_MAIL_RIG_H

#include "identity_rig.h"

#include "net/mail.h"

#define MAIL_DEADLINE_MS 10000

struct mail_rig {
	struct rig   r;
	struct mail *mail;
	size_t       seen;              /* mails that were read */
};

static inline void mail_rig_open(struct mail_rig *m)
{
	struct mail_options options = {
		.templates_dir = STR(SOURCE_DIR "/templates/email"), .product = STR("Quiver"),
	};
	struct str reason = STR_NONE;

	*m = (struct mail_rig){ 0 };
	rig_open(&m->r);
	options.state_dir = str_of(m->r.dir);
	if (mail_open(&options, m->r.metrics, &m->mail, &reason) != OK)
		fail_msg("%.*s", STR_ARG(reason));
}

static inline const char *mail_dir(struct mail_rig *m)
{
	return arena_printf(&m->r.a, "%s/mail", m->r.dir).ptr;
}

/* How many files there are; the last name in *last. */
static inline size_t mail_count(struct mail_rig *m, struct str *last)
{
	DIR   *d = opendir(mail_dir(m));
	size_t n = 0;

	*last = STR("");
	for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
		struct str name = str_of(e->d_name);

		if (!str_ends(name, STR(".eml")))
			continue;
		n++;
		if (str_compare(name, *last) > 0)
			*last = arena_dup(&m->r.a, name);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static inline void mail_rig_close(struct mail_rig *m)
{
	struct dirent *e;
	DIR           *d;

	mail_close(m->mail, time_monotonic_ns() + UINT64_C(5000000000));
	d = opendir(mail_dir(m));
	for (e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL) {
		closedir(d);
		rmdir(mail_dir(m));
	}
	rig_close(&m->r);
}

static inline const struct identity_call *mail_call(struct mail_rig *m)
{
	struct identity_call *k = ARENA_NEW(&m->r.a, struct identity_call);

	*k = *rig_call(&m->r);
	k->mail = m->mail;
	return k;
}

/* The text of the next mail. */
static inline struct str next_mail(struct mail_rig *m)
{
	int64_t    until_ms = time_now_ms() + MAIL_DEADLINE_MS;
	char      *text = arena_alloc(&m->r.a, 65536);
	struct str last;
	FILE      *file;
	size_t     n;

	while (mail_count(m, &last) <= m->seen && time_now_ms() < until_ms)
		usleep(1000);
	m->seen++;
	assert_int_equal(mail_count(m, &last), m->seen);
	file = fopen(arena_printf(&m->r.a, "%s/%.*s", mail_dir(m), STR_ARG(last)).ptr, "r");
	assert_non_null(file);
	n = fread(text, 1, 65536, file);
	fclose(file);
	return (struct str){ text, n };
}

/* The code that stands alone on a line of the next mail: "    k7p2-9xwm". */
static inline struct str next_code(struct mail_rig *m)
{
	struct str rest = next_mail(m);

	while (rest.ptr != NULL) {
		struct str line = str_cut(&rest, '\n'), word = str_trim(line);

		if (str_starts(line, STR("    ")) && word.len == 9 && word.ptr[4] == '-')
			return word;
	}
	fail_msg("the mail has no code");
	return STR_NONE;
}

#endif
