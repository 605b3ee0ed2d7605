import Blobs

/// A statement of this room. Its tables are written as those of the schema `satchel`, and stand in the one that was chosen.
struct PostgresStatement: Sendable {
    /// By which a connection knows it, once it was prepared.
    let name: String
    let text: String

    init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }
}

/// Transactions.
extension PostgresStatement {
    static let begin = PostgresStatement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    static let commit = PostgresStatement("commit", "COMMIT")
    static let rollback = PostgresStatement("rollback", "ROLLBACK")
}

/// A connection with the statements that it knows: questions are gathered, sent in one go, and answered in their order.
/// One thread uses it.
final class Session {
    /// Whether there is any use in asking more.
    enum Condition {
        case usable
        /// The connection has ended.
        case lost
        /// There was no answer in time.
        case hanging
    }

    private enum Expected {
        case preparation(String)
        case statement
    }

    private(set) var facts: ServerFacts
    /// For how long anything is waited for.
    let patience: Duration
    /// For how long a row is waited for that somebody else holds: a batch may try more than once.
    var lockPatience: Duration { patience / 4 }
    /// Whether there is time left for another try.
    var hasTime: Bool { ContinuousClock.now + lockPatience + .milliseconds(200) < deadline }
    /// Until when everything has to be answered.
    var deadline: ContinuousClock.Instant
    private(set) var condition = Condition.usable
    /// What the server said was wrong last.
    private(set) var lastError: ServerError?
    /// What the last statement without rows has done.
    private(set) var lastCommand = ""
    /// Whether the server warned of something in its last answers, as of a commit that is on fewer servers than it should be.
    private(set) var wasWarned = false
    /// Statements and round trips so far.
    private(set) var statements = 0
    private(set) var roundTrips = 0

    /// Where it is connected to.
    let place: [ConnectionSetting]

    private var connection: PostgresConnection?
    private let schema: SchemaName
    private var prepared: Set<String> = []
    private var expected: [Expected] = []

    /// `facts` are what the server says in answer to `ServerFacts.statement`.
    init(
        _ connection: PostgresConnection, schema: SchemaName, patience: Duration
    ) throws(SharedCatalogError) {
        self.connection = connection
        place = connection.place
        self.schema = schema
        self.patience = patience
        deadline = .now + patience
        facts = ServerFacts.unknown
        facts = try ServerFacts(ask(ServerFacts.statement))
    }

    // MARK: Asking

    /// Gathers a statement.
    func queue(_ statement: PostgresStatement, _ parameters: [PostgresParameter] = []) throws(SharedCatalogError) {
        try use { connection throws(PostgresConnection.Failure) in
            if prepared.insert(statement.name).inserted {
                // Only the statements of this room have such a text.
                let text = statement.text.replacing("satchel.", with: "\"\(schema)\".")
                try connection.prepare(statement.name, text)
                expected.append(.preparation(statement.name))
            }
            try connection.run(statement.name, parameters)
            expected.append(.statement)
            statements += 1
        }
    }

    /// Sends what was gathered: whoever calls it asks for the answers next.
    func send() throws(SharedCatalogError) {
        try use { connection throws(PostgresConnection.Failure) in
            try connection.synchronize()
            try connection.flush(by: deadline)
        }
        roundTrips += 1
    }

    /// The rows of each statement that was sent; none of one that gives none. Throws where one failed: those behind it were
    /// not run then.
    func receive() throws(SharedCatalogError) -> [PostgresRows?] {
        var answers: [PostgresRows?] = []
        var failure: ServerError?
        var place = 0
        var rows: PostgresRows?
        var hasResult = false
        PostgresConnection.forgetWarnings()
        defer { wasWarned = PostgresConnection.takeWarning() }
        try use { connection throws(PostgresConnection.Failure) in
            while true {
                let reply = try connection.next(by: deadline)
                if case .end = reply {} else { hasResult = true }
                switch reply {
                case .rows(let found): rows = found
                case .done(let command): lastCommand = command
                case .failed(let error):
                    failure = failure ?? error
                    forget(at: place)
                case .aborted: forget(at: place)
                case .end where !hasResult: break
                case .end:
                    hasResult = false
                    if place < expected.count, case .statement = expected[place] { answers.append(rows) }
                    rows = nil
                    place += 1
                case .synced: return
                }
            }
        }
        expected = []
        lastError = failure
        if let failure { throw error(failure) }
        return answers
    }

    /// A statement that was not prepared is not known.
    private func forget(at place: Int) {
        if place < expected.count, case .preparation(let name) = expected[place] { prepared.remove(name) }
    }

    /// Asks what was gathered, and gives the answers.
    func run() throws(SharedCatalogError) -> [PostgresRows?] {
        try send()
        return try receive()
    }

    /// Asks one statement that gives rows.
    func ask(
        _ statement: PostgresStatement, _ parameters: PostgresParameter...
    ) throws(SharedCatalogError) -> PostgresRows {
        try queue(statement, parameters)
        guard let rows = try run().last ?? nil else { throw .failed("the database: no rows for \(statement.name)") }
        return rows
    }

    /// Ends a transaction that came to nothing; the connection is given up where that cannot be.
    func rollBack() {
        guard condition == .usable else { return }
        do {
            try queue(.rollback)
            _ = try run()
        } catch {
            if condition == .usable { condition = .lost }
        }
    }

    /// Gives the connection up, and closes it.
    func abandon() {
        if condition == .usable { condition = .lost }
        connection = nil
    }

    // MARK: Failing

    private func use(
        _ body: (PostgresConnection) throws(PostgresConnection.Failure) -> Void
    ) throws(SharedCatalogError) {
        guard condition == .usable, let connection else { throw Self.lost }
        do { try body(connection) } catch {
            self.connection = nil
            switch error {
            case .lost:
                condition = .lost
                throw Self.lost
            case .late:
                condition = .hanging
                throw .unavailable("the database does not answer")
            }
        }
    }

    private static let lost = SharedCatalogError.unavailable("the connection to the database was lost")

    private func error(_ failure: ServerError) -> SharedCatalogError {
        if failure.endsConnection { condition = .lost }
        return SharedCatalogError(failure)
    }
}

extension ServerError {
    /// Whether the connection is of no more use: the server ends it, or takes no writes any more
    /// (PostgreSQL, appendix A).
    fileprivate var endsConnection: Bool {
        code.hasPrefix("08") || code.hasPrefix("57P") || ["25006", "25P03", "25P04"].contains(code)
    }

    /// Whether rows that others changed meanwhile are the cause: judged anew, the same changes may well be made.
    var isConflict: Bool { ["23505", "40001", "40P01", "55P03", Self.guardCode].contains(code) }

    /// A statement of a batch divides by zero where the batch has missed something.
    static let guardCode = "22012"
}

extension SharedCatalogError {
    init(_ error: ServerError) {
        let text = "the database: \(error.message) (\(error.code))"
        switch error.code {
        case "53100": self = .full(text)
        case let code where error.isConflict && code != ServerError.guardCode: self = .conflict(text)
        case ServerError.guardCode: self = .conflict("the database: a row came in between")
        case "25006", "25P03", "25P04", "57014": self = .unavailable(text)
        case "42501", "3D000", "28000", "28P01": self = .unfit(text)
        case let code where code.hasPrefix("08") || code.hasPrefix("53") || code.hasPrefix("57P"):
            self = .unavailable(text)
        default: self = .failed(text)
        }
    }
}
