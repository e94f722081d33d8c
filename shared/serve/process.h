/*
 * process: a handler at work: opens everything, runs the workers, drains.
 */
#ifndef SERVE_PROCESS_H
#define SERVE_PROCESS_H

#include "base/attr.h"
#include "base/str.h"
#include "http/app.h"

/* Each returns the exit status of main(): 0, or one of sysexits.h: EX_CONFIG for a
 * setting that is no good, EX_UNAVAILABLE for what the settings name. */

/* Serves until told to stop.  `address` as listen_open takes it. */
int process_serve(const struct handler *h, struct str address) NONNULL(1);
/* Opens what serving would, and closes it again. */
int process_check(const struct handler *h) NONNULL_ALL;
/* Makes the table that STORE names, where its engine needs one. */
int process_create_table(const struct handler *h) NONNULL_ALL;
/* Prints it as a resource of CloudFormation. */
int process_print_table(const struct handler *h) NONNULL_ALL;
/* Runs a flag of the handler's own with what followed it, if it takes anything. */
int process_command(const struct handler *h, const struct handler_command *c,
    const char *argument) NONNULL(1, 2);

#endif
