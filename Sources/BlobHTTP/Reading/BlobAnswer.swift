import Blobs
import HTTPTypes
import NIOCore
import Store

/// Answers requests for blobs on one channel, one after another, on its event loop: at once where all is ready there,
/// else as soon as the store, the disk or the client lets it. Used on that loop alone.
final class BlobAnswer {
    /// Bytes read and written at a time where a file cannot be sent as such.
    private static let copyBytes: Int64 = 64 << 10

    private enum State {
        case idle
        case finding
        case sending(BodyPlan)
        /// The plan goes on when bytes have come from a disk, or have left.
        case waiting(BodyPlan)
        case over
    }

    private let desk: ReadingDesk
    private let channel: any AnswerChannel
    private var state = State.idle
    /// Of the answer under way.
    private var progress: AnswerProgress?
    /// Called when an answer that took its time has ended.
    var onEnd: (() -> Void)?

    init(desk: ReadingDesk, channel: any AnswerChannel) {
        self.desk = desk
        self.channel = channel
    }

    /// Whether the next request can be answered.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// Where a request came from, as `Gate.asker` has it.
    func asker(peer: @autoclosure () -> ClientAddress, told: (HTTPField.Name) -> String?) -> ClientAddress? {
        desk.reads.gate.asker(peer: peer(), told: told)
    }

    /// Answers a request; afterwards either `isIdle` again, or `onEnd` will be called.
    func answer(_ question: BlobQuestion, for address: BlobAddress) {
        let now = desk.now
        progress = AnswerProgress(address: address, isHead: question.isHead, asker: question.asker)
        if let asker = question.asker, let seconds = desk.reads.gate.limiter.admit(asker) {
            refuse(.rate("of this address", seconds), question, now: now)
            return
        }
        if let blob = desk.readyBlob(address, now: now) {
            answer(question, with: blob, now: now)
            return
        }
        state = .finding
        desk.find(address, for: question.intent) { [weak self] result in self?.hear(result, question) }
    }

    /// The channel has room again.
    func proceed() {
        guard case .sending(let plan) = state else { return }
        send(plan)
        finishTurn()
    }

    /// The channel is gone; nothing is answered any more.
    func abandon() {
        state = .over
        onEnd = nil
        finishCounting()
    }

    private func refuse(_ problem: Problem, _ question: BlobQuestion, now: Timestamp) {
        progress?.status = problem.status.code
        progress?.refusal = problem.code
        let bytes = channel.refuse(problem, isHead: question.isHead, now: now)
        progress?.sentBytes += Int64(bytes)
        finishCounting()
    }

    /// Has the answer counted that has ended; one that the client left before it began is none.
    private func finishCounting() {
        guard let progress else { return }
        self.progress = nil
        if progress.status != 0 { desk.reads.watch.note(progress, on: channel) }
    }

    private func hear(_ result: Result<ReadyBlob, Problem>, _ question: BlobQuestion) {
        guard case .finding = state else { return }
        state = .idle
        switch result {
        case .success(let blob): answer(question, with: blob, now: desk.now)
        case .failure(let problem): refuse(problem, question, now: desk.now)
        }
        finishTurn()
    }

    private func answer(_ question: BlobQuestion, with blob: ReadyBlob, now: Timestamp) {
        let verdict: BlobVerdict
        do { verdict = try BlobVerdict.decide(question, blob.facts) } catch {
            refuse(error, question, now: now)
            return
        }
        progress?.status = verdict.status.code
        if let asker = question.asker {
            desk.reads.gate.limiter.spend(verdict.body.byteCount(of: blob.facts.size), by: asker)
        }
        if verdict.body == .whole, blob.body != nil, channel.writeWhole(blob, now: now) {
            progress?.sentBytes += blob.facts.size
            finishCounting()
            return
        }
        channel.begin(blob, verdict, now: now)
        send(BodyPlan(blob, verdict.body))
    }

    private func finishTurn() {
        channel.flush()
        if isIdle { onEnd?() }
    }

    // MARK: Body

    /// Writes as much as the channel takes and memory has. The end needs no room, and the last bytes may wait for it.
    private func send(_ plan: BodyPlan) {
        var plan = plan
        while channel.isWritable || plan.isWritten {
            switch plan.next() {
            case nil:
                state = .idle
                channel.end()
                finishCounting()
                return
            case .bytes(let bytes): write(bytes)
            case .range(let range):
                if let body = plan.blob.body {
                    write(Self.slice(body, range))
                    plan.pass(range.count)
                    continue
                }
                guard let content = plan.blob.content else {
                    preconditionFailure("a ready blob has its bytes or knows where they are")
                }
                if channel.takesFiles, let file = plan.blob.openFile() {
                    return sendFile(file, content, plan, range)
                }
                if !copyResident(content, &plan, range) { return }
            }
        }
        state = .sending(plan)
    }

