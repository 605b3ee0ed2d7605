import CSQLite

/// What holds for SQLite in the whole process.
enum SQLiteProcess {
    /// Read before the first database is opened.
    static let isPrepared: Void = {
        // Where somebody else has opened one before, memory is counted, and all works the same.
        _ = csqlite_count_no_memory()
        QuotaWrites.areFullDisks
    }()
}
