#include "config/secret_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"

#define KEY_DISTINCT_MIN    16  /* of 32 random bytes fewer than 20 differ once in 10^9 keys */
#define KEY_FILE_MAX_BYTES  128
#define KEY_FILE_TRIES      3

/* NULL, or why `text` is no key. */
static const char *decode(struct arena *a, struct str text, uint8_t out[SECRET_BYTES])
{
	struct str bytes;
	bool seen[256] = { false };
	unsigned distinct = 0;

	if (crypto_base64_decode(a, text, &bytes) != OK)
		return "not base64 (RFC 4648, section 4, padded)";
	if (bytes.len != SECRET_BYTES)
		return "not 32 bytes when decoded";
	for (size_t i = 0; i < bytes.len; i++) {
		distinct += !seen[(uint8_t)bytes.ptr[i]];
		seen[(uint8_t)bytes.ptr[i]] = true;
	}
	if (distinct < KEY_DISTINCT_MIN)
		return "weak: bytes of a random key do not repeat like that";
	memcpy(out, bytes.ptr, SECRET_BYTES);
	return NULL;
}

void secret_key_given(struct arena *a, struct str text, uint8_t out[SECRET_BYTES],
    struct buf *problems)
{
	const char *reason = decode(a, text, out);
	if (reason != NULL)
		buf_printf(problems, "SECRET_KEY: %s; %s\n", reason, SECRET_KEY_RECIPE);
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = str_from(bytes, (size_t)n);
	}
	return true;
}

/* The new key's text in a file of its own, on disk. */
static bool write_key_file(struct arena *a, const char *path)
{
	uint8_t key[SECRET_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	id_random(key, sizeof(key));
	struct str text = crypto_base64(a, (struct str){ (const char *)key, sizeof(key) });
	bool ok = write_all(fd, text) && write_all(fd, STR("\n")) && fsync(fd) == 0;
	crypto_wipe(key, sizeof(key));
	int error = errno;
	close(fd);
	errno = error;
	return ok;
}

static void sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

/* Puts a key at `path` unless one stands there: link(2) never replaces, so of
 * several processes one wins and the rest read what it wrote. */
static bool make_key(struct arena *a, struct str dir, const char *path)
{
	uint64_t nonce;
	id_random(&nonce, sizeof(nonce));
	const char *temporary = arena_printf(a, "%.*s/.secret.key.%016llx", STR_ARG(dir),
	    (unsigned long long)nonce).ptr;

	bool ok = write_key_file(a, temporary) &&
	    (link(temporary, path) == 0 || errno == EEXIST);
	int error = errno;
	(void)unlink(temporary);
	if (ok)
		sync_directory(arena_cstr(a, dir));
	errno = error;
	return ok;
}

/* The text of the key file.  ERR_NOT_FOUND: there is none; ERR_FORBIDDEN:
 * others may read it; ERR_IO: see errno. */
static enum err read_key(const char *path, char text[KEY_FILE_MAX_BYTES], struct str *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	enum err e = OK;
	ssize_t n = 0;
	if (fstat(fd, &st) != 0)
		e = ERR_IO;
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		e = ERR_FORBIDDEN;
	else
		n = read(fd, text, KEY_FILE_MAX_BYTES);
	int error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return ERR_IO;
	*out = str_trim((struct str){ text, (size_t)n });
	return e;
}

void secret_key_kept(struct arena *a, struct str state_dir, uint8_t out[SECRET_BYTES],
    struct buf *problems)
{
	char text[KEY_FILE_MAX_BYTES];
	struct str found = STR_NONE;
	const char *path = arena_printf(a, "%.*s/secret.key", STR_ARG(state_dir)).ptr;
	enum err e = ERR_NOT_FOUND;

	for (int i = 0; i < KEY_FILE_TRIES && e == ERR_NOT_FOUND; i++) {
		e = read_key(path, text, &found);
		if (e == ERR_NOT_FOUND && !make_key(a, state_dir, path))
			e = ERR_IO;
	}
	if (e == ERR_FORBIDDEN) {
		buf_printf(problems, "SECRET_KEY: %s must be a file that only its owner may read; "
		    "chmod 600 it, or set SECRET_KEY\n", path);
	} else if (e != OK) {
		buf_printf(problems, "SECRET_KEY: %s: %s; make STATE_DIR writable, "
		    "or set SECRET_KEY\n", path, strerror(errno));
	} else {
		const char *reason = decode(a, found, out);
		if (reason != NULL)
			buf_printf(problems, "SECRET_KEY: what %s holds is %s; remove the file to "
			    "have a new one (what the old one encrypted is lost), or restore it\n",
			    path, reason);
	}
	crypto_wipe(text, sizeof(text));
}
