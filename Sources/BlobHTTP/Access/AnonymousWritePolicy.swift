package import Blobs
package import HTTPTypes

/// Who may write in anonymous mode: only programs on this machine, since the server is there for the person who uses
/// it.
package struct AnonymousWritePolicy: Sendable {
    /// Whether everybody may write, because the operator said so.
    package let allowsAnyone: Bool

    package init(allowsAnyone: Bool) {
        self.allowsAnyone = allowsAnyone
    }

    /// Checks a write by its fields; `host` is the Host field, `own` the server's public URL.
    ///
    /// A Host that is not loopback points to DNS rebinding, forwarding fields to a proxy that lets strangers in, and a
    /// foreign Origin to a page of somebody else.
    package func validate(host: String?, fields: HTTPFields, own: PublicURL) throws(Problem) {
        if allowsAnyone { return }
        guard let host, let authority = Authority(host), authority.isLoopback else {
            throw Self.refusal("the request's Host is not this machine")
        }
        for name in [HTTPField.Name.forwarded, .xForwardedFor, .via] where fields[name] != nil {
            throw Self.refusal("the request came through a proxy")
        }
        if let origin = fields[.origin], origin != own.origin {
            throw Self.refusal("the request came from a page of another origin")
        }
    }

    private static func refusal(_ why: String) -> Problem {
        Problem(
            .ticketMissing, detail: "Without a ticket, only programs on this machine may write: \(why).",
            fields: [.wwwAuthenticate: "Bearer"])
    }
}

/// Whether a server that cannot tell uploaders apart may start.
package enum AnonymousMode {
    /// Nil if it may; else a sentence that says why not, and what the choices are.
    package static func refusal(
        listening: Authority, publicURL: PublicURL?, hasKeys: Bool, allowsAnyone: Bool
    ) -> String? {
        if allowsAnyone || hasKeys { return nil }
        let publicHost = publicURL.map { Authority(host: $0.host, port: nil) }
        let reason: String
        if !listening.isLoopback {
            reason = "--listen \(listening.bracketedHost) can be reached from other machines"
        } else if let publicHost, !publicHost.isLoopback {
            reason = "--public-url \(publicHost.bracketedHost) is not this machine"
        } else {
            return nil
        }
        return "anybody could upload: \(reason). Require tickets, with --ticket-keys (SATCHELD_TICKET_KEYS) and"
            + " --ticket-audience; or listen on 127.0.0.1, behind something that decides who may upload; or allow it"
            + " explicitly with --allow-anonymous-uploads (SATCHELD_ALLOW_ANONYMOUS_UPLOADS=true)."
    }
}
