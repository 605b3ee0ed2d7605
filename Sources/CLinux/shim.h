// Calls of Linux that the Glibc module leaves out because they stand behind _GNU_SOURCE.

int syncfs(int descriptor);
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);

// prctl takes variable arguments, which Swift cannot call.
#include <sys/prctl.h>

/// No core dump of this process, and no other process of the same user may look into its memory; 0 if that worked.
static inline int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
