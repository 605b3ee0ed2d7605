import ArgumentParser
import Blobs
import Store
import Tickets
import Vault

/// `satcheld ticket`: a ticket for trying a server out.
struct TicketCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ticket", abstract: "Makes a ticket for trying out who may upload; prints it.",
        discussion: """
            In earnest the chat server makes tickets. The audience is the setting ticket-audience. The key's name is \
            the file's name up to its first dot; a pair of keys is made with

              openssl genpkey -algorithm ed25519 -out 2026-a.pem
              openssl pkey -in 2026-a.pem -pubout -out keys/2026-a.pem

            and a shared secret with: openssl rand -base64 32
            """)

    @Option(help: "The file of an Ed25519 private key, or of a secret for HS256.") var key: String
    @Option(help: "Who will be charged.") var subject: String
    @Option(help: "How long the ticket is good, at most 1d.") var validity = "1h"
    @Option(help: "The one blob it is for.") var sha256: String?
    @Option(help: "The largest blob it allows, in bytes or with KiB, MiB, GiB.") var maxSize: String?
    @Option(help: "The longest lifetime it allows.") var maxLifetime: String?
    @Option(help: "The most recipients it allows.") var recipients: Int?
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try await options.load()
        guard !settings.ticketAudience.isEmpty else {
            throw ValidationError("Name the audience that the server expects, with --ticket-audience.")
        }
        let now = SystemClock().wall
        let order = TicketMint.Order(
            audience: settings.ticketAudience, subject: subject, expires: now.advanced(by: try lifetime(validity)),
            address: try sha256.map(address),
            entitlement: Entitlement(
                largestBytes: try maxSize.map(bytes), longestLifetime: try maxLifetime.map(lifetime)),
            mostRecipients: recipients)
        do {
            StandardOutput.write(try await TicketMint.token(order, keyAt: key, now: now))
        } catch let error as TicketKeyError {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        } catch let error as TicketRefusal {
            throw ExitStatus.failure("no server would take such a ticket: \(error)", ExitStatus.usage)
        }
    }

    private func lifetime(_ text: String) throws -> Lifetime {
        guard let lifetime = Lifetime(text) else { throw ValidationError("\(text) is no time; write 90m or 12h.") }
        return lifetime
    }

    private func address(_ text: String) throws -> BlobAddress {
        guard let address = BlobAddress(hex: text) else {
            throw ValidationError("--sha256 is 64 lower-case hexadecimal digits.")
        }
        return address
    }

    private func bytes(_ text: String) throws -> Int64 {
        guard let bytes = Quantity.bytes(text) else {
            throw ValidationError("\(text) is no size; write 500KiB or 2GiB.")
        }
        return bytes
    }
}
