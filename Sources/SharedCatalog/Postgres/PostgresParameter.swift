import Blobs
import Store
import StoreRules

/// A value for a statement.
enum PostgresValue {
    case null
    case number(Int64)
    case flag(Bool)
    case text(String)
    case bytes([UInt8])

    static func of(_ value: Int?) -> PostgresValue { value.map { .number(Int64($0)) } ?? .null }
    static func of(_ value: Int64?) -> PostgresValue { value.map { .number($0) } ?? .null }
    static func of(_ value: Timestamp?) -> PostgresValue { value.map { .number($0.seconds) } ?? .null }
    static func of(_ value: Lifetime?) -> PostgresValue { value.map { .number($0.seconds) } ?? .null }
    static func of(_ value: String?) -> PostgresValue { value.map { .text($0) } ?? .null }
    static func of(_ value: EndReason?) -> PostgresValue { value.map { .text($0.rawValue) } ?? .null }
    static func of(_ value: BlobAddress?) -> PostgresValue { value.map { .bytes($0.bytes) } ?? .null }
    static func of(_ value: AliasName) -> PostgresValue { .bytes(value.bytes) }
    static func of(_ value: (some FixedBytes)?) -> PostgresValue { value.map { .bytes($0.bytes) } ?? .null }

    /// Puts it behind `bytes` in binary form: its length, -1 of NULL, and what is sent of it (PostgreSQL, chapter 55).
    fileprivate func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(bigEndian: UInt32.max)
        case .number(let number):
            bytes.append(bigEndian: UInt32(8))
            bytes.append(bigEndian: UInt64(bitPattern: number))
        case .flag(let flag):
            bytes.append(bigEndian: UInt32(1))
            bytes.append(flag ? 1 : 0)
        case .text(let text):
            bytes.append(bigEndian: UInt32(clamping: text.utf8.count))
            bytes += text.utf8
        case .bytes(let value):
            bytes.append(bigEndian: UInt32(clamping: value.count))
            bytes += value
        }
    }

    fileprivate var isNull: Bool { if case .null = self { true } else { false } }
}

/// A parameter of a statement, in binary form; nil for NULL.
struct PostgresParameter {
    let bytes: [UInt8]?

    init(bytes: [UInt8]?) {
        self.bytes = bytes
    }

    init(_ value: PostgresValue) {
        if value.isNull {
            bytes = nil
        } else {
            var encoded: [UInt8] = []
            value.append(to: &encoded)
            bytes = Array(encoded.dropFirst(4))
        }
    }

    /// The number of a transaction.
    init(number: UInt64) {
        self.init(.number(Int64(bitPattern: number)))
    }

    /// An array of one dimension.
    init(_ element: PostgresArray.Element, _ values: [PostgresValue]) {
        var array = PostgresArray(element)
        for value in values { array.append(value) }
        self = array.parameter
    }

    static func addresses(_ values: some Collection<BlobAddress>) -> PostgresParameter {
        PostgresParameter(.bytes, values.map { .of($0) })
    }

    static func numbers(_ values: some Collection<Int64>) -> PostgresParameter {
        PostgresParameter(.number, values.map { .number($0) })
    }

    static func texts(_ values: some Collection<String>) -> PostgresParameter {
        PostgresParameter(.text, values.map { .text($0) })
    }

    static func objects(_ values: some Collection<ObjectID>) -> PostgresParameter {
        PostgresParameter(.uuid, values.map { .bytes($0.bytes) })
    }
}

/// An array of one dimension in binary form (PostgreSQL, array_recv):
///
///     4 bytes    dimensions: 1, or 0 of an empty array
///     4          1 where there are NULLs
///     4          the number of the elements' type
///     4, 4       elements, and the index of the first
///     for each   4 bytes of length, -1 of NULL, and the element
struct PostgresArray {
    /// Types by their numbers (PostgreSQL, pg_type.dat).
    enum Element: UInt32 {
        case flag = 16
        case bytes = 17
        case number = 20
        case text = 25
        case uuid = 2950
    }

    private let element: Element
    private var count: UInt32 = 0
    private var hasNulls = false
    private var body: [UInt8] = []

    init(_ element: Element) {
        self.element = element
    }

    mutating func append(_ value: PostgresValue) {
        count += 1
        if value.isNull { hasNulls = true }
        value.append(to: &body)
    }

    var parameter: PostgresParameter {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 20)
        bytes.append(bigEndian: count == 0 ? 0 : UInt32(1))
        bytes.append(bigEndian: hasNulls ? 1 : UInt32(0))
        bytes.append(bigEndian: element.rawValue)
        if count > 0 {
            bytes.append(bigEndian: count)
            bytes.append(bigEndian: UInt32(1))
        }
        return PostgresParameter(bytes: bytes + body)
    }

    /// The elements of an array without NULLs; nil for anything else.
    static func elements(of bytes: [UInt8]) -> [[UInt8]]? {
        var rest = bytes[...]
        func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        guard let dimensions = number(&rest), number(&rest) != nil, number(&rest) != nil else { return nil }
        if dimensions == 0 { return rest.isEmpty ? [] : nil }
        guard dimensions == 1, let count = number(&rest), number(&rest) != nil, count <= rest.count / 4
        else { return nil }
        var elements: [[UInt8]] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            // The length of NULL is more than there is.
            guard let length = number(&rest), length <= rest.count else { return nil }
            elements.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return rest.isEmpty ? elements : nil
    }
}

/// Rows for a statement, which takes each column as an array (`unnest`).
struct ColumnTable {
    private var columns: [PostgresArray]
    private(set) var isEmpty = true

    init(_ elements: PostgresArray.Element...) {
        columns = elements.map { PostgresArray($0) }
    }

    mutating func append(_ values: PostgresValue...) {
        precondition(values.count == columns.count, "every row has the same columns")
        for (index, value) in values.enumerated() { columns[index].append(value) }
        isEmpty = false
    }

    var parameters: [PostgresParameter] { columns.map(\.parameter) }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
