#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "metrics/series.h"

/* What is exposed of one series: a copy, so that a slot that is freed and taken
 * again meanwhile is not shown half as the one and half as the other. */
struct sample {
	uint32_t metric, labels_len;
	char     labels[SERIES_LABEL_BYTES];
	uint64_t values[METRIC_BUCKETS_MAX + 2];
};

static struct str labels_of(const struct sample *s)
{
	return (struct str){ s->labels, s->labels_len };
}

static int compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return str_compare(labels_of(x), labels_of(y));
}

static bool copy_sample(const struct metrics *m, size_t i, uint64_t word, struct sample *out)
{
	const struct metric_series *s = &m->registry->series[i];

	out->metric = s->metric;
	out->labels_len = s->labels_len;
	memcpy(out->labels, s->labels, sizeof(out->labels));
	for (size_t n = 0; n < COUNT(out->values); n++)
		out->values[n] = series_load(&s->values[n]);
	return series_word(m, i) == word && out->metric < METRIC_COUNT &&
	    out->labels_len <= sizeof(out->labels);
}

static size_t slots_in_use(const struct metrics *m)
{
	size_t n = 0;
	while (n < SERIES_MAX && SERIES_STATE(series_word(m, n)) != SERIES_EMPTY)
		n++;
	return n;
}

/* Copies what is published into `out`, which has room for `slots`. */
static size_t collect(struct metrics *m, struct sample *out, size_t slots)
{
	size_t n = 0;

	for (size_t i = 0; i < slots; i++) {
		uint64_t word = series_word(m, i);
		if (SERIES_STATE(word) != SERIES_READY)
			continue;
		if (series_is_orphan(&m->registry->series[i]))
			series_free(m, i, word);
		else if (copy_sample(m, i, word, &out[n]))
			n++;
	}
	return n;
}

/* A process that was stopped while it made a series can have left it twice:
 * shown, they are one. */
static size_t merge(struct sample *samples, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct sample *last = kept == 0 ? NULL : &samples[kept - 1];
		if (last == NULL || compare(last, &samples[i]) != 0) {
			samples[kept++] = samples[i];
			continue;
		}
		for (size_t n = 0; n < COUNT(last->values); n++)
			last->values[n] += samples[i].values[n];
	}
	return kept;
}

/* Exactly, in seconds without trailing zeros, or as it is. */
static void add_number(struct buf *out, enum metric_unit unit, uint64_t n)
{
	if (unit == METRIC_ONES) {
		buf_u64(out, n);
		return;
	}
	buf_u64(out, n / 1000000000);
	if (n % 1000000000 == 0)
		return;
	buf_printf(out, ".%09u", (unsigned)(n % 1000000000));
	while (out->len > 0 && out->ptr[out->len - 1] == '0')
		buf_truncate(out, out->len - 1);
}

/* name{labels} up to and including the space before the value. */
static void add_name(struct buf *out, const char *name, const char *suffix, struct str labels)
{
	buf_printf(out, "%s%s", name, suffix);
	if (!str_is_empty(labels)) {
		buf_char(out, '{');
		buf_add(out, labels);
		buf_char(out, '}');
	}
	buf_char(out, ' ');
}

static void add_bucket(struct buf *out, const struct metric_row *row, const struct sample *s,
    size_t bucket, uint64_t cumulative)
{
	bool last = bucket == METRIC_BUCKETS_MAX || row->buckets[bucket] == 0;

	buf_printf(out, "%s_bucket{", row->name);
	buf_add(out, labels_of(s));
	buf_printf(out, "%sle=\"", s->labels_len == 0 ? "" : ",");
	if (last)
		BUF_LIT(out, "+Inf");
	else
		add_number(out, row->unit, row->buckets[bucket]);
	buf_printf(out, "\"} %llu\n", (unsigned long long)cumulative);
}

static void add_histogram(struct buf *out, const struct metric_row *row, const struct sample *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++) {
		count += s->values[1 + i];
		add_bucket(out, row, s, i, count);
		if (i < METRIC_BUCKETS_MAX && row->buckets[i] == 0)
			break;
	}
	add_name(out, row->name, "_sum", labels_of(s));
	add_number(out, row->unit, s->values[0]);
	buf_char(out, '\n');
	add_name(out, row->name, "_count", labels_of(s));
	buf_u64(out, count);
	buf_char(out, '\n');
}

static void add_sample(struct buf *out, const struct metric_row *row, const struct sample *s)
{
	if (row->type == METRIC_HISTOGRAM) {
		add_histogram(out, row, s);
		return;
	}
	add_name(out, row->name, "", labels_of(s));
	if (row->type == METRIC_GAUGE)
		buf_i64(out, (int64_t)s->values[0]);
	else
		buf_u64(out, s->values[0]);
	buf_char(out, '\n');
}

static void add_heading(struct buf *out, const struct metric_row *row)
{
	static const char *const types[] = {
		[METRIC_NONE] = "untyped", [METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram",
	};
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
	    types[row->type]);
}

void metrics_expose(struct metrics *m, struct buf *out)
{
	size_t slots = slots_in_use(m);
	struct sample *samples = calloc(slots + 1, sizeof(*samples));

	if (samples == NULL) {
		out->failed = true;
		return;
	}
	size_t count = collect(m, samples, slots);
	qsort(samples, count, sizeof(*samples), compare);
	count = merge(samples, count);
	for (size_t i = 0; i < count; i++) {
		const struct metric_row *row = metrics_row(samples[i].metric);
		if (i == 0 || samples[i - 1].metric != samples[i].metric)
			add_heading(out, row);
		add_sample(out, row, &samples[i]);
	}
	free(samples);
}
