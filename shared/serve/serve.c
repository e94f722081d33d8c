#include "serve/serve.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "serve/describe.h"
#include "serve/process.h"

#define OUTPUT_MAX_BYTES (16 << 20)

static int describe(const struct handler *h, const struct describe_flag *f)
{
	struct buf out;

	buf_init(&out, NULL, OUTPUT_MAX_BYTES);
	f->write(h, &out);
	struct str text = buf_str(&out);
	bool written = !buf_failed(&out) && fwrite(text.ptr, 1, text.len, stdout) == text.len &&
	    fflush(stdout) == 0;
	buf_clean(&out);
	return written ? EX_OK : EX_IOERR;
}

static int usage(const struct handler *h, const char *flag)
{
	struct buf out;

	buf_init(&out, NULL, OUTPUT_MAX_BYTES);
	describe_usage(h, &out);
	fprintf(stderr, "%s: cannot take \"%s\"\n%s", h->name, flag, buf_cstr(&out));
	buf_clean(&out);
	return EX_USAGE;
}

/* "--listen ADDRESS" and "--listen=ADDRESS". */
static bool is_listen(int argc, char **argv, struct str *address)
{
	const struct str joined = STR("--listen=");

	if (argc == 3 && strcmp(argv[1], "--listen") == 0) {
		*address = str_of(argv[2]);
		return true;
	}
	if (argc != 2 || !str_starts(str_of(argv[1]), joined))
		return false;
	*address = str_from(str_of(argv[1]), joined.len);
	return true;
}

/* The command that these arguments name, with as many as it takes. */
static const struct handler_command *find_command(int argc, char **argv,
    const struct handler *h)
{
	for (const struct handler_command *c = h->commands; c != NULL && c->flag != NULL; c++)
		if (strcmp(argv[1], c->flag) == 0)
			return argc == (c->argument == NULL ? 2 : 3) ? c : NULL;
	return NULL;
}

int serve_main(int argc, char **argv, const struct handler *h)
{
	struct str address = STR_NONE;

	if (argc < 2 || is_listen(argc, argv, &address))
		return process_serve(h, address);
	const struct handler_command *command = find_command(argc, argv, h);
	if (command != NULL)
		return process_command(h, command, argv[2]);
	if (argc > 2)
		return usage(h, argv[2]);
	if (strcmp(argv[1], "--check-config") == 0)
		return process_check(h);
	if ((h->needs & NEEDS_STORE) != 0 && strcmp(argv[1], "--create-table") == 0)
		return process_create_table(h);
	if ((h->needs & NEEDS_STORE) != 0 && strcmp(argv[1], "--print-table") == 0)
		return process_print_table(h);
	for (const struct describe_flag *f = describe_flags; f->flag != NULL; f++)
		if (strcmp(argv[1], f->flag) == 0)
			return describe(h, f);
	return usage(h, argv[1]);
}
