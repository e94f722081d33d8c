#include "serve/describe.h"

#include <stdio.h>

#include "config/config.h"
#include "http/openapi.h"

static void write_flag(struct buf *out, const char *flag, const char *help)
{
	buf_printf(out, "  %-18s %s\n", flag, help);
}

static void write_command(struct buf *out, const struct handler_command *c)
{
	char flag[64];

	snprintf(flag, sizeof(flag), "%s %s", c->flag, c->argument == NULL ? "" : c->argument);
	write_flag(out, flag, c->help);
}

static void write_help(const struct handler *h, struct buf *out)
{
	buf_printf(out, "%s %s: %s\n\n", h->name, QUIVER_VERSION, h->summary);
	describe_usage(h, out);
	BUF_LIT(out, "\nIt speaks FastCGI on a socket of its own (--listen), on systemd's, or on\n"
	    "descriptor 0, as web servers pass it.\n\nflags:\n");
	write_flag(out, "--listen ADDRESS", "a path, 127.0.0.1:PORT or [::1]:PORT");
	write_flag(out, "--check-config", "reads the settings, opens what they name, and ends");
	if ((h->needs & NEEDS_STORE) != 0) {
		write_flag(out, "--create-table", "makes the table that STORE names, and ends");
		write_flag(out, "--print-table", "that table as a resource of CloudFormation");
	}
	for (const struct describe_flag *f = describe_flags; f->flag != NULL; f++)
		write_flag(out, f->flag, f->help);
	for (const struct handler_command *c = h->commands; c != NULL && c->flag != NULL; c++)
		write_command(out, c);
	BUF_LIT(out, "\nsettings, from the environment:\n");
	config_help(out);
}

static void write_version(const struct handler *h, struct buf *out)
{
	buf_printf(out, "%s %s\n", h->name, QUIVER_VERSION);
}

static void write_routes(const struct handler *h, struct buf *out)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct route *r = &h->routes[i];
		buf_printf(out, "%-6s %-45s %-17s %s\n", method_name(r->method), r->path,
		    scope_name(r->scope), r->summary);
	}
}

static bool is_first_of_prefix(const struct handler *h, size_t row)
{
	struct str prefix = route_prefix(h->routes[row].path);

	for (size_t i = 0; i < row; i++)
		if (str_eq(route_prefix(h->routes[i].path), prefix))
			return false;
	return true;
}

static void write_prefixes(const struct handler *h, struct buf *out)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		if (!is_first_of_prefix(h, i))
			continue;
		buf_add(out, route_prefix(h->routes[i].path));
		buf_char(out, '\n');
	}
}

static void write_openapi(const struct handler *h, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_MAX_BYTES);
	openapi_write(&a, h, out);
	arena_clean(&a);
}

const struct describe_flag describe_flags[] = {
	{ "--help",     "this text",                                    write_help },
	{ "--version",  "name and version",                             write_version },
	{ "--routes",   "method, path, scope and summary of each",      write_routes },
	{ "--prefixes", "what a web server is to forward, a line each", write_prefixes },
	{ "--openapi",  "its part of the OpenAPI document",             write_openapi },
	{ 0 }
};

void describe_usage(const struct handler *h, struct buf *out)
{
	buf_printf(out, "usage: %s [--listen ADDRESS | --check-config", h->name);
	if ((h->needs & NEEDS_STORE) != 0)
		BUF_LIT(out, " | --create-table | --print-table");
	for (const struct describe_flag *f = describe_flags; f->flag != NULL; f++)
		buf_printf(out, " | %s", f->flag);
	for (const struct handler_command *c = h->commands; c != NULL && c->flag != NULL; c++)
		buf_printf(out, " | %s%s%s", c->flag, c->argument == NULL ? "" : " ",
		    c->argument == NULL ? "" : c->argument);
	BUF_LIT(out, "]\n");
}
