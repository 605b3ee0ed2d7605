import BlobHTTP
import Blobs
import OriginLink

private typealias Parse = SettingParser

/// Which server this one takes over from.
struct DrainSettings: Sendable {
    /// Its names, in the order in which they are tried; none where no server is drained.
    var origins: [OriginAddress] = []
    var keyPath = ""
    /// What it knows this server by, read at the start.
    var key: String?
    var cacheBytes: Int64 = 0
    var link = OriginClientSettings()

    var isEmpty: Bool { origins.isEmpty }
}

extension SettingsTable {
    static let draining: [ServerSetting] = [
        .value(
            "drain-from", "URLS", standard: "",
            "The server that this one takes over from, or several addresses of it, separated by commas: what this store does "
                + "not know is asked for there.",
            parse: origins, at: \.drain.origins),
        .value(
            "drain-key", "FILE", standard: "",
            "The key of an edge that the server in drain-from knows; with one, what ends there is heard at once.",
            parse: Parse.any, at: \.drain.keyPath),
        .value(
            "drain-cache-size", "BYTES", standard: "10GiB", "Bytes of blobs of that server that are kept here.",
            expected: "bytes from 1, such as 10GiB", parse: Parse.bytes(from: 1), at: \.drain.cacheBytes),
    ]
}

extension ServerSettings {
    /// Where blobs of the server that is drained are kept: beside the own ones.
    var drainFolder: String { "\(isShared ? shared.cachePath : storagePath)/drained" }

    /// Why no server can be drained with these settings; nil if one can, or none is to be.
    var drainRefusal: String? {
        if drain.isEmpty {
            return drain.keyPath.isEmpty
                ? nil : "--drain-key goes with --drain-from, which names the server that knows it."
        }
        guard drain.origins.contains(where: isOwn) else { return nil }
        return
            "--drain-from names this server: name the old one, by an address that still leads to it."
    }

    /// Whether an address leads to this server, as far as its settings tell.
    private func isOwn(_ address: OriginAddress) -> Bool {
        let (origin, listen) = (address.origin, server.listen)
        if address.description == server.publicURL?.description { return true }
        guard origin.port == listen.port else { return false }
        let isEverywhere = ["0.0.0.0", "::"].contains(listen.host)
        return origin.host == listen.host || origin.isLoopback && (isEverywhere || listen.isLoopback)
    }
}
