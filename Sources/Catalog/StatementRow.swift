import Blobs
import Foundation
import GRDB
import GRDBSQLite

/// The values of one row by the numbers of their columns, from 0.
protocol RowValues {
    func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) -> Value

    /// The bytes of a value; nil where there is none.
    func bytes(_ index: Int) -> [UInt8]?
}

extension RowValues {
    subscript<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) -> Value { value(index) }
}

extension Row: RowValues {
    func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) -> Value { self[index] }

    func bytes(_ index: Int) -> [UInt8]? { (self[index] as Data?).map { Array($0) } }
}

/// The row that a statement stands at, until its next step. A `Row` of GRDB's takes longer to make than SQLite takes to
/// find it.
struct StatementRow: RowValues {
    private let statement: Statement

    init(_ statement: Statement) {
        self.statement = statement
    }

    /// Safe: the statement lives as long as this call, and stands at a row.
    func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) -> Value {
        guard let value = unsafe Value.fromStatement(statement.sqliteStatement, atUncheckedIndex: CInt(index)) else {
            preconditionFailure("a column that cannot be NULL is not")
        }
        return value
    }

    /// Safe: as above; the bytes are copied before the statement goes on.
    func bytes(_ index: Int) -> [UInt8]? {
        let (target, column) = unsafe (statement.sqliteStatement, CInt(index))
        if unsafe sqlite3_column_type(target, column) == SQLITE_NULL { return nil }
        let start = unsafe sqlite3_column_blob(target, column)
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(target, column))))
    }
}

/// A statement without GRDB's bookkeeping for those who observe changes, of whom there are none: it takes as long as a
/// small statement itself. Safe: GRDB's statement lives as long as each call.
extension Statement {
    /// Steps to the next row; false where there is none.
    func next() throws -> Bool {
        switch unsafe sqlite3_step(sqliteStatement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let message = unsafe String(cString: sqlite3_errmsg(sqlite3_db_handle(sqliteStatement)))
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }

    /// It stands at no row any more.
    func reset() {
        // The code is that of the last step, which has been told.
        _ = unsafe sqlite3_reset(sqliteStatement)
    }

    /// The same, and every value is NULL again.
    func clear() {
        reset()
        _ = unsafe sqlite3_clear_bindings(sqliteStatement)
    }
}
