package import Blobs
package import HTTPTypes
import Store
package import Telemetry

/// What a path names, parsed once.
package enum Route: Hashable, Sendable {
    case blob(BlobAddress)
    case lease(BlobAddress)
    /// Where leases are added to a blob that is held already.
    case leases(BlobAddress)
    case receipt(BlobAddress, Recipient)
    case upload
    /// Where resumable uploads are created.
    case uploads
    case resumable(UploadID)
    case quota
    /// What a chat server has made a slot of, below one of its doors; nil for a malformed path.
    case slot(door: String, SlotPath?)
    /// The feed of changes, for edges.
    case changes
    case page(BrowserPage)
    case health
    case readiness
    /// `OPTIONS *`: the server as a whole (RFC 9110 §9.3.7).
    case server

    /// What is there for browsers, with its place.
    package enum BrowserPage: Hashable, Sendable {
        /// `/open/<sha256>`: where a link leads.
        case open
        /// Anything else below `/open`: where a link leads that was cut, for a person.
        case cut
        /// `/open/video.js`: the service worker of that page.
        case video
        /// `/send`.
        case send
    }

    /// Parses a request target; nil for a path that names nothing. The query is ignored.
    package init?(target: String) {
        let path = target.prefix { $0 != "?" }
        if path == "*" {
            self = .server
            return
        }
        if let slot = SlotPath.parse(target: path) {
            self = .slot(door: slot.door, slot.path)
            return
        }
        if path == "/open" || path.hasPrefix("/open/") {
            self = .page(Self.openPage(at: path.dropFirst("/open/".count)))
            return
        }
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        // Clients of tus know the place of uploads as a folder, and many as the one that tusd has.
        if parts.count > 2, parts.last == "", ["upload", "uploads", "files"].contains(parts[1]) { parts.removeLast() }
        guard parts.first == "", (2...4).contains(parts.count) else { return nil }
        if parts.count == 4 {
            guard parts[2] == "receipts", let address = BlobAddress(hex: parts[1]),
                let recipient = Recipient(base64url: parts[3])
            else { return nil }
            self = .receipt(address, recipient)
            return
        }
        switch (String(parts[1]), parts.count == 3 ? String(parts[2]) : nil) {
        case ("upload", nil): self = .upload
        case ("uploads", nil), ("files", nil): self = .uploads
        case ("uploads", let text?), ("files", let text?):
            guard let id = UploadID(hex: text) else { return nil }
            self = .resumable(id)
        case ("quota", nil): self = .quota
        case ("changes", nil): self = .changes
        case ("healthz", nil): self = .health
        case ("readyz", nil): self = .readiness
        case ("send", nil): self = .page(.send)
        case (let text, "lease"):
            guard let address = BlobAddress(hex: text) else { return nil }
            self = .lease(address)
        case (let text, "leases"):
            guard let address = BlobAddress(hex: text) else { return nil }
            self = .leases(address)
        case (let text, nil):
            guard let address = Self.blobAddress(text) else { return nil }
            self = .blob(address)
        default: return nil
        }
    }

    private static func openPage(at text: Substring) -> BrowserPage {
        text == "video.js" ? .video : BlobAddress(hex: text) != nil ? .open : .cut
    }

    /// The value of `name` in the query of a target, as it is written there.
    static func query(_ name: String, of target: String) -> Substring? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        let pairs = target[target.index(after: mark)...].split(separator: "&")
        return pairs.first { $0.hasPrefix("\(name)=") }?.dropFirst(name.count + 1)
    }

    /// What a path names that can be read on an event loop, as `init(target:)` would say; nil for every other path. The
    /// shortcut for reads.
    package static func reading(ofPath text: String) -> ReadSubject? {
        let path = text.utf8.span
        guard path.count > 7, path[0] == UInt8(ascii: "/") else { return nil }
        if path.count == 2 * BlobAddress.byteCount + 1,
            let address = BlobAddress(hexDigits: path.extracting(droppingFirst: 1))
        {
            return .blob(address)
        }
        if SlotPath.mayBe(path) { return SlotPath.parse(target: text)?.path.map { .slot($0) } }
        guard path.count > 2 * BlobAddress.byteCount, case .blob(let address)? = Route(target: text) else { return nil }
        return .blob(address)
    }

    /// The same for a target of HTTP/1.1: in origin form, which is a path, or in absolute form, where scheme and host come
    /// first and may be any (RFC 9112 §3.2).
    package static func reading(ofTarget target: String) -> ReadSubject? {
        if let subject = reading(ofPath: target) { return subject }
        let scheme = ["http://", "https://"].first { target.prefix($0.utf8.count).lowercased() == $0 }
        guard let scheme else { return nil }
        let rest = target.dropFirst(scheme.count)
        // What ends the host is a path, a query or a fragment (RFC 3986 §3.2); only a path can name a blob.
        guard let end = rest.firstIndex(where: { "/?#".contains($0) }), end > rest.startIndex else { return nil }
        return reading(ofPath: String(rest[end...]))
    }

    /// 64 lower-case hexadecimal digits, and optionally a dot and 1–16 ASCII letters or digits, which are ignored.
    private static func blobAddress(_ text: String) -> BlobAddress? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first else { return nil }
        if parts.count == 2 {
            let isPlain = parts[1].utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            }
            guard isPlain, (1...16).contains(parts[1].utf8.count) else { return nil }
        }
        return BlobAddress(hex: name)
    }

    /// The allowed methods, in the order of the Allow field.
    package var methods: [HTTPRequest.Method] {
        [.get, .put, .head, .post, .patch, .delete, .options].filter { operation(of: $0) != nil }
    }

    package var allow: String { methods.map(\.rawValue).joined(separator: ", ") }

    /// What a method is for, as far as pages of other origins are concerned.
    package func purpose(of method: HTTPRequest.Method) -> CrossOrigin.Purpose {
        switch self {
        case .blob: method == .get || method == .head ? .read : .write
        case .lease, .leases, .receipt, .upload, .uploads, .resumable, .quota: .write
        case .slot: .slot
        case .page: .look
        case .changes, .health, .readiness, .server: .read
        }
    }
}

