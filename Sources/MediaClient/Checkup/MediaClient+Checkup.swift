package import Blobs
import Files
package import Imaging
package import Transfer

/// Looking whether everything is there that sending needs.
extension MediaClient {
    /// Asks the server whether it is there; returns how many seconds its clock is ahead of ours, nil if it does not tell.
    package func reach() throws(MediaClientError) -> Int64? {
        let api = try api(try uploadServer())
        let response = try api.response(to: HTTPRequest(.get, api.server.appending("healthz")))
        if (300..<400).contains(response.status) { throw api.redirect(response) }
        // A proxy may keep this to itself: only who asks for an upload learns whether it is a server of ours.
        if response.status >= 500 { throw .refused(api.problem(response), host: api.host) }
        guard let theirs = AnswerDate.seconds(response) else { return nil }
        let (ahead, overflow) = theirs.subtractingReportingOverflow(now.seconds)
        return overflow ? nil : ahead
    }

    /// The ticket that the server would be shown; nil if there is none.
    package func ticketLook() throws(MediaClientError) -> TicketLook? {
        try ticket(for: try uploadServer())?.look()
    }

    /// Asks whether the server would take a file with the ticket and the lifetime of the settings; returns where recipients
    /// would be sent, if it says so.
    package func wouldAccept() throws(MediaClientError) -> WebURL? {
        let terms = LeaseRequest.termFields(
            receipts: [.random()], lifetime: settings.lifetime, recipients: settings.recipients)
        return try api(try uploadServer()).check(terms, size: nil)
    }

    /// Whether the state folder can be written; returns how many bytes are free there.
    package func stateRoom() throws(MediaClientError) -> Int64 {
        let file = try spoolFile()
        return try onFile(MediaClientError.state) { () throws(FileError) in
            try file.file.write([0])
            return try Folder.freeBytes(at: state.path)
        }
    }

    /// Libraries that are missing, and what does not work without them.
    package func missingLibraries() -> [MissingLibrary] { MissingLibrary.all(in: decoders) }

    /// The moment by which times are judged.
    package var moment: Timestamp { now }
}
