import CSQLite

/// What holds for SQLite in the whole process.
enum SQLiteProcess {
    /// Read before the first database is opened; whether memory is not counted. Where somebody else has opened one before,
    /// it is, and all works the same.
    static let isPrepared: Bool = {
        let code = csqlite_count_no_memory()
        QuotaWrites.areFullDisks
        return code == 0
    }()
}
