import Blobs
import Files
package import Transfer

extension MediaClient {
    /// Says "delivered", now or later: writes the receipt down, then tries to send it. Whatever happens, the file is
    /// here, so nothing is thrown; the person is told what did not go.
    package func report(_ receipt: DeliveryReceipt) {
        do throws(FileError) {
            guard try state.receipts.add(receipt) else {
                audience.say("the sender is not told that it has arrived: \(ReceiptQueue.limit) receipts wait already")
                return
            }
        } catch {
            audience.say("the sender is not told that it has arrived: \(error)")
            return
        }
        sendWaitingReceipts(to: receipt.place.origin)
    }

    /// Sends what waits for a server that was there just now, as far as it goes quickly.
    package func sendWaitingReceipts(to origin: WebOrigin) {
        guard settings.sendsReceipts else { return }
        do throws(MediaClientError) {
            let waiting = try waitingReceipts().filter { $0.receipt.place.origin == origin }
            let tally = try send(Array(waiting.prefix(Self.receiptsAtOnce)))
            if let reason = tally.reason { sayLater(reason) }
        } catch {
            sayLater(error.description)
        }
    }

    /// Sends everything that waits, to whatever server.
    package func sendWaitingReceipts() throws(MediaClientError) -> ReceiptTally { try send(try waitingReceipts()) }

    /// The receipts that wait, the newest first.
    package func waitingReceipts() throws(MediaClientError) -> [ReceiptQueue.Entry] {
        try onFile(MediaClientError.state) { () throws(FileError) in try state.receipts.entries() }
    }

    // MARK: Steps

    private func sayLater(_ reason: String) {
        audience.say("the sender will be told later that it has arrived: \(reason)")
    }

    /// How many receipts a command sends that is there for something else.
    private static let receiptsAtOnce = 32

    /// Sends these, each once. A server that is not up to one of them is not asked for the others.
    private func send(_ entries: [ReceiptQueue.Entry]) throws(MediaClientError) -> ReceiptTally {
        var tally = ReceiptTally()
        guard !entries.isEmpty else { return tally }
        let person = try state.person.read()
        var silent: Set<WebOrigin> = []
        for entry in entries {
            guard !silent.contains(entry.receipt.place.origin) else {
                tally.waiting += 1
                continue
            }
            let (fate, reason) = try send(entry.receipt, person)
            try settle(entry, fate, reason, &tally)
            if fate == .waits { silent.insert(entry.receipt.place.origin) }
        }
        return tally
    }

    private func send(
        _ receipt: DeliveryReceipt, _ person: Secret
    ) throws(MediaClientError) -> (ReceiptFate, reason: String) {
        let http = try http()
        do throws(TransferError) {
            let response = try http.ask(receipt.request(to: Recipient(person: person, receipt: receipt.secret)))
            let refusal = Refusal(response, now: pacing.wallSeconds())
            return (ReceiptFate(status: response.status), "\(receipt.place.origin.authority): \(refusal)")
        } catch {
            return (.waits, error.description)
        }
    }

    private func settle(
        _ entry: ReceiptQueue.Entry, _ fate: ReceiptFate, _ reason: String, _ tally: inout ReceiptTally
    ) throws(MediaClientError) {
        let isTooOld = now.secondsSince(entry.receipt.at) > ReceiptFate.longestWaitSeconds
        switch fate {
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
