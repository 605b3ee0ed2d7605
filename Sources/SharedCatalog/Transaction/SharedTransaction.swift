import Blobs
import Store
package import StoreRules

/// One transaction on the shared catalog, or without one a look at it: rows come onto a page, and go from it, by one
/// statement a table over arrays, and in one round trip for all tables.
///
/// Whoever changes anything about an address holds its row. So that no two transactions wait for each other, rows are
/// locked in this order: blobs by address, subjects, uploads by id; and behind those nothing is waited for but rows that are
/// new, table by table and in the order of their keys. What turns out late to be needed is locked only where nobody has to
/// be waited for; else the batch begins anew, and knows from the start (`SharedForesight`).
package final class SharedTransaction: CatalogTransaction {
    let session: Session
    /// Nil for a look, which locks nothing.
    let lane: Lane?
    /// The numbers of the leases on the page, by their places.
    var leases = LeasePlaces()
    package internal(set) var objects = ObjectPage()
    /// Which transaction it is, once it has begun.
    private(set) var number: UInt64?
    private var hasBegun = false
    /// What is locked: addresses, without a row too, and subjects.
    var addresses: Set<BlobAddress> = []
    var subjects: Set<String> = []
    /// Subjects whose row was made for this transaction, to be locked.
    var newSubjects: Set<String> = []
    /// What turned out late to be needed.
    var late = SharedForesight()
    /// Whether anything was locked, and whether rows of uploads were.
    var hasLocks = false
    var hasUploads = false
    /// What questions to whole tables found, and what they come to, by the places of the questions.
    var candidates = Candidates()
    var answers: [Int: [Int]] = [:]
    /// Subjects that hold nothing, and the last day that they made leases in.
    var idle: [String: LeaseDay] = [:]
    /// Whether anything has to be written.
    var hasWrites = false

    /// Names this transaction, for whoever has to find out whether it was committed.
    let mark = [UInt8].random(count: 16)

    /// What a lane of a node knows beside its connection.
    struct Lane: Sendable {
        let node: NodeID
        let place: Int
        /// Where it keeps its sums.
        let slot: Int64
        let numbers: LeaseNumbers
        /// For how long objects stay that nothing names any more.
        let removalDelaySeconds: Int64
    }

    init(_ session: Session, _ lane: Lane?) {
        self.session = session
        self.lane = lane
    }

    package func load(_ page: inout CatalogPage) throws(SharedCatalogError) {
        try loadAll(&page)
    }

    package func write(_ page: CatalogPage) throws(SharedCatalogError) {
        try writeAll(page)
    }

    // MARK: The transaction itself

    /// A statement, and what its rows are for.
    struct RowQuestion {
        let statement: PostgresStatement
        let parameters: [PostgresParameter]
        let take: (PostgresRows, inout CatalogPage) throws(SharedCatalogError) -> Void
    }

    /// Asks everything in one round trip, beginning the transaction where it has not begun.
    func ask(_ questions: [RowQuestion], _ page: inout CatalogPage) throws(SharedCatalogError) {
        let isFirst = lane != nil && number == nil
        if questions.isEmpty && !isFirst { return }
        if isFirst { try begin() }
        for question in questions { try session.queue(question.statement, question.parameters) }
        var answers = try session.run()
        if isFirst {
            try take(setting: answers[1])
            answers.removeFirst(2)
        }
        for (question, answer) in zip(questions, answers) {
            guard let answer else { continue }
            try question.take(answer, &page)
        }
    }

    private func begin() throws(SharedCatalogError) {
        hasBegun = true
        try session.queue(.begin)
        func milliseconds(_ duration: Duration) -> PostgresParameter {
            .init(.text("\(max(Int64(duration / .milliseconds(1)), 100))"))
        }
        guard let lane else { return }
        try session.queue(
            Self.setting,
            [
                milliseconds(session.lockPatience), .init(.flag(lane.numbers.isShort)),
                .init(.of(lane.node as NodeID?)), .init(.of(lane.place)), .init(.bytes(mark)),
                milliseconds(session.patience),
            ])
    }

    private func take(setting rows: PostgresRows?) throws(SharedCatalogError) {
        guard let row = rows?.first else { throw .failed("the database began no transaction") }
        number = UInt64(bitPattern: try row.number(0))
        if let block = row.optionalNumber(1) { try lane?.numbers.add(block: block) }
    }

    /// Ends it without a trace.
    func rollBack() {
        if hasBegun { session.rollBack() }
    }

    /// Its mark stands in the row of its lane, which is locked until it ends: whoever can read the row afterwards knows
    /// whether it was committed. The number of a transaction would not do: a server that crashes may give it away again.
    ///
    /// Nobody waits for a lock for as long as a batch may take, and a node that stops in the midst lets go of what it holds. A
    /// commit is on disk when it is answered, and no time limit of the server's ends its waiting for a standby: it would
    /// count as done then.
    private static let setting = PostgresStatement(
        "setting",
        """
        WITH mark AS (
            INSERT INTO satchel.lane (node, place, batch) VALUES ($3::bytea, $4::bigint, $5::bytea)
            ON CONFLICT (node, place) DO UPDATE SET batch = excluded.batch RETURNING batch)
        SELECT pg_current_xact_id(), CASE WHEN $2::boolean THEN nextval('satchel.lease_block') END,
            set_config('lock_timeout', $1::text, true),
            set_config('idle_in_transaction_session_timeout', $6::text, true),
            set_config('statement_timeout', '0', true),
            CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END,
            \(PostgresStatement.plainPlanSettings)
        """)
}

/// What a batch that begins anew knows that it will need.
struct SharedForesight {
    var addresses: Set<BlobAddress> = []
    var subjects: Set<String> = []

    mutating func add(_ other: SharedForesight) {
        addresses.formUnion(other.addresses)
        subjects.formUnion(other.subjects)
    }
}

/// Which lease each place of a page stands for.
struct LeasePlaces {
    private var numbers: [Int: Int64] = [:]
    private var places: [Int64: Int] = [:]

    subscript(_ place: Int) -> Int64? { numbers[place] }

    /// The place of a lease that is on the page already.
    func place(of number: Int64) -> Int? { places[number] }

    mutating func note(_ number: Int64, at place: Int) {
        numbers[place] = number
        places[number] = place
    }
}
