import Store

/// Rows that come in pages, in an order, looked at beside those of another store in the same order.
struct SortedRows<Row: Sendable> {
    /// A row of one store, and the one of the same name of the other.
    struct Pair {
        let source: Row?
        let sink: Row?
    }

    /// The most pairs that are given at once.
    private static var pageLimit: Int { 500 }

    private let page: (_ after: Row?) async throws(StoreError) -> [Row]
    private var rows: ArraySlice<Row> = []
    private var last: Row?
    private var isAtEnd = false

    /// - Parameter page: the rows behind one, or from the first on; none at the end.
    init(page: @escaping (_ after: Row?) async throws(StoreError) -> [Row]) {
        self.page = page
    }

    private mutating func next() async throws(StoreError) -> Row? {
        if rows.isEmpty && !isAtEnd {
            rows = try await page(last)[...]
            isAtEnd = rows.isEmpty
        }
        return rows.first
    }

    private mutating func advance() { last = rows.popFirst() ?? last }

    /// The next rows of both, each beside the one of the same name; nil at the end.
    mutating func merge(
        with sink: inout SortedRows, by isBefore: (Row, Row) -> Bool
    ) async throws(StoreError) -> [Pair]? {
        var pairs: [Pair] = []
        while pairs.count < Self.pageLimit {
            switch (try await next(), try await sink.next()) {
            case (nil, nil): return pairs.isEmpty ? nil : pairs
            case (let mine?, let its) where its.map({ isBefore(mine, $0) }) ?? true:
                pairs.append(Pair(source: mine, sink: nil))
                advance()
            case (let mine, let its?) where mine.map({ isBefore(its, $0) }) ?? true:
                pairs.append(Pair(source: nil, sink: its))
                sink.advance()
            case (let mine, let its):
                pairs.append(Pair(source: mine, sink: its))
                advance()
                sink.advance()
            }
        }
        return pairs
    }
}
