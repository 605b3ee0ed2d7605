// The walls around a process that decodes what a stranger may have made. Linux alone can be asked for them, and only
// through C: resource limits, prctl, a seccomp filter, and a start that hands over three descriptors and nothing else.
#pragma once

#include <stdint.h>

/// The descriptors of a caged process; it has no others.
enum { cage_input = 3, cage_rows = 4, cage_report = 5 };

/// Starts the program at `path` with these arguments behind its name, an empty environment, no signal blocked, and the
/// three descriptors. Returns 0 and the process, or an error number.
int cage_start(
    const char *_Nonnull path, const char *_Nonnull command, const char *_Nonnull task, const char *_Nonnull memory,
    int input, int rows, int report, int32_t *_Nonnull process);

/// Limits this process for good: no core dump, 16 descriptors, `cpu_seconds`, `memory_bytes` of addresses, no new
/// privileges, no other process may look into it, and it ends with its parent. Returns 0 or an error number.
int cage_limit(uint64_t memory_bytes, uint32_t cpu_seconds);

/// Shuts the cage: from here on only the calls of an allow-list are carried out. Any other is written to the report as
/// a failure with its number, and ends the process. Returns 0 or an error number; then nothing has been shut.
int cage_shut(void);

/// The number that a failure of the report has for a call that is not allowed.
enum { cage_forbidden_call = 1 };

/// An unnamed file in memory; -1 with errno.
int cage_memory_file(void);

/// The two ends of a pipe, which no other program inherits; 0 or an error number.
int cage_pipe(int *_Nonnull readable, int *_Nonnull writable);

/// Makes a pipe hold up to `bytes`, where the system allows that.
void cage_widen(int pipe, int bytes);
