#include "base/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES    4096    /* a page of its own, so that data is aligned too */

static const char magic[8] = "QUIVERSH";

struct header {
	char     magic[8];
	uint32_t version;
	uint32_t reserved;
	uint64_t size;          /* of the data */
};

/* What is to be mapped, and where it lies. */
struct place {
	int           dir;      /* descriptor */
	char          file[NAME_MAX + 1], lock[NAME_MAX + 1], fresh[NAME_MAX + 1];
	struct header header;
};

static bool name_file(char out[NAME_MAX + 1], const char *name, const char *suffix)
{
	int len = snprintf(out, NAME_MAX + 1, "%s%s", name, suffix);

	return len > 0 && len <= NAME_MAX;
}

static bool place_init(struct place *p, const char *name, uint32_t version, size_t size)
{
	*p = (struct place){ .dir = -1, .header = { .version = version, .size = size } };
	memcpy(p->header.magic, magic, sizeof(magic));
	return size > 0 && size <= (size_t)INT64_MAX - HEADER_BYTES &&
	    name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
	    name_file(p->file, name, ".shm") && name_file(p->lock, name, ".shm.lock") &&
	    name_file(p->fresh, name, ".shm.new");
}

/* A failed close is no reason to give errno another meaning. */
static void close_quietly(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

/* The descriptor that holds the lock; closing it lets go.  -1: errno. */
static int lock_place(const struct place *p)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int          fd, failed;

	fd = openat(p->dir, p->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	do {
		failed = fcntl(fd, F_OFD_SETLKW, &whole);
	} while (failed && errno == EINTR);
	if (failed) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

static off_t file_size(const struct place *p)
{
	return (off_t)(HEADER_BYTES + p->header.size);
}

/* Exactly what the opener expects: mapping a shorter file would end in SIGBUS. */
static bool is_expected(const struct place *p, int fd)
{
	struct stat   st;
	struct header found;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == file_size(p) &&
	    pread(fd, &found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
	    memcmp(&found, &p->header, sizeof(found)) == 0;
}

/* The file as it stands, or -1 with errno 0 when a fresh one should replace it. */
static int open_existing(const struct place *p)
{
	/* O_NONBLOCK: opening what someone made a FIFO must not wait. */
	int fd = openat(p->dir, p->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && is_expected(p, fd))
		return fd;
	if (fd >= 0 || errno == ENOENT || errno == ELOOP || errno == ENXIO)
		errno = 0;
	close_quietly(fd);
	return -1;
}

static bool reserve_blocks(int fd, off_t size)
{
	int failed = posix_fallocate(fd, 0, size);

	if (failed != 0)
		errno = failed;
	return failed == 0;
}

/* A fresh file under the name.  It gets the name when it is whole: whoever sees
 * it sees a valid one, and whoever has the old one mapped keeps that. */
static int create_fresh(const struct place *p)
{
	int fd;

	/* Left behind by someone who died here; the lock is ours. */
	unlinkat(p->dir, p->fresh, 0);
	fd = openat(p->dir, p->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	/* Its blocks are taken now: on a disk that fills up later the first touch of
	 * a page without one would be a SIGBUS. */
	if (reserve_blocks(fd, file_size(p)) &&
	    pwrite(fd, &p->header, sizeof(p->header), 0) == (ssize_t)sizeof(p->header) &&
	    renameat(p->dir, p->fresh, p->dir, p->file) == 0)
		return fd;
	close_quietly(fd);
	return -1;
}

static enum err map_file(const struct place *p, int fd, struct segment *out)
{
	size_t bytes = (size_t)file_size(p);
	void  *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapping == MAP_FAILED)
		return ERR_IO;
	out->mapping = mapping;
	out->mapping_bytes = bytes;
	out->data = (char *)mapping + HEADER_BYTES;
	out->size = p->header.size;
	return OK;
}

/* With the lock held. */
static enum err open_or_create(const struct place *p, struct segment *out)
{
	bool     created = false;
	int      fd = open_existing(p);
	enum err e;

	if (fd < 0 && errno == 0) {
		fd = create_fresh(p);
		created = true;
	}
	if (fd < 0)
		return ERR_IO;
	e = map_file(p, fd, out);
	close_quietly(fd);
	if (e == OK)
		out->created = created;
	return e;
}

enum err segment_open(const char *dir, const char *name, uint32_t version, size_t size,
    struct segment *out)
{
	struct place p;
	int          lock;
	enum err     e = ERR_IO;

	if (!place_init(&p, name, version, size))
		return ERR_INVALID;
	p.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.dir < 0)
		return ERR_IO;
	lock = lock_place(&p);
	if (lock >= 0)
		e = open_or_create(&p, out);
	close_quietly(lock);
	close_quietly(p.dir);
	return e;
}

void segment_close(struct segment *s)
{
	if (s->mapping != NULL)
		munmap(s->mapping, s->mapping_bytes);
	*s = (struct segment){ 0 };
}
