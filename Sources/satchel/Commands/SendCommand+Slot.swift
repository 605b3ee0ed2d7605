import ArgumentParser
import Files
import MediaClient
import MediaMessage

extension SendCommand {
    /// Flags about what a slot has not: a server and a lease of our own, a message, and a name.
    func refuseBesideSlot() throws {
        let given: [(flag: String, isGiven: Bool)] = [
            ("--wait", wait), ("--server", server.server != nil), ("--ticket-file", server.ticketFile != nil),
            ("--lifetime", lease.lifetime != nil), ("--recipients", lease.recipients != nil),
            ("--recipient-secrets", lease.recipientSecrets), ("--padding", content.padding != nil),
            ("--caption", content.caption != nil), ("--alt", content.alt != nil), ("--name", content.name != nil),
            ("--no-name", content.noName), ("--no-preview", content.noPreview), ("--format", format != nil),
            ("--qr", message.qr == true), ("--no-qr", message.qr == false),
            ("--resumable-from", upload.resumableFrom != nil), ("--attempts", connection.attempts != nil),
        ]
        if let (flag, _) = given.first(where: \.isGiven) {
            throw ValidationError("--slot and \(flag) exclude each other")
        }
        if file.count > 1 { throw ValidationError("--slot is for a single file") }
        if slot == "-" && file == ["-"] { throw ValidationError("- may appear only once") }
    }

    /// Encrypts and uploads one file to the slot in the file at `path`; prints its link.
    func send(toSlot path: String, _ composition: Composition, _ console: Console) throws {
        defer { console.clearLine() }
        let slot = try ChatSlot(parsing: try slotText(path))
        var options = content.sendOptions(for: file[0], composition.settings)
        options.name = .none
        let link = try composition.client.send(try openInput(file[0]), to: slot, options: options)
        console.clearLine()
        try printResult(link.text)
    }

    private func slotText(_ path: String) throws -> [UInt8] {
        let file = try openInput(path)
        do {
            if let bytes = try file.contents(limitBytes: ChatSlot.limitBytes) { return bytes }
        } catch {
            throw MediaClientError.input(error)
        }
        throw MediaClientError.slot("it has more than \(ChatSlot.limitBytes) bytes")
    }
}
