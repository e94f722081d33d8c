/*
 * sqlite_turn: several processes that write at once take turns.
 *
 * SQLite's lock has no queue: who waits looks again from time to time, and a busy
 * process that commits without a pause leaves a gap of microseconds between two
 * commits, which a look hits once in a hundred.  So who waits says so, by a shared
 * flock(2) on the WAL file (SQLite locks other files, and by fcntl), and who is
 * about to commit looks whether anyone does and, if so, pauses for longer than
 * the waiter's looks are apart.  The kernel drops the lock of a process that dies;
 * none of this decides anything but the order.
 */
#include "store/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 250000         /* looks are 50 to 100 µs apart, and a sleep is 50 late */
#define TURN_BATCHES 4          /* commits in a row: each change of process costs its page cache */

/* Without it (-1) all goes on, less evenly. */
void sqlite_turn_open(struct sqlite_db *db, const char *path)
{
	char *wal = sqlite3_mprintf("%s-wal", path);

	if (wal != NULL)
		db->turn_fd = open(wal, O_RDONLY | O_CLOEXEC);
	sqlite3_free(wal);
}

void sqlite_turn_close(struct sqlite_db *db)
{
	if (db->turn_fd >= 0)
		close(db->turn_fd);
	db->turn_fd = -1;
}

void sqlite_turn_wait(struct sqlite_db *db)
{
	if (db->turn_fd >= 0)
		db->waits = flock(db->turn_fd, LOCK_SH | LOCK_NB) == 0;
}

void sqlite_turn_taken(struct sqlite_db *db)
{
	if (db->waits) {
		(void)flock(db->turn_fd, LOCK_UN);
		db->commits = 0;
	}
	db->waits = false;
}

void sqlite_turn_offer(struct sqlite_db *db)
{
	const struct timespec pause = { 0, PAUSE_NS };

	if (db->turn_fd < 0 || ++db->commits < TURN_BATCHES)
		return;
	db->commits = 0;
	if (flock(db->turn_fd, LOCK_EX | LOCK_NB) == 0)
		(void)flock(db->turn_fd, LOCK_UN);
	else
		nanosleep(&pause, NULL);
}
