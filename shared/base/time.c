#include "base/time.h"

#include <time.h>

#define MS_PER_S        1000
#define S_PER_DAY       86400
#define MS_PER_DAY      ((int64_t)S_PER_DAY * MS_PER_S)
#define MS_FIRST        (-62167219200000)       /* 0000-01-01T00:00:00.000Z */
#define MS_LAST         253402300799999         /* 9999-12-31T23:59:59.999Z */

static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

struct civil {
	int year, month, day, hour, minute, second, ms, weekday;        /* month from 1, Sunday 0 */
};

int64_t time_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

uint64_t time_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Days and dates, after Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms": years begin in March, so that the leap day is their last, and
 * repeat every 400 (an era of 146,097 days).  719,468 days lie between
 * 0000-03-01 and 1970-01-01.
 */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, struct civil *c)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	    day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;

	c->day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	c->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	c->year = (int)(year_of_era + era * 400 + (c->month <= 2));
	c->weekday = (int)(((days + 4) % 7 + 7) % 7);   /* 1970-01-01 was a Thursday */
}

/* Times outside the four-digit years become the nearest that is inside. */
static struct civil civil_of(int64_t ms)
{
	struct civil c;
	int64_t      days, rest;

	ms = ms < MS_FIRST ? MS_FIRST : ms > MS_LAST ? MS_LAST : ms;
	days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	rest = ms - days * MS_PER_DAY;
	date_of(days, &c);
	c.ms = (int)(rest % MS_PER_S);
	rest /= MS_PER_S;
	c.second = (int)(rest % 60);
	c.minute = (int)(rest / 60 % 60);
	c.hour = (int)(rest / 3600);
	return c;
}

static int64_t ms_of(const struct civil *c)
{
	int64_t s = days_of(c->year, c->month, c->day) * S_PER_DAY + c->hour * 3600 +
	    c->minute * 60 + c->second;

	return s * MS_PER_S + c->ms;
}

/* `n` in `width` digits at `at`; returns what follows.  printf costs ten times
 * as much, and every log line and every reply has a time in it. */
static char *put_digits(char *at, int n, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + n % 10);
		n /= 10;
	}
	return at + width;
}

static char *put_char(char *at, char c)
{
	*at = c;
	return at + 1;
}

static char *put_name(char *at, const char name[4])
{
	memcpy(at, name, 3);
	return at + 3;
}

static char *put_date(char *at, const struct civil *c)
{
	at = put_char(put_digits(at, c->year, 4), '-');
	at = put_char(put_digits(at, c->month, 2), '-');
	return put_digits(at, c->day, 2);
}

static char *put_clock(char *at, const struct civil *c)
{
	at = put_char(put_digits(at, c->hour, 2), ':');
	at = put_char(put_digits(at, c->minute, 2), ':');
	return put_digits(at, c->second, 2);
}

void time_to_rfc3339(int64_t ms, char out[TIME_RFC3339_SIZE])
{
	struct civil c = civil_of(ms);
	char        *at = put_char(put_date(out, &c), 'T');

	at = put_char(put_clock(at, &c), '.');
	at = put_char(put_digits(at, c.ms, 3), 'Z');
	*at = '\0';
}

void time_to_http(int64_t ms, char out[TIME_HTTP_SIZE])
{
	struct civil c = civil_of(ms);
	char        *at = put_char(put_name(out, weekdays[c.weekday]), ',');

	at = put_char(put_digits(put_char(at, ' '), c.day, 2), ' ');
	at = put_char(put_name(at, months[c.month - 1]), ' ');
	at = put_char(put_digits(at, c.year, 4), ' ');
	memcpy(put_clock(at, &c), " GMT", sizeof(" GMT"));
}

void time_to_date(int64_t ms, char out[TIME_DATE_SIZE])
{
	struct civil c = civil_of(ms);

	*put_date(out, &c) = '\0';
}

/* Takes exactly `width` digits off the front. */
static bool take_digits(struct str *s, size_t width, int *n)
{
	uint64_t value;

	if (s->len < width || !str_to_u64(str_first(*s, width), &value))
		return false;
	*n = (int)value;
	*s = str_from(*s, width);
	return true;
}

