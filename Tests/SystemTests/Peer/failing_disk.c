// A disk that fails as a file says, for whatever program has this in LD_PRELOAD. FAILING_DISK names the file, whose
// lines are rules: a call, an error number, a part of a path and, if there is a fourth word, a path that must exist for
// the rule to hold. Where the error number is 0 the program is killed instead. The file is read before every call, so a
// test makes the disk fail and makes it well while the program runs. Calls that no rule names go through.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// System calls by number, since the functions of the same names are the ones below.
static long read_small(const char *path, char *bytes, size_t size) {
    long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    long count = syscall(SYS_read, file, bytes, size - 1);
    syscall(SYS_close, file);
    if (count >= 0) bytes[count] = 0;
    return count;
}

static int fault(const char *call, const char *path) {
    static _Thread_local char rules[4096];
    const char *file = getenv("FAILING_DISK");
    if (!file || !path || read_small(file, rules, sizeof rules) <= 0) return 0;
    char *rest = rules, *line;
    while ((line = strsep(&rest, "\n"))) {
        char name[16], part[256], needed[512];
        int code, words = sscanf(line, "%15s %d %255s %511s", name, &code, part, needed);
        if (words < 3 || strcmp(name, call) || !strstr(path, part)) continue;
        if (words == 4 && syscall(SYS_faccessat, AT_FDCWD, needed, F_OK) != 0) continue;
        if (code == 0) raise(SIGKILL);
        return code;
    }
    return 0;
}

static int fault_of(const char *call, int descriptor) {
    static _Thread_local char path[1024];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    long count = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    return fault(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(code) do { int fault_code = (code); if (fault_code) { errno = fault_code; return -1; } } while (0)

#define OPENING(name)                                          \
    int name(const char *path, int flags, ...) {               \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        FAIL_IF(fault("open", path));                          \
        if ((flags & O_TMPFILE) == O_TMPFILE) FAIL_IF(fault("unnamed", path)); \
        return REAL(name)(path, flags, mode);                  \
    }
OPENING(open)
OPENING(open64)

ssize_t read(int file, void *bytes, size_t count) {
    FAIL_IF(fault_of("read", file));
    return REAL(read)(file, bytes, count);
}
ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
    FAIL_IF(fault_of("read", file));
    return REAL(pread)(file, bytes, count, offset);
}
ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    FAIL_IF(fault_of("read", file));
    return REAL(pread64)(file, bytes, count, offset);
}
ssize_t write(int file, const void *bytes, size_t count) {
    FAIL_IF(fault_of("write", file));
    return REAL(write)(file, bytes, count);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    FAIL_IF(fault_of("write", file));
    return REAL(pwrite)(file, bytes, count, offset);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    FAIL_IF(fault_of("write", file));
    return REAL(pwrite64)(file, bytes, count, offset);
}
int fsync(int file) {
    FAIL_IF(fault_of("sync", file));
    return REAL(fsync)(file);
}
int fdatasync(int file) {
    FAIL_IF(fault_of("sync", file));
    return REAL(fdatasync)(file);
}
int syncfs(int file) {
    FAIL_IF(fault_of("sync", file));
    return REAL(syncfs)(file);
}
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned flags) {
    FAIL_IF(fault("rename", new_path));
    if (flags) FAIL_IF(fault("noreplace", new_path));
    return REAL(renameat2)(old_folder, old_path, new_folder, new_path, flags);
}
int link(const char *old_path, const char *new_path) {
    FAIL_IF(fault("link", new_path));
    return REAL(link)(old_path, new_path);
}
int linkat(int old_folder, const char *old_path, int new_folder, const char *new_path, int flags) {
    FAIL_IF(fault("link", new_path));
    return REAL(linkat)(old_folder, old_path, new_folder, new_path, flags);
}
int unlink(const char *path) {
    FAIL_IF(fault("unlink", path));
    return REAL(unlink)(path);
}
