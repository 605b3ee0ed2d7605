import CPostgres
import Glibc

/// A connection to PostgreSQL: with `PostgresRows` the only type that calls libpq.
///
/// Every `unsafe` below is a call of libpq with a connection that this object owns and frees once, and with arrays that
/// live as long as the call, in which libpq copies what it keeps. One thread uses it.
@safe final class PostgresConnection {
    /// Why something was not done.
    enum Failure: Error {
        /// The other side has ended the connection, or the network has.
        case lost
        /// There was no answer by the deadline.
        case late
    }

    /// What comes back in a pipeline.
    enum ServerReply {
        case rows(PostgresRows)
        /// A statement without rows has done this, as libpq names it.
        case done(String)
        case failed(ServerError)
        /// Not run, since a statement before it failed.
        case aborted
        /// All results of a statement have come.
        case end
        /// All results of the pipeline have come.
        case synced
    }

    private let handle: OpaquePointer

    /// Loads the library once, for the first connection.
    private static let loading = cpostgres_load()

    private static func load() throws(SharedCatalogError) {
        if loading == CPOSTGRES_MISSING {
            throw .unfit("libpq.so.5 is not installed (Debian has it in libpq5)")
        }
        if loading != CPOSTGRES_LOADED { throw .unfit("libpq.so.5 is older than PostgreSQL 14") }
    }

    /// Connects; blocks for the connect_timeout of each address at most. What `SharedCatalogError.unavailable` tells is
    /// libpq's own message.
    init(_ settings: [ConnectionSetting]) throws(SharedCatalogError) {
        try Self.load()
        let handle = unsafe withCStrings(settings.map(\.name)) { names in
            unsafe withCStrings(settings.map(\.value)) { values in unsafe cpostgres_connect(names, values) }
        }
        guard let handle = unsafe handle else { throw .unavailable("out of memory") }
        unsafe self.handle = handle
        guard unsafe cpostgres_is_connected(handle) else { throw .unavailable(message) }
        guard unsafe cpostgres_enter_pipeline(handle) else { throw .unavailable(message) }
    }

    deinit { unsafe cpostgres_finish(handle) }

    /// The settings that a connection string has; nil for what is none. What libpq says of that repeats parts of it.
    static func settings(of text: String) throws(SharedCatalogError) -> [ConnectionSetting]? {
        try load()
        final class FoundSettings { var settings: [ConnectionSetting] = [] }
        let found = FoundSettings()
        // Safe: the callback is only called before the function returns, with an object that lives until then.
        let isRead = unsafe cpostgres_parse(text, Unmanaged.passUnretained(found).toOpaque()) {
            context, name, value, isSecret in
            guard let context = unsafe context, let name = unsafe name, let value = unsafe value else { return }
            unsafe Unmanaged<FoundSettings>.fromOpaque(context).takeUnretainedValue().settings.append(
                ConnectionSetting(
                    name: String(cString: name), value: String(cString: value), isSecret: isSecret))
        }
        return withExtendedLifetime(found) { isRead ? found.settings : nil }
    }

    /// Where it is connected to.
    var place: [ConnectionSetting] {
        let (host, address, port) = unsafe (
            cpostgres_host(handle), cpostgres_address(handle), cpostgres_port(handle)
        )
        return unsafe [("host", host), ("hostaddr", address), ("port", port)].compactMap { name, value in
            guard let value = unsafe value.map({ unsafe String(cString: $0) }), !value.isEmpty else { return nil }
            return ConnectionSetting(name: name, value: value)
        }
    }

    private var message: String { unsafe String(cString: cpostgres_error(handle)) }

    // MARK: Warnings

    /// What servers have warned of so far on this thread is not asked for.
    static func forgetWarnings() { _ = takeWarning() }

    /// Whether a server has warned of something since the last call, in what this thread has read.
    static func takeWarning() -> Bool { cpostgres_take_warning() }

    // MARK: Sending

    func prepare(_ name: String, _ text: String) throws(Failure) {
        guard unsafe cpostgres_send_prepare(handle, name, text) else { throw .lost }
    }

