/*
 * endpoints: what developer.c's tables name.
 */
#ifndef HANDLERS_DEVELOPER_ENDPOINTS_H
#define HANDLERS_DEVELOPER_ENDPOINTS_H

#include "http/app.h"
#include "http/request.h"
#include "http/response.h"

endpoint keys_list, keys_read;                          /* keys.c */
endpoint keys_create;                                   /* create.c */
endpoint keys_change, keys_rotate, keys_revoke;         /* change.c */
endpoint leaks_report;                                  /* leaks.c */

#endif
