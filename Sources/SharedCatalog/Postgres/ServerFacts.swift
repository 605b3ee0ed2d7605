/// What a server says about itself when it is connected to.
struct ServerFacts: Sendable, Hashable {
    /// As 140005 for 14.5.
    let version: Int64
    /// Whether it only follows another one.
    let isInRecovery: Bool
    /// Names the cluster: copies of its files have the same name.
    let system: Int64
    /// Which of its histories it writes; empty of one that follows.
    let timeline: String
    /// Settings, as it writes them.
    let fsync: String
    let fullPageWrites: String
    /// In which encoding it keeps texts.
    let encoding: String

    static let unknown = ServerFacts(
        version: 0, isInRecovery: true, system: 0, timeline: "", fsync: "", fullPageWrites: "", encoding: "")

    /// The timeline stands in the name of the file that the log is written to.
    static let statement = PostgresStatement(
        "server facts",
        """
        SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(),
            (SELECT system_identifier FROM pg_control_system()),
            CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
            current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding')
        """)

    init(_ rows: PostgresRows) throws(SharedCatalogError) {
        guard let row = rows.first else { throw .failed("the database says nothing about itself") }
        self.init(
            version: try row.number(0), isInRecovery: try row.flag(1), system: try row.number(2),
            timeline: try row.text(3), fsync: try row.text(4), fullPageWrites: try row.text(5),
            encoding: try row.text(6))
    }

    private init(
        version: Int64, isInRecovery: Bool, system: Int64, timeline: String, fsync: String, fullPageWrites: String,
        encoding: String
    ) {
        self.version = version
        self.isInRecovery = isInRecovery
        self.system = system
        self.timeline = timeline
        self.fsync = fsync
        self.fullPageWrites = fullPageWrites
        self.encoding = encoding
    }

    /// The first version that can be used.
    private static let oldest: Int64 = 14

    /// Throws where it is a server that could lose what it acknowledged, or cannot take any.
    func check(takesForgetful: Bool) throws(SharedCatalogError) {
        guard version >= Self.oldest * 10_000 else {
            throw .unfit("the database is PostgreSQL \(version / 10_000), and \(Self.oldest) is the first that will do")
        }
        guard encoding == "UTF8" else {
            throw .unfit("the database has the encoding \(encoding), and only UTF8 can hold every name")
        }
        // It may become the one that writes.
        if isInRecovery { throw .unavailable("the database only follows another one (it is in recovery)") }
        if takesForgetful { return }
        for (name, value) in [("fsync", fsync), ("full_page_writes", fullPageWrites)] where value != "on" {
            throw .unfit("the database has \(name) = \(value): it would lose what it acknowledged")
        }
    }
}
