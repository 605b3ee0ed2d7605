import Blobs
import HTTPTypes
import Hummingbird
import NIOCore
import Store

extension Response {
    /// A refusal; `closes` if the connection is to end with it.
    init(_ problem: Problem, closes: Bool = false) {
        var fields = problem.answerFields
        if closes { fields[.connection] = "close" }
        self.init(
            status: problem.status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.body)))
    }

    /// An upload, or a lease on a blob that was held already, which is durable now.
    init(created blob: StoredBlob, at publicURL: PublicURL) {
        let descriptor = BlobDescriptor(blob, at: publicURL)
        self = .json(text: descriptor.json)
        if blob.isNew {
            status = .created
            headers[.location] = descriptor.url
        }
    }

    /// 200 with a JSON document, for this client alone.
    static func json(_ document: some Encodable) -> Response { json(text: JSONText.encode(document)) }

    private static func json(text: [UInt8]) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
    }

    /// 204: it is done, and there is nothing to tell.
    static var done: Response { Response(status: .noContent, headers: [.cacheControl: "no-store"]) }

    /// 200 with a line of text.
    static func plain(_ text: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
