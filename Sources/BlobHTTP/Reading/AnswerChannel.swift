import Blobs
import NIOCore
import Store

/// Where the answers of one connection, or of one stream of HTTP/2, go. Used on its event loop alone.
protocol AnswerChannel: AnyObject {
    var eventLoop: any EventLoop { get }
    /// Whether more can be written without piling up in memory.
    var isWritable: Bool { get }
    /// Whether a file can be sent without being read by us.
    var takesFiles: Bool { get }
    /// Who is at the other end.
    var client: ClientAddress { get }
    var version: AnsweredRequest.Version { get }

    /// Writes the head of a blob's answer.
    func begin(_ blob: ReadyBlob, _ verdict: BlobVerdict, now: Timestamp)
    /// Writes all of the answer to a plain request for a blob in memory, head and end included; false if that is not
    /// how this channel does it.
    func writeWhole(_ blob: ReadyBlob, now: Timestamp) -> Bool
    /// Writes a refusal, head and end included; tells the bytes of its body.
    func refuse(_ problem: Problem, isHead: Bool, now: Timestamp) -> Int
    /// Writes bytes of the body.
    func write(_ bytes: ByteBuffer)
    /// Writes bytes of the body; the promise hears when they have left the process.
    func write(_ region: FileRegion, promise: EventLoopPromise<Void>)
    /// The answer has been written to its end.
    func end()
    /// The answer cannot be brought to its end: the client is to see that.
    func cut()
    /// Sends what was written.
    func flush()
}
