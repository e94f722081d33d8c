/*
 * fault: a disk that fails and a clock that steps, for a process that is started with
 * this library in LD_PRELOAD.
 * QUIVER_FAULT names a file of one struct control, which the process maps: a test
 * writes into it what is to happen from now on.  The disk's faults are those of files
 * that lie in STATE_DIR itself, so that logs and sockets below it go on; or of all that
 * is below QUIVER_FAULT_BELOW.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum disk {
	DISK_GOOD,
	DISK_FULL,              /* half of a write goes through, then ENOSPC */
	DISK_READ_ONLY,         /* EROFS for all that changes anything */
	DISK_BROKEN,            /* EIO for writes */
	DISK_UNSAFE             /* EIO for fsync alone */
};

struct control {
	int32_t disk;           /* enum disk */
	int32_t hits;           /* faults that were given */
	int64_t clock_ms;       /* added to the real-time clock */
};

static struct control *control;
static char state_dir[PATH_MAX];
static size_t state_dir_len;
static bool deep;                       /* and what is in folders in it */
static _Thread_local bool half_written;

/* The function that this one stands before; POSIX lets dlsym's result be one. */
static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}
#define NEXT(slot, name)                                                       \
	do {                                                                   \
		if ((slot) == NULL)                                            \
			*(void **)&(slot) = next(name);                        \
	} while (0)

__attribute__((constructor)) static void map_control(void)
{
	const char *file = getenv("QUIVER_FAULT"), *below = getenv("QUIVER_FAULT_BELOW");
	const char *dir = below != NULL ? below : getenv("STATE_DIR");
	int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED
	    : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	deep = below != NULL;
	if (dir != NULL && strlen(dir) < sizeof(state_dir)) {
		state_dir_len = strlen(dir);
		memcpy(state_dir, dir, state_dir_len);
	}
	if (p != MAP_FAILED)
		control = p;
}

static enum disk disk(void)
{
	return control == NULL ? DISK_GOOD
	    : (enum disk)__atomic_load_n(&control->disk, __ATOMIC_SEQ_CST);
}

static int fail(int error)
{
	__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
	errno = error;
	return -1;
}

/* A file of STATE_DIR itself, not of a folder in it. */
static bool is_state(const char *path)
{
	return state_dir_len > 0 && strncmp(path, state_dir, state_dir_len) == 0 &&
	    path[state_dir_len] == '/' &&
	    (deep || strchr(path + state_dir_len + 1, '/') == NULL);
}

static bool is_state_fd(int fd)
{
	char link[64] = "/proc/self/fd/", path[PATH_MAX];
	size_t at = strlen(link);
	char digits[16];
	size_t n = 0;

	for (unsigned left = (unsigned)fd; left > 0 || n == 0; left /= 10)
		digits[n++] = (char)('0' + left % 10);
	while (n > 0)
		link[at++] = digits[--n];
	link[at] = '\0';
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		return false;
	path[len] = '\0';
	return is_state(path);
}

/* --- writing ---------------------------------------------------------------------- */

/* 0: goes through; else its errno.  *count may become smaller. */
static int fault_of_write(int fd, size_t *count)
{
	int saved = errno, error = 0;
	enum disk d = disk();

	if (d != DISK_GOOD && d != DISK_UNSAFE && is_state_fd(fd)) {
		error = d == DISK_FULL ? ENOSPC : d == DISK_READ_ONLY ? EROFS : EIO;
		half_written = d == DISK_FULL && *count > 1 && !half_written;
		if (half_written) {
			*count /= 2;
			error = 0;
		}
	}
	errno = saved;
	return error;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
	static ssize_t (*real)(int, const void *, size_t);
	int error = fault_of_write(fd, &count);

	NEXT(real, "write");
	return error != 0 ? fail(error) : real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);
	int error = fault_of_write(fd, &count);

	NEXT(real, "pwrite");
	return error != 0 ? fail(error) : real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	int error = fault_of_write(fd, &count);

	NEXT(real, "pwrite64");
	return error != 0 ? fail(error) : real(fd, bytes, count, at);
}

/* What makes files larger returns the error; nothing is half done. */
static int fault_of_growth(int fd)
{
	size_t nothing = 0;

	return fault_of_write(fd, &nothing);
}

int posix_fallocate(int fd, off_t at, off_t count)
{
	static int (*real)(int, off_t, off_t);
	int error = fault_of_growth(fd);

	NEXT(real, "posix_fallocate");
	if (error != 0)
		(void)fail(error);
	return error != 0 ? error : real(fd, at, count);
}

