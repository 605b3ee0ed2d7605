import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Pages

/// Which pages for browsers a server has.
package enum PageOffer: String, Sendable {
    /// That which opens links, and that which sends files.
    case openAndSend = "open,send"
    /// That which opens links.
    case open
    /// A note where links lead, without script.
    case none
}

/// The pages that a server has, ready to be given away: the same for everybody and for every address.
struct PageShelf: Sendable {
    private let pages: [Route.BrowserPage: ShelvedPage]

    /// Where no store takes writes, nothing can be sent. `origins` are those of stores that the pages may fetch from
    /// besides the one that gives the page.
    init(_ offer: PageOffer, canSend: Bool, connectingTo origins: [String]) {
        let shelved = { (page: WebPage) in ShelvedPage(page, connectingTo: origins) }
        var pages: [Route.BrowserPage: ShelvedPage] = [
            .open: shelved(offer == .none ? .note : .open), .cut: shelved(.cut),
        ]
        if offer != .none { pages[.video] = shelved(.video) }
        if offer == .openAndSend, canSend { pages[.send] = shelved(.send) }
        self.pages = pages
    }

    subscript(page: Route.BrowserPage) -> ShelvedPage? { pages[page] }
}

/// One page in both forms, each with its fields.
struct ShelvedPage: Sendable {
    private struct PageForm: Sendable {
        let body: ByteBuffer
        let tag: EntityTag
        let fields: HTTPFields
    }

    private let plain: PageForm
    /// Nil where it is not worth it.
    private let compressed: PageForm?
    /// It stands where there is nothing, for people alone.
    private let tellsOfMistake: Bool

    init(_ page: WebPage, connectingTo origins: [String]) {
        let policy = page.policy.connecting(to: origins).description
        plain = Self.form(page.bytes, .identity, policy, page)
        compressed = page.gzip.map { Self.form($0, .gzip, policy, page) }
        tellsOfMistake = page.name == .cut
    }

    /// A tag names the bytes and what is said of them, so that whoever has a page asks for it again when its policy is
    /// another one.
    private static func form(_ bytes: [UInt8], _ coding: ContentCoding, _ policy: String, _ page: WebPage) -> PageForm {
        let tag = EntityTag(opaque: BlobAddress(of: Array(policy.utf8) + bytes).hex)
        var fields: HTTPFields = [
            .eTag: "\"\(tag.opaque)\"", .cacheControl: "no-cache, no-transform", .vary: "Accept-Encoding",
            .reprDigest: "sha-256=:\(Base64.encode(BlobAddress(of: bytes).bytes)):", .contentType: page.mediaType,
            .contentSecurityPolicy: policy, .referrerPolicy: "no-referrer", .xContentTypeOptions: "nosniff",
            .crossOriginOpenerPolicy: "same-origin", .crossOriginResourcePolicy: "same-origin",
            .permissionsPolicy: "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ]
        if coding == .gzip { fields[.contentEncoding] = "gzip" }
        return PageForm(body: ByteBuffer(bytes: bytes), tag: tag, fields: fields)
    }

    /// The answer to a GET, or to a HEAD before its body is left out.
    func response(to request: HTTPFields) throws(Problem) -> Response {
        let form = ContentCoding(accepted: request.joined(.acceptEncoding)) == .gzip ? compressed ?? plain : plain
        if tellsOfMistake {
            var fields = form.fields
            fields[.eTag] = nil
            fields[.cacheControl] = "no-store"
            return Response(status: .notFound, headers: fields, body: ResponseBody(byteBuffer: form.body))
        }
        let conditions = Preconditions(
            ifMatch: request.joined(.ifMatch), ifNoneMatch: request.joined(.ifNoneMatch))
        switch conditions.evaluate(form.tag) {
        case .failed: throw Problem(.preconditionFailed, detail: "The page is another one.")
        case .notModified:
            var response = Response(status: .notModified, headers: form.fields)
            // What is there is described already.
            for name in [HTTPField.Name.contentLength, .contentType, .contentEncoding] { response.headers[name] = nil }
            return response
        case .proceed:
            return Response(status: .ok, headers: form.fields, body: ResponseBody(byteBuffer: form.body))
        }
    }
}

extension HTTPFields {
    /// Whether whoever asks names HTML among what it takes, as browsers do for what a person opens in a tab; programs that
    /// take anything do not.
    var acceptsPage: Bool {
        guard let accepted = joined(.accept) else { return false }
        return accepted.split(separator: ",").contains { range in
            range.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased() == "text/html"
        }
    }

    /// The value of a field that may come in several lines (RFC 9110 §5.2); nil where there is none.
    fileprivate func joined(_ name: HTTPField.Name) -> String? {
        contains(name) ? self[values: name].joined(separator: ", ") : nil
    }
}
