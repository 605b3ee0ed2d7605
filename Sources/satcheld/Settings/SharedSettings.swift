import Blobs
import DiskStore
import Objects
import SharedCatalog
import SharedStore
import Store
import Vault

private typealias Parse = SettingParser

/// What only a node of a shared store has: where catalog and bytes are, and what of them it keeps beside it.
struct SharedSettings: Sendable {
    /// The two of them together, or none.
    var database: ConnectionString?
    var objects: ObjectStoreAddress?
    var schema = SchemaName.standard
    /// Empty for keys from the environment.
    var accessKeyPath = ""
    /// Of the object store, read at the start.
    var accessKeys: AccessKeys?
    /// Empty where it was not set.
    var cachePath = ""
    var lanes = 0
    var node = SharedStoreSettings()
}

extension SettingsTable {
    static let sharing: [ServerSetting] = [
        .value(
            "database", "CONNECTION", standard: "",
            "PostgreSQL with the catalog of a store that several nodes share, as libpq reads it; takes the place of storage, "
                + "with objects. Keep the password in a file that passfile= names.",
            expected: "host=… dbname=…, or postgresql://…", isSecret: true,
            parse: Parse.optional { ConnectionString($0) }, at: \.shared.database),
        .value(
            "database-schema", "NAME", standard: "satchel", "Schema of the tables in that database; made if missing.",
            expected: "up to 63 of a-z, 0-9 and _, such as satchel", parse: { SchemaName($0) }, at: \.shared.schema),
        .value(
            "objects", "URL", standard: "",
            "Bucket of an S3-compatible object store with the bytes of such a store: https://HOST[/PREFIX]?bucket=NAME, and "
                + "behind it &region=REGION, and &style=host where the bucket stands before the host.",
            expected: "a URL, such as https://s3.example?bucket=satchel&region=us-east-1",
            parse: Parse.optional { try? ObjectStoreAddress(parsing: $0) }, at: \.shared.objects),
        .value(
            "objects-credentials", "FILE", standard: "",
            "File with AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…. Default: the environment has them. Reloaded on SIGHUP.",
            parse: Parse.any, at: \.shared.accessKeyPath),
        .value(
            "cache", "FOLDER", standard: "",
            "Folder of a node for uploads under way and blobs that were read. Required with database and objects.",
            parse: Parse.any, at: \.shared.cachePath),
        .value(
            "cache-size", "BYTES", standard: "10GiB", "Bytes of blobs that a node keeps in its cache.",
            expected: "bytes from 1, such as 400GiB", parse: Parse.bytes(from: 1), at: \.shared.node.cacheBytes),
        .value(
            "database-lanes", "COUNT", standard: "3", "Connections of a node that commit.",
            expected: "a whole number from 1 to 8",
            parse: { text in Parse.count(text).flatMap { $0 <= 8 ? $0 : nil } }, at: \.shared.lanes),
        .value(
            "removal-delay", "TIME", standard: "15m", "How long an object stays when nobody holds its blob any more.",
            parse: Parse.lifetime, at: \.shared.node.removalDelay),
        .value(
            "outage-reads", "TIME|none", standard: "none",
            "How long a node that does not hear the database serves blobs that it has ready.",
            parse: { $0 == "none" ? .zero : Parse.duration($0) }, at: \.shared.node.outageReads),
        .value(
            "node-name", "NAME", standard: "", "Name of a node in the database and in logs. Default: the host's.",
            expected: "up to 64 letters, digits, dots, - and _",
            parse: { $0.isEmpty || isToken($0) ? $0 : nil }, at: \.shared.node.nodeName),
    ]
}

extension ServerSettings {
    /// Whether catalog and bytes are shared with other nodes.
    var isShared: Bool { shared.database != nil }

    /// Where other processes of the same user reach the server.
    var controlSocket: String {
        isShared ? "\(shared.cachePath)/control.sock" : DiskLayout(root: storagePath).controlSocket
    }

    /// The rate of a scrub. Object stores look after their bytes themselves, and reading may cost.
    var scrubRate: Int64 { isShared && !given.contains("scrub-rate") ? 0 : scrubBytesPerSecond }

    /// Whether a flag or the file sets it. The environment of a container may name folders for every kind of server.
    private func isChosen(_ name: String) -> Bool {
        given.contains(name) && written[name] != SettingVariable.name(prefix: "SATCHELD_", setting: name)
    }

    /// Why the settings do not say clearly where blobs are kept; nil if they do.
    var storageRefusal: String? {
        switch (shared.database != nil, shared.objects != nil) {
        case (false, false):
            !isChosen("cache")
                ? nil : "--cache is for a node of a shared store: set --database and --objects too."
        case (true, false), (false, true):
            "--database and --objects go together: set both for a node of a shared store, or neither."
        case (true, true) where isChosen("storage"):
            "--storage and --database contradict each other: a node of a shared store keeps nothing of its own."
        case (true, true): nil
        }
    }
}
