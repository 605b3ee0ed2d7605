import Testing

@testable import SharedCatalog

@Suite struct ValueTests {
    @Test func `an array is written as PostgreSQL reads it`() {
        let numbers = PostgresParameter(.number, [.number(1), .null])
        #expect(
            numbers.bytes == [
                0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1,
                0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255,
            ])
        #expect(PostgresParameter(.text, []).bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25])
        #expect(PostgresParameter(.null).bytes == nil && PostgresParameter(.text("")).bytes == [])
        #expect(PostgresParameter(.number(-2)).bytes == [255, 255, 255, 255, 255, 255, 255, 254])
    }

    @Test func `elements come out of an array as they went in, and of nothing else`() throws {
        let elements: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300)]
        let bytes = try #require(PostgresParameter(.bytes, elements.map { .bytes($0) }).bytes)
        #expect(PostgresArray.elements(of: bytes) == elements)
        #expect(try PostgresArray.elements(of: #require(PostgresParameter(.bytes, []).bytes)) == [])
        for end in 0..<bytes.count { #expect(PostgresArray.elements(of: Array(bytes[..<end])) == nil) }
        #expect(PostgresArray.elements(of: bytes + [0]) == nil)
        let null = try #require(PostgresParameter(.bytes, [.null]).bytes)
        #expect(PostgresArray.elements(of: null) == nil)
        // More elements than there are bytes for.
        let many: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 17, 127, 255, 255, 255, 0, 0, 0, 1]
        #expect(PostgresArray.elements(of: many) == nil)
    }

    @Test(arguments: ["", "1a", "A", "a b", "a\"", "ä", String(repeating: "a", count: 64)])
    func `a name that could not stand in a statement is none`(text: String) {
        #expect(SchemaName(text) == nil)
    }

    @Test(arguments: ["a", "_1", "satchel", String(repeating: "z", count: 63)])
    func `letters, digits and underscores are a name`(text: String) {
        #expect(SchemaName(text)?.description == text)
    }

    @Test func `a connection string is not shown`() {
        let settings = DatabaseSettings(ConnectionString("host=h password=geheim"))
        var shown = ""
        dump(settings, to: &shown)
        #expect(!"\(settings) \(String(reflecting: settings)) \(shown)".contains("geheim"))
    }

    @Test func `numbers of leases never come twice`() throws {
        let numbers = LeaseNumbers()
        #expect(numbers.isShort)
        try numbers.add(block: 3)
        try numbers.add(block: 1)
        #expect(!numbers.isShort && numbers.count == 2048)
        let taken = try (0..<2048).map { _ in try numbers.take() }
        #expect(Set(taken).count == 2048 && taken.first == 3072 && taken.last == 2047)
        #expect(throws: SharedCatalogError.self) { try numbers.take() }
        #expect(throws: SharedCatalogError.self) { try numbers.add(block: .max) }
        #expect(throws: SharedCatalogError.self) { try numbers.add(block: -1) }
    }
}
