// Calls of Linux that the Glibc module leaves out because they stand behind _GNU_SOURCE.

int syncfs(int descriptor);
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);
