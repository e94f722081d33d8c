#include "test.h"

#include <time.h>

#include "base/time.h"

TEST(clocks_run)
{
	int64_t  wall = time_now_ms();
	uint64_t steady = time_monotonic_ns();

	(void)state;
	assert_in_range(wall, 1600000000000, 4000000000000);
	assert_true(time_monotonic_ns() >= steady);
	assert_true(wall / 1000 - time(NULL) <= 1);
}

TEST(times_have_their_three_forms)
{
	static const struct {
		int64_t     ms;
		const char *rfc3339, *http, *date;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01" },
		{ -1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31" },
		{ 784111777000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT",
		  "1994-11-06" },
		{ 951827696789, "2000-02-29T12:34:56.789Z", "Tue, 29 Feb 2000 12:34:56 GMT",
		  "2000-02-29" },
		{ 1767323045678, "2026-01-02T03:04:05.678Z", "Fri, 02 Jan 2026 03:04:05 GMT",
		  "2026-01-02" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT",
		  "2100-03-01" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT",
		  "9999-12-31" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT",
		  "9999-12-31" },
		{ -62167219200000, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT",
		  "0000-01-01" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT",
		  "0000-01-01" },
	};
	char rfc3339[TIME_RFC3339_SIZE], http[TIME_HTTP_SIZE], date[TIME_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		time_to_rfc3339(rows[i].ms, rfc3339);
		time_to_http(rows[i].ms, http);
		time_to_date(rows[i].ms, date);
		assert_string_equal(rfc3339, rows[i].rfc3339);
		assert_string_equal(http, rows[i].http);
		assert_string_equal(date, rows[i].date);
	}
}

/* One day after the other through all four-digit years: each date is read back
 * as its day, and each weekday follows the one before. */
TEST(every_day_of_ten_thousand_years_reads_back)
{
	int64_t day = -719528, last = 2932896, ms;
	char    date[TIME_DATE_SIZE], http[TIME_HTTP_SIZE];

	(void)state;
	for (; day <= last; day++) {
		time_to_date(day * 86400000, date);
		if (!time_from_date(str_of(date), &ms) || ms != day * 86400000)
			fail_msg("%s", date);
		if (day % 97 != 0)
			continue;
		time_to_http(day * 86400000, http);
		if (!time_from_http(str_of(http), &ms) || ms != day * 86400000)
			fail_msg("%s", http);
	}
}

TEST(rfc3339_is_read)
{
	static const struct {
		const char *text;
		int64_t     ms;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1985-04-12T23:20:50.52Z", 482196050520 },
		{ "1996-12-19T16:39:57-08:00", 851042397000 },
		{ "1937-01-01T12:00:27.87+00:20", -1041337172130 },
		{ "1970-01-01t00:00:00z", 0 },
		{ "1970-01-01T00:00:00-00:00", 0 },
		{ "1970-01-01T23:59:00+23:59", 0 },
		{ "1970-01-01T00:00:00.9999999999999999999999Z", 999 },
		{ "1969-12-31T23:59:59.1Z", -900 },
		{ "1990-12-31T23:59:60Z", 662688000000 },
		{ "1990-12-31T15:59:60-08:00", 662688000000 },
		{ "1998-12-31T23:59:60.123Z", 915148800123 },
		{ "2000-02-29T00:00:00Z", 951782400000 },
		{ "0000-02-29T00:00:00Z", -62162121600000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = 42;
		assert_row(time_from_rfc3339(str_of(rows[i].text), &ms), rows[i].text);
		assert_int_equal(ms, rows[i].ms);
	}
}

TEST(what_is_not_rfc3339_is_refused)
{
	static const char *const rows[] = {
		"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z",
		"2026-01-02T03:04Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
		"2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z",
		"2026-01-02T03:04:60Z", "2026-01-02T23:59:60Z", "1990-12-31T23:59:60-08:00",
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+01:60",
		"2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+01", "2026-01-02T03:04:05ZZ",
		" 2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z ", "+026-01-02T03:04:05Z",
		"-026-01-02T03:04:05Z", "2026-1-02T03:04:05Z", "12026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.1e1Z", "2026/01/02T03:04:05Z", "20260102T030405Z",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = 42;
		assert_row(!time_from_rfc3339(str_of(rows[i]), &ms), rows[i]);
		assert_int_equal(ms, 42);
	}
}

TEST(dates_are_days_that_exist)
{
	static const char *const bad[] = {
		"", "2026-01", "2026-02-29", "2026-1-1", "2026-01-01 ", "2026-01-01T", "26-01-01",
		"2026-13-01", "2026-00-10", "2026-01-00", "2026-06-31", "2026_01_01",
	};
	int64_t ms;

	(void)state;
	assert_true(time_from_date(STR("2024-02-29"), &ms));
	assert_int_equal(ms, 1709164800000);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_row(!time_from_date(str_of(bad[i]), &ms), bad[i]);
}

TEST(http_dates_are_imf_fixdates_alone)
{
	static const char *const bad[] = {
		"", "Sun", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
		"Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
	};
	int64_t ms;

	(void)state;
	assert_true(time_from_http(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
	assert_int_equal(ms, 784111777000);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_row(!time_from_http(str_of(bad[i]), &ms), bad[i]);
}

TEST_MAIN(RUN(clocks_run), RUN(times_have_their_three_forms),
    RUN(every_day_of_ten_thousand_years_reads_back), RUN(rfc3339_is_read),
    RUN(what_is_not_rfc3339_is_refused), RUN(dates_are_days_that_exist),
    RUN(http_dates_are_imf_fixdates_alone))
