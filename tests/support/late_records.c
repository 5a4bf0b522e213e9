/* Preloaded, it hides each record from the first LATE_RECORDS looks that a process takes at it, as
   if another process had saved it after them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { kMost = 64 };
static char* seen[kMost];
static int looks[kMost];

static int is_late(const char* path) {
  const char* wanted = getenv("LATE_RECORDS");
  const size_t length = strlen(path);
  if (wanted == NULL || length < 3 || strcmp(path + length - 3, ".h5") != 0) return 0;
  for (int i = 0; i < kMost; ++i) {
    if (seen[i] == NULL) seen[i] = strdup(path);
    if (strcmp(seen[i], path) == 0) return looks[i]++ < atoi(wanted);
  }
  return 0;
}

static int look(const char* name, const char* path, struct stat* status) {
  if (is_late(path)) {
    errno = ENOENT;
    return -1;
  }
  int (*real)(const char*, struct stat*) =
      (int (*)(const char*, struct stat*))dlsym(RTLD_NEXT, name);
  return real(path, status);
}

int stat(const char* path, struct stat* status) {
  return look("stat", path, status);
}

int lstat(const char* path, struct stat* status) {
  return look("lstat", path, status);
}
