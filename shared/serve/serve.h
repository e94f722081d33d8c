/*
 * serve: a handler's process: its flags, its socket, its workers, its end.
 * The workers wait on one epoll set over the listening socket and the idle
 * connections; who wakes accepts and does the work, with libfcgi for the protocol.  SIGTERM and SIGINT stop accepting, finish what
 * is in flight and exit 0 within DRAIN_S.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "http/app.h"

/* What main() returns.  Flags: --help --version --routes --prefixes --openapi
 * --check-config, the handler's own commands, and --listen ADDRESS (a path, or
 * 127.0.0.1:PORT, [::1]:PORT) for a socket of our own; without it descriptor 0
 * (lighttpd, mod_fcgid, spawn-fcgi) or systemd's (LISTEN_FDS). */
int serve_main(int argc, char **argv, const struct handler *h) NONNULL_ALL;

#endif
