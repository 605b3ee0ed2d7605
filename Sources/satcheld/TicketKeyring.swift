import ArgumentParser
import BlobHTTP
import Tickets

/// Who judges tickets, by the keys that the settings name.
enum TicketKeyring {
    /// Who judges tickets by the settings; nil for anonymous mode.
    static func verifier(_ settings: ServerSettings) async throws -> TicketVerifier? {
        guard !settings.ticketKeyPaths.isEmpty else { return nil }
        do {
            let keys = try await TicketKeys.load(settings.ticketKeyPaths)
            return TicketVerifier(keys: keys, audience: settings.ticketAudience)
        } catch {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        }
    }

    /// Reads the keys again; uploads under way go on: their tickets were judged when they began. Nil in anonymous mode.
    static func reloading(_ settings: ServerSettings) -> Reloading.Part? {
        guard let verifier = settings.server.tickets else { return nil }
        let paths = settings.ticketKeyPaths
        return Reloading.Part(name: "keys for tickets") { verifier.replace(try await TicketKeys.load(paths)) }
    }
}
