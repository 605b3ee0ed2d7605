import NIOCore

extension ConnectionGuard {
    func close() { if let context { end(context) } }

    func end(_ context: ChannelHandlerContext) { close(context: context, mode: .all, promise: nil) }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, let ending else { return context.close(mode: mode, promise: promise) }
        ending.close(context, promise: promise)
    }

    /// Closes the connection when everything written has been sent.
    func closeWhenSent(lingering: Bool) {
        guard let context else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            if lingering { self?.linger() } else { self?.close() }
        }
    }

    /// Whether a response, or a part of one, still waits for the client: then the connection closes when it has been sent, and
    /// no more requests are taken.
    func closesWhenSent() -> Bool {
        guard mayWait else { return false }
        state.stopReading()
        closeWhenSent(lingering: true)
        return true
    }

    /// Closes the connection once everything written has been sent. What still arrives is discarded for a while, since
    /// unread bytes at a close would make the kernel reset the connection, and the client lose the response.
    func linger() {
        guard let context, !isLingering else { return }
        isLingering = true
        held = ByteBuffer()
        if isInputClosedHeld { return end(context) }
        state.linger(now: .now())
        context.close(mode: .output, promise: nil)
        context.read()
        arm()
    }
}
