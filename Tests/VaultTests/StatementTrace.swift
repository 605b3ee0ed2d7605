import GRDBSQLite
import Synchronization

/// Every statement that SQLite runs on one database of this process, in order, and how many rows they give, as its own
/// trace tells (sqlite3.h, sqlite3_trace_v2): statements of triggers too, each as its text or as a comment.
///
/// It hears of connections that are opened while it lives.
final class StatementTrace: Sendable {
    /// What was run for a while.
    struct Cost: Hashable, Sendable {
        var statements: [String] = []
        /// Rows that the statements gave.
        var rows = 0
    }

    /// The costs by the path of the database; nothing is kept for others.
    private static let costs = Mutex<[String: Cost]>([:])
    private let path: String

    /// - Parameter path: the database file, without symbolic links.
    init(of path: String) {
        self.path = path
        Self.costs.withLock { $0[path] = Cost() }
        Self.isInstalled
    }

    deinit { Self.costs.withLock { $0[path] = nil } }

    /// What was run since this was last asked.
    @discardableResult
    func take() -> Cost {
        Self.costs.withLock { costs in
            defer { costs[path] = Cost() }
            return costs[path] ?? Cost()
        }
    }

    /// Safe: SQLite calls what it is given with these types for each connection that it opens, and passes on a
    /// statement and, as it begins, its text, both of which live as long as the call.
    private static let isInstalled: Void = {
        let watch:
            @convention(c) (OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, OpaquePointer?) ->
                Int32 =
                { connection, _, _ in
                    unsafe sqlite3_trace_v2(
                        connection, UInt32(SQLITE_TRACE_STMT | SQLITE_TRACE_ROW), StatementTrace.hear, nil)
                }
        let result = unsafe sqlite3_auto_extension(unsafeBitCast(watch, to: (@convention(c) () -> Void).self))
        precondition(result == SQLITE_OK, "SQLite calls us for each new connection")
    }()

    private static let hear:
        @convention(c) (UInt32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32 =
            { event, _, statement, text in
                guard let statement = unsafe statement,
                    let path = unsafe sqlite3_db_filename(sqlite3_db_handle(OpaquePointer(statement)), "main")
                else { return 0 }
                let file = unsafe String(cString: path)
                if event == UInt32(SQLITE_TRACE_ROW) {
                    costs.withLock { $0[file]?.rows += 1 }
                } else if let text = unsafe text {
                    let sql = unsafe String(cString: text.assumingMemoryBound(to: CChar.self))
                    costs.withLock { $0[file]?.statements.append(sql) }
                }
                return 0
            }
}
