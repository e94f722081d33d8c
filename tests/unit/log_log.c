/*
 * log_log: one valid JSON object a line, whatever comes.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "log/log.h"
#include "capture.h"
#include "test.h"

static void open_log(enum log_level level, double sample)
{
	const struct config c = { .log_level = level, .log_sample = sample };
	log_open(&c, "content");
}

/* The one line of `text`, parsed: fails when it is anything else. */
static const struct json *parse_line(struct arena *a, struct str text)
{
	const struct json *line;
	struct json_error error;

	assert_true(text.len > 1 && text.ptr[text.len - 1] == '\n');
	assert_int_equal(str_index(text, '\n'), text.len - 1);
	assert_true(text.len <= LOG_LINE_MAX_BYTES);
	if (json_parse(a, text, 4, &line, &error) != OK)
		fail_msg("column %u: %s: %.*s", error.column, error.reason, STR_ARG(text));
	assert_int_equal(json_type(line), JSON_OBJECT);
	return line;
}

static struct capture captured;

/* A line with one field, and what came of it. */
static const struct json *line_with(struct arena *a, const char *name, struct str value)
{
	struct log_line l;

	open_log(LOG_INFO, 1);
	capture_begin(&captured);
	log_begin(&l, LOG_INFO, "request");
	log_str(&l, name, value);
	log_int(&l, "status", 200);
	log_end(&l);
	return parse_line(a, capture_end(&captured));
}

TEST(a_line_says_when_who_and_what)
{
	(void)state;
	struct arena a;
	int64_t at;
	arena_init(&a, 1 << 20);
	int64_t before = time_now_ms();
	const struct json *line = line_with(&a, "path", STR("/v1/blog"));
	assert_true(time_from_rfc3339(json_get_string(line, "time"), &at));
	assert_in_range(at, before, time_now_ms());
	assert_str(json_get_string(line, "level"), STR("info"));
	assert_str(json_get_string(line, "handler"), STR("content"));
	assert_int_equal(json_get_int(line, "pid", 0), getpid());
	assert_str(json_get_string(line, "event"), STR("request"));
	assert_str(json_get_string(line, "path"), STR("/v1/blog"));
	assert_int_equal(json_get_int(line, "status", 0), 200);
	assert_false(json_get_bool(line, "truncated", false));
	arena_clean(&a);
}

TEST(values_of_every_type_are_written)
{
	(void)state;
	struct arena a;
	struct log_line l;
	arena_init(&a, 1 << 20);
	open_log(LOG_INFO, 1);
	capture_begin(&captured);
	log_begin(&l, LOG_ERROR, "types");
	log_int(&l, "least", INT64_MIN);
	log_int(&l, "most", INT64_MAX);
	log_int(&l, "zero", 0);
	log_bool(&l, "yes", true);
	log_bool(&l, "no", false);
	log_ms(&l, "duration_ms", 12345678);
	log_ms(&l, "short_ms", 7000);
	log_ms(&l, "long_ms", UINT64_MAX);
	log_str(&l, "absent", STR_NONE);
	log_str(&l, "empty", STR(""));
	log_end(&l);
	struct str text = capture_end(&captured);
	const struct json *line = parse_line(&a, text);
	assert_str(json_get_string(line, "level"), STR("error"));
	assert_true(json_int(json_get(line, STR("least"))) == INT64_MIN);
	assert_true(json_int(json_get(line, STR("most"))) == INT64_MAX);
	assert_int_equal(json_get_int(line, "zero", 1), 0);
	assert_true(json_get_bool(line, "yes", false));
	assert_false(json_get_bool(line, "no", true));
	assert_true(str_contains(text, STR("\"duration_ms\":12.345,")));
	assert_true(str_contains(text, STR("\"short_ms\":0.007,")));
	assert_true(str_contains(text, STR("\"long_ms\":18446744073709.551,")));
	assert_int_equal(json_type(json_get(line, STR("absent"))), JSON_NULL);
	assert_str(json_get_string(line, "empty"), STR(""));
	arena_clean(&a);
}

