#define _GNU_SOURCE
#include "CCage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

// Above the three places and everything that is closed for the new process.
enum { high = 64 };

static int spawn(
    const char *path, char *const arguments[], const int sources[3], posix_spawn_file_actions_t *actions,
    posix_spawnattr_t *attributes, int32_t *process) {
    sigset_t signals;
    sigemptyset(&signals);
    int failure = posix_spawnattr_setsigmask(attributes, &signals);
    sigfillset(&signals);
    if (!failure) failure = posix_spawnattr_setsigdefault(attributes, &signals);
    if (!failure) failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (int index = 0; index < 3 && !failure; index++)
        failure = posix_spawn_file_actions_adddup2(actions, sources[index], cage_input + index);
    for (int descriptor = 0; descriptor < cage_input && !failure; descriptor++)
        failure = posix_spawn_file_actions_addclose(actions, descriptor);
    if (!failure) failure = posix_spawn_file_actions_addclosefrom_np(actions, cage_report + 1);
    char *const nothing[] = {NULL};
    pid_t started = 0;
    if (!failure) failure = posix_spawn(&started, path, actions, attributes, arguments, nothing);
    *process = started;
    return failure;
}

int cage_start(
    const char *path, const char *command, const char *task, const char *memory, int input, int rows, int report,
    int32_t *process) {
    const int given[3] = {input, rows, report};
    int sources[3] = {-1, -1, -1};
    int failure = 0;
    // Out of the way first: a descriptor may lie where another has to go.
    for (int index = 0; index < 3 && !failure; index++) {
        sources[index] = fcntl(given[index], F_DUPFD_CLOEXEC, high);
        if (sources[index] < 0) failure = errno;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!failure) failure = posix_spawn_file_actions_init(&actions);
    if (!failure) {
        failure = posix_spawnattr_init(&attributes);
        if (!failure) {
            char *const arguments[] = {"satchel", (char *)command, (char *)task, (char *)memory, NULL};
            failure = spawn(path, arguments, sources, &actions, &attributes, process);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (int index = 0; index < 3; index++)
        if (sources[index] >= 0) close(sources[index]);
    return failure;
}

int cage_memory_file(void) { return memfd_create("satchel", MFD_CLOEXEC); }

int cage_pipe(int *readable, int *writable) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    *readable = ends[0];
    *writable = ends[1];
    return 0;
}

void cage_widen(int pipe, int bytes) { fcntl(pipe, F_SETPIPE_SZ, bytes); }
