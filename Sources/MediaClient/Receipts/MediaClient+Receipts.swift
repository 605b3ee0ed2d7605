package import Blobs
import Files
import Transfer

extension MediaClient {
    /// Reports "delivered", now or later: records the receipt, then tries to send it. The file has arrived whatever
    /// happens, so nothing is thrown; what could not be sent is a warning.
    package func report(_ receipt: DeliveryReceipt) {
        guard state.isKept else {
            return delegate.notify("no receipt sent: it takes a state folder; set HOME or XDG_STATE_HOME")
        }
        do throws(FileError) {
            guard try state.receipts.add(receipt) else {
                delegate.notify("no receipt sent: \(ReceiptQueue.limit) receipts are waiting already")
                return
            }
        } catch {
            delegate.notify("no receipt sent: \(error)")
            return
        }
        sendWaitingReceipts(to: receipt.place.origin)
    }

    /// Sends a few of the receipts that wait for a server that was just reached.
    package func sendWaitingReceipts(to origin: HTTPOrigin) {
        guard settings.sendsReceipts, state.isKept else { return }
        do throws(MediaClientError) {
            let waiting = try waitingReceipts().filter { $0.receipt.place.origin.isSameServer(as: origin) }
            let tally = try send(Array(waiting.prefix(Self.receiptsAtOnce)))
            if let reason = tally.reason { notifyLater(reason) }
        } catch {
            notifyLater(error.description)
        }
    }

    /// Sends everything that waits, to every server.
    package func sendWaitingReceipts() throws(MediaClientError) -> ReceiptTally { try send(try waitingReceipts()) }

    /// The receipts that wait, the newest first.
    package func waitingReceipts() throws(MediaClientError) -> [WaitingReceipt] {
        try onFile(MediaClientError.state) { () throws(FileError) in try state.receipts.entries() }
    }

    // MARK: Steps

    private func notifyLater(_ reason: String) {
        delegate.notify("the receipt will be sent later: \(reason)")
    }

    /// How many receipts a command with another purpose sends.
    private static let receiptsAtOnce = 32

    /// Sends each of these once. A server that fails for one is not asked for the others.
    private func send(_ entries: [WaitingReceipt]) throws(MediaClientError) -> ReceiptTally {
        var tally = ReceiptTally()
        guard !entries.isEmpty else { return tally }
        let person = try state.person.read()
        var unreachable: Set<HTTPOrigin> = []
        for entry in entries {
            guard !unreachable.contains(entry.receipt.place.origin) else {
                tally.waiting += 1
                continue
            }
            let (outcome, reason) = try send(entry.receipt, person)
            try settle(entry, outcome, reason, &tally)
            if outcome == .waits { unreachable.insert(entry.receipt.place.origin) }
        }
        return tally
    }

    private func send(
        _ receipt: DeliveryReceipt, _ person: Secret
    ) throws(MediaClientError) -> (ReceiptOutcome, reason: String) {
        let http = try http()
        do throws(TransferError) {
            let response = try http.ask(receipt.request(from: person))
            let problem = ServerProblem(response, now: now.seconds)
            let outcome = ReceiptOutcome(status: response.status, isOfServer: problem.code != nil)
            return (outcome, "\(receipt.place.origin.authority): \(problem)")
        } catch {
            return (.waits, error.description)
        }
    }

    private func settle(
        _ entry: WaitingReceipt, _ outcome: ReceiptOutcome, _ reason: String, _ tally: inout ReceiptTally
    ) throws(MediaClientError) {
        let isTooOld = now.secondsSince(entry.receipt.at) > ReceiptOutcome.longestWaitSeconds
        switch outcome {
        case .delivered: tally.delivered += 1
        case .waits where !isTooOld:
            tally.waiting += 1
            tally.reason = tally.reason ?? reason
            return
        case .refused, .waits: tally.dropped += 1
        }
        try onFile(MediaClientError.state) { () throws(FileError) in try state.receipts.remove(entry) }
    }
}
