/*
 * index: where to find what, and what the problem types mean.
 */
#ifndef DOCS_INDEX_H
#define DOCS_INDEX_H

#include "http/request.h"
#include "http/response.h"

endpoint docs_index, docs_problem;

#endif
