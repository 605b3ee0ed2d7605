import GRDB

/// Many rows of values for one statement, as a table in its FROM clause:
///
///     INSERT INTO ban SELECT column1, column2 FROM (VALUES (?,?),(?,?)) WHERE column1 IS NOT NULL
///
/// Such a table comes in a few lengths, so that SQLite compiles each statement that often at most. What is left over of a
/// length is NULL, which matches nothing.
struct RowBatch {
    private static let lengths = [1, 8, 64, 512]

    private let width: Int
    private var values: [DatabaseValue] = []

    /// A table of so many columns.
    init(width: Int) {
        self.width = width
    }

    var count: Int { values.count / width }
    var isEmpty: Bool { values.isEmpty }

    mutating func append(_ row: [(any DatabaseValueConvertible)?]) {
        assert(row.count == width, "every row has the same columns")
        for value in row { values.append(value?.databaseValue ?? .null) }
    }

    /// The rows in parts as long as the longest table, each as the table's text and its arguments.
    fileprivate func forEachPart(_ body: (_ table: String, _ arguments: StatementArguments) throws -> Void) rethrows {
        var start = 0
        while start < values.count {
            let rows = (values.count - start) / width
            let length = Self.lengths.first { $0 >= rows } ?? Self.lengths[Self.lengths.count - 1]
            let end = min(start + length * width, values.count)
            var part = Array(values[start..<end])
            part += repeatElement(.null, count: length * width - part.count)
            try body(Self.table(length: length, width: width), StatementArguments(part))
            start = end
        }
    }

    private static func table(length: Int, width: Int) -> String {
        let row = "(?\(String(repeating: ",?", count: width - 1)))"
        return "(VALUES \(row)\(String(repeating: ",\(row)", count: length - 1)))"
    }
}

extension Database {
    /// Runs the statement that `sql` makes of the table; nothing where it has no rows.
    func run(_ batch: RowBatch, _ sql: (_ table: String) -> String) throws {
        try batch.forEachPart { table, arguments in
            try cachedStatement(sql: sql(table)).execute(arguments: arguments)
        }
    }

    /// Calls `body` with each row that the statement finds for the table; a row keeps for one call.
    func forEachRow(_ batch: RowBatch, _ sql: (_ table: String) -> String, _ body: (Row) throws -> Void) throws {
        try batch.forEachPart { table, arguments in
            let rows = try Row.fetchCursor(cachedStatement(sql: sql(table)), arguments: arguments)
            while let row = try rows.next() { try body(row) }
        }
    }
}