extension Route {
    /// The class under which a request to this route is counted.
    package func routeClass(of method: HTTPRequest.Method) -> RouteClass {
        switch self {
        case .blob: method == .delete ? .revoke : .blob
        case .lease, .leases: .lease
        case .receipt: .receipt
        case .upload, .uploads, .resumable: .upload
        case .quota: .quota
        case .slot: .slot
        case .changes: .changes
        case .page: .page
        case .health, .readiness: .health
        case .server: .other
        }
    }

    /// Whether monitoring asks here.
    var isMonitoring: Bool { self == .health || self == .readiness }

    /// The blob that it is about, if any.
    package var blob: BlobAddress? {
        switch self {
        case .blob(let address), .lease(let address), .leases(let address), .receipt(let address, _): address
        case .upload, .uploads, .resumable, .quota, .slot, .changes, .page, .health, .readiness, .server: nil
        }
    }

    /// The slot that it is about, if any.
    var slot: SlotPath? { if case .slot(_, let path) = self { path } else { nil } }
}

/// What a request was about, without saying which blob: the label that requests are counted under.
package enum RouteClass: Int, CaseIterable, Sendable {
    /// Reading a blob.
    case blob
    case upload
    /// Ending a lease.
    case revoke
    /// Reading, adding or renewing a lease.
    case lease
    /// Confirming delivery.
    case receipt
    /// Reading what is left of a quota.
    case quota
    /// Filling or reading a slot.
    case slot
    /// Following the feed of changes.
    case changes
    /// The pages for browsers.
    case page
    /// Health, readiness and metrics.
    case health
    /// Anything else.
    case other

    /// The label's text.
    package var name: String {
        switch self {
        case .blob: "blob"
        case .upload: "upload"
        case .revoke: "revoke"
        case .lease: "lease"
        case .receipt: "receipt"
        case .quota: "quota"
        case .slot: "slot"
        case .changes: "changes"
        case .page: "page"
        case .health: "health"
        case .other: "other"
        }
    }
}

extension RequestMeter {
    /// Counts one answered request.
    package borrowing func count(
        route: RouteClass, status: Int, receivedBytes: Int, sentBytes: Int, time: Duration
    ) {
        count(
            route: route.rawValue, status: status, receivedBytes: receivedBytes, sentBytes: sentBytes, time: time)
    }

    /// How many requests of `route` were answered with `status`.
    package borrowing func count(route: RouteClass, status: Int) -> Int {
        count(route: route.rawValue, status: status)
    }

    package borrowing func countShortcut(route: RouteClass) { countShortcut(route: route.rawValue) }

    package borrowing func shortcutCount(route: RouteClass) -> Int { shortcutCount(route: route.rawValue) }

    package borrowing func receivedBytes(route: RouteClass) -> Int { receivedBytes(route: route.rawValue) }

    package borrowing func sentBytes(route: RouteClass) -> Int { sentBytes(route: route.rawValue) }
}
