import ArgumentParser

/// The program.
struct Satchel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "satchel",
        abstract: "Sends files end-to-end encrypted: a message of a few hundred bytes goes through the chat instead.",
        discussion: """
            A message holds the key. Hand it to satchel through a pipe or a file: arguments can be seen by others.

            Settings come from flags, from the environment (SATCHEL_SERVER, SATCHEL_TICKET …) and from the file \
            ~/.config/satchel/config; `satchel config` shows them all.

            \(Ending.help)
            """,
        subcommands: [
            Send.self, Open.self, Show.self, Status.self, Forward.self, Renew.self, Revoke.self, Sent.self,
            OutboxCommand.self, Receipts.self, QuotaCommand.self, Seal.self, Unseal.self, Prepare.self, Config.self,
        ])
}
