import Blobs
import CPostgres
import Store
import StoreRules

/// The rows that a statement gave, in binary form.
///
/// Every `unsafe` below is a call of libpq with a result that this object owns and frees once; bytes are copied out of it,
/// and places outside of it are not asked for.
@safe final class PostgresRows {
    private let result: OpaquePointer
    let count: Int
    private let width: Int

    /// How many columns there are.
    var columns: Int { width }

    init(_ result: OpaquePointer) {
        unsafe self.result = result
        count = Int(unsafe cpostgres_row_count(result))
        width = Int(unsafe cpostgres_column_count(result))
    }

    deinit { unsafe cpostgres_clear(result) }

    var status: cpostgres_status { unsafe cpostgres_status(result) }

    /// What was done.
    var command: String { unsafe cpostgres_command(result).map { unsafe String(cString: $0) } ?? "" }

    /// What the server says is wrong; nil where nothing is, or not in the server.
    var error: ServerError? {
        guard let code = unsafe cpostgres_error_code(result) else { return nil }
        let message = unsafe cpostgres_error_message(result).map { unsafe String(cString: $0) } ?? ""
        return unsafe ServerError(code: String(cString: code), message: message)
    }

    /// The bytes of a value; nil for NULL.
    func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
        precondition(row >= 0 && row < count && column >= 0 && column < width, "a value of the result")
        var length: Int32 = -1
        let start = unsafe cpostgres_value(result, Int32(row), Int32(column), &length)
        guard length >= 0, let start = unsafe start else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }

    /// A number of at most 8 bytes; nil for NULL, and for other lengths.
    func number(_ row: Int, _ column: Int) -> Int64? {
        precondition(row >= 0 && row < count && column >= 0 && column < width, "a value of the result")
        var length: Int32 = -1
        let start = unsafe cpostgres_value(result, Int32(row), Int32(column), &length)
        guard length > 0, length <= 8, let start = unsafe start else { return nil }
        let bytes = unsafe UnsafeBufferPointer(start: start, count: Int(length))
        let sign: UInt64 = unsafe bytes[0] & 0x80 == 0 || length == 1 ? 0 : .max
        return unsafe Int64(bitPattern: bytes.reduce(sign) { $0 << 8 | UInt64($1) })
    }

    /// The rows.
    var all: some Sequence<ResultRow> { (0..<count).lazy.map { ResultRow(rows: self, index: $0) } }

    /// The first row, if there is one.
    var first: ResultRow? { count > 0 ? ResultRow(rows: self, index: 0) : nil }
}

/// One row, read column by column; what cannot be there is an error.
struct ResultRow {
    fileprivate let rows: PostgresRows
    fileprivate let index: Int

    func bytes(_ column: Int) -> [UInt8]? { rows.bytes(index, column) }

    func optionalNumber(_ column: Int) -> Int64? { rows.number(index, column) }

    func number(_ column: Int) throws(SharedCatalogError) -> Int64 { try required(rows.number(index, column), column) }

    func int(_ column: Int) throws(SharedCatalogError) -> Int {
        try required(rows.number(index, column).flatMap { Int(exactly: $0) }, column)
    }

    func flag(_ column: Int) throws(SharedCatalogError) -> Bool { try number(column) != 0 }

    func optionalText(_ column: Int) -> String? { bytes(column).map { String(decoding: $0, as: UTF8.self) } }

    func text(_ column: Int) throws(SharedCatalogError) -> String { try required(optionalText(column), column) }

    func optionalTime(_ column: Int) -> Timestamp? { optionalNumber(column).map { Timestamp(seconds: $0) } }

    func time(_ column: Int) throws(SharedCatalogError) -> Timestamp { Timestamp(seconds: try number(column)) }

    /// Fixed bytes, such as an address.
    func value<Value: FixedBytes>(_ column: Int) throws(SharedCatalogError) -> Value {
        try required(bytes(column).flatMap { Value(bytes: $0) }, column)
    }

    /// The same; nil for NULL.
    func optionalValue<Value: FixedBytes>(_ column: Int) throws(SharedCatalogError) -> Value? {
        guard let bytes = bytes(column) else { return nil }
        return try required(Value(bytes: bytes), column)
    }

    /// An address, which is no `FixedBytes` of its own.
    func address(_ column: Int) throws(SharedCatalogError) -> BlobAddress {
        try required(bytes(column).flatMap { BlobAddress(bytes: $0) }, column)
    }

    func optionalAddress(_ column: Int) throws(SharedCatalogError) -> BlobAddress? {
        guard bytes(column) != nil else { return nil }
        return try address(column)
    }

    func reason(_ column: Int) -> EndReason? { optionalText(column).flatMap { EndReason(rawValue: $0) } }

    /// The elements of an array without NULL; none for NULL.
    func array(_ column: Int) throws(SharedCatalogError) -> [[UInt8]] {
        guard let bytes = bytes(column) else { return [] }
        return try required(PostgresArray.elements(of: bytes), column)
    }

    func required<Value>(_ value: Value?, _ column: Int) throws(SharedCatalogError) -> Value {
        guard let value else { throw .failed("the database: column \(column) holds what it cannot hold") }
        return value
    }
}
