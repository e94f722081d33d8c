#include "auth/password.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <argon2.h>

#include "auth/identity.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/time.h"
#include "log/log.h"

#define SALT_BYTES      16
#define HASH_BYTES      32
#define SLOTS_MAX       64
#define HASH_NICE       10              /* more than the worker has, nice(1) */
#define SLOT_RETRY_NS   1000000L        /* against some 40 ms that each holder takes */

/* What a stored hash may ask for: more is damage, and a denial of service. */
#define MEMORY_MAX_KIB  (256u << 10)
#define PASSES_MAX      16
#define LANES_MAX       8

struct phc {
	struct password_cost cost;
	struct str           salt, hash;
};

const char *password_problem(struct str password)
{
	if (password.len > PASSWORD_MAX_BYTES)
		return "must be at most 1024 bytes";
	if (!str_is_utf8(password))
		return "must be UTF-8";
	if (str_code_points(password) < PASSWORD_MIN_LENGTH)
		return "must be at least 12 characters";
	return NULL;
}

unsigned password_slots(void)
{
	cpu_set_t set;
	int       cores = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cores = CPU_COUNT(&set);
	return cores < 1 ? 1 : cores > SLOTS_MAX ? SLOTS_MAX : (unsigned)cores;
}

/* --- slots ---------------------------------------------------------------------- */

/* OK, ERR_BUSY when all are taken, ERR_IO. */
static enum err try_slots(int fd, unsigned slots)
{
	for (unsigned i = 0; i < slots; i++) {
		struct flock slot = {
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1,
		};

		if (fcntl(fd, F_OFD_SETLK, &slot) == 0)
			return OK;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return ERR_IO;
	}
	return ERR_BUSY;
}

/* A descriptor that holds a slot until it is closed; -1 without a cap. */
static enum err take_slot(const struct password_hasher *h, int *fd)
{
	const struct timespec pause = { .tv_nsec = SLOT_RETRY_NS };
	uint64_t              deadline = time_monotonic_ns() + (uint64_t)h->wait_ms * 1000000;
	enum err              e;

	*fd = -1;
	if (h->slots_path == NULL)
		return OK;
	*fd = open(h->slots_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0) {
		log_message(LOG_ERROR, "auth", "%s: %s", h->slots_path, strerror(errno));
		return ERR_IO;
	}
	e = try_slots(*fd, h->slots);
	while (e == ERR_BUSY && time_monotonic_ns() < deadline) {
		nanosleep(&pause, NULL);
		e = try_slots(*fd, h->slots);
	}
	if (e != OK)
		close(*fd);
	return e == ERR_BUSY ? ERR_UNAVAILABLE : e;
}

static void give_slot(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* --- argon2 --------------------------------------------------------------------- */

/* The blocks come from the kernel and go back to it: malloc would keep 19 MiB a
 * thread for the rest of the process.  Huge pages, where there are some, save a
 * tenth of the time. */
static int map_memory(uint8_t **memory, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return ARGON2_MEMORY_ALLOCATION_ERROR;
	madvise(p, bytes, MADV_HUGEPAGE);
	*memory = p;
	return ARGON2_OK;
}

static void unmap_memory(uint8_t *memory, size_t bytes)
{
	munmap(memory, bytes);
}

/* argon2 reads all of these and writes `out` alone, for all its non-const types. */
static enum err argon2(const struct password_cost *cost, struct str password, struct str salt,
    uint8_t out[HASH_BYTES])
{
	argon2_context ctx = {
		.out = out, .outlen = HASH_BYTES,
		.pwd = (uint8_t *)(uintptr_t)password.ptr, .pwdlen = (uint32_t)password.len,
		.salt = (uint8_t *)(uintptr_t)salt.ptr, .saltlen = (uint32_t)salt.len,
		.t_cost = cost->passes, .m_cost = cost->memory_kib,
		.lanes = cost->lanes, .threads = 1,
		.allocate_cbk = map_memory, .free_cbk = unmap_memory,
		.flags = ARGON2_DEFAULT_FLAGS, .version = ARGON2_VERSION_13,
	};

	switch (argon2id_ctx(&ctx)) {
	case ARGON2_OK:
		return OK;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
		return ERR_NO_MEMORY;
	default:
		return ERR_INVALID;
	}
}

/* One hash, by a thread of its own. */
struct hashing {
	const struct password_cost *cost;
	struct str                  password, salt;
	uint8_t                    *out;
	enum err                    err;
};

static void *hash_politely(void *context)
{
	struct hashing *h = context;

	/* Of this thread alone (setpriority(2), "C library/kernel differences"). */
	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + HASH_NICE);
	h->err = argon2(h->cost, h->password, h->salt, h->out);
	return NULL;
}

/* A hash keeps a core busy for as long as some hundred requests: whoever asks for
 * something else goes first.  A thread may lower its priority and not raise it again, so
 * this one is for one hash: it costs a thousandth of it. */
static enum err argon2_politely(const struct password_cost *cost, struct str password,
    struct str salt, uint8_t out[HASH_BYTES])
{
	struct hashing h = { cost, password, salt, out, ERR_INTERNAL };
	pthread_t      thread;