    private func write(_ bytes: ByteBuffer) {
        channel.write(bytes)
        progress?.sentBytes += Int64(bytes.readableBytes)
    }

    private static func slice(_ body: ByteBuffer, _ range: ByteRange) -> ByteBuffer {
        guard let slice = body.getSlice(at: body.readerIndex + Int(range.offset), length: Int(range.count)) else {
            preconditionFailure("a range lies within its blob")
        }
        return slice
    }

    /// Sends the first piece of `range` as it lies in the file, once that needs no waiting.
    private func sendFile(_ file: LoopFile, _ content: any BlobContent, _ plan: BodyPlan, _ range: ByteRange) {
        let piece = Residency.firstPiece(of: range, size: plan.blob.facts.size)
        guard plan.blob.isResident(piece, at: .now()) else {
            wait(plan) { () async -> StoreError? in
                do throws(StoreError) { try await content.fetch(piece) } catch { return error }
                return nil
            } then: { answer, plan, error in
                if let error { return answer.cut(plan, error) }
                answer.write(file, plan, piece)
                answer.channel.flush()
            }
            return
        }
        write(file, plan, piece)
    }

    /// The piece counts as sent when it has left the process: a client that is slow to take it is not idle.
    private func write(_ file: LoopFile, _ plan: BodyPlan, _ piece: ByteRange) {
        var plan = plan
        plan.pass(piece.count)
        state = .waiting(plan)
        let sent = channel.eventLoop.makePromise(of: Void.self)
        channel.write(file.region(piece), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { [weak self] result in
            // The descriptor stays open until nobody sends from it.
            withExtendedLifetime(file) {}
            guard let self, case .waiting(let plan) = state else { return }
            guard case .success = result else { return abandon() }
            progress?.sentBytes += piece.count
            send(plan)
            finishTurn()
        }
    }

    /// Copies a piece of `range` if memory has it; else has it read elsewhere and goes on then. False if it waits.
    private func copyResident(_ content: any BlobContent, _ plan: inout BodyPlan, _ range: ByteRange) -> Bool {
        let count = min(range.count, Self.copyBytes)
        guard let piece = ByteRange(offset: range.offset, count: count, within: plan.blob.facts.size) else {
            preconditionFailure("a piece of a range lies within the blob")
        }
        if let bytes = Self.resident(piece, of: content) {
            write(bytes)
            plan.pass(count)
            return true
        }
        wait(plan) { () async -> Result<ByteBuffer, StoreError> in
            do throws(StoreError) { return .success(ByteBuffer(bytes: try await content.read(piece))) } catch {
                return .failure(error)
            }
        } then: { answer, plan, result in
            var plan = plan
            switch result {
            case .success(let bytes):
                answer.write(bytes)
                plan.pass(count)
                answer.send(plan)
                answer.finishTurn()
            case .failure(let error): answer.cut(plan, error)
            }
        }
        return false
    }

    /// Ends an answer whose bytes cannot be read: what is missing tells the client.
    private func cut(_ plan: BodyPlan, _ error: StoreError) {
        desk.reads.cut(plan.blob.facts.address, error)
        abandon()
        channel.cut()
    }

    private static func resident(_ piece: ByteRange, of content: any BlobContent) -> ByteBuffer? {
        var buffer = ByteBufferAllocator().buffer(capacity: Int(piece.count))
        // Safe: the span is used within the call and covers what the buffer has room for.
        let filled = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(piece.count)) { room in
            let exact = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(Int(piece.count)))
            var span = unsafe MutableRawSpan(_unsafeBytes: exact)
            return content.readResident(at: piece.offset, into: &span)
        }
        return filled == Int(piece.count) ? buffer : nil
    }

    /// Does `work` away from the event loop and goes on with what it gave, unless the channel went meanwhile.
    private func wait<Value: Sendable>(
        _ plan: BodyPlan, for work: @escaping @Sendable () async -> Value,
        then proceed: @escaping (BlobAnswer, BodyPlan, Value) -> Void
    ) {
        state = .waiting(plan)
        let bound = NIOLoopBound((answer: self, proceed: proceed), eventLoop: channel.eventLoop)
        Task { [loop = channel.eventLoop] in
            let value = await work()
            loop.execute {
                let (answer, proceed) = bound.value
                guard case .waiting(let plan) = answer.state else { return }
                proceed(answer, plan, value)
            }
        }
    }
}