/* Takes one of the bytes of `set` off the front; 0: none of them is there. */
static char take_any(struct str *s, const char *set)
{
	char c;

	if (s->len == 0 || s->ptr[0] == '\0' || strchr(set, s->ptr[0]) == NULL)
		return '\0';
	c = s->ptr[0];
	*s = str_from(*s, 1);
	return c;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool             leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct str *s, struct civil *c)
{
	return take_digits(s, 4, &c->year) && take_any(s, "-") &&
	    take_digits(s, 2, &c->month) && take_any(s, "-") &&
	    take_digits(s, 2, &c->day) &&
	    c->month >= 1 && c->month <= 12 &&
	    c->day >= 1 && c->day <= days_in_month(c->year, c->month);
}

static bool take_clock(struct str *s, struct civil *c)
{
	return take_digits(s, 2, &c->hour) && take_any(s, ":") &&
	    take_digits(s, 2, &c->minute) && take_any(s, ":") &&
	    take_digits(s, 2, &c->second) &&
	    c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* A '.' and any number of digits, of which three count; none is well too. */
static bool take_fraction(struct str *s, int *ms)
{
	int digit, place = 100;

	*ms = 0;
	if (!take_any(s, "."))
		return true;
	if (!take_digits(s, 1, &digit))
		return false;
	do {
		*ms += digit * place;
		place /= 10;
	} while (take_digits(s, 1, &digit));
	return true;
}

static bool take_offset(struct str *s, int *minutes)
{
	int  hour, minute;
	char sign = take_any(s, "Zz+-");

	*minutes = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (sign == '\0' || !take_digits(s, 2, &hour) || !take_any(s, ":") ||
	    !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*minutes = (sign == '-' ? -1 : 1) * (hour * 60 + minute);
	return true;
}

/* RFC 3339, 5.7 and appendix D: second 60 exists at the end of a month in UTC
 * alone; here it is the second after, which begins the next month. */
static bool is_leap_second(int64_t after_ms)
{
	struct civil c = civil_of(after_ms);

	return c.day == 1 && c.hour == 0 && c.minute == 0 && c.second == 0;
}

bool time_from_rfc3339(struct str s, int64_t *ms)
{
	struct civil c;
	int          offset;
	int64_t      result;

	if (!take_date(&s, &c) || !take_any(&s, "Tt") || !take_clock(&s, &c) ||
	    !take_fraction(&s, &c.ms) || !take_offset(&s, &offset) || s.len > 0)
		return false;
	result = ms_of(&c) - (int64_t)offset * 60 * MS_PER_S;
	if (c.second == 60 && !is_leap_second(result))
		return false;
	*ms = result;
	return true;
}

bool time_from_date(struct str s, int64_t *ms)
{
	struct civil c = { 0 };

	if (!take_date(&s, &c) || s.len > 0)
		return false;
	*ms = ms_of(&c);
	return true;
}

static int month_named(struct str name)
{
	for (size_t i = 0; i < COUNT(months); i++)
		if (str_eq(name, str_of(months[i])))
			return (int)i + 1;
	return 0;
}

bool time_from_http(struct str s, int64_t *ms)
{
	struct civil c = { 0 };
	struct str   rest = str_from(s, sizeof("Sun, ") - 1);
	char         again[TIME_HTTP_SIZE];
	int64_t      result;

	if (!take_digits(&rest, 2, &c.day) || !take_any(&rest, " "))
		return false;
	c.month = month_named(str_first(rest, 3));
	rest = str_from(rest, 3);
	if (c.month == 0 || !take_any(&rest, " ") || !take_digits(&rest, 4, &c.year) ||
	    !take_any(&rest, " ") || !take_clock(&rest, &c))
		return false;
	/* There is one form of each time: whatever is wrong with the weekday, the
	 * day or the zone shows when the result is written again. */
	result = ms_of(&c);
	time_to_http(result, again);
	if (!str_eq(s, str_of(again)))
		return false;
	*ms = result;
	return true;
}
