import BlobFiles
import Blobs
import Files
import NIOCore
import Store
import Synchronization

/// The requests of a fill, each in a task of its own.
extension Fill {
    func start(_ id: Int, _ stream: (any ByteStream)?) {
        Task { await run(id, stream) }
    }

    /// One run from its first byte to its last, over several requests where they break off.
    private func run(_ id: Int, _ begun: (any ByteStream)?) async {
        var stream = begun
        while true {
            do throws(SourceError) {
                if stream == nil {
                    guard let (start, end) = state.withLock({ $0.plan.runs[id].map { ($0.position, $0.end) } }) else {
                        return
                    }
                    stream = try await source.bytes(of: address, from: start, to: end, size: size)
                }
                guard let open = stream else { return }
                try await take(from: open, in: id)
                break
            } catch {
                stream?.cancel()
                stream = nil
                if await !mayRetry(after: error) {
                    return end(id, because: error)
                }
            }
        }
        stream?.cancel()
        end(id, because: nil)
    }

    /// Takes what a stream brings, until the run is at its end or nobody wants more.
    private func take(from stream: any ByteStream, in id: Int) async throws(SourceError) {
        while await mayGoOn(id) {
            let room = room(of: id)
            if room == 0 || isDeserted(id) { return }
            guard let bytes = try await stream.next(atMost: room) else {
                throw .broken("the answer ended early")
            }
            guard await write(bytes, of: stream, in: id) else { return }
        }
    }

    /// Bytes that a run may take at once; 0 while readers have to catch up.
    private func room(of id: Int) -> Int { Int(min(state.withLock { $0.plan.room(of: id) }, Int64(Self.pieceBytes))) }

    /// Waits where readers have to catch up first; false where they do not.
    private func mayGoOn(_ id: Int) async -> Bool {
        if room(of: id) > 0 { return true }
        return await pause(id)
    }

    /// Whether everybody has left and it is not worth finishing. A run that follows readers is not far ahead of them, and
    /// the next may come soon.
    private func isDeserted(_ id: Int) -> Bool {
        state.withLock { state in
            guard state.readers == 0, state.plan.runs[id].map({ $0.ceiling == $0.end }) ?? true else { return false }
            if case .filling = state.phase, state.isWanted {
                let missing = state.plan.map.missingBytes
                return missing > Self.worthFinishing && missing > size / 2
            }
            return true
        }
    }

    /// Waits until readers have caught up with a run; false where they do not.
    private func pause(_ id: Int) async -> Bool {
        let timer = Task {
            try await Task.sleep(for: Self.pause)
            let paused = state.withLock { $0.paused.removeValue(forKey: id) }
            paused?.resume()
        }
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLock { state in
                if state.plan.room(of: id) > 0 { return true }
                state.paused[id] = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
        timer.cancel()
        return state.withLock { $0.plan.room(of: id) > 0 }
    }

    /// Writes the next bytes of a run, and on the same turn of a thread whatever has come behind them by then. False where
    /// the run is over, or the disk fails: then readers go past it.
    private func write(_ first: ByteBuffer, of stream: any ByteStream, in id: Int) async -> Bool {
        let goesOn = try? await threads.run { [self] () throws(StoreError) in
            var bytes = first
            var left = Self.turnBytes
            while true {
                switch try write(bytes, in: id) {
                case .whole:
                    verify()
                    return false
                case .over: return false
                case .going: announce()
                }
                left -= bytes.readableBytes
                let room = room(of: id)
                guard left > 0, room > 0, !isDeserted(id), let more = stream.arrived(atMost: room) else { return true }
                bytes = more
            }
        }
        return goesOn ?? false
    }

    /// How a run stands after some bytes.
    private enum Progress {
        case going, over
        /// All bytes of the blob have come with these.
        case whole
    }

    /// Writes bytes at the position of a run, and hashes them where they go on from those that have been. Blocks its
    /// thread.
    private func write(_ bytes: ByteBuffer, in id: Int) throws(StoreError) -> Progress {
        let taken: (position: Int64, hasher: BlobHasher?)? = state.withLock { state in
            guard let position = state.plan.runs[id]?.position else { return nil }
            guard state.hashed == position, let hasher = state.hasher else { return (position, nil) }
            state.hasher = nil
            return (position, hasher)
        }
        guard let taken else { return .over }
        try part.write(bytes.readableBytesSpan, at: taken.position)
        var hasher = taken.hasher
        hasher?.update(bytes.readableBytesSpan)
        let count = Int64(bytes.readableBytes)
        return state.withLock { state in
            if let hasher { (state.hasher, state.hashed) = (hasher, taken.position + count) }
            (state.failures, state.latest) = (0, .now)
            state.unannounced += count
            let isOver = state.plan.advance(id, by: count)
            guard case .filling = state.phase, state.plan.map.isFull, !state.isEnding else {
                return isOver ? .over : .going
            }
            state.isEnding = true
            return .whole
        }
    }

    /// Wakes readers, now and then.
    private func announce() {
        let mustWait: Bool? = state.withLock { state in
            if state.unannounced >= Self.announcedBytes {
                state.unannounced = 0
                return nil
            }
            defer { state.isAnnouncing = true }
            return !state.isAnnouncing
        }
        guard let mustWait else { return wake() }
        guard mustWait else { return }
        Task {
            try? await Task.sleep(for: Self.announcedAfter)
            state.withLock { state in
                state.isAnnouncing = false
                state.unannounced = 0
            }
            wake()
        }
    }

    /// Whether a run goes on after a failure; waits before that.
    private func mayRetry(after error: SourceError) async -> Bool {
        guard case .broken = error else { return false }
        let (failures, latest, isWanted) = state.withLock { state in
            state.failures += 1
            return (state.failures, state.latest, state.readers > 0)
        }
        guard isWanted, failures <= Self.pauses.count, .now - latest < patience else { return false }
        try? await Task.sleep(for: .seconds(Self.pauses[failures - 1]))
        return true
    }

    private func end(_ id: Int, because error: SourceError?) {
        let rest = state.withLock { state in
            let rest = state.plan.runs[id].map { $0.position..<max($0.position, $0.end) }
            state.plan.end(id)
            state.latest = .now
            if error != nil { state.failures = 0 }
            return rest
        }
        // What is here stays for those who read it later.
        switch error {
        case .gone: finish(.failed(.notFound), .dropped)
        case .wrong(let why): finish(.failed(.io("the origin: \(why)")), .dropped)
        case .busy: wake(in: rest, because: .io("too much is being fetched from the origin"))
        case .broken(let why): wake(in: rest, because: .io("the origin: \(why)"))
        case nil: break
        }
        wake()
    }
}
