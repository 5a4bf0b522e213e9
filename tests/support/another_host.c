/* Preloaded, it makes a process one on another host: locks do not count between it and others, and its
   clock is an hour ahead. With HOLD_RECORDS=FILE a record that is to get its name makes FILE.reached and
   waits until FILE is there. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int file, int operation) {
  (void)file;
  (void)operation;
  errno = ENOLCK;
  return -1;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) {
  const char* hold = getenv("HOLD_RECORDS");
  const size_t length = strlen(to);
  if (hold != NULL && length > 3 && strcmp(to + length - 3, ".h5") == 0) {
    char reached[4096];
    snprintf(reached, sizeof(reached), "%s.reached", hold);
    FILE* file = fopen(reached, "w");
    if (file != NULL) fclose(file);
    while (access(hold, F_OK) != 0) usleep(20000);
  }
  return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
