import Blobs
import GRDB
import GRDBSQLite
package import StoreRules

/// One transaction on the database: rows come onto a page, and go from it, by one statement a table. It must not leave
/// the closure that it was given to.
package final class SQLiteTransaction: CatalogTransaction {
    let database: Database
    /// The ids of the blobs and leases on the page, by their places; nobody else sees them.
    var blobs = RowIDs()
    var leases = RowIDs()

    init(_ database: Database) {
        self.database = database
    }

    package func load(_ page: inout CatalogPage) throws(CatalogError) {
        try withCatalogErrors { try loadAll(&page) }
    }

    package func write(_ page: CatalogPage) throws(CatalogError) {
        try withCatalogErrors { try writeAll(page) }
    }
}

/// Which row of a table each place of a page stands for.
struct RowIDs {
    private var ids: [Int64?] = []
    private var places: [Int64: Int] = [:]

    subscript(_ place: Int) -> Int64? { place < ids.count ? ids[place] : nil }

    /// The place of a row that is on the page already.
    func place(of id: Int64) -> Int? { places[id] }

    mutating func note(_ id: Int64, at place: Int) {
        if place >= ids.count { ids += repeatElement(nil, count: place + 1 - ids.count) }
        ids[place] = id
        places[id] = place
    }
}

/// A statement about rows of values. Where there is more than one, they stand in it as a table:
///
///     INSERT INTO ban SELECT * FROM (VALUES (?,?),(?,?)) WHERE column1 IS NOT NULL
///
/// Such a table comes in a few lengths, so that SQLite compiles each statement that often at most. What is left over of a
/// length is NULL, which matches nothing.
struct RowStatement: Sendable {
    fileprivate static let lengths = [1, 8, 64, 512]

    fileprivate let width: Int
    /// The statement for each length.
    fileprivate let texts: [String]

    /// The statement that `sql` makes for rows of so many columns.
    init(width: Int, _ sql: (RowsInSQL) -> String) {
        self.width = width
        texts = Self.lengths.map { sql(RowsInSQL(length: $0, width: width)) }
    }
}

/// The rows for one statement.
struct RowBatch {
    private let statement: RowStatement
    private var values: [SQLValue] = []

    init(_ statement: RowStatement) {
        self.statement = statement
    }

    mutating func append(_ row: [SQLValue]) {
        assert(row.count == statement.width, "every row has the same columns")
        values += row
    }

    /// Runs the statement, as often as the rows fill its longest table; nothing where there are none.
    func run(in database: Database) throws {
        try forEachPart(database) { statement in while try statement.next() {} }
    }

    /// Calls `body` with each row that the statement finds; what it is given keeps for one call.
    func forEachRow(in database: Database, _ body: (StatementRow) throws -> Void) throws {
        try forEachPart(database) { statement in
            let row = StatementRow(statement)
            while try statement.next() { try body(row) }
        }
    }

    /// The same with rows whose values have names, which take longer to make.
    func forEachNamedRow(in database: Database, _ body: (Row) throws -> Void) throws {
        try forEachPart(database, ofGRDB: true) { statement in
            let rows = try Row.fetchCursor(statement)
            while let row = try rows.next() { try body(row) }
        }
    }

    private func forEachPart(
        _ database: Database, ofGRDB isOfGRDB: Bool = false, _ body: (Statement) throws -> Void
    ) throws {
        var start = 0
        while start < values.count {
            let rows = (values.count - start) / statement.width
            let size = RowStatement.lengths.firstIndex { $0 >= rows } ?? RowStatement.lengths.count - 1
            let end = min(start + RowStatement.lengths[size] * statement.width, values.count)
            let compiled = try database.cachedStatement(sql: statement.texts[size])
            // GRDB, which steps it itself then, looks for arguments of its own otherwise.
            if isOfGRDB { compiled.setUncheckedArguments(StatementArguments()) } else { compiled.clear() }
            for index in start..<end { try values[index].bind(to: compiled, at: index - start + 1) }
            // A statement that stands at a row keeps others from writing, and its transaction from ending.
            defer { compiled.reset() }
            try body(compiled)
            start = end
        }
    }
}

/// How rows stand in the text of a statement.
struct RowsInSQL {
    fileprivate let length: Int
    fileprivate let width: Int

    /// A value of a row by the number of its column, from 1.
    subscript(_ column: Int) -> String { length == 1 ? "?\(column)" : "column\(column)" }

    /// In front of a table in a FROM clause whose rows are to be found for them.
    var joined: String { length == 1 ? "" : "\(table) CROSS JOIN " }

    /// Behind the SET clause of an UPDATE.
    var from: String { length == 1 ? "" : "FROM \(table)" }

    /// What an INSERT inserts.
    var inserted: String { length == 1 ? "VALUES \(row)" : "SELECT * FROM \(table) WHERE column1 IS NOT NULL" }

    /// The first values, as a list.
    var list: String { length == 1 ? "(?1)" : table }

    private var row: String { "(?\(String(repeating: ",?", count: width - 1)))" }
    private var table: String {
        let row = row
        return "(VALUES \(row)\(String(repeating: ",\(row)", count: length - 1)))"
    }
}

/// A value as SQLite takes it: GRDB's own way takes a batch longer than SQLite itself.
enum SQLValue {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])

    static func of(_ value: Int?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }
    static func of(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }
    static func of(_ value: Timestamp?) -> SQLValue { value.map { .integer($0.seconds) } ?? .null }
    static func of(_ value: Lifetime?) -> SQLValue { value.map { .integer($0.seconds) } ?? .null }
    static func of(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
    static func of(_ value: EndReason?) -> SQLValue { value.map { .text($0.rawValue) } ?? .null }
    static func of(_ value: BlobAddress?) -> SQLValue { value.map { .bytes($0.bytes) } ?? .null }
    static func of(_ value: AliasName) -> SQLValue { .bytes(value.bytes) }
    static func of(_ value: SecretHash?) -> SQLValue { value.map { .bytes($0.bytes) } ?? .null }
    static func of(_ value: Recipient) -> SQLValue { .bytes(value.bytes) }
    static func of(_ value: UploadID) -> SQLValue { .bytes(value.bytes) }

    /// Safe: SQLite copies what it is given before the call returns (SQLITE_TRANSIENT is -1, sqlite3.h), and GRDB's
    /// statement lives as long as the call.
    func bind(to statement: Statement, at index: Int) throws {
        let (target, place) = unsafe (statement.sqliteStatement, Int32(index))
        let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let code =
            switch self {
            case .null: unsafe sqlite3_bind_null(target, place)
            case .integer(let number): unsafe sqlite3_bind_int64(target, place, number)
            case .text(""): unsafe sqlite3_bind_text(target, place, "", 0, transient)
            case .text(var text):
                text.withUTF8 { utf8 in
                    unsafe utf8.withMemoryRebound(to: CChar.self) { characters in
                        unsafe sqlite3_bind_text(
                            target, place, characters.baseAddress, Int32(characters.count), transient)
                    }
                }
            case .bytes([]): unsafe sqlite3_bind_zeroblob(target, place, 0)
            case .bytes(let bytes):
                unsafe bytes.withUnsafeBytes {
                    unsafe sqlite3_bind_blob(target, place, $0.baseAddress, Int32($0.count), transient)
                }
            }
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
}