TEST(any_bytes_become_valid_json)
{
	(void)state;
	static const struct { const char *row; struct str in, out; } cases[] = {
		{ "quote", STR_INIT("a\"b\\c"), STR_INIT("a\"b\\c") },
		{ "newline", STR_INIT("a\r\nb\tc"), STR_INIT("a\r\nb\tc") },
		{ "control", STR_INIT("\x01\x08\x0B\x0C\x1F\x7F"),
		  STR_INIT("\x01\x08\x0B\x0C\x1F\x7F") },
		{ "nul", STR_INIT("a\0b"), STR_INIT("a\0b") },
		{ "utf-8", STR_INIT("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
		  STR_INIT("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80") },
		{ "stray", STR_INIT("a\x80" "b"), STR_INIT("a\xEF\xBF\xBD" "b") },
		{ "cut", STR_INIT("a\xE2\x82"), STR_INIT("a\xEF\xBF\xBD\xEF\xBF\xBD") },
		{ "overlong", STR_INIT("\xC0\xAF"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD") },
		{ "surrogate", STR_INIT("\xED\xA0\x80"),
		  STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
		{ "ff", STR_INIT("\xFF"), STR_INIT("\xEF\xBF\xBD") },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a;
		arena_init(&a, 1 << 20);
		const struct json *line = line_with(&a, "path", cases[i].in);
		assert_row(str_eq(json_get_string(line, "path"), cases[i].out), cases[i].row);
		arena_clean(&a);
	}
}

TEST(every_pair_of_bytes_is_survived)
{
	(void)state;
	struct arena a;
	char bytes[512];
	arena_init(&a, 1 << 20);
	for (unsigned first = 0; first < 256; first += 5) {
		for (unsigned second = 0; second < 256; second++) {
			bytes[2 * second] = (char)first;
			bytes[2 * second + 1] = (char)second;
		}
		const struct json *line = line_with(&a, "path",
		    (struct str){ bytes, sizeof(bytes) });
		assert_int_equal(json_get_int(line, "status", 0), 200);
		arena_reset(&a);
	}
	arena_clean(&a);
}

TEST(a_secret_field_is_redacted)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	const struct json *line = line_with(&a, "refresh_token", STR("hunter2"));
	assert_str(json_get_string(line, "refresh_token"), STR("[redacted]"));
	arena_clean(&a);
}

TEST(a_secret_inside_a_value_is_masked)
{
	(void)state;
	static const struct { struct str in, out; } cases[] = {
		{ STR_INIT("/v1/x?key=qv_live_abc_DEF&y=1"), STR_INIT("/v1/x?key=[redacted]&y=1") },
		{ STR_INIT("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.sig end"),
		  STR_INIT("Bearer [redacted] end") },
		{ STR_INIT("qqv_live_a eeyJa.b.c"), STR_INIT("q[redacted] e[redacted]") },
		{ STR_INIT("eye qv every"), STR_INIT("eye qv every") },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a;
		arena_init(&a, 1 << 20);
		assert_str(json_get_string(line_with(&a, "path", cases[i].in), "path"),
		    cases[i].out);
		arena_clean(&a);
	}
}

TEST(a_header_is_redacted_by_its_name_in_any_case)
{
	(void)state;
	struct arena a;
	struct log_line l;
	arena_init(&a, 1 << 20);
	open_log(LOG_INFO, 1);
	capture_begin(&captured);
	log_begin(&l, LOG_INFO, "headers");
	log_header(&l, STR("COOKIE"), STR("session=hunter2"));
	log_header(&l, STR("User-Agent"), STR("curl/8"));
	log_header(&l, STR("X-\"Odd\n"), STR("v"));
	log_header(&l, STR("Accept"), STR_NONE);
	log_end(&l);
	const struct json *line = parse_line(&a, capture_end(&captured));
	assert_str(json_get_string(line, "COOKIE"), STR("[redacted]"));
	assert_str(json_get_string(line, "User-Agent"), STR("curl/8"));
	assert_str(json_get_string(line, "X-\"Odd\n"), STR("v"));
	assert_int_equal(json_type(json_get(line, STR("Accept"))), JSON_NULL);
	arena_clean(&a);
}

TEST(a_long_value_is_cut_marked_and_leaves_room_for_the_rest)
{
	(void)state;
	struct arena a;
	static char path[100000];
	arena_init(&a, 1 << 20);
	memset(path, 'x', sizeof(path));
	const struct json *line = line_with(&a, "path", (struct str){ path, sizeof(path) });
	assert_int_equal(json_get_string(line, "path").len, LOG_VALUE_MAX_BYTES);
	assert_int_equal(json_get_int(line, "status", 0), 200);
	assert_true(json_get_bool(line, "truncated", false));
	arena_clean(&a);
}

TEST(a_cut_falls_into_no_escape_and_no_sequence)
{
	(void)state;
	static const char *const units[] = {
		"\x01", "\"", "\n", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xFF",
		"qv_live_x ",
	};
	struct arena a;
	char path[4 * LOG_VALUE_MAX_BYTES];
	arena_init(&a, 1 << 20);
	for (size_t u = 0; u < COUNT(units); u++) {
		for (size_t offset = 0; offset < 12; offset++) {
			size_t len = offset;
			memset(path, 'x', offset);
			while (len < sizeof(path) - 16) {
				memcpy(path + len, units[u], strlen(units[u]));
				len += strlen(units[u]);
			}
			const struct json *line = line_with(&a, "path", (struct str){ path, len });
			assert_true(json_get_bool(line, "truncated", false));
			assert_false(str_contains(json_get_string(line, "path"), STR("qv_")));
			arena_reset(&a);
		}
	}
	arena_clean(&a);
}

TEST(a_line_closes_however_much_is_added)
{
	(void)state;
	struct arena a;
	static char value[3000];
	arena_init(&a, 1 << 20);
	memset(value, '"', sizeof(value));
	for (size_t len = 0; len < sizeof(value); len += 37) {
		struct log_line l;
		open_log(LOG_INFO, 1);
		capture_begin(&captured);
		log_begin(&l, LOG_INFO, "much");
		for (int i = 0; i < 400; i++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "s%d", i);
			log_str(&l, name, (struct str){ value, len });
			name[0] = 'i';
			log_int(&l, name, i);
			name[0] = 'h';
			log_header(&l, str_of(name), (struct str){ value, len });
			name[0] = 'm';
			log_ms(&l, name, UINT64_MAX);
			name[0] = 'b';
			log_bool(&l, name, i % 2 == 0);
			name[0] = 'n';
			log_str(&l, name, STR_NONE);
		}
		log_end(&l);
		const struct json *line = parse_line(&a, capture_end(&captured));
		assert_true(json_get_bool(line, "truncated", false));
		arena_reset(&a);
	}
	arena_clean(&a);
}

TEST(below_the_level_nothing_is_written)
{
	(void)state;
	struct log_line l;
	open_log(LOG_WARN, 1);
	capture_begin(&captured);
	log_begin(&l, LOG_INFO, "quiet");
	log_str(&l, "path", STR("/"));
	log_int(&l, "status", 200);
	log_bool(&l, "yes", true);
	log_ms(&l, "duration_ms", 1);
	log_header(&l, STR("Accept"), STR("*"));
	log_end(&l);
	log_message(LOG_DEBUG, "quiet", "%s", "nothing");
	assert_int_equal(capture_end(&captured).len, 0);
	assert_false(log_enabled(LOG_INFO));
	assert_true(log_enabled(LOG_WARN));
	assert_true(log_enabled(LOG_ERROR));
}

TEST(a_message_is_formatted_cut_between_characters_and_masked)
{
	(void)state;
	struct arena a;
	char text[4000] = "", expected[4000];
	arena_init(&a, 1 << 20);
	open_log(LOG_INFO, 1);
	for (size_t offset = 0; offset < 4; offset++) {
		size_t len = offset;
		memset(text, 'x', offset);
		for (; len < 3000; len += 3)
			memcpy(text + len, "\xE2\x82\xAC", 4);
		capture_begin(&captured);
		log_message(LOG_INFO, "note", "%s", text);
		const struct json *line = parse_line(&a, capture_end(&captured));
		struct str message = json_get_string(line, "message");
		memcpy(expected, text, message.len);
		assert_str(message, ((struct str){ expected, message.len }));
		assert_int_equal((message.len - offset) % 3, 0);
		assert_true(message.len > 1000);
		assert_true(json_get_bool(line, "truncated", false));
		arena_reset(&a);
	}
	capture_begin(&captured);
	log_message(LOG_INFO, "note", "%s of %d", "qv_live_abc", 3);
	assert_str(json_get_string(parse_line(&a, capture_end(&captured)), "message"),
	    STR("[redacted] of 3"));
	arena_clean(&a);
}

TEST(a_child_says_its_own_pid)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	open_log(LOG_INFO, 1);
	capture_begin(&captured);
	pid_t pid = fork();
	if (pid == 0) {
		log_message(LOG_INFO, "child", "here");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	const struct json *line = parse_line(&a, capture_end(&captured));
	assert_int_equal(json_get_int(line, "pid", 0), pid);
	arena_clean(&a);
}

TEST(a_line_into_a_pipe_is_one_that_the_kernel_keeps_whole)
{
	(void)state;
	struct log_line l;
	int ends[2];
	static char value[3000], text[3 * PIPE_BUF];
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	memset(value, 'x', sizeof(value));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	open_log(LOG_INFO, 1);
	log_begin(&l, LOG_INFO, "long");
	for (int i = 0; i < 4; i++)
		log_str(&l, "value", (struct str){ value, sizeof(value) });
	log_end(&l);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	ssize_t n = read(ends[0], text, sizeof(text));
	assert_in_range(n, PIPE_BUF - 64, PIPE_BUF);
	assert_true(str_ends((struct str){ text, (size_t)n }, STR(",\"truncated\":true}\n")));
	close(ends[0]);
	close(ends[1]);
	close(saved);
	open_log(LOG_INFO, 1);
}

TEST(sampling_keeps_its_share)
{
	(void)state;
	static const struct { const char *row; double sample; unsigned least, most; } cases[] = {
		{ "all", 1, 100000, 100000 }, { "none", 0, 0, 0 }, { "half", 0.5, 48000, 52000 },
		{ "one in a hundred", 0.01, 800, 1200 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned n = 0;
		open_log(LOG_INFO, cases[i].sample);
		for (int draw = 0; draw < 100000; draw++)
			n += log_sampled();
		assert_row(n >= cases[i].least && n <= cases[i].most, cases[i].row);
	}
}

static void count_line(void *context, enum log_level level)
{
	unsigned *counts = context;
	counts[level]++;
}

TEST(each_line_written_is_told_to_who_counts_them)
{
	(void)state;
	unsigned counts[LOG_ERROR + 1] = { 0 };
	open_log(LOG_INFO, 1);
	log_on_line(count_line, counts);
	capture_begin(&captured);
	log_message(LOG_DEBUG, "quiet", "not written");
	log_message(LOG_WARN, "once", "written");
	log_message(LOG_ERROR, "twice", "written");
	log_message(LOG_ERROR, "twice", "written");
	log_on_line(NULL, NULL);
	log_message(LOG_ERROR, "after", "written");
	(void)capture_end(&captured);
	assert_int_equal(counts[LOG_DEBUG], 0);
	assert_int_equal(counts[LOG_WARN], 1);
	assert_int_equal(counts[LOG_ERROR], 2);
}

TEST(the_handler_is_known)
{
	(void)state;
	open_log(LOG_INFO, 1);
	assert_string_equal(log_handler(), "content");
}

TEST_MAIN(
	RUN(a_line_says_when_who_and_what),
	RUN(values_of_every_type_are_written),
	RUN(any_bytes_become_valid_json),
	RUN(every_pair_of_bytes_is_survived),
	RUN(a_secret_field_is_redacted),
	RUN(a_secret_inside_a_value_is_masked),
	RUN(a_header_is_redacted_by_its_name_in_any_case),
	RUN(a_long_value_is_cut_marked_and_leaves_room_for_the_rest),
	RUN(a_cut_falls_into_no_escape_and_no_sequence),
	RUN(a_line_closes_however_much_is_added),
	RUN(below_the_level_nothing_is_written),
	RUN(a_message_is_formatted_cut_between_characters_and_masked),
	RUN(a_child_says_its_own_pid),
	RUN(a_line_into_a_pipe_is_one_that_the_kernel_keeps_whole),
	RUN(sampling_keeps_its_share),
	RUN(each_line_written_is_told_to_who_counts_them),
	RUN(the_handler_is_known))
