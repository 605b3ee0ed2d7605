import Blobs
import HTTPTypes
import NIOCore
import Store
import Telemetry

/// How far the answer to one request for a blob is, for those who count answers.
struct AnswerProgress {
    let address: BlobAddress
    let isHead: Bool
    /// Who asks, where a proxy may have told that or rates are counted.
    let asker: ClientAddress?
    let begun = NIODeadline.now()
    var status = 0
    var refusal: Problem.Code?
    /// Bytes of the body written so far.
    var sentBytes: Int64 = 0

    /// From the end of the request until now.
    var time: Duration { .nanoseconds((NIODeadline.now() - begun).nanoseconds) }

    /// The facts about the answer, which has ended now.
    func ended(on channel: any AnswerChannel) -> AnsweredRequest {
        AnsweredRequest(
            route: .blob, method: isHead ? .head : .get, status: status, refusal: refusal, sentBytes: sentBytes,
            time: time, blob: address, client: asker ?? channel.client, version: channel.version)
    }
}
