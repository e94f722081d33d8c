/*
 * checks: the endpoints of the health handler.
 * Blocking: each check is bounded by its own dependency's deadline.
 */
#ifndef HEALTH_CHECKS_H
#define HEALTH_CHECKS_H

#include "http/request.h"
#include "http/response.h"

endpoint health_alive, health_ready, health_detailed, health_metrics;

#endif
