import Blobs
import Store
import StoreRules

/// Somebody who looks for a blob.
struct CatalogLookup: Sendable {
    enum LookupKey: Sendable {
        case address(BlobAddress)
        case alias(AliasName)
    }

    let key: LookupKey
    /// Tells what there is; with a lease where it was looked for by an alias.
    let tell: @Sendable (Result<(blob: FoundBlob, lease: LeaseRow?)?, SharedCatalogError>) -> Void
}

/// Answers all lookups that wait with one question for each kind of key.
enum Lookups {
    /// Returns those that may be asked again on another connection.
    static func answer(_ lookups: [CatalogLookup], _ session: Session) -> [CatalogLookup] {
        do throws(SharedCatalogError) {
            let (blobs, aliases) = try ask(lookups, session)
            for lookup in lookups {
                switch lookup.key {
                case .address(let address): lookup.tell(.success(blobs[address].map { ($0, nil) }))
                case .alias(let alias): lookup.tell(.success(aliases[alias].map { ($0.blob, $0.lease) }))
                }
            }
            return []
        } catch {
            if session.condition == .lost { return lookups }
            for lookup in lookups { lookup.tell(.failure(error)) }
            return []
        }
    }

    private typealias Aliased = (blob: FoundBlob, lease: LeaseRow)

    private static func ask(
        _ lookups: [CatalogLookup], _ session: Session
    ) throws(SharedCatalogError) -> ([BlobAddress: FoundBlob], [AliasName: Aliased]) {
        var (addresses, names): ([BlobAddress], [AliasName]) = ([], [])
        for lookup in lookups {
            switch lookup.key {
            case .address(let address): addresses.append(address)
            case .alias(let alias): names.append(alias)
            }
        }
        try session.queue(.plainPlans)
        if !addresses.isEmpty { try session.queue(.findBlobs, [.addresses(addresses)]) }
        if !names.isEmpty {
            try session.queue(.findAliasedBlobs, [PostgresParameter(.bytes, names.map { .of($0) })])
        }
        var answers = try session.run().dropFirst().compactMap { $0 }[...]
        var blobs: [BlobAddress: FoundBlob] = [:]
        var aliases: [AliasName: Aliased] = [:]
        if !addresses.isEmpty, let rows = answers.popFirst() {
            for row in rows.all {
                let blob = try FoundBlob(row)
                blobs[blob.row.address] = blob
            }
        }
        if !names.isEmpty, let rows = answers.popFirst() {
            for row in rows.all {
                let name = try row.required(AliasName(bytes: row.bytes(0) ?? []), 0)
                aliases[name] = (
                    try FoundBlob(row, from: 1), try LeaseRow(row, from: 1 + FoundBlob.columnCount)
                )
            }
        }
        return (blobs, aliases)
    }
}

extension FoundBlob {
    /// As `init(_:from:)` reads them, of a statement that has `join` in it.
    static let columns = "\(BlobRow.columns), p.ids, p.numbers, p.sizes, p.digests"
    static let columnCount = BlobRow.columnCount + 4

    /// Behind the table of blobs: the objects of lists.
    static let join = """
        LEFT JOIN LATERAL (
            SELECT array_agg(o.id ORDER BY o.nr) AS ids, array_agg(o.nr ORDER BY o.nr) AS numbers,
                array_agg(o.size ORDER BY o.nr) AS sizes, array_agg(o.digest ORDER BY o.nr) AS digests
            FROM satchel.object o WHERE b.listed AND o.list = b.object
        ) p ON true
        """

    init(_ row: ResultRow, from column: Int = 0) throws(SharedCatalogError) {
        let object = try BlobObject(row, from: column + 9)
        let first = column + BlobRow.columnCount
        let (ids, numbers) = (try row.array(first), try row.array(first + 1))
        let (sizes, digests) = (try row.array(first + 2), try row.array(first + 3))
        var parts: [ObjectRow] = []
        for (index, id) in ids.enumerated() {
            guard let object, let id = ObjectID(bytes: id), index < numbers.count, index < sizes.count,
                index < digests.count, let digest = BlobAddress(bytes: digests[index]),
                let number = Int(exactly: Int64(bigEndian: numbers[index]))
            else { throw .failed("the database: an object of a list is none") }
            parts.append(
                ObjectRow(
                    id: id, list: object.id, number: number,
                    size: ObjectRow.possible(Int64(bigEndian: sizes[index])), digest: digest))
        }
        self.init(row: try BlobRow(row, from: column), object: object, parts: parts)
    }
}

extension ObjectRow {
    /// The size of an object as the database has it; one that no object can have becomes one that fits nothing, so that sums
    /// of sizes stay numbers and only this blob is damaged.
    static func possible(_ size: Int64) -> Int64 { (0...limitBytes).contains(size) ? size : -1 }
}

extension Int64 {
    /// From at most eight bytes.
    fileprivate init(bigEndian bytes: [UInt8]) {
        self.init(bitPattern: bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

extension PostgresStatement {
    /// What makes plans that look for each key by itself: they are kept, and a table that is small when they are made grows.
    static let plainPlanSettings = """
        set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('random_page_cost', '0.1', true),
        set_config('jit', 'off', true)
        """
    /// For the questions behind it, up to the end of the round trip.
    static let plainPlans = PostgresStatement("plain plans", "SELECT \(plainPlanSettings)")
    static let findBlobs = PostgresStatement(
        "find blobs",
        """
        SELECT \(FoundBlob.columns) FROM satchel.blob b \(FoundBlob.join)
        WHERE b.address = ANY ($1::bytea[])
        """)
    static let findAliasedBlobs = PostgresStatement(
        "find aliased blobs",
        """
        SELECT a.name, \(FoundBlob.columns), \(LeaseRow.columns)
        FROM satchel.alias a JOIN satchel.lease l ON l.id = a.lease
        JOIN satchel.blob b ON b.address = l.address \(FoundBlob.join)
        WHERE a.name = ANY ($1::bytea[])
        """)
}
