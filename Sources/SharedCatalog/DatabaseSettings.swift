/// How the database of a shared store is reached and used.
package struct DatabaseSettings: Sendable {
    /// As libpq reads it: `host=… dbname=…`, or `postgresql://…`. What it says of TLS is kept to.
    package var connection: ConnectionString
    /// The schema that the tables are in; it is made where it is not there.
    package var schema: SchemaName = .standard
    /// Whether a store is made where there is none.
    package var mayCreate = true
    /// Connections that commit, 1 to 8.
    package var lanes = 3
    /// Connections that answer questions of many kinds.
    package var readers = 2
    /// For how long anything waits for the database, in whole seconds at least 1.
    package var patience = Duration.seconds(5)
    /// For how many seconds an object stays after its last row has ended.
    package var removalDelaySeconds: Int64 = 900
    /// For tests: a database is taken that could lose what it acknowledged.
    package var takesForgetfulDatabases = false

    package init(_ connection: ConnectionString) {
        self.connection = connection
    }
}

/// A connection string for libpq. It may hold a password, so nothing prints it.
package struct ConnectionString: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { "(a connection string)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The name of a schema: a lower-case letter or underscore, then such and digits, 63 at most. It can stand in a statement
/// as it is.
package struct SchemaName: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// Nil for any other text.
    package init?(_ text: String) {
        let isName = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard isName, let first = text.utf8.first, first > UInt8(ascii: "9"), text.utf8.count <= 63 else { return nil }
        description = text
    }

    private init(checked text: String) {
        description = text
    }

    /// The one that is used where none is named.
    package static let standard = SchemaName(checked: "satchel")
}
