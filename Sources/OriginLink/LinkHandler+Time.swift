import NIOCore

/// One timer for each connection. It fires no later than the phase needs, and often for nothing, which costs less than
/// to cancel and set it for each exchange.
extension LinkHandler {
    private var deadline: NIODeadline? {
        switch phase {
        case .opening: openingDeadline
        case .free(let since): since.map { $0 + TimeAmount(settings.idleTime) }
        case .busy: .now() + TimeAmount(settings.silence)
        case .closed: nil
        }
    }

    /// Makes sure that the timer fires no later than the phase needs.
    func arm() {
        if let deadline { arm(deadline) }
    }

    private func arm(_ deadline: NIODeadline) {
        if let timer, timer.deadline <= deadline { return }
        guard let context else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timeIsUp() }
        timer = (task, deadline)
    }

    private func timeIsUp() {
        timer = nil
        let now = NIODeadline.now()
        switch phase {
        case .opening: fail(.unreachable("it took longer than \(settings.connectTimeout)"))
        case .free: if let deadline, now >= deadline { fail(.closed) } else { arm() }
        case .busy(let exchange):
            let (isSilent, askAgain) = exchange.isSilent(
                TimeAmount(settings.silence), lastRead: bytes.lastRead, now: now)
            if isSilent { fail(.silent) } else { arm(askAgain) }
        case .closed: break
        }
    }
}
