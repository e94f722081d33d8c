/*
 * provider_schemas: what the provider endpoints take and give.
 */
#ifndef HANDLERS_AUTH_PROVIDER_SCHEMAS_H
#define HANDLERS_AUTH_PROVIDER_SCHEMAS_H

#include "http/schema.h"

extern const struct schema provider_list_reply, provider_link_schema;
extern const struct schema provider_begin_query, provider_callback_query;
extern const struct schema provider_exchange_request;

#endif