int posix_fallocate64(int fd, off64_t at, off64_t count)
{
	return posix_fallocate(fd, at, count);
}

int fallocate(int fd, int mode, off_t at, off_t count)
{
	static int (*real)(int, int, off_t, off_t);
	int error = fault_of_growth(fd);

	NEXT(real, "fallocate");
	return error != 0 ? fail(error) : real(fd, mode, at, count);
}

int ftruncate(int fd, off_t size)
{
	static int (*real)(int, off_t);

	NEXT(real, "ftruncate");
	return disk() == DISK_READ_ONLY && is_state_fd(fd) ? fail(EROFS) : real(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	static int (*real)(int, off64_t);

	NEXT(real, "ftruncate64");
	return disk() == DISK_READ_ONLY && is_state_fd(fd) ? fail(EROFS) : real(fd, size);
}

static bool sync_fails(int fd)
{
	enum disk d = disk();

	return (d == DISK_UNSAFE || d == DISK_BROKEN) && is_state_fd(fd);
}

int fsync(int fd)
{
	static int (*real)(int);

	NEXT(real, "fsync");
	return sync_fails(fd) ? fail(EIO) : real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	NEXT(real, "fdatasync");
	return sync_fails(fd) ? fail(EIO) : real(fd);
}

/* --- names ------------------------------------------------------------------------ */

static int fault_of_open(const char *path, int flags)
{
	enum disk d = disk();
	struct stat st;

	if (d == DISK_GOOD || !is_state(path))
		return 0;
	if (d == DISK_READ_ONLY && (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0)
		return EROFS;
	return d == DISK_FULL && (flags & O_CREAT) != 0 && stat(path, &st) != 0 ? ENOSPC : 0;
}

/* The mode is there only when a file may be made. */
#define OPEN(name)                                                             \
	int name(const char *path, int flags, ...)                             \
	{                                                                      \
		static int (*real)(const char *, int, ...);                    \
		int error = fault_of_open(path, flags);                        \
		mode_t mode = 0;                                               \
		va_list args;                                                  \
		va_start(args, flags);                                         \
		if ((flags & (O_CREAT | O_TMPFILE)) != 0)                      \
			mode = va_arg(args, mode_t);                           \
		va_end(args);                                                  \
		NEXT(real, #name);                                             \
		return error != 0 ? fail(error) : real(path, flags, mode);     \
	}
OPEN(open)
OPEN(open64)

int unlink(const char *path)
{
	static int (*real)(const char *);

	NEXT(real, "unlink");
	return disk() == DISK_READ_ONLY && is_state(path) ? fail(EROFS) : real(path);
}

int rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	NEXT(real, "rename");
	return disk() == DISK_READ_ONLY && is_state(to) ? fail(EROFS) : real(from, to);
}

/* The folder itself counts here, too. */
static bool is_state_place(const char *path)
{
	return is_state(path) || (state_dir_len > 0 && strcmp(path, state_dir) == 0);
}

int access(const char *path, int mode)
{
	static int (*real)(const char *, int);

	NEXT(real, "access");
	return disk() == DISK_READ_ONLY && (mode & W_OK) != 0 && is_state_place(path)
	    ? fail(EROFS) : real(path, mode);
}

static bool shows_full(const char *path)
{
	return disk() == DISK_FULL && is_state_place(path);
}

#define STATVFS(name)                                                          \
	int name(const char *restrict path, struct name *restrict out)         \
	{                                                                      \
		static int (*real)(const char *, struct name *);               \
		NEXT(real, #name);                                             \
		int rc = real(path, out);                                      \
		if (rc == 0 && shows_full(path))                               \
			out->f_bavail = out->f_bfree = 0;                      \
		return rc;                                                     \
	}
STATVFS(statvfs)
STATVFS(statvfs64)

/* --- the clock -------------------------------------------------------------------- */

static int64_t step_ms(void)
{
	return control == NULL ? 0 : __atomic_load_n(&control->clock_ms, __ATOMIC_SEQ_CST);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	int64_t ms = step_ms();

	NEXT(real, "clock_gettime");
	int rc = real(clock, out);
	if (rc != 0 || ms == 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return rc;
	int64_t ns = out->tv_nsec + ms % 1000 * 1000000;
	out->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
	out->tv_nsec = (long)(ns < 0 ? ns + 1000000000 : ns % 1000000000);
	return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
