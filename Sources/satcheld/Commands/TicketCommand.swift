import ArgumentParser
import Blobs
import Store
import StoreParts
import Tickets
import Vault

/// `satcheld ticket`: makes a ticket for testing.
struct TicketCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ticket", abstract: "Makes an upload ticket for testing, and prints it.",
        discussion: """
            In production the chat server makes tickets. The audience is the setting ticket-audience. The key's name \
            is the file's name up to its first dot. To make a key pair:

              openssl genpkey -algorithm ed25519 -out 2026-a.pem
              openssl pkey -in 2026-a.pem -pubout -out keys/2026-a.pem

            To make a shared secret, which others must not be able to read:

              (umask 077; openssl rand -base64 32 > keys/2026-b.secret)
            """)

    @Option(help: "File of an Ed25519 private key, or of a secret for HS256.") var key: String
    @Option(help: "Subject that uploads are charged to.") var subject: String
    @Option(help: "How long the ticket is valid, at most 1d.") var validity = "1h"
    @Option(help: "Allow only the blob with this address.") var sha256: String?
    @Option(help: "Size limit of a blob, in bytes or with KiB, MiB, GiB.") var maxSize: String?
    @Option(help: "Longest lifetime of a lease, such as 12h or 30d.") var maxLifetime: String?
    @Option(help: "Largest number of recipients.") var recipients: Int?
    @Flag(help: "Allow bytes that are not sealed, in one request, whatever the server accepts.") var acceptAny = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.load(for: Self.self)
        guard !settings.ticketAudience.isEmpty else {
            throw ValidationError("Set the audience that the server expects, with --ticket-audience.")
        }
        let now = SystemClock().wall
        let order = TicketMint.Order(
            audience: settings.ticketAudience, subject: subject, expires: now.advanced(by: try lifetime(validity)),
            address: try sha256.map(address),
            entitlement: Entitlement(
                largestBytes: try maxSize.map(bytes), longestLifetime: try maxLifetime.map(lifetime)),
            mostRecipients: recipients, acceptsAny: acceptAny)
        do {
            StandardOutput.write(try await TicketMint.token(order, keyAt: key, now: now))
        } catch let error as TicketKeyError {
            throw ExitStatus.failure(error.description, .configuration)
        } catch let error as TicketRefusal {
            throw ExitStatus.failure("no server would accept such a ticket: \(error)", .usage)
        }
    }

    private func lifetime(_ text: String) throws -> Lifetime {
        guard let lifetime = Lifetime(text) else {
            throw ValidationError("\(text) is not a time; write it like 90m or 12h.")
        }
        return lifetime
    }

    private func address(_ text: String) throws -> BlobAddress {
        guard let address = BlobAddress(hex: text) else {
            throw ValidationError("--sha256 must be 64 lower-case hexadecimal digits.")
        }
        return address
    }

    private func bytes(_ text: String) throws -> Int64 {
        guard let bytes = SettingParser.bytes(text) else {
            throw ValidationError("\(text) is not a size; write it like 500KiB or 2GiB.")
        }
        return bytes
    }
}
