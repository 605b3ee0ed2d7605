import GRDBSQLite
import Synchronization

/// Every statement that SQLite runs on one database of this process, in order, as its own trace tells
/// (sqlite3.h, sqlite3_trace_v2): statements of triggers too, each as its text or as a comment.
///
/// It hears of connections that are opened while it lives.
final class StatementTrace: Sendable {
    /// The statements by the path of their database; nothing is kept for others.
    private static let statements = Mutex<[String: [String]]>([:])
    private let path: String

    /// - Parameter path: the database file, without symbolic links.
    init(of path: String) {
        self.path = path
        Self.statements.withLock { $0[path] = [] }
        Self.isInstalled
    }

    deinit { Self.statements.withLock { $0[path] = nil } }

    /// What was run since this was last asked.
    func take() -> [String] {
        Self.statements.withLock { statements in
            defer { statements[path] = [] }
            return statements[path] ?? []
        }
    }

    /// Safe: SQLite calls what it is given with these types for each connection that it opens, and passes on a
    /// statement and its text, both of which live as long as the call.
    private static let isInstalled: Void = {
        let watch:
            @convention(c) (OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, OpaquePointer?) ->
                Int32 =
                { connection, _, _ in
                    unsafe sqlite3_trace_v2(connection, UInt32(SQLITE_TRACE_STMT), StatementTrace.hear, nil)
                }
        let result = unsafe sqlite3_auto_extension(unsafeBitCast(watch, to: (@convention(c) () -> Void).self))
        precondition(result == SQLITE_OK, "SQLite calls us for each new connection")
    }()

    private static let hear:
        @convention(c) (UInt32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32 =
            { _, _, statement, text in
                guard let statement = unsafe statement, let text = unsafe text,
                    let path = unsafe sqlite3_db_filename(sqlite3_db_handle(OpaquePointer(statement)), "main")
                else { return 0 }
                let (file, sql) = unsafe (
                    String(cString: path), String(cString: text.assumingMemoryBound(to: CChar.self))
                )
                statements.withLock { $0[file]?.append(sql) }
                return 0
            }
}
