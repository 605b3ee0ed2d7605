import EventLoops
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store

/// Takes the small uploads of one connection, one after another, and writes their responses past the codec. Used on its
/// event loop only.
final class UploadTurn {
    private let uploads: SmallUploads
    private let connection: ConnectionGuard
    private let sink: HTTP1ResponseSink
    private lazy var executor = LoopExecutor(sink.eventLoop)
    /// Of the upload whose end has not come yet.
    private var body: UploadBody?
    /// Whether an upload has not been answered to the end.
    private(set) var isBusy = false
    /// Called when one has been.
    var onEnd: (() -> Void)?

    init(_ uploads: SmallUploads, _ connection: ConnectionGuard, _ sink: HTTP1ResponseSink) {
        self.uploads = uploads
        self.connection = connection
        self.sink = sink
    }

    /// Takes the next part of a request, if it belongs to a small upload; false where the router has to take it.
    func take(_ part: HTTPServerRequestPart) -> Bool {
        switch part {
        case .head(let head):
            guard let upload = uploads.upload(head) else { return false }
            begin(upload)
        case .body(let bytes):
            guard let body else { return false }
            body.append(bytes)
        case .end:
            guard let body else { return false }
            body.end()
            self.body = nil
        }
        return true
    }

    /// The body breaks off; false where it is not that of a small upload.
    func fail(_ failure: ConnectionFailure) -> Bool {
        guard let body else { return false }
        body.end(failure)
        self.body = nil
        return true
    }

    /// The connection is gone: nothing is answered any more.
    func abandon() {
        _ = fail(.disconnected)
        onEnd = nil
    }

    private func begin(_ upload: SmallUpload) {
        let payer = uploads.gate.payer(peer: connection.peer) { upload.request.headerFields[$0] }
        if payer.isEdge { connection.releaseShare() }
        let body = UploadBody(bytes: upload.bodyBytes)
        self.body = body
        isBusy = true
        let bound = NIOLoopBound(self, eventLoop: sink.eventLoop)
        uploads.tasks.begin()
        Task(executorPreference: executor) { [uploads, peer = connection.peer] in
            let answer = await uploads.answer(upload, payer: payer, peer: peer, body)
            bound.value.finish(answer)
            uploads.tasks.end()
        }
    }

    private func finish(_ answer: ShortAnswer) {
        isBusy = false
        // Behind the last answer of a connection nothing has its turn.
        if sink.write(answer, now: uploads.store.now()) { onEnd?() }
    }
}
