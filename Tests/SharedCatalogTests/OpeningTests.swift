import Blobs
import Foundation
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

@Suite(hasPostgres) struct OpeningTests {
    @Test func `any number of nodes may start at once, and find the same store`() async throws {
        let schema = try TestSchema()
        let nodes = try await withThrowingTaskGroup(of: SharedCatalog.self) { group in
            for number in 0..<6 { group.addTask { try await schema.open("node \(number)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(nodes.map(\.identity)).count == 1)
        let rows = try await nodes[0].read { reader throws(SharedCatalogError) in try reader.nodes() }
        #expect(Set(rows.map(\.name)) == Set((0..<6).map { "node \($0)" }))
        #expect(try schema.number("SELECT count(DISTINCT slot) FROM satchel.node") == 6)
        let steps = try schema.number("SELECT count(*) FROM satchel.migration")
        #expect(steps == SharedSchema.steps.count)
        let store = try await nodes[0].read { reader throws(SharedCatalogError) in try reader.store() }
        #expect(store.identity == nodes[0].identity && !store.isRestored && store.passToken.isEmpty)
        #expect(store.latest == Timestamp(seconds: 1_000_000) && store.scannedHour == nil)
        #expect(try await nodes[1].read { reader throws(SharedCatalogError) in try reader.isEmpty() })
        for node in nodes { await node.close() }
        let again = try await schema.open()
        #expect(again.identity == nodes[0].identity)
        await again.close()
    }

    @Test func `tables of a later version are left alone`() async throws {
        let schema = try TestSchema()
        await (try await schema.open()).close()
        try schema.ask("INSERT INTO satchel.migration (number, name) VALUES (99, 'from the future')")
        await #expect(throws: SharedCatalogError.superseded) { try await schema.open() }
    }

    @Test func `a database that was put into another cluster was put back`() async throws {
        let schema = try TestSchema()
        await (try await schema.open()).close()
        try schema.ask("UPDATE satchel.store SET system = system + 1")
        let catalog = try await schema.open()
        #expect(try await catalog.read { reader throws(SharedCatalogError) in try reader.store() }.isRestored)
        await catalog.close()
    }

    @Test(arguments: ["fsync", "full_page_writes"])
    func `a database that would lose what it acknowledged is refused, and it is said why`(setting: String) async throws
    {
        let engine = try Engine(.postgres, settings: ["\(setting)=off"])
        let schema = try TestSchema(in: engine)
        await #expect {
            try await schema.open()
        } throws: { error in
            if case SharedCatalogError.unfit(let why) = error { why.contains("\(setting) = off") } else { false }
        }
        let permitted = try TestSchema(in: engine) { $0.takesForgetfulDatabases = true }
        await (try await permitted.open()).close()
    }

    @Test func `a database whose encoding has not every letter is not used`() async throws {
        let schema = try TestSchema()
        let name = "latin_\(schema.settings.schema)"
        try schema.ask("CREATE DATABASE \(name) ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        var settings = schema.settings
        settings.connection = ConnectionString(settings.connection.text + " dbname=\(name)")
        await #expect {
            _ = try await SharedCatalog.open(
                settings, node: CatalogNode(name: "node", version: "1"), now: { Timestamp(seconds: 0) },
                logger: TestSchema.quiet)
        } throws: { error in
            if case SharedCatalogError.unfit(let why) = error { why.contains("LATIN1") } else { false }
        }
        try schema.ask("DROP DATABASE \(name) WITH (FORCE)")
    }

    @Test func `commits are on disk whatever the database's habit`() async throws {
        let engine = try Engine(.postgres, settings: ["synchronous_commit=off", "statement_timeout=0"])
        let schema = try TestSchema(in: engine)
        let session = try schema.connect()
        let lane = SharedTransaction.Lane(
            node: .random(), place: 0, slot: 0, numbers: LeaseNumbers(), removalDelaySeconds: 0)
        let migrator = Migrator(session: session)
        try migrator.migrate(schema.settings.schema, mayCreate: true)
        let transaction = SharedTransaction(session, lane)
        var page = CatalogPage(now: Timestamp(seconds: 0))
        try transaction.load(&page)
        let habit = PostgresStatement(
            "habit",
            "SELECT (current_setting('synchronous_commit') = 'on')::int, (current_setting('lock_timeout') <> '0')::int")
        let row = try #require(try session.ask(habit).first)
        #expect(try row.flag(0) && row.flag(1))
        transaction.rollBack()
        #expect(try session.ask(habit).first?.flag(0) == false, "of the transaction alone")
    }

    @Test(arguments: [
        "host=127.0.0.1 port=1 user=anna password=geheim dbname=satchel",
        "postgresql://anna:geheim@127.0.0.1:1/satchel", "geheim", "host=127.0.0.1 port=geheim",
        "postgresql://anna:geheim@127.0.0.1:1/satchel?nonsense=geheim", "host=/nowhere password=geheim",
    ])
    func `no message tells a password`(connection: String) async throws {
        var settings = DatabaseSettings(ConnectionString(connection))
        settings.patience = .seconds(2)
        await #expect {
            _ = try await SharedCatalog.open(
                settings, node: CatalogNode(name: "node", version: "1"), now: { Timestamp(seconds: 0) },
                logger: TestSchema.quiet)
        } throws: { error in
            !"\(error) \(String(reflecting: error))".contains("geheim")
        }
    }

    @Test func `a wrong password is refused without being told`() async throws {
        let schema = try TestSchema()
        let role = "r\(schema.settings.schema)"
        // Everybody on this machine is trusted, so the server has to be asked for what it does not have.
        try schema.ask("CREATE ROLE \(role) NOLOGIN")
        var settings = schema.settings
        settings.connection = ConnectionString(
            settings.connection.text.replacing("user=satchel", with: "user=\(role) password=geheim"))
        await #expect {
            _ = try await SharedCatalog.open(
                settings, node: CatalogNode(name: "node", version: "1"), now: { Timestamp(seconds: 0) },
                logger: TestSchema.quiet)
        } throws: { error in
            "\(error)".contains("not permitted to log in") && !"\(error)".contains("geheim")
        }
        try schema.ask("DROP ROLE \(role)")
    }

    @Test func `a user that owns nothing but its schema can use it`() async throws {
        let schema = try TestSchema()
        let role = "r\(schema.settings.schema)"
        try schema.ask("CREATE ROLE \(role) LOGIN")
        try schema.ask("CREATE SCHEMA \"\(schema.settings.schema)\" AUTHORIZATION \(role)")
        var settings = schema.settings
        settings.connection = ConnectionString(settings.connection.text.replacing("user=satchel", with: "user=\(role)"))
        let catalog = try await SharedCatalog.open(
            settings, node: CatalogNode(name: "node", version: "1"), now: { Timestamp(seconds: 0) },
            logger: TestSchema.quiet)
        #expect(!(try await catalog.hear(after: nil).isInRecovery))
        await catalog.close()
        try schema.ask("DROP OWNED BY \(role)")
        try schema.ask("DROP ROLE \(role)")
    }

    @Test func `what the string says of TLS is kept to`() async throws {
        let folder = try TemporaryFolder.inMemory()
        let engine = try Engine(.postgres)
        var settings = DatabaseSettings(
            ConnectionString(try engine.fact("connection") + " sslmode=require"))
        func open() async throws(SharedCatalogError) {
            let catalog = try await SharedCatalog.open(
                settings, node: CatalogNode(name: "node", version: "1"), now: { Timestamp(seconds: 0) },
                logger: TestSchema.quiet)
            await catalog.close()
        }
        await #expect {
            try await open()
        } throws: { error in
            if case SharedCatalogError.unavailable(let why) = error { why.contains("SSL") } else { false }
        }
        let (certificate, key) = (folder.path("certificate.pem"), folder.path("key.pem"))
        try await Self.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
            certificate,
        ])
        let console = try SQLConsole(engine.fact("connection"))
        let data = try #require(try console.ask("SHOW data_directory").first?.first)
        let text =
            try String(contentsOfFile: key, encoding: .utf8) + String(contentsOfFile: certificate, encoding: .utf8)
        // The server writes it itself, so that it is the server's own.
        let lines = text.split(separator: "\n").joined(separator: "|")
        try console.ask("COPY (SELECT unnest(string_to_array('\(lines)', '|'))) TO '\(data)/server.pem'")
        try console.ask("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; chmod 600 \(data)/server.pem'")
        for (name, value) in [("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.pem"), ("ssl", "on")] {
            try console.ask("ALTER SYSTEM SET \(name) = '\(value)'")
        }
        try console.ask("SELECT pg_reload_conf()")
        try await eventually { (try? await open()) != nil }
        let root = try engine.fact("connection") + " sslmode=verify-full sslrootcert="
        settings.connection = ConnectionString(root + certificate)
        try await open()
        settings.connection = ConnectionString(root + "/etc/ssl/certs/ca-certificates.crt")
        await #expect(throws: SharedCatalogError.self) { try await open() }
        withExtendedLifetime(folder) {}
    }

    private static func run(_ command: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
