// Calls of SQLite with variable arguments, which Swift cannot call. Its header belongs to GRDB's module.

int sqlite3_config(int option, ...);

/// SQLite counts no memory from now on: it does so under a lock of the whole process, for each piece. 0 if that worked, which
/// it does before the first database is opened; 9 is SQLITE_CONFIG_MEMSTATUS.
static inline int csqlite_count_no_memory(void) { return sqlite3_config(9, 0); }
