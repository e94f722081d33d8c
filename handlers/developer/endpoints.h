/*
 * endpoints: what developer.c's tables name.
 */
#ifndef HANDLERS_DEVELOPER_ENDPOINTS_H
#define HANDLERS_DEVELOPER_ENDPOINTS_H

#include "http/app.h"
#include "http/request.h"
#include "http/response.h"

endpoint developer_list_keys, developer_read_key;       /* keys.c */
endpoint developer_create_key;                          /* create.c */
endpoint developer_change_key, developer_rotate_key, developer_revoke_key;      /* change.c */
endpoint developer_report_leaks;                        /* leaks.c */

#endif