	if (pthread_create(&thread, NULL, hash_politely, &h) != 0)
		return argon2(cost, password, salt, out);
	pthread_join(thread, NULL);
	return h.err;
}

/* The same with a slot held. */
static enum err argon2_in_slot(const struct password_hasher *h, const struct password_cost *cost,
    struct str password, struct str salt, uint8_t out[HASH_BYTES])
{
	int      slot;
	enum err e;

	if (password.len > PASSWORD_MAX_BYTES)
		return ERR_TOO_LARGE;
	e = take_slot(h, &slot);
	if (e != OK)
		return e;
	e = argon2_politely(cost, password, salt, out);
	give_slot(slot);
	return e;
}

/* --- the PHC string ------------------------------------------------------------- */

/* base64 without its padding, as PHC strings have it. */
static struct str unpadded(struct arena *a, const uint8_t *bytes, size_t len)
{
	struct str text = crypto_base64(a, (struct str){ (const char *)bytes, len });

	return str_first(text, str_index(text, '='));
}

static bool decode_unpadded(struct arena *a, struct str text, struct str *bytes)
{
	static const char *const padding[] = { "", "===", "==", "=" };

	return str_index(text, '=') == text.len &&
	    crypto_base64_decode(a, arena_printf(a, "%.*s%s", STR_ARG(text),
	    padding[text.len % 4]), bytes) == OK;
}

/* "m=19456" off the front of *rest. */
static bool cut_parameter(struct str *rest, struct str name, uint32_t most, uint32_t *out)
{
	struct str part = str_cut(rest, ',');
	uint64_t   n;

	if (!str_starts(part, name) || !str_to_u64(str_from(part, name.len), &n) || n < 1 ||
	    n > most)
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool parse_cost(struct str text, struct password_cost *out)
{
	return cut_parameter(&text, STR("m="), MEMORY_MAX_KIB, &out->memory_kib) &&
	    cut_parameter(&text, STR("t="), PASSES_MAX, &out->passes) &&
	    cut_parameter(&text, STR("p="), LANES_MAX, &out->lanes) && text.ptr == NULL;
}

static bool parse_phc(struct arena *a, struct str text, struct phc *out)
{
	struct str head = STR("$argon2id$v=19$");
	struct str cost, salt, rest;

	if (!str_starts(text, head))
		return false;
	rest = str_from(text, head.len);
	cost = str_cut(&rest, '$');
	salt = str_cut(&rest, '$');
	return parse_cost(cost, &out->cost) && decode_unpadded(a, salt, &out->salt) &&
	    decode_unpadded(a, rest, &out->hash) && out->salt.len >= ARGON2_MIN_SALT_LENGTH &&
	    out->hash.len == HASH_BYTES;
}

enum err password_hash(const struct password_hasher *h, struct arena *a, struct str password,
    struct str *phc)
{
	uint8_t    salt[SALT_BYTES], hash[HASH_BYTES];
	struct str salt_text, hash_text;
	enum err   e;

	id_random(salt, sizeof(salt));
	e = argon2_in_slot(h, &h->cost, password,
	    (struct str){ (const char *)salt, sizeof(salt) }, hash);
	if (e != OK)
		return e;
	salt_text = unpadded(a, salt, sizeof(salt));
	hash_text = unpadded(a, hash, sizeof(hash));
	*phc = arena_printf(a, "$argon2id$v=19$m=%u,t=%u,p=%u$%.*s$%.*s", h->cost.memory_kib,
	    h->cost.passes, h->cost.lanes, STR_ARG(salt_text), STR_ARG(hash_text));
	crypto_wipe(hash, sizeof(hash));
	return OK;
}

enum err password_verify(const struct password_hasher *h, struct arena *a, struct str password,
    struct str phc)
{
	struct phc stored;
	uint8_t    hash[HASH_BYTES];
	bool       same;
	enum err   e;

	if (!parse_phc(a, phc, &stored))
		return ERR_CORRUPT;
	e = argon2_in_slot(h, &stored.cost, password, stored.salt, hash);
	if (e == ERR_TOO_LARGE)
		return ERR_UNAUTHENTICATED;     /* none was ever set that long */
	if (e != OK)
		return e;
	same = crypto_equal((struct str){ (const char *)hash, sizeof(hash) }, stored.hash);
	crypto_wipe(hash, sizeof(hash));
	return same ? OK : ERR_UNAUTHENTICATED;
}

enum err password_verify_nobody(const struct password_hasher *h, struct arena *a,
    struct str password)
{
	static const uint8_t salt[SALT_BYTES] = { 0 };
	uint8_t              hash[HASH_BYTES];
	enum err             e;

	(void)a;
	e = argon2_in_slot(h, &h->cost, password,
	    (struct str){ (const char *)salt, sizeof(salt) }, hash);
	crypto_wipe(hash, sizeof(hash));
	return e == OK || e == ERR_TOO_LARGE ? ERR_UNAUTHENTICATED : e;
}
