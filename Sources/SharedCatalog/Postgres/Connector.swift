/// Makes connections to the one server, or to whichever of several is the one that writes.
struct Connector: Sendable {
    private let settings: [ConnectionSetting]
    private let schema: SchemaName
    let patience: Duration
    private let takesForgetful: Bool
    /// Of which cluster every connection has to be; nil before that is known.
    var system: Int64?

    /// Throws where there is no libpq, or the string is none of its.
    init(_ database: DatabaseSettings) throws(SharedCatalogError) {
        guard let given = try PostgresConnection.settings(of: database.connection.text) else {
            throw .unfit(
                "the database's connection string cannot be read: it is \"host=… dbname=… …\" or \"postgresql://…\"")
        }
        schema = database.schema
        patience = database.patience
        takesForgetful = database.takesForgetfulDatabases
        let seconds = max(Int64(2), database.patience.components.seconds)
        settings = Self.complete(given, timeout: seconds)
    }

    private static func complete(_ given: [ConnectionSetting], timeout: Int64) -> [ConnectionSetting] {
        var settings = given.filter { !["connect_timeout", "client_encoding"].contains($0.name) }
        let asked = given.first { $0.name == "connect_timeout" }.flatMap { Int64($0.value) } ?? 0
        settings.append(ConnectionSetting(name: "client_encoding", value: "UTF8"))
        // libpq takes less than two seconds for two.
        settings.append(
            ConnectionSetting(name: "connect_timeout", value: "\(asked > 0 ? min(asked, timeout) : timeout)"))
        var defaults = [
            ("application_name", "satcheld"), ("gssencmode", "disable"),
            // A connection that rests finds out within seconds that the other side is gone.
            ("keepalives_idle", "10"), ("keepalives_interval", "3"), ("keepalives_count", "2"),
        ]
        if given.contains(where: { ["host", "hostaddr"].contains($0.name) && $0.value.contains(",") }) {
            defaults.append(("target_session_attrs", "read-write"))
        }
        for (name, value) in defaults where !given.contains(where: { $0.name == name }) {
            settings.append(ConnectionSetting(name: name, value: value))
        }
        return settings
    }

    /// Connects, and makes sure that the server can be used. Blocks for patience, for each address that there is.
    ///
    /// - Parameters:
    ///   - place: The very server, where it has to be that one.
    ///   - time: How long it may take, where that is less than patience; two seconds at least.
    func connect(
        to place: [ConnectionSetting]? = nil, within time: Duration? = nil
    ) throws(SharedCatalogError) -> Session {
        var settings = settings
        if let time, time < patience { settings = Self.complete(settings, timeout: max(time.components.seconds, 2)) }
        if let place {
            // A service may name the user, and more; what it says of the host counts less than this.
            settings.removeAll { ["host", "hostaddr", "port", "target_session_attrs"].contains($0.name) }
            settings += place
        }
        let connection: PostgresConnection
        do { connection = try PostgresConnection(settings) } catch {
            guard case .unavailable(let message) = error else { throw error }
            throw .unavailable("the database cannot be reached: \(withoutSecrets(message))")
        }
        let session = try Session(connection, schema: schema, patience: patience)
        try session.facts.check(takesForgetful: takesForgetful)
        if let system, session.facts.system != system {
            throw .unavailable("the database is not the one that this node was started with: start it again")
        }
        return session
    }

    /// One line, and nothing of a password in it.
    private func withoutSecrets(_ message: String) -> String {
        var message = message.split(separator: "\n").map { $0.drop { $0.isWhitespace } }.joined(separator: "; ")
        for setting in settings where setting.isSecret && !setting.value.isEmpty {
            message = message.replacing(setting.value, with: "…")
        }
        // What is no value may be a part of another one.
        return message.replacing(/(invalid [^"]*)"[^"]*"/) { "\($0.output.1)\"…\"" }
    }
}
