/*
 * password_choice: what a guesser tries before anything else (NIST SP 800-63B,
 * 3.1.1.2): common passwords, runs, repetitions, and what is known of the account.
 */
#include "auth/account.h"
#include "auth/common_password.h"
#include "auth/password.h"
#include "base/crypto.h"

#define PIECE_MAX_BYTES 4       /* repeated, it is no more than a key held down */
#define WORD_MIN_BYTES  3       /* shorter ones are in everything */
#define AROUND_MAX      8       /* digits and signs around a word that add too little */

/* How long a piece is that the whole consists of, cut anywhere; 0: of none. */
static size_t period_of(struct str s)
{
	for (size_t p = 1; p <= s.len / 2; p++)
		if (memcmp(s.ptr, s.ptr + p, s.len - p) == 0)
			return p;
	return 0;
}

static bool is_repetition(struct str s)
{
	size_t p = period_of(s);

	return p > 0 && (p <= PIECE_MAX_BYTES || common_password_has(str_first(s, p)));
}

/* "abcdefghijkl", "210987654321": each byte follows the one before. */
static bool is_run(struct str s)
{
	int step = s.ptr[1] - s.ptr[0];

	if (step != 1 && step != -1)
		return false;
	for (size_t i = 1; i < s.len; i++) {
		int d = s.ptr[i] - s.ptr[i - 1];

		if (d != step && d != -9 * step)
			return false;
	}
	return true;
}

static size_t word_at(struct str s, const struct str *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].len >= WORD_MIN_BYTES && str_starts(s, words[i]))
			return words[i].len;
	return 0;
}

/* Whether nothing but these words and a few digits or signs are in it. */
static bool is_made_of(struct str s, const struct str *words, size_t n)
{
	size_t found = 0, around = 0;

	while (s.len > 0) {
		size_t len = word_at(s, words, n);
		bool   is_sign = (unsigned char)s.ptr[0] < 'a';

		if (len == 0 && !is_sign)
			return false;
		found += len > 0;
		around += len == 0;
		s = str_from(s, len > 0 ? len : 1);
	}
	return found > 0 && around <= AROUND_MAX;
}

static const char *problem_of(struct str password, struct str email)
{
	struct str local = str_first(email, str_index(email, '@'));
	struct str domain = str_from(email, local.len + 1);
	struct str label = str_first(domain, str_index(domain, '.'));
	struct str words[] = { email, domain, local, label, STR("quiver"), STR("password") };

	if (common_password_has(password))
		return "is among the commonest passwords";
	if (is_repetition(password) || is_run(password))
		return "is a run or a repetition of a few characters";
	if (is_made_of(password, words, COUNT(words)))
		return "is made of the e-mail address or of this service's name";
	return NULL;
}

static void fold(char *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		out[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] - 'A' + 'a') :
		    s.ptr[i];
}

const char *password_problem_for(struct str password, struct str email)
{
	const char *problem = password_problem(password);
	char        secret[PASSWORD_MAX_BYTES], address[ACCOUNT_EMAIL_MAX_BYTES];

	if (problem != NULL)
		return problem;
	email = str_first(email, sizeof(address));
	fold(secret, password);
	fold(address, email);
	problem = problem_of((struct str){ secret, password.len },
	    (struct str){ address, email.len });
	crypto_wipe(secret, password.len);
	return problem;
}