    /// Runs a prepared statement: at most `CPOSTGRES_PARAMETER_LIMIT` parameters.
    func run(_ name: String, _ parameters: [PostgresParameter]) throws(Failure) {
        precondition(parameters.count <= Int(CPOSTGRES_PARAMETER_LIMIT), "a statement has few parameters")
        let lengths = parameters.map { parameter in parameter.bytes.map { Int32(clamping: $0.count) } ?? -1 }
        let bytes = parameters.flatMap { $0.bytes ?? [] }
        let isSent = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe lengths.withUnsafeBufferPointer { lengths in
                // An empty array may have no address, and NULL is no value.
                var nothing: UInt8 = 0
                return unsafe withUnsafePointer(to: &nothing) { nothing in
                    unsafe cpostgres_send(
                        handle, name, Int32(parameters.count), bytes.baseAddress ?? nothing, lengths.baseAddress)
                }
            }
        }
        guard isSent else { throw .lost }
    }

    /// Ends a pipeline.
    func synchronize() throws(Failure) {
        guard unsafe cpostgres_send_sync(handle) else { throw .lost }
    }

    /// Sends all that was given to it. What comes back meanwhile is kept.
    func flush(by deadline: ContinuousClock.Instant) throws(Failure) {
        while true {
            let left = unsafe cpostgres_flush(handle)
            if left == 0 { return }
            if left < 0 { throw .lost }
            try wait(forRoom: true, by: deadline)
        }
    }

    // MARK: Receiving

    /// The next thing that comes back.
    func next(by deadline: ContinuousClock.Instant) throws(Failure) -> ServerReply {
        while unsafe cpostgres_is_busy(handle) {
            let left = unsafe cpostgres_flush(handle)
            if left < 0 { throw .lost }
            try wait(forRoom: left > 0, by: deadline)
        }
        guard let result = unsafe cpostgres_next(handle) else { return .end }
        let rows = unsafe PostgresRows(result)
        switch rows.status {
        case CPOSTGRES_ROWS: return .rows(rows)
        case CPOSTGRES_DONE: return .done(rows.command)
        case CPOSTGRES_ABORTED: return .aborted
        case CPOSTGRES_SYNCED: return .synced
        default:
            // Errors without a code are libpq's own: of the connection.
            guard let error = rows.error else { throw .lost }
            return .failed(error)
        }
    }

    /// Waits until there is something to read, or room to write, and reads what is there.
    private func wait(forRoom: Bool, by deadline: ContinuousClock.Instant) throws(Failure) {
        let events = Int16(POLLIN) | (forRoom ? Int16(POLLOUT) : 0)
        var descriptor = pollfd(fd: unsafe cpostgres_socket(handle), events: events, revents: 0)
        guard descriptor.fd >= 0 else { throw .lost }
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            if left <= .zero { throw .late }
            let milliseconds = Int32(clamping: left.components.seconds * 1000 + 1000)
            let rounded = left < .seconds(1) ? Int32(left / .milliseconds(1)) + 1 : milliseconds
            // Safe: one descriptor, which lives as long as the call.
            let count = unsafe poll(&descriptor, 1, rounded)
            if count > 0 { break }
            if count < 0 && errno != EINTR { throw .lost }
        }
        guard unsafe cpostgres_consume(handle) else { throw .lost }
    }
}

/// One setting of a connection, under libpq's name for it.
struct ConnectionSetting: Sendable, Hashable {
    let name: String
    var value: String
    var isSecret = false
}

/// What the server says is wrong.
struct ServerError: Sendable, Hashable {
    /// Five characters (PostgreSQL, appendix A).
    let code: String
    let message: String
}

/// Calls `body` with the strings as an array of C's, NULL behind them; it lives as long as the call.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    var characters: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(characters.count)
        characters += string.utf8CString
    }
    return unsafe characters.withUnsafeBufferPointer { characters in
        let pointers = unsafe starts.map { start in unsafe characters.baseAddress.map { unsafe $0 + start } } + [nil]
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
